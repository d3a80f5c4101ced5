using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Logical;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

public sealed class LogicalActorTests : TestKit
{
    private static readonly NetworkDocument Document = ExampleNetworks.Read("three-tier.yaml");

    private readonly Dictionary<FlowIdentity, FlowMod> _flows = [];
    private readonly TestProbe _host;
    private readonly TestProbe _northboundProbe;
    private readonly TestProbe _cluster;
    private readonly TestProbe _bridgeProbe;

    public LogicalActorTests()
    {
        _host = CreateTestProbe();
        _northboundProbe = CreateTestProbe();
        _cluster = CreateTestProbe();
        _bridgeProbe = CreateTestProbe();
    }

    private (IActorRef Logical, IActorRef Configuration, IActorRef Northbound) Start(
        DatabaseSnapshot host, DatabaseSnapshot? northbound = null)
    {
        var network = northbound ?? LogicalLab.NorthboundOf(Document);
        var configuration = Sys.ActorOf(Props.Create(() => new FakeDatabase(host, _host.Ref)));
        var endpoint = Sys.ActorOf(
            Props.Create(() => new FakeDatabase(network, _northboundProbe.Ref)));
        Sys.ActorOf(Props.Create(() => new FakeSwitch(_flows, _bridgeProbe.Ref)), "br-int");
        var props = LogicalActor.Props(new LogicalSurroundings(
            configuration, endpoint, _cluster.Ref, "/user"));
        Sys.ActorOf(Props.Create(() => new Supervisor(props, TestActor)));
        return (ExpectMsg<IActorRef>(), configuration, endpoint);
    }

    [Fact]
    public void Ports_with_an_interface_here_are_claimed_and_set_up()
    {
        Start(FakeHost.Database("host1", "web1", "app1", "stranger"));
        var claim = _cluster.FishForMessage<ClaimPorts>(_ => true);
        Assert.Equal(["app1", "web1"], claim.LogicalPorts);

        var up = _northboundProbe.FishForMessage<Transact>(_ => true);
        Assert.Equal(2, up.Operations.OfType<Operation.Update>().Count());
    }

    [Fact]
    public void The_northbound_is_acknowledged_once_the_bridge_has_the_flows()
    {
        Start(FakeHost.Database("host1", "web1", "app1"));
        _northboundProbe.FishForMessage<NorthboundApplied>(applied => applied.Sequence == 1);
        lock (_flows) Assert.True(_flows.Count > 200);
    }

    [Fact]
    public void A_missing_integration_bridge_is_made_in_secure_mode()
    {
        Start(FakeHost.Database("host1"));
        var transact = _host.FishForMessage<Transact>(_ => true);
        var bridge = transact.Operations.OfType<Operation.Insert>()
            .Single(insert => insert.Table == "Bridge");
        Assert.Contains(
            bridge.Row, value => value is { Column: "name" } && value.Value.Equals("br-int"));
        Assert.Contains(
            bridge.Row, value => value is { Column: "fail_mode" } && value.Value.Equals("secure"));
    }

    [Fact]
    public void Zones_are_remembered_in_the_bridge_row()
    {
        var (_, configuration, _) = Start(FakeHost.Database("host1", "web1", "app1"));
        AwaitAssert(() =>
        {
            configuration.Tell(new FakeDatabase.GetSnapshot(), TestActor);
            var zones = ConntrackZones.Read(
                ExpectMsg<DatabaseSnapshot>().Table("Bridge").First!.GetMap("external_ids"));
            Assert.Contains("web1", zones.Keys);
            Assert.Equal(zones.Count, zones.Values.Distinct().Count());
        });
    }

    [Fact]
    public void A_restart_changes_only_what_differs()
    {
        var (logical, configuration, northbound) =
            Start(FakeHost.Database("host1", "web1", "app1"));
        _northboundProbe.FishForMessage<NorthboundApplied>(_ => true);
        AwaitAssert(() => Assert.True(IsQuiet(configuration, northbound)));
        FlowIdentity stray;
        lock (_flows)
        {
            stray = new FlowIdentity(8, 7, Match.Any);
            _flows[stray] = FlowMod.Add(8, 7, Match.Any, ActionList.Empty);
        }

        Drain(_bridgeProbe);
        logical.Tell(Kill.Instance);
        var bundle = _bridgeProbe.FishForMessage<ApplyChanges>(_ => true, TimeSpan.FromSeconds(10));
        Assert.True(bundle.IsAtomic);
        var change = Assert.IsType<FlowMod>(Assert.Single(bundle.Changes).Message);
        Assert.Equal(FlowModCommand.DeleteStrict, change.Command);
        Assert.Equal(stray.Match, change.Match);
    }

