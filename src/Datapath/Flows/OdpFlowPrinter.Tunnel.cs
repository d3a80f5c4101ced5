using System.Buffers.Binary;
using System.Net;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>The tunnel(..) attribute.</content>
internal sealed partial class OdpFlowPrinter
{
    private void Tunnel(FlowKey key, FlowKey mask)
    {
        var start = _text.Length;
        Comma();
        _text.Append("tunnel(");
        var fieldStart = _text.Length;

        if (mask.TunnelIdWire != 0 || _verbose)
        {
            _text.Append("tun_id=").Append(Hex64(key.TunnelId));
            if (mask.TunnelIdWire != ulong.MaxValue) _text.Append('/').Append(Hex64(mask.TunnelId));
            _text.Append(',');
        }

        TunnelAddress("src", key.TunnelIpv4SourceWire, mask.TunnelIpv4SourceWire);
        TunnelAddress("dst", key.TunnelIpv4DestinationWire, mask.TunnelIpv4DestinationWire);
        TunnelAddress("ipv6_src", key.TunnelIpv6Source, mask.TunnelIpv6Source);
        TunnelAddress("ipv6_dst", key.TunnelIpv6Destination, mask.TunnelIpv6Destination);
        TunnelByte("tos", key.TunnelTos, mask.TunnelTos, isHex: true);
        TunnelByte("ttl", key.TunnelTtl, mask.TunnelTtl, isHex: false);
        TunnelPort("tp_src", key.TunnelPortSourceWire, mask.TunnelPortSourceWire);
        TunnelPort("tp_dst", key.TunnelPortDestinationWire, mask.TunnelPortDestinationWire);
        TunnelExtensions(ref key, ref mask);

        var flagsMask = OdpFlags.TunnelBits(
            (TunnelFlags)BinaryPrimitives.ReverseEndianness(mask.TunnelFlagsWire));
        var bits = OdpFlags.TunnelBits(
            (TunnelFlags)BinaryPrimitives.ReverseEndianness(key.TunnelFlagsWire));
        if (mask.TunnelIdWire != 0)
        {
            // A matched id says that there is one.
            var keyBit = OdpFlags.TunnelBits(TunnelFlags.Key);
            flagsMask |= keyBit;
            bits |= keyBit;
        }

        if (flagsMask != 0)
        {
            _text.Append("flags(");
            if (_hasMask && (flagsMask != OdpFlags.TunnelBitsAll || bits == 0))
            {
                OdpFlags.AppendMasked(_text, OdpFlags.Tunnel, bits, flagsMask);
            }
            else
            {
                OdpFlags.AppendSet(_text, OdpFlags.Tunnel, bits);
            }

            _text.Append("),");
        }

        if (_text.Length == fieldStart)
        {
            _text.Length = start;
            return;
        }

        _text.Length--; // The last comma.
        _text.Append(')');
    }

    private void TunnelExtensions(ref FlowKey key, ref FlowKey mask)
    {
        if (mask.TunnelGbpIdWire != 0 || mask.TunnelGbpFlags != 0)
        {
            _text.Append("vxlan(gbp(id=");
            _text.Append(BinaryPrimitives.ReverseEndianness(key.TunnelGbpIdWire));
            if (mask.TunnelGbpIdWire != ushort.MaxValue)
            {
                var care = BinaryPrimitives.ReverseEndianness(mask.TunnelGbpIdWire);
                _text.Append('/').Append(Hex(care));
            }

            _text.Append($",flags={Hex(key.TunnelGbpFlags)}");
            if (mask.TunnelGbpFlags != 0xFF) _text.Append('/').Append(Hex(mask.TunnelGbpFlags));
            _text.Append(")),");
        }

        if (key.TunnelOptionsSize > 0
            && (_verbose || mask.TunnelOptions.IndexOfAnyExcept((byte)0) >= 0))
        {
            var care = mask.Bytes.Slice(FlowKey.TunnelOptionsOffset, key.TunnelOptionsSize);
            _text.Append("geneve(");
            AppendOptions(_text, key.TunnelOptions, _hasMask ? care : default);
            _text.Append("),");
        }

        if (mask.ErspanVersion != 0)
        {
            var index = BinaryPrimitives.ReverseEndianness(key.ErspanIndexWire);
            _text.Append($"erspan(ver={key.ErspanVersion},");
            if (key.ErspanVersion == 1) _text.Append($"idx=0x{index:x}),");
            else _text.Append($"dir={key.ErspanDirection},hwid=0x{key.ErspanHardwareId:x}),");
        }

        if (mask.GtpuFlags != 0 || mask.GtpuMessageType != 0)
        {
            _text.Append($"gtpu(flags={Hex(key.GtpuFlags)},msgtype={key.GtpuMessageType}),");
        }
    }

