#nullable disable
namespace Akka.Actor;

/// <summary>Asking: a message whose first answer completes a task.</summary>
/// <remarks>
/// Without a timeout <c>akka.actor.ask-timeout</c> applies, infinite by default. The task fails
/// with <see cref="AskTimeoutException"/>, with the cause of a <see cref="Status.Failure"/>, or
/// with <see cref="ArgumentException"/> if the answer is of another type.
/// </remarks>
public static class Futures
{
    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<object>(message, timeout, CancellationToken.None);

    public static Task<object> Ask(
        this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<object>(message, null, cancellationToken);

    public static Task<object> Ask(this ICanTell self, object message, TimeSpan? timeout,
        CancellationToken cancellationToken) =>
        self.Ask<object>(message, timeout, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout = null) =>
        self.Ask<T>(message, timeout, CancellationToken.None);

    public static Task<T> Ask<T>(
        this ICanTell self, object message, CancellationToken cancellationToken) =>
        self.Ask<T>(message, null, cancellationToken);

    public static Task<T> Ask<T>(this ICanTell self, object message, TimeSpan? timeout,
        CancellationToken cancellationToken)
    {
        var future = Prepare<T>(self, timeout, cancellationToken, message);
        self.Tell(message, future);
        return future.Result;
    }

    /// <summary>The message is made with the reference that the answer is to be sent to.</summary>
    public static Task<T> Ask<T>(this ICanTell self, Func<IActorRef, object> messageFactory,
        TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var future = Prepare<T>(self, timeout, cancellationToken, messageFactory);
        self.Tell(messageFactory(future), future);
        return future.Result;
    }

    private static FutureActorRef<T> Prepare<T>(ICanTell target, TimeSpan? timeout,
        CancellationToken cancellationToken, object question)
    {
        var provider = ProviderOf(target) ?? throw new ArgumentException(
            $"Unable to resolve the target provider of {target}", nameof(target));
        var system = provider.System;
        var future = new FutureActorRef<T>(provider, system.DefaultDispatcher.IsDeterministic);
        var limit = timeout ?? system.Settings.AskTimeout;
        if (limit != Timeout.InfiniteTimeSpan && limit != TimeSpan.MaxValue)
        {
            future.ExpireAfter(limit, system.Scheduler, question);
        }
        future.CancelWith(cancellationToken);
        return future;
    }

    private static LocalActorRefProvider ProviderOf(ICanTell target) => target switch
    {
        InternalActorRef actor => actor.Provider,
        ActorSelection selection => ProviderOf(selection.Anchor),
        IActorRefWrapper wrapper => ProviderOf(wrapper.Wrapped),
        _ => ActorCell.Current?.SystemInternal.LocalProvider,
    };
}
