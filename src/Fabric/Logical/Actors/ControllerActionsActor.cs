using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Controllers;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>The integration bridge is there (again).</summary>
public sealed record BridgeFound(IActorRef Bridge);

/// <summary>Rows that answers are made from have changed.</summary>
public sealed record ServicesChanged(ControllerServices Services);

/// <summary>Neighbours that other hosts' routers learnt, and this one's.</summary>
internal sealed record NeighborsKnown(ImmutableSortedDictionary<NeighborKey, MacBytes> Neighbors);

/// <summary>To the logical actor: a neighbour was heard here.</summary>
internal sealed record NeighborHeard(NeighborKey Neighbor, MacBytes Mac);

/// <summary>Does with packets what flows asked this host's control plane to do.</summary>
/// <remarks>
/// Hears:  <see cref="BridgeFound"/>, <see cref="ServicesChanged"/>,
///         <see cref="NeighborsKnown"/> from the logical actor;
///         <see cref="PacketInRaised"/> from the bridge.
/// Says:   <see cref="SubscribeSwitch"/>, <see cref="AskSwitch"/> with packet-outs,
///         <see cref="ApplyChanges"/> with the flows of learnt neighbours;
///         <see cref="NeighborHeard"/>, <see cref="VirtualPortHeard"/>, <see cref="GroupsHeard"/>,
///         <see cref="ServiceHeard"/>, <see cref="RouteBfdHeard"/> to its parent.
/// Holds:  learnt neighbours (they are learnt again), and packets that wait for one: bounded.
/// Fails:  a packet that makes no sense is forgotten.
/// </remarks>
public sealed class ControllerActionsActor : ReceiveActor
{
    private readonly ILoggingAdapter _aclLog = Logging.GetLogger(Context.System, "acl_log");
    private readonly Dictionary<NeighborKey, MacBytes> _neighbors = [];
    private readonly Queue<NeighborKey> _neighborsByAge = new();
    private readonly Dictionary<NeighborKey, Queue<PuntedPacket>> _waiting = [];
    private ImmutableSortedDictionary<NeighborKey, MacBytes> _gossiped =
        ImmutableSortedDictionary<NeighborKey, MacBytes>.Empty;
    private ControllerServices _services = ControllerServices.None;
    private IActorRef _bridge = ActorRefs.Nobody;
    private int _waitingCount;
    private long _lastRequest;

    public ControllerActionsActor()
    {
        Receive<BridgeFound>(found =>
        {
            _bridge = found.Bridge;
            _bridge.Tell(new SubscribeSwitch(Self));
        });
        Receive<NeighborsKnown>(OnNeighbors);
        Receive<ServicesChanged>(changed => _services = changed.Services);
        Receive<PacketInRaised>(
            raised => OnPacket(raised.PacketIn),
            raised => raised.ControllerId == ControllerAction.ControllerId);
        ReceiveAny(_ => { }); // The bridge's other news, and confirmations.
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new ControllerActionsActor());

    private void OnPacket(OfPacketIn packetIn)
    {
        var outcome = ControllerActions.Handle(packetIn, _services);
        foreach (var packet in outcome.Packets) Send(packet);
        if (outcome.LogLine is { Length: > 0 } line) _aclLog.Info("{0}", line);
        if (outcome.Neighbor is { } neighbor && Learn(neighbor, outcome.Mac))
            Context.Parent.Tell(new NeighborHeard(neighbor, outcome.Mac));
        if (outcome.News is { } news) Context.Parent.Tell(news);
        if (outcome.Waits is { } key && PuntedPacket.TryRead(packetIn, out var waiting))
            Hold(key, waiting);
    }

    private void Send(OfPacketOut packet) =>
        _bridge.Tell(new AskSwitch(++_lastRequest, packet));

    /// <summary>What gossip had and has no more is forgotten here, too: it has aged.</summary>
    private void OnNeighbors(NeighborsKnown known)
    {
        foreach (var key in _gossiped.Keys)
        {
            if (!known.Neighbors.ContainsKey(key)) Forget(key);
        }

        _gossiped = known.Neighbors;
        foreach (var (key, mac) in known.Neighbors) Learn(key, mac);
    }

    /// <returns>It is news.</returns>
    private bool Learn(NeighborKey key, MacBytes mac)
    {
        if (mac.IsZero || mac.IsMulticast) return false;
        if (_neighbors.TryGetValue(key, out var known))
        {
            if (known == mac) return false;
            Forget(key);
        }

        while (_neighbors.Count >= LogicalLimits.MacBindingsMax) Forget(_neighborsByAge.Dequeue());
        _neighbors[key] = mac;
        _neighborsByAge.Enqueue(key);
        Change(ControllerActions.FlowsOf(key, mac));
        if (!_waiting.Remove(key, out var packets)) return true;
        _waitingCount -= packets.Count;
        foreach (var packet in packets) Send(ControllerActions.Release(packet, mac));
        return true;
    }

    private void Forget(NeighborKey key)
    {
        if (!_neighbors.Remove(key, out var mac)) return;
        Change(ControllerActions.FlowsOf(key, mac)
            .Select(flow => flow with { Command = FlowModCommand.DeleteStrict }));
    }

    private void Change(IEnumerable<FlowMod> flows) => _bridge.Tell(new ApplyChanges(
        ++_lastRequest, [.. flows.Select(flow => new SwitchChange(flow, 0))], IsAtomic: true));

    private void Hold(NeighborKey key, PuntedPacket packet)
    {
        if (_neighbors.TryGetValue(key, out var mac))
        {
            Send(ControllerActions.Release(packet, mac));
            return;
        }

        if (_waitingCount >= LogicalLimits.BufferedPacketsMax)
        {
            _waiting.Clear(); // Nobody answers: start over rather than keep what is stale.
            _waitingCount = 0;
        }

        if (!_waiting.TryGetValue(key, out var queue)) _waiting[key] = queue = new();
        queue.Enqueue(packet);
        _waitingCount++;
        if (queue.Count <= LogicalLimits.BufferedPacketsPerNextHopMax) return;
        queue.Dequeue();
        _waitingCount--;
    }
}
