#nullable disable
using Akka.Actor;

namespace Akka.Pattern;

/// <summary>Describes supervisors that start a child again with growing pauses.</summary>
public static class Backoff
{
    /// <summary>For a child that fails. Its supervisor starts it again after the pause.</summary>
    public static BackoffOptions OnFailure(Props childProps, string childName,
        TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        new OnFailureOptions(new BackoffSettings(childProps, childName, minBackoff, maxBackoff,
            randomFactor, maxNrOfRetries));

    /// <summary>For a child that stops, whether it failed or not.</summary>
    public static BackoffOptions OnStop(Props childProps, string childName,
        TimeSpan minBackoff, TimeSpan maxBackoff, double randomFactor, int maxNrOfRetries) =>
        new OnStopOptions(new BackoffSettings(childProps, childName, minBackoff, maxBackoff,
            randomFactor, maxNrOfRetries));
}

/// <summary>All that a backoff supervisor can be told.</summary>
internal sealed record BackoffSettings(Props ChildProps, string ChildName, TimeSpan Min,
    TimeSpan Max, double RandomFactor, int RetriesMax)
{
    /// <summary>Null: as long as the shortest pause.</summary>
    public TimeSpan? ResetAfter { get; init; }
    public bool ManualReset { get; init; }
    public OneForOneStrategy Strategy { get; init; }
    public object ReplyWhileStopped { get; init; }
    public object FinalStopMessage { get; init; }

    public void Check()
    {
        if (Min <= TimeSpan.Zero) throw new ArgumentException("minBackoff must be greater than 0");
        if (Max < Min) throw new ArgumentException("maxBackoff must be greater than minBackoff");
        if (RandomFactor is < 0.0 or > 1.0)
        {
            throw new ArgumentException("randomFactor must be between 0.0 and 1.0");
        }
    }
}

/// <summary>Options of a backoff supervisor; immutable.</summary>
public abstract class BackoffOptions
{
    private protected BackoffOptions(BackoffSettings settings) => Settings = settings;

    private protected BackoffSettings Settings { get; }
    private protected abstract BackoffOptions With(BackoffSettings settings);

    /// <summary>The pauses start anew when the child has lived that long.</summary>
    public BackoffOptions WithAutoReset(TimeSpan resetBackoff) =>
        With(Settings with { ResetAfter = resetBackoff, ManualReset = false });

    /// <summary>The pauses start anew when the child says so.</summary>
    public BackoffOptions WithManualReset() => With(Settings with { ManualReset = true });

    /// <summary>Its decider decides; restarts happen with a pause.</summary>
    public BackoffOptions WithSupervisorStrategy(OneForOneStrategy supervisorStrategy) =>
        With(Settings with { Strategy = supervisorStrategy });

    public BackoffOptions WithDefaultStoppingStrategy() =>
        With(Settings with { Strategy = SupervisorStrategy.StoppingStrategy });

    /// <summary>-1: no limit.</summary>
    public BackoffOptions WithMaxNrOfRetries(int maxNrOfRetries) =>
        With(Settings with { RetriesMax = maxNrOfRetries });

    /// <summary>Answers messages that come while there is no child.</summary>
    public BackoffOptions WithReplyWhileStopped(object replyWhileStopped) =>
        With(Settings with { ReplyWhileStopped = replyWhileStopped });

    internal abstract Props ToProps();
}

internal sealed class OnFailureOptions(BackoffSettings settings) : BackoffOptions(settings)
{
    private protected override BackoffOptions With(BackoffSettings changed) =>
        new OnFailureOptions(changed);

    internal override Props ToProps()
    {
        Settings.Check();
        var settings = Settings;
        return Props.Create(() => new BackoffOnFailureSupervisor(settings));
    }
}

internal sealed class OnStopOptions(BackoffSettings settings) : BackoffOptions(settings)
{
    private protected override BackoffOptions With(BackoffSettings changed) =>
        new OnStopOptions(changed);

    internal override Props ToProps()
    {
        Settings.Check();
        var settings = Settings;
        return Props.Create(() => new BackoffSupervisor(settings));
    }
}
