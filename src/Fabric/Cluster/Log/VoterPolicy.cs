using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>A host as far as voting goes.</summary>
/// <param name="IsReachable">A member that answers.</param>
/// <param name="IsLeaving">Wants to go, and waits until it no longer votes.</param>
/// <param name="IsCaughtUp">At most <see cref="LogLimits.VoterLagMax"/> entries behind.</param>
public readonly record struct VoterCandidate(
    string HostId, bool IsReachable, bool IsLeaving, bool IsCaughtUp);

/// <summary>Which hosts should vote.</summary>
/// <remarks>
/// Up to five, oldest members first. A voter that leaves goes at once. A voter that died stays,
/// for it may come back with what it promised, unless a majority remains without it that tolerates
/// as many failures: then its place is free for another host.
/// </remarks>
public static class VoterPolicy
{
    /// <summary>Smallest set that dead voters are taken out to.</summary>
    private const int KeptMin = 3;

    /// <param name="hosts">All members that may vote, oldest first.</param>
    /// <returns>The next set, one host away from 'voters', or null when they are right.</returns>
    public static VoterSet? Next(VoterSet voters, ImmutableArray<VoterCandidate> hosts)
    {
        var fit = hosts.Where(host => host is { IsReachable: true, IsLeaving: false })
            .ToImmutableArray();
        foreach (var host in hosts)
        {
            if (host.IsLeaving && voters.Contains(host.HostId) && voters.Count > 1)
                return new VoterSet(voters.Hosts.Remove(host.HostId));
        }

        var alive = fit.Count(host => voters.Contains(host.HostId));
        var next = fit.FirstOrDefault(
            host => host.IsCaughtUp && !voters.Contains(host.HostId)).HostId;
        if (next is not null && voters.Count < LogLimits.VoterCountMax)
            return new VoterSet(voters.Hosts.Add(next));

        var dead = voters.Hosts.FirstOrDefault(voter => hosts.All(host => host.HostId != voter));
        var isDispensable = alive >= KeptMin && voters.Count > KeptMin;
        return dead is not null && isDispensable
            ? new VoterSet(voters.Hosts.Remove(dead))
            : null;
    }
}
