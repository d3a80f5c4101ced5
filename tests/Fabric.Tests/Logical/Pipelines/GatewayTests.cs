using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <remarks>
/// A router between an inner and an outer switch with a gateway port on host2; the outer world is
/// a workload on host3 that does not know the inner network.
/// </remarks>
public sealed class GatewayTests
{
    private const string Text = """
        network: gw
        switches:
          inner:
            subnet: 10.0.0.0/24
            ports:
              vm: { host: 1, mac: "02:00:00:00:00:05", ip: 10.0.0.5 }
              vm2: { host: 3, mac: "02:00:00:00:00:06", ip: 10.0.0.6 }
          outer:
            ports:
              gatekeeper: { host: 2, mac: "02:00:00:00:09:02", ip: 192.0.2.2 }
              world: { host: 3, mac: "02:00:00:00:09:63", ip: 192.0.2.99 }
        routers:
          r:
            ports:
              r-inner: { switch: inner, mac: "02:00:00:00:00:01", networks: [10.0.0.1/24] }
              r-outer: { switch: outer, mac: "02:00:00:00:09:01", networks: [192.0.2.1/24] }
            nat:
              - { type: snat, external: 192.0.2.1, logical: 10.0.0.0/24 }
              - { type: dnat_and_snat, external: 192.0.2.50, logical: 10.0.0.6 }
        """;

    private static readonly NetworkDocument Document = NetworkDocument.Parse(Text, "gw.yaml");
    private static readonly MacBytes OuterMac = MacBytes.FromUInt64(0x02_0000_0009_01);
    private static readonly MacBytes InnerMac = MacBytes.FromUInt64(0x02_0000_0000_01);

    private static LogicalLab Lab(bool isFloatingDistributed = false)
    {
        var database = LogicalLab.NorthboundOf(Document);
        var port = database.Table("Logical_Router_Port").Rows
            .Single(row => row.GetString("name") == "r-outer");
        var chassis = Guid.NewGuid();
        var operations = new List<Operation>
        {
            new Operation.Insert(
                "Gateway_Chassis",
                [new("name", "r-outer-host2"), new("chassis_name", "host2"), new("priority", 10)],
                chassis),
            Operation.UpdateRow(
                "Logical_Router_Port", port.Uuid,
                new ColumnValue("gateway_chassis", Datum.References([chassis]))),
        };
        if (isFloatingDistributed)
        {
            var nat = database.Table("NAT").Rows
                .Single(row => row.GetString("type") == "dnat_and_snat");
            operations.Add(Operation.UpdateRow(
                "NAT", nat.Uuid, new ColumnValue("external_mac", "02:00:00:00:09:50"),
                new ColumnValue("logical_port", "vm2")));
        }

        return new LogicalLab(
            LogicalLab.Apply(database, [.. operations]), ("host1", ["vm"]),
            ("host2", ["gatekeeper"]), ("host3", ["world", "vm2"]));
    }

    [Fact]
    public void What_leaves_is_translated_on_the_gateway_and_answers_find_back()
    {
        var lab = Lab();
        var arrived = Assert.Single(lab.Send(
            "vm", LabPackets.Tcp(Port("vm"), InnerMac, Port("world").Ips[0], 1234, 80)));
        Assert.Equal("world", arrived.Port);
        Assert.Equal(0xc0000201u, arrived.Packet.Ipv4Source);
        Assert.Equal(OuterMac, arrived.Packet.EthernetSource);
        Assert.Equal(63, arrived.Packet.NetworkTtl);

        var back = Assert.Single(lab.Send("world", LabPackets.ReplyTo(arrived.Packet)));
        Assert.Equal("vm", back.Port);
        Assert.Equal(0x0a000005u, back.Packet.Ipv4Destination);
        Assert.Equal(Port("vm").Mac, back.Packet.EthernetDestination);
    }

    [Fact]
    public void Only_the_gateway_answers_for_the_outer_address()
    {
        var lab = Lab();
        foreach (var address in (uint[])[0xc0000201, 0xc0000232])
        {
            var answer = Assert.Single(lab.Send(
                "world", LabPackets.Arp(Port("world"), IpPrefix.V4(address))));
            Assert.Equal("world", answer.Port);
            Assert.Equal(OuterMac, answer.Packet.ArpSource);
        }
    }

