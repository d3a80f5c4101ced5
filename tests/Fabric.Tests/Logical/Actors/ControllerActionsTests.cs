using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Logical;

public sealed class ControllerActionsTests
{
    private static readonly MacBytes Client = MacBytes.FromUInt64(0x02_0000_0000_05);
    private static readonly MacBytes Server = MacBytes.FromUInt64(0x02_0000_0000_01);

    [Fact]
    public void A_refused_syn_is_answered_by_a_reset_that_the_sender_accepts()
    {
        var syn = Tcp(flags: 2);
        var answer = Single(syn, ControllerAction.Reject(RejectPlace.SwitchIngress), out var key);
        Assert.Equal(0x14, key.TcpFlags);
        Assert.Equal(Client, key.EthernetDestination);
        Assert.Equal(0x0a000002u, key.Ipv4Source);
        Assert.Equal(443, key.PortSource);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(42)));
        AssertChecksums(answer, 6);
    }

    [Fact]
    public void A_reset_is_never_answered()
    {
        var outcome = ControllerActions.Handle(
            PacketIn(Tcp(flags: 4), ControllerAction.Reject(RejectPlace.SwitchIngress)),
            ControllerServices.None);
        Assert.Empty(outcome.Packets);
    }

    [Fact]
    public void Refused_udp_is_answered_by_port_unreachable_with_its_beginning()
    {
        var key = Ip(17, 5000, 53);
        var answer = Single(
            PacketBuilder.Compose(in key), ControllerAction.Reject(RejectPlace.SwitchIngress),
            out var reply);
        Assert.Equal(1, reply.NetworkProtocol);
        Assert.Equal((3, 3), (reply.PortSource, reply.PortDestination));
        Assert.Equal(0x45, answer[42]);
        Assert.Equal(17, answer[42 + 9]);
        AssertChecksums(answer, 1);
    }

    [Fact]
    public void A_packet_refused_at_the_receiver_goes_back_through_its_switch()
    {
        var outcome = ControllerActions.Handle(
            PacketIn(Tcp(flags: 2), ControllerAction.Reject(RejectPlace.SwitchEgress)),
            ControllerServices.None);
        var actions = Assert.Single(outcome.Packets).Actions;
        Assert.Equal(new OfLoad(LogicalFields.Inport, 8), actions[0]);
        Assert.Equal(new OfLoad(LogicalFields.Outport, 7), actions[1]);
        Assert.Equal(new OfResubmit(SwitchIngress.L2Lookup), actions[actions.Count - 1]);
    }

    [Fact]
    public void A_packet_whose_ttl_ran_out_is_answered_by_the_router()
    {
        var key = Ip(17, 5000, 33434);
        var answer = Single(
            PacketBuilder.Compose(in key),
            ControllerAction.IcmpError(11, 0, IpPrefix.V4(0x0a0000fe)), out var reply);
        Assert.Equal((11, 0), (reply.PortSource, reply.PortDestination));
        Assert.Equal(0x0a0000feu, reply.Ipv4Source);
        Assert.Equal(0x0a000001u, reply.Ipv4Destination);
        AssertChecksums(answer, 1);
    }

    [Fact]
    public void An_unknown_next_hop_is_asked_for_and_the_packet_waits()
    {
        var key = Ip(6, 1, 2);
        var outcome = ControllerActions.Handle(
            PacketIn(PacketBuilder.Compose(in key), ControllerAction.Arp(), match => match
                .Set(MatchField.Find("reg0")!, 0x0a000063ul).Set(
                    MatchField.Find("reg5")!, 0x0a0000feul)),
            ControllerServices.None);
        var request = Read(Assert.Single(outcome.Packets));
        Assert.Equal(0x0806, request.EthernetType);
        Assert.Equal(1, request.NetworkProtocol);
        Assert.Equal(0x0a000063u, request.Ipv4Destination);
        Assert.Equal(0x0a0000feu, request.Ipv4Source);
        Assert.Equal(new NeighborKey(9, 8, 0x0a000063, false), outcome.Waits);
    }

    [Fact]
    public void A_neighbour_s_flows_resolve_it_and_know_it()
    {
        var flows = ControllerActions.FlowsOf(new NeighborKey(9, 8, 0x0a000063, false), Client);
        Assert.Equal([(byte)90, (byte)91], flows.Select(flow => flow.TableId));
    }

    [Fact]
    public void A_neighbor_solicitation_is_answered_with_solicited_and_override()
    {
        var solicit = PacketAnswers.NeighborSolicit(
            Client, IpPrefix.LinkLocalOf(Client),
            IpPrefix.TryParse("fd00::9", out var wanted) ? wanted : default);
        var answer = Single(
            solicit, ControllerAction.NdAdvert(Server.ToUInt64(), isRouter: true), out var key);
        Assert.Equal(136, key.PortSource);
        Assert.Equal(Server, key.ArpTarget);
        Assert.Equal("fd00::9", key.NdTarget.ToString());
        Assert.Equal(0xe0000000, BinaryPrimitives.ReverseEndianness(key.NdReservedWire));
        Assert.Equal(255, key.NetworkTtl);
        Assert.Equal(0x3a, answer[20]);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 5)]
    public void Dhcp_offers_and_acknowledges_the_port_s_address(byte asked, byte answered)
    {
        var row =
            new DhcpOptions(Guid.NewGuid(), "10.0.0.0/24", ImmutableSortedDictionary<string, string>
            .Empty.Add("server_id", "10.0.0.1").Add("server_mac", "02:00:00:00:00:01")
            .Add("lease_time", "3600").Add("router", "10.0.0.1")
            .Add("classless_static_route", "{192.168.0.0/16,10.0.0.9}"));
        var services = ControllerServices.None with
        {
            Dhcp = ImmutableDictionary<Guid, DhcpOptions>.Empty.Add(row.Uuid, row),
        };
        var answer = Single(
            DhcpMessage(asked), ControllerAction.Dhcp(row.Uuid, IpPrefix.V4(0x0a000005)),
            out var key, services);
        Assert.Equal((67, 68), (key.PortSource, key.PortDestination));
        Assert.Equal(Server, key.EthernetSource);
        var message = answer.AsSpan(42);
        Assert.Equal(2, message[0]);
        Assert.Equal(0x0a000005u, BinaryPrimitives.ReadUInt32BigEndian(message[16..]));
        Assert.Equal([53, 1, answered], message[240..243].ToArray());
        Assert.True(message.IndexOf(new byte[] { 121, 7, 16, 192, 168, 10, 0, 0, 9 }) > 0);
        Assert.True(message.IndexOf(new byte[] { 1, 4, 255, 255, 255, 0 }) > 0);
        AssertChecksums(answer, 17);
    }

    [Fact]
    public void Dns_answers_what_the_northbound_knows_and_passes_on_the_rest()
    {
        var owner = Guid.NewGuid();
        var services = ControllerServices.None with
        {
            DnsOfSwitch = ImmutableDictionary<Guid, ImmutableSortedDictionary<string, string>>.Empty
                .Add(owner, ImmutableSortedDictionary<string, string>.Empty
                    .Add("vm1.example.org", "10.0.0.7 fd00::7")),
        };
        var answer =
            Single(DnsQuery("VM1.example.org"), ControllerAction.Dns(owner), out var key, services);
        Assert.Equal(53, key.PortSource);
        Assert.Equal(1, answer[42 + 7]);
        Assert.Equal([10, 0, 0, 7], answer[^4..]);
        AssertChecksums(answer, 17);

        var other = ControllerActions.Handle(
            PacketIn(DnsQuery("elsewhere.example.org"), ControllerAction.Dns(owner)), services);
        var passed = Assert.Single(other.Packets);
        Assert.Equal(new OfResubmit(SwitchIngress.DnsResponse), passed.Actions[0]);
    }

    [Fact]
    public void Any_bytes_are_survived()
    {
        var random = new Random(7);
        foreach (var opcode in Enum.GetValues<ControllerOpcode>())
        {
            for (var i = 0; i < 300; i++)
            {
                var userdata = new byte[4 + random.Next(40)];
                random.NextBytes(userdata);
                BinaryPrimitives.WriteUInt32BigEndian(userdata, (uint)opcode);
                var key = Ip((byte)random.Next(60), (ushort)random.Next(600), 53);
                var packet = PacketBuilder.Compose(in key);
                for (var j = 0; j < 6; j++)
                    packet[random.Next(packet.Length)] = (byte)random.Next(256);
                ControllerActions.Handle(
                    PacketIn(packet[..random.Next(packet.Length)], userdata),
                    ControllerServices.None);
            }
        }
    }

    private static byte[] Tcp(ushort flags)
    {
        var key = Ip(6, 40000, 443);
        key.TcpFlags = flags;
        return PacketBuilder.Compose(in key);
    }

    private static FlowKey Ip(byte protocol, ushort source, ushort destination) => new()
    {
        EthernetSource = Client,
        EthernetDestination = Server,
        EthernetType = 0x0800,
        NetworkProtocol = protocol,
        NetworkTtl = 64,
        Ipv4Source = 0x0a000001,
        Ipv4Destination = 0x0a000002,
        PortSource = source,
        PortDestination = destination,
    };

    private static byte[] DhcpMessage(byte type)
    {
        var body = new byte[300];
        (body[0], body[1], body[2]) = (1, 1, 6);
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(236), 0x63825363);
        (body[240], body[241], body[242], body[243]) = (53, 1, type, 255);
        var key = Ip(17, 68, 67);
        (key.Ipv4Source, key.Ipv4Destination) = (0, uint.MaxValue);
        return PacketAnswers.Udp(in key, body);
    }

    private static byte[] DnsQuery(string name)
    {
        var body = new List<byte> { 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        body.AddRange(DnsNames.Encode(name));
        body.AddRange([0, 1, 0, 1]);
        var key = Ip(17, 5353, 53);
        return PacketAnswers.Udp(in key, body.ToArray());
    }

    private static OfPacketIn PacketIn(
        byte[] packet, byte[] userdata, Action<MatchBuilder>? more = null)
    {
        var match = new MatchBuilder().Set(MatchField.Metadata, 9ul)
            .Set(MatchField.Find("reg14")!, 7ul).Set(MatchField.Find("reg15")!, 8ul);
        more?.Invoke(match);
        return new OfPacketIn(
            EquatableArray.Create<byte>(packet), (uint)packet.Length, PacketInReason.Action, 0, 0,
            FlowMod.NoBuffer, match.Build())
        {
            Userdata = EquatableArray.Create<byte>(userdata),
        };
    }

    private static byte[] Single(
        byte[] packet, byte[] userdata, out FlowKey key, ControllerServices? services = null)
    {
        var outcome = ControllerActions.Handle(
            PacketIn(packet, userdata), services ?? ControllerServices.None);
        var sent = Assert.Single(outcome.Packets);
        key = Read(sent);
        return sent.Packet.AsSpan().ToArray();
    }

    private static FlowKey Read(OfPacketOut packet)
    {
        var key = default(FlowKey);
        Assert.True(FlowKeyExtractor.TryExtract(packet.Packet.AsSpan(), ref key, out _));
        return key;
    }

    private static void AssertChecksums(byte[] packet, byte protocol)
    {
        Assert.Equal(0, InternetChecksum.ComputeWire(packet.AsSpan(14, 20)));
        var transport = packet.AsSpan(34);
        var sum = protocol == 1
            ? 0
            : InternetChecksum.PseudoHeader(packet.AsSpan(26, 8), protocol, transport.Length);
        Assert.Equal(0xffff, InternetChecksum.Fold(InternetChecksum.Add(transport, sum)));
    }
}
