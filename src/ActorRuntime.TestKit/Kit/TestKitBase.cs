#nullable disable
using System.Linq.Expressions;
using Akka.Actor;
using Akka.Actor.Dsl;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;

namespace Akka.TestKit;

/// <summary>
/// A system, a test actor that keeps what it hears, and what a test may expect of it. The test
/// actor is also the sender of what the test tells without naming one.
/// </summary>
public abstract partial class TestKitBase : IActorRefFactory
{
    private static int _number;

    private readonly ReceivedMessages _received = new();
    private readonly ITestKitAssertions _assertions;
    private MessageEnvelope _last = MessageEnvelope.Null;

    protected TestKitBase(ITestKitAssertions assertions, ActorSystem system = null,
        string testActorName = null)
        : this(assertions, system, Config.Empty, "test", testActorName) { }

    protected TestKitBase(ITestKitAssertions assertions, ActorSystemSetup setup,
        string actorSystemName = null, string testActorName = null)
    {
        _assertions = assertions;
        var bootstrap = setup.Get<BootstrapSetup>().GetOrElse(BootstrapSetup.Create());
        Initialize(ActorSystem.Create(actorSystemName ?? "test",
            setup.WithSetup(bootstrap.WithConfigFallback(DefaultConfig))), testActorName);
    }

    protected TestKitBase(ITestKitAssertions assertions, Config config,
        string actorSystemName = null, string testActorName = null)
        : this(assertions, null, config, actorSystemName, testActorName) { }

    private TestKitBase(ITestKitAssertions assertions, ActorSystem system, Config config,
        string actorSystemName, string testActorName)
    {
        _assertions = assertions;
        Initialize(system ?? ActorSystem.Create(actorSystemName ?? "test",
            (config ?? Config.Empty).WithFallback(DefaultConfig)), testActorName);
    }

    private void Initialize(ActorSystem system, string testActorName)
    {
        Sys = system;
        TestKitSettings = new TestKitSettings(system.Settings.Config.WithFallback(DefaultConfig));
        var received = _received;
        TestActor = ((ExtendedActorSystem)system).SystemActorOf(
            Props.Create(() => new InternalTestActor(received))
                .WithDispatcher(CallingThreadDispatcher.Id)
                .WithDeploy(Deploy.Local.WithDispatcher(CallingThreadDispatcher.Id)),
            testActorName ?? $"testActor{Interlocked.Increment(ref _number)}");
        if (this is not (INoImplicitSender or TestProbe)) BecomeImplicitSender();
        EventFilter = CreateEventFilter(system);
    }

    private void BecomeImplicitSender()
    {
        var cell = ((LocalActorRef)TestActor).Cell;
        ActorCell.Impersonate(cell);
        SynchronizationContext.SetSynchronizationContext(
            new ImplicitSenderContext(SynchronizationContext.Current, cell));
    }

    public static Config DefaultConfig { get; } = ConfigurationFactory.ParseString("""
        akka {
          loggers = ["Akka.TestKit.TestEventListener, Akka.TestKit"]
          loglevel = INFO
          suppress-json-serializer-warning = true
          coordinated-shutdown.run-by-clr-shutdown-hook = off
          coordinated-shutdown.run-by-actor-system-terminate = off
          test {
            timefactor = 1.0
            filter-leeway = 3s
            single-expect-default = 3s
            default-timeout = 5s
            calling-thread-dispatcher.type = "Akka.TestKit.CallingThreadDispatcherConfigurator"
            test-actor.dispatcher.type = "Akka.TestKit.CallingThreadDispatcherConfigurator"
          }
        }
        """);

    public static Config FullDebugConfig { get; } = ConfigurationFactory.ParseString("""
        akka {
          loglevel = DEBUG
          log-dead-letters = on
          actor.debug {
            receive = on
            autoreceive = on
            lifecycle = on
            event-stream = on
            unhandled = on
          }
        }
        """);

    public ActorSystem Sys { get; private set; }
    public IActorRef TestActor { get; private set; }
    public TestKitSettings TestKitSettings { get; private set; }
    public EventFilterFactory EventFilter { get; private set; }
    public ILoggingAdapter Log => Sys.Log;

    /// <summary>Time on a clock that never goes back.</summary>
    public static TimeSpan Now => TimeProvider.System.GetElapsedTime(0);

    public bool HasMessages => _received.Count > 0;
    public object LastMessage => _last.Message;
    public IActorRef LastSender => _last.Sender;

    internal ITestKitAssertions Assertions => _assertions;

    public EventFilterFactory CreateEventFilter(ActorSystem system) => new(this, system);

    public IActorRef ActorOf(Props props) => Sys.ActorOf(props);
    public IActorRef ActorOf(Props props, string name) => Sys.ActorOf(props, name);
    public IActorRef ActorOf<TActor>() where TActor : ActorBase, new() =>
        Sys.ActorOf(Props.Create<TActor>());
    public IActorRef ActorOf<TActor>(string name) where TActor : ActorBase, new() =>
        Sys.ActorOf(Props.Create<TActor>(), name);
    public IActorRef ActorOf<TActor>(Expression<Func<TActor>> factory)
        where TActor : ActorBase => Sys.ActorOf(Props.Create(factory));
    public IActorRef ActorOf<TActor>(Expression<Func<TActor>> factory, string name)
        where TActor : ActorBase => Sys.ActorOf(Props.Create(factory), name);
    public IActorRef ActorOf(Action<IActorDsl> configure, string name = null) =>
        Sys.ActorOf(Props.Create(() => new Act(configure)), name);
    public IActorRef ActorOf(Action<IActorDsl, IActorContext> configure, string name = null) =>
        Sys.ActorOf(Props.Create(() => new Act(configure)), name);

