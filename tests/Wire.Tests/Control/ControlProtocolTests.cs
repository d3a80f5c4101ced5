using System.Text;
using Fabric.Wire.Control;

namespace Fabric.Wire.Tests;

/// <summary>Control protocols: the standards' bytes left, what they mean right.</summary>
public sealed class ControlProtocolTests
{
    private const string Bfd =
        "2040 0318 00000001 00000000 000f4240 000f4240 00000000";

    private const string Lacp =
        "0101 0114 8000 020000000001 0007 00ff 0003 3d 000000"
        + "0214 ffff 020000000002 0008 00fe 0004 45 000000"
        + "0310 0032 000000000000000000000000 0000"
        + "00000000000000000000000000000000000000000000000000000000000000000000"
        + "00000000000000000000000000000000";

    private const string Stp =
        "0000 00 00 01 8000020000000001 00000004 8000020000000002 8001 0100 1400 0200 0f00";

    private const string Lldp = "0207 04 020000000001 0402 0731 0602 0078 0a03 737731 0000";

    private const string IgmpReport =
        "2200 e8f9 0000 0001 0400 0000 ef010203";

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", ""));

    [Fact]
    public void Bfd_bytes_and_meaning_agree()
    {
        Assert.True(BfdControlPacket.TryParse(Hex(Bfd), out var packet, out var reason));
        Assert.Equal(DropReason.None, reason);
        Assert.Equal(
            new BfdControlPacket
            {
                State = BfdState.Down, DetectMultiplier = 3, MyDiscriminator = 1,
                DesiredMinTx = 1_000_000, RequiredMinRx = 1_000_000,
            },
            packet);
        var written = new byte[BfdControlPacket.Size];
        packet.Write(written);
        Assert.Equal(Hex(Bfd), written);
    }

    [Theory]
    [InlineData("4040 0318 00000001 00000000 000f4240 000f4240 00000000", "version 2")]
    [InlineData("2040 0018 00000001 00000000 000f4240 000f4240 00000000", "multiplier 0")]
    [InlineData("2040 0317 00000001 00000000 000f4240 000f4240 00000000", "length below 24")]
    [InlineData("2040 0319 00000001 00000000 000f4240 000f4240 00000000", "length above all")]
    [InlineData("2041 0318 00000001 00000000 000f4240 000f4240 00000000", "multipoint")]
    [InlineData("2044 0318 00000001 00000000 000f4240 000f4240 00000000", "authentication")]
    [InlineData("2040 0318 00000000 00000000 000f4240 000f4240 00000000", "no discriminator")]
    [InlineData("20c0 0318 00000001 00000000 000f4240 000f4240 00000000", "up without peer")]
    public void Bfd_discards_what_the_standard_discards(string hex, string why)
    {
        Assert.False(BfdControlPacket.TryParse(Hex(hex), out _, out var reason), why);
        Assert.Equal(DropReason.BfdMalformed, reason);
    }

    [Fact]
    public void Lacp_bytes_and_meaning_agree()
    {
        var bytes = Hex(Lacp);
        Assert.True(LacpDataUnit.TryParse(bytes, out var unit, out _));
        Assert.Equal("8000.020000000001 key 7 port 00ff.3", Text(unit.Actor));
        Assert.Equal(
            LacpState.Activity | LacpState.Aggregation | LacpState.Synchronization
                | LacpState.Collecting | LacpState.Distributing,
            unit.Actor.State);
        Assert.Equal("ffff.020000000002 key 8 port 00fe.4", Text(unit.Partner));
        Assert.Equal(50, unit.CollectorMaxDelay);
        var written = new byte[LacpDataUnit.Size];
        unit.Write(written);
        Assert.Equal(bytes, written);

        static string Text(LacpInformation end) =>
            $"{end.SystemPriority:x4}.{end.System.ToUInt64():x12} key {end.Key} "
            + $"port {end.PortPriority:x4}.{end.Port}";
    }

