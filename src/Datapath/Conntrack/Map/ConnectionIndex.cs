using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Fabric.Datapath;

/// <summary>The hash table of one shard: buckets of one cache line each.</summary>
/// <remarks>
/// A bucket has seven slots and the count of entries that found it full and went on to the next
/// one. A slot is one word: the whole hash, and the connection's number and direction. So a key
/// that is new costs one cache line to look for and the same one to add, and growing needs no
/// look at the connections. Read without a lock; written under the shard's. A full index is
/// replaced by a larger one; who still reads the old one finds what was there when it was
/// replaced.
/// </remarks>
internal sealed class ConnectionIndex
{
    private const int Stride = 8;
    private const int SlotCount = 7;
    private const int LineSize = 64;
    private const int LoadMax = 5; // Entries for each bucket, on average.

    private readonly ulong[] _words;
    private readonly int _start; // The first word that lies at the beginning of a cache line.
    private readonly uint _mask;

    public ConnectionIndex(int bucketCount)
    {
        _words = GC.AllocateArray<ulong>((bucketCount + 1) * Stride, pinned: true);
        var address = Marshal.UnsafeAddrOfPinnedArrayElement(_words, 0);
        _start = (int)(-address & (LineSize - 1)) / sizeof(ulong);
        _mask = (uint)bucketCount - 1;
    }

    public int BucketCount => (int)_mask + 1;

    /// <summary>Entries beyond which it is to be replaced.</summary>
    public int CountMax => BucketCount * LoadMax;

    /// <summary>Walks the entries that have 'hash'.</summary>
    public Walk Find(uint hash) => new(this, hash);

    public void Insert(uint hash, uint entry)
    {
        var bucket = BucketOf(hash);
        while (true)
        {
            ref var line = ref LineAt(bucket);
            for (var i = 0; i < SlotCount; i++)
            {
                ref var slot = ref Unsafe.Add(ref line, i);
                if (slot != 0) continue;
                Volatile.Write(ref slot, Word(hash, entry));
                return;
            }

            ref var passed = ref Unsafe.Add(ref line, SlotCount);
            Volatile.Write(ref passed, passed + 1);
            bucket = (bucket + 1) & _mask;
        }
    }

    /// <summary>Takes out an entry that is there.</summary>
    public void Remove(uint hash, uint entry)
    {
        var word = Word(hash, entry);
        for (var bucket = BucketOf(hash); ; bucket = (bucket + 1) & _mask)
        {
            ref var line = ref LineAt(bucket);
            for (var i = 0; i < SlotCount; i++)
            {
                ref var slot = ref Unsafe.Add(ref line, i);
                if (slot != word) continue;
                Volatile.Write(ref slot, 0);
                return;
            }

            Unsafe.Add(ref line, SlotCount)--;
        }
    }

    /// <summary>All of it in an index of another size.</summary>
    public ConnectionIndex Resized(int bucketCount)
    {
        var other = new ConnectionIndex(bucketCount);
        foreach (var word in this) other.Insert((uint)(word >> 32), (uint)word);
        return other;
    }

    public Words GetEnumerator() => new(this, 0);

    /// <summary>All entries, beginning with those that lie where 'hash' does.</summary>
    public Words From(uint hash) => new(this, BucketOf(hash));

    private static ulong Word(uint hash, uint entry) => ((ulong)hash << 32) | entry;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint BucketOf(uint hash) => (hash / ConnectionMap.Shards) & _mask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref ulong LineAt(uint bucket) => ref Unsafe.Add(
        ref MemoryMarshal.GetArrayDataReference(_words), _start + ((int)bucket * Stride));

    /// <summary>Entries with one hash, in no order.</summary>
    public ref struct Walk
    {
        private readonly ConnectionIndex _index;
        private readonly uint _hash;
        private ref ulong _line;
        private uint _bucket;
        private uint _matches; // Bit 2n + 1: slot n may have the hash.

        public Walk(ConnectionIndex index, uint hash)
        {
            _index = index;
            _hash = hash;
            GoTo(index.BucketOf(hash));
        }

        /// <summary>Never 0.</summary>
        public uint Current { readonly get; private set; }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MoveNext()
        {
            while (true)
            {
                while (_matches != 0)
                {
                    var slot = BitOperations.TrailingZeroCount(_matches) / 2;
                    _matches &= _matches - 1;
                    var word = Volatile.Read(ref Unsafe.Add(ref _line, slot));
                    Current = (uint)word;
                    if ((uint)(word >> 32) == _hash && Current != 0) return true;
                }

                if (Volatile.Read(ref Unsafe.Add(ref _line, SlotCount)) == 0) return false;
                GoTo((_bucket + 1) & _index._mask);
            }
        }

        /// <summary>Compares the upper halves of all slots of a bucket at once.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void GoTo(uint bucket)
        {
            const uint UpperHalvesOfSlots = 0b10_1010_1010_1010;

            _bucket = bucket;
            _line = ref _index.LineAt(bucket);
            var wanted = Vector256.Create(_hash);
            var low = Vector256.LoadUnsafe(ref _line).AsUInt32();
            var high = Vector256.LoadUnsafe(ref _line, Stride / 2).AsUInt32();
            _matches = UpperHalvesOfSlots
                & (Vector256.Equals(low, wanted).ExtractMostSignificantBits()
                    | (Vector256.Equals(high, wanted).ExtractMostSignificantBits() << Stride));
        }
    }

    /// <summary>All entries, each with its hash in the upper half.</summary>
    public ref struct Words(ConnectionIndex index, uint bucket)
    {
        private readonly int _first = (int)bucket * Stride;
        private int _at = -1;

        public readonly Words GetEnumerator() => this;

        public readonly ulong Current => index._words[index._start + Place];

        private readonly int Place => (_first + _at) & ((index.BucketCount * Stride) - 1);

        public bool MoveNext()
        {
            while (++_at < index.BucketCount * Stride)
            {
                if (_at % Stride != SlotCount && Current != 0) return true;
            }

            return false;
        }
    }
}
