using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>The tunnel(..) attribute.</content>
internal static partial class OdpFlowParser
{
    private static readonly OdpAttribute TunnelFields = new("tunnel",
        TunnelField("src", nameof(FlowKey.TunnelIpv4SourceWire), OdpFieldKind.Ipv4),
        TunnelField("dst", nameof(FlowKey.TunnelIpv4DestinationWire), OdpFieldKind.Ipv4),
        TunnelField("ipv6_src", nameof(FlowKey.TunnelIpv6Source), OdpFieldKind.Ipv6),
        TunnelField("ipv6_dst", nameof(FlowKey.TunnelIpv6Destination), OdpFieldKind.Ipv6),
        TunnelField("tos", nameof(FlowKey.TunnelTos), OdpFieldKind.Hex8),
        TunnelField("ttl", nameof(FlowKey.TunnelTtl), OdpFieldKind.Decimal8),
        TunnelField("tp_src", nameof(FlowKey.TunnelPortSourceWire), OdpFieldKind.Decimal16),
        TunnelField("tp_dst", nameof(FlowKey.TunnelPortDestinationWire), OdpFieldKind.Decimal16));

    /// <summary>Reads the inside of tunnel(..) into the tunnel area of key and mask.</summary>
    public static bool TryTunnel(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            switch (items.Name)
            {
                case "tun_id":
                    if (!TryMasked(items.Arguments, out ulong id, out var idMask)) return false;
                    key.TunnelId = id;
                    mask.TunnelId = idMask;
                    break;
                case "flags":
                    if (!OdpFlags.TryParse(
                        items.Arguments, OdpFlags.Tunnel, OdpFlags.TunnelBitsAll,
                        out var bits, out var care))
                    {
                        return false;
                    }

                    key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness(
                        (ushort)OdpFlags.FromTunnelBits(bits));
                    mask.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness(
                        (ushort)OdpFlags.FromTunnelBits(care));
                    break;
                case "geneve":
                    if (!TryOptions(items.Arguments, ref key, ref mask)) return false;
                    break;
                case "vxlan":
                    if (!TryGbp(items.Arguments, ref key, ref mask)) return false;
                    break;
                case "erspan":
                    if (!TryErspan(items.Arguments, ref key, ref mask)) return false;
                    break;
                case "gtpu":
                    if (!TryGtpu(items.Arguments, ref key, ref mask)) return false;
                    break;
                default:
                    if (!TryTunnelField(items, ref key, ref mask)) return false;
                    break;
            }
        }

        return true;
    }

    /// <summary>flags=0x..,msgtype=..; both are matched whole.</summary>
    private static bool TryGtpu(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var items = new OdpItems(text);
        byte flags = 0, type = 0;
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "flags" => OdpNumber.TryParse(items.Arguments, out flags),
                "msgtype" => OdpNumber.TryParse(items.Arguments, out type),
                _ => false,
            };
            if (!isGood) return false;
        }

        (key.GtpuFlags, key.GtpuMessageType) = (flags, type);
        mask.GtpuFlags = mask.GtpuMessageType = byte.MaxValue;
        return true;
    }

    private static bool TryTunnelField(OdpItems item, ref FlowKey key, ref FlowKey mask)
    {
        foreach (var field in TunnelFields.Fields)
        {
            if (item.Name.SequenceEqual(field.Name))
            {
                return TryField(field, item.Arguments, ref key, ref mask);
            }
        }

        return false;
    }

    /// <summary>{class=..,type=..,len=4,0x..}.. as raw options.</summary>
    public static bool TryOptions(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var size = 0;
        while (true)
        {
            text = text.Trim();
            if (text.IsEmpty) break;
            var close = text.IndexOf('}');
            if (text[0] != '{' || close < 0) return false;
            if (!TryOption(text[1..close], ref key, ref mask, ref size)) return false;
            text = text[(close + 1)..];
        }

        key.TunnelOptionsSize = (byte)size;
        mask.TunnelOptionsSize = size > 0 ? (byte)0xFF : (byte)0;
        return true;
    }

    private static bool TryOption(
        ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask, ref int size)
    {
        ushort optionClass = 0;
        byte type = 0, length = 0;
        UInt128 data = 0, care = UInt128.MaxValue;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "class" => OdpNumber.TryParse(items.Arguments, out optionClass),
                "type" => OdpNumber.TryParse(items.Arguments, out type),
                "len" => OdpNumber.TryParse(items.Arguments, out length),
                _ => TryMasked(items.Item, out data, out care),
            };
            if (!isGood) return false;
        }

        // Text is read up to 16 bytes an option; longer ones come only from packets.
        if (length % 4 != 0 || length > 16) return false;
        if (size + 4 + length > FlowKey.TunnelOptionsSizeMax) return false;

        var option = key.Bytes.Slice(FlowKey.TunnelOptionsOffset + size, 4 + length);
        var optionMask = mask.Bytes.Slice(FlowKey.TunnelOptionsOffset + size, 4 + length);
        BinaryPrimitives.WriteUInt16BigEndian(option, optionClass);
        option[2] = type;
        option[3] = (byte)(length / 4);
        optionMask[..4].Fill(0xFF);
        for (var i = 3 + length; i >= 4; i--, data >>= 8, care >>= 8)
        {
            option[i] = (byte)data;
            optionMask[i] = (byte)care;
        }

        size += 4 + length;
        return true;
    }

    private static bool TryGbp(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var outer = new OdpItems(text);
        if (!outer.MoveNext(out _) || outer.Name is not "gbp") return false;
        var items = new OdpItems(outer.Arguments);
        while (items.MoveNext(out _))
        {
            if (!TryMasked(items.Arguments, out ushort value, out var care)) return false;
            if (items.Name is "id")
            {
                key.TunnelGbpIdWire = BinaryPrimitives.ReverseEndianness(value);
                mask.TunnelGbpIdWire = BinaryPrimitives.ReverseEndianness(care);
            }
            else if (items.Name is "flags")
            {
                key.TunnelGbpFlags = (byte)value;
                mask.TunnelGbpFlags = (byte)care;
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryErspan(ReadOnlySpan<char> text, ref FlowKey key, ref FlowKey mask)
    {
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!TryMasked(items.Arguments, out uint value, out var care)) return false;
            switch (items.Name)
            {
                case "ver":
                    (key.ErspanVersion, mask.ErspanVersion) = ((byte)value, (byte)care);
                    break;
                case "idx":
                    key.ErspanIndexWire = BinaryPrimitives.ReverseEndianness(value);
                    mask.ErspanIndexWire = BinaryPrimitives.ReverseEndianness(care);
                    break;
                case "dir":
                    (key.ErspanDirection, mask.ErspanDirection) = ((byte)value, (byte)care);
                    break;
                case "hwid":
                    (key.ErspanHardwareId, mask.ErspanHardwareId) = ((byte)value, (byte)care);
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    private static OdpField TunnelField(string name, string member, OdpFieldKind kind) => new(
        name, (int)System.Runtime.InteropServices.Marshal.OffsetOf<FlowKey>(member), kind);
}
