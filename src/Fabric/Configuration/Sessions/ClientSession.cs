using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>One OVSDB client's conversation, without its socket.</summary>
/// <remarks>
/// Messages go in through <see cref="Hear"/>, what the databases say through the methods named
/// after it; what the client shall be sent gathers in <see cref="Output"/>. Not thread-safe.
/// </remarks>
internal sealed partial class ClientSession
{
    private static readonly byte[] EmptyObject = "{}"u8.ToArray();
    private static readonly byte[] ZeroId = Encoding.UTF8.GetBytes($"\"{Guid.Empty:D}\"");

    private readonly ISessionPeers _peers;
    private readonly TransactionOrigin _origin;
    private JsonRpcWriter _writer;
    private readonly SortedDictionary<string, WatchedDatabase> _watched =
        new(StringComparer.Ordinal);

    private readonly List<Monitor> _monitors = [];
    private readonly Dictionary<long, PendingRequest> _pending = [];

    // Locks asked for and not given back, and those of them that are held.
    private readonly HashSet<string> _askedLocks = new(StringComparer.Ordinal);
    private ImmutableHashSet<string> _locks = [];
    private long _lastRequestId;

    /// <param name="origin">Role and name of the client, for RBAC.</param>
    public ClientSession(ISessionPeers peers, TransactionOrigin origin)
    {
        _peers = peers;
        _origin = origin;
        _writer = new JsonRpcWriter(Output);
    }

    /// <summary>Bytes for the client, to be taken and cleared by the owner.</summary>
    public ArrayBufferWriter<byte> Output { get; private set; } = new(4096);

    /// <summary>Gathers in another, empty buffer from now on.</summary>
    public void SwapOutput(ArrayBufferWriter<byte> output)
    {
        Output = output;
        _writer = new JsonRpcWriter(output);
    }

    /// <summary>The client wants to be told of schema changes instead of being cut off.</summary>
    public bool IsChangeAware { get; private set; }

    /// <summary>Requests that the client has been waiting for.</summary>
    public int PendingCount => _pending.Count;

    private readonly record struct PendingRequest(byte[] Id, string Database, string Name);

    private sealed class WatchedDatabase
    {
        public DatabaseSnapshot? Snapshot { get; set; }

        /// <summary>Requests that need the snapshot, in their order.</summary>
        public Queue<Action> Deferred { get; } = new();
    }

    /// <summary>One message from the client; its document is read before this returns.</summary>
    public void Hear(JsonRpcMessage message)
    {
        switch (message.Kind)
        {
            case JsonRpcKind.Request:
                HearRequest(message, Encoding.UTF8.GetBytes(message.Id.GetRawText()));
                break;
            case JsonRpcKind.Notification when message.Method == "cancel":
                HearCancel(message.Params);
                break;
        }

        // Replies are answers to our probes: that they came is all there is to know.
    }

    private void HearRequest(JsonRpcMessage message, byte[] id)
    {
        switch (message.Method)
        {
            case "transact": HearTransact(message.Params, id); break;
            case "echo":
                _writer.ReplyRaw(id, Encoding.UTF8.GetBytes(message.Params.GetRawText()));
                break;
            case "get_schema": HearGetSchema(message.Params, id); break;
            case "monitor": HearMonitor(message, id, MonitorDialect.Update); break;
            case "monitor_cond" when _peers.HasMonitorCond:
                HearMonitor(message, id, MonitorDialect.Update2);
                break;
            case "monitor_cond_since" when _peers.HasMonitorCond:
                HearMonitor(message, id, MonitorDialect.Update3);
                break;
            case "monitor_cond_change": HearConditionChange(message.Params, id); break;
            case "monitor_cancel": HearMonitorCancel(message.Params, id); break;
            case "list_dbs":
                _writer.Reply(id, json =>
                {
                    json.WriteStartArray();
                    foreach (var name in _peers.Databases) json.WriteStringValue(name);
                    json.WriteEndArray();
                });
                break;
            case "lock" or "steal": HearLock(message, id); break;
            case "unlock": HearUnlock(message.Params, id); break;
            case "set_db_change_aware": HearChangeAware(message.Params, id); break;
            case "get_server_id":
                _writer.Reply(id, json => json.WriteStringValue(_peers.ServerId));
                break;
            case "convert": HearConvert(message.Params, id); break;
            default: _writer.ReplyErrorText(id, "unknown method"); break;
        }
    }

