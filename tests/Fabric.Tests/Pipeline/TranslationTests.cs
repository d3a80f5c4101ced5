using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Tests.Pipeline.PipelineWorld;

namespace Fabric.Tests.Pipeline;

public sealed class TranslationTests
{
    private static MatchBuilder Any => new();

    private static MatchBuilder Ip => new MatchBuilder().Set(MatchField.EthernetType, 0x0800);

    [Fact]
    public void A_miss_in_table_zero_drops()
    {
        var world = WithPorts(2);
        Assert.Equal("drop", world.Actions(Tcp));
    }

    [Fact]
    public void Output_commits_what_was_set_before()
    {
        var world = WithPorts(3);
        world.Add(0, 10, Any,
            new OfSetField(MatchField.EthernetDestination, 0x0a0a0a0a0a0a), new OfOutput(2),
            new OfSetField(MatchField.EthernetDestination, 0x0b0b0b0b0b0b), new OfOutput(3));
        Assert.Equal(
            "set(eth(dst=0a:0a:0a:0a:0a:0a)),2,set(eth(dst=0b:0b:0b:0b:0b:0b)),3",
            world.Actions(Tcp));
    }

    [Fact]
    public void Only_fields_that_decided_are_in_the_mask()
    {
        var world = WithPorts(2);
        world.Add(0, 10, Ip.SetMasked(MatchField.Ipv4Destination, 0x0a000000, 0xff000000),
            new OfOutput(2));
        Assert.Equal(
            "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),"
            + "ipv4(dst=10.0.0.0/255.0.0.0,frag=no)", world.Megaflow(Tcp));
    }

    [Fact]
    public void A_prefix_that_does_not_match_costs_only_the_bits_that_tell()
    {
        var world = WithPorts(2);
        world.Add(0, 10, Ip.Set(MatchField.Ipv4Destination, 0xc0a80001UL), new OfOutput(2));
        world.Add(0, 1, Any, new OfOutput(2));
        Assert.Equal(
            "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),"
            + "ipv4(dst=0.0.0.0/128.0.0.0,frag=no)", world.Megaflow(Tcp));
    }

    [Fact]
    public void Registers_carry_values_between_tables()
    {
        var world = WithPorts(3);
        world.Add(0, 10, Any, new OfLoad(new Subfield(MatchField.Reg0, 4, 4), 7),
            new OfMove(new Subfield(MatchField.Reg0), new Subfield(MatchField.Reg1)),
            new OfResubmit(5));
        world.Add(5, 10, new MatchBuilder().Set(MatchField.Reg1, 0x70), new OfOutput(3));
        Assert.Equal("3", world.Actions(Tcp));
    }

    [Fact]
    public void A_chain_of_two_hundred_later_tables_is_not_too_deep()
    {
        var world = WithPorts(2);
        for (var i = 0; i < 200; i++) world.Add((byte)i, 1, Any, new OfResubmit((byte)(i + 1)));
        world.Add(200, 1, Any, new OfOutput(2));
        Assert.Equal("2", world.Actions(Tcp));
    }

    [Fact]
    public void A_loop_of_resubmits_ends_as_a_named_drop()
    {
        var world = WithPorts(2);
        world.Add(0, 1, Any, new OfOutput(2), new OfResubmit(0));
        world.Actions(Tcp);
        Assert.Equal(DropReason.TranslationDepth, world.Result.Error);
    }

    [Fact]
    public void A_fan_of_resubmits_ends_at_their_number()
    {
        var world = WithPorts(2);
        for (var i = 0; i < 14; i++)
        {
            var next = new OfResubmit((byte)(i + 1));
            world.Add((byte)i, 1, Any, next, next);
        }

        world.Actions(Tcp);
        Assert.Equal(DropReason.TranslationResubmits, world.Result.Error);
    }