    [Fact]
    public void Continuity_check_writes_what_it_reads()
    {
        var association = new byte[ContinuityCheckMessage.AssociationIdSize];
        association[0] = 4;
        var bytes = new byte[ContinuityCheckMessage.Size];
        ContinuityCheckMessage.Write(bytes, level: 5, hasRemoteDefect: true, intervalCode: 4,
            sequence: 9, endPoint: 42, association, extendedInterval: 300,
            extendedEndPoint: 0x1_0000_0001, isOperationallyDown: true);
        Assert.Equal("a0018446 00000009002a04".Replace(" ", ""),
            Convert.ToHexStringLower(bytes.AsSpan(0, 11)));
        Assert.True(ContinuityCheckMessage.TryParse(bytes, out var message, out _));
        Assert.Equal(5, message.Level);
        Assert.True(message.HasRemoteDefect && message.IsOperationallyDown);
        Assert.Equal(4, message.IntervalCode);
        Assert.Equal(9u, message.Sequence);
        Assert.Equal(42, message.EndPoint);
        Assert.Equal(300, message.ExtendedInterval);
        Assert.Equal(0x1_0000_0001ul, message.ExtendedEndPoint);
        Assert.True(message.AssociationId.SequenceEqual(association));
        Assert.Equal(0x0180_C200_0035ul, ContinuityCheckMessage.Destination(5).ToUInt64());
    }

    [Fact]
    public void Spanning_tree_bytes_and_meaning_agree()
    {
        var bytes = Hex(Stp);
        Assert.True(SpanningTreeBpdu.TryParse(bytes, out var bpdu, out _));
        Assert.Equal(
            new SpanningTreeBpdu
            {
                Type = BpduType.Configuration, Flags = BpduFlags.TopologyChange,
                RootId = 0x8000_0200_0000_0001, RootPathCost = 4,
                BridgeId = 0x8000_0200_0000_0002, PortId = 0x8001, MessageAge = 256,
                MaxAge = 20 * 256, HelloTime = 2 * 256, ForwardDelay = 15 * 256,
            },
            bpdu);
        var written = new byte[bpdu.Size];
        bpdu.Write(written);
        Assert.Equal(bytes, written);

        var change = new SpanningTreeBpdu { Type = BpduType.TopologyChange };
        var four = new byte[change.Size];
        change.Write(four);
        Assert.Equal(Hex("00000080"), four);
        Assert.True(SpanningTreeBpdu.TryParse(four, out var again, out _));
        Assert.Equal(change, again);
    }

    [Fact]
    public void Rapid_spanning_tree_needs_its_own_length_and_version()
    {
        var rapid = new SpanningTreeBpdu
        {
            Type = BpduType.Rapid, Flags = BpduFlags.Proposal | (BpduFlags)(3 << 2), MaxAge = 20,
        };
        var bytes = new byte[rapid.Size];
        rapid.Write(bytes);
        Assert.True(SpanningTreeBpdu.TryParse(bytes, out var again, out _));
        Assert.Equal(rapid, again);
        bytes[2] = 0;
        Assert.False(SpanningTreeBpdu.TryParse(bytes, out _, out _));
    }

    [Fact]
    public void Spanning_tree_refuses_information_that_is_too_old()
    {
        var bytes = Hex(Stp);
        bytes[27] = bytes[29];
        Assert.False(SpanningTreeBpdu.TryParse(bytes, out _, out var reason));
        Assert.Equal(DropReason.StpMalformed, reason);
    }

    [Fact]
    public void Lldp_bytes_and_meaning_agree()
    {
        Assert.True(LldpDataUnit.TryParse(Hex(Lldp), out var unit, out _));
        Assert.Equal("04020000000001", Convert.ToHexStringLower(unit.ChassisId));
        Assert.Equal("0731", Convert.ToHexStringLower(unit.PortId));
        Assert.Equal(120, unit.TimeToLive);
        Assert.Equal("sw1", Encoding.ASCII.GetString(unit.Value(LldpTlvType.SystemName)));
        Assert.True(unit.Value(LldpTlvType.ManagementAddress).IsEmpty);
        var room = new byte[5];
        Assert.Equal(5, LldpDataUnit.WriteTlv(room, LldpTlvType.SystemName, "sw1"u8));
        Assert.Equal(Hex("0a03 737731"), room);
    }

    [Theory]
    [InlineData("0402 0731 0207 04020000000001 0602 0078 0000", "port before chassis")]
    [InlineData("0207 04020000000001 0402 0731 0000", "no time to live")]
    [InlineData("0207 04020000000001 0402 0731 0602 0078 0602 0078", "twice")]
    [InlineData("0207 04020000000001 0402 0731 0602 0078 0a7f 00", "runs past the end")]
    public void Lldp_refuses_what_the_standard_refuses(string hex, string why)
    {
        Assert.False(LldpDataUnit.TryParse(Hex(hex), out _, out var reason), why);
        Assert.Equal(DropReason.LldpMalformed, reason);
    }

