#nullable disable
using Akka.Actor;

namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    public ValueTask<T> ExpectMsgAsync<T>(TimeSpan? duration = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(() => ExpectMsg<T>(duration, hint, cancellationToken), cancellationToken));

    public ValueTask<T> ExpectMsgAsync<T>(T message, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsg<T>(message, timeout, hint, cancellationToken), cancellationToken));

    public ValueTask<T> ExpectMsgAsync<T>(Predicate<T> isMessage, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsg<T>(isMessage, timeout, hint, cancellationToken), cancellationToken));

    public ValueTask<T> ExpectMsgAsync<T>(Action<T> assert, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsg<T>(assert, timeout, hint, cancellationToken), cancellationToken));

    public ValueTask<T> ExpectMsgAsync<T>(Func<T, IActorRef, bool> isMessageAndSender,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsg<T>(isMessageAndSender, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgAsync<T>(Action<T, IActorRef> assertMessageAndSender,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsg<T>(assertMessageAndSender, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgAsync<T>(T expected, Func<T, T, bool> comparer,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsg<T>(expected, comparer, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, TimeSpan? duration = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgFrom<T>(sender, duration, hint, cancellationToken), cancellationToken));

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, T message,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgFrom<T>(sender, message, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, Predicate<T> isMessage,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgFrom<T>(sender, isMessage, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgFromAsync<T>(IActorRef sender, Action<T> assertMessage,
        TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgFrom<T>(sender, assertMessage, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgFromAsync<T>(Predicate<IActorRef> isSender,
        Predicate<T> isMessage, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgFrom<T>(isSender, isMessage, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<T> ExpectMsgFromAsync<T>(Action<IActorRef> assertSender,
        Action<T> assertMessage, TimeSpan? timeout = null, string hint = null,
        CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgFrom<T>(assertSender, assertMessage, timeout, hint, cancellationToken),
                cancellationToken));

    public ValueTask<Terminated> ExpectTerminatedAsync(IActorRef target, TimeSpan? timeout = null,
        string hint = null, CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectTerminated(target, timeout, hint, cancellationToken), cancellationToken));

    public ValueTask<IReadOnlyCollection<T>> ExpectMsgAllOfAsync<T>(
        IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        new(InBackground(() => ExpectMsgAllOf(messages, cancellationToken), cancellationToken));

    public ValueTask<IReadOnlyCollection<T>> ExpectMsgAllOfAsync<T>(TimeSpan max,
        IReadOnlyCollection<T> messages, CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => ExpectMsgAllOf(max, messages, cancellationToken), cancellationToken));

    public ValueTask<T> ExpectMsgAnyOfAsync<T>(IEnumerable<T> messages,
        CancellationToken cancellationToken = default) =>
        new(InBackground(() => ExpectMsgAnyOf(messages, cancellationToken), cancellationToken));

    public ValueTask ExpectNoMsgAsync(CancellationToken cancellationToken = default) =>
        new(InBackground(() => ExpectNoMsg(cancellationToken), cancellationToken));

    public ValueTask ExpectNoMsgAsync(TimeSpan duration,
        CancellationToken cancellationToken = default) =>
        new(InBackground(() => ExpectNoMsg(duration, cancellationToken), cancellationToken));

    public ValueTask ExpectNoMsgAsync(int milliseconds,
        CancellationToken cancellationToken = default) =>
        new(InBackground(() => ExpectNoMsg(milliseconds, cancellationToken), cancellationToken));
}
