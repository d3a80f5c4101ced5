using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>
/// The fields whose prefixes a table tracks: IPv4 and IPv6 destination and source.
/// </summary>
internal static class PrefixFields
{
    public const int Count = 4;
    public const int Ipv4Count = 2;
    private const int PortsOffset = 256;
    public const int PortsWord = PortsOffset / 8;

    private static readonly int[] Offsets = [156, 152, 176, 160];
    private static readonly int[] Sizes = [4, 4, 16, 16];

    public static int StageOf(int field) => KeyStages.Of(Offsets[field] / 8);

    public static int WidthOf(int field) => Sizes[field] * 8;

    /// <summary>The field's value, left-aligned.</summary>
    public static UInt128 ValueOf(int field, ReadOnlySpan<ulong> key)
    {
        var bytes = MemoryMarshal.AsBytes(key).Slice(Offsets[field], Sizes[field]);
        return Sizes[field] == 4
            ? (UInt128)BinaryPrimitives.ReadUInt32BigEndian(bytes) << 96
            : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>Leading one bits when the mask is a prefix of the field, else 0.</summary>
    public static int LengthOf(int field, ReadOnlySpan<ulong> mask) =>
        PrefixLength(ValueOf(field, mask));

    /// <summary>Adds the first 'length' bits of the field to 'wild'.</summary>
    public static void Fold(int field, Span<ulong> wild, int length)
    {
        var bytes = MemoryMarshal.AsBytes(wild).Slice(Offsets[field], Sizes[field]);
        length = Math.Min(length, bytes.Length * 8);
        for (var i = 0; i < length / 8; i++) bytes[i] = 0xFF;
        if (length % 8 != 0) bytes[length / 8] |= (byte)(0xFF00 >> (length % 8));
    }

    /// <summary>Are the first 'length' bits of the field in 'wild' already?</summary>
    public static bool AreFolded(int field, ReadOnlySpan<ulong> wild, int length) =>
        UInt128.LeadingZeroCount(~ValueOf(field, wild)) >= (UInt128)length;

    /// <summary>
    /// The rules for which 'key' has such an address: ARP shares the space of IPv4.
    /// </summary>
    public static bool IsPresent(int field, ReadOnlySpan<ulong> key)
    {
        var bytes = MemoryMarshal.AsBytes(key);
        var type = BinaryPrimitives.ReadUInt16BigEndian(bytes[124..]);
        return field < 2 ? type == 0x0800 : type == 0x86DD;
    }

    /// <summary>Both ports as one 32-bit number, left-aligned: source first.</summary>
    public static UInt128 Ports(ulong word)
    {
        if (BitConverter.IsLittleEndian) word = BinaryPrimitives.ReverseEndianness(word);
        return (UInt128)(word >> 32) << 96;
    }

    /// <summary>The first 'length' bits of the two ports, as bits of their word of a key.</summary>
    public static ulong PortsMask(int length)
    {
        var mask = length == 0 ? 0 : (ulong)(uint.MaxValue << (32 - length)) << 32;
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(mask) : mask;
    }

    /// <summary>Up to the last bit that is asked, gaps included; 0: none is.</summary>
    public static int PortsLengthOf(ReadOnlySpan<ulong> mask)
    {
        var ports = (uint)(Ports(mask[PortsWord]) >> 96);
        return ports == 0 ? 0 : 32 - System.Numerics.BitOperations.TrailingZeroCount(ports);
    }

    private static int PrefixLength(UInt128 mask)
    {
        var ones = (int)UInt128.LeadingZeroCount(~mask);
        return ones == 0 || ones >= 128 || mask << ones == 0 ? ones : 0;
    }
}

/// <summary>One lookup's answers from the tables' tries, asked for at most once each.</summary>
internal struct PrefixLookups(PrefixTrie[] tries)
{
    private readonly PrefixTrie[] _tries = tries;
    private int _asked;
    private UInt128 _lengths0, _lengths1, _lengths2, _lengths3;
    private int _bits0, _bits1, _bits2, _bits3;

    /// <summary>
    /// True when no rule of 'subtable' can match because no prefix of its length matches; then
    /// the bits that prove it are added to 'wild'.
    /// </summary>
    public bool Excludes(
        Subtable subtable, int stage, ReadOnlySpan<ulong> key, Span<ulong> wild)
    {
        for (var field = 0; field < PrefixFields.Count; field++)
        {
            var length = subtable.PrefixLengths[field];
            if (length == 0 || PrefixFields.StageOf(field) != stage) continue;
            Ask(field, key, out var bits, out var lengths);
            if (bits == 0 || (lengths & (UInt128.One << (length - 1))) != 0) continue;
            // The trie is the whole table's: never look at more than this subtable would.
            if (bits > length)
            {
                if (PrefixFields.AreFolded(field, wild, bits)) return true;
                continue;
            }

            PrefixFields.Fold(field, wild, bits);
            return true;
        }

        return false;
    }

    private void Ask(int field, ReadOnlySpan<ulong> key, out int bits, out UInt128 lengths)
    {
        if ((_asked & (1 << field)) == 0)
        {
            _asked |= 1 << field;
            bits = 0;
            lengths = 0;
            if (PrefixFields.IsPresent(field, key))
            {
                bits = _tries[field].Lookup(
                    PrefixFields.ValueOf(field, key), PrefixFields.WidthOf(field), out lengths);
            }

            Keep(field, bits, lengths);
            return;
        }

        (bits, lengths) = field switch
        {
            0 => (_bits0, _lengths0),
            1 => (_bits1, _lengths1),
            2 => (_bits2, _lengths2),
            _ => (_bits3, _lengths3),
        };
    }

    private void Keep(int field, int bits, UInt128 lengths)
    {
        switch (field)
        {
            case 0: (_bits0, _lengths0) = (bits, lengths); break;
            case 1: (_bits1, _lengths1) = (bits, lengths); break;
            case 2: (_bits2, _lengths2) = (bits, lengths); break;
            default: (_bits3, _lengths3) = (bits, lengths); break;
        }
    }
}
