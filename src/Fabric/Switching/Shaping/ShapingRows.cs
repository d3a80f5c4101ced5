using System.Collections.Immutable;
using Fabric.Configuration;
using Texts = System.Collections.Immutable.ImmutableSortedDictionary<string, string>;

namespace Fabric.Switching;

/// <summary>
/// Rows of QoS, Queue and Interface, with what interfaces came to, as queues and policers: a pure
/// function.
/// </summary>
public static class ShapingRows
{
    private const ulong LinkBitsDefault = 100_000_000;
    private const int MtuDefault = 1500;

    /// <param name="linkBitsPerSecond">Of a device; null: not known.</param>
    public static ShapingWanted Wanted(
        DatabaseSnapshot database, BridgesReconciled reconciled,
        Func<InterfaceStatus, long?> linkBitsPerSecond)
    {
        var statuses = new Dictionary<Guid, InterfaceStatus>();
        foreach (var each in reconciled.Bridges.Values.SelectMany(each => each.Interfaces))
        {
            statuses[each.Row] = each;
        }

        var shapes = ImmutableArray.CreateBuilder<InterfaceShape>();
        foreach (var bridge in database.Table("Bridge").Rows)
        {
            var type = SwitchStore.NormalType(bridge.GetString("datapath_type"));
            foreach (var port in Rows(database, bridge, "ports", "Port"))
            {
                foreach (var row in Rows(database, port, "interfaces", "Interface"))
                {
                    if (statuses.GetValueOrDefault(row.Uuid) is not { Error: null } status)
                    {
                        continue;
                    }

                    shapes.Add(ShapeOf(database, type, port, row, status, linkBitsPerSecond));
                }
            }
        }

        return new ShapingWanted(reconciled.Revision, shapes.ToImmutable());
    }

    private static InterfaceShape ShapeOf(
        DatabaseSnapshot database, string datapathType, Row port, Row row, InterfaceStatus status,
        Func<InterfaceStatus, long?> linkBitsPerSecond)
    {
        var mtu = status.Mtu ?? MtuDefault;
        var qos = Rows(database, port, "qos", "QoS").FirstOrDefault();
        var queueing = qos is null || qos.GetString("type").Length == 0
            ? null
            : QosLayout.Of(
                qos.GetString("type"), qos.GetMap("other_config"), QueuesOf(database, qos),
                ((ulong?)linkBitsPerSecond(status) ?? LinkBitsDefault) / 8, mtu);
        return new InterfaceShape(
            status.Name, datapathType, status.InterfaceIndex ?? 0, mtu, queueing,
            new PolicingSpec(
                row.GetInteger("ingress_policing_rate"), row.GetInteger("ingress_policing_burst"),
                row.GetInteger("ingress_policing_kpkts_rate"),
                row.GetInteger("ingress_policing_kpkts_burst")));
    }

    private static ImmutableSortedDictionary<uint, Texts> QueuesOf(
        DatabaseSnapshot database, Row qos)
    {
        var queues = ImmutableSortedDictionary.CreateBuilder<uint, Texts>();
        var rows = qos["queues"];
        for (var i = 0; i < rows.Count; i++)
        {
            if (database.Find("Queue", rows.Values[i].Uuid) is not { } queue) continue;
            queues[(uint)rows.Keys[i].Integer] = queue.GetMap("other_config");
        }

        return queues.ToImmutable();
    }

    private static IEnumerable<Row> Rows(
        DatabaseSnapshot database, Row from, string column, string table)
    {
        foreach (var uuid in from.GetReferences(column))
        {
            if (database.Find(table, uuid) is { } row) yield return row;
        }
    }
}
