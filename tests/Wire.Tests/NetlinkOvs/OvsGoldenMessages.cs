using Fabric.Wire.Netlink;

namespace Fabric.Wire.Tests.NetlinkOvs;

/// <summary>
/// Messages as bytes: what each says on the left, its bytes by the kernel's header on the right.
/// </summary>
internal static class OvsGoldenMessages
{
    /// <summary>Length, type 18..25, flags 1, sequence 7, port id 9 come before each.</summary>
    public static readonly (string Text, string Hex)[] All =
    [
        ("datapath name=ovs-system hit=1 missed=2 lost=3 flows=4 features=Unaligned, VportPids",
            "54000000 1200 0100 07000000 09000000 0302 0000 00000000 0f00 0100 6f76732d73797374656d00 00 2400 0300 0100000000000000 0200000000000000 0300000000000000 0400000000000000 0800 0500 03000000"),
        ("vport port=3 type=Geneve name=gnv options=6081 pids=9",
            "44000000 1400 0100 07000000 09000000 0101 0000 00000000 0800 0100 03000000 0800 0200 05000000 0800 0300 676e7600 0c00 0400 0600 0100 c117 0000 0800 0500 09000000"),
        ("netdev port=5 type=Netdev name=e0 mac=02:00:00:00:00:01 mtu=1500 flags=Up",
            "4c000000 1600 0100 07000000 09000000 0101 0000 00000000 0800 0100 05000000 0800 0200 01000000 0700 0300 653000 00 0a00 0400 020000000001 0000 0800 0500 dc050000 0800 0600 01000000"),
        ("subscribe group=101 join=1",
            "28000000 1100 0100 07000000 09000000 0201 0000 00000000 0800 0000 65000000 0500 0100 01 000000"),
        ("socket protocol=16 pid=9",
            "28000000 1100 0100 07000000 09000000 0601 0000 00000000 0800 0000 10000000 0800 0100 09000000"),
        ("meter id=1 kbps=True bands=1/1000/100",
            "44000000 1900 0100 07000000 09000000 0201 0000 00000000 0800 0100 01000000 0400 0200 2000 0400 1c00 0000 0800 0100 01000000 0800 0200 e8030000 0800 0300 64000000"),
        ("limit -1/10/0 5/20/3",
            "34000000 1800 0100 07000000 09000000 0101 0000 00000000 1c00 0100 ffffffff 0a000000 00000000 05000000 14000000 03000000"),
        ("flow in=1 type=0x0800 ports=80,81 actions=2 packets=6 bytes=7 tcp=18 used=8",
            "88000000 1500 0100 07000000 09000000 0101 0000 00000000 3c00 0100 0800 0300 01000000 1000 0400 020000000001 020000000002 0600 0600 0800 0000 1000 0700 0a000001 0a000002 11 00 40 00 0800 0a00 0050 0051 0c00 0200 0800 0100 02000000 1400 0300 0600000000000000 0700000000000000 0500 0400 12 000000 0c00 0500 0800000000000000"),
        ("packet size=4 in=1 userdata=0102 mru=1500",
            "3c000000 1300 0100 07000000 09000000 0101 0000 00000000 0800 0100 aabbccdd 0c00 0200 0800 0300 01000000 0600 0400 0102 0000 0600 0900 dc05 0000"),
        ("conntrack New 10.0.0.1:1 > 10.0.0.2:2 proto=6 state=4 timeout=5 mark=6 zone=7",
            "74000000 0001 0100 07000000 09000000 02 00 0000 00000000 3400 0100 1400 0100 0800 0100 0a000001 0800 0200 0a000002 1c00 0200 0500 0100 06 000000 0600 0200 0001 0000 0600 0300 0002 0000 1000 0400 0c00 0100 0500 0100 04 000000 0800 0700 00000005 0800 0800 00000006 0600 1200 0007 0000"),
    ];

    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", ""));

    /// <summary>Decodes, says what was read, and writes it again; null: refused.</summary>
    public static string? Read(ReadOnlySpan<byte> bytes, out byte[] written)
    {
        written = [];
        var buffer = new byte[NetlinkLimits.MessageSizeMax];
        var writer = new NetlinkWriter(buffer);
        string? text;
        if (bytes.Length > 5 && bytes[5] == 1)
        {
            text = Conntrack(bytes, ref writer);
        }
        else if (OvsMessage.TryParse(bytes, out var message, out _, out _))
        {
            text = Generic(message, ref writer);
        }
        else
        {
            return null;
        }

        if (!writer.HasOverflowed) written = writer.Written.ToArray();
        return text;
    }

