using System.Diagnostics.CodeAnalysis;
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
        var count = parameters.GetArrayLength();
        var isComplete = dialect switch
        {
            MonitorDialect.Update => count >= 3,
            MonitorDialect.Update2 => count == 3,
            _ => count == 4,
        };
        if (!isComplete)
        {
            _writer.ReplyError(id, OvsdbError.SyntaxError("invalid parameters", parameters));
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
        if (dialect == MonitorDialect.Update3 && !TrySince(parameters[3], out since, out error))
        {
            _writer.ReplyError(id, error);
            return;
        }

        var monitor = new Monitor(monitorId, name, dialect, tables);
        WhenWatched(name, snapshot => Start(monitor, id, since, snapshot));
    }

    private static bool TrySince(
        JsonElement json, out Guid? since, [NotNullWhen(false)] out OvsdbError? error)
    {
        since = null;
        error = OvsdbError.SyntaxError("last-txn-id must be string", json);
        if (json.ValueKind != JsonValueKind.String) return false;
        error = OvsdbError.SyntaxError("last-txn-id must be UUID format.", json);
        if (!Guid.TryParseExact(json.GetString(), "D", out var last)) return false;
        since = last;
        error = null;
        return true;
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
        if (parameters.GetArrayLength() != 3)
        {
            _writer.ReplyError(id, OvsdbError.SyntaxError("invalid parameters", parameters));
            return;
        }

        var oldId = Encoding.UTF8.GetBytes(parameters[0].GetRawText());
        var newId = Encoding.UTF8.GetBytes(parameters[1].GetRawText());
        if (FindMonitor(oldId) is not { Dialect: not MonitorDialect.Update } monitor)
        {
            _writer.ReplyError(
                id, OvsdbError.SyntaxError("unknown monitor session", parameters[0]));
            return;
        }

        if (FindMonitor(newId) is { } other && other != monitor)
        {
            _writer.ReplyError(id, OvsdbError.SyntaxError("duplicate monitor ID", parameters[1]));
            return;
        }

        if (!_peers.TrySchema(monitor.Database, out var schema)
            || _watched.GetValueOrDefault(monitor.Database)?.Snapshot is not { } snapshot)
        {
            _writer.ReplyErrorText(id, "canceled");
            return;
        }

        if (!ConditionChange.TryRead(
            parameters[2], schema, monitor, out var conditions, out var error))
        {
            _writer.ReplyError(id, error);
            return;
        }

        if (monitor.ChangeConditions(newId, conditions, snapshot) is { } updates)
        {
            Notify(monitor, updates, QuotedId(snapshot));
        }

        _writer.ReplyRaw(id, EmptyObject);
    }

    private void HearMonitorCancel(JsonElement parameters, byte[] id)
    {
        if (parameters.GetArrayLength() != 1)
        {
            _writer.ReplyErrorText(id, "invalid parameters");
            return;
        }

        var monitor = FindMonitor(Encoding.UTF8.GetBytes(parameters[0].GetRawText()));
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

    private bool TryLockName(string method, JsonElement parameters, byte[] id, out string name)
    {
        name = "";
        var isName = parameters.GetArrayLength() == 1
            && parameters[0].ValueKind == JsonValueKind.String
            && OperationReader.IsIdentifier(name = parameters[0].GetString()!);
        if (!isName) Refuse($"{method} request params must be <id>");
        else if (method == "unlock" && !_askedLocks.Contains(name))
        {
            Refuse("unlock: \"unlock\" without \"lock\" or \"steal\"");
        }
        else if (method != "unlock" && _askedLocks.Contains(name))
        {
            Refuse($"must issue \"unlock\" before new \"{method}\"");
        }
        else return true;
        return false;

        void Refuse(string details) =>
            _writer.ReplyError(id, OvsdbError.SyntaxError(details, parameters));
    }

    private void HearLock(JsonRpcMessage message, byte[] id)
    {
        if (!TryLockName(message.Method, message.Params, id, out var name)) return;
        _askedLocks.Add(name);
        var requestId = NewPending(id, "", name);
        _peers.RequestLock(requestId, name, message.Method == "steal");
    }

    private void HearUnlock(JsonElement parameters, byte[] id)
    {
        if (!TryLockName("unlock", parameters, id, out var name)) return;
        _askedLocks.Remove(name);
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
