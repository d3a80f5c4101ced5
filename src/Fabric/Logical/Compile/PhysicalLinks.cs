using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>
/// Patch ports between the integration bridge and bridges of physical networks: a pair for each
/// localnet port of a switch that this host has, as ovn-controller makes them.
/// </summary>
public static class PhysicalLinks
{
    /// <summary>external_ids key of the Port rows; its value is the localnet port's name.</summary>
    public const string LocalnetKey = "ovn-localnet-port";

    /// <summary>Operations that make missing pairs and remove those that are not wanted.</summary>
    /// <param name="wanted">Name of the physical bridge by localnet port name.</param>
    public static ImmutableArray<Operation> Reconcile(
        DatabaseSnapshot database, Row integration,
        ImmutableSortedDictionary<string, string> wanted)
    {
        var operations = ImmutableArray.CreateBuilder<Operation>();
        var bridges = database.Table("Bridge").Rows.ToList();
        var found = new HashSet<(string Bridge, string Port)>();
        foreach (var bridge in bridges)
        {
            foreach (var port in LinksOf(database, bridge))
            {
                var name = port.GetMapValue("external_ids", LocalnetKey)!;
                var isWanted = wanted.TryGetValue(name, out var other)
                    && (bridge.Uuid == integration.Uuid || bridge.GetString("name") == other);
                if (isWanted) found.Add((bridge.GetString("name"), name));
                else operations.Add(Detach(bridge, port));
            }
        }

        var ours = integration.GetString("name");
        foreach (var (name, other) in wanted)
        {
            var physical = bridges.Find(bridge => bridge.GetString("name") == other);
            if (physical is null) continue; // Made when the bridge appears.
            var (near, far) = ($"patch-{ours}-to-{name}", $"patch-{name}-to-{ours}");
            if (!found.Contains((ours, name))) Attach(operations, integration, name, near, far);
            if (!found.Contains((other, name))) Attach(operations, physical, name, far, near);
        }

        if (operations.Count > 0 && database.Table("Open_vSwitch").First is { } root)
        {
            operations.Add(Operation.MutateRow(
                "Open_vSwitch", root.Uuid, new Mutation("next_cfg", Mutator.Add, 1)));
        }

        return operations.ToImmutable();
    }

    private static IEnumerable<Row> LinksOf(DatabaseSnapshot database, Row bridge) =>
        bridge.GetReferences("ports")
            .Select(uuid => database.Find("Port", uuid)).OfType<Row>()
            .Where(port => port.GetMapValue("external_ids", LocalnetKey) is not null);

    private static Operation Detach(Row bridge, Row port) => Operation.MutateRow(
        "Bridge", bridge.Uuid,
        new Mutation("ports", Mutator.Delete, Datum.References([port.Uuid])));

    private static void Attach(
        ImmutableArray<Operation>.Builder operations, Row bridge, string localnet, string name,
        string peer)
    {
        var (face, port) = (Guid.NewGuid(), Guid.NewGuid());
        operations.Add(new Operation.Insert(
            "Interface",
            [
                new ColumnValue("name", name), new ColumnValue("type", "patch"),
                new ColumnValue("options", Datum.Map(
                    new Dictionary<string, string> { ["peer"] = peer })),
            ],
            face));
        operations.Add(new Operation.Insert(
            "Port",
            [
                new ColumnValue("name", name),
                new ColumnValue("interfaces", Datum.References([face])),
                new ColumnValue("external_ids", Datum.Map(
                    new Dictionary<string, string> { [LocalnetKey] = localnet })),
            ],
            port));
        operations.Add(Operation.MutateRow(
            "Bridge", bridge.Uuid,
            new Mutation("ports", Mutator.Insert, Datum.References([port]))));
    }
}
