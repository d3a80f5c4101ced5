using System.Diagnostics;
using System.Globalization;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Datapath;

/// <summary>What a port keeps of its throughput while another one floods the same switch.</summary>
/// <remarks>
/// The victim sends a steady 20,000 frames a second. What counts is how many of them arrive, beside
/// how many do without the flood. Floods: every frame from another MAC, each a miss that costs the
/// handler some twenty microseconds, as a translation does; the same with misses ten times as
/// dear; frames whose flows all have other masks; 100,000 SYNs a second, each a new connection of a
/// zone beside that of the victim.
/// </remarks>
public sealed class AdversaryBenchmark : IBenchmark
{
    private const int VictimPerSecond = 20_000;
    private const int SynsPerSecond = 100_000;
    private const uint FlooderPort = 3;

    public string Name => "adversary";

    public string Summary => "userspace datapath: a port beside a flood (MACs, masks, SYNs)";

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
        datapath.Conntrack.HalfOpenMax = 50_000;

        foreach (var (title, handler, isSyn) in (ReadOnlySpan<(string, Costly, bool)>)
        [
            ("MACs", new Costly(), false),
            ("dear misses", new Costly { Microseconds = 200 }, false),
            ("masks", new Costly { HasManyMasks = true }, false),
            ("100,000 SYNs/s", new Costly { IsTracked = true }, true),
        ])
        {
            datapath.UpcallHandler = handler;
            datapath.Flows.Flush();
            Measure(report, title, left, right, flooder, isSyn);
            report.Note($"{title}: flows {datapath.Flows.Count}, masks "
                + $"{datapath.Statistics().Masks}, "
                + $"connections {datapath.Conntrack.Totals().Count}");
        }
    }

    private static void Measure(
        BenchmarkReport report, string title, string left, string right, string flooder,
        bool isSyn)
    {
        ManagedSwitch.RunIn(right, () =>
        {
            using var answers = FrameSource.Answering("eth0");
            answers.SendBatch();
        });
        var seconds = report.IsQuick ? 1 : 3;
        List<double> alone = [], beside = [];
        for (var run = 0; run < report.Runs; run++)
        {
            alone.Add(Delivered(left, right, seconds));
            using var flood = new Flood(flooder, isSyn);
            beside.Add(Delivered(left, right, seconds));
        }

        report.Add(new Figure(
            $"victim's frames beside a flood of {title}", "share",
            BenchmarkReport.Median(beside), BenchmarkReport.Median(alone), "alone",
            GoalKind.RatioAtLeast, 0.9));
    }

    /// <summary>The share of the victim's frames that arrive.</summary>
    private static double Delivered(string left, string right, int seconds)
    {
        var before = Received(right);
        long sent = 0;
        ManagedSwitch.RunIn(left, () =>
        {
            using var source = new FrameSource("eth0");
            sent = Paced(VictimPerSecond, source.SendBatch,
                clock => clock.Elapsed.TotalSeconds >= seconds);
        });
        return (double)(Received(right) - before) / sent;
    }

    /// <summary>Sends so many frames a second until it is the end; returns how many.</summary>
    private static long Paced(int perSecond, Action send, Func<Stopwatch, bool> isEnd)
    {
        long sent = 0;
        var clock = Stopwatch.StartNew();
        while (!isEnd(clock))
        {
            if (sent > clock.Elapsed.TotalSeconds * perSecond)
            {
                Thread.Yield();
                continue;
            }

            send();
            sent += FrameSource.BatchSize;
        }

        return sent;
    }

    /// <summary>
    /// Frames for the victim's peer: what a flood of SYNs delivers to it does not count.
    /// </summary>
    private static long Received(string name) => long.Parse(
        Lab.RunIn(name, "sh", "-c", "ip -s -o link show eth0").Split("RX:")[1].Split('\\')[1]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    /// <summary>A thread that floods until it is disposed.</summary>
    private sealed class Flood : IDisposable
    {
        private readonly Thread _thread;
        private volatile bool _isStopping;

        public Flood(string name, bool isSyn)
        {
            _thread = new Thread(() => ManagedSwitch.RunIn(name, () =>
            {
                var random = new Random(1);
                using var source = isSyn ? FrameSource.Opening("eth0") : new FrameSource("eth0");
                if (isSyn)
                {
                    Paced(SynsPerSecond, () => source.SendOpenings(random), _ => _isStopping);
                    return;
                }

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

    /// <summary>Answers misses as a translation does, in time and in what it looks at.</summary>
    private sealed class Costly : IUpcallHandler
    {
        public int Microseconds { get; init; } = 20;
        public bool HasManyMasks { get; init; }
        public bool IsTracked { get; init; }

        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            if (!IsTracked) mask.EthernetSource = MacBytes.FromUInt64(0xFFFF_FFFF_FFFF);
            if (HasManyMasks && key.InPort == FlooderPort)
            {
                // As a table with a rule for each prefix and port would have it.
                var bits = packet.Bytes[10] & 0x1F;
                mask.Ipv4SourceWire = bits == 0 ? 0 : uint.MaxValue >> (32 - bits);
                mask.PortSourceWire = (ushort)(packet.Bytes[11] & 0x1F);
            }

            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start).TotalMicroseconds < Microseconds)
            {
                Thread.SpinWait(10);
            }

            // What the flooder sends goes nowhere, so that the victim's peer counts its own only.
            var port = key.InPort == 1 ? 2u : 1u;
            DatapathAction end = key.InPort == FlooderPort
                ? new DropAction(DropReason.None)
                : new OutputAction(port);
            if (!IsTracked) return new UpcallVerdict([end], Install: true);
            var zone = (ushort)(key.InPort == FlooderPort ? 2 : 1);
            return new UpcallVerdict(
                [new ConntrackAction(true, false, zone, 0, 0, 0, 0, null, null, null), end],
                Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
