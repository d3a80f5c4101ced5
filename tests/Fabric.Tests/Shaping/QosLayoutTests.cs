using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Datapath;
using Fabric.Switching;
using Fabric.Tests.Configuration;
using Fabric.Wire.Netlink;
using Texts = System.Collections.Immutable.ImmutableSortedDictionary<string, string>;

namespace Fabric.Tests.Shaping;

public sealed class QosLayoutTests
{
    private const string Rows = """
        {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"],"next_cfg":7}},
        {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0","datapath_type":"netdev",
          "ports":["set",[["named-uuid","p0"],["named-uuid","p1"]]]}},
        {"op":"insert","table":"Port","uuid-name":"p0","row":{"name":"v0","qos":["named-uuid","q"],
          "interfaces":["named-uuid","i0"]}},
        {"op":"insert","table":"Interface","uuid-name":"i0","row":{"name":"v0",
          "ingress_policing_rate":1000,"ingress_policing_kpkts_rate":2}},
        {"op":"insert","table":"Port","uuid-name":"p1","row":{"name":"v1",
          "interfaces":["named-uuid","i1"]}},
        {"op":"insert","table":"Interface","uuid-name":"i1","row":{"name":"v1"}},
        {"op":"insert","table":"QoS","uuid-name":"q","row":{"type":"linux-htb",
          "other_config":["map",[["max-rate","10000000"]]],
          "queues":["map",[[0,["named-uuid","a"]],[5,["named-uuid","c"]],[61440,["named-uuid","a"]]]]}},
        {"op":"insert","table":"Queue","uuid-name":"a","row":{
          "other_config":["map",[["min-rate","1000000"],["max-rate","2000000"]]]}},
        {"op":"insert","table":"Queue","uuid-name":"c","row":{"other_config":["map",
          [["min-rate","100"],["max-rate","99000000000"],["burst","80000"],["priority","3"]]]}}
        """;

    private readonly DatabaseFixture _database = new(OpenVSwitchSchema.Schema);

    public QosLayoutTests() => _database.Transact(Rows);

    [Fact]
    public void Rows_become_classes_within_the_limits_that_OVS_sets()
    {
        var shape = Assert.Single(Wanted().Interfaces, each => each.Name == "v0");

        Assert.Equal(("netdev", 3, 1500), (shape.DatapathType, shape.Device, shape.Mtu));
        Assert.Equal(new PolicingSpec(1000, 0, 2, 0), shape.Policing);
        Assert.Equal(new QosLayout("linux-htb", new DeviceLayout(new HtbQdisc(),
            [
                new HtbClass(HtbClass.RootMinor, 1_250_000, 1_250_000, 0, 0),
                new HtbClass(1, 125_000, 250_000, 1564, 0),
                // A packet each second at least, and no more than all may have.
                new HtbClass(6, 1500, 1_250_000, 10_000, 3),
            ])),
            shape.Queueing);
    }

    [Fact]
    public void A_port_without_a_row_has_no_queues_of_ours()
    {
        var shape = Assert.Single(Wanted().Interfaces, each => each.Name == "v1");

        Assert.Null(shape.Queueing);
        Assert.True(shape.Policing.IsNone);
    }

    [Fact]
    public void A_type_with_rates_takes_the_links_where_the_row_has_none()
    {
        var layout = Plain("linux-htb", 1_250_000_000);

        Assert.Equal(
            [
                new HtbClass(HtbClass.RootMinor, 1_250_000_000, 1_250_000_000, 0, 0),
                new HtbClass(1, 1500, 1_250_000_000, 1564, 0),
            ],
            layout.Layout!.Classes);
    }

    [Theory]
    [InlineData("linux-noop")]
    [InlineData("linux-hfsc")]
    [InlineData("egress-policer")]
    public void Other_types_leave_the_device_as_it_is(string type) =>
        Assert.Null(Plain(type, 1000).Layout);

    [Fact]
    public void A_change_of_queues_is_a_change_of_the_switch()
    {
        var queue = _database.Snapshot.Table("Queue").Rows.First();

        Assert.True(BridgeTranslation.IsRelevant(new RowChange("Queue", queue.Uuid, null, queue)));
        Assert.False(BridgeTranslation.IsRelevant(
            new RowChange("Queue", queue.Uuid, queue, queue)));
    }

    private static QosLayout Plain(string type, ulong link) => QosLayout.Of(
        type, Texts.Empty, ImmutableSortedDictionary<uint, Texts>.Empty, link, 1500);

    private ShapingWanted Wanted()
    {
        var statuses = _database.Snapshot.Table("Interface").Rows.Select(row => new InterfaceStatus(
            row.Uuid, row.GetString("name"), 1, null, null, 3, 1500, true, true, null,
            ImmutableSortedDictionary<string, string>.Empty,
            ImmutableSortedDictionary<string, long>.Empty));
        var bridge = new BridgeStatus(
            "br0", 1, ImmutableSortedDictionary<string, string>.Empty, [.. statuses]);
        var reconciled = new BridgesReconciled(
            7, ImmutableSortedDictionary<string, BridgeStatus>.Empty.Add("br0", bridge));
        return ShapingRows.Wanted(_database.Snapshot, reconciled, _ => 10_000_000_000);
    }
}
