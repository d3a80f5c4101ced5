using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Monitors and locks of a session.</summary>
internal sealed partial class ClientSession
{
    private void HearMonitor(JsonRpcMessage message, byte[] id, MonitorDialect dialect)
    {
        var parameters = message.Params;
        if (!TryDatabase(message.Method, parameters, id, out var name, out var schema)) return;
        if (parameters.GetArrayLength() < 3)
        {
            var malformed = $"{message.Method} request params malformed";
            _writer.ReplyError(id, OvsdbError.SyntaxError(malformed, parameters));
            return;
        }

        var monitorId = Encoding.UTF8.GetBytes(parameters[1].GetRawText());
        if (FindMonitor(monitorId) is not null)
        {
            _writer.ReplyError(id, OvsdbError.SyntaxError("duplicate monitor ID", parameters[1]));
            return;
        }

        if (!MonitorRequest.TryRead(
            parameters[2], schema, dialect != MonitorDialect.Update, out var tables,
            out var error))
        {
            _writer.ReplyError(id, error);
            return;
        }

        Guid? since = null;
        if (dialect == MonitorDialect.Update3 && parameters.GetArrayLength() > 3
            && parameters[3].ValueKind == JsonValueKind.String
            && Guid.TryParseExact(parameters[3].GetString(), "D", out var last))
        {
            since = last;
        }

        var monitor = new Monitor(monitorId, name, dialect, tables);
        WhenWatched(name, snapshot => Start(monitor, id, since, snapshot));
    }

    private void Start(Monitor monitor, byte[] id, Guid? since, DatabaseSnapshot snapshot)
    {
        _monitors.Add(monitor);
        if (monitor.Dialect != MonitorDialect.Update3)
        {
            _writer.ReplyRaw(id, monitor.Initial(snapshot));
            return;
        }

        var isFound = false;
        byte[]? updates = null;
        if (since is { } last && last != Guid.Empty)
        {
            if (last == snapshot.TransactionId)
            {
                isFound = true;
                updates = EmptyObject;
            }
            else if (snapshot.History.TrySince(last, out var missed))
            {
                isFound = true;
                updates = monitor.Missed(missed);
            }
        }

        updates ??= monitor.Initial(snapshot);
        _writer.Reply(id, json =>
        {
            json.WriteStartArray();
            json.WriteBooleanValue(isFound);
            json.WriteStringValue(snapshot.TransactionId);
            json.WriteRawValue(updates, skipInputValidation: true);
            json.WriteEndArray();
        });
    }

    /// <summary>Does 'action' with the database's state, at once or when it has come.</summary>
    private void WhenWatched(string name, Action<DatabaseSnapshot> action)
    {
        if (!_watched.TryGetValue(name, out var watched))
        {
            _watched.Add(name, watched = new WatchedDatabase());
            _peers.Subscribe(name);
        }

        if (watched.Snapshot is { } snapshot) action(snapshot);
        else watched.Deferred.Enqueue(() => action(watched.Snapshot!));
    }

    /// <summary>A subscribed database has changed, or has told its state at first.</summary>
    public void DatabaseChanged(string name, DatabaseChanged changed)
    {
        if (!_watched.TryGetValue(name, out var watched)) return;
        var isFirst = watched.Snapshot is null;
        watched.Snapshot = changed.After;
        if (isFirst)
        {
            while (watched.Deferred.TryDequeue(out var action)) action();
            return;
        }

        byte[]? transactionId = null;
        foreach (var monitor in _monitors)
        {
            if (monitor.Database != name || monitor.Changed(changed) is not { } updates) continue;
            if (monitor.Dialect == MonitorDialect.Update3)
            {
                transactionId ??= QuotedId(changed.After);
            }

            Notify(monitor, updates, transactionId ?? ZeroId);
        }
    }

    private void Notify(Monitor monitor, byte[] updates, byte[] transactionId)
    {
        if (monitor.Dialect == MonitorDialect.Update3)
        {
            _writer.Notify(monitor.Notification, monitor.Id, transactionId, updates);
        }
        else
        {
            _writer.Notify(monitor.Notification, monitor.Id, updates);
        }
    }

    private static byte[] QuotedId(DatabaseSnapshot snapshot) =>
        Encoding.UTF8.GetBytes($"\"{snapshot.TransactionId:D}\"");

    /// <summary>A database is not served any more, or not with the schema it had.</summary>
    public void DatabaseGone(string name)
    {
        foreach (var monitor in _monitors.Where(monitor => monitor.Database == name))
        {
            _writer.Notify("monitor_canceled", monitor.Id);
        }

        _monitors.RemoveAll(monitor => monitor.Database == name);
        _watched.Remove(name);
        var lost = _pending.Where(pair => pair.Value.Database == name).ToArray();
        foreach (var (requestId, request) in lost)
        {
            _pending.Remove(requestId);
            _writer.ReplyErrorText(request.Id, "canceled");
        }
    }

