using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>Something that acts on one host of several: a gateway port, a group's ports.</summary>
/// <param name="Name">The router port's name, or <see cref="NameOfGroup"/>.</param>
/// <param name="Candidates">Host ids, the most preferred first.</param>
public sealed record Gateway(string Name, ImmutableArray<string> Candidates)
{
    /// <summary>Routers of the physical network behind it, as this host reaches them.</summary>
    public ImmutableArray<NextHop> NextHops { get; init; } = [];

    public static string NameOfGroup(Guid group) => $"group {group}";

    public bool Equals(Gateway? other) => other is not null && Name == other.Name
        && Candidates.SequenceEqual(other.Candidates) && NextHops.SequenceEqual(other.NextHops);

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}

/// <summary>An address behind an interface of the integration bridge.</summary>
/// <param name="Vlan">Tag of the physical network; 0: none.</param>
public sealed record NextHop(string Interface, ushort Vlan, uint Address);

/// <summary>What BFD says of another host.</summary>
public enum PeerState
{
    /// <summary>A session has begun and has not come up yet: give it time.</summary>
    Unknown,
    Up,
    /// <summary>It was up, or has had time enough to come up.</summary>
    Lost,
}

/// <summary>What a host knows when it decides.</summary>
/// <param name="Peers">Hosts with a tunnel from here.</param>
/// <param name="Elected">Host with most votes by gateway; as gossip has it.</param>
/// <param name="Answered">Gateways with a next hop that answers now.</param>
public sealed record GatewaySituation(
    string Self, ImmutableSortedDictionary<string, PeerState> Peers,
    ImmutableSortedDictionary<string, string> Elected, ImmutableSortedSet<string> Answered);

/// <summary>Which host acts as a gateway: decided by each host from what it sees.</summary>
/// <remarks>
/// <para>The most preferred candidate that is not lost acts. Who is not the most preferred one
/// must be sure that those before it are gone, and not only the way to them:</para>
/// <para>with two hosts it acts only while its own next hop in the physical network answers; with
/// a third host most of them must see it so (each votes, <see cref="VoteOf"/>), and a host that
/// sees nobody acts no more.</para>
/// </remarks>
public static class GatewayElection
{
    /// <summary>Nobody that this host knows of acts.</summary>
    public const string Nobody = "";

    /// <summary>The host that acts, or <see cref="Nobody"/>.</summary>
    public static string OwnerOf(Gateway gateway, GatewaySituation now)
    {
        var best = BestOf(gateway, now);
        if (best != now.Self) return best ?? Nobody;
        var isFirst = gateway.Candidates[0] == now.Self;
        var hasWitness = now.Peers.Count > 1;
        if (!hasWitness) return isFirst || MayTakeOver(gateway, now) ? now.Self : Nobody;
        if (now.Peers.Values.All(state => state == PeerState.Lost)) return Nobody;
        if (isFirst) return now.Self;
        return now.Elected.GetValueOrDefault(gateway.Name) is { } elected && elected != now.Self
            ? elected : now.Self;
    }

    /// <summary>Whom this host would have; null: it sees no candidate.</summary>
    public static string? VoteOf(Gateway gateway, GatewaySituation now) => BestOf(gateway, now);

    /// <summary>Whether the answer depends on whether a next hop answers.</summary>
    public static bool NeedsNextHop(Gateway gateway, GatewaySituation now) =>
        now.Peers.Count <= 1 && gateway.Candidates.Length > 1
        && gateway.Candidates[0] != now.Self && BestOf(gateway, now) == now.Self;

    private static string? BestOf(Gateway gateway, GatewaySituation now)
    {
        foreach (var candidate in gateway.Candidates)
        {
            if (candidate == now.Self) return candidate;
            if (now.Peers.TryGetValue(candidate, out var state) && state != PeerState.Lost)
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>
    /// Where there is nothing to ask, a candidate that left the cluster is believed to be gone.
    /// </summary>
    private static bool MayTakeOver(Gateway gateway, GatewaySituation now)
    {
        if (now.Answered.Contains(gateway.Name)) return true;
        return gateway.NextHops.IsEmpty && gateway.Candidates
            .TakeWhile(candidate => candidate != now.Self)
            .All(candidate => !now.Peers.ContainsKey(candidate));
    }
}
