using System.Numerics;
using System.Runtime.InteropServices;

namespace Fabric.Wire;

/// <summary>CRC-32C, the checksum of SCTP (RFC 9260 appendix A).</summary>
public static class Crc32C
{
    /// <summary>The checksum as it lies in the packet on a little-endian machine.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (var last in bytes[(words.Length * 8)..]) crc = BitOperations.Crc32C(crc, last);
        return ~crc;
    }
}
