using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>
/// The whole state of the cluster as one node knows it, passed round until all agree.
/// </summary>
/// <param name="Members">All that were not removed, ordered by address.</param>
/// <param name="Reachability">Who finds whom unreachable.</param>
/// <param name="Version">Counts changes per node.</param>
internal sealed record Gossip(
    ImmutableSortedSet<Member> Members, Reachability Reachability, VectorClock Version)
{
    public static readonly Gossip Empty = new([], Reachability.Empty, VectorClock.Empty);

    private MemberTable _table = MemberTable.Nobody;

    /// <summary>Nodes known to hold exactly this version.</summary>
    public SeenSet Seen { get; init; } = SeenSet.Nobody;

    /// <summary>The members by index; the same object while they are the same set.</summary>
    public MemberTable Table =>
        _table.IsOf(Members) ? _table : _table = new MemberTable(Members);

    public bool IsMultiNode => Members.Count > 1;

    public bool HasMember(UniqueAddress node) => Table.IndexOf(node) >= 0;

    public Member? Find(UniqueAddress node) => Table.Find(node);

    /// <summary>
    /// The same gossip, but made of the other's members and reachability where these are equal:
    /// who compares by reference sees that nothing has changed.
    /// </summary>
    public Gossip Sharing(Gossip other)
    {
        var (set, removed) = other.Table.DifferenceTo(Table);
        var gossip = set.IsEmpty && removed.IsEmpty
            ? this with { Members = other.Members, _table = other.Table }
            : this;
        return gossip.Reachability.Equals(other.Reachability)
            ? gossip with { Reachability = other.Reachability }
            : gossip;
    }

    public Gossip Incremented(UniqueAddress node) =>
        this with { Version = Version.Increment(node) };

    public Gossip SeenBy(params ReadOnlySpan<UniqueAddress> nodes) =>
        SeenAlsoBy(SeenSet.Of(Table, nodes.ToArray()));

    public Gossip OnlySeenBy(UniqueAddress node) =>
        this with { Seen = SeenSet.Of(Table, [node]) };

    /// <returns>This very gossip if all of them were known.</returns>
    public Gossip SeenAlsoBy(SeenSet seen)
    {
        var own = Seen.On(Table);
        var united = own.Union(seen);
        return ReferenceEquals(united, Seen) ? this : this with { Seen = united };
    }

    /// <summary>Replaces the tellings about the given members.</summary>
    public Gossip Update(IEnumerable<Member> changed)
    {
        var members = Members;
        foreach (var member in changed) members = members.Remove(member).Add(member);
        return this with { Members = members };
    }

    /// <summary>Takes nodes out of every table of the gossip.</summary>
    public Gossip Remove(IEnumerable<UniqueAddress> removed)
    {
        var nodes = removed.ToImmutableHashSet();
        if (nodes.IsEmpty) return this;
        return this with
        {
            Members = Members.Except(nodes.Select(Find).OfType<Member>()),
            Reachability = Reachability.Remove(nodes),
            Version = Version.Keeping(node => !nodes.Contains(node)),
        };
    }

    /// <summary>
    /// Joins two concurrent gossips. Commutative, associative, idempotent but for 'seen'.
    /// </summary>
    public Gossip Merge(Gossip other)
    {
        var merged = this with
        {
            Members = Table.MergedWith(other.Table),
            Version = Version.Merge(other.Version),
            Seen = SeenSet.Nobody,
        };
        return merged with
        {
            Reachability = Reachability.Merge(merged.HasMember, other.Reachability),
            Version = merged.Version.Keeping(merged.HasMember),
        };
    }

    /// <summary>The youngest among the up ones, whose number the next one exceeds.</summary>
    public int UpNumberMax =>
        Members.Where(m => m.UpNumber != Member.NotUp).Select(m => m.UpNumber)
            .DefaultIfEmpty(0).Max();
}
