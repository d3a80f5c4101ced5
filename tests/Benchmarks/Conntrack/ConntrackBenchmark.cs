using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Conntrack;

/// <summary>
/// The tracker alone: no ports, no flows; each packet is one call with a key already made.
/// </summary>
/// <remarks>
/// OVS's own measure of the same is `ovstest test-conntrack benchmark`, which Debian does not ship;
/// the goals hold its figures of this machine (69 ns an established packet).
/// </remarks>
public sealed class ConntrackBenchmark : IBenchmark
{
    private const int Held = 1_000_000;
    private const int Working = 4_096;

    /// <summary>How often all packets go through for one figure.</summary>
    private const int Rounds = 512;

    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;

    private static readonly ConntrackAction Look =
        new(false, false, 1, 0, 0, 0, 0, null, null, null);

    private static readonly ConntrackAction Commit = Look with { Commit = true };

    public string Name => "conntrack";

    public string Summary => "the tracker: look-up, new, memory, dump, flush, two threads";

    public void Run(BenchmarkReport report)
    {
        report.Note("times are processor time of the measured thread, so that a busy machine "
            + "shows in caches only; no OVS figure is measured here");
        var one = Best(report, () => Established(1, ProtocolUdp));
        report.Add(new Figure("established look-up and update, one thread", "ns", one,
            Kind: GoalKind.AtMost, Goal: 65));
        report.Add(new Figure("the same with TCP, windows checked", "ns",
            Best(report, () => Established(1, ProtocolTcp))));
        report.Add(new Figure("two threads beside one", "x",
            2 * one / Best(report, () => Established(2, ProtocolUdp)),
            Kind: GoalKind.AtLeast, Goal: 1.7));

        var before = GC.GetTotalMemory(forceFullCollection: true);
        var table = new ConntrackTable(seed: 11);
        report.Add(new Figure("new connection, up to 100,000", "ns", NewConnection(),
            Kind: GoalKind.AtMost, Goal: 500));
        var clock = ThreadClock.Start();
        Fill(table, Held);
        report.Add(new Figure("new connection, up to a million", "ns",
            clock.Nanoseconds / Held, Kind: GoalKind.AtMost, Goal: 500));
        var used = (GC.GetTotalMemory(forceFullCollection: true) - before) / 1e6;
        report.Add(new Figure("a million connections", "MB", used,
            Kind: GoalKind.AtMost, Goal: 250));
        MeasureDump(report, table);
        GC.KeepAlive(table);
    }

    /// <summary>Connections that come into a table that held as many before.</summary>
    private static double NewConnection()
    {
        const int count = 100_000;
        var table = new ConntrackTable(seed: 5);
        Fill(table, count);
        table.Flush(new ConntrackFilter());
        var clock = ThreadClock.Start();
        Fill(table, count);
        return clock.Nanoseconds / count;
    }

    private static void MeasureDump(BenchmarkReport report, ConntrackTable table)
    {
        // A packet thread goes on meanwhile, with connections of its own.
        var load = Prepare(table, firstAddress: 0x0B00_0000, ProtocolUdp);
        Track(load, Rounds / 16);
        var alone = BenchmarkReport.Median(
            [.. Enumerable.Range(0, 16).Select(_ => Track(load, Rounds / 16))]);
        var isDone = false;
        var beside = new List<double>();
        var thread = new Thread(() =>
        {
            while (!Volatile.Read(ref isDone)) beside.Add(Track(load, Rounds / 16));
        });
        thread.Start();
        var dumped = 0L;
        var clock = ThreadClock.Start();
        table.Dump(null, entry => dumped += entry.Zone);
        report.Add(new Figure("dump of a million", "s", clock.Nanoseconds / 1e9,
            Kind: GoalKind.AtMost, Goal: 2));
        Volatile.Write(ref isDone, true);
        thread.Join();
        report.Add(new Figure("packets beside a dump", "x",
            alone / BenchmarkReport.Median(beside), Kind: GoalKind.AtLeast, Goal: 0.9));
        clock = ThreadClock.Start();
        var flushed = table.Flush(new ConntrackFilter());
        report.Add(new Figure($"flush of {flushed}", "s", clock.Nanoseconds / 1e9,
            Kind: GoalKind.AtMost, Goal: 0.5));
    }

    private static double Best(BenchmarkReport report, Func<double> measure) =>
        Enumerable.Range(0, report.Runs).Min(_ => measure());

