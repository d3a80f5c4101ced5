#nullable disable
using System.Collections.Concurrent;
using Akka.Configuration;
using Akka.Event;

namespace Akka.Actor;

/// <summary>
/// Ends a system in phases; the tasks of a phase run together, within its timeout.
/// </summary>
public sealed class CoordinatedShutdown : IExtension
{
    public const string PhaseBeforeServiceUnbind = "before-service-unbind";
    public const string PhaseServiceUnbind = "service-unbind";
    public const string PhaseServiceRequestsDone = "service-requests-done";
    public const string PhaseServiceStop = "service-stop";
    public const string PhaseBeforeClusterShutdown = "before-cluster-shutdown";
    public const string PhaseClusterShardingShutdownRegion = "cluster-sharding-shutdown-region";
    public const string PhaseClusterLeave = "cluster-leave";
    public const string PhaseClusterExiting = "cluster-exiting";
    public const string PhaseClusterExitingDone = "cluster-exiting-done";
    public const string PhaseClusterShutdown = "cluster-shutdown";
    public const string PhaseBeforeActorSystemTerminate = "before-actor-system-terminate";
    public const string PhaseActorSystemTerminate = "actor-system-terminate";

    private readonly record struct Phase(TimeSpan Timeout, bool Recover, string[] DependsOn);
    private readonly record struct NamedTask(string Name, Func<Task<Done>> Start);

    private readonly ActorSystemRuntime _system;
    private readonly ILoggingAdapter _log;
    private readonly Dictionary<string, Phase> _phases = [];
    private readonly List<string> _order = [];
    private readonly Dictionary<string, List<NamedTask>> _tasks = [];
    private readonly TaskCompletionSource<Done> _done;
    private Reason _reason;

