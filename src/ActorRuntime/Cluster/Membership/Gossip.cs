using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>
/// The whole state of the cluster as one node knows it, passed round until all agree.
/// </summary>
/// <param name="Members">All that were not removed, ordered by address.</param>
/// <param name="Seen">Nodes known to hold exactly this version.</param>
/// <param name="Reachability">Who finds whom unreachable.</param>
/// <param name="Version">Counts changes per node.</param>
internal sealed record Gossip(
    ImmutableSortedSet<Member> Members,
    ImmutableSortedSet<UniqueAddress> Seen,
    Reachability Reachability,
    VectorClock Version)
{
    public static readonly Gossip Empty = new([], [], Reachability.Empty, VectorClock.Empty);

    public bool IsMultiNode => Members.Count > 1;

    public bool HasMember(UniqueAddress node) => Find(node) is not null;

    public Member? Find(UniqueAddress node)
    {
        // Members are equal by unique address, so that any telling finds the true one.
        var probe = Member.Create(node, [], Util.AppVersion.Zero);
        return Members.TryGetValue(probe, out var member) ? member : null;
    }

    /// <summary>
    /// The same gossip, but made of the other's members and reachability where these are equal:
    /// who compares by reference sees that nothing has changed.
    /// </summary>
    public Gossip Sharing(Gossip other)
    {
        var gossip = this;
        if (HasSameMembers(other)) gossip = gossip with { Members = other.Members };
        if (Reachability.Equals(other.Reachability))
            gossip = gossip with { Reachability = other.Reachability };
        return gossip;
    }

    private bool HasSameMembers(Gossip other)
    {
        if (Members.Count != other.Members.Count) return false;
        using var theirs = other.Members.GetEnumerator();
        foreach (var member in Members)
        {
            theirs.MoveNext();
            if (!member.IsSameAs(theirs.Current)) return false;
        }

        return true;
    }

    public Gossip Incremented(UniqueAddress node) =>
        this with { Version = Version.Increment(node) };

    public Gossip SeenBy(UniqueAddress node) =>
        Seen.Contains(node) ? this : this with { Seen = Seen.Add(node) };

    public Gossip OnlySeenBy(UniqueAddress node) => this with { Seen = [node] };

    public Gossip ClearSeen() => this with { Seen = [] };

    public Gossip MergeSeen(Gossip other) => this with { Seen = Seen.Union(other.Seen) };

    /// <summary>Replaces the tellings about the given members.</summary>
    public Gossip Update(IEnumerable<Member> changed)
    {
        var members = Members.ToBuilder();
        foreach (var member in changed)
        {
            members.Remove(member);
            members.Add(member);
        }

        return this with { Members = members.ToImmutable() };
    }

    /// <summary>Takes nodes out of every table of the gossip.</summary>
    public Gossip Remove(IEnumerable<UniqueAddress> removed)
    {
        var nodes = removed.ToImmutableHashSet();
        if (nodes.IsEmpty) return this;
        var version = nodes.Aggregate(Version, (clock, node) => clock.Prune(node));
        return new Gossip(
            Members.Where(m => !nodes.Contains(m.UniqueAddress)).ToImmutableSortedSet(),
            Seen.Except(nodes),
            Reachability.Remove(nodes),
            version);
    }

    /// <summary>
    /// Joins two concurrent gossips. Commutative, associative, idempotent but for 'seen'.
    /// </summary>
    public Gossip Merge(Gossip other)
    {
        var members = Member.PickHighestPriority(Members, other.Members);
        var nodes = members.Select(m => m.UniqueAddress).ToImmutableSortedSet();
        var version = Version.Merge(other.Version);
        foreach (var gone in version.Versions.Keys.Where(node => !nodes.Contains(node)).ToList())
        {
            version = version.Prune(gone);
        }

        return new Gossip(
            members, [], Reachability.Merge(nodes, other.Reachability), version);
    }

    /// <summary>The youngest among the up ones, whose number the next one exceeds.</summary>
    public int UpNumberMax =>
        Members.Where(m => m.UpNumber != Member.NotUp).Select(m => m.UpNumber)
            .DefaultIfEmpty(0).Max();
}
