using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <remarks>
/// Three segments around one router; 'exit1' and 'exit2' are next hops of routes.
/// </remarks>
public sealed class RouterTests
{
    private const string Text = """
        network: rt
        switches:
          left:
            ports:
              a: { host: 1, mac: "02:00:00:00:01:0a", ip: [10.0.1.10, "fd00:1::a"] }
          right:
            ports:
              b: { host: 2, mac: "02:00:00:00:02:0b", ip: [10.0.2.11, "fd00:2::b"] }
          exits:
            ports:
              exit1: { host: 2, mac: "02:00:00:00:03:01", ip: 10.0.3.101 }
              exit2: { host: 2, mac: "02:00:00:00:03:02", ip: 10.0.3.102 }
        routers:
          r:
            ports:
              r-left:
                switch: left
                mac: "02:00:00:00:01:01"
                networks: [10.0.1.1/24, "fd00:1::1/64"]
              r-right:
                switch: right
                mac: "02:00:00:00:02:01"
                networks: [10.0.2.1/24, "fd00:2::1/64"]
              r-exits: { switch: exits, mac: "02:00:00:00:03:ff", networks: [10.0.3.1/24] }
            routes:
              - { prefix: 0.0.0.0/0, nexthop: 10.0.3.101 }
              - { prefix: 172.16.0.0/12, nexthop: 10.0.3.102 }
              - { prefix: 172.16.5.0/24, nexthop: discard }
        """;

    private static readonly NetworkDocument Document = NetworkDocument.Parse(Text, "rt.yaml");
    private static readonly MacBytes Left = MacBytes.FromUInt64(0x02_0000_0001_01);

    private static NetworkPort Port(string name) =>
        Document.Ports.Single(port => port.Name == name);

    private static string? Towards(LogicalLab lab, uint address)
    {
        var packet = LabPackets.Tcp(Port("a"), Left, IpPrefix.V4(address), 1000, 80);
        return lab.Send("a", packet).SingleOrDefault()?.Port;
    }

    [Fact]
    public void The_longest_prefix_decides()
    {
        var lab = LogicalLab.Of(Document);
        Assert.Equal("b", Towards(lab, 0x0a00020b));
        Assert.Equal("exit1", Towards(lab, 0x08080808));
        Assert.Equal("exit2", Towards(lab, 0xac100901));
        Assert.Null(Towards(lab, 0xac100505));
    }

    [Fact]
    public void Ipv6_is_routed_like_ipv4()
    {
        var lab = LogicalLab.Of(Document);
        var packet = new FlowKey
        {
            EthernetSource = Port("a").Mac!.Value,
            EthernetDestination = Left,
            EthernetType = 0x86dd,
            NetworkProtocol = 17,
            NetworkTtl = 9,
            Ipv6Source = Address(Port("a").Ips[1]),
            Ipv6Destination = Address(Port("b").Ips[1]),
            PortSource = 1,
            PortDestination = 2,
        };
        var arrived = Assert.Single(lab.Send("a", packet));
        Assert.Equal("b", arrived.Port);
        Assert.Equal(Port("b").Mac, arrived.Packet.EthernetDestination);
        Assert.Equal(8, arrived.Packet.NetworkTtl);
    }

    [Fact]
    public void Equal_routes_share_the_load_through_a_group()
    {
        var lab = LogicalLab.Of(Document);
        var router = lab.Database.Table("Logical_Router").First!;
        var route = Guid.NewGuid();
        lab.Change(
            new Operation.Insert(
                "Logical_Router_Static_Route",
                [new("ip_prefix", "0.0.0.0/0"), new("nexthop", "10.0.3.102")], route),
            Operation.MutateRow(
                "Logical_Router", router.Uuid,
                new Mutation("static_routes", Mutator.Insert, Datum.References([route]))));
        Assert.Equal(2, Assert.Single(lab.Hosts["host1"].Compiler.Flows.Groups).Buckets.Count);
        Assert.Contains(Towards(lab, 0x08080808), (string[])["exit1", "exit2"]);
    }

    [Theory]
    [InlineData("drop", null, null)]
    [InlineData("reroute", "10.0.3.102", "exit2")]
    [InlineData("allow", null, "exit1")]
    public void A_policy_overrides_the_route(string action, string? hop, string? expected)
    {
        var lab = LogicalLab.Of(Document);
        var router = lab.Database.Table("Logical_Router").First!;
        var policy = Guid.NewGuid();
        lab.Change(
            new Operation.Insert(
                "Logical_Router_Policy",
                [
                    new("priority", 10), new("match", "ip4.src == 10.0.1.0/24"),
                    new("action", action),
                    new("nexthops", hop is null ? Datum.EmptySet : Datum.Strings([hop])),
                ],
                policy),
            Operation.MutateRow(
                "Logical_Router", router.Uuid,
                new Mutation("policies", Mutator.Insert, Datum.References([policy]))));
        Assert.Equal(expected, Towards(lab, 0x08080808));
    }

    [Fact]
    public void A_packet_whose_ttl_runs_out_is_answered_not_forwarded()
    {
        var lab = LogicalLab.Of(Document);
        var packet = LabPackets.Ping(Port("a"), Left, Port("b").Ips[0]);
        packet.NetworkTtl = 1;
        Assert.Empty(lab.Send("a", packet));
        Assert.Single(lab.Hosts["host1"].Punts);
    }

    [Fact]
    public void An_unknown_neighbour_is_asked_for()
    {
        var lab = LogicalLab.Of(Document);
        Assert.Null(Towards(lab, 0x0a000263));
        Assert.Single(lab.Hosts["host1"].Punts);
    }

    [Fact]
    public void A_disabled_router_forwards_nothing()
    {
        var lab = LogicalLab.Of(Document);
        var router = lab.Database.Table("Logical_Router").First!;
        lab.Change(Operation.UpdateRow(
            "Logical_Router", router.Uuid, new ColumnValue("enabled", false)));
        Assert.Null(Towards(lab, 0x0a00020b));
    }

    private static Ipv6Bytes Address(IpPrefix ip) => Ipv6Bytes.From(ip.ToAddress());
}
