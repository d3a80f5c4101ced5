using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

// What the OpenFlow connections and a bridge say to each other. The bridge actor is "the switch".
//
// Asked of /management by the bridges:         ServeOpenFlow, StopOpenFlow
// Asked of the switch, answered to the sender: ApplyChanges, AskSwitch
// Called by connections instead of ApplyChanges, where the switch offers it: ISwitchTables
// Told to the switch's subscriber: PacketInRaised, FlowRemovedRaised, PortStatusRaised,
//                                  TableStatusRaised, FlowUpdatesRaised, TlvTableChanged
// Told to the switch:              SubscribeSwitch, FailModeChanged, ControllersObserved,
//                                  MissesAskedFor
//
// The switch answers in the order in which it was asked, so that the answer to OfBarrierRequest is
// a barrier. It never throws at a request: it answers with OpenFlow's error.

/// <summary>Listen and connect for a bridge; sent again whenever its row has changed.</summary>
/// <param name="Switch">The bridge's actor; when it terminates, serving ends.</param>
/// <param name="Spec">Protocols, controllers, fail mode, other_config are used.</param>
/// <param name="Tables">
/// Changes tables without a message to the switch; null: everything is asked of the switch.
/// </param>
public sealed record ServeOpenFlow(
    string Bridge, IActorRef Switch, BridgeSpec Spec, ISwitchTables? Tables = null);

/// <summary>
/// Tables that a connection changes and reads itself: a flow-mod is a call, not a message.
/// </summary>
/// <remarks>
/// Thread-safe. A connection uses it only while it waits for no answer of the switch, so that
/// what a peer asks is still done in the order in which it was asked.
/// </remarks>
public interface ISwitchTables
{
    /// <summary>Can it do this change? Else the switch is asked.</summary>
    bool Takes(OfMessage change);

    /// <summary>Does what <see cref="ApplyChanges"/> asks; done when it returns.</summary>
    ImmutableArray<ChangeFailure> Apply(
        ReadOnlySpan<SwitchChange> wanted, bool isAtomic, IActorRef? origin);

    /// <summary>The flows that a request means, as they are when they are read.</summary>
    IEnumerable<OfFlowStats> Flows(OfFlowStatsRequest request);
}

/// <summary>The bridge is gone: close its sockets and connections.</summary>
public sealed record StopOpenFlow(string Bridge);

/// <summary>One change to tables: a FlowMod, GroupMod, MeterMod, PortMod or TableMod.</summary>
/// <param name="Xid">For monitors and request-forward.</param>
public readonly record struct SwitchChange(OfMessage Message, uint Xid);

/// <summary>Change tables; answered by <see cref="ChangesApplied"/>.</summary>
/// <param name="IsAtomic">
/// A bundle: packets see all or nothing, and one failure undoes all. Otherwise each change stands
/// for itself and those after a failed one are still done.
/// </param>
/// <param name="Origin">The connection that asks; null: the host itself.</param>
public sealed record ApplyChanges(
    long RequestId, ImmutableArray<SwitchChange> Changes, bool IsAtomic, IActorRef? Origin = null);

/// <summary>What became of <see cref="ApplyChanges"/>.</summary>
/// <param name="Failures">Empty: all done. A failed bundle names the one at fault.</param>
public sealed record ChangesApplied(long RequestId, ImmutableArray<ChangeFailure> Failures);

public readonly record struct ChangeFailure(int Index, OfErrorCode Error);

/// <summary>A request with one reply; answered by <see cref="SwitchAnswered"/>.</summary>
/// <remarks>
/// Request -> reply: OfFeaturesRequest -> OfFeaturesReply (with ports); OfBarrierRequest ->
/// OfBarrierReply; every OfStatsRequest but OfFlowMonitorRequest -> its OfStatsReply, whole;
/// OfQueueGetConfigRequest; OfTlvTableRequest; OfPacketOut, OfResume, OfTlvTableMod,
/// OfConntrackFlushZone, OfConntrackFlush, OfSetConfig -> null when done.
/// OfFlowMonitorRequest -> OfFlowMonitorReply with the initial flows.
/// </remarks>
public sealed record AskSwitch(long RequestId, OfMessage Request, IActorRef? Origin = null);

public sealed record SwitchAnswered(long RequestId, OfMessage? Reply, OfErrorCode Error);

/// <summary>Tell 'Subscriber' what happens; it gets the TlvTable at once. It is watched.</summary>
public sealed record SubscribeSwitch(IActorRef Subscriber);

/// <summary>A packet for the controllers with this id; may be told by any thread.</summary>
/// <param name="MaxLength">Bytes of the packet that the action asks for; 65535: all.</param>
public sealed record PacketInRaised(OfPacketIn PacketIn, ushort ControllerId, ushort MaxLength);

public sealed record FlowRemovedRaised(OfFlowRemoved FlowRemoved);

public sealed record PortStatusRaised(OfPortStatus PortStatus);

public sealed record TableStatusRaised(OfTableStatus TableStatus);

/// <summary>Flows changed; told only while <see cref="FlowMonitorsChanged"/> says so.</summary>
/// <param name="Origin">The connection that caused it; null: a timeout or the host.</param>
public sealed record FlowUpdatesRaised(
    ImmutableArray<OfFlowUpdate> Updates, uint Xid, IActorRef? Origin);

/// <summary>Some connection has flow monitors: the switch shall tell changes.</summary>
public sealed record FlowMonitorsChanged(bool Wanted);

/// <summary>Some connection of a version before 1.3 hears of packets that match nothing.</summary>
public sealed record MissesAskedFor(bool Wanted);

public sealed record TlvTableChanged(TlvTable Table);

/// <summary>
/// Fail-standalone has begun or ended: the switch forwards like a learning switch.
/// </summary>
public sealed record FailModeChanged(bool IsStandalone);

/// <summary>To the OpenFlow listeners: end the connections of controllers.</summary>
/// <param name="Bridge">Null: of all bridges.</param>
public sealed record ReconnectControllers(string? Bridge);

/// <summary>
/// How the controllers of a bridge are; becomes Controller.is_connected, role, status.
/// </summary>
public sealed record ControllersObserved(
    string Bridge, ImmutableSortedDictionary<string, ControllerStatus> Controllers);

/// <param name="State">BACKOFF, CONNECTING, ACTIVE, IDLE or VOID (rconn's names).</param>
/// <param name="Role">"other", "master", "slave", or "" when there is no connection.</param>
public sealed record ControllerStatus(
    bool IsConnected, string Role, string State, string? LastError,
    TimeSpan? SinceConnect, TimeSpan? SinceDisconnect);
