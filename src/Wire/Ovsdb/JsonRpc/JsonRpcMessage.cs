using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>What a JSON-RPC 1.0 message is (RFC 7047 section 4, JSON-RPC 1.0 section 2).</summary>
public enum JsonRpcKind : byte
{
    Request,
    Notification,
    Reply,
    Error,
}

/// <summary>A JSON-RPC 1.0 message: a view of its document.</summary>
public readonly struct JsonRpcMessage
{
    public JsonRpcKind Kind { get; private init; }

    /// <summary>Of requests and notifications.</summary>
    public string Method { get; private init; }

    /// <summary>An array, of requests and notifications.</summary>
    public JsonElement Params { get; private init; }

    /// <summary>Any JSON value but null; undefined for notifications.</summary>
    public JsonElement Id { get; private init; }

    /// <summary>The result of a reply, or the error of an error.</summary>
    public JsonElement Result { get; private init; }

    /// <returns>False, and why, if the object is no message.</returns>
    public static bool TryRead(
        JsonElement json, out JsonRpcMessage message, [NotNullWhen(false)] out string? problem)
    {
        message = default;
        problem = "message is not a JSON object";
        if (json.ValueKind != JsonValueKind.Object) return false;
        json.TryGetProperty("id", out var id);
        var hasId = id.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);
        if (json.TryGetProperty("method", out var method)
            && method.ValueKind != JsonValueKind.Null)
        {
            problem = "method is not a JSON string";
            if (method.ValueKind != JsonValueKind.String) return false;
            problem = "params is not a JSON array";
            if (!json.TryGetProperty("params", out var parameters)) return false;
            if (parameters.ValueKind != JsonValueKind.Array) return false;
            message = new JsonRpcMessage
            {
                Kind = hasId ? JsonRpcKind.Request : JsonRpcKind.Notification,
                Method = method.GetString()!,
                Params = parameters,
                Id = id,
            };
            problem = null;
            return true;
        }

        problem = "message has neither method nor id";
        if (!hasId) return false;
        json.TryGetProperty("result", out var result);
        json.TryGetProperty("error", out var error);
        var isError = error.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);
        message = new JsonRpcMessage
        {
            Kind = isError ? JsonRpcKind.Error : JsonRpcKind.Reply,
            Method = "",
            Id = id,
            Result = isError ? error : result,
        };
        problem = null;
        return true;
    }
}
