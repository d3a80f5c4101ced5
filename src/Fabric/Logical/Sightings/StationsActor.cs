using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>A MAC address on a logical switch.</summary>
/// <param name="Datapath">Key of the switch.</param>
internal readonly record struct StationKey(uint Datapath, ulong Mac) : IComparable<StationKey>
{
    public int CompareTo(StationKey other) =>
        (Datapath, Mac).CompareTo((other.Datapath, other.Mac));
}

/// <summary>Where a station is.</summary>
/// <param name="Port">Key of the switch's port.</param>
/// <param name="IsOurs">This host heard it last, and says when it is silent.</param>
/// <param name="IdleSeconds">How long it may be silent.</param>
internal readonly record struct StationPlace(uint Port, bool IsOurs, ushort IdleSeconds);

/// <summary>To the logical actor: a MAC was heard at a port of unknown addresses here.</summary>
internal sealed record StationHeard(uint Datapath, uint Port, MacBytes Mac);

/// <summary>To the stations actor: heard here a moment ago; gossip will say it, too.</summary>
internal sealed record StationHere(StationKey Station, StationPlace Place);

/// <summary>To the stations actor: all that hosts have learnt.</summary>
internal sealed record StationsKnown(ImmutableSortedDictionary<StationKey, StationPlace> Stations);

/// <summary>To the logical actor: a station of this host was silent for too long.</summary>
internal sealed record StationSilent(StationKey Station, uint Port);

/// <summary>Keeps what hosts have learnt of unknown addresses as flows of the bridge.</summary>
/// <remarks>
/// Hears:  <see cref="BridgeFound"/>, <see cref="StationsKnown"/>, <see cref="StationHere"/> from
///         the logical actor; <see cref="FlowRemovedRaised"/> from the bridge.
/// Says:   <see cref="ApplyChanges"/>; <see cref="StationSilent"/> to its parent.
/// Holds:  the flows that it has made; gossip says them again.
/// Fails:  never by what it hears. Started anew it takes its predecessor's flows back first.
/// </remarks>
internal sealed class StationsActor : ReceiveActor
{
    /// <summary>Below what the switch learns from traffic, which is fresher.</summary>
    private const ushort Priority = 90;

    private const ushort KnownPriority = 100;
    private const ulong Cookie = 0xFDB0_FDB0_FDB0_FDB0;

    private readonly SortedDictionary<StationKey, StationPlace> _stations = [];
    private IActorRef _bridge = ActorRefs.Nobody;
    private long _lastRequest;

    public StationsActor()
    {
        Receive<BridgeFound>(OnBridge);
        Receive<StationHere>(here => Change(Put(here.Station, here.Place)));
        Receive<StationsKnown>(OnKnown);
        Receive<FlowRemovedRaised>(raised => OnRemoved(raised.FlowRemoved));
        ReceiveAny(_ => { }); // The bridge's other news, and confirmations.
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new StationsActor());

    private void OnBridge(BridgeFound found)
    {
        _bridge = found.Bridge;
        _bridge.Tell(new SubscribeSwitch(Self));
        var known = _stations.ToList();
        _stations.Clear();
        var old = FlowMod.Delete(PhysicalTables.ForwardingDatabase, Match.Any) with
        {
            CookieMatch = Cookie,
            CookieMask = ulong.MaxValue,
        };
        Change([old, .. known.SelectMany(each => Put(each.Key, each.Value))]);
    }

    private void OnKnown(StationsKnown known)
    {
        var changes = new List<FlowMod>();
        foreach (var (key, place) in _stations.ToList())
        {
            if (known.Stations.ContainsKey(key)) continue;
            _stations.Remove(key);
            changes.AddRange(Gone(key, place));
        }

        foreach (var (key, place) in known.Stations) changes.AddRange(Put(key, place));
        Change(changes);
    }

    /// <summary>Nothing when it is known so already.</summary>
    private IEnumerable<FlowMod> Put(StationKey key, StationPlace place)
    {
        var flows = new List<FlowMod>();
        if (_stations.TryGetValue(key, out var before))
        {
            if (before == place) return flows;
            if (before.Port != place.Port) flows.AddRange(Gone(key, before));
        }

        _stations[key] = place;
        flows.Add(FlowMod.Add(
            PhysicalTables.ForwardingDatabase, Priority, Towards(key),
            new FlowActions().SetOutport(place.Port).Build()) with
        { Cookie = Cookie });
        if (place.IsOurs)
        {
            flows.Add(FlowMod.Add(
                PhysicalTables.ForwardingLookup, KnownPriority, From(key, place.Port),
                new FlowActions().Set(LogicalFields.StationKnown, 1).Build()) with
            {
                Cookie = Cookie,
                IdleTimeout = place.IdleSeconds,
                Flags = FlowModFlags.SendFlowRemoved,
            });
        }

        return flows;
    }

    /// <summary>Also what the switch itself has learnt: it is older than this news.</summary>
    private static IEnumerable<FlowMod> Gone(StationKey key, StationPlace place) =>
    [
        Strictly(PhysicalTables.ForwardingDatabase, Priority, Towards(key)),
        Strictly(PhysicalTables.ForwardingDatabase, KnownPriority, Towards(key)),
        Strictly(PhysicalTables.ForwardingLookup, KnownPriority, From(key, place.Port)),
    ];

    private static FlowMod Strictly(byte table, ushort priority, Match match) =>
        new(FlowModCommand.DeleteStrict, match, priority, ActionList.Empty) { TableId = table };

    private static Match Towards(StationKey key) => FlowMatch.On(key.Datapath)
        .Is(MatchField.EthernetDestination, key.Mac).Build();

    private static Match From(StationKey key, uint port) => FlowMatch.On(key.Datapath)
        .Inport(port).Is(MatchField.EthernetSource, key.Mac).Build();

    private void OnRemoved(OfFlowRemoved removed)
    {
        if (removed.TableId != PhysicalTables.ForwardingLookup || removed.Cookie != Cookie
            || removed.Reason != FlowRemovedReason.IdleTimeout
            || !removed.Match.TryGet(MatchField.Metadata, out var datapath)
            || !removed.Match.TryGet(MatchField.EthernetSource, out var mac))
        {
            return;
        }

        var key = new StationKey((uint)datapath.Value, (ulong)mac.Value);
        if (!_stations.TryGetValue(key, out var place) || !place.IsOurs) return;
        _stations.Remove(key);
        Change(Gone(key, place));
        Context.Parent.Tell(new StationSilent(key, place.Port));
    }

    private void Change(IEnumerable<FlowMod> flows)
    {
        ImmutableArray<SwitchChange> changes = [.. flows.Select(flow => new SwitchChange(flow, 0))];
        if (changes.IsEmpty || _bridge.IsNobody()) return;
        _bridge.Tell(new ApplyChanges(++_lastRequest, changes, IsAtomic: true));
    }
}
