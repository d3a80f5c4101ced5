#nullable disable
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

/// <summary>An actor whose state is what its events made of it.</summary>
/// <remarks>
/// Hears:  commands; while it recovers or persists, they wait in an inner stash. The journal's and
///         the snapshot store's answers come between them and are handled here.
/// Says:   events to the journal; their handlers run only when the events are on disk.
/// Holds:  nothing that the journal cannot say again.
/// Fails:  when the journal cannot be read or written: it stops, so that no state outlives its
///         events; its parent decides when to try again.
/// Concerns by file: this one persists and handles messages, Eventsourced.Recovery.cs recovers.
/// </remarks>
public abstract partial class Eventsourced : ActorBase, IWithUnboundedStash
{
    private static int _instanceCount;

    private readonly record struct Pending(object Event, Action<object> Handler, bool IsStashing);

    private enum Phase
    {
        RecoveryStarted,
        Recovering,
        ProcessingCommands,
        PersistingEvents,
    }

    private readonly int _instanceId = Interlocked.Increment(ref _instanceCount);
    private readonly string _writerGuid = Guid.NewGuid().ToString();
    private readonly List<IPersistentEnvelope> _eventBatch = [];
    private readonly Queue<Pending> _pending = new();
    private readonly LinkedList<Envelope> _internalStash = [];
    private List<IPersistentEnvelope> _journalBatch = [];
    private PersistenceExtension _extension;
    private IActorRef _journal;
    private IActorRef _snapshotStore;
    private ILoggingAdapter _log;
    private IStash _stash;
    private Phase _phase = Phase.RecoveryStarted;
    private bool _isWriteInProgress;
    private bool _isAsyncRunning;
    private long _sequenceNr;
    private int _stashingCount;

    protected Eventsourced()
    {
        _extension = Persistence.Instance.Apply(Context.System);
    }

    /// <summary>Names the actor in the journal, across restarts and hosts.</summary>
    public abstract string PersistenceId { get; }

    public virtual Recovery Recovery => Recovery.Default;

    /// <summary>Config path of the journal; empty or null: the default one.</summary>
    public string JournalPluginId { get; protected set; }

    /// <summary>Config path of the snapshot store; empty or null: the default one.</summary>
    public string SnapshotPluginId { get; protected set; }

    public long LastSequenceNr { get; private set; }

    public long SnapshotSequenceNr => LastSequenceNr;

    public bool IsRecovering => _phase is Phase.RecoveryStarted or Phase.Recovering;

    public bool IsRecoveryFinished => !IsRecovering;

    /// <summary>The actor's own stash; what it releases goes before what waits inside.</summary>
    public IStash Stash
    {
        get => _stash;
        set => _stash = value is UserStash ? value : new UserStash(this, value);
    }

    protected virtual ILoggingAdapter Log => _log ??= Context.GetLogger();

    private IActorRef Journal => _journal ??= _extension.JournalFor(JournalPluginId);

    private IActorRef SnapshotStore =>
        _snapshotStore ??= _extension.SnapshotStoreFor(SnapshotPluginId);

    /// <summary>Replayed events and the messages of recovery.</summary>
    protected abstract bool ReceiveRecover(object message);

    /// <summary>Commands, once recovery is done.</summary>
    protected abstract bool ReceiveCommand(object message);

    /// <summary>
    /// Writes an event, then calls its handler; no command is handled in between.
    /// </summary>
    public void Persist<TEvent>(TEvent @event, Action<TEvent> handler)
    {
        RequireRecovered("Persist");
        Await(@event, handler, isStashing: true);
        _eventBatch.Add(new AtomicWrite(Represent(@event)));
    }

