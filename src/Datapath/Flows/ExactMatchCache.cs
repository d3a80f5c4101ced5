using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// One packet thread's answer to "the same key as a moment ago": whole keys to flows.
/// </summary>
/// <remarks>
/// Two places per key. A flow that was deleted answers no more; its slot is simply reused.
/// Keys are stored whole, since hashes may collide; keys without a tunnel compare only their core.
/// </remarks>
internal sealed class ExactMatchCache
{
    private readonly FlowKey[] _keys;
    private readonly Entry[] _entries;
    private readonly uint _last;

    /// <param name="slots">A power of two.</param>
    public ExactMatchCache(int slots)
    {
        _keys = new FlowKey[slots];
        _entries = new Entry[slots];
        _last = (uint)slots - 1;
    }

    public Megaflow? Find(ref FlowKey key, uint hash)
    {
        var first = hash & _last;
        var flow = At(first, hash, ref key);
        return flow ?? At(Second(hash), hash, ref key);
    }

    /// <summary>A key with this hash can be put without pushing a live one out.</summary>
    public bool HasRoom(uint hash) =>
        _entries[hash & _last].Flow is not { IsDead: false }
        || _entries[Second(hash)].Flow is not { IsDead: false };

    public void Insert(ref FlowKey key, uint hash, Megaflow flow)
    {
        var slot = hash & _last;
        if (_entries[slot].Flow is { IsDead: false } && _entries[slot].Hash != hash)
        {
            slot = Second(hash);
        }

        _entries[slot] = new Entry { Hash = hash, Flow = flow };
        _keys[slot] = key;
    }

    private uint Second(uint hash) => (hash >> 16 ^ hash * 31) & _last;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Megaflow? At(uint slot, uint hash, ref FlowKey key)
    {
        ref var entry = ref _entries[slot];
        if (entry.Hash != hash || entry.Flow is not { } flow) return null;
        if (flow.IsDead)
        {
            entry.Flow = null;
            return null;
        }

        ref var stored = ref _keys[slot];
        return Same(ref stored, ref key) ? flow : null;
    }

    private static bool Same(ref FlowKey left, ref FlowKey right)
    {
        var size = right.HasTunnel || left.HasTunnel ? FlowKey.Size : FlowKey.CoreSize;
        return MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<FlowKey, byte>(ref left), size)
            .SequenceEqual(
                MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<FlowKey, byte>(ref right), size));
    }

    private struct Entry
    {
        public uint Hash;
        public Megaflow? Flow;
    }
}
