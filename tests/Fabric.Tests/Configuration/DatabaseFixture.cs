using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

/// <summary>A database that tests speak JSON with; UUIDs count up from 1.</summary>
internal sealed class DatabaseFixture(DatabaseSchema schema)
{
    private long _last;

    public DatabaseSnapshot Snapshot { get; set; } = DatabaseSnapshot.EmptyOf(schema);
    public TransactionOutcome? Last { get; private set; }

    public Guid NewUuid() =>
        new(0, 0, 0, BitConverter.GetBytes(++_last).Reverse().ToArray());

    /// <summary>Executes operations, JSON objects with commas between.</summary>
    public string Transact(
        string operations, Func<TransactionContext, TransactionContext>? with = null)
    {
        var json = JsonDocument.Parse(Encoding.UTF8.GetBytes($"[{operations}]")).RootElement;
        var typed = OperationReader.Read(schema, [.. json.EnumerateArray()], NewUuid);
        return Transact(typed, with);
    }

    public string Transact(
        ImmutableArray<Operation> operations,
        Func<TransactionContext, TransactionContext>? with = null)
    {
        var context = new TransactionContext(Guid.NewGuid(), NewUuid);
        Last = TransactionExecutor.Execute(
            Snapshot, operations, with is null ? context : with(context));
        Snapshot = Last.Snapshot;
        return OvsdbText.ToText(writer =>
        {
            writer.WriteStartArray();
            foreach (var result in Last.Results) result.WriteTo(writer);
            writer.WriteEndArray();
        });
    }

    /// <summary>One insert; returns the row's UUID.</summary>
    public Guid Insert(string table, string row)
    {
        Transact($$$"""{"op":"insert","table":"{{{table}}}","row":{{{row}}}}""");
        if (Last!.Error is not null) throw new InvalidOperationException(Last.Error.ToString());
        return ((OperationResult.Inserted)Last.Results[0]).Uuid;
    }

    /// <summary>All rows with all columns, for comparison of databases.</summary>
    public static string TextOf(DatabaseSnapshot snapshot, bool ephemeral = true)
    {
        var text = new StringBuilder();
        foreach (var table in snapshot.Tables)
        {
            foreach (var row in table.Rows)
            {
                text.Append(table.Schema.Name).Append(' ').Append(row.Uuid);
                foreach (var column in table.Schema.Columns)
                {
                    if (column.IsEphemeral && !ephemeral) continue;
                    text.Append(' ').Append(column.Name).Append('=').Append(row[column]);
                }

                text.Append('\n');
            }
        }

        return text.ToString();
    }
}
