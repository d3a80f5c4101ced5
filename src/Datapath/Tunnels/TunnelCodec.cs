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
    /// <param name="size">Bytes before the inner packet.</param>
    public static DropReason Read(
        TunnelPortSpec spec, GeneveOptions known, ReadOnlySpan<byte> bytes, ref FlowKey key,
        out int size) => spec.Kind switch
        {
            TunnelKind.Geneve => ReadGeneve(known, bytes, ref key, out size),
            TunnelKind.Vxlan => ReadVxlan(spec, bytes, ref key, out size),
            _ => Unsupported(out size),
        };

    /// <summary>Writes the header for 'tunnel' into 'header'; returns its size, or -1.</summary>
    public static int Write(TunnelPortSpec spec, TunnelMetadata tunnel, Span<byte> header)
    {
        var vni = (uint)(tunnel.Id & 0xFF_FFFF);
        switch (spec.Kind)
        {
            case TunnelKind.Geneve:
                var options = tunnel.Options.IsDefault ? default : tunnel.Options.AsSpan();
                if (options.Length > GeneveHeader.OptionsSizeMax || options.Length % 4 != 0)
                {
                    return -1;
                }

                var fixedPart = header[..GeneveHeader.SizeMin];
                GeneveHeader.Write(fixedPart, vni, EtherType.TransparentEthernet);
                GeneveHeader.WriteOptions(
                    header[..(GeneveHeader.SizeMin + options.Length)], options,
                    (tunnel.Flags & TunnelFlags.Oam) != 0);
                return GeneveHeader.SizeMin + options.Length;

            case TunnelKind.Vxlan:
                VxlanHeader.Write(header[..VxlanHeader.Size], vni);
                if (spec.HasGbp && (tunnel.GbpId != 0 || tunnel.GbpFlags != 0))
                {
                    VxlanHeader.WritePolicy(header, tunnel.GbpId, tunnel.GbpFlags);
                }
                else if (spec.HasGpe)
                {
                    VxlanHeader.WriteNextProtocol(header, nextProtocol: 3);
                }

                return VxlanHeader.Size;

            default:
                return -1;
        }
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
            1 => EtherType.Ipv4,
            2 => EtherType.Ipv6,
            4 => EtherType.Nsh,
            _ => (ushort)0,
        };
        if (type != 0)
        {
            key.PacketTypeWire = BinaryPrimitives.ReverseEndianness((1u << 16) | type);
            return DropReason.None;
        }

        return header.NextProtocol == 3 ? DropReason.None : DropReason.VxlanFlags;
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
