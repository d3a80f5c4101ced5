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
        JsonElement id = default, method = default, parameters = default;
        JsonElement result = default, error = default;
        foreach (var member in json.EnumerateObject())
        {
            if (member.NameEquals("id"u8)) id = member.Value;
            else if (member.NameEquals("method"u8)) method = member.Value;
            else if (member.NameEquals("params"u8)) parameters = member.Value;
            else if (member.NameEquals("result"u8)) result = member.Value;
            else if (member.NameEquals("error"u8)) error = member.Value;
            else
            {
                problem = $"message has unexpected member \"{member.Name}\"";
                return false;
            }
        }

        return IsThere(method)
            ? TryReadCall(id, method, parameters, IsThere(result) || IsThere(error), out message,
                out problem)
            : TryReadAnswer(id, result, error, out message, out problem);
    }

    private static bool IsThere(JsonElement member) =>
        member.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    private static bool TryReadCall(
        JsonElement id, JsonElement method, JsonElement parameters, bool isAnswerToo,
        out JsonRpcMessage message, [NotNullWhen(false)] out string? problem)
    {
        message = default;
        problem = "method is not a JSON string";
        if (method.ValueKind != JsonValueKind.String) return false;
        problem = "params is not a JSON array";
        if (parameters.ValueKind != JsonValueKind.Array) return false;
        problem = "request has a result or an error";
        if (isAnswerToo) return false;
        message = new JsonRpcMessage
        {
            Kind = IsThere(id) ? JsonRpcKind.Request : JsonRpcKind.Notification,
            Method = method.GetString()!,
            Params = parameters,
            Id = id,
        };
        problem = null;
        return true;
    }

    private static bool TryReadAnswer(
        JsonElement id, JsonElement result, JsonElement error, out JsonRpcMessage message,
        [NotNullWhen(false)] out string? problem)
    {
        message = default;
        problem = "message has neither method nor id";
        if (!IsThere(id)) return false;
        problem = "message has neither method, result nor error";
        if (result.ValueKind == JsonValueKind.Undefined
            && error.ValueKind == JsonValueKind.Undefined)
        {
            return false;
        }

        message = new JsonRpcMessage
        {
            Kind = IsThere(error) ? JsonRpcKind.Error : JsonRpcKind.Reply,
            Method = "",
            Id = id,
            Result = IsThere(error) ? error : result,
        };
        problem = null;
        return true;
    }
}
