using System.Buffers;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Where our schema and that of a remote server meet.</summary>
/// <remarks>
/// Servers may be older or newer: tables and columns that they do not have read as their default
/// here, and are left out of what is written. Others of theirs are not asked for.
/// </remarks>
internal sealed class RemoteSchema
{
    private readonly HashSet<(string Table, string Column)> _columns = [];
    private readonly HashSet<string> _tables = new(StringComparer.Ordinal);

    public RemoteSchema(DatabaseSchema own, DatabaseSchema theirs)
    {
        Own = own;
        Version = theirs.Version;
        foreach (var table in own.Tables)
        {
            if (!theirs.TryTable(table.Name, out var their)) continue;
            _tables.Add(table.Name);
            foreach (var column in table.Columns)
            {
                if (their.TryColumn(column.Name, out var found)
                    && found.Type.Key.Type == column.Type.Key.Type
                    && found.Type.IsMap == column.Type.IsMap)
                {
                    _columns.Add((table.Name, column.Name));
                }
            }
        }
    }

    public DatabaseSchema Own { get; }

    /// <summary>Of the server's schema.</summary>
    public string Version { get; }

    public bool Has(string table) => _tables.Contains(table);

    public bool Has(string table, string column) =>
        column[0] == '_' ? Has(table) : _columns.Contains((table, column));

    /// <summary>The monitor request's tables: every column that both have.</summary>
    public byte[] MonitoredTables() => OvsdbText.ToUtf8(writer =>
    {
        writer.WriteStartObject();
        foreach (var table in Own.Tables)
        {
            if (!Has(table.Name)) continue;
            writer.WriteStartArray(table.Name);
            writer.WriteStartObject();
            writer.WriteStartArray("columns");
            foreach (var column in table.Columns)
            {
                if (Has(table.Name, column.Name)) writer.WriteStringValue(column.Name);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    });
}