    /// <summary>Processor time of a packet of an established connection, in ns.</summary>
    private static double Established(int threads, byte protocol)
    {
        var table = new ConntrackTable(seed: 7);
        var times = new double[threads];
        var workers = Enumerable.Range(0, threads).Select(i =>
        {
            var load = Prepare(table, 0x0A00_0000 + (uint)(i << 16), protocol);
            return new Thread(() =>
            {
                Track(load, Rounds / 4); // Compiled and warm.
                times[i] = Track(load, Rounds);
            });
        }).ToArray();
        foreach (var worker in workers) worker.Start();
        foreach (var worker in workers) worker.Join();
        return times.Average();
    }

    /// <summary>The processor time of the thread that asks.</summary>
    private readonly struct ThreadClock(long start)
    {
        private const int ThreadProcessorTime = 3; // CLOCK_THREAD_CPUTIME_ID of Linux.

        public static ThreadClock Start() => new(Now());

        public double Nanoseconds => Now() - start;

        private static long Now()
        {
            _ = clock_gettime(ThreadProcessorTime, out var time);
            return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
        }

        [DllImport("libc")]
        private static extern int clock_gettime(int clock, out Timespec time);

        [StructLayout(LayoutKind.Sequential)]
        private struct Timespec
        {
            public long Seconds;
            public long Nanoseconds;
        }
    }

    private sealed record Load(ConntrackTable Table, PacketBuffer[] Packets);

    /// <summary>Established connections and a packet of each, checksums vouched for.</summary>
    private static Load Prepare(ConntrackTable table, uint firstAddress, byte protocol)
    {
        var packets = new PacketBuffer[Working];
        for (var i = 0; i < Working; i++)
        {
            FlowKey key = default;
            var packet = new PacketBuffer(128, 0) { IsChecksumValid = true };
            packet.Load(Frame(protocol, firstAddress + (uint)i, 0x0A80_0001, 1000, 53), 0);
            table.Execute(packet, ref key, Commit, 1000);
            key = default;
            var answer = new PacketBuffer(128, 0) { IsChecksumValid = true };
            answer.Load(Frame(protocol, 0x0A80_0001, firstAddress + (uint)i, 53, 1000), 0);
            table.Execute(answer, ref key, Look, 1000);
            packets[i] = packet;
        }

        return new Load(table, packets);
    }

    /// <summary>Processor time of one packet, in ns.</summary>
    private static double Track(Load load, int rounds)
    {
        var clock = ThreadClock.Start();
        FlowKey key = default;
        for (var round = 0; round < rounds; round++)
        {
            foreach (var packet in load.Packets)
            {
                key.ConntrackStateWire = 0;
                load.Table.Execute(packet, ref key, Look, 1000);
            }
        }

        return clock.Nanoseconds / ((double)rounds * load.Packets.Length);
    }

    private static void Fill(ConntrackTable table, int count)
    {
        var packet = new PacketBuffer(128, 0);
        var frame = Frame(ProtocolUdp, 0, 0x0A80_0001, 1000, 53);
        FlowKey key = default;
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(26), 0x0C00_0000 + (uint)i);
            Seal(frame);
            packet.Load(frame, 0);
            key.ConntrackStateWire = 0;
            table.Execute(packet, ref key, Commit, 1000);
        }
    }

    /// <summary>An UDP datagram, or a TCP segment that only acknowledges.</summary>
    private static byte[] Frame(
        byte protocol, uint source, uint destination, ushort from, ushort to)
    {
        var frame = new byte[60];
        frame[12] = 8;
        frame[14] = 0x45;
        frame[17] = protocol == ProtocolTcp ? (byte)40 : (byte)46;
        frame[22] = 64;
        frame[23] = protocol;
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(26), source);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(30), destination);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34), from);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(36), to);
        if (protocol == ProtocolTcp)
        {
            frame[41] = frame[45] = 1; // Sequence and acknowledgement.
            frame[46] = 0x50;
            frame[47] = 0x10;
            frame[48] = 0x80; // A window of 32 KiB.
        }
        else
        {
            frame[39] = 26;
        }

        Seal(frame);
        return frame;
    }

    private static void Seal(byte[] frame)
    {
        frame[24] = frame[25] = 0;
        var sum = InternetChecksum.ComputeWire(frame.AsSpan(14, 20));
        MemoryMarshal.Write(frame.AsSpan(24), in sum);
    }
}
