using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Datapath;

namespace Fabric.Switching;

/// <summary>What a conntrack zone shall be: a CT_Zone row and its timeout policy.</summary>
/// <param name="Limit">Connections at most; null: the default limit.</param>
/// <param name="Timeouts">Seconds by protocol state; empty: the defaults.</param>
public sealed record ZoneSpec(
    ushort Zone, uint? Limit, ImmutableSortedDictionary<string, uint> Timeouts);

/// <summary>All zones that have settings, and what holds for all of them.</summary>
/// <param name="HalfOpenMax">Unanswered connections of a zone at most; 0: no limit.</param>
public sealed record ZonesWanted(
    ImmutableSortedDictionary<ushort, ZoneSpec> Zones, uint HalfOpenMax = 0);

/// <summary>
/// Removes the zone's connections that 'Filter' names; its own zone does not count.
/// </summary>
public sealed record FlushZone(ushort Zone, ConntrackFilter Filter);

public sealed record ZoneFlushed(ushort Zone, int Count);

/// <summary>Asks for <see cref="ZoneStatus"/>.</summary>
public sealed record ReadZone(ushort Zone);

/// <param name="Limit">Null: none of its own.</param>
/// <param name="EventsLost">Events that a slow subscriber did not get.</param>
public sealed record ZoneStatus(ushort Zone, uint Count, uint? Limit, ulong EventsLost);

/// <summary>From now on 'Subscriber' hears the zone's <see cref="ConntrackEvent"/>s.</summary>
public sealed record SubscribeZone(ushort Zone, IActorRef Subscriber);

/// <summary>The tracker to use: the datapath's, now or again.</summary>
public sealed record ConntrackAttached(IDatapathConntrack Conntrack);
