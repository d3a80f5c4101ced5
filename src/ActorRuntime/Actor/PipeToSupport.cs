#nullable disable
namespace Akka.Actor;

/// <summary>Sends the result of a task to an actor; failures become Status.Failure.</summary>
public static class PipeToSupport
{
    public static Task PipeTo<T>(this Task<T> taskToPipe, ICanTell recipient,
        IActorRef sender = null, Func<T, object> success = null,
        Func<Exception, object> failure = null) =>
        Pipe(taskToPipe, recipient, sender,
            done => success is null ? done.Result : success(done.Result), failure);

    public static Task PipeTo<T>(this Task<T> taskToPipe, ICanTell recipient,
        bool useConfigureAwait, IActorRef sender = null, Func<T, object> success = null,
        Func<Exception, object> failure = null) =>
        taskToPipe.PipeTo(recipient, sender, success, failure);

    public static Task PipeTo(this Task taskToPipe, ICanTell recipient, IActorRef sender = null,
        Func<object> success = null, Func<Exception, object> failure = null) =>
        Pipe(taskToPipe, recipient, sender,
            _ => success is null ? Status.Success.Instance : success(), failure,
            silent: success is null);

    public static Task PipeTo(this Task taskToPipe, ICanTell recipient, bool useConfigureAwait,
        IActorRef sender = null, Func<object> success = null,
        Func<Exception, object> failure = null) =>
        taskToPipe.PipeTo(recipient, sender, success, failure);

    public static Task PipeTo<T>(this ValueTask<T> taskToPipe, ICanTell recipient,
        IActorRef sender = null, Func<T, object> success = null,
        Func<Exception, object> failure = null) =>
        taskToPipe.AsTask().PipeTo(recipient, sender, success, failure);

    public static Task PipeTo<T>(this ValueTask<T> taskToPipe, ICanTell recipient,
        bool useConfigureAwait, IActorRef sender = null, Func<T, object> success = null,
        Func<Exception, object> failure = null) =>
        taskToPipe.AsTask().PipeTo(recipient, sender, success, failure);

    public static Task PipeTo(this ValueTask taskToPipe, ICanTell recipient,
        IActorRef sender = null, Func<object> success = null,
        Func<Exception, object> failure = null) =>
        taskToPipe.AsTask().PipeTo(recipient, sender, success, failure);

    public static Task PipeTo(this ValueTask taskToPipe, ICanTell recipient,
        bool useConfigureAwait, IActorRef sender = null, Func<object> success = null,
        Func<Exception, object> failure = null) =>
        taskToPipe.AsTask().PipeTo(recipient, sender, success, failure);

    /// <remarks>
    /// Continues where the task is completed, so that one thread stays one thread.
    /// </remarks>
    private static Task Pipe<TTask>(TTask task, ICanTell recipient, IActorRef sender,
        Func<TTask, object> success, Func<Exception, object> failure, bool silent = false)
        where TTask : Task
    {
        sender ??= ActorCell.Current?.Self;
        return task.ContinueWith(
            done =>
            {
                if (done.IsCompletedSuccessfully)
                {
                    if (silent) return;
                    recipient.Tell(success((TTask)done), sender);
                    return;
                }
                var cause = done.IsCanceled
                    ? new TaskCanceledException(done)
                    : done.Exception.InnerExceptions.Count == 1
                        ? done.Exception.InnerExceptions[0] : done.Exception;
                recipient.Tell(failure is null
                    ? new Status.Failure(cause) : failure(cause), sender);
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
