#nullable disable
using System.Globalization;

namespace Akka.Event;

/// <summary>Makes the text of a log entry from its format and arguments.</summary>
public interface ILogMessageFormatter
{
    string Format(string format, params object[] args);
    string Format(string format, IEnumerable<object> args);
}

/// <summary>Positional: <c>{0}</c>.</summary>
public class DefaultLogMessageFormatter : ILogMessageFormatter
{
    public static readonly DefaultLogMessageFormatter Instance = new();

    public string Format(string format, params object[] args) =>
        string.Format(CultureInfo.InvariantCulture, format, args);

    public string Format(string format, IEnumerable<object> args) =>
        Format(format, args.ToArray());
}

/// <summary>A log entry whose text is made only when somebody reads it.</summary>
public abstract class LogMessage(ILogMessageFormatter formatter, string format)
{
    protected readonly ILogMessageFormatter Formatter = formatter;
    public string Format => format;
    public abstract string Unformatted();
    public abstract IEnumerable<object> Parameters();

    public override string ToString()
    {
        try
        {
            return Formatter.Format(Format, Parameters());
        }
        catch (FormatException)
        {
            return "Received a malformed formatted message. " + Unformatted();
        }
    }
}

internal sealed class ParameterizedLogMessage(
    ILogMessageFormatter formatter, string format, object[] args) : LogMessage(formatter, format)
{
    public override IEnumerable<object> Parameters() => args;
    public override string Unformatted() =>
        $"Template: [{Format}], args: [{string.Join(',', args)}]";
}

/// <summary>Writes log entries of one source.</summary>
public interface ILoggingAdapter
{
    ILogMessageFormatter Formatter { get; }
    bool IsDebugEnabled { get; }
    bool IsInfoEnabled { get; }
    bool IsWarningEnabled { get; }
    bool IsErrorEnabled { get; }
    bool IsEnabled(LogLevel logLevel);
    void Log(LogLevel logLevel, Exception cause, LogMessage message);
    void Log(LogLevel logLevel, Exception cause, string format);
}

internal sealed class BusLogging(
    LoggingBus bus, string source, Type logClass, ILogMessageFormatter formatter) : ILoggingAdapter
{
    public ILogMessageFormatter Formatter => formatter;
    public bool IsDebugEnabled => IsEnabled(LogLevel.DebugLevel);
    public bool IsInfoEnabled => IsEnabled(LogLevel.InfoLevel);
    public bool IsWarningEnabled => IsEnabled(LogLevel.WarningLevel);
    public bool IsErrorEnabled => IsEnabled(LogLevel.ErrorLevel);
    public bool IsEnabled(LogLevel logLevel) => logLevel >= bus.LogLevel;

    public void Log(LogLevel logLevel, Exception cause, LogMessage message) =>
        Publish(logLevel, cause, message);

    public void Log(LogLevel logLevel, Exception cause, string format) =>
        Publish(logLevel, cause, format);

    private void Publish(LogLevel level, Exception cause, object message)
    {
        if (!IsEnabled(level)) return;
        LogEvent entry = level switch
        {
            LogLevel.DebugLevel => new Debug(cause, source, logClass, message),
            LogLevel.InfoLevel => new Info(cause, source, logClass, message),
            LogLevel.WarningLevel => new Warning(cause, source, logClass, message),
            _ => new Error(cause, source, logClass, message),
        };
        ((EventStream)bus).Publish(entry);
    }
}

/// <summary>Logs nothing.</summary>
public sealed class NoLogger : ILoggingAdapter
{
    public static readonly ILoggingAdapter Instance = new NoLogger();
    private NoLogger() { }
    public ILogMessageFormatter Formatter => DefaultLogMessageFormatter.Instance;
    public bool IsDebugEnabled => false;
    public bool IsInfoEnabled => false;
    public bool IsWarningEnabled => false;
    public bool IsErrorEnabled => false;
    public bool IsEnabled(LogLevel logLevel) => false;
    public void Log(LogLevel logLevel, Exception cause, LogMessage message) { }
    public void Log(LogLevel logLevel, Exception cause, string format) { }
}
