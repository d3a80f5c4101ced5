using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Writes a schema as RFC 7047 section 3.2 has it; defaults are left out.</summary>
public static class SchemaWriter
{
    public static string ToText(DatabaseSchema schema) =>
        OvsdbText.ToText(writer => Write(writer, schema));

    public static void Write(Utf8JsonWriter writer, DatabaseSchema schema)
    {
        writer.WriteStartObject();
        if (schema.Checksum is not null) writer.WriteString("cksum", schema.Checksum);
        writer.WriteString("name", schema.Name);
        writer.WriteStartObject("tables");
        foreach (var table in schema.Tables)
        {
            writer.WritePropertyName(table.Name);
            Write(writer, table);
        }

        writer.WriteEndObject();
        if (schema.Version.Length > 0) writer.WriteString("version", schema.Version);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, TableSchema table)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("columns");
        foreach (var column in table.Columns)
        {
            writer.WritePropertyName(column.Name);
            writer.WriteStartObject();
            if (column.IsEphemeral) writer.WriteBoolean("ephemeral", true);
            if (!column.IsMutable) writer.WriteBoolean("mutable", false);
            writer.WritePropertyName("type");
            Write(writer, column.Type);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        if (!table.Indexes.IsEmpty)
        {
            writer.WriteStartArray("indexes");
            foreach (var index in table.Indexes)
            {
                writer.WriteStartArray();
                foreach (var column in index) writer.WriteStringValue(column.Name);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }

        if (table.IsRoot) writer.WriteBoolean("isRoot", true);
        if (table.RowCountMax != uint.MaxValue) writer.WriteNumber("maxRows", table.RowCountMax);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ColumnType type)
    {
        if (type.IsScalar && type.Key.IsPlain)
        {
            writer.WriteStringValue(ColumnType.TypeWord(type.Key.Type));
            return;
        }

        writer.WriteStartObject();
        writer.WritePropertyName("key");
        Write(writer, type.Key);
        if (type.Value is not null)
        {
            writer.WritePropertyName("value");
            Write(writer, type.Value);
        }

        if (type.CountMin != 1) writer.WriteNumber("min", type.CountMin);
        if (type.CountMax == ColumnType.Unlimited) writer.WriteString("max", "unlimited");
        else if (type.CountMax != 1) writer.WriteNumber("max", type.CountMax);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, BaseType type)
    {
        if (type.IsPlain)
        {
            writer.WriteStringValue(ColumnType.TypeWord(type.Type));
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("type", ColumnType.TypeWord(type.Type));
        if (type.Enumeration is not null)
        {
            writer.WritePropertyName("enum");
            DatumWriter.Write(writer, type.Enumeration);
        }

        if (type.IntegerMin != long.MinValue) writer.WriteNumber("minInteger", type.IntegerMin);
        if (type.IntegerMax != long.MaxValue) writer.WriteNumber("maxInteger", type.IntegerMax);
        if (type.RealMin != double.MinValue) writer.WriteNumber("minReal", type.RealMin);
        if (type.RealMax != double.MaxValue) writer.WriteNumber("maxReal", type.RealMax);
        if (type.LengthMin != 0) writer.WriteNumber("minLength", type.LengthMin);
        if (type.LengthMax != uint.MaxValue) writer.WriteNumber("maxLength", type.LengthMax);
        if (type.ReferenceTable is not null) writer.WriteString("refTable", type.ReferenceTable);
        if (type.IsWeakReference) writer.WriteString("refType", "weak");
        writer.WriteEndObject();
    }
}
