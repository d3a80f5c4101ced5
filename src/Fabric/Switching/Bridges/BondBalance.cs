using System.Collections.Immutable;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Which member each of a bond's hashes leaves through, and how much it carries.</summary>
/// <remarks>
/// OVS's rule (bond_rebalance): the busiest member gives hashes to the idlest one while that makes
/// the two more equal, and the difference is worth it.
/// </remarks>
internal sealed class BondBalance
{
    /// <summary>Differences below this many bytes in an interval are left alone.</summary>
    private const ulong OverloadMin = 100_000;

    private readonly uint[] _owners = new uint[BondState.HashCount];
    private readonly ulong[] _seen = new ulong[BondState.HashCount];
    private readonly ulong[] _loads = new ulong[BondState.HashCount];

    public void Assign(int hash, uint member) => _owners[hash] = member;

    /// <summary>The member of each hash; dealt out anew where one cannot send.</summary>
    public ImmutableArray<uint> Spread(ImmutableArray<uint> enabled)
    {
        if (enabled.IsEmpty) return [];
        for (var hash = 0; hash < _owners.Length; hash++)
        {
            if (!enabled.Contains(_owners[hash])) _owners[hash] = enabled[hash % enabled.Length];
        }

        return [.. _owners];
    }

    /// <summary>Hashes of a member that carry something.</summary>
    public ImmutableArray<(int Hash, ulong Bytes)> LoadsOf(uint member)
    {
        var loads = ImmutableArray.CreateBuilder<(int, ulong)>();
        for (var hash = 0; hash < _owners.Length; hash++)
        {
            if (_owners[hash] == member && _loads[hash] > 0) loads.Add((hash, _loads[hash]));
        }

        return loads.ToImmutable();
    }

    public void Rebalance(GroupBucketCounter[] counters, ImmutableArray<uint> enabled)
    {
        for (var hash = 0; hash < _owners.Length; hash++)
        {
            var bytes = counters[hash].Bytes;
            _loads[hash] = (_loads[hash] / 2) + (bytes - _seen[hash]);
            _seen[hash] = bytes;
        }

        if (enabled.Length < 2) return;
        Spread(enabled);
        for (var moves = 0; moves < _owners.Length && MoveOne(enabled); moves++)
        {
        }
    }

    private bool MoveOne(ImmutableArray<uint> enabled)
    {
        var totals = enabled.Select(member => (Member: member, Bytes: TotalOf(member)))
            .OrderBy(each => each.Bytes).ThenBy(each => each.Member).ToArray();
        var (to, least) = totals[0];
        var (from, most) = totals[^1];
        var overload = most - least;
        if (overload < least >> 5 || overload < OverloadMin) return false;
        var best = -1;
        for (var hash = 0; hash < _owners.Length; hash++)
        {
            // The heaviest that does not merely turn the difference round.
            if (_owners[hash] != from || _loads[hash] == 0 || _loads[hash] >= overload) continue;
            if (best < 0 || _loads[hash] > _loads[best]) best = hash;
        }

        if (best < 0) return false;
        _owners[best] = to;
        return true;
    }

    private ulong TotalOf(uint member)
    {
        ulong total = 0;
        for (var hash = 0; hash < _owners.Length; hash++)
        {
            if (_owners[hash] == member) total += _loads[hash];
        }

        return total;
    }
}
