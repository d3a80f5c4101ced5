using System.Buffers.Binary;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Tunnel headers to and from the tunnel area of a flow key.</summary>
/// <remarks>What lies outside them (IP, UDP) is the port's business.</remarks>
internal static class TunnelCodec
{
    /// <summary>The largest header: Geneve with all options.</summary>
    public const int HeaderSizeMax = GeneveHeader.SizeMin + GeneveHeader.OptionsSizeMax;

    /// <summary>Reads the header at the start of 'bytes' into the key.</summary>
    /// <param name="size">
    /// Bytes before the inner packet; -1: not this kind of tunnel at all.
    /// </param>
    public static DropReason Read(
        TunnelPortSpec spec, GeneveOptions known, ReadOnlySpan<byte> bytes, ref FlowKey key,
        out int size) => spec.Kind switch
        {
            TunnelKind.Geneve => ReadGeneve(known, bytes, ref key, out size),
            TunnelKind.Vxlan => ReadVxlan(spec, bytes, ref key, out size),
            TunnelKind.Gre or TunnelKind.Ip6Gre => ReadGre(bytes, ref key, out size),
            TunnelKind.Erspan => ReadErspan(bytes, ref key, out size),
            TunnelKind.Gtpu => ReadGtpu(bytes, ref key, out size),
            _ => Unsupported(out size),
        };

    /// <summary>Writes the header for 'tunnel' into 'header'; returns its size, or -1.</summary>
    /// <param name="payload">What will follow: for lengths and checksums that cover it.</param>
    /// <param name="sequence">The port's counter, for headers that have one.</param>
    /// <param name="packetType">Of the payload: 0 is Ethernet (host order).</param>
    public static int Write(
        TunnelPortSpec spec, TunnelMetadata tunnel, ReadOnlySpan<byte> payload,
        ref uint sequence, Span<byte> header, uint packetType = 0)
    {
        switch (spec.Kind)
        {
            case TunnelKind.Geneve:
                return WriteGeneve(tunnel, header);
            case TunnelKind.Vxlan:
                return WriteVxlan(spec, tunnel, header, packetType);
            case TunnelKind.Gre or TunnelKind.Ip6Gre:
                var hasChecksum = (tunnel.Flags & TunnelFlags.Checksum) != 0;
                var size = GreHeader.Write(
                    header, packetType == 0 ? EtherType.TransparentEthernet : (ushort)packetType,
                    (tunnel.Flags & TunnelFlags.Key) != 0 ? (uint)tunnel.Id : null,
                    (tunnel.Flags & TunnelFlags.Sequence) != 0 ? sequence++ : null, hasChecksum);
                if (hasChecksum) GreHeader.WriteChecksum(header[..size], payload);
                return size;
            case TunnelKind.Erspan:
                return WriteErspan(tunnel, ref sequence, header);
            case TunnelKind.Gtpu when payload.Length <= ushort.MaxValue:
                GtpuHeader.Write(header[..GtpuHeader.SizeMin], (uint)tunnel.Id, payload.Length);
                return GtpuHeader.SizeMin;
            default:
                return -1;
        }
    }

    private static int WriteGeneve(TunnelMetadata tunnel, Span<byte> header)
    {
        var options = tunnel.Options.IsDefault ? default : tunnel.Options.AsSpan();
        if (options.Length > GeneveHeader.OptionsSizeMax || options.Length % 4 != 0) return -1;
        GeneveHeader.Write(
            header[..GeneveHeader.SizeMin], VniOf(tunnel), EtherType.TransparentEthernet);
        GeneveHeader.WriteOptions(
            header[..(GeneveHeader.SizeMin + options.Length)], options,
            (tunnel.Flags & TunnelFlags.Oam) != 0);
        return GeneveHeader.SizeMin + options.Length;
    }

    private static int WriteVxlan(
        TunnelPortSpec spec, TunnelMetadata tunnel, Span<byte> header, uint packetType)
    {
        VxlanHeader.Write(header[..VxlanHeader.Size], VniOf(tunnel));
        if (spec.HasGbp && (tunnel.GbpId != 0 || tunnel.GbpFlags != 0))
        {
            VxlanHeader.WritePolicy(header, tunnel.GbpId, tunnel.GbpFlags);
        }
        else if (spec.HasGpe)
        {
            var next = NextProtocolOf(packetType);
            if (next == 0) return -1;
            VxlanHeader.WriteNextProtocol(header, next);
        }

        return VxlanHeader.Size;
    }

    /// <summary>0 for what GPE has no number for.</summary>
    private static byte NextProtocolOf(uint packetType) => (ushort)packetType switch
    {
        0 => VxlanHeader.NextEthernet,
        EtherType.Ipv4 => VxlanHeader.NextIpv4,
        EtherType.Ipv6 => VxlanHeader.NextIpv6,
        EtherType.Nsh => VxlanHeader.NextNsh,
        _ => 0,
    };

    private static int WriteErspan(TunnelMetadata tunnel, ref uint sequence, Span<byte> header)
    {
        var erspan = tunnel.Erspan ?? new ErspanMetadata(1, 0, 0, 0);
        var session = (ushort)(tunnel.Id & 0x3FF);
        var type = erspan.Version == 2 ? EtherType.ErspanType3 : EtherType.ErspanType2;
        var size = GreHeader.Write(header, type, key: null, sequence++, hasChecksum: false);
        if (erspan.Version == 2)
        {
            ErspanHeader.Write(
                header.Slice(size, ErspanHeader.Version2Size), session, ErspanTicks(),
                erspan.Direction, erspan.HardwareId);
            return size + ErspanHeader.Version2Size;
        }

        ErspanHeader.Write(
            header.Slice(size, ErspanHeader.Version1Size), session, erspan.Index);
        return size + ErspanHeader.Version1Size;
    }

