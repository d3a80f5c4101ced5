namespace Fabric.Wire.OpenFlow;

/// <summary>
/// A request for statistics or descriptions (OFPT_STATS_REQUEST, MULTIPART_REQUEST).
/// </summary>
public abstract record OfStatsRequest : OfMessage;

/// <summary>
/// A part of a request that goes on in another message: what counts is in the last one.
/// </summary>
public sealed record OfMultipartPart : OfMessage;

/// <summary>A reply; the codec splits long ones into parts and joins them again.</summary>
public abstract record OfStatsReply : OfMessage
{
    /// <summary>Further parts follow.</summary>
    public bool HasMore { get; init; }
}

public sealed record OfDescriptionRequest : OfStatsRequest;

public sealed record OfDescriptionReply(
    string Manufacturer, string Hardware, string Software, string SerialNumber, string Datapath)
    : OfStatsReply;

/// <param name="IsAggregate">Only the sums are wanted.</param>
/// <param name="IsNicira">NXST_FLOW and NXST_AGGREGATE: the reply is Nicira's too.</param>
public sealed record OfFlowStatsRequest(
    Match Match, byte TableId, uint OutPort, uint OutGroup, ulong Cookie, ulong CookieMask,
    bool IsAggregate, bool IsNicira) : OfStatsRequest;

/// <summary>A flow as it is told to controllers.</summary>
/// <param name="IdleAge">Seconds since the last packet; null: not told.</param>
/// <param name="HardAge">Seconds since the last change; null: not told.</param>
/// <param name="PacketCount"><see cref="ulong.MaxValue"/>: not known.</param>
public sealed record OfFlowStats(
    byte TableId, Match Match, ushort Priority, ulong Cookie, ActionList Actions,
    TimeSpan Duration, ushort IdleTimeout, ushort HardTimeout, int? IdleAge, int? HardAge,
    ulong PacketCount, ulong ByteCount, FlowModFlags Flags, ushort Importance);

public sealed record OfFlowStatsReply(EquatableArray<OfFlowStats> Flows, bool IsNicira)
    : OfStatsReply;

public sealed record OfAggregateReply(
    ulong PacketCount, ulong ByteCount, uint FlowCount, bool IsNicira) : OfStatsReply;

public sealed record OfTableStatsRequest : OfStatsRequest;

public sealed record OfTableStatsReply(EquatableArray<OfTableStats> Tables) : OfStatsReply;

public sealed record OfPortStatsRequest(uint Port) : OfStatsRequest;

public sealed record OfPortStatsReply(EquatableArray<OfPortStats> Ports) : OfStatsReply;

public sealed record OfQueueStatsRequest(uint Port, uint Queue) : OfStatsRequest;

public sealed record OfQueueStatsReply(EquatableArray<OfQueueStats> Queues) : OfStatsReply;

public sealed record OfGroupStatsRequest(uint GroupId) : OfStatsRequest;

public sealed record OfBucketStats(ulong PacketCount, ulong ByteCount);

public sealed record OfGroupStats(
    uint GroupId, uint ReferenceCount, ulong PacketCount, ulong ByteCount, TimeSpan Duration,
    EquatableArray<OfBucketStats> Buckets);

public sealed record OfGroupStatsReply(EquatableArray<OfGroupStats> Groups) : OfStatsReply;

/// <param name="GroupId">OpenFlow 1.5 may ask for one; else all.</param>
public sealed record OfGroupDescriptionRequest(uint GroupId) : OfStatsRequest;

public sealed record OfGroupDescription(
    uint GroupId, OfGroupType Type, EquatableArray<OfBucket> Buckets, OfSelectionMethod Selection);

public sealed record OfGroupDescriptionReply(EquatableArray<OfGroupDescription> Groups)
    : OfStatsReply;

public sealed record OfGroupFeaturesRequest : OfStatsRequest;

/// <param name="MaxGroups">By type: all, select, indirect, fast failover.</param>
/// <param name="Actions">By type: bit n, OpenFlow 1.1 action n.</param>
public sealed record OfGroupFeaturesReply(
    uint Types, uint Capabilities, EquatableArray<uint> MaxGroups, EquatableArray<uint> Actions)
    : OfStatsReply;

public sealed record OfMeterStatsRequest(uint MeterId) : OfStatsRequest;

public sealed record OfMeterBandStats(ulong PacketCount, ulong ByteCount);

public sealed record OfMeterStats(
    uint MeterId, uint FlowCount, ulong PacketInCount, ulong ByteInCount, TimeSpan Duration,
    EquatableArray<OfMeterBandStats> Bands);

public sealed record OfMeterStatsReply(EquatableArray<OfMeterStats> Meters) : OfStatsReply;

public sealed record OfMeterConfigRequest(uint MeterId) : OfStatsRequest;

public sealed record OfMeterConfig(uint MeterId, MeterFlags Flags, EquatableArray<MeterBand> Bands);

public sealed record OfMeterConfigReply(EquatableArray<OfMeterConfig> Meters) : OfStatsReply;

public sealed record OfMeterFeaturesRequest : OfStatsRequest;

/// <param name="BandTypes">Bit n: band type n.</param>
public sealed record OfMeterFeaturesReply(
    uint MaxMeters, uint BandTypes, MeterFlags Capabilities, byte MaxBands, byte MaxColors)
    : OfStatsReply;

/// <param name="Changes">A table-features request with a body asks for changes: refused.</param>
public sealed record OfTableFeaturesRequest(bool Changes) : OfStatsRequest;

public sealed record OfTableFeaturesReply(EquatableArray<OfTableFeatures> Tables) : OfStatsReply;

public sealed record OfTableDescriptionRequest : OfStatsRequest;

public sealed record OfTableDescriptionReply(EquatableArray<OfTableDescription> Tables)
    : OfStatsReply;

/// <param name="Port">OpenFlow 1.5 may ask for one; else <see cref="OfPort.Any"/>.</param>
public sealed record OfPortDescriptionRequest(uint Port) : OfStatsRequest;

public sealed record OfPortDescriptionReply(EquatableArray<OfPortDescription> Ports)
    : OfStatsReply;

public sealed record OfQueueDescriptionRequest(uint Port, uint Queue) : OfStatsRequest;

public sealed record OfQueueDescriptionReply(EquatableArray<OfQueueDescription> Queues)
    : OfStatsReply;
