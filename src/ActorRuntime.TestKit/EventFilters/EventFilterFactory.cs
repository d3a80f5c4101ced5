#nullable disable
using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>Makes filters of log entries: by level, text, source, exception, dead letter.</summary>
public class EventFilterFactory
{
    private readonly TestKitBase _kit;
    private readonly ActorSystem _system;
    private readonly IReadOnlyList<Predicate<LogEvent>> _others;

    internal EventFilterFactory(
        TestKitBase kit, ActorSystem system, IReadOnlyList<Predicate<LogEvent>> others = null)
    {
        _kit = kit;
        _system = system;
        _others = others ?? [];
    }

    private EventFilterApplier Make(Predicate<LogEvent> filter) =>
        new(_kit, _system, [.. _others, filter]);

    private static bool Fits(string text, string message, string start, string contains) =>
        (message is null || text == message) &&
        (start is null || text.StartsWith(start, StringComparison.Ordinal)) &&
        (contains is null || text.Contains(contains, StringComparison.Ordinal));

    private static bool From(LogEvent entry, string source) =>
        source is null || entry.LogSource == source ||
        entry.LogSource.EndsWith(source, StringComparison.Ordinal);

    public IEventFilterApplier ForLogLevel(LogLevel logLevel, string message = null,
        string start = null, string contains = null, string source = null) =>
        Make(entry => entry.LogLevel() == logLevel && entry.Message is not AllDeadLetters &&
            From(entry, source) && Fits($"{entry.Message}", message, start, contains));

    public IEventFilterApplier ForLogLevel(
        LogLevel logLevel, Regex pattern, string source = null) =>
        Make(entry => entry.LogLevel() == logLevel && entry.Message is not AllDeadLetters &&
            From(entry, source) && pattern.IsMatch($"{entry.Message}"));

    public IEventFilterApplier Error(string message = null, string start = null,
        string contains = null, string source = null) =>
        ForLogLevel(LogLevel.ErrorLevel, message, start, contains, source);
    public IEventFilterApplier Error(Regex pattern, string source = null) =>
        ForLogLevel(LogLevel.ErrorLevel, pattern, source);

    public IEventFilterApplier Warning(string message = null, string start = null,
        string contains = null, string source = null) =>
        ForLogLevel(LogLevel.WarningLevel, message, start, contains, source);
    public IEventFilterApplier Warning(Regex pattern, string source = null) =>
        ForLogLevel(LogLevel.WarningLevel, pattern, source);

    public IEventFilterApplier Info(string message = null, string start = null,
        string contains = null, string source = null) =>
        ForLogLevel(LogLevel.InfoLevel, message, start, contains, source);
    public IEventFilterApplier Info(Regex pattern, string source = null) =>
        ForLogLevel(LogLevel.InfoLevel, pattern, source);

    public IEventFilterApplier Debug(string message = null, string start = null,
        string contains = null, string source = null) =>
        ForLogLevel(LogLevel.DebugLevel, message, start, contains, source);
    public IEventFilterApplier Debug(Regex pattern, string source = null) =>
        ForLogLevel(LogLevel.DebugLevel, pattern, source);

    /// <summary>Errors with that exception.</summary>
    public IEventFilterApplier Exception<TException>(string message = null, string start = null,
        string contains = null, string source = null) where TException : Exception =>
        Exception(typeof(TException), message, start, contains, source);

    public IEventFilterApplier Exception<TException>(Regex pattern, string source = null)
        where TException : Exception => Exception(typeof(TException), pattern, source);

    public IEventFilterApplier Exception(Type exceptionType, Regex pattern, string source = null,
        bool checkInnerExceptions = false) =>
        Exception(exceptionType, source, checkInnerExceptions, pattern.IsMatch);

    public IEventFilterApplier Exception(Type exceptionType, string message = null,
        string start = null, string contains = null, string source = null,
        bool checkInnerExceptions = false) =>
        Exception(exceptionType, source, checkInnerExceptions,
            text => Fits(text, message, start, contains));

    private EventFilterApplier Exception(
        Type type, string source, bool inner, Predicate<string> fits) => Make(entry =>
        {
            if (entry is not Akka.Event.Error { Cause: { } cause } || !From(entry, source))
                return false;
            for (; cause is not null; cause = inner ? cause.InnerException : null)
            {
                if (type.IsInstanceOfType(cause) &&
                    (fits(cause.Message) || fits($"{entry.Message}"))) return true;
            }
            return false;
        });

    public IEventFilterApplier DeadLetter() => DeadLetter(typeof(object), null, null);
    public IEventFilterApplier DeadLetter<TMessage>(string source = null) =>
        DeadLetter(typeof(TMessage), null, source);
    public IEventFilterApplier DeadLetter<TMessage>(
        Func<TMessage, bool> isMatch, string source = null) =>
        DeadLetter(typeof(TMessage), message => isMatch((TMessage)message), source);
    public IEventFilterApplier DeadLetter(Type type, string source = null) =>
        DeadLetter(type, null, source);
    public IEventFilterApplier DeadLetter(
        Type type, Func<object, bool> isMatch, string source = null) =>
        Make(entry => entry.Message is DeadLetter letter && From(entry, source) &&
            type.IsInstanceOfType(letter.Message) && isMatch?.Invoke(letter.Message) != false);

    public IEventFilterApplier Custom(Predicate<LogEvent> predicate) => Make(predicate);
    public IEventFilterApplier Custom<TLogEvent>(Predicate<TLogEvent> predicate)
        where TLogEvent : LogEvent => Make(entry => entry is TLogEvent typed && predicate(typed));
}
