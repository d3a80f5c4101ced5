using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Tests.Pipeline.PipelineWorld;

namespace Fabric.Tests.Pipeline;

public sealed class NormalTests
{
    private const string Forth =
        "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x1234)";

    private const string Back =
        "in_port(2),eth(src=50:54:00:00:00:02,dst=50:54:00:00:00:01),eth_type(0x1234)";

    private static PipelineWorld Normal(int ports)
    {
        var world = WithPorts(ports);
        world.Add(0, 0, new MatchBuilder(), new OfOutput(OfPort.Normal));
        return world;
    }

    [Fact]
    public void An_unknown_station_is_flooded_and_a_known_one_is_not()
    {
        var world = Normal(3);
        Assert.Equal("2,3", world.Actions(Forth));
        Assert.Equal("1", world.Actions(Back));
        Assert.Equal("2", world.Actions(Forth));
    }

    [Fact]
    public void Looking_without_effects_learns_nothing()
    {
        var world = Normal(3);
        world.Actions(Forth, hasEffects: false);
        Assert.Equal(0, world.Br0.Macs.Count);
    }

    [Fact]
    public void Access_ports_of_two_vlans_do_not_hear_each_other()
    {
        var world = new PipelineWorld();
        world.AddPort("br0", "a", 1, 1, mode: VlanMode.Access, vlan: 10);
        world.AddPort("br0", "b", 2, 2, mode: VlanMode.Access, vlan: 10);
        world.AddPort("br0", "c", 3, 3, mode: VlanMode.Access, vlan: 20);
        world.AddPort("br0", "trunk", 4, 4);
        world.Add(0, 0, new MatchBuilder(), new OfOutput(OfPort.Normal));
        Assert.Equal("2,push_vlan(vid=10,pcp=0),4", world.Actions(Forth));
    }

    [Fact]
    public void A_tagged_packet_does_not_enter_an_access_port()
    {
        var world = new PipelineWorld();
        world.AddPort("br0", "a", 1, 1, mode: VlanMode.Access, vlan: 10);
        world.AddPort("br0", "b", 2, 2);
        world.Add(0, 0, new MatchBuilder(), new OfOutput(OfPort.Normal));
        Assert.Equal("drop", world.Actions(
            "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x8100),"
            + "vlan(vid=10,pcp=0),encap(eth_type(0x1234))"));
    }

    [Fact]
    public void A_trunk_lets_only_its_vlans_through()
    {
        var world = new PipelineWorld();
        world.AddPort("br0", "a", 1, 1, mode: VlanMode.Access, vlan: 10);
        world.AddPort("br0", "t1", 2, 2, trunks: [10, 11]);
        world.AddPort("br0", "t2", 3, 3, trunks: [11]);
        world.AddPort("br0", "n", 4, 4, mode: VlanMode.NativeUntagged, vlan: 10);
        world.Add(0, 0, new MatchBuilder(), new OfOutput(OfPort.Normal));
        Assert.Equal("push_vlan(vid=10,pcp=0),2,pop_vlan,4", world.Actions(Forth));
    }

    [Fact]
    public void Reserved_multicast_is_not_forwarded()
    {
        var world = Normal(2);
        Assert.Equal("drop", world.Actions(
            "in_port(1),eth(src=50:54:00:00:00:01,dst=01:80:c2:00:00:00),eth_type(0x1234)"));
    }

    [Fact]
    public void Addresses_age_and_the_generation_moves()
    {
        var table = new MacTable { AgingSeconds = 10 };
        var mac = MacBytes.FromUInt64(5);
        Assert.True(table.Learn(mac, 0, "p1", 1, false, 1000));
        Assert.False(table.Learn(mac, 0, "p1", 1, false, 5000));
        var before = table.Generation;
        table.Age(14_000);
        Assert.Equal(1, table.Count);
        table.Age(15_000);
        Assert.Equal(0, table.Count);
        Assert.NotEqual(before, table.Generation);
    }

    [Fact]
    public void A_full_table_evicts_the_address_unused_longest()
    {
        var table = new MacTable { CountMax = 2 };
        table.Learn(MacBytes.FromUInt64(1), 0, "p1", 1, false, 1);
        table.Learn(MacBytes.FromUInt64(2), 0, "p1", 1, false, 2);
        table.Learn(MacBytes.FromUInt64(1), 0, "p1", 1, false, 3);
        table.Learn(MacBytes.FromUInt64(3), 0, "p1", 1, false, 4);
        Assert.NotNull(table.Find(MacBytes.FromUInt64(1), 0));
        Assert.Null(table.Find(MacBytes.FromUInt64(2), 0));
    }
}
