using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>All flows that have the same mask (and ingress port): one hash table.</summary>
/// <remarks>
/// Open addressing. Readers take the current array and probe it without locks; a writer (one at a
/// time, the flow table's lock) fills free slots in place, leaves tombstones where flows were, and
/// publishes a new array when too few slots are free.
/// </remarks>
internal sealed class Subtable
{
    private const int SlotsMin = 8;

    /// <summary>Marks a slot whose flow was removed: probes go on past it.</summary>
    private static readonly Megaflow Removed = new(null!, 0, [], []) { IsDead = true };

    /// <summary>
    /// Indices of the mask's nonzero words in <see cref="FlowKey.Words"/>; the ingress port last.
    /// </summary>
    public readonly ushort[] Indices;

    /// <summary>The mask's nonzero words.</summary>
    public readonly ulong[] Masks;

    /// <summary>Look-ups that ended here since ranks were last made; not exact.</summary>
    public long Hits;

    /// <summary>Where the ingress port is: the same in all keys of a port's subtables.</summary>
    private const int IngressPortWord = 1;

    private readonly int _hashCount;
    private Slot[] _slots = new Slot[SlotsMin];
    private int _used; // Flows and tombstones.

    public Subtable(ref FlowKey mask)
    {
        var words = mask.Words;
        var count = 0;
        foreach (var word in words) count += word != 0 ? 1 : 0;
        Indices = new ushort[count];
        Masks = new ulong[count];
        var next = 0;
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] == 0 || i == IngressPortWord) continue;
            Indices[next] = (ushort)i;
            Masks[next++] = words[i];
        }

        _hashCount = Math.Max(1, next);
        if (next == count) return;
        Indices[next] = IngressPortWord;
        Masks[next] = words[IngressPortWord];
    }

    public int Count { get; private set; }

    public void ReadMask(ref FlowKey mask)
    {
        mask = default;
        var words = mask.Words;
        for (var i = 0; i < Indices.Length; i++) words[Indices[i]] = Masks[i];
    }

    public uint HashOf(ref FlowKey key) => FlowHash.OfMasked(
        ref Unsafe.As<FlowKey, ulong>(ref key),
        ref MemoryMarshal.GetArrayDataReference(Indices),
        ref MemoryMarshal.GetArrayDataReference(Masks), _hashCount);

    public Megaflow? Find(ref FlowKey key)
    {
        var hash = HashOf(ref key);
        var slots = Volatile.Read(ref _slots);
        ref var first = ref MemoryMarshal.GetArrayDataReference(slots);
        var last = slots.Length - 1; // Of a power of two: no index below is outside.
        for (var i = (int)hash & last; ; i = (i + 1) & last)
        {
            ref var slot = ref Unsafe.Add(ref first, (uint)i);
            var flow = Volatile.Read(ref slot.Flow);
            if (flow is null) return null;
            if (slot.Hash == hash && Matches(flow, ref key)) return flow;
        }
    }

    /// <summary>The key is one of those that 'flow', one of this subtable's, stands for.</summary>
    public bool Matches(Megaflow flow, ref FlowKey key)
    {
        ref var words = ref Unsafe.As<FlowKey, ulong>(ref key);
        var values = flow.Words;
        var indices = Indices;
        var masks = Masks;
        if (values.Length != indices.Length || masks.Length != indices.Length) return false;
        ulong difference = 0;
        for (var i = 0; i < values.Length; i++)
        {
            difference |= (Unsafe.Add(ref words, indices[i]) & masks[i]) ^ values[i];
        }

        return difference == 0;
    }

    /// <summary>Adds a flow whose key is not in the table. Writer only.</summary>
    public Megaflow Add(ref FlowKey key, DatapathAction[] actions)
    {
        var values = new ulong[Indices.Length];
        var words = key.Words;
        for (var i = 0; i < values.Length; i++) values[i] = words[Indices[i]] & Masks[i];
        var flow = new Megaflow(this, HashOf(ref key), values, actions);

        if ((_used + 1) * 4 > _slots.Length * 3) Rebuild();
        Insert(_slots, flow);
        _used++;
        Count++;
        return flow;
    }

    /// <summary>Writer only.</summary>
    public void Remove(Megaflow flow)
    {
        var last = _slots.Length - 1;
        for (var i = (int)flow.Hash & last; _slots[i].Flow is not null; i = (i + 1) & last)
        {
            if (!ReferenceEquals(_slots[i].Flow, flow)) continue;
            flow.IsDead = true;
            Volatile.Write(ref _slots[i].Flow, Removed);
            Count--;
            return;
        }
    }

    public void Visit(Action<Megaflow> visit)
    {
        foreach (var slot in Volatile.Read(ref _slots))
        {
            if (slot.Flow is { IsDead: false } flow) visit(flow);
        }
    }

    private void Rebuild()
    {
        var size = SlotsMin;
        while (size < (Count + 1) * 2) size *= 2;
        var fresh = new Slot[size];
        foreach (var slot in _slots)
        {
            if (slot.Flow is { IsDead: false } flow) Insert(fresh, flow);
        }

        _used = Count;
        Volatile.Write(ref _slots, fresh);
    }

    private static void Insert(Slot[] slots, Megaflow flow)
    {
        var last = slots.Length - 1;
        var i = (int)flow.Hash & last;
        while (slots[i].Flow is not null) i = (i + 1) & last;
        slots[i].Hash = flow.Hash;
        Volatile.Write(ref slots[i].Flow, flow);
    }

    private struct Slot
    {
        public Megaflow? Flow;

        /// <summary>The flow's: most comparisons end here. Written before the flow.</summary>
        public uint Hash;
    }
}
