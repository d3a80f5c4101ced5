using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Fabric.HostNode.Demo;
using Fabric.HostNode.Pki;

namespace Fabric.Benchmarks;

/// <summary>Three `fabric host` processes with TLS, whose writer is killed.</summary>
/// <remarks>
/// Each host has a network namespace of its own. A client writes at a host that stays, over and
/// over; the figure is the time from SIGKILL of the writer's host to its first success. The killed
/// host then starts again, until all three vote.
/// </remarks>
public sealed class FailoverBenchmark : IBenchmark
{
    private const int HostCount = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string Name => "failover";

    public string Summary => "the northbound's writer is killed: how soon another one answers";

    public void Run(BenchmarkReport report)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new BenchmarkSkippedException("network namespaces need root");
        RunAsync(report, "fast", 3).GetAwaiter().GetResult();
        RunAsync(report, "reference", 12).GetAwaiter().GetResult();
    }

    private static async Task RunAsync(BenchmarkReport report, string profile, double goal)
    {
        await using var topology = DemoTopology.Reserve();
        var hosts = new List<DemoHost>();
        try
        {
            await topology.CreateUnderlayAsync(HostCount);
            var pki = Path.Combine(topology.Folder, "pki");
            var authority = new CertificateAuthority(pki, TimeProvider.System);
            authority.Init("bench");
            var watch = Stopwatch.StartNew();
            for (var i = 1; i <= HostCount; i++) hosts.Add(Make(topology, authority, i, profile));
            foreach (var host in hosts) host.Start();
            await UntilAsync(() => IsWholeAsync(hosts));
            report.Add(new Figure(
                $"{profile}: three processes, from start to three voters", "s",
                watch.Elapsed.TotalSeconds));
            var times = new List<double>();
            for (var run = 0; run < report.Runs; run++) times.Add(await KillWriterAsync(hosts));
            report.Note($"each: {string.Join(", ", times.Select(
                time => time.ToString("F2", CultureInfo.InvariantCulture)))} s");
            report.Add(new Figure(
                $"{profile}: SIGKILL of the writer to a write elsewhere", "s",
                BenchmarkReport.Median(times), Kind: GoalKind.AtMost, Goal: goal));
        }
        finally
        {
            foreach (var host in hosts) await host.DisposeAsync();
        }
    }

    private static DemoHost Make(
        DemoTopology topology, CertificateAuthority authority, int number, string profile)
    {
        var host = new DemoHost(topology, number);
        authority.Issue(host.Id, [$"{DemoTopology.HostAddress(number)}"], ["voter"]);
        host.Configure(HostCount, "userspace", Path.Combine(topology.Folder, "pki"));
        File.AppendAllText(
            Path.Combine(topology.Folder, host.Id, "fabric.conf"),
            $"fabric.cluster.profile = {profile}\n");
        return host;
    }

    private static async Task<double> KillWriterAsync(List<DemoHost> hosts)
    {
        var status = await StatusAsync(hosts[0]);
        var writer = hosts.Single(host => host.Id == (string?)status!["writer"]);
        var other = hosts.First(host => host != writer);
        var watch = Stopwatch.StartNew();
        await writer.KillAsync();
        await UntilAsync(async () => (await other.ToolAsync(
            "ovn-nbctl", ["--timeout=30", "set", "NB_Global", ".", "external_ids:bench=x"]))
            .Succeeded);
        var time = watch.Elapsed.TotalSeconds;
        writer.Start();
        await UntilAsync(() => IsWholeAsync(hosts));
        return time;
    }

    /// <summary>Everyone is there, and all of them vote, in everybody's eyes.</summary>
    private static async Task<bool> IsWholeAsync(List<DemoHost> hosts)
    {
        var writers = new HashSet<string>();
        foreach (var host in hosts)
        {
            if (await StatusAsync(host) is not { } status) return false;
            if ((int?)status["members"] != HostCount || status["writer"] is null) return false;
            writers.Add($"{status["writer"]} in {status["term"]}");
            if (status["voters"] is not JsonArray { Count: HostCount }) return false;
            if (status["unreachable"] is not JsonArray { Count: 0 }) return false;
        }

        return writers.Count == 1;
    }

    private static async Task<JsonNode?> StatusAsync(DemoHost host)
    {
        var result = await host.FabricAsync("cluster", "status", "--json");
        return result.Succeeded ? JsonNode.Parse(result.Output) : null;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience.TotalSeconds} s");
            await Task.Delay(20);
        }
    }
}
