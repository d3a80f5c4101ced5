using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Fabric.Wire;

/// <summary>Reads a packet's headers into a <see cref="FlowKey"/>.</summary>
/// <remarks>
/// The metadata, original tuple and tunnel areas of the key are the caller's and are kept; link,
/// network and transport areas are written. Ethernet with two VLAN tags, 802.2 SNAP, MPLS, NSH,
/// ARP, IPv4, IPv6 with extension headers, and what they carry. Later fragments have no ports.
/// Trailing bytes beyond the IP length are link-layer padding. A header that is cut, or whose
/// length field lies, makes the packet malformed: false, with the counter to drop it under; the
/// key then holds the layers before it.
/// Every length is proved before the bytes behind it are read; reads then go without checks.
/// </remarks>
public static partial class FlowKeyExtractor
{
    private const int EthernetSize = 14;
    private const int VlanSize = 4;
    private const int SnapSize = 8;
    private const int MplsSize = 4;
    private const int ArpSize = 28;
    private const int NshBaseSize = 8;
    private const int NshType1Size = 24;
    private const int ZeroedSize = FlowKey.TunnelOffset - FlowKey.LinkOffset;

    public static bool TryExtract(
        ReadOnlySpan<byte> packet, ref FlowKey key, out DropReason reason) =>
        TryExtract(packet, ref key, out _, out reason);

    /// <param name="layout">Where the headers are, for code that rewrites them.</param>
    [SkipLocalsInit]
    public static bool TryExtract(
        ReadOnlySpan<byte> packet, ref FlowKey key, out PacketLayout layout, out DropReason reason)
    {
        ref var keyBytes = ref Unsafe.As<FlowKey, byte>(ref key);
        Unsafe.InitBlockUnaligned(ref Unsafe.Add(ref keyBytes, FlowKey.LinkOffset), 0, ZeroedSize);
        layout = PacketLayout.None;

        ref var bytes = ref MemoryMarshal.GetReference(packet);
        var size = packet.Length;
        layout.EndOffset = size;
        int offset;
        ushort typeWire;

        if (key.PacketTypeWire == 0)
        {
            if (size < EthernetSize)
            {
                reason = DropReason.EthernetTruncated;
                return false;
            }

            // Destination and source lie in the key as in the frame: 12 bytes in one go.
            Unsafe.CopyBlockUnaligned(
                ref Unsafe.Add(ref keyBytes, FlowKey.LinkOffset), ref bytes, 12);
            typeWire = Read16(ref bytes, 12);
            offset = EthernetSize;

            if (typeWire is Wire.Vlan or Wire.ServiceVlan)
            {
                if (!TryVlans(ref bytes, size, ref key, ref offset, ref typeWire))
                {
                    reason = DropReason.VlanTruncated;
                    return false;
                }
            }

            layout.EthernetTypeOffset = offset - 2;
            if (BinaryPrimitives.ReverseEndianness(typeWire) < EtherType.Min)
            {
                typeWire = Snap(ref bytes, size, ref offset, ref layout);
            }
        }
        else
        {
            // Packets without a link header: the packet type names the EtherType.
            typeWire = (ushort)(key.PacketTypeWire >> 16);
            offset = 0;
        }

        key.EthernetTypeWire = typeWire;
        layout.NetworkOffset = offset;

        if (typeWire == Wire.Ipv4)
        {
            return TryIpv4(ref bytes, size, offset, ref key, ref layout, out reason);
        }

        return TryOther(ref bytes, size, offset, ref key, ref layout, out reason);
    }

    private static bool TryOther(
        ref byte bytes, int size, int offset, ref FlowKey key, ref PacketLayout layout,
        out DropReason reason)
    {
        switch (key.EthernetTypeWire)
        {
            case Wire.Ipv6:
                return TryIpv6(ref bytes, size, offset, ref key, ref layout, out reason);

            case Wire.Arp or Wire.Rarp:
                reason = TryArp(ref bytes, size, offset, ref key)
                    ? DropReason.None
                    : DropReason.ArpTruncated;
                break;

            case Wire.Mpls or Wire.MplsMulticast:
                layout.MplsOffset = offset;
                layout.NetworkOffset = -1;
                reason = TryMpls(ref bytes, size, offset, ref key)
                    ? DropReason.None
                    : DropReason.MplsTruncated;
                break;

            case Wire.Nsh:
                reason = TryNsh(ref bytes, size, offset, ref key)
                    ? DropReason.None
                    : DropReason.NshTruncated;
                break;

            default:
                layout.NetworkOffset = offset <= size ? offset : -1;
                reason = DropReason.None;
                break;
        }

        return reason == DropReason.None;
    }

    /// <summary>
    /// Up to two tags; 'offset' moves behind the EtherType that follows the last.
    /// </summary>
    private static bool TryVlans(
        ref byte bytes, int size, ref FlowKey key, ref int offset, ref ushort typeWire)
    {
        const ushort PresentWire = 0x0010; // The CFI bit, in wire order: "there is a tag".

        if (size < offset + VlanSize) return false;
        key.VlanTpid0Wire = typeWire;
        key.VlanTci0Wire = (ushort)(Read16(ref bytes, offset) | PresentWire);
        typeWire = Read16(ref bytes, offset + 2);
        offset += VlanSize;
        if (typeWire is not (Wire.Vlan or Wire.ServiceVlan)) return true;

        if (size < offset + VlanSize) return false;
        key.VlanTpid1Wire = typeWire;
        key.VlanTci1Wire = (ushort)(Read16(ref bytes, offset) | PresentWire);
        typeWire = Read16(ref bytes, offset + 2);
        offset += VlanSize;
        return true;
    }