    [Theory]
    [InlineData("host1", true)]
    [InlineData("host2", false)]
    public void Who_asks_from_outside_is_answered_for_the_port_s_own_translated_address(
        string host, bool isSilent)
    {
        // The switch answers its workloads; what comes in by a localnet port the router answers.
        const int input = 11;
        var first = Lab().Hosts[host].Compiler.Flows.All
            .Where(flow => flow.Identity.Table == input && OfMatchText
                .Format(flow.Identity.Match).Contains("arp_tpa=192.0.2.1,arp_op=1"))
            .MaxBy(flow => flow.Identity.Priority)!;
        Assert.Equal(isSilent, OfActionText.Format(first.Actions) is "drop");
    }

    [Fact]
    public void The_gateway_s_own_host_is_served_without_a_tunnel()
    {
        var lab = Lab();
        var arrived = Assert.Single(lab.Send(
            "vm", LabPackets.Ping(Port("vm"), InnerMac, Port("gatekeeper").Ips[0])));
        Assert.Equal("gatekeeper", arrived.Port);
        Assert.Equal(0xc0000201u, arrived.Packet.Ipv4Source);
        Assert.Equal("vm", Assert.Single(
            lab.Send("gatekeeper", LabPackets.ReplyTo(arrived.Packet))).Port);
    }

    [Fact]
    public void A_floating_address_leads_in_by_the_gateway()
    {
        var lab = Lab();
        var arrived = Assert.Single(lab.Send(
            "world", LabPackets.Tcp(Port("world"), OuterMac, IpPrefix.V4(0xc0000232), 999, 22)));
        Assert.Equal("vm2", arrived.Port);
        Assert.Equal(0x0a000006u, arrived.Packet.Ipv4Destination);
        var back = Assert.Single(lab.Send("vm2", LabPackets.ReplyTo(arrived.Packet)));
        Assert.Equal("world", back.Port);
        Assert.Equal(0xc0000232u, back.Packet.Ipv4Source);
    }

    [Fact]
    public void A_distributed_floating_address_never_leaves_the_host_of_its_port()
    {
        var lab = Lab(isFloatingDistributed: true);
        var mac = MacBytes.FromUInt64(0x02_0000_0009_50);
        var answer = Assert.Single(lab.Send(
            "world", LabPackets.Arp(Port("world"), IpPrefix.V4(0xc0000232))));
        Assert.Equal(mac, answer.Packet.ArpSource);

        var arrived = Assert.Single(lab.Send(
            "world", LabPackets.Tcp(Port("world"), mac, IpPrefix.V4(0xc0000232), 999, 22)));
        Assert.Equal("vm2", arrived.Port);
        var back = Assert.Single(lab.Send("vm2", LabPackets.ReplyTo(arrived.Packet)));
        Assert.Equal("world", back.Port);
        Assert.Equal(mac, back.Packet.EthernetSource);
        Assert.Equal(0, lab.TunnelCount);
    }

    [Fact]
    public void Unclaimed_packets_to_a_translated_address_are_dropped()
    {
        var lab = Lab();
        Assert.Empty(lab.Send(
            "world", LabPackets.Tcp(Port("world"), OuterMac, IpPrefix.V4(0xc0000201), 999, 22)));
    }

    [Fact]
    public void A_gateway_router_translates_where_it_lives()
    {
        var database = LogicalLab.NorthboundOf(Document);
        var router = database.Table("Logical_Router").First!;
        database = LogicalLab.Apply(database, [Operation.UpdateRow(
            "Logical_Router", router.Uuid, new ColumnValue("options", Datum.Map(
                new Dictionary<string, string> { ["chassis"] = "host1" })))]);
        var lab = new LogicalLab(database, ("host1", ["vm", "world"]));
        var arrived = Assert.Single(lab.Send(
            "vm", LabPackets.Tcp(Port("vm"), InnerMac, Port("world").Ips[0], 1234, 80)));
        Assert.Equal(0xc0000201u, arrived.Packet.Ipv4Source);
        Assert.Equal("vm", Assert.Single(
            lab.Send("world", LabPackets.ReplyTo(arrived.Packet))).Port);
    }

    private static NetworkPort Port(string name) =>
        Document.Ports.Single(port => port.Name == name);
}
