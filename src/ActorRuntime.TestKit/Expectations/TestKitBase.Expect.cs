#nullable disable
using Akka.Actor;

namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    private T Expect<T>(TimeSpan? timeout, string hint, Action<T, IActorRef> check,
        CancellationToken cancellationToken)
    {
        var limit = RemainingOrDilated(timeout);
        var why = hint is null ? "" : $" [{hint}]";
        if (!TryTakeUntil(Now + limit, cancellationToken, out var envelope))
        {
            Fail($"Failed: Timeout {limit} while waiting for a message of type {typeof(T)}{why}");
        }
        if (envelope.Message is not T typed)
        {
            if (envelope.Message is not null || default(T) is not null)
            {
                Fail($"Failed: Expected a message of type {typeof(T)}, but received " +
                    $"{{{envelope.Message}}} " +
                    $"(type {envelope.Message?.GetType().ToString() ?? "null"}) " +
                    $"instead{why} from {envelope.Sender}");
            }
            typed = default;
        }
        check?.Invoke(typed, envelope.Sender);
        return typed;
    }

    private void Check(bool condition, string hint, string failure)
    {
        if (!condition) Fail(hint is null ? failure : $"{failure} [{hint}]");
    }

    /// <summary>The next message, which must be of the type.</summary>
    public T ExpectMsg<T>(TimeSpan? duration = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(duration, hint, null, cancellationToken);

    /// <summary>The next message, which must equal the given one.</summary>
    public T ExpectMsg<T>(T message, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, _) => Check(Same(message, got), hint,
            $"Failed: Expected {message}, got {got}"), cancellationToken);

    private static bool Same<T>(T expected, T actual)
    {
        if (expected is not string && expected is System.Collections.IEnumerable left &&
            actual is System.Collections.IEnumerable right && !Equals(expected, actual))
        {
            return left.Cast<object>().SequenceEqual(right.Cast<object>());
        }
        return EqualityComparer<T>.Default.Equals(expected, actual);
    }

    public T ExpectMsg<T>(Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, _) => Check(isMessage(got), hint,
            $"Failed: Got a message of the expected type <{typeof(T)}>. Also expected the " +
            $"predicate to return true but the message {{{got}}} did not"), cancellationToken);

    public T ExpectMsg<T>(Action<T> assert, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, _) => assert(got), cancellationToken);

    public T ExpectMsg<T>(Func<T, IActorRef, bool> isMessageAndSender, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, sender) => Check(isMessageAndSender(got, sender), hint,
            $"Failed: the predicate refused {{{got}}} from {sender}"), cancellationToken);

    public T ExpectMsg<T>(Action<T, IActorRef> assertMessageAndSender, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, assertMessageAndSender, cancellationToken);

    public T ExpectMsg<T>(T expected, Func<T, T, bool> comparer, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, _) => Check(comparer(expected, got), hint,
            $"Failed: Expected {expected}, got {got}"), cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, TimeSpan? duration = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(duration, hint, (_, from) => CheckSender(sender, from, hint), cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, T message, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, from) =>
        {
            CheckSender(sender, from, hint);
            Check(Same(message, got), hint, $"Failed: Expected {message}, got {got}");
        }, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, Predicate<T> isMessage, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, from) =>
        {
            CheckSender(sender, from, hint);
            Check(isMessage(got), hint, $"Failed: the predicate refused {{{got}}}");
        }, cancellationToken);

    public T ExpectMsgFrom<T>(IActorRef sender, Action<T> assertMessage, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, from) =>
        {
            CheckSender(sender, from, hint);
            assertMessage(got);
        }, cancellationToken);

    public T ExpectMsgFrom<T>(Predicate<IActorRef> isSender, Predicate<T> isMessage,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, from) => Check(isSender(from) && isMessage(got), hint,
            $"Failed: the predicates refused {{{got}}} from {from}"), cancellationToken);

    public T ExpectMsgFrom<T>(Action<IActorRef> assertSender, Action<T> assertMessage,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        Expect<T>(timeout, hint, (got, from) =>
        {
            assertSender(from);
            assertMessage(got);
        }, cancellationToken);

    private void CheckSender(IActorRef expected, IActorRef actual, string hint) =>
        Check(expected.Equals(actual), hint,
            $"Failed: Sender does not match. Got a message of the expected type from {actual}, " +
            $"expected it from {expected}");

    /// <summary>The end of an actor that the test actor watches.</summary>
    public Terminated ExpectTerminated(IActorRef target, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        Expect<Terminated>(timeout, hint, (got, _) => Check(target.Equals(got.ActorRef), hint,
            $"Failed: Expected the end of {target}, got that of {got.ActorRef}"),
            cancellationToken);

    /// <summary>As many messages as given, each of them equal to one, in any order.</summary>
    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(params T[] messages) =>
        ExpectMsgAllOf(RemainingOrDefault, messages);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(
        IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        ExpectMsgAllOf(RemainingOrDefault, messages, cancellationToken);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(TimeSpan max, params T[] messages) =>
        ExpectMsgAllOf(max, (IReadOnlyCollection<T>)messages);

    public IReadOnlyCollection<T> ExpectMsgAllOf<T>(TimeSpan max, IReadOnlyCollection<T> messages,
        CancellationToken cancellationToken = default)
    {
        var received = ReceiveN(messages.Count, max, cancellationToken);
        var left = received.ToList();
        var missing = messages.Where(wanted => !left.Remove(wanted)).ToList();
        if (missing.Count > 0 || left.Count > 0)
        {
            Fail($"not found [{string.Join(", ", missing)}] " +
                $"unexpected [{string.Join(", ", left)}]");
        }
        return [.. received.Cast<T>()];
    }

    /// <summary>The next message, which must equal one of the given.</summary>
    public T ExpectMsgAnyOf<T>(
        IEnumerable<T> messages, CancellationToken cancellationToken = default)
    {
        T[] wanted = [.. messages];
        return ExpectMsg<T>(got => wanted.Contains(got), null,
            $"expected one of {string.Join(", ", wanted)}", cancellationToken);
    }

    public T ExpectMsgAnyOf<T>(params T[] messages) => ExpectMsgAnyOf(messages.AsEnumerable());

    /// <summary>Nothing comes in the default time.</summary>
    public void ExpectNoMsg(CancellationToken cancellationToken = default) =>
        ExpectNone(RemainingOrDefault, cancellationToken);

    /// <summary>Nothing comes in that time.</summary>
    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default) =>
        ExpectNone(Dilated(duration), cancellationToken);

    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    private void ExpectNone(TimeSpan duration, CancellationToken cancellationToken)
    {
        if (!TryTakeUntil(Now + duration, cancellationToken, out var envelope)) return;
        Fail($"Failed: Expected no messages during {duration}, instead we received {envelope}");
    }
}
