using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>From the clustered system to host/cluster: this incarnation is there.</summary>
public sealed record FabricStarted(long Incarnation, IActorRef Seam);

/// <summary>The clustered system has ended: left, downed, or quarantined.</summary>
public sealed record FabricTerminated(long Incarnation);

/// <summary>To the clustered system: a member shall leave, this one or another.</summary>
public sealed record LeaveCluster(string Address);

/// <summary>To the clustered system: a member is taken for dead.</summary>
public sealed record DownMember(string Address);
