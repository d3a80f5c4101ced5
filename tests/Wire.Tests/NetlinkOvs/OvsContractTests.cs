using System.Reflection;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Tests.NetlinkOvs;

/// <summary>Every message of the contract as bytes, read and written again by the codec.</summary>
/// <remarks>
/// messages.txt was written from the contract's numbers and not with the codec: what the codec
/// makes of each message must be the same bytes again, through the types that hold its meaning.
/// </remarks>
public sealed class OvsContractTests
{
    private const OvsKeyForm Form = OvsKeyForm.Compact | OvsKeyForm.Ovsext;

    private static readonly Dictionary<string, byte[]> s_all = Load();

    public static TheoryData<string> Names()
    {
        var data = new TheoryData<string>();
        foreach (var name in s_all.Keys) data.Add(name);
        return data;
    }

    [Theory, MemberData(nameof(Names))]
    public void A_message_of_the_contract_is_read_and_written_to_the_byte(string name)
    {
        var bytes = s_all[name];
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(Rewrite(bytes)));
    }

    [Fact]
    public void No_command_of_the_contract_is_without_its_bytes()
    {
        var seen = s_all.Values.Select(bytes => (bytes[4] | bytes[5] << 8, bytes[16])).ToHashSet();
        var ids = OvsFamilyIds.Ovsext;
        foreach (var (type, commands, absent) in new (ushort, Type, byte[])[]
        {
            // EVENT_NOTIFY and READ_NOTIFY are the READ_* controls; a datapath has no delete.
            (ids.Control, typeof(OvsControlCommand), [4, 5]),
            (ids.Datapath, typeof(OvsCommand), [OvsCommand.Delete]),
            (ids.Vport, typeof(OvsCommand), []), (ids.Flow, typeof(OvsCommand), []),
            (ids.Packet, typeof(OvsPacketCommand), []), (ids.Netdev, typeof(OvsNetdevCommand), []),
            (ids.ConntrackLimit, typeof(OvsConntrackLimitCommand), []),
            (ids.Meter, typeof(OvsMeterCommand), []),
        })
        {
            foreach (var field in commands.GetFields(BindingFlags.Public | BindingFlags.Static))
            {
                var command = (byte)field.GetRawConstantValue()!;
                if (absent.Contains(command)) continue;
                Assert.True(seen.Contains((type, command)), $"{commands.Name}.{field.Name}");
            }
        }

        foreach (var command in (byte[])[
            NfConntrackCommand.New, NfConntrackCommand.Get, NfConntrackCommand.Delete])
        {
            Assert.Contains(seen, one => one.Item1 == (0x100 | command));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void A_message_cut_anywhere_is_refused_or_shorter(string name)
    {
        var bytes = s_all[name];
        for (var size = 0; size < bytes.Length; size++)
        {
            Assert.False(
                NetlinkMessage.TryParse(bytes.AsSpan(0, size), out _, out _), $"{name}: {size}");
        }
    }

    private static byte[] Rewrite(byte[] bytes)
    {
        var writer = new NetlinkWriter(new byte[NetlinkLimits.MessageSizeMax]);
        if (bytes[5] == 1)
        {
            Assert.True(ConntrackMessage.TryParse(
                bytes, NetlinkDialect.Ovsext, out var connection, out var refused), $"{refused}");
            connection.Write(ref writer, NetlinkDialect.Ovsext);
        }
        else if (bytes[4] < NetlinkType.Min)
        {
            Reply(bytes, ref writer);
        }
        else
        {
            Assert.True(OvsMessage.TryParse(bytes, out var message, out _, out var fault),
                $"{fault}");
            Generic(message, ref writer);
        }

        return writer.Written.ToArray();
    }

    private static void Reply(byte[] bytes, ref NetlinkWriter writer)
    {
        Assert.True(NetlinkReply.TryParse(bytes, 7, out var reply, out var fault), $"{fault}");
        if (bytes[4] == NetlinkType.Done)
        {
            NetlinkReply.WriteDone(ref writer, 7, 9);
            return;
        }

        Assert.Equal(
            reply.Code == 0 ? NetlinkReplyKind.Acknowledged : NetlinkReplyKind.Error, reply.Kind);
        byte[] request =
            [.. bytes.AsSpan(20, 16), .. new byte[BitConverter.ToInt32(bytes, 20) - 16]];
        NetlinkReply.WriteError(ref writer, request, reply.Code, 7, 9);
    }

    private static void Generic(in OvsMessage message, ref NetlinkWriter writer)
    {
        var header = message.Header;
        Assert.True(OvsFamilyIds.Ovsext.TryFind(header.Type, out var family));
        NetlinkFault fault;
        switch (family)
        {
            case OvsFamily.Datapath:
                Assert.True(OvsDatapathMessage.TryParse(message, out var datapath, out fault));
                datapath.Write(ref writer, header);
                break;
            case OvsFamily.Vport:
                Assert.True(OvsVportMessage.TryParse(message, out var vport, out fault));
                vport.Write(ref writer, header);
                break;
            case OvsFamily.Netdev:
                Assert.True(OvsNetdevMessage.TryParse(message, out var netdev, out fault));
                netdev.Write(ref writer, header);
                break;
            case OvsFamily.Control when header.Command == OvsControlCommand.SocketProperty:
                Assert.True(OvsSocketProperty.TryParse(message, out var property, out fault));
                property.Write(ref writer, header);
                break;
            case OvsFamily.Control:
                Assert.True(OvsSubscribeMessage.TryParse(message, out var subscribe, out fault));
                subscribe.Write(ref writer, header);
                break;
            case OvsFamily.Meter:
                Assert.True(OvsMeterMessage.TryParse(message, out var meter, out fault));
                meter.Write(ref writer, header);
                break;
            case OvsFamily.ConntrackLimit:
                Assert.True(OvsConntrackLimitMessage.TryParse(message, out var limit, out fault));
                limit.Write(ref writer, header);
                break;
            case OvsFamily.Packet:
                Packet(message, ref writer);
                break;
            default:
                Flow(message, ref writer);
                break;
        }
    }

    private static void Packet(in OvsMessage message, ref NetlinkWriter writer)
    {
        Assert.True(OvsPacketMessage.TryParse(message, out var packet, out var fault), $"{fault}");
        Assert.True(
            OvsFlowKeyReader.TryRead(packet.Key, out var key, out var hasUnknown, out fault));
        Assert.False(hasUnknown);
        Assert.Equal(3u, key.InPort);
        packet.Write(ref writer, message.Header);
    }

    private static void Flow(in OvsMessage message, ref NetlinkWriter writer)
    {
        Assert.True(OvsFlowMessage.TryParse(message, out var flow, out var fault), $"{fault}");
        if (!flow.HasKey)
        {
            flow.Write(ref writer, message.Header);
            return;
        }

        FlowKey mask = default;
        Assert.True(OvsFlowKeyReader.TryRead(flow.Key, out var key, out var hasUnknown, out fault));
        Assert.True(!flow.HasMask || OvsFlowKeyReader.TryReadMask(
            flow.Mask, in key, out mask, out hasUnknown, out fault), $"{fault}");
        Assert.False(hasUnknown);
        if (!flow.HasActions)
        {
            OvsFlowMessage.WriteByKey(
                ref writer, message.Header, in key, in mask, flow.HasMask, Form);
            return;
        }

        Assert.True(OvsActionReader.TryRead(flow.Actions, out var actions, out fault), $"{fault}");
        var isMasked = flow.HasMask;
        flow.HasMask = false; // It is written from the key again.
        flow.Write(ref writer, message.Header, in key, in mask, isMasked, actions, Form);
    }

    private static Dictionary<string, byte[]> Load()
    {
        var path = Path.Combine(
            Checkout.Root, "tests", "Wire.Tests", "NetlinkOvs", "messages.txt");
        var all = new Dictionary<string, byte[]>();
        var (name, hex) = ("", "");
        foreach (var line in File.ReadLines(path).Append("=="))
        {
            if (!line.StartsWith("==", StringComparison.Ordinal))
            {
                hex += line.Split('#')[0].Replace(" ", "");
                continue;
            }

            if (hex.Length > 0) all.Add(name, Convert.FromHexString(hex));
            (name, hex) = (line[2..].Trim(), "");
        }

        return all;
    }
}
