#nullable disable
using Akka.Actor;

namespace Akka.Pattern;

/// <summary>The call was not made, because the calls before it failed.</summary>
public class OpenCircuitException(string message, Exception cause = null)
    : AkkaException(message, cause)
{
    public OpenCircuitException() : this("Circuit Breaker is open; calls are failing fast") { }
}

/// <summary>Stops calling what keeps failing, and tries again after a pause.</summary>
/// <remarks>
/// Closed: calls pass; so many failures or overdue calls in a row open it. Open: calls fail at
/// once until the reset time is over. Half open: one call passes and decides. Safe for threads.
/// </remarks>
public class CircuitBreaker
{
    private enum State { Closed, Open, HalfOpen }

    private readonly Lock _lock = new();
    private readonly IScheduler _scheduler;
    private readonly int _maxFailures;
    private readonly List<Action> _onOpen = [];
    private readonly List<Action> _onHalfOpen = [];
    private readonly List<Action> _onClose = [];
    private State _state;
    private int _failureCount;
    private bool _probing;

    public CircuitBreaker(
        IScheduler scheduler, int maxFailures, TimeSpan callTimeout, TimeSpan resetTimeout)
    {
        _scheduler = scheduler;
        _maxFailures = maxFailures;
        CallTimeout = callTimeout;
        ResetTimeout = resetTimeout;
    }

    public static CircuitBreaker Create(
        IScheduler scheduler, int maxFailures, TimeSpan callTimeout, TimeSpan resetTimeout) =>
        new(scheduler, maxFailures, callTimeout, resetTimeout);

    /// <summary>A call that takes longer counts as failed.</summary>
    public TimeSpan CallTimeout { get; }

    /// <summary>How long it stays open.</summary>
    public TimeSpan ResetTimeout { get; }

    public bool IsClosed => Current == State.Closed;
    public bool IsOpen => Current == State.Open;
    public bool IsHalfOpen => Current == State.HalfOpen;
    public long CurrentFailureCount => Volatile.Read(ref _failureCount);

    private State Current
    {
        get { lock (_lock) return _state; }
    }

    public CircuitBreaker OnOpen(Action callback) => Add(_onOpen, callback);
    public CircuitBreaker OnHalfOpen(Action callback) => Add(_onHalfOpen, callback);
    public CircuitBreaker OnClose(Action callback) => Add(_onClose, callback);

    private CircuitBreaker Add(List<Action> callbacks, Action callback)
    {
        lock (_lock) callbacks.Add(callback);
        return this;
    }

    /// <summary>Makes the call, unless it is open.</summary>
    /// <exception cref="OpenCircuitException">It is open.</exception>
    public async Task<T> WithCircuitBreaker<T>(Func<Task<T>> body)
    {
        Enter();
        Task<T> call;
        try
        {
            call = body();
            if (!call.IsCompleted && await Late(call))
            {
                throw new TimeoutException($"Execution did not complete within {CallTimeout}");
            }
            var result = await call;
            Succeed();
            return result;
        }
        catch (Exception)
        {
            Fail();
            throw;
        }
    }

    public Task WithCircuitBreaker(Func<Task> body) => WithCircuitBreaker(async () =>
    {
        await body();
        return Done.Instance;
    });

    /// <summary>True if the time is over before the call.</summary>
    private async Task<bool> Late(Task call)
    {
        var late = new TaskCompletionSource<bool>();
        var timeout = _scheduler.Advanced.ScheduleOnceCancelable(
            CallTimeout, () => late.TrySetResult(true));
        _ = call.ContinueWith(_ =>
        {
            timeout.Cancel();
            late.TrySetResult(false);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return await late.Task;
    }

    /// <summary>Counts a call that went well elsewhere.</summary>
    public void Succeed() => Move(() =>
    {
        _failureCount = 0;
        return _state == State.HalfOpen ? State.Closed : _state;
    });

    /// <summary>Counts a call that failed elsewhere.</summary>
    public void Fail() => Move(() =>
    {
        if (_state == State.HalfOpen) return State.Open;
        return _state == State.Closed && ++_failureCount >= _maxFailures ? State.Open : _state;
    });

    private void Enter()
    {
        lock (_lock)
        {
            if (_state == State.Open || (_state == State.HalfOpen && _probing))
            {
                throw new OpenCircuitException();
            }
            if (_state == State.HalfOpen) _probing = true;
        }
    }

    private void Move(Func<State> decide)
    {
        Action[] told;
        State next;
        lock (_lock)
        {
            next = decide();
            if (next == _state) return;
            _state = next;
            _probing = false;
            if (next == State.Closed) _failureCount = 0;
            told = [.. next switch
            {
                State.Open => _onOpen,
                State.HalfOpen => _onHalfOpen,
                _ => _onClose,
            }];
        }
        if (next == State.Open)
        {
            _scheduler.Advanced.ScheduleOnce(ResetTimeout,
                () => Move(() => _state == State.Open ? State.HalfOpen : _state));
        }
        foreach (var callback in told) callback();
    }
}
