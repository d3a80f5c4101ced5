#nullable disable
using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>The actor behind a kit or a probe: it keeps what it hears for the test.</summary>
/// <remarks>
/// Hears:  everything; the kit's own requests it obeys.
/// Says:   what its auto pilot says.
/// Holds:  nothing but the kit's queue.
/// Fails:  when the auto pilot throws.
/// </remarks>
internal sealed class InternalTestActor(ReceivedMessages received) : ActorBase
{
    internal abstract record Request : INoSerializationVerificationNeeded,
        INotInfluenceReceiveTimeout;

    internal sealed record SetIgnore(Func<object, bool> Ignore) : Request;
    internal sealed record WatchActor(IActorRef Actor) : Request;
    internal sealed record UnwatchActor(IActorRef Actor) : Request;
    internal sealed record SetPilot(AutoPilot Pilot) : Request;

    internal sealed record Spawn(Props Props, string Name, SupervisorStrategy Strategy) : Request;

    private Func<object, bool> _ignore;
    private AutoPilot _pilot;
    private SupervisorStrategy _strategy;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(
        cause => (_strategy ?? Actor.SupervisorStrategy.DefaultStrategy).Decider.Decide(cause));

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case SetIgnore ignore: _ignore = ignore.Ignore; break;
            case WatchActor watch: Context.Watch(watch.Actor); break;
            case UnwatchActor unwatch: Context.Unwatch(unwatch.Actor); break;
            case SetPilot pilot: _pilot = pilot.Pilot; break;
            case Spawn spawn:
                if (spawn.Strategy is not null) _strategy = spawn.Strategy;
                Sender.Tell(Context.ActorOf(spawn.Props, spawn.Name));
                break;
            default: Keep(message); break;
        }
        return true;
    }

    private void Keep(object message)
    {
        var sender = Sender;
        if (_pilot is not null and not NoAutoPilot)
        {
            var next = _pilot.Run(sender, message);
            if (next is not KeepRunning) _pilot = next;
        }
        if (_ignore?.Invoke(message) == true) return;
        received.Add(new ReceivedMessage(message, sender));
    }
}

/// <summary>Answers in place of the test; returns who answers next.</summary>
public abstract class AutoPilot
{
    public abstract AutoPilot Run(IActorRef sender, object message);
    public static NoAutoPilot NoAutoPilot => NoAutoPilot.Instance;
    public static KeepRunning KeepRunning => KeepRunning.Instance;
}

/// <summary>Nobody answers.</summary>
public sealed class NoAutoPilot : AutoPilot
{
    public static NoAutoPilot Instance { get; } = new();
    private NoAutoPilot() { }
    public override AutoPilot Run(IActorRef sender, object message) => this;
}

/// <summary>The same one answers next time.</summary>
public sealed class KeepRunning : AutoPilot
{
    public static KeepRunning Instance { get; } = new();
    private KeepRunning() { }
    public override AutoPilot Run(IActorRef sender, object message) =>
        throw new InvalidOperationException("Must not be called: it stands for another pilot");
}

/// <summary>A function answers.</summary>
public sealed class DelegateAutoPilot(Func<IActorRef, object, AutoPilot> runDelegate) : AutoPilot
{
    public override AutoPilot Run(IActorRef sender, object message) => runDelegate(sender, message);
}
