using System.Net;
using Fabric.HostNode.Demo;
using Fabric.HostNode.Pki;

namespace Fabric.Conformance;

/// <summary>One `fabric host` in a network namespace; each test class has its own.</summary>
/// <remarks>
/// It is a cluster of one, so that the northbound has its writer. Ports are internal ones, or
/// workloads: namespaces at the other end of a veth pair. Everything goes away at the end.
/// </remarks>
public sealed class OneHost : IAsyncLifetime
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);

    /// <summary>What a tool may take; the machine may be busy with other things.</summary>
    private const string ToolTimeout = "--timeout=20";

    internal DemoTopology Topology { get; } = DemoTopology.Reserve();

    internal DemoHost Node { get; private set; } = null!;

    internal string DatabaseSocket => $"unix:{Node.RunFolder}/db.sock";

    public async Task InitializeAsync()
    {
        try
        {
            await Topology.CreateUnderlayAsync(hosts: 1);
            var pki = Path.Combine(Topology.Folder, "pki");
            var authority = new CertificateAuthority(pki, TimeProvider.System);
            authority.Init("conformance");
            Node = new DemoHost(Topology, number: 1);
            authority.Issue(Node.Id, [$"{DemoTopology.HostAddress(1)}"], ["voter"]);
            Node.Configure(hosts: 1, "userspace", pki);
            Node.Start();
            Assert.True(await Poll.UntilAsync(IsReadyAsync, StartPatience),
                $"the host node does not answer: {Node.LastLogLines(10)}");
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Both databases answer and the northbound takes writes.</summary>
    private async Task<bool> IsReadyAsync() =>
        ListeningSocket.IsAt(Path.Combine(Node.RunFolder, "db.sock"))
        && (await RunAsync("ovs-vsctl wait-until Bridge br-int")).Succeeded
        && (await RunAsync("ovn-nbctl --wait=sb sync")).Succeeded;

    public async Task DisposeAsync()
    {
        if (Node is not null) await Node.DisposeAsync();
        await Topology.DisposeAsync();
    }

    /// <summary>Runs a command as an operator types it, with a limit of time.</summary>
    internal Task<ShellResult> RunAsync(string command)
    {
        var words = CommandWords.Split(command);
        return words[0] switch
        {
            "fabric" => Node.FabricAsync(words[1..]),
            "ip" => Node.ToolAsync("ip", words[1..]),
            var tool => Node.ToolAsync(tool, [ToolTimeout, .. words[1..]]),
        };
    }

    /// <summary>Runs a command that must succeed, and gives what it printed.</summary>
    internal async Task<string> SaysAsync(string command)
    {
        var result = await RunAsync(command);
        Assert.True(result.Succeeded, $"{command}: {result.ExitCode}: {result.Error}");
        return result.Output.TrimEnd('\n');
    }

    /// <summary>Runs a command that must fail so, and gives what it complained about.</summary>
    internal async Task<string> RefusesAsync(string command, int exitCode = 1)
    {
        var result = await RunAsync(command);
        Assert.True(exitCode == result.ExitCode,
            $"{command}: {result.ExitCode}, not {exitCode}: {result.Output}{result.Error}");
        return result.Error.TrimEnd('\n');
    }

    internal async Task<string[]> LinesAsync(string command) =>
    [
        .. (await SaysAsync(command)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Trim()),
    ];

    /// <summary>The flows of a bridge without statistics, in the order of the dump.</summary>
    internal Task<string[]> FlowsAsync(string bridge, string match = "") =>
        LinesAsync($"ovs-ofctl --no-stats dump-flows {bridge} {match}");

    /// <summary>Makes a namespace with eth0 and plugs its other end into a bridge.</summary>
    internal async Task<DemoWorkload> PlugAsync(
        string bridge, string name, byte number, string settings = "")
    {
        var workload = await Topology.AddWorkloadAsync(new DemoWorkload(
            name, Host: 1, $"02:00:00:00:00:{number:x2}", new IPAddress([10, 1, 0, number]),
            PrefixLength: 24, Gateway: null));
        await SaysAsync($"ovs-vsctl add-port {bridge} {name} {settings}");
        return workload;
    }

    /// <summary>A file in the host's folder, removed with it.</summary>
    internal string Write(string name, string text)
    {
        var path = Path.Combine(Topology.Folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
