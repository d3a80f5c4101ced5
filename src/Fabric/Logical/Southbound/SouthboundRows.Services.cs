using System.Collections.Immutable;
using System.Globalization;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <content>Sets, groups, balancers, names, meters, fixed neighbours.</content>
internal sealed partial class SouthboundRows
{
    private void AddSets()
    {
        foreach (var row in Rows("Address_Set"))
        {
            if (!Takes("Address_Set", row.GetString("name"))) continue;
            Add(
                "Address_Set", row.Uuid, new("name", row["name"]),
                new("addresses", row["addresses"]));
        }

        foreach (var group in Rows("Port_Group")) AddPortGroup(group);
    }

    /// <summary>
    /// One row for each datapath that has members, and the two sets of their addresses.
    /// </summary>
    private void AddPortGroup(Row group)
    {
        var name = group.GetString("name");
        var members = new SortedDictionary<uint, List<string>>();
        var sets = new SortedDictionary<bool, SortedSet<string>>
        {
            [false] = new(StringComparer.Ordinal),
            [true] = new(StringComparer.Ordinal),
        };
        foreach (var uuid in group.GetReferences("ports"))
        {
            if (_northbound.Find("Logical_Switch_Port", uuid) is not { } port
                || !_datapathOfPort.TryGetValue(uuid, out var datapath)
                || !_picture.Keys.Datapaths.TryGetValue(datapath, out var key))
            {
                continue;
            }

            if (!members.TryGetValue(key, out var names)) members[key] = names = [];
            names.Add(port.GetString("name"));
            foreach (var text in MacsOf(port).ToStringSet())
            {
                if (!LinkAddresses.TryParse(text, out var addresses)) continue;
                foreach (var ip in addresses.Ips) sets[ip.IsIpv6].Add($"{ip.Host}");
            }
        }

        foreach (var (key, names) in members)
        {
            var local = string.Create(CultureInfo.InvariantCulture, $"{key}_{name}");
            if (!Takes("Port_Group", local)) continue;
            Add(
                "Port_Group", SouthboundIds.Of("Port_Group", local), new("name", local),
                new("ports", Datum.Strings(names)));
        }

        foreach (var (isIpv6, addresses) in sets)
        {
            var set = $"{name}_{(isIpv6 ? "ip6" : "ip4")}";
            if (!Takes("Address_Set", set)) continue;
            Add(
                "Address_Set", SouthboundIds.Of("Address_Set", set), new("name", set),
                new("addresses", Datum.Strings(addresses)));
        }
    }

    private void AddServices()
    {
        AddBalancers();
        AddNames();
        AddMeters();
        foreach (var row in Rows("Static_MAC_Binding"))
        {
            if (!_bindings.TryGetValue(row.GetString("logical_port"), out var at)) continue;
            Add(
                "Static_MAC_Binding", row.Uuid, new("logical_port", row["logical_port"]),
                new("ip", row["ip"]), new("mac", row["mac"]), new("datapath", at.Datapath),
                new("override_dynamic_mac", row["override_dynamic_mac"]));
        }

        foreach (var owner in Rows("Logical_Switch")) AddSnooping(owner);
    }

    private void AddBalancers()
    {
        foreach (var owner in Rows("Logical_Switch").Concat(Rows("Logical_Router")))
        {
            if (!_picture.Keys.Datapaths.ContainsKey(owner.Uuid)) continue;
            var grouped = owner.GetReferences("load_balancer_group")
                .Select(uuid => _northbound.Find("Load_Balancer_Group", uuid)).OfType<Row>()
                .SelectMany(group => group.GetReferences("load_balancer"));
            foreach (var balancer in owner.GetReferences("load_balancer").Concat(grouped))
            {
                if (!_switchesOfBalancer.TryGetValue(balancer, out var owners))
                    _switchesOfBalancer[balancer] = owners = [];
                owners.Add(owner.Uuid);
            }
        }

        foreach (var row in Rows("Load_Balancer"))
        {
            if (!_switchesOfBalancer.TryGetValue(row.Uuid, out var owners)) continue;
            Add(
                "Load_Balancer", row.Uuid, new("name", row["name"]), new("vips", row["vips"]),
                new("protocol", row["protocol"]), new("options", row["options"]),
                new("datapaths", Datum.References(owners)),
                new("external_ids", Map(("lb_id", $"{row.Uuid}"))));
        }
    }

    private void AddNames()
    {
        var users = new Dictionary<Guid, List<Guid>>();
        foreach (var owner in Rows("Logical_Switch"))
        {
            if (!_picture.Keys.Datapaths.ContainsKey(owner.Uuid)) continue;
            foreach (var uuid in owner.GetReferences("dns_records"))
            {
                if (!users.TryGetValue(uuid, out var owners)) users[uuid] = owners = [];
                owners.Add(owner.Uuid);
            }
        }

        foreach (var row in Rows("DNS"))
        {
            if (!users.TryGetValue(row.Uuid, out var owners)) continue;
            Add(
                "DNS", row.Uuid, new("records", row["records"]),
                new("datapaths", Datum.References(owners)),
                new("external_ids", Map(("dns_id", $"{row.Uuid}"))));
        }
    }

