using System.Collections.Immutable;
using System.Globalization;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Rows that name remotes, and their status columns: pure functions.</summary>
internal static class RemoteRows
{
    /// <summary>Remotes by their text, with the row that names each; null for bare texts.</summary>
    public static SortedDictionary<string, Row?> Find(
        DatabaseSnapshot database, DatabaseRemotes place)
    {
        var found = new SortedDictionary<string, Row?>(StringComparer.Ordinal);
        if (!database.Schema.TryTable(place.Table, out var table)
            || !table.TryColumn(place.Column, out var column))
        {
            return found;
        }

        foreach (var row in database.Table(table).Rows)
        {
            foreach (var key in row[column].Keys)
            {
                if (key.Type == AtomType.String && key.String.Length > 0)
                {
                    found.TryAdd(key.String, null);
                }
                else if (key.Type == AtomType.Uuid && TargetOf(database, column, key) is { } one)
                {
                    found.TryAdd(one.GetString("target"), one);
                }
            }
        }

        return found;
    }

    private static Row? TargetOf(DatabaseSnapshot database, ColumnSchema column, Atom key)
    {
        if (column.Type.Key.ReferenceTable is not { } name) return null;
        var row = database.Find(name, key.Uuid);
        return row is not null && row.Schema.TryColumn("target", out var target)
            && target.Type.Key.Type == AtomType.String && row.GetString("target").Length > 0
                ? row
                : null;
    }

    /// <summary>What has to be written so that the rows tell how the remotes do.</summary>
    public static ImmutableArray<Operation> StatusOf(
        DatabaseSnapshot database, DatabaseRemotes place,
        SortedDictionary<string, RemoteStatus> remotes)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var (text, row) in Find(database, place))
        {
            if (row is null || !remotes.TryGetValue(text, out var status)) continue;
            var values = ImmutableArray.CreateBuilder<ColumnValue>();
            Set("is_connected", status.SessionCount > 0);
            Set("status", Datum.Map(StatusMap(status)));
            if (values.Count == 0) continue;
            operations.Add(new Operation.Update(
                row.Schema.Name, [Condition.RowIs(row.Uuid)], values.ToImmutable()));

            void Set(string name, Datum value)
            {
                if (!row.Schema.TryColumn(name, out var column)) return;
                if (!row[column].Equals(value)) values.Add(new ColumnValue(name, value));
            }
        }

        return operations.ToImmutable();
    }

    private static SortedDictionary<string, string> StatusMap(RemoteStatus status)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["state"] = status.State,
        };
        if (status.LastError is { } error) map["last_error"] = error;
        if (status.Port != 0) map["bound_port"] = Text(status.Port);
        if (status.SessionCount > 1) map["n_connections"] = Text(status.SessionCount);
        return map;

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }
}
