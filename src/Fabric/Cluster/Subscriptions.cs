using System.Collections.Immutable;
using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>
/// To host/cluster; answered by <see cref="VtepsChanged"/> now and at each change.
/// </summary>
public sealed record SubscribeVteps(IActorRef Subscriber);

/// <summary>To host/cluster; answered by <see cref="PortLocationsChanged"/>.</summary>
public sealed record SubscribePortLocations(IActorRef Subscriber);

/// <summary>To host/northbound; answered by <see cref="NorthboundChanged"/>.</summary>
public sealed record SubscribeNorthbound(IActorRef Subscriber);

/// <summary>To host/cluster: the VTEPs of this host, as a whole.</summary>
public sealed record PublishVteps(string HostName, ImmutableSortedSet<Vtep> Vteps);

/// <summary>To host/northbound: through this actor other hosts are reached.</summary>
public sealed record ClusterAttached(IActorRef Cluster);
