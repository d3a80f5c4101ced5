using System.Net;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Tests.NetlinkOvs;

public sealed class NetlinkOvsMessageTests
{
    public static TheoryData<string, string> Golden()
    {
        var data = new TheoryData<string, string>();
        foreach (var (text, hex) in OvsGoldenMessages.All) data.Add(text, hex);
        return data;
    }

    [Theory, MemberData(nameof(Golden))]
    public void Messages_and_bytes_agree_in_both_directions(string text, string hex)
    {
        var bytes = OvsGoldenMessages.Bytes(hex);
        Assert.Equal(text, OvsGoldenMessages.Read(bytes, out var written));
        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(written));
    }

    [Theory, MemberData(nameof(Golden))]
    public void Every_truncation_is_refused(string text, string hex)
    {
        var bytes = OvsGoldenMessages.Bytes(hex);
        for (var size = 0; size < bytes.Length; size++)
        {
            Assert.True(OvsGoldenMessages.Read(bytes.AsSpan(0, size), out _) is null, text);
        }
    }

    [Fact]
    public void Fifty_thousand_mutations_never_throw()
    {
        var random = new Random(4711);
        var all = OvsGoldenMessages.All.Select(row => OvsGoldenMessages.Bytes(row.Hex)).ToArray();
        for (var i = 0; i < 50_000; i++)
        {
            var bytes = (byte[])all[random.Next(all.Length)].Clone();
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            OvsGoldenMessages.Read(bytes, out _);
            OvsActionReader.TryRead(bytes.AsSpan(random.Next(24)), out _, out _);
            OvsFlowKeyReader.TryRead(bytes.AsSpan(24), out _, out _, out _);
        }
    }

    [Fact]
    public void Actions_of_every_kind_survive_the_way_out_and_back()
    {
        FlowKey key = default;
        key.Ipv4Source = 0x0A000001;
        key.NetworkTtl = 3;
        key.TunnelIpv4DestinationWire = 0x0100000A;
        key.TunnelFlagsWire = 0x0800;
        EquatableArray<OvsActionAttribute> inner = [new OvsOutput(1), new OvsPopVlan()];
        EquatableArray<OvsActionAttribute> actions =
        [
            new OvsUserspace(9, [1, 2, 3], 4, true), OvsSet.From(OvsKey.Ipv4, in key),
            OvsSet.From(OvsKey.Tunnel, in key),
            OvsSetMasked.From(OvsKey.Ipv4, in key, in key), new OvsPushVlan(0x8100, 0x1005),
            new OvsPopVlan(), new OvsSample(77, inner), new OvsRecirculate(5), new OvsHash(0, 6),
            new OvsPushMpls(0x01020304, 0x8847), new OvsPopMpls(0x0800), new OvsTruncate(100),
            new OvsPushEthernet(MacBytes.Broadcast, default), new OvsPopEthernet(),
            new OvsConntrackClear(), new OvsPopNsh(), new OvsMeter(8), new OvsClone(inner),
            new OvsCheckPacketLength(1500, inner, default), new OvsAddMpls(1, 0x8847, 1),
            new OvsDecrementTtl(inner), new OvsDrop(3), new OvsPsample(2, [7]), new OvsLbOutput(4),
            new OvsUnknownAction(99, [1, 2, 3, 4]),
            new OvsConntrack(true, false, 5, new OvsMasked<uint>(1, 2),
                new OvsMasked<UInt128>(3, 4), "ftp",
                new OvsNat(
                    true, false, IPAddress.Loopback, IPAddress.IPv6Loopback, 1, 2,
                    true, true, true), OvsConntrackEvents.New, "policy"),
        ];
        var writer = new NetlinkWriter(new byte[4096]);
        OvsActionWriter.Write(ref writer, actions.AsSpan());
        Assert.True(OvsActionReader.TryRead(writer.Written, out var read, out var fault),
            fault.ToString());
        Assert.Equal(actions.AsEnumerable(), read.AsEnumerable());
        Assert.True(OvsSet.From(OvsKey.Tunnel, in key).TryDecode(out var tunnel));
        Assert.Equal(key.TunnelIpv4DestinationWire, tunnel.TunnelIpv4DestinationWire);
    }

    [Fact]
    public void Lists_that_nest_too_deep_are_refused()
    {
        OvsActionAttribute action = new OvsOutput(1);
        for (var i = 0; i < NetlinkLimits.ActionNestingMax + 1; i++)
        {
            action = new OvsClone([action]);
        }

        var writer = new NetlinkWriter(new byte[4096]);
        OvsActionWriter.Write(ref writer, [action]);
        Assert.False(OvsActionReader.TryRead(writer.Written, out _, out var fault));
        Assert.Equal(NetlinkFaultKind.TooDeep, fault.Kind);
    }

    [Fact]
    public void A_dump_ends_with_no_bytes_with_done_or_with_an_error()
    {
        var vport = OvsGoldenMessages.Bytes(OvsGoldenMessages.All[1].Hex);
        var writer = new NetlinkWriter(new byte[64]);
        NetlinkReply.WriteDone(ref writer, 7, 9);
        var done = writer.Written.ToArray();
        writer = new NetlinkWriter(new byte[64]);
        NetlinkReply.WriteError(ref writer, vport, 129, 7, 9);
        var error = writer.Written.ToArray();
        Assert.Equal(NetlinkReply.ErrorSize, error.Length);
        foreach (var end in new[] { [], done, error })
        {
            var dump = new NetlinkDump(7);
            Assert.True(dump.Accept(vport, Take));
            Assert.False(dump.Accept(end, Take));
            Assert.Equal(1, dump.MessageCount);
            Assert.Equal(end == error ? 129 : 0, dump.ErrorCode);
        }

        Assert.Equal(524, OvsErrorCatalogue.ToLinux(129, NetlinkDialect.Ovsext));
        Assert.Equal("ENOTSUPP", OvsErrorCatalogue.NameOf(129, NetlinkDialect.Ovsext));

        static bool Take(ReadOnlySpan<byte> message, out NetlinkFault fault) =>
            OvsMessage.TryParse(message, out _, out _, out fault);
    }

    [Fact]
    public void A_writer_never_passes_the_end_of_its_buffer()
    {
        for (var size = 0; size < 40; size++)
        {
            var writer = new NetlinkWriter(new byte[size]);
            new OvsVportMessage { PortNumber = 1, Name = "p" }.Write(
                ref writer, OvsHeader.Request(OvsFamilyIds.Ovsext, OvsFamily.Vport, 1, 1, 1));
            Assert.True(writer.HasOverflowed);
        }
    }
}
