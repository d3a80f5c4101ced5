using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>
/// A verb of `fabric cluster`, to host/cluster; <see cref="ClusterAnswer"/> answers.
/// </summary>
/// <param name="Verb">
/// show, status, members, leader, vteps, topology, applied, join, leave, down, down-unreachable.
/// </param>
/// <param name="Arguments">Host id or address; "--force".</param>
public sealed record QueryCluster(
    string Verb, ImmutableArray<string> Arguments, bool IsJson);

/// <param name="ExitCode">0 done, 1 failed, 2 usage.</param>
/// <param name="Text">For standard output; when the code is not 0, for standard error.</param>
public sealed record ClusterAnswer(int ExitCode, string Text);

/// <summary>Everything that the verbs print, at one moment.</summary>
/// <param name="CutOffFor">Since when this host is in no cluster; null when it is in one.</param>
/// <param name="Contacts">Addresses that it tries to join through meanwhile.</param>
/// <param name="LastEnd">Why the clustered system ended last, if it did.</param>
public sealed record ClusterPicture(
    MembershipView Members, LogStatus? Log, ImmutableSortedSet<Vtep>? Vteps,
    ImmutableSortedDictionary<string, PortLocation>? Ports, TimeSpan? CutOffFor,
    ImmutableArray<string> Contacts, string? LastEnd)
{
    /// <summary>By host id; of hosts that have told theirs.</summary>
    public ImmutableSortedDictionary<string, HostLoad>? Loads { get; init; }

    /// <summary>By host id: NB_Global.nb_cfg whose flows are installed there.</summary>
    public ImmutableSortedDictionary<string, long>? Applied { get; init; }
}
