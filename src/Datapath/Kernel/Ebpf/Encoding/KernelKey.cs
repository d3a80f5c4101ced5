using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Between the managed flow key and that of the kernel (fabric_flow_key.h).</summary>
/// <remarks>
/// Both hold wire-order bytes, so that a field is a place here and a place there. A mask with bits
/// that the kernel's key has no place for, and that could matter, makes the flow one of the slow
/// path.
/// </remarks>
internal static class KernelKey
{
    private readonly record struct Field(short Here, short There, short Size);

    private static readonly Field[] Fields =
    [
        new(0, 0, 4), new(8, 4, 4), new(28, 8, 4), new(24, 12, 2), new(23, 14, 1),
        new(199, 15, 1), new(32, 16, 16), new(272, 32, 8), new(280, 40, 4), new(284, 44, 4),
        new(16, 48, 4), new(4, 52, 4), new(320, 56, 2), new(322, 58, 1), new(323, 59, 1),
        new(344, 60, 1), new(26, 61, 1), new(112, 64, 6), new(118, 70, 6), new(124, 76, 2),
        new(126, 78, 2), new(128, 80, 2), new(130, 82, 2), new(132, 84, 2), new(252, 86, 2),
        new(196, 88, 1), new(197, 89, 1), new(198, 90, 1), new(256, 92, 2), new(258, 94, 2),
        new(192, 156, 4), new(352, 160, 8), new(64, 168, 4), new(68, 172, 4), new(104, 176, 2),
        new(106, 178, 2), new(324, 180, 2), new(326, 182, 2), new(288, 184, 16),
        new(304, 200, 16),
    ];

    private static readonly Field[] Ipv4Fields = [new(152, 96, 4), new(156, 112, 4)];
    private static readonly Field[] Ipv6Fields = [new(160, 96, 16), new(176, 112, 16)];
    private static readonly Field[] ArpFields =
        [new(152, 96, 4), new(156, 112, 4), new(240, 144, 6), new(246, 150, 6)];

    /// <summary>Fields that only the packet's bytes tell.</summary>
    private static readonly Field[] Metadata =
        [.. Fields.Where(field => field.Here is < FlowKey.LinkOffset or >= FlowKey.TunnelOffset)];

    private static readonly bool[] IsCovered = Cover(Fields);

    /// <summary>The kernel's words for a flow's key and mask.</summary>
    /// <returns>False when the kernel cannot tell what the mask asks for.</returns>
    public static bool TryConvert(
        in FlowKey key, in FlowKey mask, uint epoch, out KernelKeyWords words,
        out KernelKeyWords maskWords)
    {
        words = default;
        maskWords = default;
        var wanted = key;
        var bits = mask;
        Span<byte> from = wanted.Bytes, fromMask = bits.Bytes;
        Span<byte> to = MemoryMarshal.AsBytes((Span<ulong>)words);
        Span<byte> toMask = MemoryMarshal.AsBytes((Span<ulong>)maskWords);
        Copy(Fields, from, to);
        Copy(Fields, fromMask, toMask);
        MemoryMarshal.Write(to, WithEpoch(key.RecirculationIdWire, epoch));
        var addresses = AddressesOf(in key, in mask);
        Copy(addresses, from, to);
        Copy(addresses, fromMask, toMask);

        var isBounded = mask.EthernetTypeWire == ushort.MaxValue;
        for (var i = 0; i < FlowKey.Size; i++)
        {
            if (fromMask[i] == 0 || IsCovered[i] || Contains(addresses, i)) continue;
            if (from[i] != 0) return false;
            if (IsAlwaysZero(i)) continue;
            if (!isBounded || !IsAbsent(i, in key, in mask)) return false;
            if (i < FlowKey.TunnelOptionsOffset + 8) continue;
            if (key.TunnelOptionsSize > 8) return false;
            toMask[60] = 0xFF;
        }

        for (var i = 0; i < to.Length; i++) to[i] &= toMask[i];
        return true;
    }

    /// <summary>The whole key of a packet, as far as the kernel's goes.</summary>
    public static KernelKeyWords Of(in FlowKey key, uint epoch)
    {
        KernelKeyWords words = default;
        var from = key;
        Span<byte> to = MemoryMarshal.AsBytes((Span<ulong>)words);
        Copy(Fields, from.Bytes, to);
        MemoryMarshal.Write(to, WithEpoch(key.RecirculationIdWire, epoch));
        var addresses = key.IsIpv6 ? Ipv6Fields : key.IsArp ? ArpFields : Ipv4Fields;
        Copy(addresses, from.Bytes, to);
        return words;
    }

