using System.Diagnostics;
using System.Net;
using Fabric.HostNode.Demo;

namespace Fabric.SystemTests;

/// <summary>Three hosts with one datapath, five workloads, and a network to begin from.</summary>
/// <remarks>
/// <code>
/// sw0 10.0.0.0/24 fd00:10::/64   a at host 1, b at host 2, c at host 3
/// sw1 10.0.1.0/24 fd00:11::/64   d at host 1, e at host 2
/// lr0 between them and `public`, 172.16.0.0/24, by a gateway port at host 3
/// </code>
/// The last octet of an address is the number of its workload, so is that of its MAC.
/// </remarks>
internal sealed class FeatureWorld(string datapath) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8) * Shell.Slowness;
    private static readonly TimeSpan CommandPatience = TimeSpan.FromSeconds(20);

    private static readonly (string Name, int Host, byte Network, byte Number)[] Plan =
        [("a", 1, 0, 11), ("b", 2, 0, 12), ("c", 3, 0, 13), ("d", 1, 1, 14), ("e", 2, 1, 15)];

    private readonly Mesh _mesh = new(datapath);
    private readonly Dictionary<string, DemoWorkload> _workloads = [];
    private readonly HashSet<string> _touched = [];
    private readonly List<Process> _background = [];

    public string Datapath => _mesh.Datapath;

    public async Task BringUpAsync()
    {
        await _mesh.BringUpAsync(hosts: 3);
        foreach (var (name, host, network, number) in Plan)
        {
            _workloads[name] = await _mesh.PlugAsync(new DemoWorkload(
                name, host, $"02:00:00:00:00:{number}", new IPAddress([10, 0, network, number]),
                PrefixLength: 24, new IPAddress([10, 0, network, 1])));
            await DressAsync(name);
        }
    }

    /// <summary>Runs a feature; throws with the line that did not hold.</summary>
    public async Task RunAsync(Feature feature)
    {
        try
        {
            foreach (var step in Feature.Base.Steps.Concat(feature.Steps))
                await TakeAsync(step);
        }
        finally
        {
            await EndAsync(feature);
        }
    }

    private async Task TakeAsync(FeatureStep step)
    {
        switch (step.Verb)
        {
            case "nb":
                Insist(step, await ShellAsync("h3", $"ovn-nbctl -t 20 --wait=hv {step.Command}"));
                break;
            case "in":
                _touched.Add(step.Where);
                Insist(step, await ShellAsync(step.Where, step.Command));
                break;
            case "back":
                _background.Add(Start(step));
                break;
            case "yes":
                await UntilItHoldsAsync(step);
                break;
            case "no":
                var result = await ShellAsync(step.Where, $"WAIT=0.4; {step.Command}");
                if (result.Succeeded) throw Failure(step, "it succeeds", result);
                break;
        }
    }

    private async Task UntilItHoldsAsync(FeatureStep step)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var result = await ShellAsync(step.Where, step.Command);
            if (result.Succeeded) return;
            if (clock.Elapsed > Patience) throw Failure(step, "it fails", result);
        }
    }

    private void Insist(FeatureStep step, ShellResult result)
    {
        if (!result.Succeeded) throw Failure(step, "it fails", result);
    }

    private Exception Failure(FeatureStep step, string what, ShellResult result) =>
        new InvalidOperationException(
            $"{Datapath}, {step.Place}: {what}: {step.Verb} {step.Where} "
            + $"{(step.Command.Length > 400 ? step.Command[..400] + "..." : step.Command)}\n"
            + $"{result.Output}{result.Error}\n{Background()}{_mesh.Logs(5)}");

    /// <summary>The end of what background commands have written.</summary>
    private string Background() => string.Concat(
        Directory.GetFiles(_mesh.Topology.Folder, "log.*").Select(log =>
            $"{Path.GetFileName(log)}:\n{string.Join('\n', File.ReadLines(log).TakeLast(8))}\n"));

    private Process Start(FeatureStep step)
    {
        var (prefix, environment) = Place(step.Where);
        var process = Process.Start(Shell.Info(
            prefix[0], [.. prefix[1..], "sh", "-c", Script(step.Where)
                + $"exec >>$LOG.$ME 2>&1; {step.Command}"], environment))!;
        process.StandardInput.Close();
        return process;
    }

    private Task<ShellResult> ShellAsync(string where, string command)
    {
        var (prefix, environment) = Place(where);
        return Shell.RunAsync(
            prefix[0], [.. prefix[1..], "sh", "-c", Script(where) + command], environment,
            CommandPatience);
    }

    private string Script(string where) =>
        $"ME={where}; LOG={_mesh.Topology.Folder}/log; . {Feature.Words}; ";

    private (string[] Prefix, IReadOnlyDictionary<string, string>? Environment) Place(string where)
    {
        if (where == "out") return (_mesh.Outside.Prefix, null);
        if (_workloads.TryGetValue(where, out var workload))
            return (workload.Namespace.Prefix, null);
        var host = _mesh.Hosts[where[1] - '1'];
        return (host.Namespace.Prefix, host.Environment);
    }

    /// <summary>A workload's addresses, whatever a feature has made of them.</summary>
    private async Task DressAsync(string name)
    {
        var each = Plan.Single(each => each.Name == name);
        var (ip4, ip6) = ($"10.0.{each.Network}", $"fd00:1{each.Network}:");
        await ShellAsync(name, $"""
            ip link set dev eth0 address 02:00:00:00:00:{each.Number} mtu 1442 up
            ip address flush dev eth0; ip neighbour flush dev eth0
            ip address add {ip4}.{each.Number}/24 dev eth0
            ip address add {ip6}:{each.Number}/64 dev eth0 nodad
            ip address add fe80::{each.Number}/64 dev eth0 nodad
            ip route replace default via {ip4}.1; ip -6 route replace default via {ip6}:1
            """);
    }

    private async Task EndAsync(Feature feature)
    {
        foreach (var process in _background)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        _background.Clear();
        foreach (var step in feature.Steps.Where(step => step.Verb == "undo"))
            await ShellAsync(step.Where, step.Command);
        foreach (var name in _touched.Where(_workloads.ContainsKey)) await DressAsync(name);
        _touched.Clear();
        foreach (var log in Directory.GetFiles(_mesh.Topology.Folder, "log.*")) File.Delete(log);
    }

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();
}
