using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// A translation put on ice: what it needs to go on when the packet comes round again.
/// </summary>
/// <remarks>
/// Compared by value, so that the same decision always gets the same recirculation id and a flow
/// that is translated anew has the same actions. The key holds only what is not in the packet:
/// in_port, registers, metadata, the tunnel header and its options; the rest is zero.
/// </remarks>
public sealed class FrozenState : IEquatable<FrozenState>
{
    private readonly PipelineKey _key;
    private readonly int _hash;

    public FrozenState(
        string bridge, byte table, in PipelineKey key, ImmutableArray<byte> stack,
        bool isTracked, ulong mirrors, ActionList actionSet,
        ActionList rest, ulong cookie)
    {
        Bridge = bridge;
        Table = table;
        Stack = stack;
        IsTracked = isTracked;
        Mirrors = mirrors;
        ActionSet = actionSet;
        Rest = rest;
        Cookie = cookie;
        _key = key;
        _key.Flow.Bytes[..FlowKey.TunnelOffset].Clear();
        _key.ConjunctionIdWire = 0;
        var hash = new HashCode();
        hash.Add(bridge);
        hash.Add(table);
        hash.AddBytes(PipelineKey.BytesOf(in _key));
        hash.AddBytes(stack.AsSpan());
        hash.Add(mirrors);
        hash.Add(rest);
        _hash = hash.ToHashCode();
    }

    public string Bridge { get; }

    /// <summary>Where to go on, after <see cref="Rest"/>; 255: nowhere.</summary>
    public byte Table { get; }
    public ImmutableArray<byte> Stack { get; }

    /// <summary>The packet went through the connection tracker.</summary>
    public bool IsTracked { get; }
    public ulong Mirrors { get; }
    public ActionList ActionSet { get; }

    /// <summary>Actions still to be done before <see cref="Table"/> (or instead of one).</summary>
    public ActionList Rest { get; }
    public ulong Cookie { get; }

    internal ref readonly PipelineKey Key => ref _key;

    public bool Equals(FrozenState? other) =>
        other is not null && _hash == other._hash && Bridge == other.Bridge
        && Table == other.Table && IsTracked == other.IsTracked && Mirrors == other.Mirrors
        && Cookie == other.Cookie
        && PipelineKey.BytesOf(in _key).SequenceEqual(PipelineKey.BytesOf(in other._key))
        && Stack.AsSpan().SequenceEqual(other.Stack.AsSpan())
        && ActionSet.Equals(other.ActionSet) && Rest.Equals(other.Rest);

    public override bool Equals(object? obj) => Equals(obj as FrozenState);

    public override int GetHashCode() => _hash;
}
