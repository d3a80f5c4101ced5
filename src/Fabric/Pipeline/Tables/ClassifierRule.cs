using System.Collections.Immutable;

namespace Fabric.Pipeline;

/// <summary>One clause of a conjunctive match: conjunction(id, clause/count).</summary>
/// <param name="Clause">From zero.</param>
public readonly record struct ConjunctionClause(uint Id, byte Clause, byte Count);

/// <summary>What the classifier needs to know of a rule.</summary>
/// <remarks>
/// A rule is seen by readers of the versions [AddedVersion, RemovedVersion): a change to many rules
/// takes effect for all of them when the next version is published.
/// </remarks>
public abstract class ClassifierRule
{
    private long _addedVersion = long.MaxValue;
    private long _removedVersion = long.MaxValue;

    public int Priority { get; init; }

    /// <summary>Empty for ordinary rules.</summary>
    public ImmutableArray<ConjunctionClause> Conjunctions { get; init; } = [];

    /// <summary>The values to compare, in the order of the subtable's words.</summary>
    internal ulong[] Values { get; set; } = [];
    internal Subtable? Subtable { get; set; }
    internal ulong Hash { get; set; }

    internal long AddedVersion
    {
        get => Volatile.Read(ref _addedVersion);
        set => Volatile.Write(ref _addedVersion, value);
    }

    internal long RemovedVersion
    {
        get => Volatile.Read(ref _removedVersion);
        set => Volatile.Write(ref _removedVersion, value);
    }

    public bool IsVisible(long version) => AddedVersion <= version && version < RemovedVersion;
}
