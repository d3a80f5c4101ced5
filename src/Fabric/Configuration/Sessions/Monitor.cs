using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Which of the three monitor dialects a client speaks.</summary>
internal enum MonitorDialect : byte
{
    /// <summary>monitor: "update" with old and new (RFC 7047 section 4.1.5).</summary>
    Update,

    /// <summary>monitor_cond: "update2" with differences (ovsdb-server(7)).</summary>
    Update2,

    /// <summary>monitor_cond_since: "update3", which also tells the transaction's id.</summary>
    Update3,
}

/// <summary>One monitor of one client: turns changes into update texts.</summary>
/// <param name="id">The client's name for it, as JSON.</param>
internal sealed class Monitor(
    byte[] id, string database, MonitorDialect dialect, ImmutableArray<MonitoredTable> tables)
{
    private static readonly byte[] NoUpdates = "{}"u8.ToArray();

    private ImmutableArray<MonitoredTable> _tables = tables;
    private string? _signature;

    public byte[] Id { get; private set; } = id;
    public string Database { get; } = database;
    public MonitorDialect Dialect { get; } = dialect;

    public string Notification => Dialect switch
    {
        MonitorDialect.Update => "update",
        MonitorDialect.Update2 => "update2",
        _ => "update3",
    };

    public bool Watches(TableSchema table) =>
        _tables.Any(watched => watched.Schema.Name == table.Name);

    /// <summary>Equal for monitors whose texts are equal.</summary>
    private string Signature => _signature ??= MakeSignature();

    /// <summary>All rows that the monitor wants to see at first.</summary>
    public byte[] Initial(DatabaseSnapshot database)
    {
        var text = new UpdateText(Dialect);
        foreach (var table in _tables)
        {
            if (!table.Select.HasFlag(MonitorSelect.Initial)) continue;
            foreach (var row in database.Table(table.Schema).Rows)
            {
                if (MonitorRows.Matches(table.Where, row)) text.AddInitial(table, row);
            }
        }

        return text.ToArray() ?? NoUpdates;
    }

    /// <summary>The text of one transaction; null if the monitor has nothing to say.</summary>
    public byte[]? Changed(DatabaseChanged changed)
    {
        var text = changed.Texts.GetOrAdd(
            Signature,
            static (_, state) => state.Monitor.TextOf(state.Changes) ?? [],
            (Monitor: this, changed.Changes));
        return text.Length == 0 ? null : text;
    }

    /// <summary>What several transactions did, as if they had been one.</summary>
    public byte[] Missed(ImmutableArray<TransactionHistory.Entry> missed) =>
        TextOf(MonitorRows.Combine(missed)) ?? NoUpdates;

    private byte[]? TextOf(ImmutableArray<RowChange> changes)
    {
        var text = new UpdateText(Dialect);
        foreach (var change in changes)
        {
            foreach (var table in _tables)
            {
                if (table.Schema.Name != change.Table) continue;
                text.Add(
                    table, change.Uuid,
                    MonitorRows.Visible(table.Where, change.Before),
                    MonitorRows.Visible(table.Where, change.After));
            }
        }

        return text.ToArray();
    }

    /// <summary>
    /// New conditions: rows that come into view or leave it (monitor_cond_change).
    /// </summary>
    public byte[]? ChangeConditions(
        byte[] newId,
        ImmutableArray<(TableSchema Table, ImmutableArray<Condition> Where)> conditions,
        DatabaseSnapshot database)
    {
        var text = new UpdateText(Dialect);
        var builder = _tables.ToBuilder();
        for (var i = 0; i < builder.Count; i++)
        {
            var table = builder[i];
            foreach (var (schema, where) in conditions)
            {
                if (schema != table.Schema) continue;
                foreach (var row in database.Table(schema).Rows)
                {
                    text.Add(
                        table, row.Uuid, MonitorRows.Visible(table.Where, row),
                        MonitorRows.Visible(where, row));
                }

                builder[i] = table.With(where);
            }
        }

        _tables = builder.ToImmutable();
        _signature = null;
        Id = newId;
        return text.ToArray();
    }

    private string MakeSignature()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, OvsdbText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("dialect", Dialect == MonitorDialect.Update ? 1 : 2);
            foreach (var table in _tables)
            {
                writer.WriteStartObject(table.Schema.Name);
                foreach (var (column, select) in table.Columns)
                {
                    writer.WriteNumber(column.Name, (int)select);
                }

                OperationWriter.WriteWhere(writer, table.Where);
                writer.WriteNumber("", (int)table.Select);
                foreach (var column in table.Tested) writer.WriteBoolean(column.Name, true);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