    internal CoordinatedShutdown(ActorSystemRuntime system)
    {
        _system = system;
        _log = Logging.GetLogger(system.EventStream, nameof(CoordinatedShutdown));
        _done = new TaskCompletionSource<Done>(system.DefaultDispatcher.IsDeterministic
            ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        var config = system.Settings.Config.GetConfig("akka.coordinated-shutdown");
        ReadPhases(config);
        if (config.GetBoolean("terminate-actor-system", true))
        {
            AddTask(PhaseActorSystemTerminate, "terminate-system", TerminateSystem);
        }
        if (config.GetBoolean("run-by-clr-shutdown-hook") &&
            !system.DefaultDispatcher.IsDeterministic) HookProcessExit();
    }

    public static CoordinatedShutdown Get(ActorSystem sys) =>
        sys.WithExtension<CoordinatedShutdown, CoordinatedShutdownExtension>();

    /// <summary>Why it runs, or null.</summary>
    public Reason ShutdownReason => Volatile.Read(ref _reason);

    /// <summary>The sum of all phases' timeouts.</summary>
    public TimeSpan TotalTimeout =>
        _phases.Values.Aggregate(TimeSpan.Zero, (sum, phase) => sum + phase.Timeout);

    /// <exception cref="ArgumentException">No such phase.</exception>
    public TimeSpan Timeout(string phase) => Known(phase).Timeout;

    /// <summary>The phases in the order in which they run.</summary>
    internal IReadOnlyList<string> Phases => _order;

    /// <summary>Adds a task to a phase; those of phases that are over never run.</summary>
    /// <exception cref="ArgumentException">No such phase, or no name.</exception>
    public void AddTask(string phase, string taskName, Func<Task<Done>> task)
    {
        Known(phase);
        ArgumentException.ThrowIfNullOrEmpty(taskName);
        lock (_tasks)
        {
            if (!_tasks.TryGetValue(phase, out var tasks)) _tasks[phase] = tasks = [];
            tasks.Add(new NamedTask(taskName, task));
        }
    }

    private Phase Known(string phase) => _phases.TryGetValue(phase, out var known)
        ? known
        : throw new ArgumentException($"Unknown phase [{phase}], known phases " +
            $"[{string.Join(",", _order)}]. All phases (along with their optional dependencies) " +
            "must be defined in configuration.", nameof(phase));

    /// <summary>Runs the phases, from one of them on if it is named; once only.</summary>
    public Task<Done> Run(Reason reason, string fromPhase = null)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null) return _done.Task;
        var from = fromPhase is null ? 0 : _order.IndexOf(fromPhase);
        if (from < 0) Known(fromPhase);
        _log.Debug("Performing coordinated shutdown, because {0}", reason);
        RunFrom(from);
        return _done.Task;
    }

    /// <summary>Runs the phases one after another, without a thread that waits.</summary>
    private void RunFrom(int index)
    {
        for (; index < _order.Count; index++)
        {
            var running = RunPhase(_order[index]);
            if (running.IsCompletedSuccessfully) continue;
            var next = index + 1;
            running.ContinueWith(done =>
            {
                if (done.IsFaulted) _done.TrySetException(done.Exception.InnerExceptions);
                else RunFrom(next);
            }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            return;
        }
        _done.TrySetResult(Done.Instance);
    }

    private Task RunPhase(string name)
    {
        NamedTask[] tasks;
        lock (_tasks) tasks = _tasks.TryGetValue(name, out var found) ? [.. found] : [];
        if (tasks.Length == 0) return Task.CompletedTask;
        var phase = _phases[name];
        _log.Debug("Performing phase [{0}] with [{1}] tasks: [{2}]", name, tasks.Length,
            string.Join(", ", tasks.Select(task => task.Name)));
        var all = Task.WhenAll(tasks.Select(task => Guard(name, phase, task)));
        var result = new TaskCompletionSource();
        var timeout = _system.Scheduler.Advanced.ScheduleOnceCancelable(phase.Timeout, () =>
        {
            if (all.IsCompleted) return;
            _log.Warning(
                "Coordinated shutdown phase [{0}] timed out after {1}", name, phase.Timeout);
            if (phase.Recover || name == PhaseActorSystemTerminate) result.TrySetResult();
            else result.TrySetException(new TimeoutException(
                $"Coordinated shutdown phase [{name}] timed out after {phase.Timeout}"));
        });
        all.ContinueWith(done =>
        {
            timeout.Cancel();
            if (done.IsFaulted) result.TrySetException(done.Exception.InnerExceptions);
            else result.TrySetResult();
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return result.Task;
    }

    private Task Guard(string phaseName, Phase phase, NamedTask task)
    {
        Task running;
        try
        {
            running = task.Start();
        }
        catch (Exception cause)
        {
            running = Task.FromException(cause);
        }
        if (!phase.Recover) return running;
        return running.ContinueWith(done =>
        {
            if (done.IsCompletedSuccessfully) return;
            _log.Warning("Task [{0}] failed in phase [{1}]: {2}", task.Name, phaseName,
                done.Exception?.InnerException?.Message ?? "cancelled");
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private Task<Done> TerminateSystem() => _system.FinalTerminate().ContinueWith(
        _ => Done.Instance, CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private void HookProcessExit()
    {
        EventHandler handler = (_, _) =>
        {
            if (_system.WhenTerminated.IsCompleted) return;
            Run(ClrExitReason.Instance).Wait(TotalTimeout);
        };
        AppDomain.CurrentDomain.ProcessExit += handler;
        _system.RegisterOnTermination(() => AppDomain.CurrentDomain.ProcessExit -= handler);
    }

    private void ReadPhases(Config config)
    {
        var defaultTimeout = config.GetTimeSpan("default-phase-timeout", TimeSpan.FromSeconds(5));
        foreach (var name in config.GetKeys("phases"))
        {
            var phase = config.GetConfig("phases.\"" + name + "\"");
            _phases[name] = new Phase(phase.GetTimeSpan("timeout", defaultTimeout, false),
                phase.GetBoolean("recover", true), [.. phase.GetStringList("depends-on")]);
        }
        var visiting = new HashSet<string>();
        foreach (var name in _phases.Keys) Sort(name, visiting);
    }

    /// <summary>Puts what a phase depends on before it.</summary>
    private void Sort(string name, HashSet<string> visiting)
    {
        if (_order.Contains(name)) return;
        if (!visiting.Add(name))
        {
            throw new ConfigurationException(
                "Cycle detected in graph of coordinated-shutdown.phases: " +
                $"[{name}] depends on itself");
        }
        if (_phases.TryGetValue(name, out var phase))
        {
            foreach (var earlier in phase.DependsOn) Sort(earlier, visiting);
            _order.Add(name);
        }
    }

    /// <summary>Why a system ends.</summary>
    public class Reason
    {
        protected Reason() { }
        public override string ToString() => GetType().Name;
    }

    public sealed class UnknownReason : Reason
    {
        public static readonly Reason Instance = new UnknownReason();
        private UnknownReason() { }
    }

    public sealed class ActorSystemTerminateReason : Reason
    {
        public static readonly Reason Instance = new ActorSystemTerminateReason();
        private ActorSystemTerminateReason() { }
    }

    public sealed class ClrExitReason : Reason
    {
        public static readonly Reason Instance = new ClrExitReason();
        private ClrExitReason() { }
    }

    public sealed class ClusterDowningReason : Reason
    {
        public static readonly Reason Instance = new ClusterDowningReason();
        private ClusterDowningReason() { }
    }

    public sealed class ClusterLeavingReason : Reason
    {
        public static readonly Reason Instance = new ClusterLeavingReason();
        private ClusterLeavingReason() { }
    }

    public sealed class ClusterJoinUnsuccessfulReason : Reason
    {
        public static readonly Reason Instance = new ClusterJoinUnsuccessfulReason();
        private ClusterJoinUnsuccessfulReason() { }
    }
}

/// <summary>The id of <see cref="CoordinatedShutdown"/>.</summary>
public sealed class CoordinatedShutdownExtension : ExtensionIdProvider<CoordinatedShutdown>
{
    public override CoordinatedShutdown CreateExtension(ExtendedActorSystem system) =>
        new((ActorSystemRuntime)system);
}
