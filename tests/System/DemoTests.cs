using System.Diagnostics;
using System.Text.Json;
using Fabric.Datapath;
using Fabric.HostNode.Demo;

namespace Fabric.SystemTests;

/// <summary>The demo is the first system test: three hosts, real packets, real tools.</summary>
public sealed class DemoTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Of eight, two have no workload.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    public async Task Several_hosts_carry_the_three_tier_network(int hosts)
    {
        var checks = await RunAsync(hosts);
        Assert.All(checks, check => Assert.True(
            check.State == "passed", $"{check.Name}: {check.State}: {check.Detail}"));
        Assert.True(checks.Count >= 12);
    }

    [Fact]
    public async Task One_host_alone_does_what_needs_no_majority()
    {
        var checks = await RunAsync(hosts: 1);
        Assert.All(checks, check => Assert.True(
            check.State is "passed" or "not applicable",
            $"{check.Name}: {check.State}: {check.Detail}"));
        Assert.Contains(checks, check => check.State == "not applicable");
    }

    /// <summary>Also when the host node had no chance to clean up.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_left_behind(bool isKilled)
    {
        var network = Path.Combine(Checkout.Root, "config", "networks", "three-tier.yaml");
        var report = new DemoReport(isQuiet: true);
        string[] traces;
        int[] processes;
        // Runs that were cut off may have left files of other processes with these numbers.
        var before = Directory.GetFileSystemEntries(Path.GetTempPath());
        await using (var demo = new DemoRunner(
            new DemoOptions(Hosts: 1, null, IsOnce: true, IsJson: true, network), report))
        {
            Assert.True(await demo.BringUpAsync(), report.ToJson());
            traces =
            [
                demo.Topology.Folder, demo.Topology.Underlay.Path,
                .. demo.Topology.Hosts.Select(host => host.Path),
                .. demo.Hosts.Select(host => $"/proc/{host.ProcessId}"),
                .. demo.Hosts.Select(host => host.Namespace.Inside(
                    () => EbpfPins.FolderOf(host.Id))).Where(Path.Exists),
            ];
            Assert.All(traces, trace => Assert.True(Path.Exists(trace), trace));
            processes = [.. demo.Hosts.Select(host => host.ProcessId)];
            if (isKilled) await demo.Hosts[0].KillAsync();
        }

        Assert.All(traces, trace => Assert.False(Path.Exists(trace), trace));
        Assert.All(processes, process => Assert.Empty(
            Directory.GetFileSystemEntries(Path.GetTempPath(), $"*-{process}-*")
                .Except(before)));
    }

    private sealed record Check(string Name, string State, string Detail);

    private static async Task<List<Check>> RunAsync(int hosts)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Fabric.HostNode.dll");
        var network = Path.Combine(Checkout.Root, "config", "networks", "three-tier.yaml");
        var evidence = Path.Combine(
            Path.GetTempPath(), $"fabric-evidence-{Environment.ProcessId}-{hosts}");
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                program, "demo", "--once", "--json", "--hosts", $"{hosts}", "--network", network,
                "--evidence", evidence,
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(); // SIGKILL: the assertion below says what was printed.
            Assert.Fail($"no end within {Patience}: {await output} {await errors}");
        }

        var text = await output;
        Assert.True(text.Contains('{'), $"no JSON: {text} {await errors}");
        using var json = JsonDocument.Parse(text);
        return
        [
            .. json.RootElement.GetProperty("checks").EnumerateArray().Select(check => new Check(
                check.GetProperty("name").GetString()!, check.GetProperty("state").GetString()!,
                check.GetProperty("detail").GetString()!)),
        ];
    }
}