    private void AddMeters()
    {
        foreach (var row in Rows("Meter"))
        {
            var bands = row.GetReferences("bands")
                .Where(uuid => _northbound.Find("Meter_Band", uuid) is not null).ToList();
            if (bands.Count == 0) continue;
            Add(
                "Meter", row.Uuid, new("name", row["name"]), new("unit", row["unit"]),
                new("bands", Datum.References(bands)));
        }

        foreach (var row in Rows("Meter_Band"))
        {
            Add(
                "Meter_Band", row.Uuid, new("action", row["action"]), new("rate", row["rate"]),
                new("burst_size", row["burst_size"]));
        }
    }

    /// <summary>Multicast settings of a switch that snoops.</summary>
    private void AddSnooping(Row owner)
    {
        var config = owner.GetMap("other_config");
        if (!_picture.Keys.Datapaths.ContainsKey(owner.Uuid)
            || config.GetValueOrDefault("mcast_snoop") != "true")
        {
            return;
        }

        Datum Number(string key, long otherwise) =>
            long.TryParse(config.GetValueOrDefault(key), CultureInfo.InvariantCulture, out var set)
                ? set
                : otherwise;
        var idle = config.GetValueOrDefault("mcast_idle_timeout");
        Add(
            "IP_Multicast", owner.Uuid, new("datapath", owner.Uuid), new("enabled", true),
            new("querier", config.GetValueOrDefault("mcast_querier") != "false"),
            new("table_size", Number("mcast_table_size", 2048)),
            new("idle_timeout", Number("mcast_idle_timeout", 300)),
            new("query_interval", Number("mcast_query_interval", HalfOf(idle))),
            new("query_max_resp", Number("mcast_query_max_response", 1)),
            new("eth_src", config.GetValueOrDefault("mcast_eth_src", "")),
            new("ip4_src", config.GetValueOrDefault("mcast_ip4_src", "")),
            new("ip6_src", config.GetValueOrDefault("mcast_ip6_src", "")));
    }

    private static long HalfOf(string? idle) =>
        long.TryParse(idle, CultureInfo.InvariantCulture, out var seconds) && seconds > 1
            ? seconds / 2
            : 150;

    // Options that DHCP answers may carry: name, code, type (ovn-sb(5)).
    private static readonly (string Name, int Code, string Type)[] DhcpCatalogue =
    [
        ("netmask", 1, "ipv4"), ("router", 3, "ipv4"), ("dns_server", 6, "ipv4"),
        ("log_server", 7, "ipv4"), ("lpr_server", 9, "ipv4"), ("hostname", 12, "str"),
        ("domain_name", 15, "str"), ("swap_server", 16, "ipv4"), ("policy_filter", 21, "ipv4"),
        ("default_ttl", 23, "uint8"), ("mtu", 26, "uint16"), ("router_discovery", 31, "bool"),
        ("router_solicitation", 32, "ipv4"), ("arp_cache_timeout", 35, "uint32"),
        ("ethernet_encap", 36, "bool"), ("tcp_ttl", 37, "uint8"),
        ("tcp_keepalive_interval", 38, "uint32"), ("nis_server", 41, "ipv4"),
        ("ntp_server", 42, "ipv4"), ("lease_time", 51, "uint32"), ("server_id", 54, "ipv4"),
        ("T1", 58, "uint32"), ("T2", 59, "uint32"), ("tftp_server", 66, "host_id"),
        ("bootfile_name", 67, "str"), ("domain_search_list", 119, "domains"),
        ("classless_static_route", 121, "static_routes"),
        ("ms_classless_static_route", 249, "static_routes"), ("wpad", 252, "str"),
    ];

    private static readonly (string Name, int Code, string Type)[] Dhcpv6Catalogue =
    [
        ("server_id", 2, "mac"), ("ia_addr", 5, "ipv6"), ("dns_server", 23, "ipv6"),
        ("domain_search", 24, "str"),
    ];

    private void AddDhcpCatalogue()
    {
        foreach (var (name, code, type) in DhcpCatalogue)
        {
            Add(
                "DHCP_Options", SouthboundIds.Of("DHCP_Options", name), new("name", name),
                new("code", code), new("type", type));
        }

        foreach (var (name, code, type) in Dhcpv6Catalogue)
        {
            Add(
                "DHCPv6_Options", SouthboundIds.Of("DHCPv6_Options", name), new("name", name),
                new("code", code), new("type", type));
        }
    }
}
