using System.Diagnostics;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Datapath;
using Fabric.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Switching;

public sealed class BridgesTests : SwitchWorld
{
    [Fact]
    public void A_bridge_without_controllers_is_a_learning_switch()
    {
        Want(Bridge("br0", Port("p1"), Port("p2"), Port("p3")));
        Assert.Equal(["p2", "p3"], Send("p1", Frame(1, 2), "p1", "p2", "p3"));
        Assert.Equal(["p1"], Send("p2", Frame(2, 1), "p1", "p2", "p3"));
        Until(() => Send("p1", Frame(1, 2, 1), "p1", "p2", "p3") is ["p2"], "no more flooding");
    }

    [Fact]
    public void Ports_get_the_lowest_free_numbers_and_the_bridge_is_LOCAL()
    {
        var reconciled = Want(Bridge("br0", Port("p1"), Port("p2", request: 7), Port("p3")));
        var numbers = reconciled.Bridges["br0"].Interfaces.ToDictionary(
            each => each.Name, each => each.OpenFlowPort);
        Assert.Equal(65534, numbers["br0"]);
        Assert.Equal(1, numbers["p1"]);
        Assert.Equal(7, numbers["p2"]);
        Assert.Equal(2, numbers["p3"]);
    }

    [Fact]
    public void A_number_stays_when_other_ports_come_and_go()
    {
        Want(Bridge("br0", Port("p1"), Port("p2")));
        var reconciled = Want(Bridge("br0", Port("p0"), Port("p2")));
        var numbers = reconciled.Bridges["br0"].Interfaces.ToDictionary(
            each => each.Name, each => each.OpenFlowPort);
        Assert.Equal(2, numbers["p2"]);

        // Flows for p1 do not meet p0.
        Assert.Equal(3, numbers["p0"]);
        Assert.Null(Provider.FindMemoryPort("p1"));
    }

    [Fact]
    public void A_port_is_as_old_as_its_place_in_the_bridge()
    {
        var began = Stopwatch.StartNew();
        Want(Bridge("br0", Port("p1")));
        BridgeRef("br0").Tell(new AskSwitch(1, new OfPortStatsRequest(1)), TestActor);
        var answer = FishForMessage<SwitchAnswered>(_ => true).Reply as OfPortStatsReply;
        var rounding = TimeSpan.FromMilliseconds(1); // It counts whole ones of another clock.
        Assert.InRange(answer!.Ports[0].Duration, TimeSpan.Zero, began.Elapsed + rounding);
    }

    [Fact]
    public void An_interface_of_unknown_type_keeps_its_row_with_an_error()
    {
        var reconciled = Want(Bridge("br0", Port("p1", "nonsense")));
        var status = reconciled.Bridges["br0"].Interfaces.Single(each => each.Name == "p1");
        Assert.Equal(-1, status.OpenFlowPort);
        Assert.Equal(
            "could not open network device p1 (Address family not supported by protocol)",
            status.Error);
    }

    [Fact]
    public void Flows_decide_and_their_counters_count()
    {
        Want(Bridge("br0", Port("p1"), Port("p2"), Port("p3")));
        Apply("br0", FlowMod.Delete(FlowMod.AllTables, Match.Any), FlowMod.Add(
            0, 10, new MatchBuilder().Set(MatchField.InPortOxm, 1).Build(), [new OfOutput(3)]));
        Assert.Equal(["p3"], Send("p1", Frame(1, 2), "p1", "p2", "p3"));
        Assert.Equal(["p3"], Send("p1", Frame(1, 2), "p1", "p2", "p3"));
        Assert.Equal([], Send("p2", Frame(2, 1), "p1", "p2", "p3"));
        Until(() => Store.BridgeOf("br0").Pipeline.Current.Rules().Single()
            .Statistics.Packets == 2, "both packets are counted");
    }

    [Fact]
    public void A_changed_flow_reaches_cached_decisions_within_a_second()
    {
        Want(Bridge("br0", Port("p1"), Port("p2"), Port("p3")));
        var match = new MatchBuilder().Set(MatchField.InPortOxm, 1).Build();
        Apply("br0", FlowMod.Add(0, 10, match, [new OfOutput(2)]));
        Assert.Equal(["p2"], Send("p1", Frame(1, 9), "p1", "p2", "p3"));
        Apply("br0", FlowMod.Add(0, 10, match, [new OfOutput(3)]));
        var started = Environment.TickCount64;
        Until(() => Send("p1", Frame(1, 9), "p1", "p2", "p3") is ["p3"], "the new flow decides");
        Assert.True(Environment.TickCount64 - started < 1000, "a stale flow lived a second");
    }

    [Fact]
    public void A_bundle_with_a_fault_changes_nothing()
    {
        Want(Bridge("br0", Port("p1")));
        var probe = CreateTestProbe();
        BridgeRef("br0").Tell(new ApplyChanges(3,
        [
            new SwitchChange(FlowMod.Delete(FlowMod.AllTables, Match.Any), 0),
            new SwitchChange(FlowMod.Add(0, 1, Match.Any, [new OfGroup(99)]), 0),
        ], true), probe.Ref);
        var failure = Assert.Single(probe.ExpectMsg<ChangesApplied>().Failures);
        Assert.Equal((1, OfErrorCode.ActionBadOutGroup), (failure.Index, failure.Error));
        Assert.Equal(1, Store.BridgeOf("br0").Pipeline.Current.RuleCount);
    }

