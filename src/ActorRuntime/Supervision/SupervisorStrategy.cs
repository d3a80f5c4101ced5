#nullable disable
using Akka.Event;

namespace Akka.Actor;

/// <summary>What a supervisor does with a child that failed.</summary>
public enum Directive
{
    /// <summary>Goes on with the next message, state kept.</summary>
    Resume,

    /// <summary>Goes on with the next message, in a new instance.</summary>
    Restart,

    /// <summary>The supervisor fails itself.</summary>
    Escalate,

    /// <summary>The child ends.</summary>
    Stop,
}

/// <summary>Maps a failure to a directive.</summary>
public interface IDecider
{
    Directive Decide(Exception cause);
}

/// <summary>A decider by function; it cannot leave the process.</summary>
public class LocalOnlyDecider(Func<Exception, Directive> decider) : IDecider
{
    public Directive Decide(Exception cause) => decider(cause);
}

/// <summary>A decider by table; the first entry whose type fits wins.</summary>
public class DeployableDecider : IDecider
{
    public DeployableDecider(
        Directive defaultDirective, params KeyValuePair<Type, Directive>[] pairs)
    {
        DefaultDirective = defaultDirective;
        Pairs = pairs ?? [];
    }

    public Directive DefaultDirective { get; }
    public KeyValuePair<Type, Directive>[] Pairs { get; }

    public Directive Decide(Exception cause)
    {
        foreach (var (type, directive) in Pairs)
        {
            if (type.IsInstanceOfType(cause)) return directive;
        }
        return DefaultDirective;
    }
}

/// <summary>Makes deciders.</summary>
public static class Decider
{
    public static LocalOnlyDecider From(Func<Exception, Directive> localOnlyDecider) =>
        new(localOnlyDecider);

    public static DeployableDecider From(
        Directive defaultDirective, params KeyValuePair<Type, Directive>[] pairs) =>
        new(defaultDirective, pairs);

    public static DeployableDecider From(
        Directive defaultDirective, IEnumerable<KeyValuePair<Type, Directive>> pairs) =>
        new(defaultDirective, [.. pairs]);
}

/// <summary>How an actor answers the failures of its children.</summary>
public abstract class SupervisorStrategy
{
    /// <summary>
    /// Stop for actors that could not start, were killed or lost a watched actor; restart for
    /// anything else.
    /// </summary>
    public static readonly IDecider DefaultDecider = Akka.Actor.Decider.From(
        Directive.Restart,
        KeyValuePair.Create(typeof(ActorInitializationException), Directive.Stop),
        KeyValuePair.Create(typeof(ActorKilledException), Directive.Stop),
        KeyValuePair.Create(typeof(DeathPactException), Directive.Stop));

    public static readonly SupervisorStrategy DefaultStrategy =
        new OneForOneStrategy(DefaultDecider);

    /// <summary>Stops whatever fails.</summary>
    public static readonly OneForOneStrategy StoppingStrategy =
        new(static _ => Directive.Stop);

    public abstract IDecider Decider { get; }

    protected bool LoggingEnabled { get; init; } = true;

    protected virtual Directive Handle(IActorRef child, Exception exception) =>
        Decider.Decide(exception);

    private protected abstract bool IsOneForOne { get; }
    private protected abstract int RetriesMax { get; }
    private protected abstract TimeSpan Window { get; }

    /// <summary>Acts on a failure; false if it has to be escalated.</summary>
    internal bool HandleFailure(
        ActorCell supervisor, ChildRecord failed, Exception cause, ChildRecord[] children)
    {
        var child = failed.Ref;
        var directive = Handle(child, cause);
        if (LoggingEnabled) LogFailure(supervisor, child, cause, directive);
        switch (directive)
        {
            case Directive.Resume:
                child.Resume(cause);
                return true;
            case Directive.Escalate:
                return false;
            default:
                Process(directive == Directive.Restart, supervisor, failed, cause, children);
                return true;
        }
    }

    private void Process(bool restart, ActorCell supervisor, ChildRecord failed, Exception cause,
        ChildRecord[] children)
    {
        ChildRecord[] affected = IsOneForOne ? [failed] : children;
        var now = supervisor.System.Scheduler.MonotonicClock;
        var may = restart &&
            affected.All(record => record.RequestRestart(RetriesMax, Window, now));
        foreach (var record in affected)
        {
            if (!may)
            {
                supervisor.Stop(record.Ref);
                continue;
            }
            if (!ReferenceEquals(record, failed)) record.Ref.Suspend();
            record.Ref.Restart(cause);
        }
    }

    private static void LogFailure(
        ActorCell supervisor, IActorRef child, Exception cause, Directive directive)
    {
        var message = cause is ActorInitializationException { InnerException: { } inner }
            ? inner.Message
            : cause.Message;
        var source = child.Path.ToString();
        LogEvent entry = directive switch
        {
            Directive.Resume => new Warning(source, typeof(SupervisorStrategy), message),
            Directive.Escalate => null,
            _ => new Error(cause, source, typeof(SupervisorStrategy), message),
        };
        if (entry is not null) supervisor.System.EventStream.Publish(entry);
    }
}

