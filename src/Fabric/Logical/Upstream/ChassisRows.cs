using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>What a chassis reads from, and writes to, a southbound that ovn-northd keeps.</summary>
internal static class ChassisRows
{
    // What ovn-northd asks of every chassis before it relies on it; all hold for the fabric.
    private static readonly ImmutableSortedDictionary<string, string> Abilities =
        new Dictionary<string, string>
        {
            ["ct-no-masked-label"] = "true", ["mac-binding-timestamp"] = "true",
            ["fdb-timestamp"] = "true", ["ovn-ct-lb-related"] = "true",
            ["port-up-notif"] = "true", ["is-interconn"] = "false", ["is-vtep"] = "false",
            ["ovn-enable-lflow-cache"] = "false", ["ovn-monitor-all"] = "true",
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    public static ImmutableSortedSet<Vtep> Vteps(DatabaseSnapshot southbound)
    {
        var vteps = ImmutableSortedSet.CreateBuilder<Vtep>();
        foreach (var chassis in southbound.Table("Chassis").Rows)
        {
            foreach (var uuid in chassis.GetReferences("encaps"))
            {
                if (southbound.Find("Encap", uuid) is { } encap
                    && encap.GetString("type") is "geneve" or "vxlan"
                    && IPAddress.TryParse(encap.GetString("ip"), out var address))
                {
                    vteps.Add(new Vtep(
                        chassis.GetString("name"), chassis.GetString("hostname"),
                        encap.GetString("type"), address, encap.GetMap("options")));
                }
            }
        }

        return vteps.ToImmutable();
    }

    public static Row? ChassisOf(DatabaseSnapshot southbound, string name) =>
        southbound.Table("Chassis").Find("name", name);

    /// <summary>The chassis' name of a column that refers to one, or null.</summary>
    public static string? ChassisName(DatabaseSnapshot southbound, Row row, string column) =>
        row.GetReferenceOrNull(column) is { } uuid
            ? southbound.Find("Chassis", uuid)?.GetString("name")
            : null;

    /// <summary>What makes the chassis' rows as they should be; nothing if they are.</summary>
    public static ImmutableArray<Operation> Register(
        DatabaseSnapshot southbound, string name, PublishVteps wanted)
    {
        var vteps = wanted.Vteps.Where(vtep => vtep.HostId == name).ToList();
        if (vteps.Count == 0) return [];
        var operations = ImmutableArray.CreateBuilder<Operation>();
        var row = ChassisOf(southbound, name);
        var encaps = new List<Guid>();
        foreach (var vtep in vteps)
        {
            var known = southbound.Table("Encap").Rows.FirstOrDefault(encap =>
                encap.GetString("type") == vtep.Type
                && encap.GetString("ip") == $"{vtep.Address}"
                && encap.GetString("chassis_name") == name);
            encaps.Add(known?.Uuid ?? Insert(operations, vtep));
        }

        var uuid = row?.Uuid ?? Guid.NewGuid();
        ImmutableArray<ColumnValue> values =
        [
            new("hostname", wanted.HostName), new("encaps", Datum.References(encaps)),
            new("other_config", Datum.Map(Abilities)),
        ];
        if (row is null)
        {
            operations.Add(new Operation.Insert(
                "Chassis", values.Add(new("name", name)), uuid));
        }
        else if (values.Any(value => !row[value.Column].Equals(value.Value)))
        {
            operations.Add(Operation.UpdateRow("Chassis", uuid, values.AsSpan()));
        }

        var own = southbound.Table("Chassis_Private").Find("name", name);
        if (own is null)
        {
            operations.Add(new Operation.Insert(
                "Chassis_Private",
                [new("name", name), new("chassis", Datum.References([uuid]))]));
        }
        else if (own.GetReferenceOrNull("chassis") != uuid)
        {
            operations.Add(Operation.UpdateRow(
                "Chassis_Private", own.Uuid, new ColumnValue(
                    "chassis", Datum.References([uuid]))));
        }

        return operations.ToImmutable();
    }

    private static Guid Insert(ImmutableArray<Operation>.Builder operations, Vtep vtep)
    {
        var uuid = Guid.NewGuid();
        operations.Add(new Operation.Insert(
            "Encap",
            [
                new("type", vtep.Type), new("ip", $"{vtep.Address}"),
                new("chassis_name", vtep.HostId),
                new("options", Datum.Map(vtep.Options.ContainsKey("csum")
                    ? vtep.Options
                    : vtep.Options.Add("csum", "true"))),
            ],
            uuid));
        return uuid;
    }

    /// <summary>Port_Binding rows to claim and to let go.</summary>
    /// <param name="fresh">Claims that are new: they may take a port from another chassis.</param>
    /// <param name="isApplied">The flows of what is bound are installed.</param>
    public static ImmutableArray<Operation> Bind(
        DatabaseSnapshot southbound, Row chassis, ImmutableSortedSet<string> claims,
        IReadOnlySet<string> fresh, bool isApplied)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        var bindings = southbound.Table("Port_Binding");
        foreach (var name in claims)
        {
            if (bindings.Find("logical_port", name) is not { } row) continue;
            if (row.GetReferenceOrNull("requested_chassis") is { } wanted
                && wanted != chassis.Uuid)
            {
                continue;
            }

            var holder = row.GetReferenceOrNull("chassis");
            if (holder != chassis.Uuid && (holder is null || fresh.Contains(name)))
            {
                operations.Add(Operation.UpdateRow(
                    "Port_Binding", row.Uuid,
                    new ColumnValue("chassis", Datum.References([chassis.Uuid]))));
            }
            else if (holder == chassis.Uuid && isApplied && row.GetBooleanOrNull("up") != true)
            {
                operations.Add(Operation.UpdateRow(
                    "Port_Binding", row.Uuid, new ColumnValue("up", true)));
            }
        }

        foreach (var row in bindings.Rows)
        {
            if (row.GetReferenceOrNull("chassis") != chassis.Uuid
                || row.GetString("type").Length > 0
                || claims.Contains(row.GetString("logical_port")))
            {
                continue;
            }

            operations.Add(Operation.UpdateRow(
                "Port_Binding", row.Uuid, new ColumnValue("chassis", Datum.EmptySet),
                new ColumnValue("up", false)));
        }

        return operations.ToImmutable();
    }

    /// <summary>MAC_Binding rows for what was heard here.</summary>
    public static ImmutableArray<Operation> Learn(
        DatabaseSnapshot southbound, ImmutableArray<MacBinding> heard, long milliseconds)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        foreach (var binding in heard)
        {
            if (southbound.Table("Port_Binding").Find("logical_port", binding.LogicalPort)
                is not { } port)
            {
                continue;
            }

            var known = southbound.Table("MAC_Binding").Rows.FirstOrDefault(row =>
                row.GetString("logical_port") == binding.LogicalPort
                && row.GetString("ip") == $"{binding.Address}");
            if (known is null)
            {
                operations.Add(new Operation.Insert(
                    "MAC_Binding",
                    [
                        new("logical_port", binding.LogicalPort), new("ip", $"{binding.Address}"),
                        new("mac", $"{binding.Mac}"), new("datapath", port["datapath"]),
                        new("timestamp", milliseconds),
                    ]));
            }
            else if (known.GetString("mac") != $"{binding.Mac}")
            {
                operations.Add(Operation.UpdateRow(
                    "MAC_Binding", known.Uuid, new ColumnValue("mac", $"{binding.Mac}"),
                    new ColumnValue("timestamp", milliseconds)));
            }
        }

        return operations.ToImmutable();
    }
}
