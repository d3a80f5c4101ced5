using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.Ovsdb;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

public sealed class MulticastTests
{
    private static readonly IpPrefix Group = IpPrefix.V4(0xef010203);
    private static readonly IpPrefix LinkGroup = IpPrefix.V4(0xe00000fb);

    private static LogicalLab Snooping(params (string, string)[] more)
    {
        var lab = Lab();
        lab.Change(Operation.UpdateRow(
            "Logical_Switch", Find(lab, "Logical_Switch", "s").Uuid,
            new ColumnValue("other_config", Map([("mcast_snoop", "true"), .. more]))));
        return lab;
    }

    private static Sightings Members(params string[] ports) => Sightings.None with
    {
        Groups = ports.ToImmutableSortedDictionary(
            port => port, _ => ImmutableSortedSet.Create(
                Comparer<IpPrefix>.Create((one, two) => one.Address.CompareTo(two.Address)),
                Group)),
    };

    private static FlowKey To(IpPrefix group)
    {
        var key = LabPackets.Ip(Port("a"), Sightings.MacOf(group), group, 17, 4000, 5000);
        return key;
    }

    private static string[] PortsOf(LogicalLab lab, IpPrefix group) =>
        [.. lab.Send("a", To(group)).Select(each => each.Port).Order()];

    [Fact]
    public void Without_snooping_multicast_goes_to_all() =>
        Assert.Equal(["b", "c"], PortsOf(Lab(), Group));

    [Fact]
    public void Where_it_snoops_nobody_gets_what_nobody_asked_for()
    {
        Assert.Empty(PortsOf(Snooping(), Group));
        Assert.Equal(["b", "c"], PortsOf(Snooping(("mcast_flood_unregistered", "true")), Group));
    }

    [Fact]
    public void Members_get_it_wherever_they_are_and_once()
    {
        var lab = Snooping();
        lab.See(Members("c"));
        Assert.Equal(["c"], PortsOf(lab, Group));
        lab.See(Members("a", "b", "c"));
        Assert.Equal(["b", "c"], PortsOf(lab, Group));
        lab.See(Sightings.None);
        Assert.Empty(PortsOf(lab, Group));
    }

    [Fact]
    public void Groups_of_the_link_go_to_all() =>
        Assert.Equal(["b", "c"], PortsOf(Snooping(), LinkGroup));

    [Fact]
    public void A_port_with_mcast_flood_gets_everything()
    {
        var lab = Snooping();
        lab.Change(Operation.UpdateRow(
            "Logical_Switch_Port", Find(lab, "Logical_Switch_Port", "b").Uuid,
            new ColumnValue("options", Map(("mcast_flood", "true")))));
        Assert.Equal(["b"], PortsOf(lab, Group));
    }

    [Fact]
    public void A_router_that_relays_forwards_to_members_behind_its_other_ports()
    {
        var lab = Snooping();
        lab.Change(
        [
            Operation.UpdateRow(
                "Logical_Switch", Find(lab, "Logical_Switch", "t").Uuid,
                new ColumnValue("other_config", Map(("mcast_snoop", "true")))),
            Operation.UpdateRow(
                "Logical_Router", Find(lab, "Logical_Router", "r").Uuid,
                new ColumnValue("options", Map(("mcast_relay", "true")))),
        ]);
        Assert.Empty(PortsOf(lab, Group));
        lab.See(Members("c", "far"));
        Assert.Equal(["c", "far"], PortsOf(lab, Group));
        var far = lab.Send("a", To(Group)).Single(each => each.Port == "far").Packet;
        Assert.Equal(To(Group).NetworkTtl - 1, far.NetworkTtl);
        Assert.Equal("02:00:00:00:01:fe", $"{far.EthernetSource}");
        Assert.Equal(["c"], [.. lab.Send("a", To(Group) with { NetworkTtl = 1 })
            .Select(each => each.Port)]);
        lab.See(Members("far"));
        Assert.Equal(["far"], PortsOf(lab, Group));
    }

    [Fact]
    public void Reports_are_handed_to_the_control_plane_and_to_nobody_else()
    {
        var lab = Snooping();
        var report = To(Group) with { NetworkProtocol = IpProtocol.Igmp, PortSource = 0x16 };
        Assert.Empty(lab.Send("a", report));
        Assert.Equal([ControllerOpcode.Membership], lab.Hosts["host1"].Asked);
    }

    [Theory]
    [InlineData(0x16, true)]
    [InlineData(0x17, false)]
    public void Reports_join_and_leaves_leave(byte type, bool isMember)
    {
        byte[] igmp = [type, 0, 0, 0, 239, 1, 2, 3];
        var outcome = Punted(IgmpPacket(igmp), ControllerAction.Membership());
        var heard = Assert.IsType<GroupsHeard>(outcome.News);
        Assert.Equal((9u, 7u), (heard.Datapath, heard.Port));
        Assert.Equal((Group, isMember), Assert.Single(heard.Groups));
        Assert.Single(outcome.Packets);
    }

    [Fact]
    public void Each_record_of_a_version_3_report_counts()
    {
        byte[] igmp =
        [
            0x22, 0, 0, 0, 0, 0, 0, 2,
            4, 0, 0, 0, 239, 1, 2, 3, // Now excludes nothing: a member.
            3, 0, 0, 0, 239, 1, 2, 4, // Now includes nothing: none any more.
        ];
        var heard = Assert.IsType<GroupsHeard>(
            Punted(IgmpPacket(igmp), ControllerAction.Membership()).News);
        Assert.Equal([true, false], heard.Groups.Select(each => each.IsMember));
    }

    [Fact]
    public void What_is_cut_is_forgotten() => Assert.Same(
        PuntOutcome.Nothing,
        Punted(IgmpPacket([0x22, 0, 0, 0, 0, 0, 0, 9]), ControllerAction.Membership()));

    [Fact]
    public void Queries_are_what_listeners_understand()
    {
        IpPrefix.TryParse("fe80::1", out var source6);
        var querier = new MulticastQuerier(
            Port("a").Mac!.Value, IpPrefix.V4(0x0a0000fe), source6, TimeSpan.FromSeconds(60),
            TimeSpan.FromSeconds(10));
        var queries = MulticastQuery.Of(querier).ToList();
        Assert.Equal(2, queries.Count);
        Assert.True(MulticastMembership.TryParseIgmp(queries[0].AsSpan(38), out var igmp, out _));
        Assert.Equal(
            (MembershipType.Query, 10_000), (igmp.Type, igmp.MaxResponseMilliseconds));
        var key = default(FlowKey);
        Assert.True(FlowKeyExtractor.TryExtract(queries[1], ref key, out var layout, out _));
        Assert.Equal((IpProtocol.Icmpv6, 130), (key.NetworkProtocol, key.PortSource));
        Assert.True(MulticastMembership.TryParseMld(
            queries[1].AsSpan(layout.TransportOffset), out var mld, out _));
        Assert.Equal(10_000, mld.MaxResponseMilliseconds);
    }

    private static byte[] IgmpPacket(byte[] igmp)
    {
        var checksum = InternetChecksum.ComputeWire(igmp);
        (igmp[2], igmp[3]) = ((byte)checksum, (byte)(checksum >> 8));
        var key = To(Group) with { NetworkProtocol = IpProtocol.Igmp };
        var headers = PacketBuilder.Compose(in key).AsSpan(0, 34).ToArray();
        byte[] packet = [.. headers, .. igmp];
        packet[17] = (byte)(20 + igmp.Length);
        packet[16] = 0;
        return packet;
    }
}
