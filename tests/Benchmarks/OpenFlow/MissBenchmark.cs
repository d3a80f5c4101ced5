using System.Collections.Frozen;
using System.Diagnostics;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Benchmarks.OpenFlow;

/// <summary>
/// Misses of new connections in a pipeline of 12 tables with registers, addresses and metadata.
/// </summary>
internal sealed class MissBenchmark
{
    private const int TableCount = 12;
    private const int StationCount = 1_000;
    private const int MissCount = 20_000;

    private readonly UserspaceDatapath _provider = new(
        "dummy@bench", new UserspaceDatapathOptions { IsDummy = true });
    private readonly SwitchedDatapath _datapath;
    private readonly PacketBuffer _packet = new(128);
    private FlowKey _key;

    public MissBenchmark()
    {
        _datapath = new SwitchedDatapath("dummy", _provider, TimeProvider.System);
        var pipeline = new BridgePipeline("br0");
        var changes = new List<PipelineChange>();
        Fill(changes);
        pipeline.Apply([.. changes], isAtomic: true, 1);
        var ports = Enumerable.Range(1, 4).Select(number => new PortSnapshot(
            "br0", $"p{number}", (uint)number, (uint)number, MacBytes.FromUInt64((ulong)number),
            1500, OfPortConfig.None, true, $"p{number}", null, null));
        _datapath.Publish(new BridgeSnapshot(
            "br0", MacBytes.FromUInt64(1), pipeline,
            ports.ToFrozenDictionary(port => port.OpenFlowPort),
            new Dictionary<string, BundleSnapshot>().ToFrozenDictionary(), [], false));
        const string Flow = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),"
            + "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
            + "tcp(src=1000,dst=80),tcp_flags(syn)";
        OdpFlowText.TryParse(Flow, null, out _key, out _, out _);
        _packet.Load(new byte[64]);
    }

    /// <summary>The median of some runs, after a warm-up.</summary>
    public double Microseconds(int runs)
    {
        for (var i = 0; i < 3; i++) Run();
        var times = new List<double>();
        for (var i = 0; i < runs; i++) times.Add(Run());
        _datapath.Dispose();
        return BenchmarkReport.Median(times);
    }

    private double Run()
    {
        _datapath.Revalidator.Purge();
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < MissCount; i++)
        {
            var station = (ulong)(i % StationCount);
            _key.EthernetDestination = MacBytes.FromUInt64(0x5054_0000_0000 + station);
            _key.PortSource = (ushort)i;
            _datapath.Upcalls.Miss(_packet, in _key, out _);
        }

        return watch.Elapsed.TotalMicroseconds / MissCount;
    }

    /// <summary>Tables with different fields; the last has a row for every station.</summary>
    private static void Fill(List<PipelineChange> changes)
    {
        for (byte table = 0; table < TableCount; table++)
        {
            var next = new OfResubmit((byte)(table + 1));
            for (uint i = 0; i < 100; i++)
            {
                var match = new MatchBuilder().Set(MatchField.Metadata, (ulong)i)
                    .Set(MatchField.EthernetType, 0x0800);
                if (table % 3 == 0) match.Set(MatchField.Reg0, (ulong)i);
                if (table % 3 == 1)
                {
                    match.SetMasked(MatchField.Ipv4Destination, (UInt128)(0x0A00_0000u + (i << 8)),
                        (UInt128)0xFFFF_FF00u);
                }

                Add(table, (ushort)(100 + (i % 3)), match, next);
            }

            Add(table, 1, new MatchBuilder(),
                new OfLoad(new Subfield(MatchField.Reg0), table), next);
        }

        for (uint i = 0; i < StationCount; i++)
        {
            var match = new MatchBuilder().Set(
                MatchField.EthernetDestination, MacBytes.FromUInt64(0x5054_0000_0000UL + i));
            Add(TableCount, 50, match, new OfOutput(2));
        }

        void Add(byte table, ushort priority, MatchBuilder match, params OfAction[] actions) =>
            changes.Add(new PipelineChange(FlowMod.Add(
                table, priority, match.Build(), ActionList.From(actions))));
    }
}
