using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A row that a column points to.</summary>
/// <param name="Table">By <see cref="TableSchema.Index"/>.</param>
internal readonly record struct RowKey(int Table, Guid Row) : IComparable<RowKey>
{
    public int CompareTo(RowKey other)
    {
        var order = Table.CompareTo(other.Table);
        return order != 0 ? order : Row.CompareTo(other.Row);
    }
}

/// <summary>A reference that a row gained (+1) or lost (-1).</summary>
internal readonly record struct ReferenceChange(ColumnSchema Column, RowKey Target, int Difference);

/// <summary>Finds the references in rows and what a change does to them.</summary>
internal static class References
{
    /// <summary>Adds every strong reference of a row, one for each occurrence.</summary>
    public static void AddStrong(DatabaseSchema schema, Row row, List<ReferenceChange> found)
    {
        foreach (var column in row.Schema.StrongColumns)
        {
            AddAll(schema, column, row, row[column], isWeak: false, 1, found);
        }
    }

    /// <summary>Adds what a change did to the strong, or weak, references of its row.</summary>
    /// <remarks>
    /// References of a row to itself do not count. Of a large set only the difference is listed.
    /// </remarks>
    public static void AddChanges(
        DatabaseSchema schema, TableSchema table, Row? before, Row? after, bool isWeak,
        List<ReferenceChange> found)
    {
        if (ReferenceEquals(before, after)) return;
        foreach (var column in isWeak ? table.WeakColumns : table.StrongColumns)
        {
            var old = before?[column];
            var now = after?[column];
            if (ReferenceEquals(old, now)) continue;
            if (old is null || now is null || column.Type.IsMap)
            {
                if (old is not null) AddAll(schema, column, before!, old, isWeak, -1, found);
                if (now is not null) AddAll(schema, column, after!, now, isWeak, 1, found);
                continue;
            }

            var difference = old.DifferenceTo(now);
            if (difference.IsEmpty) continue;
            var target = schema.Table(column.Type.Key.ReferenceTable!).Index;
            foreach (var key in difference.Keys)
            {
                if (IsSelf(key.Uuid, target, after!, isWeak)) continue;
                var sign = now.Contains(key) ? 1 : -1;
                found.Add(new ReferenceChange(column, new RowKey(target, key.Uuid), sign));
            }
        }
    }

    /// <summary>True if a weak column of the row holds 'target'.</summary>
    public static bool RefersWeakly(DatabaseSchema schema, Row row, RowKey target)
    {
        var found = new List<ReferenceChange>();
        foreach (var column in row.Schema.WeakColumns)
        {
            if (!column.Type.IsMap)
            {
                var table = schema.Table(column.Type.Key.ReferenceTable!).Index;
                if (table == target.Table && row[column].Contains(target.Row)) return true;
                continue;
            }

            AddAll(schema, column, row, row[column], isWeak: true, 1, found);
        }

        return found.Exists(reference => reference.Target == target);
    }

    /// <remarks>As in ovsdb-server, a strong reference is one to its own row by the UUID alone.
    /// </remarks>
    private static bool IsSelf(Guid uuid, int table, Row row, bool isWeak) =>
        uuid == row.Uuid && (!isWeak || table == row.Schema.Index);

    private static void AddAll(
        DatabaseSchema schema, ColumnSchema column, Row row, Datum datum, bool isWeak, int sign,
        List<ReferenceChange> found)
    {
        Add(column.Type.Key, datum.Keys);
        if (column.Type.Value is { } value) Add(value, datum.Values);

        void Add(BaseType type, ReadOnlySpan<Atom> atoms)
        {
            if (type.ReferenceTable is null || type.IsWeakReference != isWeak) return;
            var table = schema.Table(type.ReferenceTable).Index;
            foreach (var atom in atoms)
            {
                if (IsSelf(atom.Uuid, table, row, isWeak)) continue;
                found.Add(new ReferenceChange(column, new RowKey(table, atom.Uuid), sign));
            }
        }
    }
}
