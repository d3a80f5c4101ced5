using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Ports, ICMP, ARP and neighbour discovery.</content>
internal static partial class PacketEditor
{
    public static DropReason SetPorts(ref PacketRun run, SetPortsAction set)
    {
        if (run.Layout.TransportOffset < 0 || run.Key.NetworkProtocol != set.Protocol)
        {
            return DropReason.TranslationError;
        }

        var transport = run.Packet.Bytes[run.Layout.TransportOffset..run.Layout.EndOffset];
        if (transport.Length < 8) return DropReason.TranslationError;

        var source = Masked16(run.Key.PortSourceWire, set.SourceWire, set.SourceMaskWire);
        var destination = Masked16(
            run.Key.PortDestinationWire, set.DestinationWire, set.DestinationMaskWire);
        ref var ports = ref Unsafe.As<byte, uint>(ref transport[0]);
        var fresh = source | ((uint)destination << 16);
        if (ports == fresh) return DropReason.None;

        if (set.Protocol == IpProtocol.Sctp)
        {
            UpdateCrc32C(transport, ports, fresh);
        }
        else if (run.Packet.ChecksumStart < 0)
        {
            UpdateTransport(ref run, ports, fresh);
        }

        ports = fresh;
        run.Key.PortSourceWire = source;
        run.Key.PortDestinationWire = destination;
        return DropReason.None;
    }

    public static DropReason SetIcmp(ref PacketRun run, SetIcmpAction set)
    {
        if (run.Layout.TransportOffset < 0 || run.Key.NetworkProtocol != set.Protocol)
        {
            return DropReason.TranslationError;
        }

        var transport = run.Packet.Bytes[run.Layout.TransportOffset..];
        if (transport.Length < 4) return DropReason.TranslationError;
        var type = (byte)((transport[0] & ~set.TypeMask) | (set.Type & set.TypeMask));
        var code = (byte)((transport[1] & ~set.CodeMask) | (set.Code & set.CodeMask));

        ref var word = ref Unsafe.As<byte, ushort>(ref transport[0]);
        ref var checksum = ref Unsafe.As<byte, ushort>(ref transport[2]);
        var fresh = (ushort)(type | (code << 8));
        if (run.Packet.ChecksumStart < 0)
        {
            checksum = InternetChecksum.Update(checksum, word, fresh);
        }

        word = fresh;
        run.Key.PortSource = type;
        run.Key.PortDestination = code;
        return DropReason.None;
    }

    public static DropReason SetArp(ref PacketRun run, SetArpAction set)
    {
        var offset = run.Layout.NetworkOffset;
        if (!run.Key.IsArp || offset < 0 || run.Packet.Size < offset + 28)
        {
            return DropReason.TranslationError;
        }

        var arp = run.Packet.Bytes[offset..];
        var opcode = BinaryPrimitives.ReadUInt16BigEndian(arp[6..]);
        opcode = Masked16(opcode, set.Opcode, set.OpcodeMask);
        var sender = Masked(
            Unsafe.As<byte, uint>(ref arp[14]), set.SenderIpWire, set.SenderIpMaskWire);
        var target = Masked(
            Unsafe.As<byte, uint>(ref arp[24]), set.TargetIpWire, set.TargetIpMaskWire);
        var senderMac = Masked(MacBytes.From(arp[8..]), set.SenderMac, set.SenderMacMask);
        var targetMac = Masked(MacBytes.From(arp[18..]), set.TargetMac, set.TargetMacMask);

        BinaryPrimitives.WriteUInt16BigEndian(arp[6..], opcode);
        Unsafe.As<byte, uint>(ref arp[14]) = sender;
        Unsafe.As<byte, uint>(ref arp[24]) = target;
        senderMac.CopyTo(arp[8..]);
        targetMac.CopyTo(arp[18..]);

        run.Key.NetworkProtocol = opcode <= 0xFF ? (byte)opcode : (byte)0;
        run.Key.Ipv4SourceWire = sender;
        run.Key.Ipv4DestinationWire = target;
        run.Key.ArpSource = senderMac;
        run.Key.ArpTarget = targetMac;
        return DropReason.None;
    }