    public ActorSelection ActorSelection(ActorPath actorPath) => Sys.ActorSelection(actorPath);
    public ActorSelection ActorSelection(string actorPath) => Sys.ActorSelection(actorPath);
    public ActorSelection ActorSelection(IActorRef anchorRef, string actorPath) =>
        Sys.ActorSelection(anchorRef, actorPath);

    /// <summary>Makes a child of the test actor.</summary>
    public IActorRef ChildActorOf(Props props, string name, SupervisorStrategy supervisorStrategy,
        CancellationToken cancellationToken = default) =>
        TestActor.Ask<IActorRef>(
            new InternalTestActor.Spawn(props, name, supervisorStrategy), cancellationToken)
            .GetAwaiter().GetResult();

    public IActorRef ChildActorOf(Props props, CancellationToken cancellationToken = default) =>
        ChildActorOf(props, null, null, cancellationToken);

    public IActorRef ChildActorOf(
        Props props, string name, CancellationToken cancellationToken = default) =>
        ChildActorOf(props, name, null, cancellationToken);

    public IActorRef ChildActorOf(Props props, SupervisorStrategy supervisorStrategy,
        CancellationToken cancellationToken = default) =>
        ChildActorOf(props, null, supervisorStrategy, cancellationToken);

    public IActorRef ChildActorOf<T>(CancellationToken cancellationToken = default)
        where T : ActorBase => ChildActorOf(Props.Create<T>(), cancellationToken);

    public TestProbe CreateTestProbe(string name = null) => CreateTestProbe(Sys, name);

    public virtual TestProbe CreateTestProbe(ActorSystem system, string name = null) =>
        new(system, _assertions, name);

    public TestLatch CreateTestLatch(int count = 1) =>
        new(Dilated, count, TestKitSettings.DefaultTimeout);

    public TestBarrier CreateTestBarrier(int count) => new(this, count);

    public IActorRef CreateTestActor(string name) => CreateTestProbe(name).Ref;

    public IActorRef Watch(IActorRef actorToWatch)
    {
        TestActor.Tell(new InternalTestActor.WatchActor(actorToWatch));
        return actorToWatch;
    }

    public IActorRef Unwatch(IActorRef actorToUnwatch)
    {
        TestActor.Tell(new InternalTestActor.UnwatchActor(actorToUnwatch));
        return actorToUnwatch;
    }

    public void IgnoreMessages(Func<object, bool> shouldIgnoreMessage) =>
        TestActor.Tell(new InternalTestActor.SetIgnore(shouldIgnoreMessage));
    public void IgnoreMessages<T>(Func<T, bool> shouldIgnoreMessage) =>
        IgnoreMessages(message => message is T typed && shouldIgnoreMessage(typed));
    public void IgnoreMessages<T>() => IgnoreMessages(message => message is T);
    public void IgnoreNoMessages() => TestActor.Tell(new InternalTestActor.SetIgnore(null));

    public void SetAutoPilot(AutoPilot pilot) =>
        TestActor.Tell(new InternalTestActor.SetPilot(pilot));

    /// <summary>The duration times akka.test.timefactor.</summary>
    public TimeSpan Dilated(TimeSpan duration) =>
        duration < TimeSpan.Zero ? duration : duration * TestKitSettings.TestTimeFactor;

    public TimeSpan GetTimeoutOrDefault(TimeSpan? timeout) =>
        timeout is { } given ? Dilated(given) : RemainingOrDefault;

    /// <summary>Ends the kit's system.</summary>
    public virtual void Shutdown(TimeSpan? duration = null, bool verifySystemShutdown = false) =>
        Shutdown(Sys, duration, verifySystemShutdown);

    /// <summary>
    /// Ends a system and waits for its end, without coordinated shutdown's phases.
    /// </summary>
    protected virtual void Shutdown(
        ActorSystem system, TimeSpan? duration = null, bool verifySystemShutdown = false)
    {
        var limit = duration ?? Dilated(TestKitSettings.DefaultTimeout);
        if (system.Terminate().Wait(limit)) return;
        var message = $"Failed to stop [{system.Name}] within [{limit}]";
        if (verifySystemShutdown) throw new TimeoutException(message);
        system.Log.Warning(message);
    }
}

/// <summary>The kit is not the sender of what the test tells without naming one.</summary>
public interface INoImplicitSender;

/// <summary>Names the dispatcher that runs actors inside the Tell that concerns them.</summary>
public static class CallingThreadDispatcher
{
    public const string Id = ActorSystemRuntime.CallingThread;
}

/// <summary>Keeps the implicit sender across the awaits of a test.</summary>
internal sealed class ImplicitSenderContext(SynchronizationContext inner, ActorCell cell)
    : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object state)
    {
        SendOrPostCallback run = _ => Run(d, state);
        if (inner is not null) inner.Post(run, null);
        else ThreadPool.QueueUserWorkItem(_ => Run(d, state));
    }

    public override void Send(SendOrPostCallback d, object state) => Run(d, state);

    private void Run(SendOrPostCallback callback, object state)
    {
        var (outer, context) = (ActorCell.Current, Current);
        ActorCell.Impersonate(cell);
        SetSynchronizationContext(this);
        try
        {
            callback(state);
        }
        finally
        {
            SetSynchronizationContext(context);
            ActorCell.Impersonate(outer);
        }
    }
}
