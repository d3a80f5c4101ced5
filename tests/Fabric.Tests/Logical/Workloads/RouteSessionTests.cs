using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Fabric.Controllers;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;
using System.Collections.Immutable;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

public sealed class RouteSessionTests : TestKit
{
    private static readonly MacBytes Router = MacBytes.FromUInt64(0x02_0000_0000_fe);
    private static readonly IpPrefix Beyond = IpPrefix.V4(0xc6336407);

    private static LogicalLab Routed(string status)
    {
        var lab = Lab();
        var session = Guid.NewGuid();
        lab.Change(
        [
            new Operation.Insert(
                "BFD",
                [
                    new("logical_port", "r-t"), new("dst_ip", "10.0.1.10"), new("status", status),
                ],
                session),
            .. Owned(
                lab, ("Logical_Router", "r", "static_routes"), "Logical_Router_Static_Route",
                new("ip_prefix", "198.51.100.0/24"), new("nexthop", "10.0.1.10"),
                new("bfd", Datum.References([session]))),
        ]);
        return lab;
    }

    [Fact]
    public void A_route_holds_while_its_session_is_up()
    {
        var lab = Routed("up");
        var packet = LabPackets.Ping(Port("a"), Router, Beyond);
        Assert.Equal("far", Assert.Single(lab.Send("a", packet)).Port);
        var session = lab.Database.Table("BFD").First!.Uuid;
        lab.Change(Operation.UpdateRow("BFD", session, new ColumnValue("status", "down")));
        Assert.Empty(lab.Send("a", packet));
    }

    [Fact]
    public void A_next_hop_s_packets_end_at_the_router()
    {
        var lab = Routed("down");
        var own = IpPrefix.V4(0x0a0001fe);
        var mac = MacBytes.FromUInt64(0x02_0000_0001_fe);
        var packet = LabPackets.Ip(Port("far"), mac, own, 17, 49152, 3784);
        Assert.Empty(lab.Send("far", packet));
        Assert.Equal([ControllerOpcode.RouteBfd], lab.Hosts["host1"].Asked);
    }

    private sealed class Parent : ReceiveActor
    {
        public Parent(IActorRef listener)
        {
            var child = Context.ActorOf(RouteSessionsActor.Props());
            Receive<RouteSessionsWanted>(child.Tell);
            Receive<RouteBfdHeard>(child.Tell);
            ReceiveAny(listener.Tell);
        }
    }

    [Fact]
    public void A_session_comes_up_with_its_peer_and_says_so()
    {
        var bridge = CreateTestProbe();
        var parent = Sys.ActorOf(Props.Create(() => new Parent(TestActor)));
        var peer = IpPrefix.V4(0x0a00010a);
        var row = new RouteSession(Guid.NewGuid(), "r-t", peer, 100, 100, 3, "down");
        parent.Tell(new RouteSessionsWanted(
            bridge.Ref,
            ImmutableSortedDictionary<Guid, RouteSessionHere>.Empty.Add(
                row.Uuid,
                new RouteSessionHere(row, 4, 2, Router, IpPrefix.V4(0x0a0001fe)))));
        Assert.Equal("down", Judged(row));
        Assert.Equal(BfdState.Down, Sent(bridge).State);
        parent.Tell(Heard(peer, BfdState.Down));
        Assert.Equal("init", Judged(row));
        parent.Tell(Heard(peer, BfdState.Up));
        Assert.Equal("up", Judged(row));
        Assert.Equal("down", Judged(row)); // The peer is silent: three times 100 ms.
    }

    private string Judged(RouteSession row) =>
        FishForMessage<RouteSessionsJudged>(_ => true).Status[row.Uuid];

    private static RouteBfdHeard Heard(IpPrefix peer, BfdState state) => new(
        4, 2, peer, default, new BfdControlPacket
        {
            State = state,
            DetectMultiplier = 3,
            MyDiscriminator = 77,
            YourDiscriminator = 1,
            DesiredMinTx = 100_000,
            RequiredMinRx = 100_000,
        });

    private static BfdControlPacket Sent(TestProbe bridge)
    {
        var ask = bridge.ExpectMsg<AskSwitch>();
        var bytes = Assert.IsType<OfPacketOut>(ask.Request).Packet.AsSpan();
        var key = default(FlowKey);
        Assert.True(FlowKeyExtractor.TryExtract(bytes, ref key, out var layout, out _));
        Assert.Equal((255, 3784), (key.NetworkTtl, (int)key.PortDestination));
        Assert.True(BfdControlPacket.TryParse(
            bytes[(layout.TransportOffset + 8)..layout.EndOffset], out var packet, out _));
        return packet;
    }
}
