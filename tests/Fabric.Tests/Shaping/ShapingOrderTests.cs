using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Shaping;

/// <summary>cur_cfg says that devices are shaped too: who waits for it may look at them.</summary>
public sealed class ShapingOrderTests : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Cur_cfg_is_written_after_devices_are_shaped_by_whichever_room_does_it()
    {
        var configuration = Sys.ActorOf(ConfigurationActor.Props(
            new ConfigurationSettings([]), TestActor, TimeProvider.System, Guid.NewGuid));
        configuration.Tell(new SubscribeDatabase(TestActor), TestActor);
        var root = Await<DatabaseChanged>(change => change.After.Table("Open_vSwitch").Count > 0)
            .After.Table("Open_vSwitch").First!;
        configuration.Tell(new UseShaping(TestActor), TestActor);
        configuration.Tell(new Transact(1, [Operation.UpdateRow(
            "Open_vSwitch", root.Uuid, new ColumnValue("next_cfg", (Datum)7))]), TestActor);
        Await<BridgesWanted>(wanted => wanted.Revision == 7);

        configuration.Tell(new BridgesReconciled(
            7, ImmutableSortedDictionary<string, BridgeStatus>.Empty), TestActor);
        Await<ShapingWanted>(wanted => wanted.Revision == 7);

        // A room that was made anew before it answered is asked again.
        configuration.Tell(new UseShaping(TestActor), TestActor);
        Await<ShapingWanted>(wanted => wanted.Revision == 7);
        configuration.Tell(new ShapingReconciled(6), TestActor);

        // Whatever was written before this is in the database by now.
        configuration.Tell(new Transact(2, [Operation.UpdateRow(
            "Open_vSwitch", root.Uuid, new ColumnValue("system_type", (Datum)"x"))]), TestActor);
        var last = Await<DatabaseChanged>(change => RootOf(change).GetString("system_type") == "x");
        Assert.NotEqual(7, RootOf(last).GetInteger("cur_cfg"));

        configuration.Tell(new ShapingReconciled(7), TestActor);
        Await<DatabaseChanged>(change => RootOf(change).GetInteger("cur_cfg") == 7);
    }

    [Fact]
    public void The_room_answers_where_no_interface_has_a_device()
    {
        using var shaper = new Shaper(TimeProvider.System);
        var room = Sys.ActorOf(ShapingActor.Props(shaper));
        var dummy = new InterfaceShape("p1", "dummy", 0, 1500, null, default);

        room.Tell(new ShapingWanted(3, [dummy]), TestActor);

        Assert.Equal(3, Await<ShapingReconciled>(_ => true).Revision);
        Assert.False(shaper.IsDevice("p1"));
        Assert.Equal("QoS not configured on p1\n", shaper.Show("p1"));
    }

    private static Row RootOf(DatabaseChanged change) =>
        change.After.Table("Open_vSwitch").First!;

    private T Await<T>(Predicate<T> isIt) =>
        (T)FishForMessage(message => message is T it && isIt(it), Patience);
}
