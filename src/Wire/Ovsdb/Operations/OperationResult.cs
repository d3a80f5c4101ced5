using System.Collections.Immutable;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>What one operation returned: an element of transact's result array.</summary>
public abstract record OperationResult
{
    private OperationResult()
    {
    }

    public sealed record Inserted(Guid Uuid) : OperationResult;

    /// <summary>Rows that update, mutate or delete matched.</summary>
    public sealed record Counted(int Count) : OperationResult;

    /// <summary>Rows that select found, each with its columns in the order asked for.</summary>
    public sealed record Selected(
        ImmutableArray<string> Columns, ImmutableArray<ImmutableArray<Datum>> Rows)
        : OperationResult;

    /// <summary>{}: wait, commit, comment, assert.</summary>
    public sealed record Done : OperationResult
    {
        public static Done Instance { get; } = new();
    }

    /// <summary>null: not executed, because an operation before it failed.</summary>
    public sealed record Skipped : OperationResult
    {
        public static Skipped Instance { get; } = new();
    }

    public sealed record Failed(OvsdbError Error) : OperationResult;

    public void WriteTo(Utf8JsonWriter writer)
    {
        switch (this)
        {
            case Skipped:
                writer.WriteNullValue();
                return;
            case Failed failed:
                failed.Error.WriteTo(writer);
                return;
        }

        writer.WriteStartObject();
        switch (this)
        {
            case Inserted inserted:
                writer.WritePropertyName("uuid");
                DatumWriter.WriteUuid(writer, inserted.Uuid);
                break;
            case Counted counted:
                writer.WriteNumber("count", counted.Count);
                break;
            case Selected selected:
                WriteRows(writer, selected);
                break;
        }

        writer.WriteEndObject();
    }

    private static void WriteRows(Utf8JsonWriter writer, Selected selected)
    {
        writer.WriteStartArray("rows");
        foreach (var row in selected.Rows)
        {
            writer.WriteStartObject();
            for (var i = 0; i < row.Length; i++)
            {
                writer.WritePropertyName(selected.Columns[i]);
                DatumWriter.Write(writer, row[i]);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
