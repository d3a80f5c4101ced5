namespace Fabric.Wire.OpenFlow;

/// <summary>NXFMF_* in OpenFlow 1.4's terms (OFPFMF_*).</summary>
[Flags]
public enum FlowMonitorFlags : ushort
{
    None = 0, Initial = 1, Add = 2, Removed = 4, Modify = 8, Instructions = 16, NoAbbreviation = 32,
    OnlyOwn = 64,
}

public enum FlowMonitorCommand : byte { Add = 0, Modify = 1, Delete = 2 }

public sealed record OfFlowMonitorSpec(
    uint MonitorId, FlowMonitorCommand Command, FlowMonitorFlags Flags, uint OutPort,
    uint OutGroup, byte TableId, Match Match);

public sealed record OfFlowMonitorRequest(EquatableArray<OfFlowMonitorSpec> Monitors, bool IsNicira)
    : OfStatsRequest;

public enum FlowUpdateEvent
    : ushort
{ Initial = 0, Added = 1, Removed = 2, Modified = 3, Abbreviated = 4, Paused = 5, Resumed = 6 }

/// <param name="Xid">Abbreviated: the transaction that made the change.</param>
public sealed record OfFlowUpdate(
    FlowUpdateEvent Event, byte TableId, FlowRemovedReason Reason, ushort IdleTimeout,
    ushort HardTimeout, ushort Priority, ulong Cookie, Match Match, ActionList Actions, uint Xid);

public sealed record OfFlowMonitorReply(EquatableArray<OfFlowUpdate> Updates, bool IsNicira)
    : OfStatsReply;

public sealed record OfFlowMonitorCancel(uint MonitorId) : OfMessage;

public sealed record OfFlowMonitorPaused : OfMessage;

public sealed record OfFlowMonitorResumed : OfMessage;
