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

/// <summary>Finds the references in rows and what a change does to them.</summary>
internal static class References
{
    /// <summary>Adds every strong reference of a row, one for each occurrence.</summary>
    /// <remarks>References of a row to itself do not count (ovsdb(7)).</remarks>
    public static void AddStrong(DatabaseSchema schema, Row row, List<RowKey> targets)
    {
        foreach (var column in row.Schema.StrongColumns)
        {
            Add(schema, column, row, isWeak: false, targets);
        }
    }

    /// <summary>Adds every weak reference of a row.</summary>
    public static void AddWeak(DatabaseSchema schema, Row row, List<RowKey> targets)
    {
        foreach (var column in row.Schema.WeakColumns)
        {
            Add(schema, column, row, isWeak: true, targets);
        }
    }

    /// <summary>True if a strong (or weak) reference column differs, or the row came or went.</summary>
    public static bool Differ(RowChange change, ReadOnlySpan<ColumnSchema> columns)
    {
        if (columns.IsEmpty) return false;
        if (change.Before is null || change.After is null) return true;
        foreach (var column in columns)
        {
            if (!ReferenceEquals(change.Before[column], change.After[column])) return true;
        }

        return false;
    }

    public static void Add(
        DatabaseSchema schema, ColumnSchema column, Row row, bool isWeak, List<RowKey> targets)
    {
        var datum = row[column];
        Add(schema, column.Type.Key, datum.Keys, row, isWeak, targets);
        if (column.Type.Value is { } value)
        {
            Add(schema, value, datum.Values, row, isWeak, targets);
        }
    }

    private static void Add(
        DatabaseSchema schema, BaseType type, ReadOnlySpan<Atom> atoms, Row row, bool isWeak,
        List<RowKey> targets)
    {
        if (type.ReferenceTable is null || type.IsWeakReference != isWeak) return;
        var table = schema.Table(type.ReferenceTable).Index;
        foreach (var atom in atoms)
        {
            if (atom.Uuid != row.Uuid || table != row.Schema.Index)
            {
                targets.Add(new RowKey(table, atom.Uuid));
            }
        }
    }
}
