using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>A row that a network document wants.</summary>
/// <param name="Identity">What finds the row again: its name, or what it says.</param>
/// <param name="Parent">The row whose set refers to it; null for rows of root tables.</param>
/// <param name="References">Sets of other wanted rows, by column.</param>
internal sealed record NetworkRow(
    string Table, string Identity, NetworkRow? Parent, string ParentColumn,
    ImmutableSortedDictionary<string, Datum> Columns)
{
    /// <summary>The same for the same network, table and identity, on every host.</summary>
    public Guid UuidIn(string network)
    {
        var text = $"{network}\0{Table}\0{Parent?.Identity}\0{Identity}";
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80); // RFC 9562: version 8, made from own data,
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80); // variant 10.
        return new Guid(hash, bigEndian: true);
    }
}

/// <summary>From a document to the rows of OVN_Northbound that say the same.</summary>
internal sealed class NetworkRows
{
    public const string NetworkKey = "fabric:network";
    public const string HostKey = "fabric:host";

    private readonly NetworkDocument _document;
    private readonly List<NetworkRow> _rows = [];

    private NetworkRows(NetworkDocument document) => _document = document;

    /// <summary>Parents before their children.</summary>
    public static ImmutableArray<NetworkRow> Of(NetworkDocument document)
    {
        var rows = new NetworkRows(document);
        foreach (var owner in document.Switches) rows.AddSwitch(owner);
        foreach (var router in document.Routers) rows.AddRouter(router);
        rows.AddSets();
        foreach (var acl in document.Acls) rows.AddAcl(acl);
        return [.. rows._rows];
    }

    private NetworkRow Add(
        string table, string identity, NetworkRow? parent, string parentColumn,
        params ReadOnlySpan<(string Column, Datum Value)> columns)
    {
        var values = ImmutableSortedDictionary.CreateBuilder<string, Datum>(StringComparer.Ordinal);
        foreach (var (column, value) in columns) values[column] = value;
        if (!values.ContainsKey("external_ids")) values["external_ids"] = Marks();
        var row = new NetworkRow(table, identity, parent, parentColumn, values.ToImmutable());
        _rows.Add(row);
        return row;
    }

    private Datum Marks(params ReadOnlySpan<(string Key, string Value)> more)
    {
        var map = new Dictionary<string, string> { [NetworkKey] = _document.Name };
        foreach (var (key, value) in more) map[key] = value;
        return Datum.Map(map);
    }

    private void AddSwitch(NetworkSwitch owner)
    {
        var row = Add(
            "Logical_Switch", owner.Name, null, "", ("name", owner.Name),
            ("other_config", Datum.Map(owner.OtherConfig)));
        foreach (var port in owner.Ports) AddPort(row, port);
        foreach (var router in _document.Routers)
        {
            foreach (var port in router.Ports.Where(port => port.Switch == owner.Name))
                AddRouterPlug(row, port);
        }
    }

    private void AddPort(NetworkRow owner, NetworkPort port)
    {
        var addresses = new List<string>();
        if (port.Mac is { } mac)
            addresses.Add(string.Join(' ', port.Ips.Select(ip => $"{ip}").Prepend($"{mac}")));
        var security = port.IsSecured ? addresses.ToList() : [];
        if (port.HasUnknown) addresses.Add("unknown");
        var marks = port.Host is { } host ? Marks((HostKey, $"{host}")) : Marks();
        Add(
            "Logical_Switch_Port", port.Name, owner, "ports", ("name", port.Name),
            ("type", port.Type), ("addresses", Datum.Strings(addresses)),
            ("port_security", Datum.Strings(security)), ("options", Datum.Map(port.Options)),
            ("external_ids", marks));
    }

    private void AddRouterPlug(NetworkRow owner, NetworkRouterPort port)
    {
        var name = PlugName(port);
        var options = new Dictionary<string, string> { ["router-port"] = port.Name };
        Add(
            "Logical_Switch_Port", name, owner, "ports", ("name", name), ("type", "router"),
            ("addresses", Datum.Strings(["router"])), ("port_security", Datum.EmptySet),
            ("options", Datum.Map(options)));
    }

    /// <summary>Name of the switch's side of a link to a router.</summary>
    public static string PlugName(NetworkRouterPort port) => $"{port.Switch}-{port.Name}";

    private void AddRouter(NetworkRouter router)
    {
        var row = Add(
            "Logical_Router", router.Name, null, "", ("name", router.Name),
            ("options", Datum.Map(router.Options)));
        foreach (var port in router.Ports)
        {
            Add(
                "Logical_Router_Port", port.Name, row, "ports", ("name", port.Name),
                ("mac", port.Mac.ToString()),
                ("networks", Datum.Strings(port.Networks.Select(network => $"{network}"))));
        }

        foreach (var route in router.Routes)
        {
            Add(
                "Logical_Router_Static_Route", $"{route.Prefix} {route.NextHop}", row,
                "static_routes", ("ip_prefix", $"{route.Prefix}"), ("nexthop", route.NextHop));
        }

        foreach (var nat in router.Nat)
        {
            Add(
                "NAT", $"{nat.Type} {nat.External} {nat.Logical}", row, "nat", ("type", nat.Type),
                ("external_ip", $"{nat.External}"), ("logical_ip", $"{nat.Logical}"));
        }
    }

    private void AddSets()
    {
        foreach (var group in _document.Groups)
            Add("Port_Group", group.Name, null, "", ("name", group.Name));
        foreach (var set in _document.AddressSets)
        {
            Add(
                "Address_Set", set.Name, null, "", ("name", set.Name),
                ("addresses", Datum.Strings(set.Addresses)));
        }

        foreach (var balancer in _document.LoadBalancers)
        {
            Add(
                "Load_Balancer", balancer.Name, null, "", ("name", balancer.Name),
                ("protocol", balancer.Protocol), ("vips", Datum.Map(balancer.Vips)));
        }
    }

    private void AddAcl(NetworkAcl acl)
    {
        var table = acl.IsOnSwitch ? "Logical_Switch" : "Port_Group";
        var owner = _rows.Find(row => row.Table == table && row.Identity == acl.Owner);
        if (owner is null) return;
        var identity = $"{acl.Direction} {acl.Tier} {acl.Priority} {acl.Match}";
        Add(
            "ACL", identity, owner, "acls",
            ("name", acl.Name.Length == 0 ? Datum.EmptySet : acl.Name),
            ("direction", acl.Direction), ("priority", (long)acl.Priority),
            ("match", acl.Match), ("action", acl.Action), ("tier", (long)acl.Tier),
            ("log", acl.IsLogged));
    }
}
