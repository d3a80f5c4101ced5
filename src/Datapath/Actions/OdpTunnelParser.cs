using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Reads the inside of tnl_push(..) into the header's bytes.</summary>
internal static class OdpTunnelParser
{
    private const int SizeMax = 512;

    public static bool TryParse(
        ReadOnlySpan<char> text, Func<string, uint?>? portNumber, out DatapathAction? action)
    {
        action = null;
        uint? tunnelPort = null, outPort = null;
        TunnelKind? kind = null;
        Span<byte> header = stackalloc byte[SizeMax];
        header.Clear();
        var size = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            switch (items.Name)
            {
                case "tnl_port": tunnelPort = PortOf(items.Arguments, portNumber); break;
                case "out_port": outPort = PortOf(items.Arguments, portNumber); break;
                case "header":
                    if (!TryHeader(items.Arguments, header, out size, out kind)) return false;
                    break;
                default: return false;
            }
        }

        if (tunnelPort is null || outPort is null || kind is null) return false;
        action = new TunnelPushAction(
            tunnelPort.Value, kind.Value, [.. header[..size]], outPort.Value);
        return true;
    }

    public static uint? PortOf(ReadOnlySpan<char> text, Func<string, uint?>? portNumber) =>
        OdpNumber.TryParse<uint>(text, out var number)
            ? number
            : portNumber?.Invoke(text.Trim().ToString());

    private static bool TryHeader(
        ReadOnlySpan<char> text, Span<byte> header, out int size, out TunnelKind? kind)
    {
        int at = OuterHeader.LinkSize, said = 0;
        kind = null;
        size = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var into = header[at..];
            var isGood = true;
            switch (items.Name)
            {
                case "size": isGood = OdpNumber.TryParse(items.Arguments, out said); break;
                case "type":
                    isGood = OdpNumber.TryParse<int>(items.Arguments, out var number);
                    kind = OdpTunnelTypes.Of(number);
                    break;
                case "eth": isGood = TryLink(items.Arguments, header); break;
                case "ipv4": isGood = TryIpv4(items.Arguments, into, ref at); break;
                case "ipv6": isGood = TryIpv6(items.Arguments, into, ref at); break;
                case "udp": isGood = TryUdp(items.Arguments, into, ref at); break;
                case "vxlan": isGood = TryVxlan(items.Arguments, into, ref at); break;
                case "geneve": isGood = TryGeneve(items.Arguments, into, ref at); break;
                case "gtpu": isGood = TryGtpu(items.Arguments, into, ref at); break;
                case "gre": isGood = TryGre(items.Arguments, into, ref at); break;
                case "erspan": isGood = TryErspan(items.Arguments, into, ref at); break;
                default: return false;
            }

            if (!isGood) return false;
        }

        size = at;
        return kind is { } known && said == size && IsWhole(known, header[..size]);
    }

    /// <summary>All headers that the kind has are there: what runs later relies on it.</summary>
    private static bool IsWhole(TunnelKind kind, ReadOnlySpan<byte> header)
    {
        var network = header[OuterHeader.LinkSize..];
        var type = BinaryPrimitives.ReadUInt16BigEndian(header[12..]);
        var isIpv6 = type == EtherType.Ipv6;
        if (network.Length < (isIpv6 ? 40 : 20) || network[0] >> 4 != (isIpv6 ? 6 : 4)
            || (!isIpv6 && type != EtherType.Ipv4))
        {
            return false;
        }

        var rest = network[(isIpv6 ? 40 : 20)..];
        if (OuterHeader.IsUdp(kind)) return rest.Length >= 16;
        if (!GreHeader.TryMeasure(rest, out var gre)) return false;
        return kind != TunnelKind.Erspan || (gre == 8
            && ErspanHeader.TryParse(rest[gre..], out _, out _, out _));
    }

    private static bool TryLink(ReadOnlySpan<char> text, Span<byte> link)
    {
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (items.Name is "dl_type")
            {
                if (!TryWord(items.Arguments, link[12..])) return false;
            }
            else
            {
                if (!MacBytes.TryParse(items.Arguments, out var mac)) return false;
                mac.CopyTo(items.Name is "dst" ? link : link[6..]);
            }
        }

        return true;
    }

    private static bool TryIpv4(ReadOnlySpan<char> text, Span<byte> ip, ref int at)
    {
        if (ip.Length < 20) return false;
        at += 20;
        ip[0] = 0x45;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "src" => TryAddress(items.Arguments, ip.Slice(12, 4)),
                "dst" => TryAddress(items.Arguments, ip.Slice(16, 4)),
                "proto" => OdpNumber.TryParse(items.Arguments, out ip[9]),
                "tos" => OdpNumber.TryParse(items.Arguments, out ip[1]),
                "ttl" => OdpNumber.TryParse(items.Arguments, out ip[8]),
                "frag" => TryWord(items.Arguments, ip[6..]),
                _ => false,
            };
            if (!isGood) return false;
        }

        return true;
    }

    private static bool TryIpv6(ReadOnlySpan<char> text, Span<byte> ip, ref int at)
    {
        if (ip.Length < 40) return false;
        at += 40;
        uint label = 0;
        byte trafficClass = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "src" => TryAddress(items.Arguments, ip.Slice(8, 16)),
                "dst" => TryAddress(items.Arguments, ip.Slice(24, 16)),
                "proto" => OdpNumber.TryParse(items.Arguments, out ip[6]),
                "hlimit" => OdpNumber.TryParse(items.Arguments, out ip[7]),
                "label" => OdpNumber.TryParse(items.Arguments, out label),
                "tclass" => OdpNumber.TryParse(items.Arguments, out trafficClass),
                _ => false,
            };
            if (!isGood) return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(
            ip, 0x6000_0000u | ((uint)trafficClass << 20) | (label & 0xFFFFF));
        return true;
    }

    private static bool TryUdp(ReadOnlySpan<char> text, Span<byte> udp, ref int at)
    {
        if (udp.Length < 8) return false;
        at += 8;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "src" => TryWord(items.Arguments, udp),
                "dst" => TryWord(items.Arguments, udp[2..]),
                "csum" => TryWord(items.Arguments, udp[6..]),
                _ => false,
            };
            if (!isGood) return false;
        }

        return true;
    }

    private static bool TryVxlan(ReadOnlySpan<char> text, Span<byte> vxlan, ref int at)
    {
        if (vxlan.Length < 8) return false;
        at += 8;
        if (!TryPair(text, "flags", "vni", out var flags, out var vni)) return false;
        BinaryPrimitives.WriteUInt32BigEndian(vxlan, flags);
        BinaryPrimitives.WriteUInt32BigEndian(vxlan[4..], vni << 8);
        return vni <= 0xFF_FFFF;
    }

    private static bool TryGtpu(ReadOnlySpan<char> text, Span<byte> gtpu, ref int at)
    {
        if (gtpu.Length < 8) return false;
        at += 8;
        uint teid = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = items.Name switch
            {
                "flags" => OdpNumber.TryParse(items.Arguments, out gtpu[0]),
                "msgtype" => OdpNumber.TryParse(items.Arguments, out gtpu[1]),
                "teid" => OdpNumber.TryParse(items.Arguments, out teid),
                _ => false,
            };
            if (!isGood) return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(gtpu[4..], teid);
        return true;
    }

    private static bool TryGeneve(ReadOnlySpan<char> text, Span<byte> geneve, ref int at)
    {
        FlowKey key = default, mask = default;
        uint vni = 0;
        var isControl = false;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            var isGood = true;
            switch (items.Name)
            {
                case "oam": isControl = true; break;
                case "crit": break;
                case "vni": isGood = OdpNumber.TryParse(items.Arguments, out vni); break;
                case "options":
                    isGood = OdpFlowParser.TryOptions(items.Arguments, ref key, ref mask);
                    break;
                default: return false;
            }

            if (!isGood || vni > 0xFF_FFFF) return false;
        }

        var options = key.TunnelOptions;
        var size = GeneveHeader.SizeMin + options.Length;
        if (geneve.Length < size) return false;
        GeneveHeader.Write(
            geneve[..GeneveHeader.SizeMin], vni, EtherType.TransparentEthernet);
        GeneveHeader.WriteOptions(geneve[..size], options, isControl);
        at += size;
        return true;
    }

    /// <summary>(flags=0x..,proto=0x..),csum=..,key=..,seq=..</summary>
    private static bool TryGre(ReadOnlySpan<char> text, Span<byte> gre, ref int at)
    {
        if (gre.Length < GreHeader.SizeMax) return false;
        var offset = GreHeader.SizeMin;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (items.Name.IsEmpty)
            {
                if (!TryPair(items.Arguments, "flags", "proto", out var flags, out var type)
                    || flags > ushort.MaxValue || type > ushort.MaxValue)
                {
                    return false;
                }

                BinaryPrimitives.WriteUInt32BigEndian(gre, (flags << 16) | type);
                continue;
            }

            if (offset + 4 > GreHeader.SizeMax) return false;
            if (!OdpNumber.TryParse<uint>(items.Arguments, out var value)) return false;
            if (items.Name is "csum") value <<= 16;
            BinaryPrimitives.WriteUInt32BigEndian(gre[offset..], value);
            offset += 4;
        }

        at += offset;
        return GreHeader.TryMeasure(gre, out var size) && size == offset;
    }

    private static bool TryErspan(ReadOnlySpan<char> text, Span<byte> gre, ref int at)
    {
        uint version = 0, session = 0, index = 0, direction = 0, hardware = 0;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!OdpNumber.TryParse<uint>(items.Arguments, out var value)) return false;
            switch (items.Name)
            {
                case "ver": version = value; break;
                case "sid": session = value; break;
                case "idx": index = value; break;
                case "dir": direction = value; break;
                case "hwid": hardware = value; break;
                default: return false;
            }
        }

        if (version is not (1 or 2) || gre.Length < GreHeader.SizeMax + 8) return false;
        var type = version == 1 ? EtherType.ErspanType2 : EtherType.ErspanType3;
        var size = GreHeader.Write(gre, type, key: null, sequence: 0, hasChecksum: false);
        if (version == 1)
        {
            ErspanHeader.Write(
                gre.Slice(size, ErspanHeader.Version1Size), (ushort)session, index);
            at += size + ErspanHeader.Version1Size;
            return true;
        }

        ErspanHeader.Write(
            gre.Slice(size, ErspanHeader.Version2Size), (ushort)session, 0, (byte)direction,
            (byte)hardware);
        at += size + ErspanHeader.Version2Size;
        return true;
    }

    private static bool TryPair(
        ReadOnlySpan<char> text, string first, string second, out uint one, out uint two)
    {
        (one, two) = (0, 0);
        var items = new OdpItems(text);
        return items.MoveNext(out _) && items.Name.SequenceEqual(first)
            && OdpNumber.TryParse(items.Arguments, out one)
            && items.MoveNext(out _) && items.Name.SequenceEqual(second)
            && OdpNumber.TryParse(items.Arguments, out two);
    }

    private static bool TryWord(ReadOnlySpan<char> text, Span<byte> into)
    {
        if (!OdpNumber.TryParse<ushort>(text, out var value)) return false;
        BinaryPrimitives.WriteUInt16BigEndian(into, value);
        return true;
    }

    private static bool TryAddress(ReadOnlySpan<char> text, Span<byte> into) =>
        IPAddress.TryParse(text, out var address)
        && address.AddressFamily == (into.Length == 4
            ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6)
        && address.TryWriteBytes(into, out _);
}