    [Fact]
    public void A_changed_rule_touches_only_its_own_flows()
    {
        var (_, _, northbound) = Start(FakeHost.Database("host1", "web1", "app1"));
        _northboundProbe.FishForMessage<NorthboundApplied>(applied => applied.Sequence == 2);
        Drain(_bridgeProbe);

        northbound.Tell(new FakeDatabase.GetSnapshot(), TestActor);
        var rule = ExpectMsg<DatabaseSnapshot>().Table("ACL").Rows
            .Single(row => row.GetString("name") == "web-to-app");
        northbound.Tell(new Transact(
            99, [Operation.UpdateRow(
                "ACL", rule.Uuid, new ColumnValue("priority", 1005))]), TestActor);
        var bundle = _bridgeProbe.FishForMessage<ApplyChanges>(_ => true);
        Assert.All(
            bundle.Changes, change =>
                Assert.InRange(((FlowMod)change.Message).Priority, 2000, 2005));
        Assert.True(bundle.Changes.Length <= 16, $"{bundle.Changes.Length} changes");
    }

    [Fact]
    public void A_row_that_does_not_parse_is_reported_and_the_others_work()
    {
        var database = LogicalLab.NorthboundOf(Document);
        var rule = database.Table("ACL").Rows.First();
        database = LogicalLab.Apply(
            database, [Operation.UpdateRow("ACL", rule.Uuid, new ColumnValue("match", "ip4 &&"))]);
        var (logical, _, _) = Start(FakeHost.Database("host1", "web1", "app1"), database);
        _northboundProbe.FishForMessage<NorthboundApplied>(_ => true);
        logical.Tell(new GetNetworkStatus(), TestActor);
        var status = ExpectMsg<NetworkStatus>();
        var condition = Assert.Single(status.Conditions);
        Assert.Equal(rule.Uuid, condition.Row);
        Assert.Contains("at character 7", condition.Text);
        Assert.True(status.FlowCount > 200);
    }

    [Fact]
    public void A_port_that_another_host_won_is_let_go()
    {
        var (logical, _, _) = Start(FakeHost.Database("host1", "web1", "app1"));
        _cluster.FishForMessage<ClaimPorts>(claim => claim.LogicalPorts.Count == 2);
        logical.Tell(Located("host1", 1));
        logical.Tell(Located("host2", 2));
        var claim = _cluster.FishForMessage<ClaimPorts>(_ => true);
        Assert.Equal(["app1"], claim.LogicalPorts);
    }

    private sealed class Supervisor : ReceiveActor
    {
        public Supervisor(Props child, IActorRef asker) => asker.Tell(Context.ActorOf(child));

        protected override SupervisorStrategy SupervisorStrategy() =>
            new OneForOneStrategy(_ => Directive.Restart);
    }

    private static PortLocationsChanged Located(string host, long claim) =>
        new(ImmutableSortedDictionary<string, PortLocation>.Empty
            .Add("web1", new PortLocation("web1", host, claim)));

    private bool IsQuiet(IActorRef configuration, IActorRef northbound)
    {
        northbound.Tell(new FakeDatabase.GetSnapshot(), TestActor);
        var isUp = ExpectMsg<DatabaseSnapshot>().Table("Logical_Switch_Port").Rows
            .Count(row => row.GetBoolean("up")) == 2;
        configuration.Tell(new FakeDatabase.GetSnapshot(), TestActor);
        var ids = ExpectMsg<DatabaseSnapshot>().Table("Bridge").First!.GetMap("external_ids");
        return isUp && ids.Count >= 4;
    }

    private static void Drain(TestProbe probe)
    {
        while (probe.HasMessages) probe.ReceiveOne(TimeSpan.Zero);
    }
}
