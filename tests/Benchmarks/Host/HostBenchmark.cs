using System.Diagnostics;
using System.Globalization;
using Fabric.HostNode.Demo;

namespace Fabric.Benchmarks;

/// <summary>One `fabric host` as it is installed: how soon it works, and what it takes.</summary>
/// <remarks>
/// Two namespaces on one bridge of the best datapath that the machine has. Started: from nothing
/// in the kernel to the first answer to a ping. Killed: pings at 500 a second while the process is
/// killed and started anew; the goal is that of a datapath which outlives it (eBPF).
/// </remarks>
public sealed class HostBenchmark : IBenchmark
{
    private const int Pings = 2_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public string Name => "host";

    public string Summary => "one host node: start to first packet, memory, killed under traffic";

    public void Run(BenchmarkReport report)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new BenchmarkSkippedException("network namespaces need root");
        using var lab = new Lab();
        var world = new World(lab);
        world.Start();
        world.Vsctl(
            "add-br", "br0", "--", "add-port", "br0", "p1", "--", "add-port", "br0", "p2");
        world.UntilItAnswers();

        var starts = new List<double>();
        for (var run = 0; run < report.Runs; run++)
        {
            world.Stop();
            world.Uninstall();
            var watch = Stopwatch.StartNew();
            world.Start();
            world.UntilItAnswers();
            starts.Add(watch.Elapsed.TotalSeconds);
        }

        report.Note($"datapath: {world.Provider()}, "
            + $"whose maps are {world.MapMegabytes():F0} MB of the resident memory");
        report.Add(new Figure(
            "P13 start to first packet", "s", BenchmarkReport.Median(starts),
            Kind: GoalKind.AtMost, Goal: 1.5));
        report.Add(new Figure(
            "P13 resident memory, idle", "MB", world.Megabytes(),
            Kind: GoalKind.AtMost, Goal: 150));

        var lost = new List<double>();
        for (var run = 0; run < report.Runs; run++) lost.Add(world.LostWhileKilled());
        report.Add(new Figure(
            $"P14 lost of {Pings} pings, host node killed and restarted", "packets", lost.Max(),
            Kind: GoalKind.AtMost, Goal: 0));
        world.Stop();
        world.Uninstall();
    }

    private sealed class World
    {
        private readonly Lab _lab;
        private readonly string _host;
        private readonly string _client;
        private readonly Dictionary<string, string> _environment;
        private Process? _process;

        public World(Lab lab)
        {
            _lab = lab;
            _host = lab.Namespace("host");
            _client = lab.Namespace("one");
            lab.Veth(_client, "eth0", "10.0.0.1/24", _host, "p1");
            lab.Veth(lab.Namespace("two"), "eth0", "10.0.0.2/24", _host, "p2");
            _environment = new()
            {
                ["OVS_RUNDIR"] = lab.Folder, ["OVS_LOGDIR"] = lab.Folder,
                ["OVS_DBDIR"] = lab.Folder, ["OVN_RUNDIR"] = lab.Folder,
                ["FABRIC_RUNDIR"] = lab.Folder,
                ["FABRIC_STATEDIR"] = Path.Combine(lab.Folder, "state"),
            };
            File.WriteAllText(
                Path.Combine(lab.Folder, "fabric.conf"),
                $"fabric.host.id = bench-{System.Environment.ProcessId}\n");
        }

        public void Start() => _process = _lab.Start(
            _host, _environment,
            [
                .. InstalledHost.Words, "host", "--config",
                Path.Combine(_lab.Folder, "fabric.conf"),
            ]);

        /// <summary>SIGKILL; what it left in the kernel stays.</summary>
        public void Stop()
        {
            _lab.Ended(_process!);
            _process!.Dispose();
        }

        public void Uninstall() => Fabric("datapath", "uninstall");

        public void Vsctl(params string[] words)
        {
            Lab.WaitUntil(
                () => ListeningSocket.IsAt(Path.Combine(_lab.Folder, "db.sock")), Patience,
                "db.sock");
            Lab.Run("ovs-vsctl",
                [$"--db=unix:{_lab.Folder}/db.sock", "--timeout=30", .. words]);
        }

        public void UntilItAnswers() => Lab.WaitUntil(
            () => Shell.RunAsync("nsenter",
                [$"--net=/run/netns/{_client}", "--", "ping", "-c1", "-W0.1", "10.0.0.2"])
                .Result.Succeeded,
            Patience, "the first packet");

        public string Provider() => Fabric("datapath", "show").Split('\n')[0].Trim();

        public double Megabytes()
        {
            _process!.Refresh();
            return _process.WorkingSet64 / 1e6;
        }

        /// <summary>The kernel's maps, as far as the process sees them as its memory.</summary>
        public double MapMegabytes()
        {
            var isMap = false;
            var kilobytes = 0L;
            foreach (var line in File.ReadLines($"/proc/{_process!.Id}/smaps"))
            {
                if (line.EndsWith("anon_inode:bpf-map", StringComparison.Ordinal)) isMap = true;
                else if (isMap && line.StartsWith("Rss:", StringComparison.Ordinal))
                {
                    kilobytes += long.Parse(line.Split(' ')[^2], CultureInfo.InvariantCulture);
                    isMap = false;
                }
            }

            return kilobytes / 1000.0;
        }

        /// <summary>Pings of one run that were not answered.</summary>
        public double LostWhileKilled()
        {
            UntilItAnswers();
            var pings = Shell.RunAsync("nsenter",
                [
                    $"--net=/run/netns/{_client}", "--", "ping", "-q", "-i0.002", $"-c{Pings}",
                    "-W1", "10.0.0.2",
                ],
                null, TimeSpan.FromSeconds(60));
            var watch = Stopwatch.StartNew();
            Lab.WaitUntil(() => watch.ElapsedMilliseconds > 800, Patience, "some pings");
            Stop();
            Start();
            var words = pings.Result.Output.Split(',', ' ');
            var received = words[Array.IndexOf(words, "received") - 1];
            return Pings - double.Parse(received, CultureInfo.InvariantCulture);
        }

        private string Fabric(params string[] words)
        {
            var result = Shell.RunAsync(
                "nsenter",
                [$"--net=/run/netns/{_host}", "--", .. InstalledHost.Words, .. words],
                _environment)
                .Result;
            return result.Succeeded ? result.Output : throw new InvalidOperationException(
                $"fabric {string.Join(' ', words)}: {result.Error.Trim()}");
        }
    }
}