    private void HearGetSchema(JsonElement parameters, byte[] id)
    {
        if (!TryDatabase("get_schema", parameters, id, out _, out var schema)) return;
        _writer.ReplyRaw(id, schema.Utf8.Span);
    }

    private void HearTransact(JsonElement parameters, byte[] id)
    {
        if (!TryDatabase("transact", parameters, id, out var database, out var schema)) return;
        var operations = new JsonElement[parameters.GetArrayLength() - 1];
        var i = -1;
        foreach (var item in parameters.EnumerateArray())
        {
            if (i >= 0) operations[i] = item;
            i++;
        }

        var requestId = NewPending(id, database, "transact");
        var typed = OperationReader.Read(schema, operations, RandomUuids.New);
        _peers.Transact(database, new Transact(requestId, typed)
        {
            Origin = _origin with { Locks = _locks },
        });
    }

    /// <summary>The answer of a database to this session's transaction.</summary>
    public void TransactCompleted(TransactCompleted completed)
    {
        if (!_pending.Remove(completed.RequestId, out var request)) return;
        if (completed.Results.IsEmpty && completed.Error is not null)
        {
            // Not the transaction failed, but the request: "canceled", "unknown database".
            if (completed.Error.Tag == "canceled") _writer.ReplyErrorText(request.Id, "canceled");
            else _writer.ReplyError(request.Id, completed.Error);
            return;
        }

        _writer.Reply(request.Id, json =>
        {
            if (request.Name == "convert")
            {
                json.WriteStartObject();
                json.WriteEndObject();
                return;
            }

            json.WriteStartArray();
            foreach (var result in completed.Results) result.WriteTo(json);
            json.WriteEndArray();
        });
    }

    private void HearCancel(JsonElement parameters)
    {
        if (parameters.GetArrayLength() != 1) return;
        var id = Encoding.UTF8.GetBytes(parameters[0].GetRawText());
        foreach (var (requestId, request) in _pending)
        {
            if (!request.Id.AsSpan().SequenceEqual(id)) continue;
            _peers.CancelTransact(request.Database, requestId);
            return;
        }
    }

    private void HearChangeAware(JsonElement parameters, byte[] id)
    {
        var isTruth = parameters.GetArrayLength() == 1
            && parameters[0].ValueKind is JsonValueKind.True or JsonValueKind.False;
        if (!isTruth)
        {
            const string Expected = "set_db_change_aware: true or false parameter expected";
            _writer.ReplyError(id, OvsdbError.SyntaxError(Expected, parameters));
            return;
        }

        IsChangeAware = parameters[0].ValueKind == JsonValueKind.True;
        _writer.ReplyRaw(id, EmptyObject);
    }

    private void HearConvert(JsonElement parameters, byte[] id)
    {
        if (!TryDatabase("convert", parameters, id, out var database, out _)) return;
        if (parameters.GetArrayLength() != 2)
        {
            _writer.ReplyError(id, OvsdbError.SyntaxError("array expected", parameters));
            return;
        }

        if (!SchemaReader.TryRead(parameters[1], out var schema, out var error))
        {
            _writer.ReplyError(id, error);
            return;
        }

        _peers.Convert(database, NewPending(id, database, "convert"), schema);
    }

    private long NewPending(byte[] id, string database, string name)
    {
        var requestId = ++_lastRequestId;
        _pending.Add(requestId, new PendingRequest(id, database, name));
        return requestId;
    }

    /// <summary>
    /// The database that the first parameter names; answers itself if there is none.
    /// </summary>
    private bool TryDatabase(
        string method, JsonElement parameters, byte[] id, out string name,
        out DatabaseSchema schema)
    {
        name = "";
        schema = OpenVSwitchSchema.Schema;
        if (parameters.GetArrayLength() == 0
            || parameters[0].ValueKind != JsonValueKind.String)
        {
            _writer.ReplyError(
                id,
                OvsdbError.SyntaxError(
                    $"{method} request params must begin with <db-name>", parameters));
            return false;
        }

        name = parameters[0].GetString()!;
        if (_peers.TrySchema(name, out schema)) return true;
        _writer.ReplyError(id, _peers.IsAwaited(name)
            ? OvsdbError.DatabaseNotAvailable(method, name)
            : OvsdbError.UnknownDatabase(method, name) with
            {
                Syntax = OvsdbText.Compact(parameters),
            });
        return false;
    }
}
