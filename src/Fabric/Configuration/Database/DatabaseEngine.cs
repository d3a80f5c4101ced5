using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Where a database's transactions are made durable.</summary>
internal interface IDatabaseJournal
{
    /// <summary>Calls 'durable' when 'delta' is, in the order of the calls.</summary>
    void Append(DatabaseDelta delta, Action durable);

    /// <summary>Calls 'reached' when everything appended before is durable.</summary>
    void AfterAppended(Action reached);
}

/// <summary>A database inside its actor: executes, waits, publishes, answers.</summary>
/// <remarks>
/// Transactions are executed at once on the newest state (<see cref="Head"/>), even while the
/// ones before them are still being written: they share the journal's next batch. Nobody hears
/// of one before it is durable.
/// </remarks>
internal sealed class DatabaseEngine(
    DatabaseSnapshot initial, IDatabaseJournal journal, TimeProvider time, Func<Guid> newUuid)
{
    private readonly List<IActorRef> _subscribers = [];
    private readonly List<WaitingTransact> _waiting = [];

    // Executed, and not durable yet; null for one that nobody asked for.
    private readonly Queue<WaitingTransact?> _inFlight = [];
    private bool _isRetrying;

    /// <summary>The state after all transactions that were executed.</summary>
    public DatabaseSnapshot Head { get; private set; } = initial;

    /// <summary>The state after all transactions that are durable.</summary>
    public DatabaseSnapshot Published { get; private set; } = initial;

    /// <summary>Clients may not write; for our own transactions see <see cref="Follow"/>.</summary>
    public bool IsReadOnly { get; set; }
    public int SubscriberCount => _subscribers.Count;
    public int WaitingCount => _waiting.Count;

    private sealed record WaitingTransact(Transact Request, IActorRef Sender, long Start)
    {
        public long WaitMilliseconds { get; set; }
    }

    /// <summary>How long until some "wait" times out; null if none will.</summary>
    public TimeSpan? NextTimeout
    {
        get
        {
            TimeSpan? next = null;
            foreach (var waiting in _waiting)
            {
                if (waiting.WaitMilliseconds == long.MaxValue) continue;
                var left = TimeSpan.FromMilliseconds(waiting.WaitMilliseconds)
                    - time.GetElapsedTime(waiting.Start);
                if (left < TimeSpan.Zero) left = TimeSpan.Zero;
                if (next is null || left < next) next = left;
            }

            return next;
        }
    }

    public void Subscribe(SubscribeDatabase subscribe)
    {
        var changes = subscribe.WithInitialRows ? Published.ToChanges() : [];
        var before = DatabaseSnapshot.EmptyOf(Published.Schema);
        subscribe.Subscriber.Tell(new DatabaseChanged(before, Published, changes));
        if (!_subscribers.Contains(subscribe.Subscriber)) _subscribers.Add(subscribe.Subscriber);
    }

    /// <summary>Forgets a subscriber and what it waited for.</summary>
    public void Forget(IActorRef subscriber)
    {
        _subscribers.Remove(subscriber);
        _waiting.RemoveAll(waiting => waiting.Sender.Equals(subscriber));
    }

    public void Unsubscribe(IActorRef subscriber) => _subscribers.Remove(subscriber);

    public void Transact(Transact request, IActorRef sender)
    {
        var waiting = new WaitingTransact(request, sender, time.GetTimestamp());
        if (!TryFinish(waiting)) _waiting.Add(waiting);
    }

    public void Cancel(long requestId, IActorRef sender)
    {
        var index = _waiting.FindIndex(waiting =>
            waiting.Request.RequestId == requestId && waiting.Sender.Equals(sender));
        if (index < 0) return;
        _waiting.RemoveAt(index);
        sender.Tell(new TransactCompleted(requestId, [], OvsdbError.Canceled));
    }

    /// <summary>Tries again what waits: after a change, or because time has passed.</summary>
    public void RetryWaiting()
    {
        if (_isRetrying) return; // One of them has changed something: the loop goes on.
        _isRetrying = true;
        for (var i = 0; i < _waiting.Count;)
        {
            var before = Head;
            var waiting = _waiting[i];
            _waiting.RemoveAt(i);
            if (!TryFinish(waiting, isRetry: true))
            {
                _waiting.Insert(i++, waiting);
                continue;
            }

            // What it changed may be what an earlier one waits for.
            if (!ReferenceEquals(before, Head)) i = 0;
        }

        _isRetrying = false;
    }

    /// <summary>What is in flight will not become durable: it waits to be executed anew.</summary>
    /// <remarks>The journal has forgotten it, and calls nothing back.</remarks>
    public void Withdraw()
    {
        Head = Published;
        _waiting.InsertRange(0, _inFlight.OfType<WaitingTransact>());
        _inFlight.Clear();
    }

    /// <summary>Whether what is in flight was done will never be known: "canceled".</summary>
    public void Abandon()
    {
        Head = Published;
        foreach (var waiting in _inFlight.OfType<WaitingTransact>())
        {
            waiting.Sender.Tell(new TransactCompleted(
                waiting.Request.RequestId, [], OvsdbError.Canceled));
        }

        _inFlight.Clear();
    }

    /// <summary>A transaction of the owner itself, such as the first row.</summary>
    public OvsdbError? TransactLocally(ImmutableArray<Operation> operations)
    {
        var outcome = TransactionExecutor.Execute(Head, operations, NewContext());
        if (outcome.Error is null && !outcome.IsBlocked) Commit(outcome, null);
        return outcome.Error;
    }

    /// <summary>Does what another server's database did: no rule is asked.</summary>
    public void Follow(DatabaseDelta delta)
    {
        if (delta.IsEmpty) return;
        var snapshot = Head.Apply(delta, out var changes);
        if (changes.IsEmpty) return;
        Commit(new TransactionOutcome([], snapshot, delta, changes, null), null);
    }

    /// <summary>Takes over a whole other state: recovery, or another schema.</summary>
    public void Reset(DatabaseSnapshot snapshot) => Head = Published = snapshot;

    private TransactionContext NewContext() => new(newUuid(), newUuid)
    {
        IsReadOnly = IsReadOnly,
    };

    private bool TryFinish(WaitingTransact waiting, bool isRetry = false)
    {
        var waited = (long)time.GetElapsedTime(waiting.Start).TotalMilliseconds;
        var context = NewContext() with
        {
            Origin = waiting.Request.Origin,
            WaitedMilliseconds = isRetry ? Math.Max(waited, 1) : 0,
            IsReadOnly = IsReadOnly && !IsOurs(waiting.Request),
        };
        var outcome = TransactionExecutor.Execute(Head, waiting.Request.Operations, context);
        if (outcome.WaitMilliseconds is { } wait)
        {
            waiting.WaitMilliseconds = wait;
            return false;
        }

        Commit(outcome, waiting);
        return true;
    }

    /// <summary>By reference: a client without locks and role has an equal origin.</summary>
    private static bool IsOurs(Transact request) =>
        ReferenceEquals(request.Origin, TransactionOrigin.Internal);

    private void Commit(TransactionOutcome outcome, WaitingTransact? waiting)
    {
        var sender = waiting?.Sender;
        var answer = new TransactCompleted(
            waiting?.Request.RequestId ?? 0, outcome.Results, outcome.Error);
        _inFlight.Enqueue(waiting);
        if (outcome.Delta is null)
        {
            journal.AfterAppended(() =>
            {
                _inFlight.Dequeue();
                sender?.Tell(answer);
            });
            return;
        }

        Head = outcome.Snapshot;
        var durable = outcome.Delta.WithoutEphemeral(Head.Schema);
        if (durable.IsEmpty) journal.AfterAppended(Publish);
        else journal.Append(durable, Publish);
        if (sender is not null && _waiting.Count > 0) RetryWaiting();

        void Publish()
        {
            _inFlight.Dequeue();
            var changed = new DatabaseChanged(Published, outcome.Snapshot, outcome.Changes);
            Published = outcome.Snapshot;

            // Who asked is told first, so that it goes on while the others are told.
            if (sender is not null && _subscribers.Contains(sender)) sender.Tell(changed);
            sender?.Tell(answer);
            foreach (var subscriber in _subscribers)
            {
                if (!subscriber.Equals(sender)) subscriber.Tell(changed);
            }
        }
    }
}
