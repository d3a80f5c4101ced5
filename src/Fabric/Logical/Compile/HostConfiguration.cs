using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>What the Open_vSwitch database says that concerns the logical network.</summary>
/// <param name="HostId">external_ids:system-id; empty until it is set.</param>
/// <param name="HostName">external_ids:hostname.</param>
/// <param name="BridgeName">external_ids:ovn-bridge, by default br-int.</param>
/// <param name="Bridge">The bridge's row, or null while there is none.</param>
/// <param name="Interfaces">OpenFlow port and MAC by iface-id, of the bridge's interfaces.</param>
/// <param name="Tunnels">OpenFlow port of the tunnel to each host, by host id.</param>
/// <param name="Zones">Conntrack zones that the bridge's row remembers.</param>
/// <param name="BridgeMappings">Bridge by network_name (ovn-bridge-mappings).</param>
/// <param name="PhysicalNetworks">OpenFlow port of the patch port, by localnet port name.</param>
public sealed record HostConfiguration(
    string HostId, string HostName, string BridgeName, Row? Bridge,
    ImmutableSortedDictionary<string, uint> Interfaces,
    ImmutableSortedDictionary<string, uint> Tunnels,
    ImmutableSortedDictionary<string, ushort> Zones,
    ImmutableSortedDictionary<string, string> BridgeMappings,
    ImmutableSortedDictionary<string, uint> PhysicalNetworks)
{
    private const string DefaultBridge = "br-int";

    /// <summary>Reads a snapshot; interfaces without an OpenFlow port yet are left out.</summary>
    public static HostConfiguration Read(DatabaseSnapshot database)
    {
        var root = database.Table("Open_vSwitch").First;
        var ids = root?.GetMap("external_ids") ?? ImmutableSortedDictionary<string, string>.Empty;
        var hostId = ids.GetValueOrDefault("system-id", "");
        var bridgeName = Setting(ids, hostId, "ovn-bridge") ?? DefaultBridge;
        var bridge = database.Table("Bridge").Rows
            .FirstOrDefault(row => row.GetString("name") == bridgeName);
        var interfaces =
            ImmutableSortedDictionary.CreateBuilder<string, uint>(StringComparer.Ordinal);
        var tunnels = ImmutableSortedDictionary.CreateBuilder<string, uint>(StringComparer.Ordinal);
        foreach (var row in InterfacesOf(database, bridge))
        {
            if (row.GetIntegerOrNull("ofport") is not (> 0 and < 0xff00 and var port)) continue;
            if (row.GetMapValue("external_ids", "iface-id") is { Length: > 0 } name)
                interfaces[name] = (uint)port;
        }

        var physical =
            ImmutableSortedDictionary.CreateBuilder<string, uint>(StringComparer.Ordinal);
        foreach (var row in PortsOf(database, bridge))
        {
            AddTunnel(database, row, tunnels);
            var localnet = row.GetMapValue("external_ids", PhysicalLinks.LocalnetKey);
            if (localnet is null) continue;
            var face = row.GetReferences("interfaces")
                .Select(uuid => database.Find("Interface", uuid)).OfType<Row>().FirstOrDefault();
            if (face?.GetIntegerOrNull("ofport") is > 0 and var port)
                physical[localnet] = (uint)port;
        }

        return new HostConfiguration(
            hostId, ids.GetValueOrDefault("hostname", ""), bridgeName, bridge,
            interfaces.ToImmutable(), tunnels.ToImmutable(),
            ConntrackZones.Read(
                bridge?.GetMap("external_ids") ?? ImmutableSortedDictionary<string, string>.Empty),
            MappingsOf(Setting(ids, hostId, "ovn-bridge-mappings")), physical.ToImmutable());
    }

    /// <summary>The host's own setting KEY-HOSTID, else KEY.</summary>
    public static string? Setting(
        ImmutableSortedDictionary<string, string> ids, string hostId, string key) =>
        ids.GetValueOrDefault($"{key}-{hostId}") ?? ids.GetValueOrDefault(key);

    /// <summary>Operations that make the integration bridge, if it is missing.</summary>
    public static ImmutableArray<Operation> CreateBridge(DatabaseSnapshot database, string name)
    {
        if (database.Table("Open_vSwitch").First is not { } root) return [];
        var ids = root.GetMap("external_ids");
        var hostId = ids.GetValueOrDefault("system-id", "");
        var type = Setting(ids, hostId, "ovn-bridge-datapath-type") ?? "";
        var (bridge, port, face) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        return
        [
            new Operation.Insert(
                "Interface", [new ColumnValue("name", name), new ColumnValue("type", "internal")],
                face),
            new Operation.Insert(
                "Port",
                [
                    new ColumnValue("name", name),
                    new ColumnValue("interfaces", Datum.References([face])),
                ],
                port),
            new Operation.Insert(
                "Bridge",
                [
                    new ColumnValue("name", name), new ColumnValue("fail_mode", "secure"),
                    new ColumnValue("datapath_type", type),
                    new ColumnValue("ports", Datum.References([port])),
                    new ColumnValue("other_config", Datum.Map(
                        new Dictionary<string, string> { ["disable-in-band"] = "true" })),
                ],
                bridge),
            Operation.MutateRow(
                "Open_vSwitch", root.Uuid,
                new Mutation("bridges", Mutator.Insert, Datum.References([bridge])),
                new Mutation("next_cfg", Mutator.Add, 1)),
        ];
    }

    /// <summary>Operations that make the bridge remember its conntrack zones.</summary>
    public static ImmutableArray<Operation> StoreZones(
        Row bridge, ImmutableSortedDictionary<string, ushort> zones)
    {
        var before = bridge.GetMap("external_ids");
        var wanted = zones.ToDictionary(
            zone => ConntrackZones.KeyPrefix + zone.Key, zone => $"{zone.Value}");
        var stale = before.Where(pair =>
            pair.Key.StartsWith(ConntrackZones.KeyPrefix, StringComparison.Ordinal)
            && wanted.GetValueOrDefault(pair.Key) != pair.Value).ToList();
        var fresh = wanted.Where(pair => before.GetValueOrDefault(pair.Key) != pair.Value).ToList();
        if (stale.Count == 0 && fresh.Count == 0) return [];
        return
        [
            Operation.MutateRow(
                "Bridge", bridge.Uuid,
                new Mutation("external_ids", Mutator.Delete, Datum.Map(stale)),
                new Mutation("external_ids", Mutator.Insert, Datum.Map(fresh))),
        ];
    }

    private static IEnumerable<Row> PortsOf(DatabaseSnapshot database, Row? bridge) =>
        (bridge?.GetReferences("ports") ?? [])
            .Select(uuid => database.Find("Port", uuid)).OfType<Row>();

    private static IEnumerable<Row> InterfacesOf(DatabaseSnapshot database, Row? bridge) =>
        PortsOf(database, bridge)
            .SelectMany(port => port.GetReferences("interfaces"))
            .Select(uuid => database.Find("Interface", uuid)).OfType<Row>();

    /// <remarks>
    /// ovn-chassis-id is HOST or HOST@REMOTE%LOCAL, on the Port or on the Interface row.
    /// </remarks>
    private static void AddTunnel(
        DatabaseSnapshot database, Row port,
        ImmutableSortedDictionary<string, uint>.Builder tunnels)
    {
        foreach (var uuid in port.GetReferences("interfaces"))
        {
            if (database.Find("Interface", uuid) is not { } face) continue;
            var chassis = face.GetMapValue("external_ids", "ovn-chassis-id")
                ?? port.GetMapValue("external_ids", "ovn-chassis-id");
            if (chassis is null || face.GetIntegerOrNull("ofport") is not > 0) continue;
            tunnels[chassis.Split('@')[0]] = (uint)face.GetInteger("ofport");
        }
    }

    private static ImmutableSortedDictionary<string, string> MappingsOf(string? text)
    {
        var mappings =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var pair in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = pair.IndexOf(':');
            if (colon > 0) mappings[pair[..colon].Trim()] = pair[(colon + 1)..].Trim();
        }

        return mappings.ToImmutable();
    }
}
