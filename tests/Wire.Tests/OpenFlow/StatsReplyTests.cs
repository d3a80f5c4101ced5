using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Tests.OpenFlow;

/// <summary>Replies of many messages, and properties that Open vSwitch adds.</summary>
public sealed class StatsReplyTests
{
    [Theory]
    [InlineData(OfVersion.OpenFlow10, true)]
    [InlineData(OfVersion.OpenFlow13, false)]
    [InlineData(OfVersion.OpenFlow15, false)]
    public void A_long_reply_can_be_sent_while_it_is_written(OfVersion version, bool isNicira)
    {
        var context = new OfCodecContext(version);
        var writer = new OfWriter();
        var reply = new FlowStatsReplyWriter(writer, isNicira, context, 7);
        var sent = new List<byte>();
        for (var i = 0; i < 5_000; i++)
        {
            reply.Add(Flow(i));
            if (i % 700 != 0) continue;
            sent.AddRange(reply.Whole);
            reply.ForgetWhole();
        }

        reply.Finish();
        sent.AddRange(writer.Written);
        var priorities = new List<ushort>();
        var bytes = sent.ToArray();
        for (var at = 0; at < bytes.Length;)
        {
            Assert.True(OfHeader.TryRead(bytes.AsSpan(at), out var header));
            var frame = bytes.AsSpan(at, header.Length);
            Assert.True(OfDecoder.TryDecode(frame, context, out var envelope, out var error),
                $"{error}");
            var part = Assert.IsType<OfFlowStatsReply>(envelope.Message);
            at += header.Length;
            Assert.Equal(at < bytes.Length, part.HasMore);
            Assert.Equal(7u, envelope.Xid);
            priorities.AddRange(part.Flows.Select(flow => flow.Priority));
        }

        Assert.Equal(Enumerable.Range(0, 5_000).Select(i => (ushort)i), priorities);
    }

    [Fact]
    public void No_flows_are_one_empty_message()
    {
        var writer = new OfWriter();
        var context = new OfCodecContext(OfVersion.OpenFlow13);
        new FlowStatsReplyWriter(writer, false, context, 7).Finish();
        Assert.True(OfDecoder.TryDecode(writer.Written, context, out var envelope, out _));
        Assert.Empty(Assert.IsType<OfFlowStatsReply>(envelope.Message).Flows);
    }

    [Fact]
    public void Counters_of_a_device_s_own_come_back_as_they_were_written()
    {
        var stats = new OfPortStats(
            1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, TimeSpan.FromSeconds(3))
        {
            Custom = [new OfPortCounter("rx_q0_packets", 5), new OfPortCounter("x", 1UL << 40)],
        };
        var plain = stats with { Port = 2, Custom = [] };
        foreach (var version in Enum.GetValues<OfVersion>())
        {
            var context = new OfCodecContext(version);
            var bytes = OfEncoder.ToArray(new OfPortStatsReply([stats, plain]), 1, context);
            Assert.True(OfDecoder.TryDecode(bytes, context, out var envelope, out var error),
                $"{version} {error}");
            var ports = Assert.IsType<OfPortStatsReply>(envelope.Message).Ports;
            Assert.Equal([1u, 2u], ports.Select(port => port.Port));
            Assert.Equal(
                version >= OfVersion.OpenFlow14 ? stats.Custom : [], ports[0].Custom);
            Assert.Equal(12ul, ports[1].Collisions);
        }
    }

    private static OfFlowStats Flow(int priority) => new(
        3, new MatchBuilder().Set(MatchField.EthernetType, 0x0800)
            .Set(MatchField.Ipv4Source, (ulong)priority).Build(),
        (ushort)priority, 9, [new OfOutput(2)], TimeSpan.FromSeconds(1), 0, 0, 1, 1, 5, 6,
        FlowModFlags.None, 0);
}
