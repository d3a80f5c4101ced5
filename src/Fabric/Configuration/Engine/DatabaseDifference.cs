using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What has to happen so that one state of a database becomes another.</summary>
internal static class DatabaseDifference
{
    /// <param name="kept">Names of tables that stay as they are.</param>
    public static DatabaseDelta Between(
        DatabaseSnapshot before, DatabaseSnapshot after, ImmutableHashSet<string> kept)
    {
        var rows = ImmutableArray.CreateBuilder<RowDelta>();
        foreach (var table in before.Schema.Tables)
        {
            if (kept.Contains(table.Name)) continue;
            foreach (var row in before.Table(table).Rows)
            {
                if (after.Find(table.Name, row.Uuid) is null)
                {
                    rows.Add(new RowDelta(table.Name, row.Uuid, RowDeltaKind.Delete, []));
                }
            }

            foreach (var row in after.Table(table.Name).Rows)
            {
                if (ChangeOf(table, before.Table(table)[row.Uuid], row) is { } change)
                {
                    rows.Add(change);
                }
            }
        }

        return new DatabaseDelta(before.Schema.Name, Guid.NewGuid(), rows.ToImmutable());
    }

    private static RowDelta? ChangeOf(TableSchema table, Row? before, Row after)
    {
        var columns = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var column in table.Columns)
        {
            if (column.IsInternal) continue;
            var old = before is null ? column.Type.Default : before[column];
            var now = after[column.Name];
            if (old.Equals(now)) continue;
            var isWhole = before is null || column.Type.CountMax == 1;
            columns.Add(new ColumnValue(column.Name, isWhole ? now : old.DifferenceTo(now)));
        }

        if (before is not null && columns.Count == 0) return null;
        return new RowDelta(
            table.Name, after.Uuid, before is null ? RowDeltaKind.Insert : RowDeltaKind.Modify,
            columns.ToImmutable());
    }
}
