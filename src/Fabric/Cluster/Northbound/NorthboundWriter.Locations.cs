using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

public sealed partial class NorthboundWriter
{
    /// <summary>Rows in one transaction that follows port locations; the rest comes next.</summary>
    private const int FollowedRowCountMax = 500;

    private const string PortTable = "Logical_Switch_Port";

    /// <summary>
    /// A port is up while a host that is alive has bound it; a router's always is.
    /// </summary>
    private void FollowLocations(TimeSpan now)
    {
        if (_locations is null || _head is null || ReferenceEquals(_followed, _head.Database))
            return;
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var row in _head.Database.Table(PortTable).Rows)
        {
            var isUp = row.GetString("type") == "router"
                || _locations.ContainsKey(row.GetString("name"));
            if (row.GetBooleanOrNull("up") == isUp) continue;
            operations.Add(Operation.UpdateRow(
                PortTable, row.Uuid, new ColumnValue("up", isUp)));
            if (operations.Count == FollowedRowCountMax) break;
        }

        if (operations.Count > 0) Decide(operations.ToImmutable(), now);
        else _followed = _head.Database;
    }
}