    [Fact]
    public void Connections_are_tracked_through_recirculation()
    {
        Want(Bridge("br0", Port("p1"), Port("p2")));
        var ip = new MatchBuilder().Set(MatchField.EthernetType, 0x0800);
        MatchBuilder State(uint state, uint port) => new MatchBuilder()
            .Set(MatchField.EthernetType, 0x0800).Set(MatchField.InPortOxm, port)
            .SetMasked(MatchField.ConntrackStateField, (UInt128)state, (UInt128)state);
        Apply("br0",
            FlowMod.Delete(FlowMod.AllTables, Match.Any),
            FlowMod.Add(0, 10, ip.Build(),
                [new OfConntrack(false, false, 1, 5, null, 0, null, ActionList.Empty)]),
            FlowMod.Add(1, 10, State(0x21, 1).Build(),
            [
                new OfConntrack(true, false, null, 5, null, 0, null, ActionList.Empty),
                new OfOutput(2),
            ]),
            FlowMod.Add(1, 10, State(0x22, 1).Build(), [new OfOutput(2)]),
            FlowMod.Add(1, 10, State(0x22, 2).Build(), [new OfOutput(1)]));
        byte[] reply = Frame(2, 1);
        (reply[34], reply[35], reply[36], reply[37]) = (0x20, 0x00, 0x10, 0x00);
        Assert.Equal([], Send("p2", reply, "p1", "p2"));
        Assert.Equal(["p2"], Send("p1", Frame(1, 2), "p1", "p2"));
        Assert.Equal(["p1"], Send("p2", reply, "p1", "p2"));
    }

    [Fact]
    public void Two_bridges_hand_packets_over_a_patch()
    {
        Want(
            Bridge("br0", Port("p1"), Port("to1", "patch", options: None.Add("peer", "to0"))),
            Bridge("br1", Port("q1"), Port("to0", "patch", options: None.Add("peer", "to1"))));
        Assert.Equal(["q1"], Send("p1", Frame(1, 2), "q1"));
        Assert.Equal(["p1"], Send("q1", Frame(2, 1), "p1"));
    }

    [Fact]
    public void A_controller_action_tells_subscribers_and_packet_out_answers()
    {
        Want(Bridge("br0", Port("p1"), Port("p2")));
        var controller = CreateTestProbe();
        BridgeRef("br0").Tell(new SubscribeSwitch(controller.Ref), controller.Ref);
        controller.ExpectMsg<TlvTableChanged>();
        Apply("br0", FlowMod.Add(0, 10, Match.Any,
        [
            new OfLoad(new Subfield(MatchField.Reg3), 77),
            new OfController(Userdata: [1, 2, 3]),
        ]));
        Memory("p1").Inject(Frame(1, 2));
        var raised = controller.ExpectMsg<PacketInRaised>().PacketIn;
        Assert.Equal([1, 2, 3], raised.Userdata);
        Assert.Equal(1u, raised.InPort);
        Assert.Equal(77u, (uint)raised.Metadata.ExactOf(MatchField.Reg3)!.Value);
        Assert.Equal(Frame(1, 2), raised.Packet);
        Memory("p2").TakeAll();
        BridgeRef("br0").Tell(new AskSwitch(
            1, new OfPacketOut(1, [new OfOutput(2)], raised.Packet)), controller.Ref);
        Assert.Equal(OfErrorCode.None, controller.ExpectMsg<SwitchAnswered>().Error);
        Assert.True(Memory("p2").TryTake(out _));
    }

    [Fact]
    public void A_paused_packet_goes_on_when_the_controller_resumes_it()
    {
        Want(Bridge("br0", Port("p1"), Port("p2")));
        var controller = CreateTestProbe();
        BridgeRef("br0").Tell(new SubscribeSwitch(controller.Ref), controller.Ref);
        controller.ExpectMsg<TlvTableChanged>();
        Apply("br0",
            FlowMod.Add(0, 10, Match.Any, [new OfController(Pause: true), new OfResubmit(1)]),
            FlowMod.Add(1, 10, new MatchBuilder().Set(MatchField.Reg0, 5).Build(),
                [new OfOutput(2)]));
        Memory("p1").Inject(Frame(1, 2));
        var raised = controller.ExpectMsg<PacketInRaised>().PacketIn;
        Assert.False(raised.Continuation.IsEmpty);
        Memory("p2").TakeAll();
        BridgeRef("br0").Tell(new AskSwitch(1, new OfResume(raised with
        {
            Metadata = new MatchBuilder(raised.Metadata).Set(MatchField.Reg0, 5).Build(),
        })), controller.Ref);
        Assert.Equal(OfErrorCode.None, controller.ExpectMsg<SwitchAnswered>().Error);
        Assert.True(Memory("p2").TryTake(out _));
    }
}
