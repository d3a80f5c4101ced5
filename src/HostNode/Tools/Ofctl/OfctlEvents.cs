using System.Buffers.Binary;
using System.Text;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Messages that a switch sends unasked, in the words of ovs-ofctl monitor.</summary>
internal static class OfctlEvents
{
    private const int DumpWidth = 16;

    private static readonly string[] PacketReasons =
    [
        "no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "explicit_miss",
        "implicit_miss",
    ];

    private static readonly string[] RemovalReasons =
        ["idle", "hard", "delete", "group_delete", "meter_delete", "eviction"];

    private static readonly string[] PortReasons = ["ADD", "DEL", "MOD"];

    /// <summary>Null: not one of these.</summary>
    public static string? Format(OpenFlowBridge bridge, OfEnvelope envelope, bool isVerbose)
    {
        var mark = $"{bridge.VersionMark} (xid=0x{envelope.Xid:x}):";
        return envelope.Message switch
        {
            OfPacketIn packet => NameOf(packet.Format) + mark + Format(packet, isVerbose),
            OfPortStatus status => $"OFPT_PORT_STATUS{mark} "
                + $"{NameOf(PortReasons, (int)status.Reason)}:{OfctlPorts.Format(status.Port)}",
            OfFlowRemoved removed =>
                $"OFPT_FLOW_REMOVED{mark} {Format(removed, bridge.Version)}",
            _ => null,
        };
    }

    private static string NameOf(PacketInFormat format) => format switch
    {
        PacketInFormat.Nxt => "NXT_PACKET_IN",
        PacketInFormat.Nxt2 => "NXT_PACKET_IN2",
        _ => "OFPT_PACKET_IN",
    };

    private static string NameOf(string[] names, int number) =>
        number < names.Length ? names[number] : FormattableString.Invariant($"{number}");

    private static string Format(OfPacketIn packet, bool isVerbose)
    {
        var text = new StringBuilder();
        if (packet.TableId != 0) text.Append($" table_id={packet.TableId}");
        if (packet.Cookie != ulong.MaxValue) text.Append($" cookie=0x{packet.Cookie:x}");
        var buffer = packet.BufferId == FlowMod.NoBuffer
            ? "(unbuffered)" : $"buffer=0x{packet.BufferId:x8}";
        text.Append($" total_len={packet.TotalLength} {OfMatchText.Format(packet.Metadata)}"
            + $" (via {NameOf(PacketReasons, (int)packet.Reason)})"
            + $" data_len={packet.Packet.Count} {buffer}");
        if (!packet.Userdata.IsEmpty)
        {
            text.Append("\n userdata=").AppendJoin(
                '.', packet.Userdata.AsEnumerable().Select(one => one.ToString("x2")));
        }

        text.Append('\n').Append(Describe(packet.Packet.AsSpan()));
        if (isVerbose) AppendBytes(text, packet.Packet.AsSpan());
        return text.ToString();
    }

    private static string Format(OfFlowRemoved removed, OfVersion version)
    {
        var text = new StringBuilder(OfFlowText.FormatRule(removed.Priority, removed.Match));
        text.Append($" reason={NameOf(RemovalReasons, (int)removed.Reason)}");
        var isWhole = version != OfVersion.OpenFlow10;
        if (isWhole) text.Append($" table_id={removed.TableId}");
        if (removed.Cookie != 0) text.Append($" cookie:0x{removed.Cookie:x}");
        text.Append($" duration{OfFlowText.Duration(removed.Duration)} idle{removed.IdleTimeout}");
        if (isWhole && removed.HardTimeout != 0) text.Append($" hard{removed.HardTimeout}");
        return text.Append($" pkts{removed.PacketCount} bytes{removed.ByteCount}").ToString();
    }

    /// <summary>A packet as the flow that it would be, and its checksum.</summary>
    private static string Describe(ReadOnlySpan<byte> packet)
    {
        PipelineKey key = default, mask = default;
        if (!FlowKeyExtractor.TryExtract(packet, ref key.Flow, out var layout, out var reason))
            return $"({reason})";
        mask.Flow.Bytes[FlowKey.LinkOffset..FlowKey.TunnelOffset].Fill(0xFF);
        var text = WithInnerTag(
            OfMatchText.Format(FlowMatch.Of(in key, in mask, TlvTable.Empty, isWhole: true)),
            in key.Flow);
        (string Name, int Offset) sum = key.Flow.NetworkProtocol switch
        {
            IpProtocol.Tcp => ("tcp", 16),
            IpProtocol.Udp => ("udp", 6),
            IpProtocol.Sctp => ("sctp", 8),
            IpProtocol.Icmp => ("icmp", 2),
            IpProtocol.Icmpv6 => ("icmp6", 2),
            _ => ("", 0),
        };
        var at = layout.TransportOffset + sum.Offset;
        if (sum.Name.Length == 0 || layout.TransportOffset < 0 || at + 4 > packet.Length)
            return text;
        var value = sum.Name == "sctp"
            ? BinaryPrimitives.ReadUInt32BigEndian(packet[at..])
            : BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);
        return $"{text} {sum.Name}_csum:{value:x}";
    }

    /// <summary>A tagged packet is told with its second tag, which no match names.</summary>
    private static string WithInnerTag(string text, in FlowKey key)
    {
        if (key.VlanTci0Wire == 0) return text;
        var tci = BinaryPrimitives.ReverseEndianness(key.VlanTci1Wire);
        var tag = tci == 0
            ? "vlan_tci1=0x0000"
            : $"dl_vlan1={tci & 0xFFF},dl_vlan_pcp1={tci >> 13}";
        return text.Replace(",dl_src=", $",{tag},dl_src=", StringComparison.Ordinal);
    }

    /// <summary>"00000010  50 54 ...-...", 16 bytes a line.</summary>
    private static void AppendBytes(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at++)
        {
            var column = at % DumpWidth;
            if (column == 0) text.Append($"\n{at:x8} ");
            text.Append(column == DumpWidth / 2 ? '-' : ' ').Append($"{bytes[at]:x2}");
        }
    }
}
