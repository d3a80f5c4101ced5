#nullable disable
using System.Collections.Concurrent;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;
using Akka.Util;

namespace Akka.Actor;

/// <summary>The one implementation of an actor system.</summary>
internal sealed class ActorSystemRuntime : ExtendedActorSystem
{
    private readonly ConcurrentDictionary<Type, Lazy<object>> _extensions = new();
    private readonly ConcurrentStack<Action> _onTermination = new();
    private readonly TaskCompletionSource _terminated;
    private readonly TimeScheduler _ownScheduler;
    private readonly StandardOutSink _startupSink = new();
    private readonly long _started;
    private long _uid;
    private int _finalTermination;
    private IActorRef _deadLetterListener;

    public ActorSystemRuntime(string name, Config config, ActorSystemSetup setup,
        Option<ProviderSelection> provider)
    {
        if (string.IsNullOrEmpty(name) || !char.IsAsciiLetterOrDigit(name[0]) ||
            !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw new ArgumentException($"Invalid ActorSystem name [{name}], must contain only " +
                "word characters (i.e. [a-zA-Z0-9] plus non-leading '-' or '_')", nameof(name));
        }
        Name = name;
        Runtime = setup.Get<RuntimeSetup>().GetOrElse(new RuntimeSetup());
        Settings = new Settings(this, config, setup);
        Time = Runtime.Time;
        Random = Runtime.Random ?? new Random();
        _uid = Random.NextInt64(1, 1L << 31);
        _started = Time.GetTimestamp();
        DefaultDispatcher = Runtime.Dispatcher ?? MakeDispatcher();
        _terminated = new TaskCompletionSource(DefaultDispatcher.IsDeterministic
            ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        EventStream = new EventStream(Settings.DebugEventStream);
        EventStream.SetLogLevel(Logging.LogLevelFor(Settings.LogLevel));
        Log = Logging.GetLogger(EventStream, $"ActorSystem({name})");
        Scheduler = MakeScheduler(out _ownScheduler);
        var selection = provider.GetOrElse(
            ProviderSelection.GetProvider(Settings.Config.GetString("akka.actor.provider")));
        LocalProvider = selection is ProviderSelection.Local
            ? new LocalActorRefProvider()
            : TypeNames.Make<LocalActorRefProvider>(selection.Fqn, "akka.actor.provider");
        HasCluster = selection.HasCluster;
    }

    public RuntimeSetup Runtime { get; }
    public TimeProvider Time { get; }
    public Random Random { get; }
    public ActorDispatcher DefaultDispatcher { get; }
    public LocalActorRefProvider LocalProvider { get; }
    public bool HasCluster { get; }

    public override Settings Settings { get; }
    public override string Name { get; }
    public override Akka.Serialization.Serialization Serialization => _serialization;
    public override EventStream EventStream { get; }
    public override IScheduler Scheduler { get; }
    public override ILoggingAdapter Log { get; }
    public override IActorRef DeadLetters => LocalProvider.DeadLetters;
    public override IActorRefProvider Provider => LocalProvider;
    public override IActorRef Guardian => LocalProvider.Guardian;
    public override IActorRef SystemGuardian => LocalProvider.SystemGuardian;
    public override Task WhenTerminated => _terminated.Task;
    public override TimeSpan Uptime => Time.GetElapsedTime(_started);

    private Akka.Serialization.Serialization _serialization;

    /// <summary>Threads of the pool, or of "ForkJoinDispatcher" the one that it asks for.</summary>
    private ActorDispatcher MakeDispatcher()
    {
        const string path = "akka.actor.default-dispatcher.";
        var config = Settings.Config;
        var throughput = Math.Max(1, config.GetInt(path + "throughput", 128));
        return config.GetString(path + "type", "") == "ForkJoinDispatcher"
            && config.GetInt(path + "dedicated-thread-pool.thread-count", 0) == 1
                ? new SingleThreadDispatcher(Name) { Throughput = throughput }
                : new ThreadPoolDispatcher { Throughput = throughput };
    }

    private IScheduler MakeScheduler(out TimeScheduler own)
    {
        own = null;
        var name = Settings.Config.GetString("akka.scheduler.implementation");
        if (Runtime.Time == TimeProvider.System && name is not null &&
            !name.Contains("HashedWheelTimerScheduler"))
        {
            return TypeNames.Make<IScheduler>(name, "akka.scheduler.implementation",
                Settings.Config, Log);
        }
        return own = new TimeScheduler(Time, cause =>
            Log.Error(cause, "A scheduled action failed"));
    }

    /// <summary>
    /// Brings the system up: provider, loggers, guardians, transport, extensions.
    /// </summary>
    public void Start()
    {
        StartLoggers();
        try
        {
            LocalProvider.Init(this);
            _serialization = new Akka.Serialization.Serialization(this);
            LocalProvider.Start();
            LoggerActors.Start(this);
            StartDeadLetterListener();
            CoordinatedShutdown.Get(this);
            if (Settings.Config.GetBoolean("akka.log-config-on-start"))
                Log.Info(Settings.ToString());
            LoadExtensions();
        }
        catch
        {
            _ownScheduler?.Dispose();
            throw;
        }
    }

    private void StartLoggers()
    {
        if (Runtime.LogSink is { } sink) EventStream.AddSink(sink);
        else if (Settings.Loggers.Any(name => name.Contains("Akka.Event.DefaultLogger") ||
            name.Contains("Akka.Event.StandardOutLogger")))
        {
            EventStream.AddSink(_startupSink);
        }
    }

    private void StartDeadLetterListener()
    {
        var text = Settings.Config.GetString("akka.log-dead-letters", "10").ToLowerInvariant();
        var limit = text switch
        {
            "on" or "true" or "yes" => int.MaxValue,
            "off" or "false" or "no" => 0,
            _ => Settings.Config.GetInt("akka.log-dead-letters"),
        };
        var unhandled = Settings.DebugUnhandledMessage;
        if (limit <= 0 && !unhandled) return;
        var pause = Settings.Config.GetTimeSpan("akka.log-dead-letters-suspend-duration");
        if (pause < TimeSpan.Zero) pause = TimeSpan.MaxValue;
        _deadLetterListener = SystemActorOf(
            Props.Create(() => new DeadLetterListener(limit, pause, unhandled)),
            "deadLetterListener");
    }

    private void LoadExtensions()
    {
        foreach (var name in Settings.Config.GetStringList("akka.extensions"))
        {
            if (TypeNames.Make<object>(name, "akka.extensions") is IExtensionId id)
            {
                RegisterExtension(id);
            }
            else
            {
                Log.Error("[{0}] in akka.extensions is not an ExtensionId, skipping...", name);
            }
        }
    }

    /// <summary>The incarnation of a new actor; never 0.</summary>
    public long NextUid()
    {
        // A walk with a constant odd stride through 31 bits: unique for long, cheap, seeded.
        var next = Interlocked.Add(ref _uid, 0x2545_F491) & int.MaxValue;
        return next == 0 ? NextUid() : next;
    }

    /// <summary>The dispatcher that the props ask for.</summary>
    public ActorDispatcher DispatcherOf(Props props, string actorName)
    {
        var id = props.Deploy?.Dispatcher;
        if (string.IsNullOrEmpty(id) || DefaultDispatcher.IsDeterministic) return DefaultDispatcher;
        if (id == CallingThread || id.Contains("calling-thread-dispatcher"))
        {
            return new CallingThreadDispatcher();
        }
        var type = Settings.Config.GetString(id + ".type", "");
        return type.Contains("Pinned", StringComparison.Ordinal)
            ? new PinnedDispatcher($"{Name}-{actorName}")
            : DefaultDispatcher;
    }

    internal const string CallingThread = "akka.test.calling-thread-dispatcher";

    public void Release(ActorDispatcher dispatcher) => dispatcher.Shutdown();

    public override IActorRef ActorOf(Props props, string name = null)
    {
        ArgumentNullException.ThrowIfNull(props);
        return LocalProvider.GuardianCell.ActorOf(props, name);
    }

    public override IActorRef SystemActorOf(Props props, string name = null) =>
        LocalProvider.SystemGuardianCell.ActorOf(props, name);

    public override ActorSelection ActorSelection(ActorPath actorPath)
    {
        var root = LocalProvider.RootAt(actorPath.Address);
        return new ActorSelection(root, actorPath.Elements);
    }

    public override ActorSelection ActorSelection(string actorPath) =>
        ActorRefFactoryExtensions.ActorSelection(
            this, LocalProvider.RootGuardian, actorPath);

    public override void Stop(IActorRef actor)
    {
        if (InternalActorRef.Of(actor) is not { } target) return;
        switch (target.Parent)
        {
            case LocalActorRef parent when ReferenceEquals(parent, Guardian) ||
                ReferenceEquals(parent, SystemGuardian):
                parent.Tell(new StopChild(target), ActorRefs.NoSender);
                break;
            default:
                target.Stop();
                break;
        }
    }

    public override T GetExtension<T>() =>
        _extensions.TryGetValue(typeof(T), out var found) ? (T)found.Value
            : throw new InvalidOperationException(
                $"Extension [{typeof(T)}] was not registered with system [{Name}]");

    public override bool HasExtension<T>() => _extensions.ContainsKey(typeof(T));
    public override bool HasExtension(Type type) => _extensions.ContainsKey(type);
    public override object GetExtension(IExtensionId extensionId) => RegisterExtension(extensionId);

    public override object RegisterExtension(IExtensionId extension) =>
        _extensions.GetOrAdd(extension.ExtensionType, static (_, made) => new Lazy<object>(
            () => made.Extension.CreateExtension(made.System)),
            (System: this, Extension: extension)).Value;

    public override void RegisterOnTermination(Action code) => _onTermination.Push(code);

    public override Task Terminate()
    {
        if (Settings.Config.GetBoolean("akka.coordinated-shutdown.run-by-actor-system-terminate"))
        {
            CoordinatedShutdown.Get(this)
                .Run(CoordinatedShutdown.ActorSystemTerminateReason.Instance);
        }
        else
        {
            FinalTerminate();
        }
        return WhenTerminated;
    }

    /// <summary>Ends the actors; the last step of the coordinated shutdown.</summary>
    internal Task FinalTerminate()
    {
        if (Interlocked.Exchange(ref _finalTermination, 1) != 0) return WhenTerminated;
        var quiet = _deadLetterListener is not null &&
            !Settings.Config.GetBoolean("akka.log-dead-letters-during-shutdown");
        if (quiet) EventStream.Unsubscribe(_deadLetterListener);
        LocalProvider.Guardian.Stop();
        return WhenTerminated;
    }

    /// <summary>The root has ended.</summary>
    internal async void Finish()
    {
        try
        {
            await LocalProvider.Shutdown();
        }
        catch (Exception cause)
        {
            Log.Error(cause, "The transport did not close");
        }
        while (_onTermination.TryPop(out var code))
        {
            try
            {
                code();
            }
            catch (Exception cause)
            {
                Log.Error(cause, "A termination callback failed");
            }
        }
        (Scheduler as IDisposable)?.Dispose();
        DefaultDispatcher.Shutdown();
        _terminated.TrySetResult();
    }
}
