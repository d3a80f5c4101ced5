using System.Collections;
using System.Collections.Immutable;

namespace Akka.DistributedData;

/// <summary>Makes <see cref="GSet{T}"/>.</summary>
public static class GSet
{
    public static GSet<T> Create<T>(params T[] elements)
        where T : notnull => new([.. elements]);
}

/// <summary>A set that only grows.</summary>
public sealed class GSet<T>
    : IReplicatedData<GSet<T>>, IDeltaReplicatedData, IReplicatedDelta, IReplicatedDeltaSize,
        IEnumerable<T>, IEquatable<GSet<T>>
    where T : notnull
{
    public static readonly GSet<T> Empty = new([]);

    private readonly ImmutableHashSet<T> _elements;

    internal GSet(ImmutableHashSet<T> elements, GSet<T>? delta = null)
    {
        _elements = elements;
        Delta = delta;
    }

    public IImmutableSet<T> Elements => _elements;
    public int Count => _elements.Count;
    public bool IsEmpty => _elements.IsEmpty;
    public GSet<T>? Delta { get; }

    IReplicatedDelta? IDeltaReplicatedData.Delta => Delta;
    IDeltaReplicatedData IReplicatedDelta.Zero => Empty;
    int IReplicatedDeltaSize.DeltaSize => Count;

    public bool Contains(T element) => _elements.Contains(element);

    public GSet<T> Add(T element) =>
        new(_elements.Add(element), new GSet<T>((Delta?._elements ?? []).Add(element)));

    public GSet<T> Merge(GSet<T> other) =>
        ReferenceEquals(this, other) ? this : new(_elements.Union(other._elements));

    public GSet<T> MergeDelta(GSet<T> delta) => Merge(delta);

    public GSet<T> ResetDelta() => Delta is null ? this : new(_elements);

    IReplicatedData IReplicatedData.Merge(IReplicatedData other) => Merge((GSet<T>)other);

    IReplicatedData IDeltaReplicatedData.MergeDelta(IReplicatedDelta delta) =>
        Merge((GSet<T>)delta);

    IReplicatedData IDeltaReplicatedData.ResetDelta() => ResetDelta();

    public IEnumerator<T> GetEnumerator() => _elements.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(GSet<T>? other) =>
        other is not null && _elements.SetEquals(other._elements);

    public override bool Equals(object? obj) => Equals(obj as GSet<T>);

    public override int GetHashCode() =>
        _elements.Aggregate(0, (hash, element) => hash ^ element.GetHashCode());

    public override string ToString() => $"GSet({string.Join(", ", _elements)})";
}