    /// <summary>{class=0x102,type=0x80,len=4,0x20001}.. for each option of 'options'.</summary>
    public static void AppendOptions(
        StringBuilder text, ReadOnlySpan<byte> options, ReadOnlySpan<byte> mask)
    {
        while (options.Length >= 4)
        {
            var size = 4 + ((options[3] & 0x1F) * 4);
            if (size > options.Length) return;
            var data = options[4..size];
            text.Append($"{{class={Hex(BinaryPrimitives.ReadUInt16BigEndian(options))}");
            text.Append($",type={Hex(options[2])},len={data.Length}");
            if (!data.IsEmpty)
            {
                AppendHexBytes(text.Append(','), data);
                if (!mask.IsEmpty && mask[4..size].IndexOfAnyExcept((byte)0xFF) >= 0)
                {
                    AppendHexBytes(text.Append('/'), mask[4..size]);
                }
            }

            text.Append('}');
            options = options[size..];
            if (!mask.IsEmpty) mask = mask[size..];
        }
    }

    /// <summary>
    /// tunnel(..) of a set action: all fields that have a value, flags with bars.
    /// </summary>
    public static void AppendTunnel(StringBuilder text, TunnelMetadata tunnel)
    {
        text.Append("tunnel(");
        if ((tunnel.Flags & TunnelFlags.Key) != 0) text.Append($"tun_id={Hex64(tunnel.Id)},");
        var isIpv6 = tunnel.Destination.AddressFamily
            == System.Net.Sockets.AddressFamily.InterNetworkV6;
        var prefix = isIpv6 ? "ipv6_" : "";
        if (!tunnel.Source.Equals(IPAddress.Any) && !tunnel.Source.Equals(IPAddress.IPv6Any))
        {
            text.Append($"{prefix}src={tunnel.Source},");
        }

        text.Append($"{prefix}dst={tunnel.Destination},");
        if (tunnel.Tos != 0) text.Append($"tos={Hex(tunnel.Tos)},");
        text.Append($"ttl={tunnel.Ttl},");
        if (tunnel.PortSource != 0) text.Append($"tp_src={tunnel.PortSource},");
        if (tunnel.PortDestination != 0) text.Append($"tp_dst={tunnel.PortDestination},");
        if (tunnel.GbpId != 0 || tunnel.GbpFlags != 0)
        {
            text.Append($"vxlan(gbp(id={tunnel.GbpId},flags={Hex(tunnel.GbpFlags)})),");
        }

        if (!tunnel.Options.IsDefaultOrEmpty)
        {
            text.Append("geneve(");
            AppendOptions(text, tunnel.Options.AsSpan(), default);
            text.Append("),");
        }

        if (tunnel.Erspan is { } erspan)
        {
            text.Append($"erspan(ver={erspan.Version},");
            if (erspan.Version == 1) text.Append($"idx=0x{erspan.Index:x}),");
            else text.Append($"dir={erspan.Direction},hwid=0x{erspan.HardwareId:x}),");
        }

        text.Append("flags(");
        OdpFlags.AppendSet(text, OdpFlags.Tunnel, OdpFlags.TunnelBits(tunnel.Flags));
        text.Append("))");
    }

    private void TunnelAddress(string name, uint valueWire, uint maskWire)
    {
        if (valueWire == 0 && maskWire != uint.MaxValue && !_verbose) return;
        if (maskWire == 0 && !_verbose) return;
        if (valueWire == 0) return;
        _text.Append(name).Append('=').Append(new IPAddress(valueWire));
        if (maskWire != uint.MaxValue) _text.Append('/').Append(new IPAddress(maskWire));
        _text.Append(',');
    }

    private void TunnelAddress(string name, Ipv6Bytes value, Ipv6Bytes mask)
    {
        if (value == default || (mask == default && !_verbose)) return;
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        mask.CopyTo(bytes);
        _text.Append(name).Append('=').Append(value);
        if (bytes.IndexOfAnyExcept((byte)0xFF) >= 0) AppendIpv6Mask(bytes);
        _text.Append(',');
    }

    private void TunnelByte(string name, byte value, byte mask, bool isHex)
    {
        if (mask == 0 && !_verbose) return;
        _text.Append(name).Append('=').Append(isHex ? Hex(value) : value.ToString());
        if (mask != 0xFF) _text.Append('/').Append(Hex(mask));
        _text.Append(',');
    }

    private void TunnelPort(string name, ushort valueWire, ushort maskWire)
    {
        if (maskWire == 0 && !_verbose) return;
        _text.Append(name).Append('=').Append(BinaryPrimitives.ReverseEndianness(valueWire));
        if (maskWire != ushort.MaxValue)
        {
            _text.Append('/').Append(Hex(BinaryPrimitives.ReverseEndianness(maskWire)));
        }

        _text.Append(',');
    }

    private static string Hex64(ulong value) => $"0x{value:x}";

    private static void AppendHexBytes(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        var digits = Convert.ToHexStringLower(bytes).TrimStart('0');
        text.Append(digits.Length == 0 ? "0" : "0x" + digits);
    }
}
