using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>Port_Binding, and the candidates of gateways.</content>
internal sealed partial class SouthboundRows
{
    private readonly HashSet<Guid> _bound = [];
    private readonly Dictionary<string, Row> _plugOfRouterPort = new(StringComparer.Ordinal);

    private void AddSwitchPorts()
    {
        foreach (var row in Rows("Logical_Switch_Port"))
        {
            if (row.GetString("type") == "router"
                && row.GetMapValue("options", "router-port") is { } peer)
            {
                _plugOfRouterPort[peer] = row;
            }
        }

        foreach (var row in Rows("Logical_Switch_Port")) AddSwitchPort(row);
    }

    private void AddSwitchPort(Row row)
    {
        var name = row.GetString("name");
        if (!_datapathOfPort.TryGetValue(row.Uuid, out var datapath)
            || !_picture.Keys.Ports.TryGetValue(row.Uuid, out var key)
            || !Takes("Port_Binding", name))
        {
            return;
        }

        var type = row.GetString("type");
        var options = row["options"];
        var host = _picture.Locations.TryGetValue(name, out var location)
            ? location.HostId
            : null;
        if (type == "router")
        {
            var peer = row.GetMapValue("options", "router-port");
            var gateway = GatewayRouterOf(peer);
            type = gateway is null ? "patch" : "l3gateway";
            host = gateway;
            options = Map(("peer", peer), ("l3gateway-chassis", gateway));
        }
        else if (type == "l2gateway")
        {
            host = row.GetMapValue("options", "l2gateway-chassis");
        }

        _bound.Add(row.Uuid);
        _bindings[name] = (datapath, row.Uuid);
        var isVif = type is "" or "virtual" or "external";
        Add(
            "Port_Binding", row.Uuid, new("logical_port", name), new("type", type),
            new("datapath", datapath), new("tunnel_key", key), new("options", options),
            new("mac", MacsOf(row)), new("port_security", row["port_security"]),
            new("chassis", Optional(ChassisNamed(host))),
            new("up", isVif ? host is not null : Datum.EmptySet),
            new("parent_port", row["parent_name"]), new("tag", row["tag"]),
            new("virtual_parent", VirtualParentOf(row)),
            new("requested_chassis", Optional(RequestedBy(row))),
            new("ha_chassis_group", GroupOf(row)),
            new("nat_addresses", NatAddressesOf(row)),
            new("external_ids", IdsOf(row)));
    }

    /// <summary>As ovn-northd: the row's own, and the name that neutron gave the port.</summary>
    private static Datum IdsOf(Row row)
    {
        var ids = row.GetMap("external_ids");
        return ids.TryGetValue("neutron:port_name", out var name) && name.Length > 0
            ? Datum.Map(ids.SetItem("name", name))
            : row["external_ids"];
    }

    private static Datum MacsOf(Row row)
    {
        var given = row.GetStringOrNull("dynamic_addresses");
        var texts = row.GetStringSet("addresses")
            .Where(text => !text.Contains("dynamic", StringComparison.Ordinal));
        return Datum.Strings(given is null ? texts : texts.Append(given));
    }

    private static Datum NatAddressesOf(Row row) =>
        row.GetMapValue("options", "nat-addresses") is { Length: > 0 } text && text != "router"
            ? Datum.Strings([text])
            : Datum.EmptySet;

    private Guid? RequestedBy(Row row) =>
        row.GetMapValue("options", "requested-chassis")?.Split(',')[0] is { Length: > 0 } wanted
            ? ChassisNamed(wanted) ?? ChassisNamed(_picture.Vteps
                .FirstOrDefault(vtep => vtep.HostName == wanted)?.HostId)
            : null;

    /// <summary>The chassis of the gateway router that has the port; null: distributed.</summary>
    private string? GatewayRouterOf(string? routerPort)
    {
        if (routerPort is null) return null;
        var port = _northbound.Table("Logical_Router_Port").Find("name", routerPort);
        return port is not null && _datapathOfPort.TryGetValue(port.Uuid, out var router)
            ? _northbound.Find("Logical_Router", router)?.GetMapValue("options", "chassis")
            : null;
    }

    private void AddRouterPorts()
    {
        foreach (var row in Rows("Logical_Router_Port"))
        {
            var name = row.GetString("name");
            if (!_datapathOfPort.TryGetValue(row.Uuid, out var datapath)
                || !_picture.Keys.Ports.TryGetValue(row.Uuid, out var key)
                || !Takes("Port_Binding", name))
            {
                continue;
            }

            var chassis = _northbound.Find("Logical_Router", datapath)
                ?.GetMapValue("options", "chassis");
            var peer = row.GetStringOrNull("peer")
                ?? (_plugOfRouterPort.TryGetValue(name, out var plug)
                    ? plug.GetString("name")
                    : null);
            var macs = Datum.Strings([
                string.Join(' ', row.GetStringSet("networks").Prepend(row.GetString("mac"))),
            ]);
            _bound.Add(row.Uuid);
            _bindings[name] = (datapath, row.Uuid);
            Add(
                "Port_Binding", row.Uuid, new("logical_port", name),
                new("type", chassis is null ? "patch" : "l3gateway"),
                new("datapath", datapath), new("tunnel_key", key), new("mac", macs),
                new("options", Map(("peer", peer), ("l3gateway-chassis", chassis))),
                new("chassis", Optional(ChassisNamed(chassis))),
                new("external_ids", row["external_ids"]));
            AddRedirect(row, datapath, macs);
        }
    }

