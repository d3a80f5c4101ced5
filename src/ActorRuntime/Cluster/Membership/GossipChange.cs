using System.Collections.Immutable;

namespace Akka.Cluster;

/// <summary>What leads from one version of the gossip to another.</summary>
/// <remarks>
/// A change concerns few of a thousand members; the whole gossip goes only to who has none of the
/// versions that its sender remembers.
/// </remarks>
/// <param name="Base">Digest of the version that it starts from.</param>
/// <param name="Result">Digest of the version that it leads to.</param>
/// <param name="Seen">Who has seen the result; see <see cref="SeenSet.ToBytes"/>.</param>
internal sealed record GossipChange(ulong Base, ulong Result, ImmutableArray<byte> Seen)
{
    public ImmutableArray<Member> Members { get; init; } = [];

    public ImmutableArray<UniqueAddress> MembersRemoved { get; init; } = [];

    public ImmutableArray<ObserverRow> Rows { get; init; } = [];

    public ImmutableArray<UniqueAddress> RowsRemoved { get; init; } = [];

    public ImmutableArray<ClockEntry> Clock { get; init; } = [];

    public ImmutableArray<UniqueAddress> ClockRemoved { get; init; } = [];

    public static GossipChange Between(Gossip old, Gossip now)
    {
        var (members, membersRemoved) = old.Table.DifferenceTo(now.Table);
        var (rows, rowsRemoved) = old.Reachability.DifferenceTo(now.Reachability);
        var (clock, clockRemoved) = SortedByNode.Difference(
            old.Version.Entries.AsSpan(), now.Version.Entries.AsSpan(), entry => entry.Node,
            (one, other) => one.Version == other.Version);
        return new GossipChange(
            old.Version.Digest, now.Version.Digest,
            ImmutableArray.Create(now.Seen.On(now.Table).ToBytes()))
        {
            Members = members,
            MembersRemoved = membersRemoved,
            Rows = rows,
            RowsRemoved = rowsRemoved,
            Clock = clock,
            ClockRemoved = clockRemoved,
        };
    }

    /// <returns>Null if this does not lead from there to what it says.</returns>
    public Gossip? ApplyTo(Gossip old)
    {
        var members = old.Members;
        foreach (var node in MembersRemoved)
        {
            if (old.Find(node) is { } gone) members = members.Remove(gone);
        }

        foreach (var member in Members) members = members.Remove(member).Add(member);
        var clock = Clock.IsEmpty && ClockRemoved.IsEmpty
            ? old.Version
            : new VectorClock(SortedByNode.Apply(
                old.Version.Entries.AsSpan(), Clock.AsSpan(), ClockRemoved.AsSpan(),
                entry => entry.Node));
        var now = old with
        {
            Members = members,
            Reachability = old.Reachability.With(Rows, RowsRemoved),
            Version = clock,
            Seen = SeenSet.Nobody,
        };
        return clock.Digest == Result && SeenSet.Of(now.Table, Seen.AsSpan()) is { } seen
            ? now with { Seen = seen }
            : null;
    }
}

/// <summary>The versions of the gossip that this node held before the present one.</summary>
internal sealed class GossipHistory
{
    /// <summary>
    /// While a thousand hosts join, a version lives for a few tens of milliseconds.
    /// </summary>
    public const int CountMax = 16;

    /// <summary>Newest last.</summary>
    private readonly Queue<Gossip> _versions = new();

    /// <summary>Notes what is about to be replaced.</summary>
    public void Add(Gossip old)
    {
        if (old.Members.IsEmpty) return;
        if (_versions.Count == CountMax) _versions.Dequeue();
        _versions.Enqueue(old with { Seen = SeenSet.Nobody });
    }

    public Gossip? Latest => _versions.LastOrDefault();

    public Gossip? Find(ulong digest) =>
        _versions.LastOrDefault(version => version.Version.Digest == digest);

    /// <summary>Of the present version and those before it, newest first.</summary>
    public ImmutableArray<ulong> Digests(Gossip present) =>
    [
        present.Version.Digest,
        .. _versions.Reverse().Select(version => version.Version.Digest),
    ];
}
