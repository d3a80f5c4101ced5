using System.Net;

namespace Fabric.Wire.OpenFlow;

/// <summary>NXT_FLOW_MOD_TABLE_ID: the upper byte of flow-mod commands is a table.</summary>
public sealed record OfFlowModTableId(bool Enabled) : OfMessage;

/// <summary>NXT_SET_FLOW_FORMAT: 0 OpenFlow 1.0, 2 NXM.</summary>
public sealed record OfSetFlowFormat(uint Format) : OfMessage;

public sealed record OfSetPacketInFormat(uint Format) : OfMessage;

/// <summary>
/// NXT_FLOW_AGE: flow statistics shall tell idle and hard age (accepted, no effect).
/// </summary>
public sealed record OfFlowAge : OfMessage;

public sealed record OfSetControllerId(ushort ControllerId) : OfMessage;

public enum TlvTableCommand : ushort { Add = 0, Delete = 1, Clear = 2 }

public sealed record OfTlvTableMod(TlvTableCommand Command, EquatableArray<TlvMapping> Mappings)
    : OfMessage;

public sealed record OfTlvTableRequest : OfMessage;

public sealed record OfTlvTableReply(
    uint MaxOptionSpace, ushort MaxFields, EquatableArray<TlvMapping> Mappings) : OfMessage;

/// <summary>NXT_CT_FLUSH_ZONE: forget a zone's connections.</summary>
public sealed record OfConntrackFlushZone(ushort Zone) : OfMessage;

/// <summary>One direction of a connection; null and 0 are wildcards.</summary>
public sealed record OfConntrackTuple(
    IPAddress? Source, IPAddress? Destination, ushort? PortSource, ushort? PortDestination,
    byte? IcmpType, byte? IcmpCode, ushort? IcmpId);

/// <summary>NXT_CT_FLUSH: forget the connections that fit.</summary>
/// <param name="Protocol">0: any.</param>
/// <param name="Zone">null: any.</param>
public sealed record OfConntrackFlush(
    byte Protocol, byte Family, ushort? Zone, OfConntrackTuple? Original, OfConntrackTuple? Reply)
    : OfMessage
{
    public uint? Mark { get; init; }
    public uint? MarkMask { get; init; }
    public UInt128? Labels { get; init; }
    public UInt128? LabelsMask { get; init; }
}