    /// <summary>The "cr-" port of a distributed gateway port.</summary>
    private void AddRedirect(Row row, Guid datapath, Datum macs)
    {
        var name = row.GetString("name");
        if (!_picture.Keys.ChassisRedirects.TryGetValue(row.Uuid, out var key)
            || !Takes("Port_Binding", $"cr-{name}"))
        {
            return;
        }

        var uuid = SouthboundIds.Of("Port_Binding", $"cr-{name}");
        var group = AddCandidates(row);
        _bindings[$"cr-{name}"] = (datapath, row.Uuid);
        Add(
            "Port_Binding", uuid, new("logical_port", $"cr-{name}"),
            new("type", "chassisredirect"), new("datapath", datapath), new("tunnel_key", key),
            new("mac", macs), new("ha_chassis_group", Optional(group)),
            new("options", Map(("distributed-port", name))),
            new("chassis", Optional(ChassisNamed(ActiveHost(row)))),
            new("external_ids", row["external_ids"]));
    }

    /// <summary>The elected host, or while nobody has voted the best one that is alive.</summary>
    private string? ActiveHost(Row row) =>
        _picture.Gateways.TryGetValue(row.GetString("name"), out var elected)
            ? elected
            : CandidatesOf(row).Where(each => _chassis.ContainsKey(each.Host))
                .OrderByDescending(each => each.Priority)
                .ThenBy(each => each.Host, StringComparer.Ordinal)
                .Select(each => each.Host).FirstOrDefault();

    private IEnumerable<(Guid Row, string Host, long Priority)> CandidatesOf(Row port)
    {
        var direct = port.GetReferences("gateway_chassis")
            .Select(uuid => _northbound.Find("Gateway_Chassis", uuid));
        var grouped = port.GetReferenceOrNull("ha_chassis_group") is { } group
            && _northbound.Find("HA_Chassis_Group", group) is { } row
                ? row.GetReferences("ha_chassis").Select(uuid =>
                    _northbound.Find("HA_Chassis", uuid))
                : [];
        return direct.Concat(grouped).OfType<Row>().Select(each =>
            (each.Uuid, each.GetString("chassis_name"), each.GetInteger("priority")));
    }

    private Guid? AddCandidates(Row port)
    {
        var group = port.GetReferenceOrNull("ha_chassis_group");
        var isOwn = group is null;
        var uuid = group ?? SouthboundIds.Of("HA_Chassis_Group", port.GetString("name"));
        var name = isOwn
            ? port.GetString("name")
            : _northbound.Find("HA_Chassis_Group", uuid)?.GetString("name") ?? "";
        AddGroup(uuid, name, CandidatesOf(port));
        return _groups.Contains(uuid) ? uuid : null;
    }

    private readonly HashSet<Guid> _groups = [];

    private void AddGroup(
        Guid uuid, string name, IEnumerable<(Guid Row, string Host, long Priority)> candidates)
    {
        if (_groups.Contains(uuid) || !Takes("HA_Chassis_Group", name)) return;
        _groups.Add(uuid);
        var members = new List<Guid>();
        foreach (var (row, host, priority) in candidates)
        {
            var member = SouthboundIds.Of("HA_Chassis", $"{uuid} {row}");
            members.Add(member);
            Add(
                "HA_Chassis", member, new("chassis", Optional(ChassisNamed(host))),
                new("priority", priority),
                new("external_ids", Map(("chassis-name", host))));
        }

        Add(
            "HA_Chassis_Group", uuid, new("name", name),
            new("ha_chassis", Datum.References(members)));
    }

    /// <summary>The group of an external port.</summary>
    private Datum GroupOf(Row port)
    {
        if (port.GetReferenceOrNull("ha_chassis_group") is not { } uuid
            || _northbound.Find("HA_Chassis_Group", uuid) is not { } row)
        {
            return Datum.EmptySet;
        }

        AddGroup(uuid, row.GetString("name"), CandidatesOfGroup(row));
        return _groups.Contains(uuid) ? Optional(uuid) : Datum.EmptySet;
    }

    private IEnumerable<(Guid Row, string Host, long Priority)> CandidatesOfGroup(Row group) =>
        group.GetReferences("ha_chassis").Select(uuid => _northbound.Find("HA_Chassis", uuid))
            .OfType<Row>().Select(each =>
                (each.Uuid, each.GetString("chassis_name"), each.GetInteger("priority")));
}
