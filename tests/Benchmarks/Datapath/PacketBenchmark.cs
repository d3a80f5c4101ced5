using System.Collections.Immutable;
using System.Diagnostics;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Datapath;

/// <summary>Figures of one core without a kernel: parsing, caches, classifier, memory.</summary>
public sealed class PacketBenchmark : IBenchmark
{
    private const int RunCount = 7;
    private const int MaskCount = 16;
    private const int RuleCount = 1000;

    public string Name => "packets";

    public string Summary => "one core, no kernel: parsing, caches, classifier, memory (P8)";

    public void Run(BenchmarkReport report)
    {
        void Add(string name, double value, string unit, double goal) => report.Add(
            new Figure(name, unit, value, Kind: GoalKind.AtMost, Goal: goal));

        Add("flow key of TCP/IPv4", Extraction(), "ns", 60);
        var keys = Keys();
        var table = Table(keys);
        Add("exact-match cache", ExactMatch(table, keys), "ns", 60);
        Add("signature cache", Signatures(table, keys), "ns", 100);
        Add("bare look-up, 1,000 flows in 16 masks", Bare(table, keys), "ns", 59);
        Add("packet: parse, 16 masks, output", WholePacket(out var allocated), "ns", 400);
        Add("allocated per packet", allocated, "bytes", 0);
        Add("memory of 100,000 megaflows", Memory(), "MB", 100);
    }

    private static double Extraction()
    {
        var frame = Frame(1, 2);
        FlowKey key = default;
        return Nanoseconds(2_000_000, count =>
        {
            for (var i = 0; i < count; i++)
            {
                FlowKeyExtractor.TryExtract(frame, ref key, out _, out _);
            }
        });
    }

    private static double ExactMatch(MegaflowTable table, FlowKey[] keys)
    {
        var cache = new ExactMatchCache(DatapathLimits.ExactMatchSlots);
        ulong visited = 0;
        foreach (ref var key in keys.AsSpan(0, 64))
        {
            cache.Insert(ref key, FlowHash.OfExact(ref key), table.Find(ref key, ref visited)!);
        }

        var found = 0;
        var result = Nanoseconds(2_000_000, count =>
        {
            for (var i = 0; i < count; i++)
            {
                ref var key = ref keys[i & 63];
                if (cache.Find(ref key, FlowHash.OfExact(ref key)) is not null) found++;
            }
        });
        return found > 0 ? result : double.NaN;
    }

    private static double Signatures(MegaflowTable table, FlowKey[] keys)
    {
        var cache = new SignatureCache(
            DatapathLimits.ExactMatchSlots * DatapathLimits.SignaturesPerExactMatch);
        ulong visited = 0;
        foreach (ref var key in keys.AsSpan())
        {
            cache.Insert(FlowHash.OfExact(ref key), table.Find(ref key, ref visited)!);
        }

        var found = 0;
        var result = Nanoseconds(1_000_000, count =>
        {
            for (var i = 0; i < count; i++)
            {
                ref var key = ref keys[i % RuleCount];
                if (cache.Find(ref key, FlowHash.OfExact(ref key)) is not null) found++;
            }
        });
        return found > 0 ? result : double.NaN;
    }

    private static double Bare(MegaflowTable table, FlowKey[] keys)
    {
        ulong visited = 0;
        var found = 0;
        var result = Nanoseconds(1_000_000, count =>
        {
            for (var i = 0; i < count; i++)
            {
                if (table.Find(ref keys[i % RuleCount], ref visited) is not null) found++;
            }
        });
        return found > 0 ? result : double.NaN;
    }

    /// <summary>
    /// As on a packet thread, with caches too small to help: the classifier finds each.
    /// </summary>
    private static double WholePacket(out double allocated)
    {
        var core = new DatapathCore(TimeProvider.System, new ConntrackTable(1));
        var keys = Keys();
        Fill(core.Flows, keys, [new DropAction(DropReason.None)]);
        var context = new PacketContext(core, cacheSlots: 1);
        var frames = Enumerable.Range(0, RuleCount).Select(FrameOf).ToArray();
        void Loop(int count)
        {
            context.Enter();
            for (var i = 0; i < count; i++)
            {
                var packet = context.Pool.Rent();
                packet.Load(frames[i % RuleCount]);
                ref var key = ref context.Batch.Keys[0];
                key = default;
                key.InPort = 1;
                context.ProcessOne(packet, ref key);
            }

            context.Leave();
        }

        var result = Nanoseconds(500_000, Loop);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Loop(100_000);
        allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / 100_000.0;
        return result;
    }

    private static double Memory()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var table = new MegaflowTable();
        FlowKey mask = default;
        Masks()[0].Bytes.CopyTo(mask.Bytes);
        mask.Ipv4SourceWire = uint.MaxValue;
        ImmutableArray<DatapathAction> actions = [new OutputAction(2)];
        for (var i = 0; i < 100_000; i++)
        {
            var key = KeyOf(0);
            key.Ipv4Source = (uint)i;
            table.Put(key, mask, actions);
        }

        var used = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(table);
        return table.Count == 100_000 ? used / 1e6 : double.NaN;
    }

    private static MegaflowTable Table(FlowKey[] keys)
    {
        var table = new MegaflowTable();
        Fill(table, keys, [new OutputAction(2)]);
        return table;
    }

    private static void Fill(
        MegaflowTable table, FlowKey[] keys, ImmutableArray<DatapathAction> actions)
    {
        var masks = Masks();
        for (var i = 0; i < keys.Length; i++) table.Put(keys[i], masks[i % MaskCount], actions);
    }

    /// <summary>Sixteen masks that differ in what they name of the addresses and ports.</summary>
    private static FlowKey[] Masks()
    {
        var masks = new FlowKey[MaskCount];
        for (var i = 0; i < MaskCount; i++)
        {
            ref var mask = ref masks[i];
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            mask.Ipv4DestinationWire = uint.MaxValue;
            mask.NetworkFragment = 3;
            if ((i & 1) != 0) mask.NetworkProtocol = 0xFF;
            if ((i & 2) != 0) mask.PortDestinationWire = ushort.MaxValue;
            if ((i & 4) != 0) mask.PortSourceWire = ushort.MaxValue;
            if ((i & 8) != 0) mask.EthernetDestination = MacBytes.FromUInt64(0xFFFF_FFFF_FFFF);
        }

        return masks;
    }

    private static FlowKey[] Keys() => [.. Enumerable.Range(0, RuleCount).Select(KeyOf)];

    private static FlowKey KeyOf(int index)
    {
        FlowKey key = default;
        key.InPort = 1;
        FlowKeyExtractor.TryExtract(FrameOf(index), ref key, out _, out _);
        return key;
    }

    private static byte[] FrameOf(int index) => Frame((byte)(index >> 8), (byte)index);

    private static byte[] Frame(byte third, byte fourth)
    {
        var frame = Convert.FromHexString(
            "020000000002" + "020000000001" + "0800" + "450000280000400040060000"
            + "0A000001" + "0A010000" + "0400005000000001000000015010FFFF00000000");
        (frame[32], frame[33]) = (third, fourth);
        return frame;
    }

    /// <summary>Of one iteration: the median of several runs, after warm-up.</summary>
    private static double Nanoseconds(int count, Action<int> run)
    {
        for (var i = 0; i < 3; i++) run(count);
        var results = new double[RunCount];
        for (var i = 0; i < RunCount; i++)
        {
            var start = Stopwatch.GetTimestamp();
            run(count);
            results[i] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
        }

        Array.Sort(results);
        return results[RunCount / 2];
    }
}
