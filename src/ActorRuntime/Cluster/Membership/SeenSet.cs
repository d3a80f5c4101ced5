using System.Collections;
using System.Numerics;

namespace Akka.Cluster;

/// <summary>Which members are known to hold a version: one bit for each.</summary>
internal sealed class SeenSet : IReadOnlyCollection<UniqueAddress>
{
    public static readonly SeenSet Nobody = new(MemberTable.Nobody, []);

    private readonly MemberTable _table;
    private readonly ulong[] _bits;

    private SeenSet(MemberTable table, ulong[] bits)
    {
        (_table, _bits) = (table, bits);
        foreach (var word in bits) Count += BitOperations.PopCount(word);
    }

    public int Count { get; }

    public bool Contains(UniqueAddress node) =>
        _table.IndexOf(node) is var index and >= 0 && IsSet(index);

    /// <summary>Bits by index in the table; the last byte is filled up with zeros.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[(_table.Count + 7) / 8];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(_bits[i / 8] >> (i % 8 * 8));
        return bytes;
    }

    /// <returns>Null if there are not as many bits as members.</returns>
    public static SeenSet? Of(MemberTable table, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != (table.Count + 7) / 8) return null;
        var bits = new ulong[Words(table)];
        for (var i = 0; i < bytes.Length; i++) bits[i / 8] |= (ulong)bytes[i] << (i % 8 * 8);
        if (table.Count % 64 != 0) bits[^1] &= (1UL << (table.Count % 64)) - 1;
        return new SeenSet(table, bits);
    }

    public static SeenSet Of(MemberTable table, IEnumerable<UniqueAddress> nodes)
    {
        var bits = new ulong[Words(table)];
        foreach (var node in nodes)
        {
            if (table.IndexOf(node) is var index and >= 0) bits[index / 64] |= 1UL << (index % 64);
        }

        return new SeenSet(table, bits);
    }

    /// <summary>The same nodes, as far as they are members, by index in another table.</summary>
    public SeenSet On(MemberTable table)
    {
        if (ReferenceEquals(table, _table)) return this;
        return table.HasSameNodes(_table) ? new SeenSet(table, _bits) : Of(table, this);
    }

    /// <summary>This one itself if it has all nodes of the other one.</summary>
    public SeenSet Union(SeenSet other)
    {
        var theirs = other.On(_table)._bits;
        var isMore = false;
        for (var i = 0; i < _bits.Length && !isMore; i++) isMore = (theirs[i] & ~_bits[i]) != 0;
        if (!isMore) return this;
        var bits = (ulong[])_bits.Clone();
        for (var i = 0; i < bits.Length; i++) bits[i] |= theirs[i];
        return new SeenSet(_table, bits);
    }

    /// <summary>The members that are not in it, as indices of the table.</summary>
    public IEnumerable<int> Unseen()
    {
        for (var word = 0; word < _bits.Length; word++)
        {
            var zeros = ~_bits[word];
            for (; zeros != 0; zeros &= zeros - 1)
            {
                var index = word * 64 + BitOperations.TrailingZeroCount(zeros);
                if (index < _table.Count) yield return index;
            }
        }
    }

    public IEnumerator<UniqueAddress> GetEnumerator()
    {
        for (var i = 0; i < _table.Count; i++)
        {
            if (IsSet(i)) yield return _table[i].UniqueAddress;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static int Words(MemberTable table) => (table.Count + 63) / 64;

    private bool IsSet(int index) => (_bits[index / 64] >> (index % 64) & 1) != 0;
}