    public static DropReason SetNd(ref PacketRun run, SetNdAction set)
    {
        if (!TryNd(ref run, out var nd)) return DropReason.TranslationError;

        var target = Masked(run.Key.NdTarget, set.Target, set.TargetMask);
        if (target != run.Key.NdTarget)
        {
            Span<byte> fresh = stackalloc byte[Ipv6Bytes.Size];
            target.CopyTo(fresh);
            ReplaceNd(ref run, nd, 8, fresh);
            run.Key.NdTarget = target;
        }

        for (var offset = 24; nd.Length - offset >= 8;)
        {
            var size = nd[offset + 1] * 8;
            if (size == 0 || size > nd.Length - offset) return DropReason.NdMalformed;
            if (size == 8 && nd[offset] == 1)
            {
                run.Key.ArpSource = SetLink(
                    ref run, nd, offset + 2, set.SourceLink, set.SourceLinkMask);
            }
            else if (size == 8 && nd[offset] == 2)
            {
                run.Key.ArpTarget = SetLink(
                    ref run, nd, offset + 2, set.TargetLink, set.TargetLinkMask);
            }

            offset += size;
        }

        return DropReason.None;
    }

    /// <summary>Reserved bits; and the type of the first link-layer address option.</summary>
    public static DropReason SetNdExtension(ref PacketRun run, SetNdExtensionAction set)
    {
        if (!TryNd(ref run, out var nd)) return DropReason.TranslationError;

        var reserved = Masked(run.Key.NdReservedWire, set.ReservedWire, set.ReservedMaskWire);
        Span<byte> fresh = stackalloc byte[4];
        Unsafe.As<byte, uint>(ref fresh[0]) = reserved;
        ReplaceNd(ref run, nd, 4, fresh);
        run.Key.NdReservedWire = reserved;

        if (set.OptionsTypeMask == 0 || nd.Length < 32 || nd[25] != 1) return DropReason.None;
        var type = (byte)((nd[24] & ~set.OptionsTypeMask)
            | (set.OptionsType & set.OptionsTypeMask));
        Span<byte> option = [type, nd[25]];
        ReplaceNd(ref run, nd, 24, option);
        run.Key.NdOptionsType = type;
        return DropReason.None;
    }

    private static bool TryNd(scoped ref PacketRun run, out Span<byte> nd)
    {
        nd = default;
        if (!run.Key.IsIpv6 || run.Key.NetworkProtocol != IpProtocol.Icmpv6) return false;
        if (run.Layout.TransportOffset < 0 || run.Key.PortSource is not (135 or 136)) return false;
        nd = run.Packet.Bytes[run.Layout.TransportOffset..run.Layout.EndOffset];
        return nd.Length >= 24;
    }

    private static MacBytes SetLink(
        ref PacketRun run, scoped Span<byte> nd, int offset, MacBytes value, MacBytes mask)
    {
        var link = Masked(MacBytes.From(nd[offset..]), value, mask);
        Span<byte> fresh = stackalloc byte[MacBytes.Size];
        link.CopyTo(fresh);
        ReplaceNd(ref run, nd, offset, fresh);
        return link;
    }

    private static void ReplaceNd(
        ref PacketRun run, scoped Span<byte> nd, int offset, scoped ReadOnlySpan<byte> fresh)
    {
        var old = nd.Slice(offset, fresh.Length);
        ref var checksum = ref Unsafe.As<byte, ushort>(ref nd[2]);
        if (run.Packet.ChecksumStart < 0)
        {
            checksum = InternetChecksum.Update(checksum, old, fresh);
        }

        fresh.CopyTo(old);
    }

    /// <summary>TCP's or UDP's checksum after their ports changed.</summary>
    private static void UpdateTransport(ref PacketRun run, uint oldWire, uint freshWire)
    {
        var field = ChecksumField(run);
        var bytes = run.Packet.Bytes;
        if (field < 0 || field + 2 > bytes.Length) return;
        ref var checksum = ref Unsafe.As<byte, ushort>(ref bytes[field]);
        var isUdp = run.Key.NetworkProtocol == IpProtocol.Udp;
        if (isUdp && checksum == 0) return;
        checksum = InternetChecksum.Update(checksum, oldWire, freshWire);
        if (isUdp && checksum == 0) checksum = 0xFFFF;
    }

    /// <summary>
    /// SCTP's checksum (RFC 9260 section 6.8) covers the whole packet; a wrong one stays wrong by
    /// the same difference.
    /// </summary>
    private static void UpdateCrc32C(Span<byte> transport, uint oldPorts, uint freshPorts)
    {
        if (transport.Length < 12) return;
        ref var checksum = ref Unsafe.As<byte, uint>(ref transport[8]);
        var stored = checksum;
        checksum = 0;
        var before = Crc32C.Compute(transport);
        Unsafe.As<byte, uint>(ref transport[0]) = freshPorts;
        var after = Crc32C.Compute(transport);
        Unsafe.As<byte, uint>(ref transport[0]) = oldPorts;
        checksum = stored ^ before ^ after;
    }

    private static ushort Masked16(ushort old, ushort value, ushort mask) =>
        (ushort)((old & ~mask) | (value & mask));
}
