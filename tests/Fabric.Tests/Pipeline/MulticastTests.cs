using System.Buffers.Binary;
using System.Net;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>NORMAL with multicast snooping; what is expected is what ovs-vswitchd does.</summary>
public sealed class MulticastTests
{
    private const byte ReportV1 = 0x12, ReportV2 = 0x16, Leave = 0x17, Query = 0x11;
    private const byte ChangeToInclude = 3, ChangeToExclude = 4;

    private static readonly uint Group = Address("225.1.1.1");

    private static PipelineWorld Snooping()
    {
        var world = PipelineWorld.WithPorts(4);
        world.Adapt = bridge => bridge with { SnoopsMulticast = true };
        world.Add(0, 0, new MatchBuilder(), new OfOutput(OfPort.Normal));
        return world;
    }

    [Fact]
    public void A_group_goes_where_it_is_wanted_and_an_unknown_one_everywhere()
    {
        var world = Snooping();
        Assert.Equal("1,2,4", world.Actions(3, Data("225.1.1.1")));
        Assert.Equal("drop", world.Actions(1, Igmp(ReportV2, "225.1.1.1")));
        Assert.True(world.Result.IsSlow);
        Assert.Equal("1", world.Actions(3, Data("225.1.1.1")));
        Assert.False(world.Result.IsSlow);
        Assert.Equal("drop", world.Actions(1, Data("225.1.1.1")));
        Assert.Equal("1,2,4", world.Actions(3, Data("225.9.9.9")));
        world.Actions(2, Igmp(ReportV1, "225.1.1.1"));
        Assert.Equal("1,2", world.Actions(3, Data("225.1.1.1")));
    }

    [Fact]
    public void A_group_that_all_have_left_is_not_flooded_until_it_is_forgotten()
    {
        var world = Snooping();
        world.Actions(1, Igmp(ReportV2, "225.1.1.1"));
        world.Actions(1, Igmp(Leave, "225.1.1.1", to: "224.0.0.2"));
        Assert.Equal("drop", world.Actions(3, Data("225.1.1.1")));
        world.Br0.Multicast.Age(world.Now + 300_000);
        Assert.Equal("1,2,4", world.Actions(3, Data("225.1.1.1")));
    }

    [Fact]
    public void Routers_get_every_group_and_the_reports()
    {
        var world = Snooping();
        world.Actions(1, Igmp(ReportV2, "225.1.1.1"));
        Assert.Equal("1,2,3", world.Actions(4, Igmp(Query, "0.0.0.0", to: "224.0.0.1")));
        Assert.Equal("1,4", world.Actions(3, Data("225.1.1.1")));
        Assert.Equal("4", world.Actions(2, Igmp(ReportV2, "225.1.1.1")));
        Assert.Equal("drop", world.Actions(4, Igmp(ReportV2, "225.1.1.7")));
        Assert.False(world.Br0.Multicast.TryFind(
            MulticastTable.NumberOf(Address("225.1.1.7")), 0, out _));
        world.Br0.Multicast.Age(world.Now + 180_000);
        Assert.Empty(world.Br0.Multicast.RoutersOf(0));
    }

    [Fact]
    public void Records_of_version_three_join_and_leave()
    {
        var world = Snooping();
        world.Actions(2, Igmp3(ChangeToExclude, "225.1.1.1"));
        Assert.Equal("2", world.Actions(3, Data("225.1.1.1")));
        world.Actions(2, Igmp3(ChangeToInclude, "225.1.1.1"));
        Assert.Equal("drop", world.Actions(3, Data("225.1.1.1")));
    }

    [Fact]
    public void Listeners_of_IPv6_are_heard_too()
    {
        var world = Snooping();
        var group = IPAddress.Parse("ff05::5").GetAddressBytes();
        var report = Icmpv6(131, "ff05::5", [0, 0, 0, 0, .. group]);
        Assert.Equal("drop", world.Actions(1, report));
        var data = Icmpv6(128, "ff05::5", new byte[8]);
        Assert.Equal("1", world.Actions(2, data));
        Assert.Equal("1,3,4", world.Actions(2, Icmpv6(128, "ff02::1", new byte[8])));
        world.Actions(1, Icmpv6(132, "ff02::2", [0, 0, 0, 0, .. group]));
        Assert.Equal("drop", world.Actions(2, data));
    }

