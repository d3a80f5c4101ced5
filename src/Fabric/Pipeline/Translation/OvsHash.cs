using System.Buffers.Binary;
using System.Numerics;

namespace Fabric.Pipeline;

/// <summary>The hashes that OVS computes, so that the same packet takes the same way.</summary>
/// <remarks>
/// Murmur3's 32-bit mixing for words, Bob Jenkins' lookup3 for the symmetric hash of a flow. Words
/// are read in the order of a little-endian machine, as an OVS on x86-64 does.
/// </remarks>
internal static class OvsHash
{
    public static uint Add(uint hash, uint word)
    {
        word = BitOperations.RotateLeft(word * 0xCC9E_2D51, 15) * 0x1B87_3593;
        return (BitOperations.RotateLeft(hash ^ word, 13) * 5) + 0xE654_6B64;
    }

    public static uint Finish(uint hash, uint size)
    {
        hash ^= size;
        hash = (hash ^ (hash >> 16)) * 0x85EB_CA6B;
        hash = (hash ^ (hash >> 13)) * 0xC2B2_AE35;
        return hash ^ (hash >> 16);
    }

    /// <summary>hash_2words: also hash_int(value, basis).</summary>
    public static uint Words(uint left, uint right) => Finish(Add(Add(left, 0), right), 8);

    public static uint Long(ulong value) =>
        Finish(Add(Add(0, (uint)value), (uint)(value >> 32)), 8);

    public static uint Bytes(ReadOnlySpan<byte> bytes, uint basis)
    {
        var hash = basis;
        var rest = bytes;
        for (; rest.Length >= 4; rest = rest[4..])
        {
            hash = Add(hash, BinaryPrimitives.ReadUInt32LittleEndian(rest));
        }

        if (!rest.IsEmpty) hash = Add(hash, Tail(rest));
        return Finish(hash, (uint)bytes.Length);
    }

    /// <summary>lookup3 (hashlittle) over whole and partial groups of twelve bytes.</summary>
    public static uint Jenkins(ReadOnlySpan<byte> bytes, uint basis)
    {
        uint a, b, c;
        a = b = c = 0xDEAD_BEEF + (uint)bytes.Length + basis;
        for (; bytes.Length >= 12; bytes = bytes[12..])
        {
            a += BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            b += BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            c += BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
            a = (a - c) ^ BitOperations.RotateLeft(c, 4); c += b;
            b = (b - a) ^ BitOperations.RotateLeft(a, 6); a += c;
            c = (c - b) ^ BitOperations.RotateLeft(b, 8); b += a;
            a = (a - c) ^ BitOperations.RotateLeft(c, 16); c += b;
            b = (b - a) ^ BitOperations.RotateLeft(a, 19); a += c;
            c = (c - b) ^ BitOperations.RotateLeft(b, 4); b += a;
        }

        if (bytes.IsEmpty) return c;
        Span<byte> last = stackalloc byte[12];
        last.Clear();
        bytes.CopyTo(last);
        a += BinaryPrimitives.ReadUInt32LittleEndian(last);
        b += BinaryPrimitives.ReadUInt32LittleEndian(last[4..]);
        c += BinaryPrimitives.ReadUInt32LittleEndian(last[8..]);
        c = (c ^ b) - BitOperations.RotateLeft(b, 14);
        a = (a ^ c) - BitOperations.RotateLeft(c, 11);
        b = (b ^ a) - BitOperations.RotateLeft(a, 25);
        c = (c ^ b) - BitOperations.RotateLeft(b, 16);
        a = (a ^ c) - BitOperations.RotateLeft(c, 4);
        b = (b ^ a) - BitOperations.RotateLeft(a, 14);
        return (c ^ b) - BitOperations.RotateLeft(b, 24);
    }

    private static uint Tail(ReadOnlySpan<byte> bytes)
    {
        uint word = 0;
        for (var i = 0; i < bytes.Length; i++) word |= (uint)bytes[i] << (8 * i);
        return word;
    }
}