    private static string? Generic(OvsMessage message, ref NetlinkWriter writer)
    {
        var header = message.Header;
        if (!OvsFamilyIds.Ovsext.TryFind(header.Type, out var family)) return null;
        switch (family)
        {
            case OvsFamily.Datapath when OvsDatapathMessage.TryParse(message, out var m, out _):
                m.Write(ref writer, header);
                var s = m.Statistics;
                return $"datapath name={m.Name} hit={s?.Hit} missed={s?.Missed} lost={s?.Lost} "
                    + $"flows={s?.Flows} features={m.UserFeatures}";
            case OvsFamily.Vport when OvsVportMessage.TryParse(message, out var m, out _):
                m.Write(ref writer, header);
                return $"vport port={m.PortNumber} type={m.Type} name={m.Name} "
                    + $"options={m.Options?.DestinationPort} pids={string.Join(',', m.UpcallPids)}";
            case OvsFamily.Netdev when OvsNetdevMessage.TryParse(message, out var m, out _):
                m.Write(ref writer, header);
                return $"netdev port={m.PortNumber} type={m.Type} name={m.Name} mac={m.Mac} "
                    + $"mtu={m.Mtu} flags={m.Flags}";
            case OvsFamily.Control when header.Command == OvsControlCommand.SocketProperty:
                if (!OvsSocketProperty.TryParse(message, out var property, out _)) return null;
                property.Write(ref writer, header);
                return $"socket protocol={property.Protocol} pid={property.Pid}";
            case OvsFamily.Control when OvsSubscribeMessage.TryParse(message, out var m, out _):
                m.Write(ref writer, header);
                return $"subscribe group={m.Group} join={m.Join}";
            case OvsFamily.Meter when OvsMeterMessage.TryParse(message, out var m, out _):
                m.Write(ref writer, header);
                var bands = m.Bands.Select(band => $"{band.Type}/{band.Rate}/{band.Burst}");
                return $"meter id={m.Id} kbps={m.IsKbps} bands={string.Join(' ', bands)}";
            case OvsFamily.ConntrackLimit
                when OvsConntrackLimitMessage.TryParse(message, out var m, out _):
                m.Write(ref writer, header);
                var limits = m.Limits.Select(item => $"{item.Zone}/{item.Limit}/{item.Count}");
                return $"limit {string.Join(' ', limits)}";
            case OvsFamily.Flow: return Flow(message, ref writer);
            case OvsFamily.Packet: return Packet(message, ref writer);
            default: return null;
        }
    }

    private static string? Flow(OvsMessage message, ref NetlinkWriter writer)
    {
        if (!OvsFlowMessage.TryParse(message, out var flow, out _)
            || !OvsFlowKeyReader.TryRead(flow.Key, out var key, out _, out _)
            || !OvsActionReader.TryRead(flow.Actions, out var actions, out _))
        {
            return null;
        }

        if (flow.HasMask) OvsFlowKeyReader.TryReadMask(flow.Mask, in key, out _, out _, out _);
        flow.Write(
            ref writer, message.Header, in key, default, false, actions, OvsKeyForm.Compact);
        var outputs = actions.OfType<OvsOutput>().Select(output => output.Port);
        var destination = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(
            key.PortDestinationWire);
        return $"flow in={key.InPort} type=0x{key.EthernetType:x4} "
            + $"ports={key.PortSource},{destination} "
            + $"actions={string.Join(',', outputs)} packets={flow.Packets} bytes={flow.Bytes} "
            + $"tcp={flow.TcpFlags} used={flow.UsedMilliseconds}";
    }

    private static string? Packet(OvsMessage message, ref NetlinkWriter writer)
    {
        if (!OvsPacketMessage.TryParse(message, out var packet, out _)
            || !OvsFlowKeyReader.TryRead(packet.Key, out var key, out _, out _))
        {
            return null;
        }

        packet.Write(ref writer, message.Header);
        return $"packet size={packet.Packet.Length} in={key.InPort} "
            + $"userdata={Convert.ToHexString(packet.Userdata)} mru={packet.ReceiveUnitMax}";
    }

    private static string? Conntrack(ReadOnlySpan<byte> bytes, ref NetlinkWriter writer)
    {
        if (!ConntrackMessage.TryParse(bytes, NetlinkDialect.Ovsext, out var m, out _)) return null;
        m.Write(ref writer, NetlinkDialect.Ovsext);
        var o = m.Original;
        return $"conntrack {(m.Command == NfConntrackCommand.New ? "New" : m.Command)} "
            + $"{o?.Source}:{o?.PortSource} > {o?.Destination}:{o?.PortDestination} "
            + $"proto={o?.Protocol} state={m.TcpState} timeout={m.TimeoutSeconds} mark={m.Mark} "
            + $"zone={m.Zone}";
    }
}
