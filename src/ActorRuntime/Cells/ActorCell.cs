#nullable disable
using Akka.Dispatch;
using Akka.Event;

namespace Akka.Actor;

/// <summary>One actor as the runtime sees it: its mailbox, its instance and its place.</summary>
/// <remarks>
/// The cell outlives the instances that a restart makes. Only the thread that runs its turn touches
/// its state; children are read by others too, and are therefore behind a lock.
/// Concerns by file: Behaviour, Children, FaultHandling, DeathWatch, Async.
/// </remarks>
internal sealed partial class ActorCell : Mailbox, IUntypedActorContext
{
    [ThreadStatic] private static ActorCell _current;

    /// <summary>The cell whose turn the calling thread runs, or null.</summary>
    public static ActorCell Current => _current;

    /// <summary>Makes an actor the implicit sender of the calling thread, as tests do.</summary>
    public static void Impersonate(ActorCell cell) => _current = cell;

    private readonly ActorSystemRuntime _system;
    private readonly LocalActorRef _self;
    private readonly InternalActorRef _parent;
    private readonly Props _props;
    private ActorBase _actor;
    private object _message;
    private IActorRef _sender;
    private long _messageOrder; // Counts handled messages, to know one from another.
    private volatile bool _terminated;

    public ActorCell(ActorSystemRuntime system, Props props, InternalActorRef parent,
        ActorPath path, ActorDispatcher dispatcher) : base(dispatcher)
    {
        _system = system;
        _props = props;
        _parent = parent;
        _self = new LocalActorRef(this, path);
    }

    public ActorSystemRuntime SystemInternal => _system;
    public InternalActorRef ParentInternal => _parent;
    public LocalActorRef SelfInternal => _self;
    public bool IsTerminated => _terminated;
    public ActorBase Actor => _actor;
    public object CurrentMessage => _message;
    public long MessageOrder => _messageOrder;
    public Envelope CurrentEnvelope => new(_message, _sender);

    public IActorRef Self => _self;
    public IActorRef Parent => _parent;
    public Props Props => _props;
    public ActorSystem System => _system;
    public IActorRef Sender => _sender ?? _system.DeadLetters;

    /// <summary>Makes the first incarnation, in its own turn.</summary>
    public void Start() => EnqueueSystem(new Create());

    protected override ActorCell Enter()
    {
        var previous = _current;
        _current = this;
        return previous;
    }

    protected override void Leave(ActorCell previous) => _current = previous;

    protected override void Invoke(object message, IActorRef sender)
    {
        if (_terminated)
        {
            _system.DeadLetters.Tell(
                new DeadLetter(message, sender ?? _system.DeadLetters, _self), sender);
            return;
        }
        _message = message;
        _sender = sender;
        _messageOrder++;
        try
        {
            if (message is IAutoReceivedMessage) AutoReceive(message);
            else if (_receiveTimeout is null) Deliver(message);
            else ReceiveTimed(message);
            if (_activity is null)
            {
                _message = null;
                _sender = null;
            }
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, null);
        }
    }

    protected override void InvokeSystem(SystemMessage message)
    {
        if (_terminated)
        {
            AnswerAfterTermination(message);
            return;
        }
        try
        {
            Handle(message);
        }
        catch (Exception cause)
        {
            HandleInvokeFailure(cause, message as Failed);
        }
    }

    private void Handle(SystemMessage message)
    {
        switch (message)
        {
            case Continuation continuation: RunContinuation(continuation); break;
            case ActivityCompleted completed: HandleCompleted(completed); break;
            case Create: CreateFirst(); break;
            case DeathWatchNotification gone: HandleGone(gone); break;
            case Watch watch: AddWatcher(watch); break;
            case Unwatch unwatch: RemoveWatcher(unwatch); break;
            case Failed failed: HandleFailed(failed); break;
            case Suspend: FaultSuspend(); break;
            case Resume resume: FaultResume(resume.CausedByFailure); break;
            case Recreate recreate: FaultRecreate(recreate.Cause); break;
            case Terminate: HandleTerminate(); break;
            case AddressTerminated address: HandleAddressTerminated(address.Address); break;
        }
    }

    private void AnswerAfterTermination(SystemMessage message)
    {
        if (message is not Watch watch) return;
        watch.Watcher.SendSystemMessage(new DeathWatchNotification(
            watch.Watchee, existenceConfirmed: true, addressTerminated: false));
    }

    /// <summary>Messages that every actor answers without its doing.</summary>
    private void AutoReceive(object message)
    {
        switch (message)
        {
            case PoisonPill:
                _self.Stop();
                break;
            case Kill:
                throw new ActorKilledException("Kill");
            case Identify identify:
                Sender.Tell(new ActorIdentity(identify.MessageId, _self), _self);
                break;
            case Terminated terminated:
                ReceiveTerminated(terminated);
                break;
            case TimerMessage timer:
                if (_timers?.Accept(timer) is not { } elapsed) break;
                _message = elapsed;
                if (elapsed is IAutoReceivedMessage) AutoReceive(elapsed);
                else ReceiveTimed(elapsed);
                break;
            case ReceiveTimeoutDue due:
                HandleReceiveTimeoutDue(due);
                break;
            case ActorSelectionMessage selection:
                Akka.Actor.ActorSelection.Deliver(_self, Sender, selection);
                break;
            default:
                ReceiveTimed(message);
                break;
        }
    }

    private void CreateFirst()
    {
        try
        {
            _actor = NewActor();
            _actor.AroundPreStart();
        }
        catch (Exception cause)
        {
            var failed = _actor;
            if (failed is not null) ClearActor(failed);
            throw cause is ActorInitializationException
                ? cause
                : new ActorInitializationException(_self,
                    $"Exception during creation: {cause.Message}", cause);
        }
    }

    private ActorBase NewActor()
    {
        ResetBehaviour();
        CreationDepth++;
        try
        {
            var actor = _props.NewActor() ?? throw new ActorInitializationException(_self,
                $"The factory of [{_self.Path}] made no actor", null);
            Equip(actor);
            (actor as IInitializableActor)?.Init();
            return actor;
        }
        finally
        {
            CreationDepth--;
        }
    }

    /// <summary>
    /// Positive while the cell makes an instance: only then may one be constructed.
    /// </summary>
    internal int CreationDepth { get; private set; }

    /// <summary>Gives the instance what it asks for by its interfaces.</summary>
    private void Equip(ActorBase actor)
    {
        if (actor is IActorStash stashing)
        {
            _stash = new Stash(this, stashing is IWithBoundedStash ? _props.StashCapacity : -1);
            stashing.Stash = _stash;
        }
        if (actor is IWithTimers timed)
        {
            _timers = new TimerScheduler(this);
            timed.Timers = _timers;
        }
    }
}
