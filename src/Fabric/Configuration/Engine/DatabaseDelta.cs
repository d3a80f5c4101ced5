using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What one row of a <see cref="DatabaseDelta"/> went through.</summary>
public enum RowDeltaKind : byte
{
    /// <summary>Columns that differ from the default.</summary>
    Insert,

    /// <summary>Differences (<see cref="Datum.DifferenceTo"/>), or for a column of at most one
    /// element its new value.</summary>
    Modify,
    Delete,
}

public sealed record RowDelta(
    string Table, Guid Uuid, RowDeltaKind Kind, ImmutableArray<ColumnValue> Columns);

/// <summary>A committed transaction: the event that is journaled and replicated.</summary>
/// <remarks>
/// <see cref="DatabaseSnapshot.Apply(DatabaseDelta)"/> makes of equal snapshots equal snapshots,
/// anywhere. As JSON it is an "update2" table-updates object inside a small envelope:
/// {"v":1,"db":name,"txn":id,"comment":text,"rows":{table:{uuid:{"insert":{..}}}}}.
/// </remarks>
public sealed record DatabaseDelta(
    string Database, Guid TransactionId, ImmutableArray<RowDelta> Rows, string? Comment = null)
{
    public const int Version = 1;

    public bool IsEmpty => Rows.IsEmpty;

    /// <summary>The client asked for more than surviving a kill: commit with durable.</summary>
    /// <remarks>Not part of what is journaled.</remarks>
    public bool IsDurable { get; init; }

    /// <summary>What must survive a restart: the delta without ephemeral columns.</summary>
    public DatabaseDelta WithoutEphemeral(DatabaseSchema schema)
    {
        var rows = ImmutableArray.CreateBuilder<RowDelta>(Rows.Length);
        foreach (var row in Rows)
        {
            var table = schema.Table(row.Table);
            if (!table.HasEphemeralColumns || row.Kind == RowDeltaKind.Delete)
            {
                rows.Add(row);
                continue;
            }

            var kept = row.Columns.RemoveAll(value => table.Column(value.Column).IsEphemeral);
            if (kept.IsEmpty && row.Kind == RowDeltaKind.Modify) continue;
            rows.Add(kept.Length == row.Columns.Length ? row : row with { Columns = kept });
        }

        return this with { Rows = rows.ToImmutable() };
    }

    public byte[] ToJson() => OvsdbText.ToUtf8(WriteTo);

    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("v", Version);
        writer.WriteString("db", Database);
        writer.WriteString("txn", TransactionId);
        if (Comment is not null) writer.WriteString("comment", Comment);
        writer.WriteStartObject("rows");
        foreach (var table in Rows.GroupBy(row => row.Table, StringComparer.Ordinal))
        {
            writer.WriteStartObject(table.Key);
            foreach (var row in table) WriteRow(writer, row);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter writer, RowDelta row)
    {
        writer.WriteStartObject(row.Uuid.ToString("D"));
        switch (row.Kind)
        {
            case RowDeltaKind.Insert: writer.WritePropertyName("insert"); break;
            case RowDeltaKind.Modify: writer.WritePropertyName("modify"); break;
            default:
                writer.WriteNull("delete");
                writer.WriteEndObject();
                return;
        }

        writer.WriteStartObject();
        foreach (var (column, value) in row.Columns)
        {
            writer.WritePropertyName(column);
            DatumWriter.Write(writer, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
