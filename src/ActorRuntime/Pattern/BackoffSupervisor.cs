#nullable disable
using Akka.Actor;
using Akka.Event;

namespace Akka.Pattern;

/// <summary>
/// What both backoff supervisors share: the pause, the counters, the conversation.
/// </summary>
public abstract class BackoffSupervisorBase : ActorBase
{
    private protected sealed record StartChild : IDeadLetterSuppression;
    private protected sealed record ResetRestartCount(int Current) : IDeadLetterSuppression;

    private protected BackoffSupervisorBase(BackoffSettings settings) => Settings = settings;

    private protected BackoffSettings Settings { get; }
    private protected IActorRef Child { get; set; }
    private protected int RestartCountN { get; set; }

    protected override void PreStart()
    {
        StartChildActor();
        base.PreStart();
    }

    private protected void StartChildActor()
    {
        if (Child is null)
            Child = Context.Watch(Context.ActorOf(Settings.ChildProps, Settings.ChildName));
    }

    private protected TimeSpan NextPause() => BackoffSupervisor.CalculateDelay(RestartCountN,
        Settings.Min, Settings.Max, Settings.RandomFactor,
        ((ActorSystemRuntime)Context.System).Random);

    private protected bool MayRetry =>
        Settings.RetriesMax < 0 || RestartCountN < Settings.RetriesMax;

    private protected void Schedule(TimeSpan pause, object message) =>
        Context.System.Scheduler.ScheduleTellOnce(pause, Self, message, Self);

    /// <summary>The conversation about the child; anything else goes to the child.</summary>
    private protected bool HandleCommon(object message)
    {
        switch (message)
        {
            case StartChild:
                StartChildActor();
                if (!Settings.ManualReset)
                {
                    var lived = Settings.ResetAfter ?? Settings.Min;
                    Schedule(lived, new ResetRestartCount(RestartCountN));
                }
                return true;
            case BackoffSupervisor.Reset:
                if (Settings.ManualReset) RestartCountN = 0;
                else Unhandled(message);
                return true;
            case ResetRestartCount reset:
                if (reset.Current == RestartCountN) RestartCountN = 0;
                return true;
            case BackoffSupervisor.GetRestartCount:
                Sender.Tell(new BackoffSupervisor.RestartCount(RestartCountN));
                return true;
            case BackoffSupervisor.GetCurrentChild:
                Sender.Tell(new BackoffSupervisor.CurrentChild(Child));
                return true;
            default:
                Relay(message);
                return true;
        }
    }

    private void Relay(object message)
    {
        if (Child is not null && Child.Equals(Sender)) Context.Parent.Forward(message);
        else if (Child is not null) Child.Forward(message);
        else if (Settings.ReplyWhileStopped is { } reply) Sender.Tell(reply);
        else Context.System.DeadLetters.Forward(message);
    }
}

/// <summary>Starts its child again, with growing pauses, whenever it has stopped.</summary>
/// <remarks>
/// Hears:  the child's end; <see cref="GetCurrentChild"/>, <see cref="GetRestartCount"/>,
///         <see cref="Reset"/>; anything else is for the child.
/// Says:   what the child says to its parent.
/// Holds:  the child and how often it was started lately.
/// Fails:  when the strategy escalates. It stops when the retries are used up.
/// </remarks>
public sealed class BackoffSupervisor : BackoffSupervisorBase
{
    internal BackoffSupervisor(BackoffSettings settings) : base(settings) { }

    /// <summary>Asks for <see cref="CurrentChild"/>.</summary>
    public sealed class GetCurrentChild
    {
        public static readonly GetCurrentChild Instance = new();
        private GetCurrentChild() { }
    }

    /// <summary>Ref is null while the child pauses.</summary>
    public sealed class CurrentChild(IActorRef @ref)
    {
        public IActorRef Ref => @ref;
    }

    /// <summary>The pauses start anew, if that is left to the child.</summary>
    public sealed class Reset
    {
        public static readonly Reset Instance = new();
        private Reset() { }
    }

    /// <summary>Asks for <see cref="RestartCount"/>.</summary>
    public sealed class GetRestartCount
    {
        public static readonly GetRestartCount Instance = new();
        private GetRestartCount() { }
    }

    public sealed class RestartCount(int count)
    {
        public int Count => count;
    }

    public static Props Props(BackoffOptions options) => options.ToProps();

    public static Props Props(Props childProps, string childName, TimeSpan minBackoff,
        TimeSpan maxBackoff, double randomFactor) =>
        Props(Backoff.OnStop(childProps, childName, minBackoff, maxBackoff, randomFactor, -1));

    protected override SupervisorStrategy SupervisorStrategy() =>
        Settings.Strategy ?? Akka.Actor.SupervisorStrategy.DefaultStrategy;

    protected override bool Receive(object message)
    {
        if (message is not Terminated terminated || !terminated.ActorRef.Equals(Child))
        {
            return HandleCommon(message);
        }
        Child = null;
        if (!MayRetry)
        {
            Context.Stop(Self);
            return true;
        }
        var pause = NextPause();
        RestartCountN++;
        Schedule(pause, new StartChild());
        return true;
    }

    /// <summary>The pause doubles with every start, up to the longest, plus some chance.</summary>
    internal static TimeSpan CalculateDelay(
        int restartCount, TimeSpan min, TimeSpan max, double randomFactor, Random random)
    {
        var doubled = restartCount >= 30
            ? max.Ticks : Math.Min((double)max.Ticks, min.Ticks * Math.Pow(2, restartCount));
        double chance;
        lock (random) chance = random.NextDouble();
        return new TimeSpan((long)Math.Min(doubled * (1.0 + (chance * randomFactor)), max.Ticks));
    }
}

/// <summary>Restarts its child, with growing pauses, whenever it has failed.</summary>
/// <remarks>
/// Hears:  as <see cref="BackoffSupervisor"/>. When the child stops by itself, this one does too.
/// Says:   what the child says to its parent.
/// Holds:  the child and how often it failed lately.
/// Fails:  when the strategy escalates.
/// </remarks>
internal sealed class BackoffOnFailureSupervisor : BackoffSupervisorBase
{
    private bool _pausing;

    public BackoffOnFailureSupervisor(BackoffSettings settings) : base(settings) { }

    protected override SupervisorStrategy SupervisorStrategy()
    {
        var decider = (Settings.Strategy ?? Akka.Actor.SupervisorStrategy.DefaultStrategy).Decider;
        return new OneForOneStrategy(cause =>
        {
            var directive = decider.Decide(cause);
            if (directive != Directive.Restart) return directive;
            if (!MayRetry) return Directive.Stop;
            _pausing = true;
            return Directive.Stop;
        });
    }

    protected override bool Receive(object message)
    {
        if (message is not Terminated terminated || !terminated.ActorRef.Equals(Child))
        {
            return HandleCommon(message);
        }
        Child = null;
        if (!_pausing)
        {
            Context.Stop(Self);
            return true;
        }
        _pausing = false;
        var pause = NextPause();
        RestartCountN++;
        Schedule(pause, new StartChild());
        return true;
    }
}
