using Fabric.Logical;
using Fabric.Wire;

namespace Fabric.Tests.Logical;

public sealed class BalancerTests
{
    private const string Text = """
        network: lb
        switches:
          s:
            ports:
              client: { host: 1, mac: "02:00:00:00:00:01", ip: 10.0.0.1 }
              one: { host: 1, mac: "02:00:00:00:00:0a", ip: 10.0.0.10 }
              two: { host: 2, mac: "02:00:00:00:00:0b", ip: 10.0.0.11 }
          front: {}
        routers:
          r:
            ports:
              r-s: { switch: s, mac: "02:00:00:00:00:fe", networks: [10.0.0.254/24] }
        load_balancers:
          web:
            protocol: tcp
            vips:
              "172.16.0.1:80": "10.0.0.10:8080,10.0.0.11:8080"
              "172.16.0.2:80": "10.0.0.11:81"
              "172.16.0.3:80": ""
            switches: [s]
        """;

    private static readonly NetworkDocument Document = NetworkDocument.Parse(Text, "lb.yaml");
    private static readonly MacBytes Router = MacBytes.FromUInt64(0x02_0000_0000_fe);

    [Fact]
    public void A_virtual_address_leads_to_its_backend_and_answers_come_from_it()
    {
        var lab = LogicalLab.Of(Document);
        var vip = IpPrefix.V4(0xac100002);
        var arrived = Assert.Single(lab.Send(
            "client", LabPackets.Tcp(Port("client"), Router, vip, 1000, 80)));
        Assert.Equal("two", arrived.Port);
        Assert.Equal(81, arrived.Packet.PortDestination);
        var back = Assert.Single(lab.Send("two", LabPackets.ReplyTo(arrived.Packet)));
        Assert.Equal("client", back.Port);
        Assert.Equal((uint)vip.Address, back.Packet.Ipv4Source);
        Assert.Equal(80, back.Packet.PortSource);
    }

    [Fact]
    public void Several_backends_are_a_select_group()
    {
        var lab = LogicalLab.Of(Document);
        var group = Assert.Single(lab.Hosts["host1"].Compiler.Flows.Groups);
        Assert.Equal(2, group.Buckets.Count);
        Assert.Equal("dp_hash", group.Selection.Method);
        var arrived = Assert.Single(lab.Send(
            "client", LabPackets.Tcp(Port("client"), Router, IpPrefix.V4(0xac100001), 1000, 80)));
        Assert.Contains(arrived.Port, (string[])["one", "two"]);
        Assert.Equal(8080, arrived.Packet.PortDestination);
    }

    [Fact]
    public void A_virtual_address_without_backends_is_silent()
    {
        var lab = LogicalLab.Of(Document);
        Assert.Empty(lab.Send(
            "client", LabPackets.Tcp(Port("client"), Router, IpPrefix.V4(0xac100003), 1000, 80)));
    }

    private static NetworkPort Port(string name) =>
        Document.Ports.Single(port => port.Name == name);
}
