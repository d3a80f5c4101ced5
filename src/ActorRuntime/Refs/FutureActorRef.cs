#nullable disable
namespace Akka.Actor;

/// <summary>
/// The sender of an Ask: completes a task with the first answer and is then gone.
/// </summary>
/// <remarks>
/// It enters the system's <c>/temp</c> only when somebody reads its path, as serialisers do:
/// a local ask never pays for a name.
/// </remarks>
internal sealed class FutureActorRef<T>(
    LocalActorRefProvider provider, bool continueInline, ActorPath known = null)
    : InternalActorRef, IFutureActorRef
{
    private readonly TaskCompletionSource<T> _result = new(
        continueInline ? TaskCreationOptions.None
            : TaskCreationOptions.RunContinuationsAsynchronously);
    private ActorPath _path = known;
    private ICancelable _timeout;
    private CancellationTokenRegistration _registration;

    public override LocalActorRefProvider Provider => provider;
    public override InternalActorRef Parent => provider.TempContainer;
    public override bool IsTerminated => _result.Task.IsCompleted;
    public Task<T> Result => _result.Task;

    public override ActorPath Path
    {
        get
        {
            if (_path is { } path) return path;
            var fresh = provider.TempPath();
            path = Interlocked.CompareExchange(ref _path, fresh, null) ?? fresh;
            if (ReferenceEquals(path, fresh) && !IsTerminated)
            {
                provider.TempContainer.Add(path.Name, this);
                if (IsTerminated) provider.TempContainer.Remove(path.Name);
            }
            return path;
        }
    }

    /// <summary>Fails the task when the time is over.</summary>
    public void ExpireAfter(TimeSpan timeout, IScheduler scheduler, object question)
    {
        _timeout = scheduler.Advanced.ScheduleOnceCancelable(timeout, () => Fail(
            new AskTimeoutException(
                $"Timeout after {timeout} waiting for an answer to {question.GetType().Name}")));
        if (IsTerminated) _timeout.Cancel();
    }

    public void CancelWith(CancellationToken token)
    {
        if (!token.CanBeCanceled) return;
        _registration = token.UnsafeRegister(
            static (self, cause) => ((FutureActorRef<T>)self).Cancel(cause), this);
    }

    private void Cancel(CancellationToken token)
    {
        if (_result.TrySetCanceled(token)) Release();
    }

    private void Fail(Exception cause)
    {
        if (_result.TrySetException(cause)) Release();
    }

    public override void Tell(object message, IActorRef sender)
    {
        var answered = message switch
        {
            ISystemAnswer => false,
            Status.Failure failure => _result.TrySetException(
                failure.Cause ?? new AkkaException("Failure without a cause")),
            T answer => _result.TrySetResult(answer),
            null => _result.TrySetResult(default),
            _ => _result.TrySetException(new ArgumentException(
                $"Received message of type [{message.GetType()}] - Ask expected message of " +
                $"type [{typeof(T)}]")),
        };
        if (answered) Release();
        else provider.DeadLetters.Tell(message, sender);
    }

    public override void SendSystemMessage(SystemMessage message)
    {
        switch (message)
        {
            case Terminate:
                Fail(new AkkaException("The asking reference was stopped"));
                break;
            case DeathWatchNotification gone:
                Tell(new Terminated(gone.Actor, gone.ExistenceConfirmed, gone.AddressTerminated),
                    gone.Actor);
                break;
            case Watch watch:
                watch.Watcher.SendSystemMessage(new DeathWatchNotification(this, true, false));
                break;
        }
    }

    private void Release()
    {
        _timeout?.Cancel();
        if (_registration != default) _registration.Unregister();
        if (_path is { } path) provider.TempContainer.Remove(path.Name);
    }
}

/// <summary>Marks the senders of asks.</summary>
internal interface IFutureActorRef;

/// <summary>Marks messages that never answer an ask.</summary>
internal interface ISystemAnswer;

/// <summary>The parent of short-lived references: finds them by name for remote answers.</summary>
internal sealed class TempContainer(LocalActorRefProvider provider, ActorPath path)
    : InternalActorRef
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, InternalActorRef>
        _children = new();

    public override ActorPath Path => path;
    public override LocalActorRefProvider Provider => provider;
    public override void Tell(object message, IActorRef sender) =>
        provider.DeadLetters.Tell(message, sender);
    public override void SendSystemMessage(SystemMessage message) { }

    public void Add(string name, InternalActorRef child) => _children[name] = child;
    public void Remove(string name) => _children.TryRemove(name, out _);

    public override InternalActorRef GetChild(ReadOnlySpan<string> names)
    {
        if (names.IsEmpty) return this;
        return _children.TryGetValue(names[0], out var child) ? child.GetChild(names[1..]) : null;
    }
}
