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

    /// <summary>One "name=value" of a header, into its bytes; false for a name it lacks.</summary>
    private delegate bool FieldReader(
        ReadOnlySpan<char> name, ReadOnlySpan<char> value, Span<byte> header);

    /// <summary>The header's fields in any order; 'at' goes on behind its 'size' bytes.</summary>
    private static bool TryFields(
        ReadOnlySpan<char> text, Span<byte> header, int size, ref int at, FieldReader read)
    {
        if (header.Length < size) return false;
        at += size;
        var items = new OdpItems(text);
        while (items.MoveNext(out _))
        {
            if (!read(items.Name, items.Arguments, header)) return false;
        }

        return true;
    }

    private static bool TryLink(ReadOnlySpan<char> text, Span<byte> link)
    {
        var at = 0;
        return TryFields(text, link, OuterHeader.LinkSize, ref at, (name, value, into) =>
            name switch
            {
                "dl_type" => TryWord(value, into[12..]),
                "dst" => TryMac(value, into),
                "src" => TryMac(value, into[6..]),
                _ => false,
            });
    }

    private static bool TryIpv4(ReadOnlySpan<char> text, Span<byte> ip, ref int at) =>
        TryFields(text, ip, 20, ref at, (name, value, into) =>
        {
            into[0] = 0x45;
            return name switch
            {
                "src" => TryAddress(value, into.Slice(12, 4)),
                "dst" => TryAddress(value, into.Slice(16, 4)),
                "proto" => OdpNumber.TryParse(value, out into[9]),
                "tos" => OdpNumber.TryParse(value, out into[1]),
                "ttl" => OdpNumber.TryParse(value, out into[8]),
                "frag" => TryWord(value, into[6..]),
                _ => false,
            };
        });

    private static bool TryIpv6(ReadOnlySpan<char> text, Span<byte> ip, ref int at) =>
        TryFields(text, ip, 40, ref at, (name, value, into) =>
        {
            into[0] |= 0x60;
            return name switch
            {
                "src" => TryAddress(value, into.Slice(8, 16)),
                "dst" => TryAddress(value, into.Slice(24, 16)),
                "proto" => OdpNumber.TryParse(value, out into[6]),
                "hlimit" => OdpNumber.TryParse(value, out into[7]),
                "label" => TryBits(value, into, shift: 0, max: 0xFFFFF),
                "tclass" => TryBits(value, into, shift: 20, max: byte.MaxValue),
                _ => false,
            };
        });

    private static bool TryUdp(ReadOnlySpan<char> text, Span<byte> udp, ref int at) =>
        TryFields(text, udp, 8, ref at, (name, value, into) => name switch
        {
            "src" => TryWord(value, into),
            "dst" => TryWord(value, into[2..]),
            "csum" => TryWord(value, into[6..]),
            _ => false,
        });

    private static bool TryVxlan(ReadOnlySpan<char> text, Span<byte> vxlan, ref int at)
    {
        if (vxlan.Length < 8) return false;
        at += 8;
        if (!TryPair(text, "flags", "vni", out var flags, out var vni)) return false;
        BinaryPrimitives.WriteUInt32BigEndian(vxlan, flags);
        BinaryPrimitives.WriteUInt32BigEndian(vxlan[4..], vni << 8);
        return vni <= 0xFF_FFFF;
    }

    private static bool TryGtpu(ReadOnlySpan<char> text, Span<byte> gtpu, ref int at) =>
        TryFields(text, gtpu, 8, ref at, (name, value, into) => name switch
        {
            "flags" => OdpNumber.TryParse(value, out into[0]),
            "msgtype" => OdpNumber.TryParse(value, out into[1]),
            "teid" => TryBits(value, into[4..], shift: 0, max: uint.MaxValue),
            _ => false,
        });

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

    /// <summary>A number of at most 'max', or-ed into a word that is zero there.</summary>
    private static bool TryBits(ReadOnlySpan<char> text, Span<byte> into, int shift, uint max)
    {
        if (!OdpNumber.TryParse<uint>(text, out var value) || value > max) return false;
        var word = BinaryPrimitives.ReadUInt32BigEndian(into) | (value << shift);
        BinaryPrimitives.WriteUInt32BigEndian(into, word);
        return true;
    }

    private static bool TryMac(ReadOnlySpan<char> text, Span<byte> into)
    {
        if (!MacBytes.TryParse(text, out var mac)) return false;
        mac.CopyTo(into);
        return true;
    }

    private static bool TryAddress(ReadOnlySpan<char> text, Span<byte> into) =>
        IPAddress.TryParse(text, out var address)
        && address.AddressFamily == (into.Length == 4
            ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6)
        && address.TryWriteBytes(into, out _);
}
