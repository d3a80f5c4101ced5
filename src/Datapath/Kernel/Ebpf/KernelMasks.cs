using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The masks in the kernel's table, and the order in which packets try them.</summary>
/// <remarks>
/// A packet is tried against the masks of its kind only: recirculated or not, IPv4, IPv6, ARP or
/// other. Ranked by use now and then. Guarded by the flow table's lock.
/// </remarks>
internal sealed class KernelMasks
{
    private readonly KernelObject _kernel;
    private readonly Dictionary<KernelKeyWords, Entry> _byWords = new(WordsComparer.Instance);
    private readonly Entry?[] _byNumber = new Entry?[KernelAbi.MasksMax];
    private readonly List<Entry>[] _orders =
        [.. Enumerable.Range(0, KernelAbi.Orders).Select(_ => new List<Entry>())];

    internal sealed class Entry(uint number, byte[] indices)
    {
        public readonly uint Number = number;
        public readonly byte[] Indices = indices;
        public readonly int[] Users = new int[KernelAbi.Orders];
        public KernelKeyWords Words;
        public ulong HitsBefore;
        public ulong HitsLately;
        public int UserCount;
    }

    public KernelMasks(KernelObject kernel)
    {
        _kernel = kernel;
        for (uint number = 0; number < KernelAbi.MasksMax; number++)
        {
            if (kernel.IsAdopted && kernel.Masks[(int)number].Count != 0) Adopt(number);
        }
    }

    public int Count => _byWords.Count;

    /// <summary>The mask for a flow, with room in every list that the flow belongs to.</summary>
    public Entry? Acquire(in FlowKey key, in FlowKey mask, in KernelKeyWords words)
    {
        if (!_byWords.TryGetValue(words, out var entry))
        {
            var number = Array.IndexOf(_byNumber, null);
            if (number < 0) return null;
            entry = Make((uint)number, in words);
            _byWords.Add(words, entry);
            _byNumber[number] = entry;
        }

        foreach (var order in OrdersOf(key, mask))
        {
            if (entry.Users[order] != 0 || _orders[order].Count < KernelAbi.OrderMax) continue;
            ForgetIfUnused(entry);
            return null;
        }

        foreach (var order in OrdersOf(key, mask))
        {
            if (entry.Users[order]++ == 0)
            {
                _orders[order].Add(entry);
                Publish(order);
            }
        }

        entry.UserCount++;
        return entry;
    }

    public void Release(Entry entry, in FlowKey key, in FlowKey mask)
    {
        foreach (var order in OrdersOf(key, mask))
        {
            if (--entry.Users[order] > 0) continue;
            _orders[order].Remove(entry);
            Publish(order);
        }

        entry.UserCount--;
        ForgetIfUnused(entry);
    }

    /// <summary>Most used first, by what happened since the last time.</summary>
    public void Rank()
    {
        foreach (var entry in _byNumber)
        {
            if (entry is null) continue;
            var hits = Volatile.Read(ref _kernel.Masks[(int)entry.Number].Hits);
            entry.HitsLately = (entry.HitsLately / 2) + (hits - entry.HitsBefore);
            entry.HitsBefore = hits;
        }

        for (var order = 0; order < _orders.Length; order++)
        {
            var list = _orders[order];
            var isSorted = true;
            for (var i = 1; i < list.Count; i++)
            {
                isSorted &= list[i - 1].HitsLately >= list[i].HitsLately;
            }

            if (isSorted) continue;
            list.Sort((left, right) => right.HitsLately.CompareTo(left.HitsLately));
            Publish(order);
        }
    }

    /// <summary>Masks that no flow of this process uses any more go away.</summary>
    public void DropAdopted()
    {
        foreach (var entry in _byNumber)
        {
            if (entry is { UserCount: 0 }) ForgetIfUnused(entry);
        }

        for (var order = 0; order < _orders.Length; order++)
        {
            if (_orders[order].RemoveAll(entry => entry.Users[order] == 0) > 0) Publish(order);
        }
    }

    private Entry Make(uint number, in KernelKeyWords words)
    {
        Span<byte> indices = stackalloc byte[KernelAbi.KeyWords];
        var count = 0;
        for (var i = 0; i < KernelAbi.KeyWords; i++)
        {
            if (words[i] != 0) indices[count++] = (byte)i;
        }

        ref var mask = ref _kernel.Masks[(int)number];
        for (var i = 0; i < count; i++)
        {
            mask.Index[i] = indices[i];
            mask.Word[i] = words[indices[i]];
        }

        mask.Hits = 0;
        Volatile.Write(ref mask.Count, (uint)count);
        return new Entry(number, indices[..count].ToArray()) { Words = words };
    }

    /// <summary>
    /// A mask of an earlier process: kept in place for as long as its flows live.
    /// </summary>
    private void Adopt(uint number)
    {
        ref var mask = ref _kernel.Masks[(int)number];
        var count = (int)Math.Min(mask.Count, KernelAbi.KeyWords);
        KernelKeyWords words = default;
        var indices = new byte[count];
        for (var i = 0; i < count; i++)
        {
            indices[i] = (byte)Math.Min((int)mask.Index[i], KernelAbi.KeyWords - 1);
            words[indices[i]] = mask.Word[i];
        }

        var entry = new Entry(number, indices) { Words = words, HitsBefore = mask.Hits };
        _byNumber[number] = entry;
        _byWords[words] = entry;
        for (var order = 0; order < KernelAbi.Orders; order++)
        {
            ref var list = ref _kernel.Orders[order];
            for (var i = 0; i < list.Count && i < KernelAbi.OrderMax; i++)
            {
                if (list.Mask[i] == number) _orders[order].Add(entry);
            }
        }
    }

    private void ForgetIfUnused(Entry entry)
    {
        if (entry.UserCount > 0 || entry.Users.Any(users => users > 0)) return;
        _byWords.Remove(entry.Words);
        _byNumber[entry.Number] = null;
    }

    private void Publish(int order)
    {
        ref var list = ref _kernel.Orders[order];
        var entries = _orders[order];
        for (var i = 0; i < entries.Count; i++) list.Mask[i] = (ushort)entries[i].Number;
        Volatile.Write(ref list.Count, (uint)entries.Count);
    }

    /// <summary>Lists in which packets of such a flow look: fabric_order_of.</summary>
    private static IEnumerable<int> OrdersOf(FlowKey key, FlowKey mask)
    {
        var isType = mask.EthernetTypeWire == ushort.MaxValue;
        var type = key.EthernetType switch
        {
            EtherType.Ipv4 => 0, EtherType.Ipv6 => 1, EtherType.Arp => 2, _ => 3,
        };
        var isRecirculation = mask.RecirculationIdWire == uint.MaxValue;
        for (var order = 0; order < KernelAbi.Orders; order++)
        {
            if (isType && order % 4 != type) continue;
            if (isRecirculation && (order >= 4) != (key.RecirculationIdWire != 0)) continue;
            yield return order;
        }
    }

    private sealed class WordsComparer : IEqualityComparer<KernelKeyWords>
    {
        public static readonly WordsComparer Instance = new();

        public bool Equals(KernelKeyWords x, KernelKeyWords y) =>
            ((ReadOnlySpan<ulong>)x).SequenceEqual(y);

        public int GetHashCode(KernelKeyWords words)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes((ReadOnlySpan<ulong>)words));
            return hash.ToHashCode();
        }
    }
}