    /// <summary>Writes all events or none.</summary>
    public void PersistAll<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler)
    {
        RequireRecovered("PersistAll");
        AddAll(events, handler, isStashing: true);
    }

    /// <summary>As <see cref="Persist{TEvent}"/>, but commands go on being handled.</summary>
    public void PersistAsync<TEvent>(TEvent @event, Action<TEvent> handler)
    {
        RequireRecovered("PersistAsync");
        Await(@event, handler, isStashing: false);
        _eventBatch.Add(new AtomicWrite(Represent(@event)));
    }

    public void PersistAllAsync<TEvent>(IEnumerable<TEvent> events, Action<TEvent> handler)
    {
        RequireRecovered("PersistAllAsync");
        AddAll(events, handler, isStashing: false);
    }

    /// <summary>Calls the handler once all events before it are on disk; writes nothing.</summary>
    public void DeferAsync<TEvent>(TEvent evt, Action<TEvent> handler)
    {
        RequireRecovered("DeferAsync");
        if (_pending.Count == 0)
        {
            handler(evt);
            return;
        }

        Await(evt, handler, isStashing: false);
        _eventBatch.Add(new NonPersistentMessage(evt, Sender));
    }

    /// <summary>Answers with <see cref="DeleteMessagesSuccess"/> or its failure.</summary>
    public void DeleteMessages(long toSequenceNr) =>
        Journal.Tell(new DeleteMessagesTo(PersistenceId, toSequenceNr, Self), Self);

    public void LoadSnapshot(
        string persistenceId, SnapshotSelectionCriteria criteria, long toSequenceNr) =>
        SnapshotStore.Tell(new LoadSnapshot(persistenceId, criteria, toSequenceNr), Self);

    /// <summary>Answers with <see cref="SaveSnapshotSuccess"/> or its failure.</summary>
    public void SaveSnapshot(object snapshot) => SnapshotStore.Tell(
        new SaveSnapshot(new SnapshotMetadata(PersistenceId, SnapshotSequenceNr), snapshot), Self);

    public void DeleteSnapshot(long sequenceNr) => SnapshotStore.Tell(
        new DeleteSnapshot(new SnapshotMetadata(PersistenceId, sequenceNr)), Self);

    public void DeleteSnapshots(SnapshotSelectionCriteria criteria) =>
        SnapshotStore.Tell(new DeleteSnapshots(PersistenceId, criteria), Self);

    /// <summary>The journal could not write; the actor is stopped when this returns.</summary>
    protected virtual void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        Log.Error(
            cause,
            "Failed to persist event type [{0}] with sequence number [{1}] for persistenceId [{2}]",
            @event.GetType(), sequenceNr, PersistenceId);

    /// <summary>The journal refused the event, which was not stored; the actor goes on.</summary>
    protected virtual void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
        Log.Error(
            cause,
            "Rejected to persist event type [{0}] with sequence number [{1}] for "
            + "persistenceId [{2}] due to [{3}]",
            @event.GetType(), sequenceNr, PersistenceId, cause.Message);

    protected internal override bool AroundReceive(Receive receive, object message)
    {
        if (HandleAnswer(message)) return true;
        switch (_phase)
        {
            case Phase.RecoveryStarted:
                ReceiveSnapshotAnswer(message);
                return true;
            case Phase.Recovering:
                ReceiveReplayed(message);
                return true;
            case Phase.PersistingEvents:
                _internalStash.AddLast(Cell.CurrentEnvelope);
                return true;
            default:
                return HandleCommand(receive, message);
        }
    }

    protected override bool Receive(object message) => ReceiveCommand(message);

    /// <summary>
    /// Runs an asynchronous handler; what it persisted is written when it has ended.
    /// </summary>
    private protected void RunTask(Func<Task> handler)
    {
        if (IsRecovering)
        {
            throw new InvalidOperationException("Recovery handlers cannot be asynchronous");
        }

        _isAsyncRunning = true;
        Cell.RunTask(async () =>
        {
            var hasFailed = true;
            try
            {
                await handler();
                hasFailed = false;
            }
            finally
            {
                _isAsyncRunning = false;
                CommandCompleted(hasFailed);
            }
        });
    }

    private bool HandleCommand(Receive receive, object message)
    {
        var hasFailed = true;
        try
        {
            var isHandled = base.AroundReceive(receive, message);
            hasFailed = false;
            return isHandled;
        }
        finally
        {
            if (!_isAsyncRunning) CommandCompleted(hasFailed);
        }
    }

    private void CommandCompleted(bool hasFailed)
    {
        FlushEvents();
        if (_stashingCount > 0) _phase = Phase.PersistingEvents;
        else ReleaseInternally(all: hasFailed);
    }

    /// <summary>Answers of the journal, valid in every phase after recovery.</summary>
    private bool HandleAnswer(object message)
    {
        switch (message)
        {
            case WriteMessageSuccess written:
                if (written.ActorInstanceId != _instanceId) return true;
                LastSequenceNr = Math.Max(LastSequenceNr, written.Message.SequenceNr);
                RunHandler(written.Message.Payload);
                return true;
            case LoopMessageSuccess loop:
                if (loop.ActorInstanceId == _instanceId) RunHandler(loop.Message);
                return true;
            case WriteMessageRejected rejected:
                if (rejected.ActorInstanceId != _instanceId) return true;
                var refused = rejected.Message;
                LastSequenceNr = Math.Max(LastSequenceNr, refused.SequenceNr);
                OnPersistRejected(rejected.Cause, refused.Payload, refused.SequenceNr);
                HandlerCompleted(_pending.Dequeue(), hasFailed: false);
                return true;
            case WriteMessageFailure failure:
                if (failure.ActorInstanceId != _instanceId) return true;
                try
                {
                    OnPersistFailure(
                        failure.Cause, failure.Message.Payload, failure.Message.SequenceNr);
                }
                finally
                {
                    Context.Stop(Self);
                }

                return true;
            case WriteMessagesSuccessful successful:
                if (successful.ActorInstanceId != _instanceId) return true;
                _isWriteInProgress = false;
                FlushJournal();
                return true;
            case WriteMessagesFailed:
                // Nothing more is written, or there would be a gap: the first failed event,
                // whose answer comes next, ends this instance.
                return true;
            case RecoveryTick tick:
                CheckProgress(tick);
                return true;
            default:
                return false;
        }
    }

    private void RunHandler(object @event)
    {
        var pending = _pending.Dequeue();
        var hasFailed = true;
        try
        {
            pending.Handler(@event);
            hasFailed = false;
        }
        finally
        {
            HandlerCompleted(pending, hasFailed);
        }
    }

    private void HandlerCompleted(Pending pending, bool hasFailed)
    {
        if (pending.IsStashing) _stashingCount--;
        FlushEvents();
        if (_phase != Phase.PersistingEvents || _stashingCount > 0) return;
        _phase = Phase.ProcessingCommands;
        ReleaseInternally(all: hasFailed);
    }

    private void FlushEvents()
    {
        if (_eventBatch.Count > 0)
        {
            _journalBatch.AddRange(_eventBatch);
            _eventBatch.Clear();
        }

        FlushJournal();
    }

    /// <summary>One write at a time: what gathers meanwhile is the next one.</summary>
    private void FlushJournal()
    {
        if (_isWriteInProgress || _journalBatch.Count == 0) return;
        Journal.Tell(new WriteMessages(_journalBatch, Self, _instanceId), Self);
        _journalBatch = [];
        _isWriteInProgress = true;
    }

    private void ReleaseInternally(bool all)
    {
        if (_internalStash.Count == 0) return;
        if (all)
        {
            Cell.ReturnToMailbox([.. _internalStash]);
            _internalStash.Clear();
            return;
        }

        Cell.ReturnToMailbox([_internalStash.First.Value]);
        _internalStash.RemoveFirst();
    }

    private IPersistentRepresentation Represent(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        _sequenceNr++;
        return new Persistent(
            @event, _sequenceNr, PersistenceId, Sender: Sender, WriterGuid: _writerGuid);
    }

    private void Await<TEvent>(TEvent @event, Action<TEvent> handler, bool isStashing)
    {
        if (isStashing) _stashingCount++;
        _pending.Enqueue(new Pending(@event, o => handler((TEvent)o), isStashing));
    }

    private void AddAll<TEvent>(
        IEnumerable<TEvent> events, Action<TEvent> handler, bool isStashing)
    {
        var batch = ImmutableList.CreateBuilder<IPersistentRepresentation>();
        foreach (var @event in events)
        {
            Await(@event, handler, isStashing);
            batch.Add(Represent(@event));
        }

        if (batch.Count > 0) _eventBatch.Add(new AtomicWrite(batch.ToImmutable()));
    }

    private void RequireRecovered(string method)
    {
        if (!IsRecovering) return;
        throw new InvalidOperationException(
            $"{method} cannot be called during replay of events. Use RecoveryCompleted or a "
            + "command instead.");
    }
}
