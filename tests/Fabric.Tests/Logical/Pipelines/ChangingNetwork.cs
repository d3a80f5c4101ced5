using System.Collections.Immutable;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>A random network and a host in it that change step by step, from a seed.</summary>
internal sealed class ChangingNetwork
{
    private readonly Random _random;
    private KeyState _keys = KeyState.Empty;
    private int _next = 1;

    public ChangingNetwork(int seed)
    {
        _random = new Random(seed * 7919);
        var network = new RandomNetwork(seed);
        Database = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
        Apply([new Operation.Insert("NB_Global", []), .. network.Operations]);
        var here = network.Ports.Where((_, index) => index % 2 == 0);
        Host = HostView.Empty("hv1") with
        {
            Tunnels = ImmutableSortedDictionary<string, uint>.Empty
                .Add("hv2", 900).Add("hv3", 901),
            Interfaces = here.Select((port, index) =>
                    KeyValuePair.Create(port.Name, (uint)index + 1))
                .ToImmutableSortedDictionary(StringComparer.Ordinal),
        };
        AddGroup();
    }

    public DatabaseSnapshot Database { get; private set; }
    public TunnelKeys Keys => _keys.Keys;
    public HostView Host { get; private set; }

    /// <summary>Does one random thing, and says what.</summary>
    public string Change()
    {
        Func<string>[] changes =
        [
            AddPort, AddPort, RemovePort, ChangePort, ChangePort, AddAcl, RemoveAcl, ChangeAcl,
            ChangeSet, AddGroup, ChangeGroup, ChangeBalancer, AddBalancer, AddNat, AddRoute,
            Bind, Bind, Unbind, Locate, AllocateZones, AddSwitch, RemoveSwitch, ChangeSwitch,
            ChangeRouterPort, ChangeTunnels, ChangeSeveral,
        ];
        return changes[_random.Next(changes.Length)]();
    }

    private string ChangeSeveral() => $"{AddPort()}, {Bind()}, {ChangeAcl()}, {Locate()}";

    private void Apply(ImmutableArray<Operation> operations)
    {
        var outcome = TransactionExecutor.Execute(
            Database, operations, TransactionContext.Random());
        Assert.Null(outcome.Error);
        Database = outcome.Snapshot;
        _keys = _keys.Apply(KeyPlanner.Plan(_keys, Database, outcome.Changes));
    }

    private Row? Any(string table)
    {
        var rows = Database.Table(table).Rows.ToList();
        return rows.Count == 0 ? null : rows[_random.Next(rows.Count)];
    }

    private static Operation Insert(string table, Guid row, params ColumnValue[] values) =>
        new Operation.Insert(table, [.. values], row);

    private static Operation Add(string table, Guid row, string column, Guid member) =>
        Operation.MutateRow(
            table, row, new Mutation(column, Mutator.Insert, Datum.References([member])));

    private static Operation Take(string table, Guid row, string column, Guid member) =>
        Operation.MutateRow(
            table, row, new Mutation(column, Mutator.Delete, Datum.References([member])));

    private string Address() =>
        $"02:00:00:01:{_random.Next(256):x2}:{_random.Next(256):x2} "
        + $"10.{_random.Next(1, 4)}.0.{_random.Next(2, 250)}";

    public string AddPort()
    {
        if (Any("Logical_Switch") is not { } owner) return "no switch";
        var name = $"new{_next++}";
        var uuid = Guid.NewGuid();
        var operations = new List<Operation>
        {
            Insert("Logical_Switch_Port", uuid, new("name", name),
                new("addresses", Address())),
            Add("Logical_Switch", owner.Uuid, "ports", uuid),
        };
        if (_random.Next(3) == 0 && Any("Port_Group") is { } group)
            operations.Add(Add("Port_Group", group.Uuid, "ports", uuid));
        Apply([.. operations]);
        return $"port {name}";
    }

    private string RemovePort()
    {
        var owner = Database.Table("Logical_Switch").Rows
            .FirstOrDefault(row => row.GetReferences("ports").Length > 1);
        if (owner is null) return "no port";
        var ports = owner.GetReferences("ports");
        var port = ports[_random.Next(ports.Length)];
        Apply([Take("Logical_Switch", owner.Uuid, "ports", port)]);
        return $"port {port} gone";
    }

