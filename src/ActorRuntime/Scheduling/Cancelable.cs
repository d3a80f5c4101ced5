#nullable disable
namespace Akka.Actor;

/// <summary>A cancellation that may also come by itself after a time.</summary>
public class Cancelable : ICancelable, IDisposable
{
    private readonly IActionScheduler _scheduler;
    private readonly CancellationTokenSource _source;

    public Cancelable(IActionScheduler scheduler, TimeSpan delay)
        : this(scheduler) => CancelAfter(delay);

    public Cancelable(IScheduler scheduler, TimeSpan delay) : this(scheduler.Advanced, delay) { }

    public Cancelable(IActionScheduler scheduler, int millisecondsDelay)
        : this(scheduler, TimeSpan.FromMilliseconds(millisecondsDelay)) { }

    public Cancelable(IScheduler scheduler, int millisecondsDelay)
        : this(scheduler.Advanced, millisecondsDelay) { }

    public Cancelable(IScheduler scheduler) : this(scheduler.Advanced) { }

    public Cancelable(IActionScheduler scheduler)
        : this(scheduler, new CancellationTokenSource()) { }

    private Cancelable(IActionScheduler scheduler, CancellationTokenSource source)
    {
        _scheduler = scheduler;
        _source = source;
    }

    public bool IsCancellationRequested => _source.IsCancellationRequested;
    public CancellationToken Token => _source.Token;

    public void Cancel() => Cancel(throwOnFirstException: false);

    public void Cancel(bool throwOnFirstException)
    {
        try
        {
            _source.Cancel(throwOnFirstException);
        }
        catch (ObjectDisposedException)
        {
            // Disposed means that nobody listens any more.
        }
    }

    public void CancelAfter(TimeSpan delay) => _scheduler.ScheduleOnce(delay, Cancel, this);
    public void CancelAfter(int millisecondsDelay) =>
        CancelAfter(TimeSpan.FromMilliseconds(millisecondsDelay));

    /// <summary>One that is cancelled from the start.</summary>
    public static ICancelable CreateCanceled() => AlreadyCanceled.Instance;

    /// <summary>Cancelled as soon as one of the tokens is.</summary>
    public static ICancelable CreateLinkedCancelable(
        IScheduler scheduler, params CancellationToken[] cancellationTokens) =>
        new Cancelable(scheduler.Advanced,
            CancellationTokenSource.CreateLinkedTokenSource(cancellationTokens));

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) _source.Dispose();
    }

    private sealed class AlreadyCanceled : ICancelable
    {
        public static readonly AlreadyCanceled Instance = new();
        public bool IsCancellationRequested => true;
        public CancellationToken Token { get; } = new(canceled: true);
        public void Cancel() { }
        public void Cancel(bool throwOnFirstException) { }
        public void CancelAfter(TimeSpan delay) { }
        public void CancelAfter(int millisecondsDelay) { }
    }
}

/// <summary>Short forms for cancelables.</summary>
public static class CancelableExtensions
{
    /// <summary>Cancels unless it is null.</summary>
    public static void CancelIfNotNull(this ICancelable cancelable) => cancelable?.Cancel();
}