    private void HearConditionChange(JsonElement parameters, byte[] id)
    {
        if (parameters.GetArrayLength() != 3
            || parameters[2].ValueKind != JsonValueKind.Object)
        {
            _writer.ReplyError(
                id, OvsdbError.SyntaxError("invalid monitor_cond_change request", parameters));
            return;
        }

        var oldId = Encoding.UTF8.GetBytes(parameters[0].GetRawText());
        var monitor = FindMonitor(oldId);
        if (monitor is null || monitor.Dialect == MonitorDialect.Update)
        {
            _writer.ReplyError(
                id, OvsdbError.SyntaxError("unknown monitor session", parameters[0]));
            return;
        }

        if (!_peers.TrySchema(monitor.Database, out var schema)
            || _watched.GetValueOrDefault(monitor.Database)?.Snapshot is not { } snapshot)
        {
            _writer.ReplyErrorText(id, "canceled");
            return;
        }

        if (!TryReadConditions(parameters[2], schema, out var conditions, out var error))
        {
            _writer.ReplyError(id, error);
            return;
        }

        var newId = Encoding.UTF8.GetBytes(parameters[1].GetRawText());
        if (monitor.ChangeConditions(newId, conditions, snapshot) is { } updates)
        {
            Notify(monitor, updates, QuotedId(snapshot));
        }

        _writer.ReplyRaw(id, EmptyObject);
    }

    private static bool TryReadConditions(
        JsonElement json, DatabaseSchema schema,
        out ImmutableArray<(TableSchema, ImmutableArray<Condition>)> conditions,
        out OvsdbError error)
    {
        conditions = [];
        var builder = ImmutableArray.CreateBuilder<(TableSchema, ImmutableArray<Condition>)>();
        foreach (var member in json.EnumerateObject())
        {
            error = OvsdbError.SyntaxError($"no table named {member.Name}");
            if (!schema.TryTable(member.Name, out var table)) return false;
            var requests = member.Value.ValueKind == JsonValueKind.Array
                ? member.Value.EnumerateArray().ToArray()
                : [member.Value];
            foreach (var request in requests)
            {
                error = OvsdbError.SyntaxError("monitor condition change malformed", member.Value);
                if (request.ValueKind != JsonValueKind.Object) return false;
                if (!request.TryGetProperty("where", out var where)) continue;
                if (where.ValueKind is not (JsonValueKind.Array or JsonValueKind.True
                    or JsonValueKind.False))
                {
                    return false;
                }

                if (!MonitorRequest.TryReadWhere(where, table, out var read, out var wrong))
                {
                    error = wrong;
                    return false;
                }

                builder.Add((table, read));
            }
        }

        conditions = builder.ToImmutable();
        error = OvsdbError.Canceled;
        return true;
    }

    private void HearMonitorCancel(JsonElement parameters, byte[] id)
    {
        var monitor = parameters.GetArrayLength() == 1
            ? FindMonitor(Encoding.UTF8.GetBytes(parameters[0].GetRawText()))
            : null;
        if (monitor is null)
        {
            _writer.ReplyErrorText(id, "unknown monitor");
            return;
        }

        _monitors.Remove(monitor);
        _writer.ReplyRaw(id, EmptyObject);
    }

    private Monitor? FindMonitor(byte[] id) =>
        _monitors.Find(monitor => monitor.Id.AsSpan().SequenceEqual(id));

    private bool TryLockName(JsonElement parameters, byte[] id, out string name)
    {
        name = "";
        if (parameters.GetArrayLength() == 1 && parameters[0].ValueKind == JsonValueKind.String)
        {
            name = parameters[0].GetString()!;
            return true;
        }

        _writer.ReplyError(
            id, OvsdbError.SyntaxError("lock name must be <id>", parameters));
        return false;
    }

    private void HearLock(JsonRpcMessage message, byte[] id)
    {
        if (!TryLockName(message.Params, id, out var name)) return;
        var requestId = NewPending(id, "", name);
        _peers.RequestLock(requestId, name, message.Method == "steal");
    }

    private void HearUnlock(JsonElement parameters, byte[] id)
    {
        if (!TryLockName(parameters, id, out var name)) return;
        _locks = _locks.Remove(name);
        _peers.ReleaseLock(name);
        _writer.ReplyRaw(id, EmptyObject);
    }

    /// <summary>The answer to lock or steal.</summary>
    public void LockAnswered(long requestId, bool isLocked)
    {
        if (!_pending.Remove(requestId, out var request)) return;
        if (isLocked) _locks = _locks.Add(request.Name);
        _writer.Reply(request.Id, json =>
        {
            json.WriteStartObject();
            json.WriteBoolean("locked", isLocked);
            json.WriteEndObject();
        });
    }

    /// <summary>A lock that the client waited for has become its own.</summary>
    public void LockGranted(string name)
    {
        _locks = _locks.Add(name);
        _writer.Notify("locked", OvsdbText.ToUtf8(json => json.WriteStringValue(name)));
    }

    public void LockStolen(string name)
    {
        _locks = _locks.Remove(name);
        _writer.Notify("stolen", OvsdbText.ToUtf8(json => json.WriteStringValue(name)));
    }

    /// <summary>A silent client is asked for a sign of life.</summary>
    public void Probe() => _writer.Call("\"echo\""u8, "echo");
}