    [Fact]
    public void Connection_tracking_forks_into_the_named_table()
    {
        var world = WithPorts(2);
        world.Add(0, 10, Ip, new OfLoad(new Subfield(MatchField.Reg13, 0, 16), 9),
            new OfConntrack(false, false, 3, 0, new Subfield(MatchField.Reg13, 0, 16), 0, null,
                ActionList.Empty));
        world.Add(3, 10, Ip.SetMasked(
                MatchField.ConntrackStateField, (UInt128)0x21, (UInt128)0x21),
            new OfConntrack(true, false, null, 0, new Subfield(MatchField.Reg13, 0, 16), 0, null,
                [new OfSetField(MatchField.ConntrackMark, 5)]),
            new OfOutput(2));
        Assert.Equal("ct(zone=9),recirc(0x1)", world.Actions(Tcp));
        Assert.Equal(
            "ct(commit,zone=9,mark=0x5/0xffffffff),2",
            world.Actions("recirc_id(1),ct_state(new|trk)," + Tcp));
        Assert.Equal("drop", world.Actions("recirc_id(1),ct_state(est|trk)," + Tcp));
    }

    [Fact]
    public void The_same_decision_keeps_its_recirculation_id()
    {
        var world = WithPorts(2);
        world.Add(0, 10, Ip, new OfConntrack(false, false, 3, 1, null, 0, null, ActionList.Empty));
        Assert.Equal("ct(zone=1),recirc(0x1)", world.Actions(Tcp));
        Assert.Equal("ct(zone=1),recirc(0x1)", world.Actions(Tcp));
        Assert.Equal(1, world.Recirculation.Count);
    }

    [Fact]
    public void An_unknown_recirculation_id_is_a_named_drop()
    {
        var world = WithPorts(2);
        world.Actions("recirc_id(77)," + Tcp);
        Assert.Equal(DropReason.RecirculationUnknown, world.Result.Error);
    }

    [Fact]
    public void A_tunnel_port_gets_the_outer_header_of_the_flow()
    {
        var world = WithPorts(1);
        world.AddPort("br0", "ovn-abc-0", 7, 2, tunnel: GeneveTo("192.0.2.2"));
        world.Br0.ChangeTlvTable(
            new OfTlvTableMod(TlvTableCommand.Add, [new TlvMapping(0x102, 0x80, 4, 0)]), 0);
        world.Add(0, 10, Ip, new OfSetField(MatchField.TunnelId, 0x1234),
            new OfSetField(MatchField.TunnelMetadata(0), 0x00030005), new OfOutput(7));
        Assert.Equal(
            "set(tunnel(tun_id=0x1234,dst=192.0.2.2,ttl=64,tp_dst=6081,"
            + "geneve({class=0x102,type=0x80,len=4,0x30005}),flags(df|csum|key))),2",
            world.Actions(Tcp));
    }

    [Fact]
    public void A_tunnel_packet_comes_in_on_the_port_of_its_sender()
    {
        var world = WithPorts(1);
        world.AddPort("br0", "ovn-abc-0", 7, 2, tunnel: GeneveTo("192.0.2.2"));
        world.Br0.ChangeTlvTable(
            new OfTlvTableMod(TlvTableCommand.Add, [new TlvMapping(0x102, 0x80, 4, 0)]), 0);
        world.Add(0, 10,
            new MatchBuilder().Set(MatchField.InPortOxm, 7).Set(MatchField.TunnelId, 0x1234),
            new OfMove(new Subfield(MatchField.TunnelMetadata(0), 0, 16),
                new Subfield(MatchField.Reg15, 0, 16)), new OfResubmit(1));
        world.Add(1, 10, new MatchBuilder().Set(MatchField.Reg15, 5), new OfOutput(1));
        const string Tunnel = "tunnel(tun_id=0x1234,src=192.0.2.2,dst=192.0.2.1,tos=0,ttl=64,"
            + "geneve({class=0x102,type=0x80,len=4,0x30005}),flags(df|csum|key)),";
        Assert.Equal("1", world.Actions(Tunnel + Tcp.Replace("in_port(1)", "in_port(2)")));
        Assert.Contains("0x5/0xffff", world.Megaflow(Tunnel
            + Tcp.Replace("in_port(1)", "in_port(2)")));
        world.Actions(Tunnel.Replace("192.0.2.2", "192.0.2.9")
            + Tcp.Replace("in_port(1)", "in_port(2)"));
        Assert.Equal(DropReason.TunnelUnknownPeer, world.Result.Error);
    }

