using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <remarks>
/// Goal: the example network does what its comments say, for packets between all pairs.
/// Method: three hosts compile it; each packet is translated table by table on every host that it
/// passes, with connection tracking and the tunnel's option between them.
/// </remarks>
public sealed class ThreeTierTests
{
    private static readonly NetworkDocument Document = ExampleNetworks.Read("three-tier.yaml");

    public static TheoryData<string, string> Pairs()
    {
        var pairs = new TheoryData<string, string>();
        foreach (var from in Document.Ports)
        {
            foreach (var to in Document.Ports)
            {
                if (from != to) pairs.Add(from.Name, to.Name);
            }
        }

        return pairs;
    }

    [Theory, MemberData(nameof(Pairs))]
    public void A_pair_pings_exactly_when_it_may(string from, string to)
    {
        var lab = LogicalLab.Of(Document);
        var deliveries = lab.Send(from, LabPackets.Ping(Port(from), NextHop(from, to), Ip(to)));
        if (!MayPing(from, to))
        {
            Assert.Empty(deliveries);
            return;
        }

        var arrived = Assert.Single(deliveries);
        Assert.Equal(to, arrived.Port);
        Assert.Equal(Port(to).Mac, arrived.Packet.EthernetDestination);
        Assert.Equal(SameSwitch(from, to) ? 64 : 63, arrived.Packet.NetworkTtl);
        var back = Assert.Single(lab.Send(to, LabPackets.ReplyTo(arrived.Packet)));
        Assert.Equal(from, back.Port);
    }

    [Theory, MemberData(nameof(Pairs))]
    public void Tcp_passes_to_the_one_port_that_is_allowed(string from, string to)
    {
        foreach (var port in (ushort[])[22, 8080, 5432])
        {
            var lab = LogicalLab.Of(Document);
            var syn = LabPackets.Tcp(Port(from), NextHop(from, to), Ip(to), 40000, port);
            var deliveries = lab.Send(from, syn);
            var isAllowed =
                (Tier(from), Tier(to), port) is ("web", "app", 8080) or ("app", "db", 5432);
            if (!isAllowed)
            {
                Assert.Empty(deliveries);
                continue;
            }

            var arrived = Assert.Single(deliveries);
            Assert.Equal(to, arrived.Port);
            var back = Assert.Single(lab.Send(to, LabPackets.ReplyTo(arrived.Packet)));
            Assert.Equal(from, back.Port);
            Assert.Equal(to, Assert.Single(lab.Send(from, syn)).Port);
        }
    }

    [Theory, MemberData(nameof(Pairs))]
    public void An_address_on_the_own_switch_is_answered_by_arp(string from, string to)
    {
        if (!SameSwitch(from, to)) return;
        var lab = LogicalLab.Of(Document);
        var answer = Assert.Single(lab.Send(from, LabPackets.Arp(Port(from), Ip(to))));
        Assert.Equal(from, answer.Port);
        Assert.Equal(2, answer.Packet.NetworkProtocol);
        Assert.Equal(Port(to).Mac, answer.Packet.ArpSource);
        Assert.Equal((uint)Ip(to).Address, answer.Packet.Ipv4Source);
    }

    [Fact]
    public void The_router_answers_arp_and_ping_at_every_workload()
    {
        var lab = LogicalLab.Of(Document);
        foreach (var port in Document.Ports)
        {
            var router = Gateway(port.Name);
            var arp = Assert.Single(lab.Send(
                port.Name, LabPackets.Arp(port, router.Networks[0].Host)));
            Assert.Equal(port.Name, arp.Port);
            Assert.Equal(router.Mac, arp.Packet.ArpSource);

            var echo = Assert.Single(lab.Send(
                port.Name, LabPackets.Ping(port, router.Mac, router.Networks[0].Host)));
            Assert.Equal(port.Name, echo.Port);
            Assert.Equal(0, echo.Packet.PortSource);
            Assert.Equal((uint)router.Networks[0].Address, echo.Packet.Ipv4Source);
        }
    }

    [Fact]
    public void A_workload_that_uses_another_address_is_not_heard()
    {
        var lab = LogicalLab.Of(Document);
        var forged = Port("web1") with { Ips = Port("web2").Ips };
        Assert.Empty(
            lab.Send("web1", LabPackets.Ping(forged, NextHop("web1", "app1"), Ip("app1"))));
        var disguised = Port("web1") with { Mac = Port("web2").Mac };
        Assert.Empty(lab.Send(
            "web1", LabPackets.Ping(disguised, NextHop("web1", "app1"), Ip("app1"))));
        Assert.Empty(lab.Send("web1", LabPackets.Arp(forged, Ip("web2"))));
    }

    [Fact]
    public void A_rule_taken_away_stops_an_established_connection()
    {
        var lab = LogicalLab.Of(Document);
        var syn = LabPackets.Tcp(Port("web1"), NextHop("web1", "app2"), Ip("app2"), 40000, 8080);
        var arrived = Assert.Single(lab.Send("web1", syn));
        Assert.Single(lab.Send("app2", LabPackets.ReplyTo(arrived.Packet)));
        Assert.Single(lab.Send("web1", syn));

        var rule =
            lab.Database.Table("ACL").Rows.Single(row => row.GetString("name") == "web-to-app");
        var owner = lab.Database.Table("Port_Group").Rows
            .Single(row => row.GetReferences("acls").Contains(rule.Uuid));
        lab.Change(Operation.MutateRow(
            "Port_Group", owner.Uuid,
            new Mutation("acls", Mutator.Delete, Datum.References([rule.Uuid]))));
        Assert.Empty(lab.Send("web1", syn));
        Assert.Empty(lab.Send("app2", LabPackets.ReplyTo(arrived.Packet)));
    }

    [Fact]
    public void A_changed_rule_compiles_one_block_per_host_that_has_its_switch()
    {
        var lab = LogicalLab.Of(Document);
        var rule =
            lab.Database.Table("ACL").Rows.Single(row => row.GetString("name") == "web-to-app");
        lab.Change(Operation.UpdateRow("ACL", rule.Uuid, new ColumnValue("priority", 1001)));
        foreach (var host in lab.Hosts.Values)
        {
            // The lab compiles with no zones first and with zones then, as a host that starts.
            Assert.True(host.Last!.CompiledBlockCount < 40);
        }
    }

    private static NetworkPort Port(string name) =>
        Document.Ports.Single(port => port.Name == name);

    private static IpPrefix Ip(string name) => Port(name).Ips[0];

    private static string Tier(string name) => name[..^1];

    private static NetworkSwitch SwitchOf(string name) =>
        Document.Switches.Single(owner => owner.Ports.Any(port => port.Name == name));

    private static bool SameSwitch(string from, string to) => SwitchOf(from) == SwitchOf(to);

    private static NetworkRouterPort Gateway(string name) =>
        Document.Routers[0].Ports.Single(port => port.Switch == SwitchOf(name).Name);

    private static MacBytes NextHop(string from, string to) =>
        SameSwitch(from, to) ? Port(to).Mac!.Value : Gateway(from).Mac;

    private static bool MayPing(string from, string to) => (Tier(from), Tier(to))
        is ("web", "app") or ("app", "web") or ("app", "db") or ("db", "app");
}
