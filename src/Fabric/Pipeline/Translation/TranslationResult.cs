using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// Where a packet starts that came from no datapath port: packet-out, trace, resume.
/// </summary>
/// <param name="Actions">Run these in place of looking up <paramref name="Table"/>.</param>
public sealed record TranslationOrigin(
    BridgeSnapshot Bridge, uint InPort, byte Table, ActionList? Actions)
{
    /// <summary>Registers and other pipeline fields to begin with.</summary>
    public Match Metadata { get; init; } = Match.Any;

    /// <summary>Go on where this walk was put on ice.</summary>
    public FrozenState? Frozen { get; init; }
}

/// <param name="HasEffects">Learn MACs and flows; false for traces and for looking only.</param>
/// <param name="PacketSize">Bytes, or 0 when there is no packet.</param>
public readonly record struct TranslationRequest(
    SwitchSnapshot Switch, RecirculationTable Recirculation, long NowMilliseconds,
    bool HasEffects, int PacketSize, TranslationOrigin? Origin, TraceList? Trace)
{
    /// <summary>The packet itself, where there is one.</summary>
    public PacketBuffer? Packet { get; init; }
}

/// <summary>What a translation came to; filled anew by each run.</summary>
public sealed class TranslationResult
{
    private readonly List<Rule> _rules = [];
    private readonly List<GroupBucketCounter> _buckets = [];
    private readonly List<StationSeen> _stations = [];
    private readonly List<LearnedFlow> _learned = [];
    private readonly List<FinTimeout> _ends = [];
    private readonly List<Neighbour> _neighbours = [];
    private readonly List<NeighbourWanted> _awaited = [];
    private readonly List<NeighbourHeard> _heard = [];
    private readonly List<(BridgePipeline Pipeline, long Version)> _visited = [];
    private readonly List<RuleStatistics> _missed = [];

    /// <summary>In order; empty means drop.</summary>
    public ImmutableArray<DatapathAction> Actions { get; internal set; } = [];

    /// <summary>Every bit of the key that the actions depend on.</summary>
    public FlowKey Mask;

    /// <summary>
    /// Traces only: <see cref="Mask"/> without the presence of VLAN tags that nothing asked for.
    /// </summary>
    public FlowKey Seen;

    /// <summary>The flow as the pipeline left it.</summary>
    public PipelineKey Final;

    /// <summary>Traces only: the flow as it was at the start of the walk.</summary>
    public PipelineKey Initial;

    /// <summary>Traces only: where the packet comes round again.</summary>
    public List<TracePoint> Points { get; } = [];

    /// <summary>The TLV table of the bridge where the walk began.</summary>
    public TlvTable Tlv { get; internal set; } = TlvTable.Empty;

    /// <summary>Why everything is dropped, or None.</summary>
    public DropReason Error { get; internal set; }

    /// <summary>Each packet has to be looked at by itself: no megaflow may stand for it.</summary>
    public bool IsSlow { get; internal set; }

    /// <summary>Something is to happen to the packet: it is not simply dropped.</summary>
    public bool HasOutput { get; internal set; }

    /// <summary>Ids under which the packet may come round again.</summary>
    public List<uint> Recirculations { get; } = [];

    /// <summary>Rules that the packet went through: each is credited once per packet.</summary>
    public IReadOnlyList<Rule> Rules => _rules;
    public IReadOnlyList<GroupBucketCounter> Buckets => _buckets;
    public IReadOnlyList<StationSeen> Stations => _stations;
    public IReadOnlyList<LearnedFlow> Learned => _learned;

    /// <summary>Neighbours of tunnels that nobody knows yet: until then packets drop.</summary>
    public IReadOnlyList<NeighbourWanted> Awaited => _awaited;

    /// <summary>
    /// False when a table was cleaned up so far meanwhile that the walk must be redone.
    /// </summary>
    public bool IsConsistent
    {
        get
        {
            Interlocked.MemoryBarrier();
            foreach (var (pipeline, version) in _visited)
            {
                if (version < pipeline.RetiredVersion) return false;
            }

            return true;
        }
    }

    internal void Clear()
    {
        Actions = [];
        Mask = default;
        Final = default;
        Error = DropReason.None;
        HasOutput = false;
        IsSlow = false;
        Recirculations.Clear();
        Points.Clear();
        Tlv = TlvTable.Empty;
        Netflow = null;
        _rules.Clear();
        _buckets.Clear();
        _stations.Clear();
        _learned.Clear();
        _ends.Clear();
        _visited.Clear();
        _missed.Clear();
        _neighbours.Clear();
        _awaited.Clear();
        _heard.Clear();
    }

