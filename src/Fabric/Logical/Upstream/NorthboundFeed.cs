using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>How the fabric's northbound follows another one, and what it tells back.</summary>
/// <remarks>
/// Everything that clients write comes from there. What ovn-northd would have written there comes
/// from here: up, given addresses and tags, the counts that --wait looks at.
/// </remarks>
internal static class NorthboundFeed
{
    /// <summary>Operations of one round; the rest comes with the next.</summary>
    private const int OperationsMax = 5_000;

    // Columns of northd's: ours, whatever the other side has.
    private static readonly ImmutableHashSet<(string, string)> Ours =
    [
        ("Logical_Switch_Port", "up"), ("NB_Global", "sb_cfg"), ("NB_Global", "hv_cfg"),
        ("NB_Global", "nb_cfg_timestamp"), ("NB_Global", "sb_cfg_timestamp"),
        ("NB_Global", "hv_cfg_timestamp"), ("BFD", "status"),
        ("Logical_Router_Port", "ipv6_prefix"), ("Logical_Router_Port", "status"),
    ];

    // Ours only while the other side has nothing there.
    private static readonly ImmutableHashSet<(string, string)> Given =
        [("Logical_Switch_Port", "dynamic_addresses"), ("Logical_Switch_Port", "tag")];

    /// <summary>What makes 'local' the same as 'upstream', as one transaction.</summary>
    public static ImmutableArray<Operation> Down(
        DatabaseSnapshot upstream, DatabaseSnapshot local)
    {
        if (upstream.Table("NB_Global").First is null) return []; // Nobody made it yet.
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var table in local.Schema.Tables)
        {
            var (wanted, known) = (upstream.Table(table), local.Table(table));
            foreach (var row in known.Rows)
            {
                if (wanted[row.Uuid] is null)
                    operations.Add(Operation.DeleteRow(table.Name, row.Uuid));
            }

            foreach (var row in wanted.Rows)
            {
                if (!ReferenceEquals(row, known[row.Uuid]))
                    Follow(table, row, known[row.Uuid], operations);
            }
        }

        return operations.ToImmutable();
    }

    private static void Follow(
        TableSchema table, Row wanted, Row? known, ImmutableArray<Operation>.Builder operations)
    {
        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var column in table.Columns)
        {
            var name = (table.Name, column.Name);
            if (column.IsEphemeral || column.IsInternal || Ours.Contains(name)) continue;
            if (Given.Contains(name) && wanted[column].IsEmpty) continue;
            if (!wanted[column].Equals(known?[column] ?? column.Type.Default))
                values.Add(new ColumnValue(column.Name, wanted[column]));
        }

        if (known is null)
            operations.Add(new Operation.Insert(table.Name, values.ToImmutable(), wanted.Uuid));
        else if (values.Count > 0)
            operations.Add(Operation.UpdateRow(table.Name, wanted.Uuid, values.ToArray()));
    }

    /// <summary>What the other side must be told of this one.</summary>
    public static ImmutableArray<Operation> Up(DatabaseSnapshot upstream, DatabaseSnapshot local)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var columns in Ours.Concat(Given).GroupBy(column => column.Item1))
        {
            if (!local.Schema.TryTable(columns.Key, out var table)) continue;
            foreach (var row in local.Table(table).Rows)
            {
                if (operations.Count >= OperationsMax) return operations.ToImmutable();
                if (upstream.Table(table)[row.Uuid] is { } there)
                    Tell(table, columns, row, there, operations);
            }
        }

        return operations.ToImmutable();
    }

    private static void Tell(
        TableSchema table, IEnumerable<(string, string Name)> columns, Row here, Row there,
        ImmutableArray<Operation>.Builder operations)
    {
        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var (_, name) in columns)
        {
            if (!table.TryColumn(name, out var column)
                || here[column].Equals(there[column])
                || here[column].Equals(column.Type.Default)
                || (Given.Contains((table.Name, name)) && !there[column].IsEmpty))
            {
                continue;
            }

            values.Add(new ColumnValue(name, here[column]));
        }

        if (values.Count > 0)
            operations.Add(Operation.UpdateRow(table.Name, here.Uuid, values.ToArray()));
    }

    /// <summary>Only looks: it can be answered from the replica.</summary>
    public static bool IsReadOnly(ImmutableArray<Operation> operations) =>
        operations.All(operation => operation
            is Operation.Select or Operation.Wait or Operation.Comment or Operation.Abort);
}
