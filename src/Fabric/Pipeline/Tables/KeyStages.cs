using System.Numerics;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>In which stage of a lookup each 64-bit word of a key is compared.</summary>
/// <remarks>
/// Metadata and registers first, then link, network, transport: a subtable that already misses on
/// an early stage leaves the later fields out of the megaflow's mask. The stages are those of OVS
/// (flow.h), so that dumps of flows show the same fields.
/// </remarks>
internal static class KeyStages
{
    public const int Count = 4;

    public static int Of(int word)
    {
        var offset = word * 8;
        if (offset >= FlowKey.CoreSize) return 0;
        if (offset < FlowKey.OriginalTupleOffset) return 0;
        if (offset < FlowKey.LinkOffset) return offset < 104 ? 2 : 3;
        if (offset < FlowKey.NetworkOffset) return 1;
        return offset < 200 ? 2 : 3;
    }

    /// <summary>One 64-bit step of a hash over masked words.</summary>
    /// <remarks>
    /// Both halves of the product: the last byte of an address is in the highest bits of its word,
    /// and must reach the lowest of the hash, which choose the bucket.
    /// </remarks>
    public static ulong Mix(ulong hash, ulong word)
    {
        var high = Math.BigMul(
            BitOperations.RotateLeft(hash, 29) ^ word, 0x9E37_79B9_7F4A_7C15UL, out var low);
        high ^= low;
        return high ^ (high >> 32);
    }
}
