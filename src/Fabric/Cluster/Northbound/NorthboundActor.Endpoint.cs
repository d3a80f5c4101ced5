using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

public sealed partial class NorthboundActor
{
    private const string PortTable = "Logical_Switch_Port";
    private const string RequestedChassis = "requested-chassis";

    private void Subscribe(SubscribeDatabase subscribe)
    {
        Context.Watch(subscribe.Subscriber);
        _databaseSubscribers[KeyOf(subscribe.Subscriber)] = subscribe.Subscriber;
        subscribe.Subscriber.Tell(new DatabaseChanged(
            DatabaseSnapshot.EmptyOf(_settings.Schema), _state.Database,
            subscribe.WithInitialRows ? _state.Database.ToChanges() : []));
    }

    private void Subscribe(SubscribeNorthbound subscribe)
    {
        Context.Watch(subscribe.Subscriber);
        _northboundSubscribers[KeyOf(subscribe.Subscriber)] = subscribe.Subscriber;
        subscribe.Subscriber.Tell(Changed());
    }

    private NorthboundChanged Changed() =>
        new(_appliedSequence, _state.Database, _state.Keys.Keys);

    private void Submit(Transact transact)
    {
        var operations = OvsdbText.ToUtf8(
            writer => OperationWriter.Write(writer, transact.Operations));
        if (_pending.Add(Sender, transact, operations, Now) is not null)
        {
            SendDue();
            return;
        }

        var error = new OvsdbError(
            "resources exhausted",
            $"{LogLimits.PendingTransactionCountMax} transactions of this host are under way");
        Sender.Tell(new TransactCompleted(
            transact.RequestId, ResultsOf(transact.Operations.Length, error), error));
    }

    /// <summary>All hosts have the schema of their version; one of them cannot change it.</summary>
    private void Refuse(ConvertDatabase convert)
    {
        var error = new OvsdbError(
            "not allowed", "the schema of a replicated database changes with its hosts' version");
        Sender.Tell(new TransactCompleted(
            convert.RequestId, [new OperationResult.Failed(error)], error));
    }

    private void Cancel(CancelTransact cancel)
    {
        if (_pending.Find(Sender, cancel.RequestId) is not { } pending) return;
        var id = _pending.IdOf(pending.Number);
        _pending.Take(id);
        if (_writerHost is { } writer) Send(writer, new CancelSubmission(id));
    }

    /// <summary>
    /// To the writer of which was last heard; without one it is sent when there is.
    /// </summary>
    private void SendDue()
    {
        if (_writerHost is not { } writer) return;
        foreach (var pending in _pending.TakeDue(Now))
        {
            Send(writer, new SubmitTransaction(
                _pending.IdOf(pending.Number), pending.Operations, pending.Origin));
        }
    }

    /// <summary>Brings the state to what is committed, one transaction after another.</summary>
    private void Advance()
    {
        if (_replica.Committed == _appliedSequence) return;
        if (_replica.Base.Sequence > _appliedSequence) Jump();
        while (_appliedSequence < _replica.Committed) Apply(_replica[_appliedSequence + 1]);
        CompleteAnswered();
        // The log remembers this host from a life whose journal was lost.
        if (_state.Origins.Windows.GetValueOrDefault(_settings.HostId) is { } window
            && window.Incarnation > _replica.Incarnation && IsRecoveryFinished)
            Number(window.Incarnation + 1);
        foreach (var subscriber in _northboundSubscribers.Values) subscriber.Tell(Changed());
    }

    private void Jump()
    {
        var before = _state.Database;
        _state = ReadImage();
        _appliedSequence = _replica.Base.Sequence;
        Publish(before, SnapshotDifference.Between(before, _state.Database));
        // What waits here and is in the image will not come as an entry any more.
        foreach (var pending in _pending.TakeUnder(_state.Origins))
        {
            Fail(pending, new OvsdbError(
                "I/O error", "committed, but its results were lost while catching up"));
        }
    }

    private void Apply(LogEntry entry)
    {
        _appliedSequence = entry.Id.Sequence;
        if (entry.Kind != EntryKind.Transaction) return;
        if (!TransactionEntry.TryRead(entry.Body.Span, _settings.Schema, out var transaction))
            throw new InvalidOperationException($"Entry {entry.Id} holds no transaction.");

        var before = _state.Database;
        _state = _state.Apply(transaction, out var changes);
        Publish(before, changes);
        if (_pending.Take(transaction.Request) is not { } pending) return;
        var client = (IActorRef)pending.Client;
        client.Tell(new TransactCompleted(pending.ClientRequest, transaction.Results, null));
    }

    private void Publish(DatabaseSnapshot before, ImmutableArray<RowChange> changes)
    {
        if (changes.Any(change => change.Table == PortTable && change.Touches("options")))
        {
            _requested = null;
            TellRequested();
        }

        if (_databaseSubscribers.Count == 0) return;
        var changed = new DatabaseChanged(before, _state.Database, changes);
        foreach (var subscriber in _databaseSubscribers.Values) subscriber.Tell(changed);
    }

    /// <summary>Where the northbound wants ports, when two hosts claim one.</summary>
    private void TellRequested()
    {
        _requested ??= _state.Database.Table(PortTable).Rows
            .Where(row => row.GetMapValue("options", RequestedChassis) is { Length: > 0 })
            .GroupBy(row => row.GetString("name"), StringComparer.Ordinal)
            .ToImmutableSortedDictionary(
                rows => rows.Key,
                rows => rows.First().GetMapValue("options", RequestedChassis)!.Split(',')[0],
                StringComparer.Ordinal);
        _cluster.Tell(new RequestedChassisChanged(_requested));
    }

    private void CompleteAnswered()
    {
        foreach (var pending in _pending.TakeAnswered(_appliedSequence))
        {
            var (client, answer) = ((IActorRef)pending.Client, pending.Answer!);
            client.Tell(new TransactCompleted(
                pending.ClientRequest, answer.Results, answer.Error));
        }
    }

    private void Fail(PendingTransaction pending, OvsdbError error)
    {
        var client = (IActorRef)pending.Client;
        client.Tell(new TransactCompleted(
            pending.ClientRequest, ResultsOf(pending.OperationCount, error), error));
    }

    /// <summary>No operation was executed, and the commit failed.</summary>
    private static ImmutableArray<OperationResult> ResultsOf(int operations, OvsdbError error) =>
    [
        .. Enumerable.Repeat(OperationResult.Skipped.Instance, operations),
        new OperationResult.Failed(error),
    ];
}
