using System.Buffers;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Writes a table-updates object, {table: {uuid: row-update}}, row by row.</summary>
/// <remarks>
/// Rows of one table have to come together; nothing is written until there is one.
/// </remarks>
internal sealed class UpdateText(MonitorDialect dialect)
{
    private ArrayBufferWriter<byte>? _buffer;
    private Utf8JsonWriter? _writer;
    private string? _table;

    /// <summary>The text, or null if there was no row.</summary>
    public byte[]? ToArray()
    {
        if (_writer is null) return null;
        if (_table is not null) _writer.WriteEndObject();
        _writer.WriteEndObject();
        _writer.Flush();
        return _buffer!.WrittenSpan.ToArray();
    }

    public void AddInitial(MonitoredTable table, Row row)
    {
        var writer = StartRow(table, row.Uuid);
        writer.WriteStartObject(dialect == MonitorDialect.Update ? "new" : "initial");
        WriteRow(writer, table, row, MonitorSelect.Initial);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>A row as the monitor saw it before and sees it now; null: it does not.</summary>
    public void Add(MonitoredTable table, Guid uuid, Row? before, Row? after)
    {
        var kind = before is null
            ? after is null ? MonitorSelect.None : MonitorSelect.Insert
            : after is null ? MonitorSelect.Delete : MonitorSelect.Modify;
        if (ReferenceEquals(before, after) || !table.Select.HasFlag(kind)) return;
        if (kind == MonitorSelect.Modify && !IsModified(table, before!, after!)) return;
        var writer = StartRow(table, uuid);
        if (dialect == MonitorDialect.Update) WriteOldAndNew(writer, table, kind, before, after);
        else WriteDifference(writer, table, kind, before, after);
        writer.WriteEndObject();
    }

    private static bool IsModified(MonitoredTable table, Row before, Row after)
    {
        foreach (var (column, select) in table.Columns)
        {
            if (select.HasFlag(MonitorSelect.Modify) && !before[column].Equals(after[column]))
            {
                return true;
            }
        }

        foreach (var column in table.Tested)
        {
            if (!before[column].Equals(after[column])) return true;
        }

        return false;
    }

    private Utf8JsonWriter StartRow(MonitoredTable table, Guid uuid)
    {
        if (_writer is null)
        {
            _buffer = new ArrayBufferWriter<byte>(1024);
            _writer = new Utf8JsonWriter(_buffer, OvsdbText.WriterOptions);
            _writer.WriteStartObject();
        }

        if (_table != table.Schema.Name)
        {
            if (_table is not null) _writer.WriteEndObject();
            _table = table.Schema.Name;
            _writer.WriteStartObject(_table);
        }

        Span<char> name = stackalloc char[36];
        uuid.TryFormat(name, out _, "D");
        _writer.WriteStartObject(name);
        return _writer;
    }

    private static void WriteOldAndNew(
        Utf8JsonWriter writer, MonitoredTable table, MonitorSelect kind, Row? before, Row? after)
    {
        if (before is not null)
        {
            writer.WriteStartObject("old");
            foreach (var (column, select) in table.Columns)
            {
                if (!select.HasFlag(kind)) continue;
                if (after is not null && before[column].Equals(after[column])) continue;
                writer.WritePropertyName(column.Name);
                DatumWriter.Write(writer, before[column]);
            }

            writer.WriteEndObject();
        }

        if (after is null) return;
        writer.WriteStartObject("new");
        foreach (var (column, select) in table.Columns)
        {
            if (!select.HasFlag(kind)) continue;
            writer.WritePropertyName(column.Name);
            DatumWriter.Write(writer, after[column]);
        }

        writer.WriteEndObject();
    }

    private static void WriteDifference(
        Utf8JsonWriter writer, MonitoredTable table, MonitorSelect kind, Row? before, Row? after)
    {
        switch (kind)
        {
            case MonitorSelect.Insert:
                writer.WriteStartObject("insert");
                foreach (var (column, select) in table.Columns)
                {
                    if (!select.HasFlag(kind)) continue;
                    WriteUnlessDefault(writer, column, after![column]);
                }

                break;
            case MonitorSelect.Delete:
                writer.WriteNull("delete");
                return;
            default:
                writer.WriteStartObject("modify");
                foreach (var (column, select) in table.Columns)
                {
                    if (!select.HasFlag(kind)) continue;
                    var (old, now) = (before![column], after![column]);
                    if (old.Equals(now)) continue;
                    writer.WritePropertyName(column.Name);
                    var isWhole = column.Type.CountMax == 1;
                    DatumWriter.Write(writer, isWhole ? now : old.DifferenceTo(now));
                }

                break;
        }

        writer.WriteEndObject();
    }

    private void WriteRow(
        Utf8JsonWriter writer, MonitoredTable table, Row row, MonitorSelect kind)
    {
        foreach (var (column, select) in table.Columns)
        {
            if (!select.HasFlag(kind)) continue;
            if (dialect != MonitorDialect.Update)
            {
                WriteUnlessDefault(writer, column, row[column]);
                continue;
            }

            writer.WritePropertyName(column.Name);
            DatumWriter.Write(writer, row[column]);
        }
    }

    private static void WriteUnlessDefault(
        Utf8JsonWriter writer, ColumnSchema column, Datum value)
    {
        if (value.Equals(column.Type.Default)) return;
        writer.WritePropertyName(column.Name);
        DatumWriter.Write(writer, value);
    }
}
