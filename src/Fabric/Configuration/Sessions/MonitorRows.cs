using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Which rows a monitor's conditions let through.</summary>
internal static class MonitorRows
{
    /// <summary>Any condition is enough; none at all lets every row through.</summary>
    public static bool Matches(ImmutableArray<Condition> where, Row row)
    {
        if (where.IsEmpty) return true;
        foreach (var (column, function, argument) in where)
        {
            if (ConditionRules.Holds(function, row[column], argument)) return true;
        }

        return false;
    }

    public static Row? Visible(ImmutableArray<Condition> where, Row? row) =>
        row is not null && Matches(where, row) ? row : null;

    /// <summary>
    /// Several transactions as one: the first 'Before' and the last 'After' of each row.
    /// </summary>
    public static ImmutableArray<RowChange> Combine(
        ImmutableArray<TransactionHistory.Entry> transactions)
    {
        var rows = new SortedDictionary<RowKey, RowChange>();
        foreach (var transaction in transactions)
        {
            foreach (var change in transaction.Changes)
            {
                var schema = (change.After ?? change.Before)!.Schema;
                var key = new RowKey(schema.Index, change.Uuid);
                rows[key] = rows.TryGetValue(key, out var earlier)
                    ? earlier with { After = change.After }
                    : change;
            }
        }

        return
        [
            .. rows.Values.Where(change => change.Before is not null || change.After is not null),
        ];
    }
}
