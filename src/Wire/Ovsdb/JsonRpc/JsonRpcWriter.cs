using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Writes JSON-RPC 1.0 messages one after the other into a buffer.</summary>
/// <remarks>
/// Ids and other parts that come back unchanged are passed as JSON bytes ("raw").
/// </remarks>
public sealed class JsonRpcWriter(IBufferWriter<byte> output)
{
    private readonly Utf8JsonWriter _json = new(output, OvsdbText.WriterOptions);

    /// <summary>{"id":id,"result":...,"error":null}.</summary>
    public void Reply(ReadOnlySpan<byte> id, Action<Utf8JsonWriter> result)
    {
        _json.Reset(output);
        _json.WriteStartObject();
        _json.WritePropertyName("id"u8);
        _json.WriteRawValue(id, skipInputValidation: true);
        _json.WritePropertyName("result"u8);
        result(_json);
        _json.WriteNull("error"u8);
        _json.WriteEndObject();
        _json.Flush();
    }

    public void ReplyRaw(ReadOnlySpan<byte> id, ReadOnlySpan<byte> result)
    {
        output.Write("{\"id\":"u8);
        output.Write(id);
        output.Write(",\"result\":"u8);
        output.Write(result);
        output.Write(",\"error\":null}"u8);
    }

    /// <summary>{"id":id,"error":...}: without a result, as ovsdb-server answers.</summary>
    public void ReplyError(ReadOnlySpan<byte> id, OvsdbError error)
    {
        _json.Reset(output);
        _json.WriteStartObject();
        _json.WritePropertyName("id"u8);
        _json.WriteRawValue(id, skipInputValidation: true);
        _json.WritePropertyName("error"u8);
        error.WriteTo(_json);
        _json.WriteEndObject();
        _json.Flush();
    }

    /// <summary>An error that is just a text, such as "unknown method".</summary>
    public void ReplyErrorText(ReadOnlySpan<byte> id, string error)
    {
        _json.Reset(output);
        _json.WriteStartObject();
        _json.WritePropertyName("id"u8);
        _json.WriteRawValue(id, skipInputValidation: true);
        _json.WriteString("error"u8, error);
        _json.WriteEndObject();
        _json.Flush();
    }

    /// <summary>{"method":method,"params":[...],"id":null}.</summary>
    public void Notify(string method, params ReadOnlySpan<byte[]> rawParams) =>
        Call("null"u8, method, rawParams);

    /// <summary>{"method":method,"params":[...],"id":id}.</summary>
    public void Call(ReadOnlySpan<byte> id, string method, params ReadOnlySpan<byte[]> rawParams)
    {
        output.Write("{\"id\":"u8);
        output.Write(id);
        output.Write(",\"method\":\""u8);
        Encoding.UTF8.GetBytes(method.AsSpan(), output);
        output.Write("\",\"params\":["u8);
        for (var i = 0; i < rawParams.Length; i++)
        {
            if (i > 0) output.Write(","u8);
            output.Write(rawParams[i]);
        }

        output.Write("]}"u8);
    }
}
