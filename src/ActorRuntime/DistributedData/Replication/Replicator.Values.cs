using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.DistributedData;

public sealed partial class Replicator
{
    private readonly Dictionary<string, List<IActorRef>> _subscribers = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _changed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IKey> _keys = new(StringComparer.Ordinal);
    private TimeSpan _notifiedAt = TimeSpan.FromDays(-1);

    private void HandleGet(Get get)
    {
        var key = Remember(get.Key);
        var envelope = _values.GetValueOrDefault(key.Id);
        var needed = ReplicaCounts.Needed(get.Consistency, _nodes.Count + 1);
        if (needed <= 1)
        {
            Sender.Tell(ReadAggregator.AnswerOf(key, get.Request, envelope));
            return;
        }

        var asker = Sender;
        var (replicas, own) = (Replicas(), Self);
        Context.ActorOf(Akka.Actor.Props.Create(
            () => new ReadAggregator(get, envelope, needed, replicas, asker, own)));
    }

    private void HandleUpdate(Update update)
    {
        var key = Remember(update.Key);
        var old = _values.GetValueOrDefault(key.Id);
        if (old is { IsDeleted: true })
        {
            Sender.Tell(new DataDeleted(key, update.Request));
            return;
        }

        DataEnvelope envelope;
        try
        {
            // What changes from here on is one delta.
            var basis = old?.Data ?? update.Initial;
            if (basis is IDeltaReplicatedData tracked) basis = tracked.ResetDelta();
            var changed = update.Modify(basis);
            envelope = Store(key.Id, old, changed);
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            // The function is the caller's: its failure is the caller's to handle.
            Sender.Tell(new ModifyFailure(
                key, $"Update failed: {cause.Message}", cause, update.Request));
            return;
        }

        Replicate(
            key, envelope, update.Consistency, new UpdateSuccess(key, update.Request),
            new UpdateTimeout(key, update.Request));
    }

    /// <summary>Stores a local change and notes what of it is to be sent.</summary>
    private DataEnvelope Store(string key, DataEnvelope? old, IReplicatedData changed)
    {
        IReplicatedData? delta = changed;
        if (changed is IDeltaReplicatedData tracked)
        {
            delta = tracked.Delta;
            changed = tracked.ResetDelta();
        }

        var envelope = old is null ? DataEnvelope.Of(changed) : old with { Data = changed };
        if (delta is not null) envelope = NoteDelta(key, envelope, delta);
        _values[key] = envelope;
        MarkChanged(key);
        return envelope;
    }

    private void HandleDelete(Delete delete)
    {
        var key = Remember(delete.Key);
        if (_values.GetValueOrDefault(key.Id) is { IsDeleted: true })
        {
            Sender.Tell(new DataDeleted(key, delete.Request));
            return;
        }

        var envelope = DataEnvelope.Of(DeletedData.Instance);
        _values[key.Id] = envelope;
        NoteWhole(key.Id);
        MarkChanged(key.Id);
        Replicate(
            key, envelope, delete.Consistency, new DeleteSuccess(key, delete.Request),
            new ReplicationDeleteFailure(key));
    }

    private void Replicate(
        IKey key, DataEnvelope envelope, IWriteConsistency consistency, object success,
        object failure)
    {
        var needed = ReplicaCounts.Needed(consistency, _nodes.Count + 1);
        if (needed <= 1)
        {
            Sender.Tell(success);
            return;
        }

        var asker = Sender;
        var replicas = Replicas();
        Context.ActorOf(Akka.Actor.Props.Create(() => new WriteAggregator(
            key.Id, envelope, needed, consistency.Timeout, replicas, asker, success, failure)));
    }

    private ImmutableArray<IActorRef> Replicas() =>
        [.. _nodes.Select(node => (IActorRef)ReplicaAt(node))];

    private void TakeWrite(ReplicaWrite write)
    {
        Merge(write.Key, write.Envelope);
        Sender.Tell(new ReplicaWriteAck());
    }

