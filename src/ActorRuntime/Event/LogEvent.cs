#nullable disable
using System.Globalization;

namespace Akka.Event;

/// <summary>How much a log entry matters.</summary>
public enum LogLevel
{
    DebugLevel,
    InfoLevel,
    WarningLevel,
    ErrorLevel,
}

/// <summary>One log entry.</summary>
public abstract class LogEvent : Akka.Actor.INoSerializationVerificationNeeded
{
    protected LogEvent()
    {
        Timestamp = LogClock.UtcNow;
        Thread = Thread.CurrentThread;
    }

    public Exception Cause { get; protected set; }
    public DateTime Timestamp { get; }
    public Thread Thread { get; }
    public string LogSource { get; protected set; }
    public Type LogClass { get; protected set; }
    public object Message { get; protected set; }

    public abstract LogLevel LogLevel();

    public override string ToString()
    {
        var level = LogLevel().ToString().Replace("Level", "").ToUpperInvariant();
        var line = string.Create(CultureInfo.InvariantCulture,
            $"[{level}][{Timestamp:MM/dd/yyyy HH:mm:ss.fff}Z]" +
            $"[Thread {Thread.ManagedThreadId:0000}][{LogSource}] {Message}");
        return Cause is null ? line : line + Environment.NewLine + "Cause: " + Cause;
    }
}

/// <summary>The clock of log entries; the one that is current in the running system.</summary>
internal static class LogClock
{
    public static DateTime UtcNow =>
        (Akka.Actor.ActorCell.Current?.SystemInternal.Time ?? TimeProvider.System)
            .GetUtcNow().UtcDateTime;
}

public class Debug : LogEvent
{
    public Debug(string logSource, Type logClass, object message)
        : this(null, logSource, logClass, message) { }

    public Debug(Exception cause, string logSource, Type logClass, object message)
    {
        Cause = cause;
        LogSource = logSource;
        LogClass = logClass;
        Message = message;
    }

    public override LogLevel LogLevel() => Event.LogLevel.DebugLevel;
}

public class Info : LogEvent
{
    public Info(string logSource, Type logClass, object message)
        : this(null, logSource, logClass, message) { }

    public Info(Exception cause, string logSource, Type logClass, object message)
    {
        Cause = cause;
        LogSource = logSource;
        LogClass = logClass;
        Message = message;
    }

    public override LogLevel LogLevel() => Event.LogLevel.InfoLevel;
}

public class Warning : LogEvent
{
    public Warning(string logSource, Type logClass, object message)
        : this(null, logSource, logClass, message) { }

    public Warning(Exception cause, string logSource, Type logClass, object message)
    {
        Cause = cause;
        LogSource = logSource;
        LogClass = logClass;
        Message = message;
    }

    public override LogLevel LogLevel() => Event.LogLevel.WarningLevel;
}

public class Error : LogEvent
{
    public Error(string logSource, Type logClass, object message)
        : this(null, logSource, logClass, message) { }

    public Error(Exception cause, string logSource, Type logClass, object message)
    {
        Cause = cause;
        LogSource = logSource;
        LogClass = logClass;
        Message = message;
    }

    public override LogLevel LogLevel() => Event.LogLevel.ErrorLevel;
}
