#nullable disable
using Akka.Actor;

namespace Akka.Actor;

/// <summary>Stopping an actor and waiting for its end.</summary>
public static class GracefulStopSupport
{
    public static Task<bool> GracefulStop(this IActorRef target, TimeSpan timeout) =>
        target.GracefulStop(timeout, PoisonPill.Instance);

    /// <summary>Completes when the actor has ended; fails when that takes too long.</summary>
    public static Task<bool> GracefulStop(
        this IActorRef target, TimeSpan timeout, object stopMessage)
    {
        var actor = InternalActorRef.Of(target)
            ?? throw new ArgumentException("Nobody cannot be stopped", nameof(target));
        if (actor.IsTerminated) return Task.FromResult(true);
        var system = actor.Provider.System;
        var future = new FutureActorRef<Terminated>(
            actor.Provider, system.DefaultDispatcher.IsDeterministic);
        future.ExpireAfter(timeout, system.Scheduler, stopMessage);
        actor.SendSystemMessage(new Watch(actor, future));
        actor.Tell(stopMessage, ActorRefs.NoSender);
        return future.Result.ContinueWith(
            done =>
            {
                if (done.IsCompletedSuccessfully) return true;
                actor.SendSystemMessage(new Unwatch(actor, future));
                throw new TaskCanceledException(done);
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
