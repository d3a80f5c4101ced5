using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>This node did not become a member.</summary>
public sealed class ClusterJoinFailedException(string message) : AkkaException(message);

public sealed partial class Cluster
{
    private readonly TaskCompletionSource _up = new(TaskCreationOptions.None);
    private readonly TaskCompletionSource _exiting = new(TaskCreationOptions.None);
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.None);
    private readonly Lock _callbackLock = new();
    private List<Action>? _upCallbacks = [];
    private List<Action>? _removedCallbacks = [];

    /// <summary>Runs when this node is up; at once if it is.</summary>
    public void RegisterOnMemberUp(Action callback) => Register(ref _upCallbacks, callback);

    /// <summary>Runs when this node's membership has ended; at once if it has.</summary>
    public void RegisterOnMemberRemoved(Action callback) =>
        Register(ref _removedCallbacks, callback);

    internal void SelfIsExiting() => Completed(_exiting);

    /// <summary>
    /// The membership actor has ended: left, downed, or shut down with the system.
    /// </summary>
    internal void DaemonStopped()
    {
        if (_isTerminated) return;
        var wasDowned = _selfMember.Status == MemberStatus.Down;
        _isTerminated = true;
        _state = new ClusterEvent.CurrentClusterState();
        _selfMember = Member.Create(
            SelfUniqueAddress, Member.NotUp, MemberStatus.Removed, Settings.Roles,
            Settings.AppVersion);
        _up.TrySetException(new ClusterJoinFailedException(
            "The cluster was shut down before this node became a member"));
        Completed(_exiting);
        Completed(_removed);
        foreach (var callback in Take(ref _removedCallbacks)) callback();
        if (wasDowned && Settings.RunCoordinatedShutdownWhenDown)
        {
            CoordinatedShutdown.Get(System).Run(CoordinatedShutdown.ClusterDowningReason.Instance);
        }
    }

    private Task WhenUp(CancellationToken token) => _up.Task.WaitAsync(token);

    private void RunUpCallbacks()
    {
        foreach (var callback in Take(ref _upCallbacks)) callback();
    }

    private void Register(ref List<Action>? callbacks, Action callback)
    {
        lock (_callbackLock)
        {
            if (callbacks is not null)
            {
                callbacks.Add(callback);
                return;
            }
        }

        callback();
    }

    private List<Action> Take(ref List<Action>? callbacks)
    {
        lock (_callbackLock)
        {
            var taken = callbacks ?? [];
            callbacks = null;
            return taken;
        }
    }

    /// <summary>Continuations run elsewhere, except where everything runs in one thread.</summary>
    private void Completed(TaskCompletionSource source)
    {
        var dispatcher = ((ActorSystemRuntime)System).DefaultDispatcher;
        if (dispatcher.IsDeterministic) source.TrySetResult();
        else dispatcher.Schedule(() => source.TrySetResult());
    }

    private void AddShutdownTasks()
    {
        var shutdown = CoordinatedShutdown.Get(System);
        shutdown.AddTask(CoordinatedShutdown.PhaseClusterLeave, "leave", () =>
        {
            var isDowning = shutdown.ShutdownReason is CoordinatedShutdown.ClusterDowningReason;
            if (_isTerminated || isDowning || _selfMember.Status == MemberStatus.Removed)
            {
                return Task.FromResult(Done.Instance);
            }

            Leave(SelfAddress);
            return Then(_exiting.Task);
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseClusterExitingDone, "exiting-completed", () =>
            _isTerminated || _selfMember.Status != MemberStatus.Exiting
                ? Task.FromResult(Done.Instance)
                : _daemon.Ask<Done>(ExitingCompleted.Instance, TimeSpan.FromSeconds(3)));
        shutdown.AddTask(CoordinatedShutdown.PhaseClusterShutdown, "wait-shutdown", () =>
        {
            System.Stop(_daemon);
            return Then(_removed.Task);
        });
        System.RegisterOnTermination(DaemonStopped);
    }

    private static Task<Done> Then(Task task) => task.ContinueWith(
        _ => Done.Instance,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}
