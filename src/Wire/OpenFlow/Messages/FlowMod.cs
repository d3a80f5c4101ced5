namespace Fabric.Wire.OpenFlow;

public enum FlowModCommand
    : byte
{ Add = 0, Modify = 1, ModifyStrict = 2, Delete = 3, DeleteStrict = 4 }

/// <summary>OpenFlow 1.3's OFPFF_* bits; 1.0's emergency flag is refused.</summary>
[Flags]
public enum FlowModFlags : ushort
{
    None = 0,
    SendFlowRemoved = 1,
    CheckOverlap = 2,
    ResetCounts = 4,
    NoPacketCounts = 8,
    NoByteCounts = 16,
    /// <summary>OVS: hidden from controllers (not on the wire).</summary>
    HiddenFields = 1 << 14,
    /// <summary>OVS: may not be changed by controllers (not on the wire).</summary>
    NoReadonlyFields = 1 << 15,
}

/// <summary>A change of flow tables.</summary>
/// <remarks>
/// Add and modify give flows the <see cref="Cookie"/>; modify and delete change only flows whose
/// cookie equals <see cref="CookieMatch"/> in the bits of <see cref="CookieMask"/>.
/// </remarks>
public sealed record FlowMod(
    FlowModCommand Command, Match Match, ushort Priority, ActionList Actions) : OfMessage
{
    public const ushort DefaultPriority = 32768;
    public const byte AllTables = 255;
    public const uint NoBuffer = uint.MaxValue;

    /// <summary>An addition to a table.</summary>
    public static FlowMod Add(byte table, ushort priority, Match match, ActionList actions) =>
        new(FlowModCommand.Add, match, priority, actions) { TableId = table };

    /// <summary>
    /// Deletion of every flow within 'match', in one table or <see cref="AllTables"/>.
    /// </summary>
    public static FlowMod Delete(byte table, Match match) =>
        new(FlowModCommand.Delete, match, 0, ActionList.Empty) { TableId = table };

    /// <summary>
    /// 0 to 254; 255: all (delete), or let the switch choose (add in OpenFlow 1.0: 0).
    /// </summary>
    public byte TableId { get; init; }

    public ulong Cookie { get; init; }

    /// <summary>A modify shall also set the cookie (always so for added flows).</summary>
    public bool ModifyCookie { get; init; }

    public ulong CookieMatch { get; init; }
    public ulong CookieMask { get; init; }

    /// <summary>Seconds; 0: none.</summary>
    public ushort IdleTimeout { get; init; }
    public ushort HardTimeout { get; init; }

    public uint BufferId { get; init; } = NoBuffer;

    /// <summary>Delete only flows that output here; <see cref="OfPort.Any"/>: all.</summary>
    public uint OutPort { get; init; } = OfPort.Any;
    public uint OutGroup { get; init; } = OfGroupNumber.Any;

    public FlowModFlags Flags { get; init; }

    /// <summary>OpenFlow 1.4 eviction: the lowest goes first.</summary>
    public ushort Importance { get; init; }
}

public enum FlowRemovedReason : byte
{
    IdleTimeout = 0, HardTimeout = 1, Delete = 2, GroupDelete = 3, MeterDelete = 4, Eviction = 5,
}

public sealed record OfFlowRemoved(
    Match Match, ushort Priority, ulong Cookie, FlowRemovedReason Reason, byte TableId,
    TimeSpan Duration, ushort IdleTimeout, ushort HardTimeout, ulong PacketCount, ulong ByteCount)
    : OfMessage
{
    /// <summary>The durations' nanoseconds below a tick are not kept; 0 to 99.</summary>
    public const int DurationResolutionNanoseconds = 100;
}
