using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>What subscribers are told when a replica jumps to an image.</summary>
internal static class SnapshotDifference
{
    public static ImmutableArray<RowChange> Between(
        DatabaseSnapshot before, DatabaseSnapshot after)
    {
        var changes = ImmutableArray.CreateBuilder<RowChange>();
        foreach (var table in after.Schema.Tables)
        {
            var (old, now) = (before.Table(table), after.Table(table));
            foreach (var row in old.Rows)
            {
                if (now[row.Uuid] is null)
                    changes.Add(new RowChange(table.Name, row.Uuid, row, null));
            }

            foreach (var row in now.Rows)
            {
                var known = old[row.Uuid];
                if (known is null || !AreEqual(table, known, row))
                    changes.Add(new RowChange(table.Name, row.Uuid, known, row));
            }
        }

        return changes.ToImmutable();
    }

    private static bool AreEqual(TableSchema table, Row one, Row other)
    {
        if (ReferenceEquals(one, other)) return true;
        foreach (var column in table.Columns)
        {
            if (!one[column].Equals(other[column])) return false;
        }

        return true;
    }
}
