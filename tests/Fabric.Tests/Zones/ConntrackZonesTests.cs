using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Datapath;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.Tests.Zones;

public sealed class ConntrackZonesTests : TestKit
{
    private readonly ConntrackTable _table = new(seed: 1);

    private IActorRef StartZones(params ZoneSpec[] specs)
    {
        var zones = Sys.ActorOf(ConntrackZonesActor.Props(), "conntrack");
        zones.Tell(new ConntrackAttached(_table));
        zones.Tell(new ZonesWanted(specs.ToImmutableSortedDictionary(
            spec => spec.Zone, spec => spec)));
        return zones;
    }

    private static ZoneSpec Spec(ushort zone, uint? limit) =>
        new(zone, limit, ImmutableSortedDictionary<string, uint>.Empty);

    [Fact]
    public void A_zone_applies_its_limit_and_tells_its_count()
    {
        var zones = StartZones(Spec(5, 2));
        zones.Tell(new ReadZone(5)); // The limit is in force once this is answered.
        ExpectMsg<ZoneStatus>();
        Connect(zone: 5, count: 3);

        zones.Tell(new ReadZone(5));
        var status = ExpectMsg<ZoneStatus>();
        Assert.Equal(2u, status.Count);
        Assert.Equal(2u, status.Limit);
    }

    [Fact]
    public void Settings_that_are_withdrawn_give_way_to_the_defaults()
    {
        var zones = StartZones(Spec(5, 1));
        zones.Tell(new ReadZone(5));
        ExpectMsg<ZoneStatus>();
        zones.Tell(new ZonesWanted(ImmutableSortedDictionary<ushort, ZoneSpec>.Empty));
        zones.Tell(new ReadZone(5));
        Assert.Null(ExpectMsg<ZoneStatus>().Limit);
    }

    [Fact]
    public void The_limit_of_unanswered_connections_comes_and_goes_with_the_configuration()
    {
        var zones = StartZones();
        zones.Tell(new ZonesWanted(
            ImmutableSortedDictionary<ushort, ZoneSpec>.Empty, HalfOpenMax: 7));
        zones.Tell(new ReadZone(5)); // The setting is in force once this is answered.
        ExpectMsg<ZoneStatus>();
        Assert.Equal(7u, _table.HalfOpenMax);

        var fresh = new ConntrackTable(seed: 2); // As when the datapath was opened anew.
        zones.Tell(new ConntrackAttached(fresh));
        zones.Tell(new ZonesWanted(ImmutableSortedDictionary<ushort, ZoneSpec>.Empty));
        zones.Tell(new ReadZone(5));
        ExpectMsg<ZoneStatus>();
        Assert.Equal(0u, fresh.HalfOpenMax);
    }

    [Fact]
    public void Flush_removes_the_connections_of_one_zone_only()
    {
        var zones = StartZones();
        Connect(zone: 5, count: 3);
        Connect(zone: 6, count: 1);

        zones.Tell(new FlushZone(5, new ConntrackFilter()));
        Assert.Equal(3, ExpectMsg<ZoneFlushed>().Count);
        Assert.Equal(1u, _table.Totals().Count);
    }

    [Fact]
    public void Subscribers_hear_of_connections_that_come_and_go()
    {
        var zones = StartZones();
        zones.Tell(new SubscribeZone(5, TestActor));
        zones.Tell(new ReadZone(5)); // The subscription is in force once this is answered.
        ExpectMsg<ZoneStatus>();

        Connect(zone: 6, count: 1);
        Connect(zone: 5, count: 1);
        Assert.Equal(ConntrackChange.New, ExpectMsg<ConntrackEvent>().Change);
        _table.Flush(new ConntrackFilter());
        Assert.Equal(ConntrackChange.Destroyed, ExpectMsg<ConntrackEvent>().Change);
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Theory]
    [InlineData("throws")]
    [InlineData("killed")]
    [InlineData("stopped")]
    public void A_zone_is_back_within_a_second_and_no_connection_is_lost(string how)
    {
        var zones = StartZones(Spec(5, 10));
        Connect(zone: 5, count: 3);
        zones.Tell(new ReadZone(5));
        Assert.Equal(3u, ExpectMsg<ZoneStatus>().Count);

        var zone = Sys.ActorSelection(zones.Path / "5");
        switch (how)
        {
            case "throws": zone.Tell(new ZoneSpec(5, 10, null!)); break;
            case "killed": zone.Tell(Kill.Instance); break;
            default: zone.Tell(PoisonPill.Instance); break;
        }

        // Traffic goes on meanwhile: look-ups are no messages.
        Connect(zone: 5, count: 1, from: 3);
        AwaitAssert(
            () =>
            {
                zones.Tell(new ReadZone(5));
                var status = ExpectMsg<ZoneStatus>(TimeSpan.FromMilliseconds(200));
                Assert.Equal(4u, status.Count);
                Assert.Equal(10u, status.Limit);
            },
            TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(20));
    }

    [Fact]
    public void Requests_wait_for_the_datapath()
    {
        var zones = Sys.ActorOf(ConntrackZonesActor.Props());
        zones.Tell(new ReadZone(7));
        ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        zones.Tell(new ConntrackAttached(_table));
        Assert.Equal(7, ExpectMsg<ZoneStatus>().Zone);
    }

    /// <summary>Commits 'count' UDP connections in a zone.</summary>
    private void Connect(ushort zone, int count, int from = 0)
    {
        for (var i = from; i < from + count; i++)
        {
            var packet = new PacketBuffer();
            packet.Load(Udp((byte)i));
            FlowKey key = default;
            _table.Execute(
                packet, ref key,
                new ConntrackAction(true, false, zone, 0, 0, 0, 0, null, null, null), 1000);
        }
    }

    private static byte[] Udp(byte client)
    {
        var frame = Convert.FromHexString(
            $"02000000000202000000000108004500002000000000401100000a0000{client:x2}0a010001"
            + "04000035000c0000deadbeef");
        var sum = InternetChecksum.ComputeWire(frame.AsSpan(14, 20));
        BitConverter.GetBytes(sum).CopyTo(frame, 24);
        return frame;
    }
}
