using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Hashes of flow keys, secret to the process so that collisions cannot be aimed.
/// </summary>
/// <remarks>
/// Pairs of words, each pair one 64x64 multiplication folded to 64 bits; pairs are independent, so
/// that the processor overlaps them.
/// </remarks>
internal static class FlowHash
{
    private static readonly ulong[] Secrets = NewSecrets();

    /// <summary>Hash of the words of 'key' named by 'indices', masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint OfMasked(
        ref ulong key, ref ushort indices, ref ulong masks, int count)
    {
        ref var secret = ref Secrets[0];
        ulong hash = (uint)count;
        var i = 0;
        for (; i + 1 < count; i += 2)
        {
            var first = Unsafe.Add(ref key, Unsafe.Add(ref indices, i)) & Unsafe.Add(ref masks, i);
            var second = Unsafe.Add(ref key, Unsafe.Add(ref indices, i + 1))
                & Unsafe.Add(ref masks, i + 1);
            hash ^= Mix(first ^ Unsafe.Add(ref secret, i), second ^ Unsafe.Add(ref secret, i + 1));
        }

        if (i < count)
        {
            var last = Unsafe.Add(ref key, Unsafe.Add(ref indices, i)) & Unsafe.Add(ref masks, i);
            hash ^= Mix(last ^ Unsafe.Add(ref secret, i), Unsafe.Add(ref secret, i + 1));
        }

        return Finish(hash);
    }

    /// <summary>Hash over the fields in which the packets of a host really differ.</summary>
    public static uint OfExact(ref FlowKey key)
    {
        ref var words = ref Unsafe.As<FlowKey, ulong>(ref key);
        ref var secret = ref Secrets[0];
        var hash = Pair(ref words, ref secret, 0, 1);
        hash ^= Pair(ref words, ref secret, 2, 32);
        hash ^= Pair(ref words, ref secret, 14, 15);
        hash ^= Pair(ref words, ref secret, 19, 24);
        hash ^= Pair(ref words, ref secret, 34, 43);
        if (key.IsIpv6)
        {
            hash ^= Pair(ref words, ref secret, 20, 21);
            hash ^= Pair(ref words, ref secret, 22, 23);
        }

        return Finish(hash);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Pair(ref ulong words, ref ulong secret, int first, int second) => Mix(
        Unsafe.Add(ref words, first) ^ Unsafe.Add(ref secret, first),
        Unsafe.Add(ref words, second) ^ Unsafe.Add(ref secret, second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Finish(ulong hash)
    {
        hash *= 0x9E37_79B9_7F4A_7C15;
        return (uint)(hash >> 32);
    }

    private static ulong[] NewSecrets()
    {
        var secrets = new ulong[FlowKey.WordCount + 2];
        RandomNumberGenerator.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            secrets.AsSpan()));
        return secrets;
    }
}
