using System.Collections.Immutable;
using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>How a start of the clustered system takes part.</summary>
/// <param name="Incarnation">Higher at every start of it on this host.</param>
/// <param name="Forms">Forms the cluster alone; otherwise it joins through 'Contacts'.</param>
/// <param name="Contacts">Addresses of members and seeds, best first; not this host's own.</param>
public sealed record FabricStart(long Incarnation, bool Forms, ImmutableArray<string> Contacts)
{
    /// <summary>
    /// Addresses by id of the hosts that were members when this one was last, itself included.
    /// </summary>
    public ImmutableSortedDictionary<string, string> KnownHosts { get; init; } =
        Ordinal.EmptyMap<string>();
}

/// <summary>From the clustered system to host/cluster: this incarnation is there.</summary>
public sealed record FabricStarted(long Incarnation, IActorRef Seam);

/// <summary>The clustered system has ended: left, downed, or quarantined.</summary>
/// <param name="Cause">Null when it ended in order.</param>
public sealed record FabricTerminated(long Incarnation, Exception? Cause);

/// <summary>To the clustered system: a member shall leave, this one or another.</summary>
public sealed record LeaveCluster(string Address);

/// <summary>To the clustered system: a member is taken for dead.</summary>
public sealed record DownMember(string Address);

/// <summary>A child of the seam has (re)started and knows nothing yet.</summary>
public sealed record SeamChildStarted
{
    public static readonly SeamChildStarted Instance = new();
}

/// <summary>The ports that the northbound wants on a host, by options:requested-chassis.</summary>
public sealed record RequestedChassisChanged(
    ImmutableSortedDictionary<string, string> Requested);
