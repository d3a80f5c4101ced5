using System.Collections.Immutable;
using System.Globalization;
using Fabric.Controllers;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>How controllers are doing, as columns of their rows: a pure function.</summary>
public static class ControllerRows
{
    public static ImmutableArray<Operation> StatusOf(
        DatabaseSnapshot database, ControllersObserved observed)
    {
        if (database.Table("Bridge").Find("name", observed.Bridge) is not { } bridge) return [];
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var uuid in bridge.GetReferences("controller"))
        {
            if (database.Find("Controller", uuid) is not { } row) continue;
            var target = row.GetString("target");
            if (!observed.Controllers.TryGetValue(target, out var status)) continue;
            var values = ImmutableArray.CreateBuilder<ColumnValue>();
            Set(row, "is_connected", status.IsConnected, values);
            Set(row, "role", status.Role == "" ? Datum.EmptySet : status.Role, values);
            Set(row, "status", Datum.Map(MapOf(status)), values);
            if (values.Count == 0) continue;
            operations.Add(new Operation.Update(
                "Controller", [Condition.RowIs(uuid)], values.ToImmutable()));
        }

        return operations.ToImmutable();
    }

    private static SortedDictionary<string, string> MapOf(ControllerStatus status)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["state"] = status.State,
        };
        if (status.LastError is { } error) map["last_error"] = error;
        if (status.SinceConnect is { } connect) map["sec_since_connect"] = Seconds(connect);
        if (status.SinceDisconnect is { } disconnect)
        {
            map["sec_since_disconnect"] = Seconds(disconnect);
        }

        return map;
    }

    private static string Seconds(TimeSpan time) =>
        ((long)time.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    private static void Set(
        Row row, string column, Datum value, ImmutableArray<ColumnValue>.Builder values)
    {
        if (!row[column].Equals(value)) values.Add(new ColumnValue(column, value));
    }
}
