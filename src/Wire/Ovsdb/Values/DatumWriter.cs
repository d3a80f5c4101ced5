using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Writes values as RFC 7047 section 5.1 has them.</summary>
public static class DatumWriter
{
    private static readonly JsonEncodedText SetWord = JsonEncodedText.Encode("set");
    private static readonly JsonEncodedText MapWord = JsonEncodedText.Encode("map");
    private static readonly JsonEncodedText UuidWord = JsonEncodedText.Encode("uuid");

    /// <summary>A set of one element is written as the element.</summary>
    public static void Write(Utf8JsonWriter writer, Datum datum)
    {
        if (datum is { IsMap: false, Count: 1 })
        {
            Write(writer, datum.Keys[0]);
            return;
        }

        writer.WriteStartArray();
        writer.WriteStringValue(datum.IsMap ? MapWord : SetWord);
        writer.WriteStartArray();
        for (var i = 0; i < datum.Count; i++)
        {
            if (datum.IsMap)
            {
                writer.WriteStartArray();
                Write(writer, datum.Keys[i]);
                Write(writer, datum.Values[i]);
                writer.WriteEndArray();
            }
            else
            {
                Write(writer, datum.Keys[i]);
            }
        }

        writer.WriteEndArray();
        writer.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter writer, Atom atom)
    {
        switch (atom.Type)
        {
            case AtomType.Integer: writer.WriteNumberValue(atom.Integer); break;
            case AtomType.Real:
                writer.WriteRawValue(OvsdbText.TextOf(atom.Real), skipInputValidation: true);
                break;
            case AtomType.Boolean: writer.WriteBooleanValue(atom.Boolean); break;
            case AtomType.String: writer.WriteStringValue(atom.String); break;
            default: WriteUuid(writer, atom.Uuid); break;
        }
    }

    /// <summary>["uuid", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"].</summary>
    public static void WriteUuid(Utf8JsonWriter writer, Guid uuid)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(UuidWord);
        writer.WriteStringValue(uuid);
        writer.WriteEndArray();
    }
}
