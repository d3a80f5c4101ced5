#nullable disable
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class FsmTests : TestKit
{
    public enum Door { Closed, Open, Locked }

    private sealed class DoorActor : FSM<Door, int>
    {
        public DoorActor(IActorRef to)
        {
            StartWith(Door.Closed, 0);
            When(Door.Closed, e => e.FsmEvent switch
            {
                "open" => GoTo(Door.Open).Using(e.StateData + 1).Replying("opened"),
                "lock" => GoTo(Door.Locked),
                "count" => Stay().Replying(e.StateData),
                _ => null,
            });
            When(Door.Open, e => e.FsmEvent switch
            {
                "close" => GoTo(Door.Closed),
                StateTimeout => GoTo(Door.Closed),
                "wait" => Stay().ForMax(TimeSpan.FromMinutes(1)),
                "alarm" => Alarm(),
                "beep" => GoTo(Door.Locked),
                _ => null,
            }, TimeSpan.FromMilliseconds(80));
            When(Door.Locked, e => e.FsmEvent is "break" ? Stop(new Failure("broken")) : null);
            WhenUnhandled(e => e.FsmEvent is "quit" ? Stop() : null);
            OnTransition((from, next) => to.Tell($"{from} to {next} with {NextStateData}"));
            OnTermination(stopped => to.Tell($"stopped {stopped.Reason.GetType().Name} " +
                $"in {stopped.StateName}"));
            Initialize();
        }

        private State<Door, int> Alarm()
        {
            SetTimer("beep", "beep", TimeSpan.FromMilliseconds(10));
            Assert.True(IsTimerActive("beep"));
            return Stay().ForMax(TimeSpan.FromMinutes(1));
        }
    }

    private IActorRef NewDoor() => Sys.ActorOf(Props.Create(() => new DoorActor(TestActor)));

    [Fact]
    public void States_change_with_data_replies_and_handlers()
    {
        var door = NewDoor();
        door.Tell("open");
        ExpectMsg("opened");
        ExpectMsg("Closed to Open with 1");
        door.Tell("close");
        ExpectMsg("Open to Closed with 1");
        door.Tell("count");
        ExpectMsg(1);
    }

    [Fact]
    public void A_state_timeout_is_an_event()
    {
        var door = NewDoor();
        door.Tell("open");
        ExpectMsg("opened");
        ExpectMsg("Closed to Open with 1");
        ExpectMsg("Open to Closed with 1");
        door.Tell("open");
        ExpectMsg("opened");
        ExpectMsg("Closed to Open with 2");
        door.Tell("wait");
        ExpectNoMsg(150);
    }

    [Fact]
    public void Timers_are_events()
    {
        var door = NewDoor();
        door.Tell("open");
        ExpectMsg("opened");
        ExpectMsg("Closed to Open with 1");
        door.Tell("alarm");
        ExpectMsg("Open to Locked with 1");
    }

    [Fact]
    public void Listeners_hear_the_state_and_each_transition()
    {
        var door = NewDoor();
        var probe = CreateTestProbe();
        door.Tell(new FSMBase.SubscribeTransitionCallBack(probe));
        probe.ExpectMsg(new FSMBase.CurrentState<Door>(door, Door.Closed));
        door.Tell("lock");
        probe.ExpectMsg(new FSMBase.Transition<Door>(door, Door.Closed, Door.Locked));
    }

    [Fact]
    public void Stopping_has_a_reason()
    {
        var door = Watch(NewDoor());
        door.Tell("quit");
        ExpectMsg("stopped Normal in Closed");
        ExpectTerminated(door);
        door = NewDoor();
        door.Tell("lock");
        ExpectMsg("Closed to Locked with 0");
        EventFilter.Error(contains: "broken").ExpectOne(() => door.Tell("break"));
        ExpectMsg("stopped Failure in Locked");
        door = NewDoor();
        Sys.Stop(door);
        ExpectMsg("stopped Shutdown in Closed");
    }

    [Fact]
    public void An_unhandled_event_is_logged()
    {
        EventFilter.Warning(contains: "unhandled event strange in state Closed").ExpectOne(
            () => NewDoor().Tell("strange"));
    }
}
