using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One installed flow: masked key, actions, statistics.</summary>
/// <remarks>
/// Key and mask never change; actions are replaced whole. Statistics are written without atomic
/// operations by the thread that hits the flow first, since a flow's packets come from one port
/// and a port belongs to one thread; others use a second, atomic set.
/// </remarks>
internal sealed class Megaflow
{
    public readonly Subtable Subtable;
    public readonly uint Hash;

    /// <summary>Values of the subtable's words, in their order.</summary>
    public readonly ulong[] Words;

    private volatile DatapathAction[] _actions;
    private volatile bool _isDead;
    private object? _owner;
    private ulong _packets, _bytes, _otherPackets, _otherBytes;
    private long _usedMilliseconds;
    private int _tcpFlags;
    private FirstKey _first;

    public Megaflow(Subtable subtable, uint hash, ulong[] words, DatapathAction[] actions)
    {
        Subtable = subtable;
        Hash = hash;
        Words = words;
        _actions = actions;
    }

    /// <summary>Remembers the whole key of the packet that made the flow.</summary>
    public void Remember(in FlowKey key) => _first = FirstKey.Of(in key);

    /// <summary>The key that <see cref="Remember"/> was given.</summary>
    public void ReadFirst(ref FlowKey key) => _first.Read(ref key);

    public DatapathAction[] Actions
    {
        get => _actions;
        set => _actions = value;
    }

    /// <summary>Deleted: caches must not answer with it any more.</summary>
    public bool IsDead
    {
        get => _isDead;
        set => _isDead = value;
    }

    public ImmutableArray<DatapathAction> ActionsImmutable =>
        ImmutableCollectionsMarshal.AsImmutableArray(_actions);

    /// <param name="user">The packet thread's context.</param>
    public void CountHit(object user, int size, long nowMilliseconds, ushort tcpFlags)
    {
        if (ReferenceEquals(_owner, user))
        {
            _packets++;
            _bytes += (uint)size;
        }
        else if (_owner is null && Interlocked.CompareExchange(ref _owner, user, null) is null)
        {
            _packets++;
            _bytes += (uint)size;
        }
        else
        {
            Interlocked.Increment(ref _otherPackets);
            Interlocked.Add(ref _otherBytes, (ulong)size);
        }

        if (_usedMilliseconds != nowMilliseconds) _usedMilliseconds = nowMilliseconds;
        if ((_tcpFlags & tcpFlags) != tcpFlags) Interlocked.Or(ref _tcpFlags, tcpFlags);
    }

    public FlowStatistics Statistics() => new(
        Volatile.Read(ref _packets) + Volatile.Read(ref _otherPackets),
        Volatile.Read(ref _bytes) + Volatile.Read(ref _otherBytes),
        Volatile.Read(ref _usedMilliseconds), (ushort)Volatile.Read(ref _tcpFlags));

    /// <summary>The key, zero where the mask is.</summary>
    public void ReadKey(ref FlowKey key)
    {
        key = default;
        var words = key.Words;
        var indices = Subtable.Indices;
        for (var i = 0; i < indices.Length; i++) words[indices[i]] = Words[i];
    }
}
