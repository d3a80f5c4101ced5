using System.Globalization;
using System.Text.Json;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <content>What the server says: schema, rows, lock, answers.</content>
internal sealed partial class RemoteDatabaseActor
{
    private const string SchemaId = "1";
    private const string MonitorId = "2";
    private const string PlainMonitorId = "3";
    private const string LockId = "4";
    private const long FirstTransactId = 10;

    private static string Text(long id) => id.ToString(CultureInfo.InvariantCulture);

    protected override void Hear(JsonRpcMessage message)
    {
        if (message.Kind == JsonRpcKind.Notification) HearNotification(message);
        else if (message.Kind is JsonRpcKind.Reply or JsonRpcKind.Error) HearReply(message);
    }

    private void HearNotification(JsonRpcMessage message)
    {
        switch (message.Method)
        {
            case "update2" when message.Params.GetArrayLength() == 2:
                HearUpdate(message.Params[1], Guid.Empty);
                break;
            case "update3" when message.Params.GetArrayLength() == 3:
                Guid.TryParse(message.Params[1].ToString(), out var transactionId);
                HearUpdate(message.Params[2], transactionId);
                break;
            case "locked":
                _hasLock = true;
                GoLive();
                break;
            case "stolen":
                _hasLock = false;
                Hide();
                break;
            case "monitor_canceled":
                Lose("the database was converted or removed");
                break;
        }
    }

    private void HearReply(JsonRpcMessage message)
    {
        var isError = message.Kind == JsonRpcKind.Error;
        switch (message.Id.ToString())
        {
            case SchemaId when isError:
                Lose($"get_schema: {message.Result}");
                break;
            case SchemaId:
                HearSchema(message.Result);
                break;
            case MonitorId when isError:
                Connection!.Call(
                    PlainMonitorId, "monitor_cond", Quoted(_settings.Schema.Name),
                    "null"u8.ToArray(), _schema!.MonitoredTables());
                break;
            case PlainMonitorId when isError:
                Lose($"monitor_cond: {message.Result}");
                break;
            case MonitorId when message.Result.ValueKind == JsonValueKind.Array
                && message.Result.GetArrayLength() == 3:
                HearRows(message.Result[2]);
                break;
            case PlainMonitorId:
                HearRows(message.Result);
                break;
            case LockId:
                HearLock(message.Result);
                break;
            default:
                HearAnswer(message);
                break;
        }
    }

    private void HearSchema(JsonElement json)
    {
        if (!SchemaReader.TryRead(json, out var theirs, out var error))
        {
            Lose($"schema: {error.Details}");
            return;
        }

        if (_settings.IsRelay && theirs.Text != _settings.Schema.Text)
        {
            Context.Parent.Tell(new RemoteSchemaFound(theirs));
            return;
        }

        _schema = new RemoteSchema(_settings.Schema, theirs);
        Connection!.Call(
            MonitorId, "monitor_cond_since", Quoted(_settings.Schema.Name), "null"u8.ToArray(),
            _schema.MonitoredTables(), Quoted($"{Guid.Empty:D}"));
        if (_settings.Lock is { } name) Connection.Call(LockId, "lock", Quoted(name));
    }

    private void HearRows(JsonElement rows)
    {
        if (!RemoteUpdates.TryRead(
            rows, _settings.Schema, Guid.Empty, out var delta, out var problem))
        {
            Lose(problem);
            return;
        }

        _snapshot = DatabaseSnapshot.EmptyOf(_settings.Schema).Apply(delta);
        _hasRows = true;
        GoLive();
    }

    private void HearLock(JsonElement result)
    {
        _hasLock = result.ValueKind == JsonValueKind.Object
            && result.TryGetProperty("locked", out var locked)
            && locked.ValueKind == JsonValueKind.True;
        if (_hasLock) GoLive();
        else Hide();
    }

    /// <summary>Rows and lock are there: everybody is told everything.</summary>
    private void GoLive()
    {
        if (!_hasRows || !_hasLock) return;
        _isLive = true;
        _isContended = false;
        foreach (var subscriber in _subscribers) TellAll(subscriber, withRows: true);
    }

    private void Hide()
    {
        if (_settings.Lock is not { } name) return;
        _isLive = false;
        if (!_isContended)
        {
            // ovs_vswitchd is the lock of the daemon ovs-vswitchd, and so on.
            Log.Error(
                "another {0} process is running, disabling this process (pid {1}) until it goes "
                + "away", name.Replace('_', '-'), Environment.ProcessId);
        }

        _isContended = true;
        foreach (var subscriber in _subscribers) subscriber.Tell(DatabaseHidden.Instance);
    }

    private void HearUpdate(JsonElement updates, Guid transactionId)
    {
        if (!_hasRows) return;
        if (!RemoteUpdates.TryRead(
            updates, _settings.Schema, transactionId, out var delta, out var problem))
        {
            Lose(problem);
            return;
        }

        var before = _snapshot;
        _snapshot = before.Apply(delta, out var changes);
        if (!_isLive || changes.IsEmpty) return;
        var changed = new DatabaseChanged(before, _snapshot, changes);
        foreach (var subscriber in _subscribers) subscriber.Tell(changed);
    }

    private void HearAnswer(JsonRpcMessage message)
    {
        if (!long.TryParse(message.Id.ToString(), CultureInfo.InvariantCulture, out var id)
            || !_asked.Remove(id, out var asked))
        {
            return;
        }

        asked.Sender.Tell(message.Kind == JsonRpcKind.Error
            ? new TransactCompleted(
                asked.RequestId, [], new OvsdbError($"{message.Result}"))
            : RemoteTransaction.Read(
                asked.RequestId, message.Result, _settings.Lock is null ? 0 : 1));
    }
}
