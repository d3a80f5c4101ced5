using System.Text.Json;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <content>What its part in the cluster has the database do.</content>
internal sealed partial class ClusterDatabaseActor : IRaftOutside
{
    void IRaftOutside.Send(Guid server, RaftMessage message) =>
        _network.TrySend(server, Envelope(message));

    void IRaftOutside.Ask(RaftMessage message)
    {
        foreach (var peer in _network.Peers)
        {
            if (peer is { IsOutgoing: true, IsOpen: true }) _network.Send(peer, Envelope(message));
        }
    }

    void IRaftOutside.Keep(ReadOnlySpan<ClusterRecord> records, bool isDurable) =>
        _file.Keep(records, isDurable);

    void IRaftOutside.KeepSnapshot(RaftLog log, ReadOnlySpan<ClusterRecord> records) =>
        _file.KeepSnapshot(log, records);

    void IRaftOutside.ServersChanged() => _areServersDue = true;

    void IRaftOutside.StateChanged() => _isServedDue = true;

    void IRaftOutside.Say(string text) => _log.Info("{0}", text);

    void IRaftOutside.Left()
    {
        Context.Parent.Tell(new ClusterLeft(_file.Name));
        Context.Stop(_self);
    }

    void IRaftOutside.Apply(ClusterRecord entry)
    {
        if (!entry.HasData)
        {
            if (_journal.IsOutdated(entry.Term ?? 0)) Withdraw();
        }
        else if (!_journal.HearApplied(entry.EntryId ?? Guid.Empty))
        {
            Withdraw();
            Follow(entry);
        }

        _server.Tell(new ShowIndex(_file.Name, _raft.Applied));
    }

    /// <summary>The rows as they were when 'snapshot' was taken.</summary>
    void IRaftOutside.Restore(RaftSnapshot snapshot)
    {
        DatabaseSnapshot? rows = null;
        Apply(ref rows, snapshot.Data, snapshot.EntryId);
        Engine.Abandon();
        _journal.Reset(snapshot.EntryId);
        _conversion = null;
        if (_hasSchema && rows!.Schema.Text == Engine.Published.Schema.Text)
        {
            Follow(DatabaseDifference.Between(Engine.Published, rows, []));
        }
        else
        {
            Take(rows!);
        }
    }

    private bool TrySubmit(ClusterJournal.Step step)
    {
        if (_raft.IsLeader)
        {
            // Others' transactions that are not committed yet are ahead: it is withdrawn then.
            if (_raft.Log.EntryId != step.Prerequisite || step.Term == _raft.Term) return false;
            step.Term = _raft.Term;
            return _raft.TryPropose(
                new ClusterRecord { Data = step.Data, EntryId = step.EntryId }, Now);
        }

        if (_raft.Leader is not { } leader) return false;
        step.Term = _raft.Term;
        _network.TrySend(leader, Envelope(new RaftMessage.Execute(
            step.Data, step.Prerequisite, step.EntryId!.Value)));
        return true;
    }

    /// <summary>What is on its way will be executed anew, behind what was in its place.</summary>
    private void Withdraw()
    {
        if (_journal.IsEmpty) return;
        if (_conversion is { } conversion) _held.Enqueue(conversion);
        _conversion = null;
        _journal.Clear();
        Engine.Withdraw();
        _isRetryDue = true;
    }

    private void Follow(ClusterRecord entry)
    {
        var entryId = entry.EntryId ?? Guid.Empty;
        var hasSchema = entry.Data[0].ValueKind != JsonValueKind.Null;
        DatabaseSnapshot? rows = Engine.Published;
        if (hasSchema)
        {
            Apply(ref rows, entry.Data, entryId);
            Take(rows!);
        }
        else if (LogTransaction.TryRead(
            entry.Data[1], rows, entryId, out var delta, out var problem))
        {
            Follow(delta);
        }
        else
        {
            throw new InvalidDataException($"{_file.Name}: entry {entry.Index}: {problem}");
        }
    }

    private void Follow(DatabaseDelta delta)
    {
        _journal.IsFollowing = true;
        Engine.Follow(delta);
        _journal.IsFollowing = false;
        _isRetryDue = true;
    }

    private void Apply(ref DatabaseSnapshot? rows, JsonElement data, Guid entryId)
    {
        if (ClusterLog.TryApply(ref rows, data, entryId, out var problem) && rows is not null)
        {
            return;
        }

        throw new InvalidDataException($"{_file.Name}: {problem ?? "no schema"}");
    }

    /// <summary>From now on the database has another schema, and these rows.</summary>
    private void Take(DatabaseSnapshot rows)
    {
        Engine.Reset(rows);
        _hasSchema = true;
        _isServedDue = true;
        Context.Parent.Tell(new ClusterSchemaKnown(_file.Name, rows.Schema));
    }

    private void Convert(ConvertDatabase convert)
    {
        var entryId = RandomUuids.New();
        if (!SchemaConversion.TryConvert(
            Engine.Head, convert.Schema, entryId, out var converted, out var error))
        {
            Sender.Tell(new TransactCompleted(convert.RequestId, [], error));
            return;
        }

        var asker = Sender;
        _conversion = (convert, asker);
        var data = ClusterLogFile.DataOf(
            converted, _time.GetUtcNow(), "converted by ovsdb-server");
        _journal.Append(entryId, data, () =>
        {
            _conversion = null;
            Take(converted);
            asker.Tell(new TransactCompleted(convert.RequestId, [], null));
        });
        Settle();
    }
}
