using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>A client of an OVSDB server (RFC 7047): one request after the other.</summary>
internal sealed class OvsdbConnection : IAsyncDisposable
{
    private const int AnswerSizeMax = 256 * 1024 * 1024;
    private const string Database = "Open_vSwitch";

    private readonly NetworkStream _stream;
    private byte[] _buffer = new byte[64 * 1024];
    private int _used;
    private int _requests;

    private OvsdbConnection(NetworkStream stream) => _stream = stream;

    public static async Task<OvsdbConnection> OpenAsync(
        string remote, CancellationToken cancellation)
    {
        if (!remote.StartsWith("unix:", StringComparison.Ordinal))
        {
            throw new ToolException($"{remote}: only unix:PATH is possible here");
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(remote[5..]), cancellation);
        return new OvsdbConnection(new NetworkStream(socket, ownsSocket: true));
    }

    public Task<JsonNode> SchemaAsync(CancellationToken cancellation) =>
        AskAsync("get_schema", [Database], cancellation);

    /// <summary>One transaction; its results, one for each operation.</summary>
    /// <exception cref="ToolException">The server refuses it.</exception>
    public async Task<JsonArray> TransactAsync(
        IEnumerable<JsonObject> operations, CancellationToken cancellation) =>
        await TryTransactAsync(operations, cancellation)
        ?? throw new ToolException("timed out: a \"wait\" does not hold");

    /// <summary>The same; null if a "wait" of it does not hold.</summary>
    public async Task<JsonArray?> TryTransactAsync(
        IEnumerable<JsonObject> operations, CancellationToken cancellation)
    {
        var results = (JsonArray)await AskAsync(
            "transact", [Database, .. operations.Select(each => each.DeepClone())], cancellation);
        foreach (var result in results)
        {
            if (result?["error"] is not { } error) continue;
            if ((string?)error == "timed out") return null;
            throw new ToolException($"{error}: {result["details"]}");
        }

        return results;
    }

    public async Task<JsonArray> SelectAsync(
        string table, JsonArray where, CancellationToken cancellation)
    {
        var results = await TransactAsync(
            [new JsonObject { ["op"] = "select", ["table"] = table, ["where"] = where }],
            cancellation);
        return (JsonArray)results[0]!["rows"]!.DeepClone();
    }

    private async Task<JsonNode> AskAsync(
        string method, JsonNode?[] parameters, CancellationToken cancellation)
    {
        var id = ++_requests;
        var request = new JsonObject
        {
            ["id"] = id, ["method"] = method, ["params"] = new JsonArray(parameters),
        };
        await _stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(request), cancellation);
        while (true)
        {
            var message = await ReadAsync(cancellation);
            if ((string?)message["method"] == "echo")
            {
                await _stream.WriteAsync(
                    JsonSerializer.SerializeToUtf8Bytes(new JsonObject
                    {
                        ["id"] = message["id"]?.DeepClone(),
                        ["result"] = message["params"]?.DeepClone(), ["error"] = null,
                    }), cancellation);
                continue;
            }

            if (message["id"]?.ToJsonString() != $"{id}") continue;
            if (message["error"] is { } error) throw new ToolException(error.ToJsonString());
            return message["result"]!;
        }
    }

    private async Task<JsonNode> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (TryTake() is { } message) return message;
            if (_used == _buffer.Length)
            {
                if (_used >= AnswerSizeMax) throw new IOException("an answer without an end");
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var size = await _stream.ReadAsync(_buffer.AsMemory(_used), cancellation);
            if (size == 0) throw new IOException("the database server closed the connection");
            _used += size;
        }
    }

    private JsonNode? TryTake()
    {
        var reader = new Utf8JsonReader(
            _buffer.AsSpan(0, _used), isFinalBlock: false,
            new JsonReaderState(new JsonReaderOptions { AllowMultipleValues = true }));
        if (_used == 0 || !JsonDocument.TryParseValue(ref reader, out var document)) return null;
        using (document)
        {
            var consumed = (int)reader.BytesConsumed;
            var message = JsonNode.Parse(document.RootElement.GetRawText())!;
            _buffer.AsSpan(consumed, _used - consumed).CopyTo(_buffer);
            _used -= consumed;
            return message;
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