/// <summary>The directive concerns only the child that failed.</summary>
public class OneForOneStrategy : SupervisorStrategy
{
    /// <param name="maxNrOfRetries">-1 or null: no limit; 0: never restart.</param>
    /// <param name="withinTimeRange">In which the retries count; null: for ever.</param>
    public OneForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange,
        Func<Exception, Directive> localOnlyDecider)
        : this(maxNrOfRetries, withinTimeRange, new LocalOnlyDecider(localOnlyDecider)) { }

    public OneForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : this(maxNrOfRetries ?? -1, Milliseconds(withinTimeRange), decider) { }

    public OneForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds,
        Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(maxNrOfRetries, withinTimeMilliseconds,
            new LocalOnlyDecider(localOnlyDecider), loggingEnabled)
    { }

    public OneForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider,
        bool loggingEnabled = true)
    {
        MaxNumberOfRetries = maxNrOfRetries;
        WithinTimeRangeMilliseconds = withinTimeMilliseconds;
        Decider = decider;
        LoggingEnabled = loggingEnabled;
    }

    public OneForOneStrategy(
        Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(-1, -1, localOnlyDecider, loggingEnabled) { }

    public OneForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(-1, -1, localOnlyDecider) { }

    public OneForOneStrategy(IDecider decider) : this(-1, -1, decider) { }

    public int MaxNumberOfRetries { get; }
    public int WithinTimeRangeMilliseconds { get; }
    public override IDecider Decider { get; }

    public OneForOneStrategy WithMaxNrOfRetries(int maxNrOfRetries) =>
        new(maxNrOfRetries, WithinTimeRangeMilliseconds, Decider, LoggingEnabled);

    private protected override bool IsOneForOne => true;
    private protected override int RetriesMax => MaxNumberOfRetries;
    private protected override TimeSpan Window =>
        TimeSpan.FromMilliseconds(WithinTimeRangeMilliseconds);

    internal static int Milliseconds(TimeSpan? range) =>
        range is { } time && time != Timeout.InfiniteTimeSpan
            ? (int)Math.Min(time.TotalMilliseconds, int.MaxValue) : -1;
}

/// <summary>The directive concerns all children, because they depend on each other.</summary>
public class AllForOneStrategy : SupervisorStrategy
{
    /// <param name="maxNrOfRetries">-1 or null: no limit; 0: never restart.</param>
    /// <param name="withinTimeRange">In which the retries count; null: for ever.</param>
    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange,
        Func<Exception, Directive> localOnlyDecider)
        : this(maxNrOfRetries, withinTimeRange, new LocalOnlyDecider(localOnlyDecider)) { }

    public AllForOneStrategy(int? maxNrOfRetries, TimeSpan? withinTimeRange, IDecider decider)
        : this(maxNrOfRetries ?? -1, OneForOneStrategy.Milliseconds(withinTimeRange), decider) { }

    public AllForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds,
        Func<Exception, Directive> localOnlyDecider, bool loggingEnabled = true)
        : this(maxNrOfRetries, withinTimeMilliseconds,
            new LocalOnlyDecider(localOnlyDecider), loggingEnabled)
    { }

    public AllForOneStrategy(int maxNrOfRetries, int withinTimeMilliseconds, IDecider decider,
        bool loggingEnabled = true)
    {
        MaxNumberOfRetries = maxNrOfRetries;
        WithinTimeRangeMilliseconds = withinTimeMilliseconds;
        Decider = decider;
        LoggingEnabled = loggingEnabled;
    }

    public AllForOneStrategy(Func<Exception, Directive> localOnlyDecider)
        : this(-1, -1, localOnlyDecider) { }

    public AllForOneStrategy(IDecider decider) : this(-1, -1, decider) { }

    public int MaxNumberOfRetries { get; }
    public int WithinTimeRangeMilliseconds { get; }
    public override IDecider Decider { get; }

    private protected override bool IsOneForOne => false;
    private protected override int RetriesMax => MaxNumberOfRetries;
    private protected override TimeSpan Window =>
        TimeSpan.FromMilliseconds(WithinTimeRangeMilliseconds);
}

/// <summary>Names a strategy in configuration: <c>guardian-supervisor-strategy</c>.</summary>
public abstract class SupervisorStrategyConfigurator
{
    public abstract SupervisorStrategy Create();
}

public sealed class DefaultSupervisorStrategy : SupervisorStrategyConfigurator
{
    public override SupervisorStrategy Create() => SupervisorStrategy.DefaultStrategy;
}

public sealed class StoppingSupervisorStrategy : SupervisorStrategyConfigurator
{
    public override SupervisorStrategy Create() => SupervisorStrategy.StoppingStrategy;
}
