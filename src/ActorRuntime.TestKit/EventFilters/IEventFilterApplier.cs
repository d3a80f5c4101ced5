#nullable disable
using Akka.Actor;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>Filters until it is disposed.</summary>
public interface IUnmutableFilter : IDisposable
{
    void Unmute();
}

/// <summary>Expects entries of a filter while something happens, and keeps them out of the log.
/// </summary>
public interface IEventFilterApplier
{
    void ExpectOne(Action action, CancellationToken cancellationToken = default);
    void ExpectOne(TimeSpan timeout, Action action, CancellationToken cancellationToken = default);
    void Expect(int expectedCount, Action action, CancellationToken cancellationToken = default);
    void Expect(int expectedCount, TimeSpan timeout, Action action,
        CancellationToken cancellationToken = default);
    T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default);
    T ExpectOne<T>(TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default);
    T Expect<T>(int expectedCount, Func<T> func, CancellationToken cancellationToken = default);
    T Expect<T>(int expectedCount, TimeSpan timeout, Func<T> func,
        CancellationToken cancellationToken = default);
    Task ExpectOneAsync(Func<Task> actionAsync, CancellationToken cancellationToken = default);
    Task ExpectOneAsync(Action action, CancellationToken cancellationToken = default);
    Task ExpectOneAsync(
        TimeSpan timeout, Func<Task> actionAsync, CancellationToken cancellationToken = default);
    Task ExpectAsync(int expectedCount, Func<Task> actionAsync,
        CancellationToken cancellationToken = default);
    Task ExpectAsync(
        int expectedCount, Action action, CancellationToken cancellationToken = default);
    Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> actionAsync,
        CancellationToken cancellationToken = default);
    void Mute(Action action, CancellationToken cancellationToken = default);
    T Mute<T>(Func<T> func, CancellationToken cancellationToken = default);
    IUnmutableFilter Mute();

    /// <summary>A further filter beside this one.</summary>
    EventFilterFactory And { get; }
}

internal sealed class EventFilterApplier(TestKitBase kit, ActorSystem system,
    IReadOnlyList<Predicate<LogEvent>> filters) : IEventFilterApplier
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    private TimeSpan Leeway => kit.Dilated(kit.TestKitSettings.TestEventFilterLeeway);
    public EventFilterFactory And => new(kit, system, filters);

    private TestEventListener Listener => TestEventListener.Of(system)
        ?? throw new InvalidOperationException($"System [{system.Name}] has no " +
            "Akka.TestKit.TestEventListener among its akka.loggers");

    private async Task<T> Run<T>(int count, TimeSpan? timeout, Func<Task<T>> act,
        bool blocking, CancellationToken token)
    {
        var filter = new InstalledFilter(filters);
        Listener.Install(filter);
        try
        {
            var result = await act();
            var end = TestKitBase.Now + (timeout is { } given ? kit.Dilated(given) : Leeway);
            while (filter.Count < count && TestKitBase.Now < end)
            {
                if (blocking) token.WaitHandle.WaitOne(Poll);
                else await Task.Delay(Poll, token);
                token.ThrowIfCancellationRequested();
            }
            if (filter.Count != count)
            {
                kit.Assertions.Fail("{0}",
                    $"Expected {count} log entries or dead letters that match, got {filter.Count}");
            }
            return result;
        }
        finally
        {
            Listener.Remove(filter);
        }
    }

    private T Block<T>(int count, TimeSpan? timeout, Func<T> func, CancellationToken token) =>
        Run(count, timeout, () => Task.FromResult(func()), blocking: true, token)
            .GetAwaiter().GetResult();

    private void Block(int count, TimeSpan? timeout, Action action, CancellationToken token) =>
        Block(count, timeout, () =>
        {
            action();
            return true;
        }, token);

    private Task Await(int count, TimeSpan? timeout, Func<Task> act, CancellationToken token) =>
        Run(count, timeout, async () =>
        {
            await act();
            return true;
        }, blocking: false, token);

    private static Func<Task> AsTask(Action action) => () =>
    {
        action();
        return Task.CompletedTask;
    };

    public void ExpectOne(Action action, CancellationToken cancellationToken = default) =>
        Block(1, null, action, cancellationToken);

    public void ExpectOne(
        TimeSpan timeout, Action action, CancellationToken cancellationToken = default) =>
        Block(1, timeout, action, cancellationToken);

    public void Expect(
        int expectedCount, Action action, CancellationToken cancellationToken = default) =>
        Block(expectedCount, null, action, cancellationToken);

    public void Expect(int expectedCount, TimeSpan timeout, Action action,
        CancellationToken cancellationToken = default) =>
        Block(expectedCount, timeout, action, cancellationToken);

    public T ExpectOne<T>(Func<T> func, CancellationToken cancellationToken = default) =>
        Block(1, null, func, cancellationToken);

    public T ExpectOne<T>(
        TimeSpan timeout, Func<T> func, CancellationToken cancellationToken = default) =>
        Block(1, timeout, func, cancellationToken);

    public T Expect<T>(
        int expectedCount, Func<T> func, CancellationToken cancellationToken = default) =>
        Block(expectedCount, null, func, cancellationToken);

    public T Expect<T>(int expectedCount, TimeSpan timeout, Func<T> func,
        CancellationToken cancellationToken = default) =>
        Block(expectedCount, timeout, func, cancellationToken);

    public Task ExpectOneAsync(
        Func<Task> actionAsync, CancellationToken cancellationToken = default) =>
        Await(1, null, actionAsync, cancellationToken);

    public Task ExpectOneAsync(Action action, CancellationToken cancellationToken = default) =>
        Await(1, null, AsTask(action), cancellationToken);

    public Task ExpectOneAsync(TimeSpan timeout, Func<Task> actionAsync,
        CancellationToken cancellationToken = default) =>
        Await(1, timeout, actionAsync, cancellationToken);

    public Task ExpectAsync(int expectedCount, Func<Task> actionAsync,
        CancellationToken cancellationToken = default) =>
        Await(expectedCount, null, actionAsync, cancellationToken);

    public Task ExpectAsync(
        int expectedCount, Action action, CancellationToken cancellationToken = default) =>
        Await(expectedCount, null, AsTask(action), cancellationToken);

    public Task ExpectAsync(int expectedCount, TimeSpan timeout, Func<Task> actionAsync,
        CancellationToken cancellationToken = default) =>
        Await(expectedCount, timeout, actionAsync, cancellationToken);

    public void Mute(Action action, CancellationToken cancellationToken = default)
    {
        using var muted = Mute();
        action();
    }

    public T Mute<T>(Func<T> func, CancellationToken cancellationToken = default)
    {
        using var muted = Mute();
        return func();
    }

    public IUnmutableFilter Mute()
    {
        var filter = new InstalledFilter(filters);
        var listener = Listener;
        listener.Install(filter);
        return new Muted(() => listener.Remove(filter));
    }

    private sealed class Muted(Action unmute) : IUnmutableFilter
    {
        public void Unmute() => unmute();
        public void Dispose() => unmute();
    }
}
