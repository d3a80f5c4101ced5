using System.Buffers.Binary;
using System.Net;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Writes tnl_push(..): the header's bytes as OVS words them.</summary>
internal static class OdpTunnelPrinter
{
    public static void Append(StringBuilder text, TunnelPushAction push, string outPort)
    {
        var header = push.Header.AsSpan();
        text.Append($"tnl_push(tnl_port({push.TunnelPort}),header(size={header.Length},");
        text.Append($"type={OdpTunnelTypes.NumberOf(push.Kind)},");
        text.Append($"eth(dst={MacBytes.From(header)},src={MacBytes.From(header[6..])},");
        text.Append($"dl_type=0x{BinaryPrimitives.ReadUInt16BigEndian(header[12..]):x4}),");
        var rest = Network(text, header[OuterHeader.LinkSize..]);
        if (OuterHeader.IsUdp(push.Kind))
        {
            text.Append($"udp(src={Word(rest)},dst={Word(rest[2..])},csum=0x{Word(rest[6..]):x}),");
            rest = rest[8..];
        }

        switch (push.Kind)
        {
            case TunnelKind.Vxlan:
                text.Append($"vxlan(flags=0x{BinaryPrimitives.ReadUInt32BigEndian(rest):x},");
                text.Append($"vni=0x{BinaryPrimitives.ReadUInt32BigEndian(rest[4..]) >> 8:x})");
                break;
            case TunnelKind.Geneve:
                Geneve(text, rest);
                break;
            case TunnelKind.Gtpu:
                text.Append($"gtpu(flags=0x{rest[0]:x},msgtype={rest[1]},");
                text.Append($"teid=0x{BinaryPrimitives.ReadUInt32BigEndian(rest[4..]):x})");
                break;
            case TunnelKind.Erspan:
                Erspan(text, rest);
                break;
            default:
                Gre(text, rest);
                break;
        }

        text.Append($"),out_port({outPort}))");
    }

    private static ReadOnlySpan<byte> Network(StringBuilder text, ReadOnlySpan<byte> ip)
    {
        if (ip[0] >> 4 == 6)
        {
            var first = BinaryPrimitives.ReadUInt32BigEndian(ip);
            text.Append($"ipv6(src={new IPAddress(ip.Slice(8, 16))},");
            text.Append($"dst={new IPAddress(ip.Slice(24, 16))},label={first & 0xFFFFF},");
            text.Append($"proto={ip[6]},tclass=0x{(first >> 20) & 0xFF:x},hlimit={ip[7]}),");
            return ip[40..];
        }

        text.Append($"ipv4(src={new IPAddress(ip.Slice(12, 4))},");
        text.Append($"dst={new IPAddress(ip.Slice(16, 4))},proto={ip[9]},");
        text.Append($"tos={(ip[1] == 0 ? "0" : $"0x{ip[1]:x}")},ttl={ip[8]},");
        text.Append($"frag=0x{Word(ip[6..]):x}),");
        return ip[20..];
    }

    private static void Geneve(StringBuilder text, ReadOnlySpan<byte> header)
    {
        text.Append("geneve(");
        if ((header[1] & 0x80) != 0) text.Append("oam,");
        if ((header[1] & 0x40) != 0) text.Append("crit,");
        text.Append($"vni=0x{BinaryPrimitives.ReadUInt32BigEndian(header[4..]) >> 8:x}");
        if (header.Length > GeneveHeader.SizeMin)
        {
            text.Append(",options(");
            OdpFlowPrinter.AppendOptions(text, header[GeneveHeader.SizeMin..], default);
            text.Append(')');
        }

        text.Append(')');
    }

    private static void Gre(StringBuilder text, ReadOnlySpan<byte> header)
    {
        text.Append($"gre((flags=0x{Word(header):x},proto=0x{Word(header[2..]):x})");
        var at = GreHeader.SizeMin;
        if ((header[0] & GreHeader.ChecksumBit) != 0)
        {
            text.Append($",csum=0x{Word(header[at..]):x}");
            at += 4;
        }

        if ((header[0] & GreHeader.KeyBit) != 0)
        {
            text.Append($",key=0x{BinaryPrimitives.ReadUInt32BigEndian(header[at..]):x}");
            at += 4;
        }

        if ((header[0] & GreHeader.SequenceBit) != 0)
        {
            text.Append($",seq=0x{BinaryPrimitives.ReadUInt32BigEndian(header[at..]):x}");
        }

        text.Append(')');
    }

    private static void Erspan(StringBuilder text, ReadOnlySpan<byte> gre)
    {
        // A sequence number always precedes it.
        if (!ErspanHeader.TryParse(gre[8..], out var header, out _, out _)) return;
        text.Append($"erspan(ver={header.Version},sid=0x{header.SessionId:x},");
        text.Append(header.Version == 1
            ? $"idx=0x{header.Index:x})"
            : $"dir={header.Direction},hwid=0x{header.HardwareId:x})");
    }

    private static ushort Word(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt16BigEndian(bytes);
}

/// <summary>Numbers of tunnel kinds in datapath text (linux/openvswitch.h: vport types).</summary>
internal static class OdpTunnelTypes
{
    public static int NumberOf(TunnelKind kind) => kind switch
    {
        TunnelKind.Gre => 3,
        TunnelKind.Vxlan => 4,
        TunnelKind.Geneve => 5,
        TunnelKind.Stt => 106,
        TunnelKind.Erspan => 107,
        TunnelKind.Ip6Gre => 109,
        _ => 110,
    };

    public static TunnelKind? Of(int number) => number switch
    {
        3 => TunnelKind.Gre,
        4 => TunnelKind.Vxlan,
        5 => TunnelKind.Geneve,
        107 or 108 => TunnelKind.Erspan,
        109 => TunnelKind.Ip6Gre,
        110 => TunnelKind.Gtpu,
        _ => null,
    };
}
