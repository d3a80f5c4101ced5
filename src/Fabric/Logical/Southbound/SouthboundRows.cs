using System.Collections.Immutable;
using System.Globalization;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>Rows of OVN_Southbound from what hosts replicate and gossip: a pure function.</summary>
/// <remarks>
/// What ovn-northd and ovn-controllers would have written (ovn-sb(5)). Nothing is guessed: what
/// is not known here, as chassis settings of other hosts, is left empty.
/// </remarks>
internal sealed partial class SouthboundRows
{
    private readonly SouthboundPicture _picture;
    private readonly DatabaseSnapshot _northbound;
    private readonly List<SouthboundRow> _rows = [];

    // Unique indexes of the schema: a second row with the same key is left out.
    private readonly HashSet<(string, string)> _taken = [];
    private readonly SortedDictionary<string, Guid> _chassis = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, Guid> _datapathOfPort = [];
    private readonly Dictionary<string, (Guid Datapath, Guid Port)> _bindings =
        new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, List<Guid>> _switchesOfBalancer = [];
    private readonly Sightings _sightings;

    private SouthboundRows(SouthboundPicture picture)
    {
        _picture = picture;
        _northbound = picture.Northbound;
        var virtualPorts = Rows("Logical_Switch_Port")
            .Where(row => row.GetString("type") == "virtual")
            .Select(row => row.GetString("name")).ToHashSet();
        _sightings = Sightings.Read(picture.Learned, virtualPorts.Contains);
    }

    public static List<SouthboundRow> Of(SouthboundPicture picture)
    {
        var rows = new SouthboundRows(picture);
        rows.AddChassis();
        rows.AddGlobal();
        rows.AddDatapaths();
        rows.AddSwitchPorts();
        rows.AddRouterPorts();
        rows.AddMulticastGroups();
        rows.AddLearned();
        rows.AddSets();
        rows.AddServices();
        rows.AddDhcpCatalogue();
        rows.AddFlows();
        return rows._rows;
    }

    private void Add(string table, Guid uuid, params ReadOnlySpan<ColumnValue> values) =>
        _rows.Add(new SouthboundRow(table, uuid, [.. values]));

    /// <summary>False: another row of the table has the key already.</summary>
    private bool Takes(string table, string key) => _taken.Add((table, key));

    private IEnumerable<Row> Rows(string table) =>
        _northbound.Schema.TryTable(table, out var schema) ? _northbound.Table(schema).Rows : [];

    private static Datum Map(params ReadOnlySpan<(string Key, string? Value)> pairs)
    {
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs)
        {
            if (value is { Length: > 0 }) map[key] = value;
        }

