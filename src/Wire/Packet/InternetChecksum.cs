using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fabric.Wire;

/// <summary>The ones' complement checksum of IP, TCP, UDP and ICMP (RFC 1071, RFC 1624).</summary>
/// <remarks>
/// Sums are of 16-bit words as they lie in memory, which gives the result as it lies in memory too
/// (RFC 1071 section 2B): values whose name ends in Wire are copied, never byte-swapped.
/// </remarks>
public static class InternetChecksum
{
    /// <summary>
    /// Adds 'bytes' to a running sum; an odd last byte counts as if a zero followed.
    /// </summary>
    public static ulong Add(ReadOnlySpan<byte> bytes, ulong sum = 0)
    {
        ref var at = ref MemoryMarshal.GetReference(bytes);
        var size = bytes.Length;
        var offset = 0;

        if (Vector.IsHardwareAccelerated && size >= 2 * Vector<byte>.Count)
        {
            // Four gigabytes of 32-bit words fit a 64-bit lane, so that lanes need no carries.
            var low = Vector<ulong>.Zero;
            var high = Vector<ulong>.Zero;
            for (; size - offset >= Vector<byte>.Count; offset += Vector<byte>.Count)
            {
                var words = Unsafe.ReadUnaligned<Vector<uint>>(ref Unsafe.Add(ref at, offset));
                Vector.Widen(words, out var first, out var second);
                low += first;
                high += second;
            }

            var lanes = Vector.Sum(low + high);
            sum = AddCarry(sum, lanes);
        }

        for (; size - offset >= 8; offset += 8)
        {
            sum = AddCarry(sum, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, offset)));
        }

        ulong rest = 0;
        for (var i = 0; offset < size; offset++, i += 8)
        {
            rest |= (ulong)Unsafe.Add(ref at, offset) << i;
        }

        return AddCarry(sum, rest);
    }

    /// <summary>Adds a 16- or 32-bit wire-order value to a running sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(uint valueWire, ulong sum) => AddCarry(sum, valueWire);

    /// <summary>Folds a running sum to 16 bits (not complemented).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Fold(ulong sum)
    {
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + ((sum >> 16) & 0xFFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)((sum & 0xFFFF) + (sum >> 16));
    }

    /// <summary>The checksum of 'bytes', to be stored as it is.</summary>
    public static ushort ComputeWire(ReadOnlySpan<byte> bytes) => (ushort)~Fold(Add(bytes));

    /// <summary>
    /// The sum of the IPv4 or IPv6 pseudo-header (RFC 793, RFC 8200 section 8.1).
    /// </summary>
    /// <param name="addresses">
    /// Source and destination as they follow each other: 8 or 32 bytes.
    /// </param>
    /// <param name="length">Size of the transport header and data in bytes.</param>
    public static ulong PseudoHeader(ReadOnlySpan<byte> addresses, byte protocol, int length)
    {
        var sum = Add(addresses);
        sum = AddCarry(sum, (uint)protocol << 8);
        var wire = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((uint)length);
        return AddCarry(sum, wire);
    }

    /// <summary>A stored checksum after one 16-bit word changed (RFC 1624 equation 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Update(ushort checksumWire, ushort oldWire, ushort newWire)
    {
        var sum = (uint)(ushort)~checksumWire + (ushort)~oldWire + newWire;
        return (ushort)~Fold(sum);
    }

    /// <summary>A stored checksum after one 32-bit word changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Update(ushort checksumWire, uint oldWire, uint newWire)
    {
        var sum = (ulong)(ushort)~checksumWire + (~oldWire) + newWire;
        return (ushort)~Fold(sum);
    }

    /// <summary>A stored checksum after 'old' became 'fresh'; both of the same even size.</summary>
    public static ushort Update(
        ushort checksumWire, ReadOnlySpan<byte> old, ReadOnlySpan<byte> fresh)
    {
        var removed = Fold(Add(old));
        var added = Fold(Add(fresh));
        return Update(checksumWire, removed, added);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AddCarry(ulong sum, ulong value)
    {
        sum += value;
        return sum < value ? sum + 1 : sum;
    }
}