    /// <summary>
    /// A recirculation id as the kernel has it: marked with the process that gave it out.
    /// </summary>
    /// <param name="epoch">The incarnation, in the upper eight bits.</param>
    public static uint WithEpoch(uint idWire, uint epoch) => idWire == 0
        ? 0
        : BinaryPrimitives.ReverseEndianness(
            (BinaryPrimitives.ReverseEndianness(idWire) & 0xFF_FFFF) | epoch);

    /// <summary>What a packet's bytes do not tell: ports, tunnel, connection.</summary>
    /// <returns>False when the recirculation id is an earlier process's.</returns>
    public static bool TryReadMetadata(in KernelKeyWords words, uint epoch, ref FlowKey key)
    {
        key = default;
        var from = words;
        ReadOnlySpan<byte> there = MemoryMarshal.AsBytes((Span<ulong>)from);
        var here = key.Bytes;
        foreach (var field in Metadata)
        {
            there.Slice(field.There, field.Size).CopyTo(here[field.Here..]);
        }

        var id = key.RecirculationId;
        key.RecirculationId = id & 0xFF_FFFF;
        return id == 0 || (id & 0xFF00_0000) == epoch;
    }

    /// <summary>The kernel's hash of the masked words of one mask.</summary>
    public static ulong Hash(
        ulong seed, uint mask, ReadOnlySpan<ulong> words, ReadOnlySpan<byte> indices)
    {
        var hash = seed ^ mask;
        foreach (var index in indices)
        {
            hash = (hash ^ words[index]) * 0x9e37_79b9_7f4a_7c15UL;
            hash ^= hash >> 32;
        }

        return hash;
    }

    private static Field[] AddressesOf(in FlowKey key, in FlowKey mask)
    {
        if (mask.EthernetTypeWire != ushort.MaxValue) return [];
        return key.IsIpv4 ? Ipv4Fields : key.IsIpv6 ? Ipv6Fields : key.IsArp ? ArpFields : [];
    }

    /// <summary>Priority, upper bytes of the connection's state, packet type, gaps.</summary>
    private static bool IsAlwaysZero(int offset) =>
        offset is (>= 12 and < 16) or (>= 20 and < 23) or 27 or (>= 48 and < 64);

    /// <summary>
    /// A byte that is zero in every packet which the rest of the mask lets through.
    /// </summary>
    private static bool IsAbsent(int offset, in FlowKey key, in FlowKey mask)
    {
        if (key.EthernetType is EtherType.Mpls or 0x8848 or EtherType.Nsh)
        {
            return offset is < FlowKey.LinkOffset or >= FlowKey.TransportOffset;
        }

        var isOriginal6 = offset is >= 72 and < 104;
        if (isOriginal6) return !key.IsIpv6 || IsUntracked(in key, in mask);
        if (offset is >= 224 and < 252 or >= 264 and < 272)
        {
            return !key.IsIpv6 || (mask.NetworkProtocol == 0xFF && key.NetworkProtocol != 58)
                || (mask.PortSourceWire == ushort.MaxValue && key.PortSource is not (135 or 136));
        }

        return offset is not (>= 260 and < 264)
            || (mask.NetworkProtocol == 0xFF && key.NetworkProtocol != 2);
    }

    private static bool IsUntracked(in FlowKey key, in FlowKey mask) =>
        (BinaryPrimitives.ReverseEndianness(mask.ConntrackStateWire) & 0x20) != 0
        && (key.ConntrackState & ConntrackState.Tracked) == 0;

    private static bool Contains(Field[] fields, int offset)
    {
        foreach (var field in fields)
        {
            if (offset >= field.Here && offset < field.Here + field.Size) return true;
        }

        return false;
    }

    private static void Copy(Field[] fields, ReadOnlySpan<byte> from, Span<byte> to)
    {
        foreach (var field in fields)
        {
            from.Slice(field.Here, field.Size).CopyTo(to[field.There..]);
        }
    }

    private static bool[] Cover(Field[] fields)
    {
        var covered = new bool[FlowKey.Size];
        foreach (var field in fields) covered.AsSpan(field.Here, field.Size).Fill(true);
        return covered;
    }
}
