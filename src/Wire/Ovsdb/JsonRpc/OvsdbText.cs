using System.Buffers;
using System.Globalization;
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

    /// <summary>'element' as compact JSON text with sorted members, as errors quote it.</summary>
    public static string Compact(JsonElement element) =>
        ToText(writer => WriteSorted(writer, element));

    private static void WriteSorted(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                var members = element.EnumerateObject()
                    .OrderBy(member => member.Name, StringComparer.Ordinal);
                foreach (var member in members)
                {
                    writer.WritePropertyName(member.Name);
                    WriteSorted(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray()) WriteSorted(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number:
                writer.WriteRawValue(TextOfNumber(element), skipInputValidation: true);
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    /// <summary>A real number in 15 digits, as C's "%.15g" and OVS have it.</summary>
    public static string TextOf(double real) =>
        real.ToString("G15", CultureInfo.InvariantCulture).Replace('E', 'e');

    /// <summary>1e3 and 1000.0 are 1000; what is no 64-bit integer is a real number.</summary>
    private static string TextOfNumber(JsonElement number) =>
        DatumReader.TryReadInteger(number, out var integer)
            ? integer.ToString(CultureInfo.InvariantCulture)
            : TextOf(number.GetDouble());

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