    private string ChangePort()
    {
        if (Any("Logical_Switch_Port") is not { } port) return "no port";
        if (port.GetString("type").Length > 0) return "no plain port";
        ColumnValue value = _random.Next(5) switch
        {
            0 => new("enabled", _random.Next(2) == 0),
            1 => new("up", _random.Next(2) == 0),
            2 => new("port_security", Address()),
            3 => new("addresses", Datum.Strings(["unknown"])),
            _ => new("addresses", Address()),
        };
        Apply([Operation.UpdateRow("Logical_Switch_Port", port.Uuid, value)]);
        return $"port {port.GetString("name")}: {value}";
    }

    private string Match()
    {
        var port = Any("Logical_Switch_Port")?.GetString("name") ?? "none";
        var group = Any("Port_Group")?.GetString("name") ?? "none";
        var set = Any("Address_Set")?.GetString("name") ?? "none";
        return _random.Next(6) switch
        {
            0 => $"outport == \"{port}\" && ip4",
            1 => $"outport == @{group} && ip4.src == $" + group + "_ip4",
            2 => $"ip4.src == ${set} && tcp.dst == {{80, 443}}",
            3 => $"is_chassis_resident(\"{port}\") && ip4",
            4 => "ip4.dst == 10.1.0.0/16 && (", // Does not parse.
            _ => $"inport == @{group} && udp",
        };
    }

    private string AddAcl()
    {
        if (Any("Logical_Switch") is not { } owner) return "no switch";
        var uuid = Guid.NewGuid();
        var match = Match();
        Apply(
        [
            Insert("ACL", uuid, new("direction", "to-lport"),
                new("priority", 3000 + _next++), new("match", match),
                new("action", _random.Next(2) == 0 ? "allow-related" : "drop"),
                new("tier", _random.Next(2))),
            Add("Logical_Switch", owner.Uuid, "acls", uuid),
        ]);
        return $"ACL {match}";
    }

    private string RemoveAcl()
    {
        var owner = Database.Table("Logical_Switch").Rows
            .FirstOrDefault(row => row.GetReferences("acls").Length > 0);
        if (owner is null) return "no ACL";
        Apply([Take("Logical_Switch", owner.Uuid, "acls", owner.GetReferences("acls")[0])]);
        return "ACL gone";
    }

    private string ChangeAcl()
    {
        if (Any("ACL") is not { } acl) return "no ACL";
        var match = Match();
        Apply([Operation.UpdateRow("ACL", acl.Uuid, new ColumnValue("match", match))]);
        return $"ACL {acl.Uuid} to {match}";
    }

    private string ChangeSet()
    {
        if (Any("Address_Set") is not { } set) return "no set";
        Apply([Operation.UpdateRow("Address_Set", set.Uuid, new ColumnValue(
            "addresses", Datum.Strings([$"10.1.0.{_random.Next(250)}", "10.7.0.0/24"])))]);
        return "set";
    }

    private string AddGroup()
    {
        var port = Any("Logical_Switch_Port");
        var (uuid, acl, name) = (Guid.NewGuid(), Guid.NewGuid(), $"group{_next++}");
        Apply(
        [
            Insert("ACL", acl, new("direction", "to-lport"),
                new("priority", 3000 + _next++), new("match", $"outport == @{name} && ip6"),
                new("action", "allow")),
            Insert("Port_Group", uuid, new("name", name),
                new("acls", Datum.References([acl])),
                new("ports", Datum.References(port is null ? [] : [port.Uuid]))),
        ]);
        return $"group {name}";
    }

    private string ChangeGroup()
    {
        if (Any("Port_Group") is not { } group || Any("Logical_Switch_Port") is not { } port)
            return "no group";
        Apply([_random.Next(2) == 0
            ? Add("Port_Group", group.Uuid, "ports", port.Uuid)
            : Take("Port_Group", group.Uuid, "ports", port.Uuid)]);
        return $"group {group.GetString("name")} and {port.GetString("name")}";
    }

    private string AddBalancer()
    {
        var isRouter = _random.Next(2) == 0;
        var table = isRouter ? "Logical_Router" : "Logical_Switch";
        if (Any(table) is not { } owner) return "no owner";
        var uuid = Guid.NewGuid();
        Apply(
        [
            Insert("Load_Balancer", uuid, new("name", $"lb{_next}"),
                new("vips", Datum.Map(new Dictionary<string, string>
                {
                    [$"10.99.0.{_next++ % 250}:80"] = "10.1.0.5:80,10.1.0.6:80",
                }))),
            Add(table, owner.Uuid, "load_balancer", uuid),
        ]);
        return $"balancer on {table}";
    }