    [Fact]
    public void Igmp_report_gives_its_records()
    {
        var bytes = Hex(IgmpReport);
        Assert.True(MulticastMembership.TryParseIgmp(bytes, out var report, out var reason),
            $"{reason}, checksum should be {InternetChecksum.ComputeWire(bytes):x4} off");
        Assert.Equal(MembershipType.ReportV3, report.Type);
        var groups = new List<string>();
        foreach (var record in report.Records)
        {
            groups.Add($"{record.Type} {Convert.ToHexStringLower(record.Group)}");
        }

        Assert.Equal(["ChangeToExclude ef010203"], groups);
    }

    [Theory]
    [InlineData("1164 ee9b 00000000", MembershipType.Query, 10_000)]
    [InlineData("118f ee70 00000000", MembershipType.Query, 24_800)]
    [InlineData("1600 f8fa ef010203", MembershipType.ReportV2, 0)]
    [InlineData("1700 f7fa ef010203", MembershipType.Leave, 0)]
    public void Igmp_messages_give_type_and_time(string hex, MembershipType type, int time)
    {
        var bytes = Hex(hex);
        bytes[2] = bytes[3] = 0; // The checksum is the last thing a sender fills in.
        BitConverter.TryWriteBytes(bytes.AsSpan(2), InternetChecksum.ComputeWire(bytes));
        Assert.True(MulticastMembership.TryParseIgmp(bytes, out var message, out _));
        Assert.Equal(type, message.Type);
        if (type == MembershipType.Query) Assert.Equal(time, message.MaxResponseMilliseconds);
        bytes[7] ^= 1;
        Assert.False(MulticastMembership.TryParseIgmp(bytes, out _, out var reason));
        Assert.Equal(DropReason.ChecksumInvalid, reason);
    }

    [Fact]
    public void Mld_report_with_sources_gives_its_records()
    {
        var group = "ff050000000000000000000000000001";
        var source = "fd000000000000000000000000000009";
        var bytes = Hex($"8f00 0000 0000 0002 06000001{group}{source} 03000000{group}");
        Assert.True(MulticastMembership.TryParseMld(bytes, out var report, out _));
        var records = report.Records;
        Assert.True(records.MoveNext());
        Assert.Equal(GroupRecordType.BlockOldSources, records.Current.Type);
        Assert.Equal(source, Convert.ToHexStringLower(records.Current.Sources));
        Assert.False(records.Current.IsLeave);
        Assert.True(records.MoveNext());
        Assert.True(records.Current.IsLeave);
        Assert.False(records.MoveNext());
        // One record less than it says.
        bytes[7] = 3;
        Assert.False(MulticastMembership.TryParseMld(bytes, out _, out _));
    }

    public static TheoryData<string, string> Samples() => new()
    {
        { "bfd", Bfd }, { "lacp", Lacp }, { "stp", Stp }, { "lldp", Lldp }, { "igmp", IgmpReport },
    };

    [Theory]
    [MemberData(nameof(Samples))]
    public void No_truncation_is_taken_for_a_whole_message(string protocol, string hex)
    {
        var bytes = Hex(hex);
        Assert.True(Parses(protocol, bytes));
        var end = protocol == "lldp" ? bytes.Length - 2 : bytes.Length;
        for (var size = 0; size < end; size++)
        {
            // LLDP is whole after each TLV from the third on.
            if (protocol == "lldp" && size is 17) continue;
            Assert.False(Parses(protocol, bytes[..size]), $"{protocol} cut to {size}");
        }
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Bent_bytes_never_throw(string protocol, string hex)
    {
        var random = new Random(5);
        var sample = Hex(hex);
        for (var input = 0; input < 50_000; input++)
        {
            var bytes = sample[..random.Next(sample.Length + 1)];
            for (var bends = random.Next(4); bends > 0 && bytes.Length > 0; bends--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            Parses(protocol, bytes);
            MulticastMembership.TryParseMld(bytes, out _, out _);
            ContinuityCheckMessage.TryParse(bytes, out _, out _);
        }
    }

    private static bool Parses(string protocol, ReadOnlySpan<byte> bytes) => protocol switch
    {
        "bfd" => BfdControlPacket.TryParse(bytes, out _, out _),
        "lacp" => LacpDataUnit.TryParse(bytes, out _, out _),
        "stp" => SpanningTreeBpdu.TryParse(bytes, out _, out _),
        "lldp" => LldpDataUnit.TryParse(bytes, out _, out _),
        "igmp" => MulticastMembership.TryParseIgmp(bytes, out _, out _),
        _ => throw new ArgumentException(protocol),
    };
}
