#nullable disable
using System.Runtime.ExceptionServices;

namespace Akka.Actor;

/// <summary>
/// One asynchronous handler: awaits inside it come back as system messages of its actor, with the
/// message and the sender that it began with.
/// </summary>
internal sealed class AsyncActivity(ActorCell cell, object message, IActorRef sender)
    : SynchronizationContext
{
    public object Message => message;
    public IActorRef Sender => sender;

    public override void Post(SendOrPostCallback d, object state) =>
        cell.EnqueueSystem(new Continuation(this, d, state));

    public override void Send(SendOrPostCallback d, object state) =>
        throw new NotSupportedException("An actor cannot wait for itself");

    public override SynchronizationContext CreateCopy() => this;
}

internal sealed partial class ActorCell
{
    private AsyncActivity _activity;

    /// <summary>Runs an asynchronous handler; no user message is handled before it ends.</summary>
    public void RunTask(Func<Task> handler)
    {
        var outer = _activity;
        var activity = new AsyncActivity(this, _message, _sender);
        _activity = activity;
        Task task;
        var previous = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(activity);
        try
        {
            task = handler();
        }
        catch
        {
            _activity = outer;
            throw;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(previous);
        }

        if (task is null || task.IsCompleted)
        {
            _activity = outer;
            if (task is { IsCompletedSuccessfully: false }) Throw(FailureOf(task));
            return;
        }
        SuspendMailbox();
        task.ContinueWith(
            static (done, state) =>
            {
                var (cell, self) = ((ActorCell, AsyncActivity))state;
                cell.EnqueueSystem(new ActivityCompleted(self, FailureOf(done)));
            },
            (this, activity), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private static Exception FailureOf(Task task)
    {
        if (task.IsCompletedSuccessfully) return null;
        if (task.IsCanceled) return new TaskCanceledException(task);
        var all = task.Exception;
        return all.InnerExceptions.Count == 1 ? all.InnerExceptions[0] : all;
    }

    private static void Throw(Exception cause) => ExceptionDispatchInfo.Throw(cause);

    private void RunContinuation(Continuation continuation)
    {
        var activity = continuation.Activity;
        var (message, sender) = (_message, _sender);
        _message = activity.Message;
        _sender = activity.Sender;
        var previous = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(activity);
        try
        {
            continuation.Invoke();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(previous);
            (_message, _sender) = (message, sender);
        }
    }

    private void HandleCompleted(ActivityCompleted completed)
    {
        ResumeMailbox();
        var mine = ReferenceEquals(_activity, completed.Activity);
        if (mine) _activity = null;
        if (!mine) return;
        if (completed.Failure is null)
        {
            _message = null;
            _sender = null;
            return;
        }
        _message = completed.Activity.Message;
        _sender = completed.Activity.Sender;
        Throw(completed.Failure);
    }
}