    [Fact]
    public void Ttl_goes_down_and_an_expired_packet_ends()
    {
        var world = WithPorts(2);
        world.Add(0, 10, Ip, new OfDecrementTtl(), new OfOutput(2));
        Assert.Equal("set(ipv4(ttl=63)),2", world.Actions(Tcp));
        Assert.StartsWith("userspace(", world.Actions(Tcp.Replace("ttl=64", "ttl=1")));
    }

    [Fact]
    public void A_packet_never_leaves_where_it_came_in_unless_told()
    {
        var world = WithPorts(2);
        world.Add(0, 10, Any, new OfOutput(1), new OfOutput(OfPort.InPort));
        Assert.Equal("1", world.Actions(Tcp));
        world.Add(0, 11, Any, new OfLoad(new Subfield(MatchField.InPort), 0), new OfOutput(1));
        Assert.Equal("1", world.Actions(Tcp));
    }

    [Fact]
    public void Clone_leaves_the_original_as_it_was()
    {
        var world = WithPorts(3);
        world.Add(0, 10, Ip,
            new OfClone([new OfSetField(MatchField.Ipv4Destination, 0x01020304), new OfOutput(2)]),
            new OfOutput(3));
        Assert.Equal(
            "set(ipv4(dst=1.2.3.4)),2,set(ipv4(dst=10.0.0.2)),3", world.Actions(Tcp));
    }

    [Fact]
    public void The_stack_gives_back_what_it_took()
    {
        var world = WithPorts(3);
        world.Add(0, 10, Any, new OfLoad(new Subfield(MatchField.Reg0), 3),
            new OfStackPush(new Subfield(MatchField.Reg0)),
            new OfLoad(new Subfield(MatchField.Reg0), 1),
            new OfStackPop(new Subfield(MatchField.Reg5)),
            new OfOutputRegister(new Subfield(MatchField.Reg5)));
        Assert.Equal("3", world.Actions(Tcp));
    }

    [Fact]
    public void A_conjunction_matches_the_product_of_its_clauses()
    {
        var world = WithPorts(2);
        foreach (var address in new ulong[] { 0x0a000001, 0x0a000009 })
        {
            world.Add(0, 10, Ip.Set(MatchField.Ipv4Source, address), new OfConjunction(9, 0, 2));
        }

        world.Add(0, 10, Ip.Set(MatchField.Ipv4Destination, 0x0a000002UL),
            new OfConjunction(9, 1, 2));
        world.Add(0, 10, Ip.Set(MatchField.ConjunctionId, 9UL), new OfOutput(2));
        world.Add(0, 1, Any, new OfOutput(1));
        Assert.Equal("2", world.Actions(Tcp));
        Assert.Equal("drop", world.Actions(Tcp.Replace("src=10.0.0.1", "src=10.0.0.3")));
    }

    [Fact]
    public void A_patch_port_leads_through_the_next_bridge()
    {
        var world = WithPorts(1);
        world.AddPort("br0", "to-br1", 5, null, peer: "to-br0");
        world.AddPort("br1", "to-br0", 6, null, peer: "to-br1");
        world.AddPort("br1", "q1", 1, 9);
        world.Add(0, 10, Any, new OfLoad(new Subfield(MatchField.Reg0), 3), new OfOutput(5));
        world.Add("br1", 0, 10,
            new MatchBuilder().Set(MatchField.Reg0, 0).Set(MatchField.InPortOxm, 6),
            new OfSetField(MatchField.Ipv4Destination, 0x01020304), new OfOutput(1));
        Assert.Equal("9", world.Actions(Tcp.Replace("0x0800", "0x0800")).Split(',')[^1]);
    }

    [Fact]
    public void Vlans_are_pushed_and_popped_by_difference()
    {
        var world = WithPorts(3);
        world.Add(0, 10, Any, new OfPushVlan(), new OfSetField(MatchField.VlanVid, 0x1005),
            new OfOutput(2), new OfStripVlan(), new OfOutput(3));
        Assert.Equal("push_vlan(vid=5,pcp=0),2,pop_vlan,3", world.Actions(Tcp));
    }

