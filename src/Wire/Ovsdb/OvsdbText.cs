using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>How JSON texts are written on the OVSDB wire.</summary>
public static class OvsdbText
{
    /// <summary>Slashes and letters beyond ASCII go as they are, as OVS writes them.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = OvsdbLimits.JsonDepthMax,
    };

    public static JsonDocumentOptions ReaderOptions { get; } = new()
    {
        MaxDepth = OvsdbLimits.JsonDepthMax,
    };

    /// <summary>'text' as a JSON string with its quotes.</summary>
    public static string Quote(string text) =>
        "\"" + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text) + "\"";

    /// <summary>'element' as compact JSON text, as it is quoted in "syntax" members.</summary>
    public static string Compact(JsonElement element)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions)) element.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The JSON text that 'write' produces.</summary>
    public static string ToText(Action<Utf8JsonWriter> write) =>
        Encoding.UTF8.GetString(ToUtf8(write));

    /// <summary>The JSON bytes that 'write' produces.</summary>
    public static byte[] ToUtf8(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions)) write(writer);
        return buffer.WrittenSpan.ToArray();
    }
}
