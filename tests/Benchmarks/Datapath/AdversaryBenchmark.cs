using System.Diagnostics;
using System.Globalization;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Datapath;

/// <summary>What a port keeps of its throughput while another one floods the same switch.</summary>
/// <remarks>
/// The flood's frames each have another source address: each is a miss, which costs the handler
/// some twenty microseconds, as a translation does. The victim sends a steady 20,000 frames a
/// second. What counts is how many of them arrive, beside how many do without the flood.
/// </remarks>
public sealed class AdversaryBenchmark : IBenchmark
{
    private const int VictimPerSecond = 20_000;

    public string Name => "adversary";

    public string Summary => "userspace datapath: a port beside one that floods (MACs, misses)";

    public void Run(BenchmarkReport report)
    {
        using var lab = new Lab();
        var hub = lab.Namespace("s");
        var (left, right, flooder) = (
            lab.Namespace("l"), lab.Namespace("r"), lab.Namespace("f"));
        lab.Veth(left, "eth0", "10.77.0.1/24", hub, "l0");
        lab.Veth(right, "eth0", "10.77.0.2/24", hub, "r0");
        lab.Veth(flooder, "eth0", "10.77.0.3/24", hub, "f0");
        using var datapath = ManagedSwitch.Start(hub);
        ManagedSwitch.RunIn(hub, () => datapath.Ports.TryAdd(
            new DatapathPortSpec("f0", DatapathPortKind.System), out _, out _));
        datapath.UpcallHandler = new Costly();

        var seconds = report.IsQuick ? 2 : 4;
        List<double> alone = [], beside = [];
        for (var run = 0; run < report.Runs; run++)
        {
            alone.Add(Delivered(left, right, seconds));
            using var flood = new Flood(flooder);
            beside.Add(Delivered(left, right, seconds));
        }

        report.Add(new Figure(
            "victim's frames beside a flood", "share", BenchmarkReport.Median(beside),
            BenchmarkReport.Median(alone), "alone", GoalKind.RatioAtLeast, 0.9));
        report.Note($"flows {datapath.Flows.Count}, masks {datapath.Statistics().Masks}");
    }

    /// <summary>The share of the victim's frames that arrive.</summary>
    private static double Delivered(string left, string right, int seconds)
    {
        var before = Received(right);
        long sent = 0;
        ManagedSwitch.RunIn(left, () =>
        {
            using var source = new FrameSource("eth0");
            var clock = Stopwatch.StartNew();
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                if (sent > clock.Elapsed.TotalSeconds * VictimPerSecond)
                {
                    Thread.Yield();
                    continue;
                }

                source.SendBatch();
                sent += FrameSource.BatchSize;
            }
        });
        return (double)(Received(right) - before) / sent;
    }

    private static long Received(string name) => long.Parse(
        Lab.RunIn(name, "sh", "-c", "ip -s -o link show eth0").Split("RX:")[1].Split('\\')[1]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    /// <summary>A thread that floods until it is disposed.</summary>
    private sealed class Flood : IDisposable
    {
        private readonly Thread _thread;
        private volatile bool _isStopping;

        public Flood(string name)
        {
            _thread = new Thread(() => ManagedSwitch.RunIn(name, () =>
            {
                using var source = new FrameSource("eth0");
                var random = new Random(1);
                while (!_isStopping) source.SendFlood(random);
            }));
            _thread.Start();
        }

        public void Dispose()
        {
            _isStopping = true;
            _thread.Join();
        }
    }

    private sealed class Costly : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.EthernetSource = MacBytes.FromUInt64(0xFFFF_FFFF_FFFF);
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start).TotalMicroseconds < 20) Thread.SpinWait(10);
            return new UpcallVerdict([new OutputAction(key.InPort == 1 ? 2u : 1u)], Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
