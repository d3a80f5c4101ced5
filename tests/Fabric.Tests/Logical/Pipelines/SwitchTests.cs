using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

public sealed class SwitchTests
{
    private const string Text = """
        network: sw
        switches:
          s:
            ports:
              a: { host: 1, mac: "02:00:00:00:00:0a", ip: 10.0.0.10 }
              b: { host: 2, mac: "02:00:00:00:00:0b", ip: 10.0.0.11 }
              wild1: { host: 1, unknown: true }
              wild2: { host: 2, unknown: true }
        routers:
          r:
            ports:
              r-s: { switch: s, mac: "02:00:00:00:00:01", networks: [10.0.0.1/24] }
        """;

    private static readonly NetworkDocument Document = NetworkDocument.Parse(Text, "sw.yaml");

    private static NetworkPort Stranger(byte number) => Port("a") with
    {
        Mac = MacBytes.FromUInt64(0x02_0000_0000_f0u | number),
        Ips = [IpPrefix.V4(0x0a0000f0u | number)],
    };

    private static NetworkPort Port(string name) =>
        Document.Ports.Single(port => port.Name == name);

    [Fact]
    public void An_unknown_destination_reaches_all_ports_that_take_unknown()
    {
        var lab = LogicalLab.Of(Document);
        var packet = LabPackets.Ping(Port("a"), Stranger(1).Mac!.Value, IpPrefix.V4(0x0a0000f1));
        Assert.Equal(["wild1", "wild2"], lab.Send("a", packet).Select(d => d.Port).Order());
    }

    [Fact]
    public void A_broadcast_reaches_every_other_port_once()
    {
        var lab = LogicalLab.Of(Document);
        var deliveries = lab.Send("a", LabPackets.Arp(Port("a"), IpPrefix.V4(0x0a000063)));
        Assert.Equal(["b", "wild1", "wild2"], deliveries.Select(d => d.Port).Order());
        Assert.Equal(1, lab.TunnelCount);
    }

    [Fact]
    public void A_learnt_address_is_found_again_on_both_hosts()
    {
        var lab = LogicalLab.Of(Document);
        lab.Send("wild2", LabPackets.Ping(Stranger(2), Port("a").Mac!.Value, Port("a").Ips[0]));
        var packet = LabPackets.Ping(Port("a"), Stranger(2).Mac!.Value, Stranger(2).Ips[0]);
        Assert.Equal("wild2", Assert.Single(lab.Send("a", packet)).Port);
        packet = LabPackets.Ping(Port("b"), Stranger(2).Mac!.Value, Stranger(2).Ips[0]);
        Assert.Equal("wild2", Assert.Single(lab.Send("b", packet)).Port);
    }

    [Fact]
    public void Tagged_frames_and_group_sources_are_not_let_in()
    {
        var lab = LogicalLab.Of(Document);
        var tagged = LabPackets.Ping(Port("a"), Port("b").Mac!.Value, Port("b").Ips[0]);
        tagged.VlanTci0 = 0x1005;
        Assert.Empty(lab.Send("a", tagged));
        var group = LabPackets.Ping(
            Port("a") with { Mac = MacBytes.FromUInt64(0x01_0000_0000_0a) }, Port("b").Mac!.Value,
            Port("b").Ips[0]);
        Assert.Empty(lab.Send("a", group));
    }

    [Fact]
    public void A_packet_for_the_sender_itself_is_not_sent_back()
    {
        var lab = LogicalLab.Of(Document);
        Assert.Empty(lab.Send(
            "a", LabPackets.Ping(Port("a"), Port("a").Mac!.Value, Port("a").Ips[0])));
    }

    [Fact]
    public void Only_hosts_with_a_port_compile_the_switch()
    {
        var database = LogicalLab.NorthboundOf(Document);
        var lab = new LogicalLab(database, ("host1", ["a"]), ("host9", []));
        Assert.Equal(2, lab.Hosts["host1"].Last!.LocalDatapathCount);
        Assert.Equal(0, lab.Hosts["host9"].Last!.LocalDatapathCount);
    }

    [Fact]
    public void A_nested_port_is_its_parent_s_tagged_frames()
    {
        var database = LogicalLab.NorthboundOf(Document);
        var owner = database.Table("Logical_Switch").First!;
        var child = Guid.NewGuid();
        database = LogicalLab.Apply(database,
        [
            new Operation.Insert(
                "Logical_Switch_Port",
                [
                    new("name", "box"), new("parent_name", "a"), new("tag", 7),
                    new("addresses", Datum.Strings(["02:00:00:00:00:0c 10.0.0.12"])),
                ],
                child),
            Operation.MutateRow(
                "Logical_Switch", owner.Uuid,
                new Mutation("ports", Mutator.Insert, Datum.References([child]))),
        ]);
        var lab = new LogicalLab(database, ("host1", ["a"]), ("host2", ["b"]));
        var box = Port("a") with
        {
            Mac = MacBytes.FromUInt64(0x02_0000_0000_0c),
            Ips = [IpPrefix.V4(0x0a00000c)],
        };
        var packet = LabPackets.Ping(box, Port("b").Mac!.Value, Port("b").Ips[0]);
        (packet.VlanTci0, packet.VlanTpid0Wire) = (0x1007, 0x0081);
        var arrived = Assert.Single(lab.Send("a", packet));
        Assert.Equal("b", arrived.Port);
        Assert.Equal(0, arrived.Packet.VlanTci0);
    }
}