    [Fact]
    public void A_select_group_hashes_in_the_datapath_and_comes_round()
    {
        var world = WithPorts(3);
        var group = new GroupMod(GroupModCommand.Add, OfGroupType.Select, 1,
            [new OfBucket(0, [new OfOutput(2)]), new OfBucket(1, [new OfOutput(3)])]);
        Assert.Empty(world.Br0.Apply([new PipelineChange(group)], true, 0).Refused);
        world.Add(0, 10, Ip, new OfGroup(1));
        Assert.Equal("hash(sym_l4(0)),recirc(0x1)", world.Actions(Tcp));
        var ports = Enumerable.Range(1, 16)
            .Select(hash => world.Actions($"recirc_id(1),dp_hash({hash})," + Tcp))
            .Distinct().Order().ToArray();
        Assert.Equal(["2", "3"], ports);
    }

    [Theory]
    [InlineData(FragmentHandling.Normal, "3")]
    [InlineData(FragmentHandling.Match, "2")]
    [InlineData(FragmentHandling.Drop, "drop")]
    public void Fragments_are_looked_up_as_the_bridge_is_told(
        FragmentHandling handling, string first)
    {
        var world = WithPorts(3);
        world.Br0.Fragments = handling;
        world.Add(0, 10, new MatchBuilder().Set(MatchField.EthernetType, 0x0800)
            .Set(MatchField.IpProtocol, 6).Set(MatchField.TcpDestination, 80), new OfOutput(2));
        world.Add(0, 5, Ip, new OfOutput(3));
        Assert.Equal("2", world.Actions(Tcp));
        Assert.Equal(first, world.Actions(
            Tcp.Replace("frag=no", "frag=first", StringComparison.Ordinal)));
    }

    [Fact]
    public void Learned_flows_forward_the_replies()
    {
        var world = WithPorts(3);
        world.Add(0, 10, new MatchBuilder().Set(MatchField.InPortOxm, 1),
            new OfLearn(0, 0, 50, 0, OfLearnFlags.None, 1, 0, 0,
            [
                new OfLearnSpec(OfLearnDestination.Match, 48,
                    new Subfield(MatchField.EthernetSource), 0,
                    new Subfield(MatchField.EthernetDestination)),
                new OfLearnSpec(OfLearnDestination.Output, 32,
                    new Subfield(MatchField.InPortOxm), 0, null),
            ]), new OfOutput(2));
        world.Add(0, 9, Any, new OfResubmit(1));
        Assert.Equal("2", world.Actions(Tcp));
        Assert.Equal("1", world.Actions(
            Tcp.Replace("in_port(1)", "in_port(2)").Replace(
                "src=50:54:00:00:00:01,dst=50:54:00:00:00:02",
                "src=50:54:00:00:00:02,dst=50:54:00:00:00:01")));
    }

    [Fact]
    public void Controllers_hear_of_packets_from_action_sets_and_groups_and_why()
    {
        var world = WithPorts(2);
        world.Br0.Apply(
            [new PipelineChange(new GroupMod(GroupModCommand.Add, OfGroupType.Indirect, 1,
                [new OfBucket(0, [new OfController(20)])])),
            new PipelineChange(new GroupMod(GroupModCommand.Add, OfGroupType.Indirect, 2,
                [new OfBucket(0, [new OfResubmit(5)])]))], true, 0);
        world.Add(5, 10, Any, new OfController(20, ControllerId: 1));
        world.Add(0, 10, Any, new OfController(20));
        Assert.Equal(PacketInReason.Action, ReasonOfPacketIn(world));
        world.Add(0, 10, Any, new OfGroup(1));
        Assert.Equal(PacketInReason.Group, ReasonOfPacketIn(world));
        world.Add(0, 10, Any, new OfGroup(2)); // What asks for more has its own reason.
        Assert.Equal(PacketInReason.Action, ReasonOfPacketIn(world));
        world.Add(0, 10, Any, new OfWriteActions([new OfOutput(2), new OfController(20)]));
        Assert.Equal(PacketInReason.ActionSet, ReasonOfPacketIn(world));
    }

    /// <summary>The reason of the packet-in that is the only action.</summary>
    private static PacketInReason ReasonOfPacketIn(PipelineWorld world)
    {
        world.Actions(Tcp);
        var sent = Assert.IsType<UserspaceAction>(Assert.Single(world.Result.Actions));
        Assert.True(PacketInCookie.TryParse(sent.Userdata.Data, out var cookie));
        return cookie.Reason;
    }
}