    [Fact]
    public void Ports_may_get_all_multicast_or_all_reports_and_each_packet_once()
    {
        var world = Snooping();
        world.Adapt = bridge => bridge with { SnoopsMulticast = true, FloodsUnregistered = false };
        world.Change("br0", "p1", bundle => bundle with { FloodsMulticast = true });
        world.Change("br0", "p2", bundle => bundle with { FloodsReports = true });
        Assert.Equal("1", world.Actions(3, Data("225.9.9.9")));
        Assert.Equal("2", world.Actions(3, Igmp(ReportV2, "225.1.1.1")));
        world.Actions(2, Igmp(ReportV2, "225.1.1.1"));
        world.Actions(2, Igmp(Leave, "225.1.1.1", to: "224.0.0.2"));
        Assert.Equal("3,2,1", world.Actions(4, Data("225.1.1.1")));

        // Open vSwitch 3.1 would send a second copy to p1.
        world.Actions(1, Igmp(Query, "0.0.0.0", to: "224.0.0.1"));
        Assert.Equal("3,2,1", world.Actions(4, Data("225.1.1.1")));
    }

    [Fact]
    public void What_belongs_to_the_link_is_flooded()
    {
        var world = Snooping();
        Assert.Equal("1,2,4", world.Actions(3, Data("224.0.0.251")));
        Assert.Contains("dst=224.0.0.251", world.Megaflow(
            "in_port(3),eth(src=50:54:00:00:00:01,dst=01:00:5e:00:00:fb),eth_type(0x0800),"
            + "ipv4(src=10.0.0.1,dst=224.0.0.251,proto=17,tos=0,ttl=1,frag=no),"
            + "udp(src=5,dst=6)"));
    }

    [Fact]
    public void A_full_table_forgets_the_group_heard_of_longest_ago()
    {
        var table = new MulticastTable { CountMax = 2 };
        table.Join(1, 0, "p1", 1);
        table.Join(2, 0, "p1", 2);
        table.Join(1, 0, "p1", 3);
        table.Join(3, 0, "p1", 4);
        Assert.Equal(2, table.GroupCount);
        Assert.False(table.TryFind(2, 0, out _));
    }

    [Fact]
    public void Ports_that_go_take_their_groups_along()
    {
        var table = new MulticastTable();
        table.Join(MulticastTable.NumberOf(Group), 5, "p1", 1);
        table.SeeRouter(5, "p2", 1);
        var before = table.Generation;
        table.KeepPorts(new HashSet<string> { "p2" });
        Assert.NotEqual(before, table.Generation);
        Assert.Equal("p2", Assert.Single(table.Dump()).Port);
    }

    private static uint Address(string text) =>
        BinaryPrimitives.ReadUInt32BigEndian(IPAddress.Parse(text).GetAddressBytes());

    private static byte[] Data(string to) => Ipv4(17, to, [0, 5, 0, 6, 0, 8, 0, 0]);

    private static byte[] Igmp(byte type, string group, string? to = null)
    {
        byte[] bytes = [type, 0, 0, 0, .. IPAddress.Parse(group).GetAddressBytes()];
        return Ipv4(2, to ?? group, Summed(bytes, 2));
    }

    private static byte[] Igmp3(byte record, string group)
    {
        byte[] bytes =
        [
            0x22, 0, 0, 0, 0, 0, 0, 1, record, 0, 0, 0,
            .. IPAddress.Parse(group).GetAddressBytes(),
        ];
        return Ipv4(2, "224.0.0.22", Summed(bytes, 2));
    }

    private static byte[] Summed(byte[] bytes, int at)
    {
        BitConverter.TryWriteBytes(bytes.AsSpan(at), InternetChecksum.ComputeWire(bytes));
        return bytes;
    }

    private static byte[] Ipv4(byte protocol, string to, byte[] payload)
    {
        var destination = IPAddress.Parse(to).GetAddressBytes();
        byte[] header =
        [
            0x45, 0, 0, (byte)(20 + payload.Length), 0, 0, 0, 0, 1, protocol, 0, 0,
            10, 0, 0, 1, .. destination,
        ];
        return
        [
            1, 0, 0x5E, (byte)(destination[1] & 0x7F), destination[2], destination[3],
            0x50, 0x54, 0, 0, 0, 1, 8, 0, .. Summed(header, 10), .. payload,
        ];
    }

    private static byte[] Icmpv6(byte type, string to, byte[] body)
    {
        var destination = IPAddress.Parse(to).GetAddressBytes();
        return
        [
            0x33, 0x33, .. destination[12..], 0x50, 0x54, 0, 0, 0, 1, 0x86, 0xDD,
            0x60, 0, 0, 0, 0, (byte)(4 + body.Length), 58, 1,
            .. IPAddress.Parse("fe80::1").GetAddressBytes(), .. destination,
            type, 0, 0, 0, .. body,
        ];
    }
}
