using System.Diagnostics;
using System.Globalization;

namespace Fabric.Benchmarks.Datapath;

/// <summary>
/// Same host, two namespaces on veth ports of one userspace switch: ours beside ovs-vswitchd's.
/// </summary>
/// <remarks>
/// Theirs is in its best configuration: userspace-tso-enable, at the priority that ovs-ctl gives
/// it. Each round starts one, measures, stops it, and does the same with the other, so that a busy
/// machine is unfair to both.
/// </remarks>
public sealed class DatapathBenchmark : IBenchmark
{
    private const string Right = "10.77.0.2";
    private const string Theirs = "ovs-vswitchd, userspace-tso-enable";

    public string Name => "datapath";

    public string Summary => "userspace datapath: TCP, round trips, small packets (P5, P7)";

    public void Run(BenchmarkReport report)
    {
        using var lab = new Lab();
        var (hub, left, right) = (lab.Namespace("s"), lab.Namespace("l"), lab.Namespace("r"));
        lab.Veth(left, "eth0", "10.77.0.1/24", hub, "l0");
        lab.Veth(right, "eth0", Right + "/24", hub, "r0");
        Lab.RunIn(left, "ip", "link", "set", "eth0", "address", "02:77:00:00:00:01");
        Lab.RunIn(right, "ip", "link", "set", "eth0", "address", "02:77:00:00:00:02");

        var seconds = report.IsQuick ? 2 : 4;
        List<Sample> ours = [], theirs = [];
        Sample Measure() => new(
            ManagedSwitch.TcpGigabits(lab, left, right, Right, seconds),
            Lab.PingMicroseconds(left, Right, 1000),
            KilopacketsPerSecond(left, right, seconds));
        for (var run = 0; run < report.Runs; run++)
        {
            using (ManagedSwitch.Start(hub))
            {
                WaitUntilConnected(left);
                ours.Add(Measure());
            }

            theirs.Add(WithRealSwitch(hub, left, Measure));
        }

        void Add(string name, string unit, Func<Sample, double> of, GoalKind kind, double goal) =>
            report.Add(new Figure(
                name, unit, BenchmarkReport.Median([.. ours.Select(of)]),
                BenchmarkReport.Median([.. theirs.Select(of)]), Theirs, kind, goal));
        Add("one TCP stream", "Gbit/s", s => s.TcpGigabits, GoalKind.RatioAtLeast, 1.1);
        Add("round trip", "us", s => s.Microseconds, GoalKind.RatioAtMost, 0.6);
        Add("64-byte packets", "kpps", s => s.Kilopackets, GoalKind.RatioAtLeast, 1.0);
        report.Note("rounds, ours: " + string.Join("; ", ours));
        report.Note("rounds, theirs: " + string.Join("; ", theirs));
    }

    private static Sample WithRealSwitch(string hub, string left, Func<Sample> measure)
    {
        using var lab = new Lab();
        var real = new RealSwitch(lab, hub, "--disable-system");
        real.Vsctl("set", "Open_vSwitch", ".", "other_config:userspace-tso-enable=true");
        // It is read at the start only.
        lab.Ended(real.Daemon);
        var folder = Path.Combine(lab.Folder, $"ovs-{hub}");
        var environment = new Dictionary<string, string>
        {
            ["OVS_RUNDIR"] = folder, ["OVS_LOGDIR"] = folder, ["OVS_DBDIR"] = folder,
        };
        var again = lab.Start(
            hub, environment, "nice", "-n", "-10", "/usr/sbin/ovs-vswitchd",
            $"unix:{folder}/db.sock", "--pidfile", "--disable-system", "-vconsole:off");
        real.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev");
        real.Vsctl("add-port", "br0", "l0", "--", "add-port", "br0", "r0");
        WaitUntilConnected(left);
        var sample = measure();
        lab.Ended(again);
        return sample;
    }

    private static void WaitUntilConnected(string left) => Lab.WaitUntil(
        () =>
        {
            try
            {
                Lab.RunIn(left, "ping", "-c", "1", "-W", "1", Right);
                return true;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        },
        TimeSpan.FromSeconds(20), "the two hosts reach each other");

    /// <summary>
    /// Small UDP frames from a packet socket at the left, counted by the device at the right.
    /// </summary>
    private static double KilopacketsPerSecond(string left, string right, int seconds)
    {
        double result = 0;
        long Received() => long.Parse(
            Lab.RunIn(right, "sh", "-c", "ip -s -o link show eth0").Split("RX:")[1]
                .Split('\\')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);
        ManagedSwitch.RunIn(left, () =>
        {
            using var source = new FrameSource("eth0");
            var before = Received();
            var clock = Stopwatch.StartNew();
            while (clock.Elapsed.TotalSeconds < seconds) source.SendBatch();
            result = (Received() - before) / clock.Elapsed.TotalSeconds / 1000;
        });
        return result;
    }

    private sealed record Sample(double TcpGigabits, double Microseconds, double Kilopackets)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"{TcpGigabits:0.0} Gbit/s {Microseconds:0} us {Kilopackets:0} kpps");
    }
}