    private string ChangeBalancer()
    {
        if (Any("Load_Balancer") is not { } balancer) return "no balancer";
        var vips = balancer.GetMap("vips").SetItem(
            $"10.98.0.{_next++ % 250}:443", "10.1.0.7:443");
        Apply([Operation.UpdateRow(
            "Load_Balancer", balancer.Uuid, new ColumnValue("vips", Datum.Map(vips)))]);
        return "balancer";
    }

    private string AddNat()
    {
        if (Any("Logical_Router") is not { } router) return "no router";
        var uuid = Guid.NewGuid();
        var port = Any("Logical_Switch_Port");
        var values = new List<ColumnValue>
        {
            new("type", "dnat_and_snat"), new("external_ip", $"10.98.1.{_next++ % 250}"),
            new("logical_ip", $"10.1.0.{_random.Next(2, 250)}"),
        };
        if (port is not null && _random.Next(2) == 0)
        {
            values.Add(new("logical_port", port.GetString("name")));
            values.Add(new("external_mac", "02:00:00:00:77:01"));
        }

        Apply(
        [
            Insert("NAT", uuid, [.. values]), Add("Logical_Router", router.Uuid, "nat", uuid),
        ]);
        return "NAT";
    }

    private string AddRoute()
    {
        if (Any("Logical_Router") is not { } router) return "no router";
        var uuid = Guid.NewGuid();
        Apply(
        [
            Insert("Logical_Router_Static_Route", uuid,
                new("ip_prefix", $"10.{_random.Next(100, 103)}.0.0/16"),
                new("nexthop", $"10.0.{_random.Next(1, 4)}.{_random.Next(2, 250)}")),
            Add("Logical_Router", router.Uuid, "static_routes", uuid),
        ]);
        return "route";
    }

    private string Bind()
    {
        if (Any("Logical_Switch_Port") is not { } port) return "no port";
        var name = port.GetString("name");
        Host = Host with { Interfaces = Host.Interfaces.SetItem(name, (uint)_next++) };
        return $"{name} is here";
    }

    private string Unbind()
    {
        if (Host.Interfaces.IsEmpty) return "nothing bound";
        var name = Host.Interfaces.Keys.ElementAt(_random.Next(Host.Interfaces.Count));
        Host = Host with { Interfaces = Host.Interfaces.Remove(name) };
        return $"{name} left";
    }

    private string Locate()
    {
        if (Any("Logical_Switch_Port") is not { } port) return "no port";
        var name = port.GetString("name");
        Host = Host with
        {
            Locations = Host.Locations.SetItem(name, $"hv{_random.Next(1, 5)}"),
        };
        return $"{name} moves";
    }

    private string AllocateZones()
    {
        var wanted = LocalDatapaths.Find(
            new LogicalTopology(Read(), Keys), Host).ZoneNames(
                new LogicalTopology(Read(), Keys), Host);
        Host = Host with { Zones = ConntrackZones.Allocate(Host.Zones, wanted) };
        return "zones";
    }

    private NorthboundReader Read()
    {
        var rows = new NorthboundReader();
        rows.Update(Database);
        return rows;
    }

    private string AddSwitch()
    {
        var uuid = Guid.NewGuid();
        Apply([Insert("Logical_Switch", uuid, new ColumnValue("name", $"sw{_next++}"))]);
        return "switch";
    }

    private string RemoveSwitch()
    {
        if (Any("Logical_Switch") is not { } owner || Database.Table("Logical_Switch").Count < 2)
            return "no switch";
        Apply([Operation.DeleteRow("Logical_Switch", owner.Uuid)]);
        return $"switch {owner.GetString("name")} gone";
    }

    private string ChangeSwitch()
    {
        if (Any("Logical_Switch") is not { } owner) return "no switch";
        Apply([Operation.UpdateRow("Logical_Switch", owner.Uuid, new ColumnValue(
            "other_config", Datum.Map(new Dictionary<string, string>
            {
                ["vlan-passthru"] = _random.Next(2) == 0 ? "true" : "false",
            })))]);
        return $"switch {owner.GetString("name")}";
    }

    private string ChangeRouterPort()
    {
        if (Any("Logical_Router_Port") is not { } port) return "no router port";
        Apply([Operation.UpdateRow(
            "Logical_Router_Port", port.Uuid, new ColumnValue("enabled", _random.Next(2) == 0))]);
        return $"router port {port.GetString("name")}";
    }

    private string ChangeTunnels()
    {
        Host = Host with
        {
            Tunnels = Host.Tunnels.ContainsKey("hv4")
                ? Host.Tunnels.Remove("hv4")
                : Host.Tunnels.Add("hv4", 902),
        };
        return "tunnels";
    }
}
