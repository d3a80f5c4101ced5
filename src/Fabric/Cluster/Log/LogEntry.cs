using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>The name of one entry: the term that wrote it and its place in the log.</summary>
/// <param name="Term">From 1; 0 only before the first entry.</param>
/// <param name="Sequence">From 1 without gaps; 0 only before the first entry.</param>
/// <remarks>Of two logs the newer is the one whose last entry is greater: term first.</remarks>
public readonly record struct EntryId(long Term, long Sequence) : IComparable<EntryId>
{
    public static EntryId None => default;

    public int CompareTo(EntryId other) =>
        Term != other.Term ? Term.CompareTo(other.Term) : Sequence.CompareTo(other.Sequence);

    public static bool operator >(EntryId left, EntryId right) => left.CompareTo(right) > 0;
    public static bool operator <(EntryId left, EntryId right) => left.CompareTo(right) < 0;
    public static bool operator >=(EntryId left, EntryId right) => left.CompareTo(right) >= 0;
    public static bool operator <=(EntryId left, EntryId right) => left.CompareTo(right) <= 0;

    public override string ToString() => $"{Term}.{Sequence}";
}

/// <summary>What an entry's body means. The numbers are on disk and on the wire.</summary>
public enum EntryKind : byte
{
    /// <summary>No content; the first entry of every term, which completes older ones.</summary>
    Barrier = 0,

    /// <summary>One whole OVSDB transaction: <see cref="TransactionEntry"/>.</summary>
    Transaction = 1,

    /// <summary>The voters from here on: <see cref="VoterSet"/>.</summary>
    Voters = 2,
}

/// <summary>One entry of the replicated log. Two entries with the same id are the same.</summary>
/// <param name="Body">Opaque to the protocol; never changed after construction.</param>
public sealed record LogEntry(EntryId Id, EntryKind Kind, ReadOnlyMemory<byte> Body)
{
    public bool Equals(LogEntry? other) =>
        other is not null && Id == other.Id && Kind == other.Kind
        && Body.Span.SequenceEqual(other.Body.Span);

    public override int GetHashCode() => HashCode.Combine(Id, Kind, Body.Length);
}

/// <summary>The state that a prefix of the log makes, cheap to hold, bytes when asked.</summary>
public interface ILogImage
{
    ReadOnlyMemory<byte> ToBytes();
}

/// <summary>An image that arrived as bytes.</summary>
public sealed record LogImageBytes(ReadOnlyMemory<byte> Bytes) : ILogImage
{
    public static readonly LogImageBytes Empty = new(ReadOnlyMemory<byte>.Empty);

    public ReadOnlyMemory<byte> ToBytes() => Bytes;
}

/// <summary>The hosts whose journals decide what is in the log.</summary>
/// <param name="Hosts">Host ids; at most <see cref="LogLimits.VoterCountMax"/>.</param>
public sealed record VoterSet(ImmutableSortedSet<string> Hosts)
{
    public static readonly VoterSet None = new(Ordinal.Empty<string>());

    public static VoterSet Of(params IEnumerable<string> hosts) =>
        new(hosts.ToImmutableSortedSet(StringComparer.Ordinal));

    public int Count => Hosts.Count;

    public bool IsEmpty => Hosts.IsEmpty;

    /// <summary>Smallest number of voters that is more than half.</summary>
    public int Majority => (Hosts.Count / 2) + 1;

    public bool Contains(string host) => Hosts.Contains(host);

    public bool Equals(VoterSet? other) => other is not null && Hosts.SetEquals(other.Hosts);

    public override int GetHashCode() => Hosts.Count;

    public override string ToString() => string.Join(",", Hosts);
}

/// <summary>Sorted collections of ids compare by code units on every machine alike.</summary>
internal static class Ordinal
{
    public static ImmutableSortedSet<T> Empty<T>() where T : class =>
        typeof(T) == typeof(string)
            ? ImmutableSortedSet<T>.Empty.WithComparer((IComparer<T>)(object)StringComparer.Ordinal)
            : ImmutableSortedSet<T>.Empty;

    public static ImmutableSortedDictionary<string, TValue> EmptyMap<TValue>() =>
        ImmutableSortedDictionary.Create<string, TValue>(StringComparer.Ordinal);
}
