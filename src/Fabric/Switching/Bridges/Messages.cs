using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Datapath;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>To a bridge actor: this is what you shall be.</summary>
public sealed record BridgeWanted(long Revision, BridgeSpec Spec);

/// <summary>From a bridge actor: what came of it.</summary>
public sealed record BridgeReconciled(long Revision, BridgeStatus Status);

/// <summary>From an actor that has just started: tell me what I shall be.</summary>
public sealed record WantsState(string Name);

/// <summary>To a port actor: this is what you shall be.</summary>
public sealed record PortWanted(
    long Revision, string Bridge, string DatapathType, PortSpec Spec);

/// <summary>From a port actor: how its interfaces are, in the order of their names.</summary>
public sealed record PortReconciled(
    long Revision, string Port, ImmutableArray<InterfaceOpened> Interfaces);

/// <summary>To the datapath actor: make this interface a port, or say how it is.</summary>
public sealed record OpenInterface(
    long Revision, string Bridge, string DatapathType, InterfaceSpec Spec);

/// <summary>What became of an interface.</summary>
/// <param name="Port">Null for patch ports and where there is an error.</param>
/// <param name="Tunnel">Set for tunnel ports.</param>
/// <param name="Peer">Set for patch ports.</param>
/// <param name="Error">Null when it is well; else in OVS's words.</param>
public sealed record InterfaceOpened(
    long Revision, InterfaceSpec Spec, DatapathPort? Port, TunnelConfig? Tunnel, string? Peer,
    string? Error)
{
    /// <summary>Patches and tunnels have none.</summary>
    public bool HasDevice => Tunnel is null && Peer is null;
}

/// <summary>To the datapath actor: every port of another interface can go.</summary>
/// <param name="Wanted">Bridge and interface, all there shall be.</param>
public sealed record KeepInterfaces(ImmutableHashSet<(string Bridge, string Interface)> Wanted);

/// <summary>To the datapath actor: tell me of <see cref="PortChanged"/>.</summary>
public sealed record SubscribePorts(IActorRef Subscriber);

/// <summary>A port of a datapath appeared, vanished, or its link changed.</summary>
public sealed record PortChanged(string DatapathType, DatapathPortEvent Event);

/// <summary>
/// To the datapath actor: check all flows now; answered by <see cref="FlowsChecked"/>.
/// </summary>
/// <param name="Purges">Remove them all instead.</param>
public sealed record CheckFlows(long RequestId, bool Purges);

public sealed record FlowsChecked(long RequestId);

/// <summary>To the datapath actor: tables or ports have changed, look at the flows soon.</summary>
public sealed record DecisionsChanged;

/// <summary>To a bridge actor: sessions of BFD and the like have found or lost faults.</summary>
public sealed record LivenessChanged;

/// <summary>To a bridge actor: who serves OpenFlow for it.</summary>
public sealed record ManagementFound(IActorRef Management);
