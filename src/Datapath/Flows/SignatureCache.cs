using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// One packet thread's second cache: the hash of a key names the megaflow to try first.
/// </summary>
/// <remarks>
/// Holds no keys, so that it remembers many more than <see cref="ExactMatchCache"/> in less memory;
/// a candidate is compared with the key under its own mask, which makes a collision harmless.
/// Two places per key.
/// </remarks>
internal sealed class SignatureCache
{
    private readonly Megaflow?[] _flows;
    private readonly uint _last;

    /// <param name="slots">A power of two.</param>
    public SignatureCache(int slots)
    {
        _flows = new Megaflow?[slots];
        _last = (uint)slots - 1;
    }

    public Megaflow? Find(ref FlowKey key, uint hash)
    {
        ref var first = ref _flows[hash & _last];
        if (first is { } flow)
        {
            if (flow.IsDead) first = null;
            else if (flow.Subtable.Matches(flow, ref key)) return flow;
        }

        ref var second = ref _flows[(hash & _last) ^ 1];
        if (second is not { } other) return null;
        if (other.IsDead)
        {
            second = null;
            return null;
        }

        return other.Subtable.Matches(other, ref key) ? other : null;
    }

    public void Insert(uint hash, Megaflow flow)
    {
        var slot = hash & _last;
        if (_flows[slot] is { IsDead: false } && _flows[slot ^ 1] is null) slot ^= 1;
        _flows[slot] = flow;
    }
}