        return Datum.Map(map);
    }

    private static Datum Optional(Guid? row) =>
        row is { } uuid ? Datum.References([uuid]) : Datum.EmptySet;

    private Guid? ChassisNamed(string? name) =>
        name is not null && _chassis.TryGetValue(name, out var uuid) ? uuid : null;

    private void AddChassis()
    {
        var applied = _northbound.Table("NB_Global").First;
        var (count, at) = (applied?.GetInteger("hv_cfg") ?? 0,
            applied?.GetInteger("hv_cfg_timestamp") ?? 0);
        foreach (var host in _picture.Vteps.GroupBy(vtep => vtep.HostId, StringComparer.Ordinal))
        {
            var uuid = SouthboundIds.Of("Chassis", host.Key);
            var encaps = new List<Guid>();
            foreach (var vtep in host)
            {
                if (!Takes("Encap", $"{vtep.Type} {vtep.Address}")) continue;
                var encap = SouthboundIds.Of("Encap", $"{host.Key} {vtep.Type} {vtep.Address}");
                encaps.Add(encap);
                Add(
                    "Encap", encap, new("type", vtep.Type), new("ip", $"{vtep.Address}"),
                    new("chassis_name", host.Key), new("options", Datum.Map(vtep.Options)));
            }

            if (encaps.Count == 0) continue; // A chassis without encapsulation is none.
            _chassis[host.Key] = uuid;
            var settings = host.Key == _picture.HostId ? OwnSettings() : Datum.EmptyMap;
            Add(
                "Chassis", uuid, new("name", host.Key), new("hostname", host.First().HostName),
                new("encaps", Datum.References(encaps)), new("nb_cfg", count),
                new("other_config", settings), new("external_ids", settings));
            Add(
                "Chassis_Private", SouthboundIds.Of("Chassis_Private", host.Key),
                new("name", host.Key), new("chassis", Datum.References([uuid])),
                new("nb_cfg", count), new("nb_cfg_timestamp", at));
        }
    }

    private static readonly string[] ShownSettings =
    [
        "ovn-bridge-mappings", "ovn-chassis-mac-mappings", "ovn-cms-options", "datapath-type",
        "iface-types", "ovn-monitor-all", "ovn-transport-zones",
    ];

    private Datum OwnSettings() => Datum.Map(_picture.Settings
        .Where(pair => ShownSettings.Contains(pair.Key)));

    private void AddGlobal()
    {
        if (_northbound.Table("NB_Global").First is not { } row) return;
        Add(
            "SB_Global", row.Uuid, new("nb_cfg", row.GetInteger("nb_cfg")),
            new("options", row["options"]), new("external_ids", row["external_ids"]),
            new("ipsec", row.GetBoolean("ipsec")));
        foreach (var variables in Rows("Chassis_Template_Var"))
        {
            Add(
                "Chassis_Template_Var", variables.Uuid, new("chassis", variables["chassis"]),
                new("variables", variables["variables"]));
        }
    }

    private void AddDatapaths()
    {
        foreach (var row in Rows("Logical_Switch")) AddDatapath(row, "logical-switch");
        foreach (var row in Rows("Logical_Router")) AddDatapath(row, "logical-router");
    }

    private void AddDatapath(Row row, string kind)
    {
        if (!_picture.Keys.Datapaths.TryGetValue(row.Uuid, out var key)) return;
        var given = row.GetMapValue("external_ids", "neutron:network_name")
            ?? row.GetMapValue("external_ids", "neutron:router_name");
        var interconnect = row.GetMapValue(
            kind == "logical-switch" ? "other_config" : "options", "interconn-ts");
        Add(
            "Datapath_Binding", row.Uuid, new("tunnel_key", key),
            new("external_ids", Map(
                (kind, $"{row.Uuid}"), ("name", row.GetString("name")), ("name2", given),
                ("interconn-ts", interconnect))));
        foreach (var port in row.GetReferences("ports")) _datapathOfPort[port] = row.Uuid;
    }

    private void AddMulticastGroups()
    {
        foreach (var owner in Rows("Logical_Switch"))
        {
            if (!_picture.Keys.Datapaths.ContainsKey(owner.Uuid)) continue;
            List<Guid> all = [], unknown = [], plain = [];
            foreach (var uuid in owner.GetReferences("ports"))
            {
                if (_northbound.Find("Logical_Switch_Port", uuid) is not { } port
                    || !_picture.Keys.Ports.ContainsKey(uuid))
                {
                    continue;
                }

                all.Add(uuid);
                if (port.GetString("type") != "router") plain.Add(uuid);
                if (port.GetString("type") == "localnet"
                    || port["addresses"].Contains(Atom.Of("unknown")))
                {
                    unknown.Add(uuid);
                }
            }

            AddGroup(owner.Uuid, "_MC_flood", LogicalFields.FloodGroup, all);
            AddGroup(owner.Uuid, "_MC_unknown", LogicalFields.UnknownGroup, unknown);
            AddGroup(owner.Uuid, "_MC_flood_l2", LogicalFields.FloodL2Group, plain);
        }
    }

    private void AddGroup(Guid datapath, string name, uint key, List<Guid> ports)
    {
        if (ports.Count == 0) return;
        Add(
            "Multicast_Group", SouthboundIds.Of("Multicast_Group", $"{datapath} {name}"),
            new("datapath", datapath), new("name", name), new("tunnel_key", key),
            new("ports", Datum.References(ports.Where(port => _bound.Contains(port)))));
    }

    private void AddLearned()
    {
        AddSightings();
        foreach (var binding in _picture.Learned.MacBindings.Values)
        {
            if (_sightings.Virtual.ContainsKey(binding.LogicalPort)
                || Sightings.IsGroup(binding)
                || !_bindings.TryGetValue(binding.LogicalPort, out var at))
            {
                continue;
            }

            var name = $"{binding.LogicalPort} {binding.Address}";
            Add(
                "MAC_Binding", SouthboundIds.Of("MAC_Binding", name),
                new("logical_port", binding.LogicalPort), new("ip", $"{binding.Address}"),
                new("mac", $"{binding.Mac}"), new("datapath", at.Datapath));
        }

        foreach (var entry in _picture.Learned.Fdb.Values)
        {
            if (!_picture.Keys.Datapaths.TryGetValue(entry.Datapath, out var datapath)
                || !_bindings.TryGetValue(entry.LogicalPort, out var at)
                || !_picture.Keys.Ports.TryGetValue(at.Port, out var port))
            {
                continue;
            }

            var name = string.Create(CultureInfo.InvariantCulture, $"{datapath} {entry.Mac}");
            Add(
                "FDB", SouthboundIds.Of("FDB", name), new("mac", $"{entry.Mac}"),
                new("dp_key", datapath), new("port_key", port));
        }
    }
}
