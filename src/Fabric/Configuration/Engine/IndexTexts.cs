using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The long sentence about two rows with one key, as ovsdb-server words it.</summary>
internal static class IndexTexts
{
    public static OvsdbError Duplicate(
        ImmutableArray<ColumnSchema> columns, IndexKey key, RowChange first, RowChange second)
    {
        // A fixed order, whichever row was looked at first.
        if (Compare(first.After!, second.After!) < 0) (first, second) = (second, first);
        return OvsdbError.ConstraintViolation(
            $"Transaction causes multiple rows in \"{first.Table}\" table to have identical "
            + $"values ({key.ToString(columns.AsSpan())}) for index on {NamesOf(columns)}.  "
            + $"First row, with UUID {first.Uuid:D}, {StoryOf(first, columns)}  "
            + $"Second row, with UUID {second.Uuid:D}, {StoryOf(second, columns)}");
    }

    private static int Compare(Row left, Row right)
    {
        foreach (var column in left.Schema.Columns)
        {
            var order = left[column].CompareTo(right[column]);
            if (order != 0) return order;
        }

        return left.Uuid.CompareTo(right.Uuid);
    }

    private static string NamesOf(ImmutableArray<ColumnSchema> columns)
    {
        var names = columns.Select(column => $"\"{column.Name}\"").ToArray();
        return $"{(names.Length == 1 ? "column" : "columns")} {Join(names)}";
    }

    public static string Join(string[] words) => words.Length switch
    {
        1 => words[0],
        2 => $"{words[0]} and {words[1]}",
        _ => $"{string.Join(", ", words[..^1])}, and {words[^1]}",
    };

    private static string StoryOf(RowChange row, ImmutableArray<ColumnSchema> columns)
    {
        if (row.Before is not { } before) return "was inserted by this transaction.";
        if (ReferenceEquals(before, row.After))
        {
            return "existed in the database before this transaction and was not modified by the "
                + "transaction.";
        }

        var old = IndexKey.Of(before, columns.AsSpan());
        return old.Equals(IndexKey.Of(row.After!, columns.AsSpan()))
            ? "existed in the database before this transaction, which modified some of the row's "
                + "columns but not any columns in this index."
            : $"had the following index values before the transaction: "
                + $"{old.ToString(columns.AsSpan())}.";
    }
}
