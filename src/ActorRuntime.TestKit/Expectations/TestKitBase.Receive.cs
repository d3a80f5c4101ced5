#nullable disable
using Akka.Actor;

namespace Akka.TestKit;

public abstract partial class TestKitBase
{
    private static readonly TimeSpan Unbounded = TimeSpan.MaxValue;

    private TimeSpan _end = Unbounded; // Of the innermost Within.

    /// <summary>What is left of the innermost Within.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public TimeSpan Remaining => _end == Unbounded
        ? throw new InvalidOperationException("Remaining may not be called outside of \"within\"")
        : Max(_end - Now);

    /// <summary>What is left of the innermost Within, or single-expect-default.</summary>
    public TimeSpan RemainingOrDefault => _end == Unbounded
        ? Dilated(TestKitSettings.SingleExpectDefault) : Max(_end - Now);

    /// <summary>The given duration, bounded by the innermost Within.</summary>
    public TimeSpan RemainingOrDilated(TimeSpan? duration)
    {
        if (duration is not { } given) return RemainingOrDefault;
        if (given < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(duration), "Must not be negative");
        }
        var dilated = Dilated(given);
        return _end == Unbounded || dilated < Max(_end - Now) ? dilated : Max(_end - Now);
    }

    private static TimeSpan Max(TimeSpan time) => time < TimeSpan.Zero ? TimeSpan.Zero : time;

    private static Task<T> InBackground<T>(Func<T> wait, CancellationToken token) =>
        Task.Factory.StartNew(
            wait, token, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static Task InBackground(Action wait, CancellationToken token) =>
        Task.Factory.StartNew(
            wait, token, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The next message, left in the queue; null if none comes.</summary>
    public object PeekOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        _received.TryTake(out var found, RemainingOrDilated(max), cancellationToken, remove: false)
            ? found.Message : null;

    public object PeekOne(CancellationToken cancellationToken) => PeekOne(null, cancellationToken);

    /// <summary>The next message; null if none comes.</summary>
    public object ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        TryReceiveOne(out var found, max, cancellationToken) ? found.Message : null;

    public ValueTask<object> ReceiveOneAsync(
        TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        new(InBackground(() => ReceiveOne(max, cancellationToken), cancellationToken));

    /// <summary>The next message; false if none comes in time.</summary>
    public bool TryReceiveOne(out MessageEnvelope envelope, TimeSpan? max = null,
        CancellationToken cancellationToken = default)
    {
        if (_received.TryTake(out envelope, RemainingOrDilated(max), cancellationToken))
        {
            _last = envelope;
            return true;
        }
        envelope = null;
        _last = MessageEnvelope.Null;
        return false;
    }

    /// <summary>So many messages.</summary>
    public IReadOnlyCollection<object> ReceiveN(
        int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default)
    {
        var end = Now + RemainingOrDilated(max);
        var messages = new List<object>();
        while (messages.Count < numberOfMessages)
        {
            if (!TryTakeUntil(end, cancellationToken, out var envelope))
            {
                Fail($"Timeout ({max}) while expecting {numberOfMessages} messages. " +
                    $"Only got {messages.Count}{Lines(messages)}");
            }
            messages.Add(envelope.Message);
        }
        return messages;
    }

    public IReadOnlyCollection<object> ReceiveN(
        int numberOfMessages, CancellationToken cancellationToken = default) =>
        ReceiveN(numberOfMessages, RemainingOrDefault, cancellationToken);

    public async IAsyncEnumerable<object> ReceiveNAsync(int numberOfMessages, TimeSpan max,
        [System.Runtime.CompilerServices.EnumeratorCancellation]
        CancellationToken cancellationToken = default)
    {
        var all = await InBackground(
            () => ReceiveN(numberOfMessages, max, cancellationToken), cancellationToken);
        foreach (var message in all) yield return message;
    }

    public IAsyncEnumerable<object> ReceiveNAsync(
        int numberOfMessages, CancellationToken cancellationToken = default) =>
        ReceiveNAsync(numberOfMessages, RemainingOrDefault, cancellationToken);

    /// <summary>Messages as long as the filter makes something of them.</summary>
    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, Func<object, T> filter,
        int msgs = int.MaxValue, CancellationToken cancellationToken = default) =>
        ReceiveWhile(max, Timeout.InfiniteTimeSpan, filter, msgs, cancellationToken);

    public IReadOnlyList<T> ReceiveWhile<T>(TimeSpan? max, TimeSpan? idle, Func<object, T> filter,
        int msgs = int.MaxValue, CancellationToken cancellationToken = default)
    {
        var end = Now + RemainingOrDilated(max);
        var quiet = idle is { } given && given >= TimeSpan.Zero ? given : Unbounded;
        var results = new List<T>();
        while (results.Count < msgs)
        {
            var wait = Max(end - Now);
            if (quiet < wait) wait = quiet;
            if (!_received.TryTake(out var next, wait, cancellationToken, remove: false)) break;
            if (filter(next.Message) is not { } result) break;
            _received.TryTake(out next, TimeSpan.Zero, cancellationToken);
            _last = next;
            results.Add(result);
        }
        return results;
    }

    public IReadOnlyList<T> ReceiveWhile<T>(Func<object, T> filter, TimeSpan? max = null,
        TimeSpan? idle = null, int msgs = int.MaxValue,
        CancellationToken cancellationToken = default) =>
        ReceiveWhile(max, idle, filter, msgs, cancellationToken);

    public IReadOnlyList<T> ReceiveWhile<T>(Predicate<T> shouldContinue, TimeSpan? max = null,
        TimeSpan? idle = null, int msgs = int.MaxValue, bool shouldIgnoreOtherMessageTypes = true,
        CancellationToken cancellationToken = default) where T : class =>
        ReceiveWhile(max, idle, message => message is T typed && shouldContinue(typed)
            ? typed : null, msgs, cancellationToken);

    private bool TryTakeUntil(
        TimeSpan end, CancellationToken cancellationToken, out MessageEnvelope envelope)
    {
        var taken = _received.TryTake(out envelope, Max(end - Now), cancellationToken);
        _last = taken ? envelope : MessageEnvelope.Null;
        return taken;
    }

    /// <summary>Takes messages until one satisfies.</summary>
    public object FishForMessage(Predicate<object> isMessage, TimeSpan? max = null,
        string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage<object>(isMessage, max, hint, cancellationToken);

    public T FishForMessage<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "",
        CancellationToken cancellationToken = default) =>
        FishForMessage(isMessage, null, max, hint, cancellationToken);

    public T FishForMessage<T>(Predicate<T> isMessage, System.Collections.ArrayList allMessages,
        TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var limit = RemainingOrDilated(max);
        var end = Now + limit;
        var others = new List<object>();
        while (true)
        {
            if (!TryTakeUntil(end, cancellationToken, out var envelope))
            {
                Fail($"Timeout ({limit}) during fishForMessage, hint: {hint}{Lines(others)}");
            }
            if (envelope.Message is T typed && isMessage(typed)) return typed;
            others.Add(envelope.Message);
            allMessages?.Add(envelope.Message);
        }
    }

    public ValueTask<object> FishForMessageAsync(Predicate<object> isMessage,
        TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessageAsync<object>(isMessage, max, hint, cancellationToken);

    public ValueTask<T> FishForMessageAsync<T>(Predicate<T> isMessage, TimeSpan? max = null,
        string hint = "", CancellationToken cancellationToken = default) =>
        new(InBackground(
            () => FishForMessage(isMessage, max, hint, cancellationToken), cancellationToken));

    public Task FishUntilMessageAsync<T>(
        TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        InBackground(
            () => FishForMessage<T>(_ => true, max, "", cancellationToken), cancellationToken);

    private static string Lines(IEnumerable<object> messages) =>
        string.Concat(messages.Select(message => Environment.NewLine + message));

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void Fail(string message)
    {
        _assertions.Fail("{0}", message);
        throw new InvalidOperationException(message);
    }
}