    /// <summary>
    /// A length field where the type should be: the type is in SNAP, or there is none.
    /// </summary>
    private static ushort Snap(ref byte bytes, int size, ref int offset, ref PacketLayout layout)
    {
        const ulong SnapWire = 0x0000_0003_AAAA; // AA AA 03 00 00 00

        if (size >= offset + SnapSize)
        {
            var header = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, offset));
            var typeWire = (ushort)(header >> 48);
            if ((header & 0xFFFF_FFFF_FFFF) == SnapWire
                && BinaryPrimitives.ReverseEndianness(typeWire) >= EtherType.Min)
            {
                layout.EthernetTypeOffset = offset + SnapSize - 2;
                offset += SnapSize;
                return typeWire;
            }
        }

        return Wire.NoType;
    }

    private static bool TryMpls(ref byte bytes, int size, int offset, ref FlowKey key)
    {
        for (var depth = 0; size - offset >= MplsSize; depth++, offset += MplsSize)
        {
            var entryWire = Read32(ref bytes, offset);
            if (depth == 0) key.Mpls0Wire = entryWire;
            else if (depth == 1) key.Mpls1Wire = entryWire;
            else if (depth == 2) key.Mpls2Wire = entryWire;

            var isBottom = (Unsafe.Add(ref bytes, offset + 2) & 1) != 0;
            if (isBottom) return true;
        }

        return false;
    }

    private static bool TryArp(ref byte bytes, int size, int offset, ref FlowKey key)
    {
        const ulong EthernetIpv4Wire = 0x0406_0008_0100; // 00 01 08 00 06 04

        if (size - offset < 8) return false;
        var header = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, offset));
        if ((header & 0xFFFF_FFFF_FFFF) != EthernetIpv4Wire) return true;
        if (size - offset < ArpSize) return false;

        // Opcodes above 255 have no place in the key; it says 0 then, as OVS does.
        var opcode = BinaryPrimitives.ReverseEndianness((ushort)(header >> 48));
        if (opcode <= 0xFF) key.NetworkProtocol = (byte)opcode;
        key.ArpSource = ReadMac(ref bytes, offset + 8);
        key.Ipv4SourceWire = Read32(ref bytes, offset + 14);
        key.ArpTarget = ReadMac(ref bytes, offset + 18);
        key.Ipv4DestinationWire = Read32(ref bytes, offset + 24);
        return true;
    }

    /// <summary>RFC 8300: base header, service path, and the fixed context of MD type 1.</summary>
    private static bool TryNsh(ref byte bytes, int size, int offset, ref FlowKey key)
    {
        if (size - offset < NshBaseSize) return false;
        var first = BinaryPrimitives.ReverseEndianness(Read16(ref bytes, offset));
        if (first >> 14 != 0) return false;

        var headerSize = (first & 0x3F) * 4;
        if (headerSize < NshBaseSize || size - offset < headerSize) return false;

        var mdType = (byte)(Unsafe.Add(ref bytes, offset + 2) & 0x0F);
        if (mdType == 1 && headerSize != NshType1Size) return false;

        key.NshFlags = (byte)((first >> 12) & 0x03);
        key.NshTtl = (byte)((first >> 6) & 0x3F);
        key.NshMdType = mdType;
        key.NshNextProtocol = Unsafe.Add(ref bytes, offset + 3);
        key.NshPathWire = Read32(ref bytes, offset + 4);
        if (mdType != 1) return true;

        key.NshContext1Wire = Read32(ref bytes, offset + 8);
        key.NshContext2Wire = Read32(ref bytes, offset + 12);
        key.NshContext3Wire = Read32(ref bytes, offset + 16);
        key.NshContext4Wire = Read32(ref bytes, offset + 20);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort Read16(ref byte bytes, int offset) =>
        Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref bytes, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Read32(ref byte bytes, int offset) =>
        Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref bytes, offset));

    private static MacBytes ReadMac(ref byte bytes, int offset) =>
        Unsafe.ReadUnaligned<MacBytes>(ref Unsafe.Add(ref bytes, offset));

    private static Ipv6Bytes ReadIpv6(ref byte bytes, int offset) =>
        Unsafe.ReadUnaligned<Ipv6Bytes>(ref Unsafe.Add(ref bytes, offset));

    /// <summary>
    /// EtherTypes as they lie in the frame (this code runs on little-endian machines).
    /// </summary>
    private static class Wire
    {
        public const ushort Ipv4 = 0x0008;
        public const ushort Ipv6 = 0xDD86;
        public const ushort Arp = 0x0608;
        public const ushort Rarp = 0x3580;
        public const ushort Vlan = 0x0081;
        public const ushort ServiceVlan = 0xA888;
        public const ushort Mpls = 0x4788;
        public const ushort MplsMulticast = 0x4888;
        public const ushort Nsh = 0x4F89;
        public const ushort NoType = 0xFF05;
    }
}