    /// <summary>Now, in the units of ERSPAN's time stamps: 100 microseconds.</summary>
    public static uint ErspanTicks() => (uint)(Environment.TickCount64 * 10);

    private static uint VniOf(TunnelMetadata tunnel) => (uint)(tunnel.Id & 0xFF_FFFF);

    private static DropReason ReadGre(
        ReadOnlySpan<byte> bytes, ref FlowKey key, out int size)
    {
        size = 0;
        if (!GreHeader.TryParse(bytes, out var header, out var payload, out var reason))
        {
            return reason;
        }

        if (header.ProtocolType is EtherType.ErspanType2 or EtherType.ErspanType3)
        {
            size = -1;
            return DropReason.GreFlags;
        }

        if (header.ProtocolType != EtherType.TransparentEthernet)
        {
            key.PacketTypeWire = BinaryPrimitives.ReverseEndianness(
                (1u << 16) | header.ProtocolType);
        }

        var flags = header.HasChecksum ? TunnelFlags.Checksum : TunnelFlags.None;
        if (header.HasKey) flags |= TunnelFlags.Key;
        key.TunnelId = header.Key;
        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness((ushort)flags);
        size = bytes.Length - payload.Length;
        return DropReason.None;
    }

    private static DropReason ReadErspan(
        ReadOnlySpan<byte> bytes, ref FlowKey key, out int size)
    {
        size = 0;
        if (!GreHeader.TryParse(bytes, out var gre, out var inner, out var reason)) return reason;
        if (gre.ProtocolType is not (EtherType.ErspanType2 or EtherType.ErspanType3))
        {
            size = -1;
            return DropReason.GreFlags;
        }

        if (!ErspanHeader.TryParse(inner, out var header, out var payload, out reason))
        {
            return reason;
        }

        SetId(ref key, header.SessionId, TunnelFlags.None);
        key.ErspanVersion = header.Version;
        key.ErspanIndexWire = BinaryPrimitives.ReverseEndianness(header.Index);
        key.ErspanDirection = header.Direction;
        key.ErspanHardwareId = header.HardwareId;
        size = bytes.Length - payload.Length;
        return DropReason.None;
    }

    /// <summary>
    /// The payload is an IP packet without a link header; its version says which.
    /// </summary>
    private static DropReason ReadGtpu(
        ReadOnlySpan<byte> bytes, ref FlowKey key, out int size)
    {
        size = 0;
        if (!GtpuHeader.TryParse(bytes, out var header, out var payload, out var reason))
        {
            return reason;
        }

        if (payload.IsEmpty) return DropReason.GtpuTruncated;
        var type = (payload[0] >> 4) switch
        {
            4 => EtherType.Ipv4,
            6 => EtherType.Ipv6,
            _ => (ushort)0,
        };
        if (type == 0) return DropReason.GtpuMessage;
        SetId(ref key, header.Teid, TunnelFlags.None);
        key.GtpuFlags = header.Flags;
        key.GtpuMessageType = header.MessageType;
        key.PacketTypeWire = BinaryPrimitives.ReverseEndianness((1u << 16) | type);
        size = bytes.Length - payload.Length;
        return DropReason.None;
    }

    private static DropReason ReadGeneve(
        GeneveOptions known, ReadOnlySpan<byte> bytes, ref FlowKey key, out int size)
    {
        size = 0;
        if (!GeneveHeader.TryParse(bytes, out var header, out var payload, out var reason))
        {
            return reason;
        }

        reason = known.Check(header.Options);
        if (reason != DropReason.None) return reason;
        if (header.ProtocolType != EtherType.TransparentEthernet)
        {
            return DropReason.ActionUnsupported;
        }

        SetId(ref key, header.Vni, header.IsControl ? TunnelFlags.Oam : TunnelFlags.None);
        key.TunnelOptionsSize = (byte)header.Options.Length;
        header.Options.CopyTo(key.TunnelOptions);
        size = bytes.Length - payload.Length;
        return DropReason.None;
    }

    private static DropReason ReadVxlan(
        TunnelPortSpec spec, ReadOnlySpan<byte> bytes, ref FlowKey key, out int size)
    {
        size = VxlanHeader.Size;
        if (!VxlanHeader.TryParse(bytes, out var header, out _, out var reason)) return reason;
        SetId(ref key, header.Vni, TunnelFlags.None);
        if (spec.HasGbp && header.HasGroupPolicy)
        {
            key.TunnelGbpIdWire = BinaryPrimitives.ReverseEndianness(header.PolicyId);
            key.TunnelGbpFlags = header.PolicyFlags;
        }

        if (!spec.HasGpe || !header.HasNextProtocol) return DropReason.None;
        var type = header.NextProtocol switch
        {
            VxlanHeader.NextIpv4 => EtherType.Ipv4,
            VxlanHeader.NextIpv6 => EtherType.Ipv6,
            VxlanHeader.NextNsh => EtherType.Nsh,
            _ => (ushort)0,
        };
        if (type != 0)
        {
            key.PacketTypeWire = BinaryPrimitives.ReverseEndianness((1u << 16) | type);
            return DropReason.None;
        }

        return header.NextProtocol == VxlanHeader.NextEthernet
            ? DropReason.None
            : DropReason.VxlanFlags;
    }

    private static void SetId(ref FlowKey key, uint vni, TunnelFlags flags)
    {
        key.TunnelId = vni;
        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness(
            (ushort)(flags | TunnelFlags.Key));
    }

    private static DropReason Unsupported(out int size)
    {
        size = 0;
        return DropReason.ActionUnsupported;
    }
}