    private void AnswerRead(ReplicaRead read) =>
        Sender.Tell(new ReplicaReadResult(_values.GetValueOrDefault(read.Key)));

    /// <summary>Merges what came from another replica. True if that changed anything.</summary>
    private bool Merge(string key, DataEnvelope other)
    {
        var old = _values.GetValueOrDefault(key);
        if (old is not null && !old.IsDeleted && !other.IsDeleted
            && old.Data.GetType() != other.Data.GetType())
        {
            _log.Warning(
                "Value [{0}] of type [{1}] came as [{2}]: ignored", key, old.Data.GetType().Name,
                other.Data.GetType().Name);
            return false;
        }

        var merged = (old is null ? other : old.Merge(other)).AddSeen(Self0);
        if (merged.Data is IDeltaReplicatedData tracked)
        {
            merged = merged with { Data = tracked.ResetDelta() };
        }

        var hasChanged = old is null || !old.Data.Equals(merged.Data);
        if (!hasChanged && old!.IsSameButData(merged)) return false; // It was all known.
        _values[key] = merged;
        _groups.Forget(key);
        if (hasChanged) MarkChanged(key);
        return hasChanged;
    }

    private void AnswerKeys() => Sender.Tell(new GetKeysIdsResult(
        _values.Where(e => !e.Value.IsDeleted).Select(e => e.Key).ToImmutableHashSet()));

    private IKey Remember(IKey key) =>
        _keys.TryGetValue(key.Id, out var known) && known is not UntypedKey
            ? known
            : _keys[key.Id] = key;

    private void AddSubscriber(Subscribe subscribe)
    {
        var key = Remember(subscribe.Key);
        if (!_subscribers.TryGetValue(key.Id, out var subscribers))
        {
            _subscribers[key.Id] = subscribers = [];
        }

        if (!subscribers.Contains(subscribe.Subscriber)) subscribers.Add(subscribe.Subscriber);
        Context.Watch(subscribe.Subscriber);
        if (_values.TryGetValue(key.Id, out var envelope))
        {
            subscribe.Subscriber.Tell(ChangeOf(key, envelope));
        }
    }

    private void RemoveSubscriber(Unsubscribe unsubscribe)
    {
        if (_subscribers.TryGetValue(unsubscribe.Key.Id, out var subscribers))
        {
            subscribers.Remove(unsubscribe.Subscriber);
        }

        if (_subscribers.Values.Any(s => s.Contains(unsubscribe.Subscriber))) return;
        Context.Unwatch(unsubscribe.Subscriber);
    }

    private void ForgetSubscriber(IActorRef subscriber)
    {
        foreach (var subscribers in _subscribers.Values) subscribers.Remove(subscriber);
    }

    /// <summary>
    /// Subscribers hear soon of a change after a quiet time, and at most once per interval while
    /// changes go on.
    /// </summary>
    private void MarkChanged(string key)
    {
        _groups.NoteChange(key, Now);
        _changed.Add(key);
        if (Timers.IsTimerActive(Tick.Notify)) return;
        var wait = _notifiedAt + _settings.NotifySubscribersInterval - Now;
        Timers.StartSingleTimer(Tick.Notify, Tick.Notify, wait > Soon ? wait : Soon);
    }

    private void NotifySubscribers()
    {
        if (_changed.Count == 0) return;
        _notifiedAt = Now;
        foreach (var id in _changed)
        {
            if (!_subscribers.TryGetValue(id, out var subscribers)) continue;
            var change = ChangeOf(_keys[id], _values[id]);
            foreach (var subscriber in subscribers) subscriber.Tell(change);
        }

        _changed.Clear();
    }

    private static object ChangeOf(IKey key, DataEnvelope envelope) =>
        envelope.IsDeleted ? new DataDeleted(key) : new Changed(key, envelope.Data);
}
