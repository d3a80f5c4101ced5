using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <remarks>
/// Two workloads of one switch on two hosts; ACLs of the switch are given by each test.
/// </remarks>
public sealed class AclTests
{
    private const string Network = """
        network: acl
        switches:
          s:
            ports:
              a: { host: 1, mac: "02:00:00:00:00:0a", ip: 10.0.0.10 }
              b: { host: 2, mac: "02:00:00:00:00:0b", ip: 10.0.0.11 }
        address_sets:
          many: [10.0.0.10, 10.0.0.12, 10.0.0.13, 10.0.0.14, 10.0.0.15, 10.0.0.16]
        acls:

        """;

    private const string SilenceB =
        "direction: from-lport, priority: 10, action: drop, match: 'inport == \"b\" && ip4'";

    private static LogicalLab Lab(params string[] acls)
    {
        var lines = acls.Select(acl => $"  - {{ switch: s, {acl} }}\n");
        return LogicalLab.Of(NetworkDocument.Parse(Network + string.Concat(lines), "acl.yaml"));
    }

    private static FlowKey Tcp(ushort port, string from = "a", string to = "b") => LabPackets.Tcp(
        Port(from), Port(to).Mac!.Value, Port(to).Ips[0], 4000, port);

    private static NetworkPort Port(string name)
    {
        var number = (uint)(name == "a" ? 10 : 11);
        return new NetworkPort(
            name, "", MacBytes.FromUInt64(0x02_0000_0000_00ul | number),
            [IpPrefix.V4(0x0a000000 | number)], false, false, null,
            ImmutableSortedDictionary<string, string>.Empty, default);
    }

    [Fact]
    public void Without_rules_everything_passes_untracked()
    {
        var lab = Lab();
        Assert.Equal("b", Assert.Single(lab.Send("a", Tcp(80))).Port);
    }

    [Theory]
    [InlineData("from-lport", "inport == \\\"a\\\" && tcp.dst == 80")]
    [InlineData("to-lport", "outport == \\\"b\\\" && tcp.dst == 80")]
    public void A_drop_stands_at_sender_or_receiver(string direction, string match)
    {
        var lab = Lab($"direction: {direction}, priority: 5, action: drop, match: \"{match}\"");
        Assert.Empty(lab.Send("a", Tcp(80)));
        Assert.Single(lab.Send("a", Tcp(81)));
        Assert.Equal(direction == "from-lport" ? 0 : 1, lab.TunnelCount - 1);
    }

    [Fact]
    public void The_higher_priority_wins()
    {
        var lab = Lab(
            "priority: 10, action: allow-related, match: tcp.dst == 80",
            "priority: 9, action: drop, match: ip4");
        Assert.Single(lab.Send("a", Tcp(80)));
        Assert.Empty(lab.Send("a", Tcp(81)));
    }

    [Fact]
    public void Replies_pass_where_new_connections_do_not()
    {
        var lab = Lab(
            SilenceB,
            "priority: 10, action: allow-related, match: tcp.dst == 80");
        Assert.Empty(lab.Send("b", Tcp(80, "b", "a")));
        var arrived = Assert.Single(lab.Send("a", Tcp(80)));
        Assert.Equal("a", Assert.Single(lab.Send("b", LabPackets.ReplyTo(arrived.Packet))).Port);
    }

    [Fact]
    public void Stateless_rules_do_not_know_replies()
    {
        var lab = Lab(
            SilenceB,
            "priority: 10, action: allow-stateless, match: tcp.dst == 80",
            "direction: from-lport, priority: 10, action: allow-stateless, match: tcp.dst == 80");
        var arrived = Assert.Single(lab.Send("a", Tcp(80)));
        Assert.Empty(lab.Send("b", LabPackets.ReplyTo(arrived.Packet)));
    }

    [Fact]
    public void A_tier_is_asked_only_when_the_one_before_said_nothing()
    {
        var lab = Lab(
            "tier: 0, priority: 1, action: allow-related, match: tcp.dst == 80",
            "tier: 0, priority: 2, action: pass, match: tcp.dst == 81",
            "tier: 1, priority: 30000, action: drop, match: \"tcp.dst == {80, 82}\"",
            "tier: 2, priority: 1, action: drop, match: tcp.dst == 81");
        Assert.Single(lab.Send("a", Tcp(80)));
        Assert.Empty(lab.Send("a", Tcp(82)));
        Assert.Empty(lab.Send("a", Tcp(81)));
        Assert.Single(lab.Send("a", Tcp(83)));
    }

    [Fact]
    public void A_refusal_is_handed_to_the_control_plane_at_the_receiver()
    {
        var lab = Lab("priority: 5, action: reject, match: tcp.dst == 80");
        Assert.Empty(lab.Send("a", Tcp(80)));
        Assert.Single(lab.Hosts["host2"].Punts);
        Assert.Empty(lab.Hosts["host1"].Punts);
    }

    [Fact]
    public void Default_drop_lets_pass_only_what_a_rule_allows()
    {
        var lab = Lab(
            "priority: 5, action: allow-related, match: tcp.dst == 80",
            "direction: from-lport, priority: 5, action: allow-related, match: tcp");
        var global = lab.Database.Table("NB_Global").First!;
        lab.Change(Operation.UpdateRow(
            "NB_Global", global.Uuid, new ColumnValue("options", Datum.Map(
                new Dictionary<string, string> { ["default_acl_drop"] = "true" }))));
        var arrived = Assert.Single(lab.Send("a", Tcp(80)));
        Assert.Single(lab.Send("b", LabPackets.ReplyTo(arrived.Packet)));
        Assert.Empty(lab.Send("a", Tcp(81)));
    }

    [Fact]
    public void A_set_times_a_set_is_a_conjunctive_match()
    {
        var lab = Lab(
            "priority: 9, action: drop, match: \"ip4.src == $many && tcp.dst == {1, 2, 3, 4, 5}\"");
        Assert.Empty(lab.Send("a", Tcp(3)));
        Assert.Single(lab.Send("a", Tcp(6)));
        Assert.Single(lab.Send("b", Tcp(3, "b", "a")));

        var set = lab.Database.Table("Address_Set").First!;
        lab.Change(Operation.MutateRow(
            "Address_Set", set.Uuid,
            new Mutation("addresses", Mutator.Insert, Datum.Strings(["10.0.0.11"]))));
        Assert.Empty(lab.Send("b", Tcp(3, "b", "a")));
    }

    [Fact]
    public void Two_rules_of_one_priority_share_the_parts_of_their_conjunctions()
    {
        var lab = Lab(
            "priority: 9, action: drop, match: \"ip4.src == $many && tcp.dst == {1, 2, 3, 4, 5}\"",
            "priority: 9, action: drop, match: \"ip4.src == $many && udp.dst == {1, 2, 3, 4, 5}\"");
        Assert.Empty(lab.Send("a", Tcp(3)));
        var datagram = LabPackets.Ip(
            Port("a"), Port("b").Mac!.Value, Port("b").Ips[0], 17, 4000, 4);
        Assert.Empty(lab.Send("a", datagram));
        datagram.PortDestination = 6;
        Assert.Single(lab.Send("a", datagram));
    }
}