    /// <summary>Where NetFlow counts its packets, if it does.</summary>
    internal NetflowCredit? Netflow { get; set; }

    internal void Use(Neighbour neighbour) => _neighbours.Add(neighbour);

    internal void Await(NeighbourWanted neighbour) => _awaited.Add(neighbour);

    internal void Hear(NeighbourHeard neighbour) => _heard.Add(neighbour);

    internal void Ends(FinTimeout fin) => _ends.Add(fin);

    internal void Credit(Rule rule) => _rules.Add(rule);

    internal void Credit(GroupBucketCounter bucket) => _buckets.Add(bucket);

    internal void Saw(StationSeen station) => _stations.Add(station);

    internal void Learn(LearnedFlow flow) => _learned.Add(flow);

    /// <summary>No rule was for the packet: whose statistics tell of it.</summary>
    internal void Miss(RuleStatistics statistics) => _missed.Add(statistics);

    internal void Visited(BridgeSnapshot bridge, PipelineVersion view)
    {
        foreach (var (pipeline, _) in _visited)
        {
            if (ReferenceEquals(pipeline, bridge.Pipeline)) return;
        }

        _visited.Add((bridge.Pipeline, view.Version));
    }

    /// <summary>A copy of what later packets of the same megaflow are credited to.</summary>
    public MegaflowCredits Credits() =>
        new([.. _rules], [.. _buckets], [.. _stations], [.. _learned], [.. _ends])
        {
            Misses = [.. _missed],
            Neighbours = [.. _neighbours],
            Heard = [.. _heard],
            Netflow = Netflow,
        };
}

/// <summary>Whom the packets of a megaflow count for.</summary>
public sealed record MegaflowCredits(
    ImmutableArray<Rule> Rules, ImmutableArray<GroupBucketCounter> Buckets,
    ImmutableArray<StationSeen> Stations, ImmutableArray<LearnedFlow> Learned,
    ImmutableArray<FinTimeout> Ends)
{
    public static MegaflowCredits None { get; } = new([], [], [], [], []);

    /// <summary>Neighbours to which its packets go through tunnels.</summary>
    public ImmutableArray<Neighbour> Neighbours { get; init; } = [];

    /// <summary>Neighbours that its packets tell of.</summary>
    public ImmutableArray<NeighbourHeard> Heard { get; init; } = [];

    /// <summary>Where NetFlow counts them, if it does.</summary>
    public NetflowCredit? Netflow { get; init; }

    /// <summary>What counts packets that no rule was for.</summary>
    public ImmutableArray<RuleStatistics> Misses { get; init; } = [];

    /// <summary>The datapath has seen these TCP flags: a FIN or RST shortens timeouts.</summary>
    public void SeeFlags(ushort tcpFlags)
    {
        Netflow?.See((byte)tcpFlags);
        if ((tcpFlags & 0x05) == 0) return;
        foreach (var end in Ends) end.Rule.Shorten(end.IdleTimeout, end.HardTimeout);
    }

    /// <summary>
    /// Adds packets that the datapath has seen; refreshes addresses and learned flows.
    /// </summary>
    public void Add(ulong packets, ulong bytes, long usedMilliseconds)
    {
        foreach (var rule in Rules) rule.Statistics.Add(packets, bytes, usedMilliseconds);
        foreach (var miss in Misses) miss.Add(packets, bytes, usedMilliseconds);
        foreach (var bucket in Buckets) bucket.Add(packets, bytes);
        foreach (var station in Stations) station.Refresh(usedMilliseconds);
        foreach (var flow in Learned) flow.Refresh(usedMilliseconds);
        foreach (var neighbour in Neighbours) neighbour.Refresh(usedMilliseconds);
        foreach (var neighbour in Heard) neighbour.Refresh(usedMilliseconds);
        Netflow?.Add(packets, bytes, usedMilliseconds);
    }
}

/// <summary>fin_timeout: what a rule's timeouts become when its connection ends.</summary>
public sealed record FinTimeout(Rule Rule, ushort IdleTimeout, ushort HardTimeout);

/// <summary>A source address that NORMAL saw behind a port.</summary>
public sealed record StationSeen(
    MacTable Table, MacBytes Mac, ushort Vlan, string Port, uint OpenFlowPort, bool IsGratuitousArp)
{
    /// <returns>True when that is news.</returns>
    public bool Refresh(long now) =>
        Table.Learn(Mac, Vlan, Port, OpenFlowPort, IsGratuitousArp, now);
}

/// <summary>A flow that a learn action made.</summary>
public sealed record LearnedFlow(BridgePipeline Pipeline, LearnedRule Rule)
{
    public void Refresh(long now) => Pipeline.Learn(Rule, now);
}
