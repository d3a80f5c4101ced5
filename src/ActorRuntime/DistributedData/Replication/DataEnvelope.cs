using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;

namespace Akka.DistributedData;

/// <summary>In place of a value that was deleted; it wins every merge.</summary>
internal sealed class DeletedData : IReplicatedData<DeletedData>
{
    public static readonly DeletedData Instance = new();

    public DeletedData Merge(DeletedData other) => this;

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => this;
}

/// <summary>How far the pruning of a removed node has come, for one value.</summary>
/// <param name="Owner">Who takes over what the removed node contributed.</param>
/// <param name="Seen">Who has the value with this mark; when all have, it is pruned.</param>
/// <param name="ObsoleteAfter">Set once pruned: UTC ticks when the mark is forgotten.</param>
internal sealed record PruningState(
    UniqueAddress Owner, ImmutableSortedSet<UniqueAddress> Seen, long? ObsoleteAfter)
{
    public bool IsPerformed => ObsoleteAfter is not null;

    public PruningState Merge(PruningState other)
    {
        if (IsPerformed && other.IsPerformed)
        {
            return ObsoleteAfter >= other.ObsoleteAfter ? this : other;
        }

        if (IsPerformed != other.IsPerformed) return IsPerformed ? this : other;
        if (Owner == other.Owner) return this with { Seen = Seen.Union(other.Seen) };
        return Owner.CompareTo(other.Owner) < 0 ? this : other;
    }
}

/// <summary>A value with what replication needs to know about it.</summary>
/// <param name="Data">The value.</param>
/// <param name="Pruning">By removed node.</param>
/// <param name="DeltaVersions">Per node the number of its last delta that is in the value.</param>
internal sealed record DataEnvelope(
    IReplicatedData Data,
    ImmutableSortedDictionary<UniqueAddress, PruningState> Pruning,
    VersionVector DeltaVersions)
{
    public static DataEnvelope Of(IReplicatedData data) => new(
        data, ImmutableSortedDictionary<UniqueAddress, PruningState>.Empty,
        VersionVector.Empty);

    public bool IsDeleted => Data is DeletedData;

    public DataEnvelope Merge(DataEnvelope other)
    {
        if (IsDeleted || other.IsDeleted) return Of(DeletedData.Instance);
        var pruning = Pruning.ToBuilder();
        foreach (var (node, state) in other.Pruning)
        {
            pruning[node] = pruning.TryGetValue(node, out var mine) ? mine.Merge(state) : state;
        }

        var versions = DeltaVersions.Merge(other.DeltaVersions);
        foreach (var (node, state) in pruning)
        {
            if (state.IsPerformed) versions = versions.PruningCleanup(node);
        }

        var states = pruning.ToImmutable();
        return new DataEnvelope(
            Cleaned(Data, states).Merge(Cleaned(other.Data, states)), states, versions);
    }

    /// <summary>What is known of the value is the same; the value is not looked at.</summary>
    public bool IsSameButData(DataEnvelope other) => Pruning.SequenceEqual(other.Pruning)
        && DeltaVersions.Equals(other.DeltaVersions);

    /// <summary>
    /// Its bytes, made once: the same value goes to many. A copy with a change forgets them.
    /// </summary>
    internal EncodedEnvelope Encoded(ActorSystem system) =>
        _encoded ??= DataCodec.Encode(this, system);

    private EncodedEnvelope? _encoded;

    private DataEnvelope(DataEnvelope original)
    {
        (Data, Pruning, DeltaVersions) =
            (original.Data, original.Pruning, original.DeltaVersions);
    }

    public bool NeedsPruningFrom(UniqueAddress removed) =>
        Data is IRemovedNodePruning value && value.NeedPruningFrom(removed);

    public DataEnvelope InitPruning(UniqueAddress removed, UniqueAddress owner) =>
        this with { Pruning = Pruning.SetItem(removed, new PruningState(owner, [], null)) };

    public DataEnvelope Prune(UniqueAddress removed, UniqueAddress into, long obsoleteAfter) =>
        this with
        {
            Data = ((IRemovedNodePruning)Data).Prune(removed, into),
            Pruning = Pruning.SetItem(removed, new PruningState(into, [], obsoleteAfter)),
            DeltaVersions = DeltaVersions.PruningCleanup(removed),
        };

    public DataEnvelope AddSeen(UniqueAddress node)
    {
        var pruning = Pruning;
        foreach (var (removed, state) in Pruning)
        {
            if (!state.IsPerformed && state.Owner != node && !state.Seen.Contains(node))
            {
                pruning = pruning.SetItem(removed, state with { Seen = state.Seen.Add(node) });
            }
        }

        return ReferenceEquals(pruning, Pruning) ? this : this with { Pruning = pruning };
    }

    public DataEnvelope ForgetMarks(long nowTicks)
    {
        var old = Pruning.Where(e => e.Value.ObsoleteAfter < nowTicks).Select(e => e.Key).ToList();
        return old.Count == 0 ? this : this with { Pruning = Pruning.RemoveRange(old) };
    }

    /// <summary>Without what an unpruned replica would bring back.</summary>
    private static IReplicatedData Cleaned(
        IReplicatedData data, ImmutableSortedDictionary<UniqueAddress, PruningState> pruning)
    {
        foreach (var (removed, state) in pruning)
        {
            if (state.IsPerformed && data is IRemovedNodePruning value
                && value.NeedPruningFrom(removed))
            {
                data = value.PruningCleanup(removed);
            }
        }

        return data;
    }
}
