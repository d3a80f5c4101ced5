#nullable disable
using Akka.Actor;

namespace Akka.Event;

/// <summary>Makes loggers, and translates levels.</summary>
public static class Logging
{
    /// <summary>The logger of the running actor.</summary>
    public static ILoggingAdapter GetLogger(
        this IActorContext context, ILogMessageFormatter logMessageFormatter = null) =>
        new BusLogging(context.System.EventStream, context.Self.Path.ToString(),
            ((ActorCell)context).Actor?.GetType() ?? context.Props.Type,
            logMessageFormatter ?? DefaultLogMessageFormatter.Instance);

    public static ILoggingAdapter GetLogger(ActorSystem system, object logSourceObj,
        ILogMessageFormatter logMessageFormatter = null) =>
        GetLogger(system.EventStream, logSourceObj, logMessageFormatter);

    public static ILoggingAdapter GetLogger(LoggingBus loggingBus, object logSourceObj,
        ILogMessageFormatter logMessageFormatter = null)
    {
        var (source, type) = logSourceObj switch
        {
            string text => (text, typeof(string)),
            IActorRef actor => (actor.Path.ToString(), actor.GetType()),
            Type known => (known.Name, known),
            _ => (logSourceObj.ToString(), logSourceObj.GetType()),
        };
        return new BusLogging(loggingBus, source, type,
            logMessageFormatter ?? DefaultLogMessageFormatter.Instance);
    }

    /// <summary>The event class of a level.</summary>
    public static Type ClassFor(this LogLevel logLevel) => logLevel switch
    {
        LogLevel.DebugLevel => typeof(Debug),
        LogLevel.InfoLevel => typeof(Info),
        LogLevel.WarningLevel => typeof(Warning),
        LogLevel.ErrorLevel => typeof(Error),
        _ => throw new ArgumentException("Unknown LogLevel", nameof(logLevel)),
    };

    /// <summary>The level's name in configuration.</summary>
    public static string StringFor(this LogLevel logLevel) => logLevel switch
    {
        LogLevel.DebugLevel => "DEBUG",
        LogLevel.InfoLevel => "INFO",
        LogLevel.WarningLevel => "WARNING",
        LogLevel.ErrorLevel => "ERROR",
        _ => throw new ArgumentException("Unknown LogLevel", nameof(logLevel)),
    };

    /// <exception cref="ArgumentException">No such level.</exception>
    public static LogLevel LogLevelFor(string logLevel) => logLevel?.ToUpperInvariant() switch
    {
        "DEBUG" => LogLevel.DebugLevel,
        "INFO" => LogLevel.InfoLevel,
        "WARNING" => LogLevel.WarningLevel,
        "ERROR" => LogLevel.ErrorLevel,
        "OFF" => (LogLevel)int.MaxValue,
        _ => throw new ArgumentException(
            $"Unknown LogLevel: \"{logLevel}\": use DEBUG, INFO, WARNING, ERROR or OFF",
            nameof(logLevel)),
    };
}

/// <summary>Told to a logger actor before its first entry.</summary>
public class InitializeLogger(LoggingBus loggingBus) : INoSerializationVerificationNeeded
{
    public LoggingBus LoggingBus => loggingBus;
}

/// <summary>The logger actor's answer.</summary>
public class LoggerInitialized : INoSerializationVerificationNeeded;

/// <summary>
/// Writes entries to the standard output, one line each, in the thread that logs.
/// </summary>
internal sealed class StandardOutSink : ILogSink
{
    private readonly TextWriter _output = Console.Out;

    public void Write(LogEvent entry) => _output.WriteLine(entry.ToString());
}

/// <summary>Names the default logger in configuration: entries go to the standard output.</summary>
/// <remarks>
/// Hears:  log entries, and <see cref="InitializeLogger"/>.
/// Says:   <see cref="LoggerInitialized"/>.
/// Holds:  nothing.
/// Fails:  when the standard output does.
/// </remarks>
public class DefaultLogger : ActorBase
{
    protected override bool Receive(object message)
    {
        switch (message)
        {
            case InitializeLogger: Sender.Tell(new LoggerInitialized()); return true;
            case LogEvent entry: Console.Out.WriteLine(entry.ToString()); return true;
            default: return false;
        }
    }
}

/// <summary>Logs dead letters, so many of them and then none for a while.</summary>
/// <remarks>
/// Hears:  dead letters, dropped and unhandled messages from the event stream.
/// Says:   log entries.
/// Holds:  how many were logged since it last was quiet.
/// Fails:  never by itself.
/// </remarks>
internal sealed class DeadLetterListener : ActorBase
{
    private readonly int _limit;
    private readonly TimeSpan _pause;
    private readonly bool _unhandled;
    private long _count;
    private int _logged;
    private TimeSpan? _quietSince;

    /// <param name="limit">Entries until it is quiet; int.MaxValue: no limit.</param>
    public DeadLetterListener(int limit, TimeSpan pause, bool unhandled)
    {
        _limit = limit;
        _pause = pause;
        _unhandled = unhandled;
    }

    protected override void PreStart()
    {
        if (_limit > 0)
        {
            Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));
            Context.System.EventStream.Subscribe(Self, typeof(Dropped));
        }
        if (_unhandled) Context.System.EventStream.Subscribe(Self, typeof(UnhandledMessage));
    }

    protected override void PostRestart(Exception reason) { }
    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    protected override bool Receive(object message)
    {
        switch (message)
        {
            case UnhandledMessage unhandled:
                Write(unhandled, new Debug(unhandled.Recipient.Path.ToString(), GetType(),
                    $"Unhandled message from {unhandled.Sender} : {unhandled.Message}"));
                return true;
            case AllDeadLetters letter:
                Log(letter);
                return true;
            default:
                return false;
        }
    }

    private void Log(AllDeadLetters letter)
    {
        _count++;
        var now = Context.System.Scheduler.MonotonicClock;
        if (_quietSince is { } since)
        {
            if (now - since < _pause) return;
            _quietSince = null;
            _logged = 0;
        }
        var last = _limit != int.MaxValue && ++_logged >= _limit;
        if (last) _quietSince = now;
        var why = letter is Dropped dropped ? $" Reason: {dropped.Reason}." : "";
        Write(letter, new Info(letter.Recipient.Path.ToString(), GetType(),
            $"Message [{letter.Message.GetType().Name}] from {letter.Sender} to " +
            $"{letter.Recipient} was not delivered.{why} [{_count}] dead letters encountered" +
            (last ? $", no more dead letters will be logged in next [{_pause}]." : ".") +
            " This logging can be turned off or adjusted with configuration settings " +
            "'akka.log-dead-letters' and 'akka.log-dead-letters-during-shutdown'."));
    }

    private static void Write(AllDeadLetters letter, LogEvent entry)
    {
        if (letter.Message is LogEvent) return;
        var events = Context.System.EventStream;
        if (entry.LogLevel() >= events.LogLevel) events.Publish(entry);
    }
}
