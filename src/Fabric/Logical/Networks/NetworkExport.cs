using System.Globalization;
using System.Text;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>Writes the northbound's rows as a network document.</summary>
/// <remarks>
/// What the document format has no words for is left out, and named in a comment.
/// </remarks>
public static class NetworkExport
{
    /// <param name="network">Name of the document; only its rows, unless there are none.</param>
    public static string ToYaml(DatabaseSnapshot database, string network)
    {
        var rows = new NorthboundReader();
        rows.Update(database);
        var topology = new LogicalTopology(rows, Cluster.TunnelKeys.Empty);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"network: {Quote(network)}\n");
        WriteSwitches(text, database, topology);
        WriteRouters(text, topology);
        WriteGroups(text, database, rows);
        WriteAcls(text, rows);
        WriteBalancers(text, rows);
        return text.ToString();
    }

    private static void WriteSwitches(
        StringBuilder text, DatabaseSnapshot database, LogicalTopology topology)
    {
        if (topology.Rows.Switches.Count == 0) return;
        text.Append("\nswitches:\n");
        foreach (
            var owner in topology.Rows.Switches.Values.OrderBy(s => s.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {Quote(owner.Name)}:\n");
            WriteMap(text, "    other_config", owner.OtherConfig);
            var ports = topology.PortsOf(owner).Where(port => !port.IsRouter)
                .OrderBy(port => port.Name, StringComparer.Ordinal).ToList();
            if (ports.Count == 0) continue;
            text.Append("    ports:\n");
            foreach (var port in ports) WritePort(text, database, port);
        }
    }

    private static void WritePort(
        StringBuilder text, DatabaseSnapshot database, LogicalSwitchPort port)
    {
        var parts = new List<string>();
        var host = database.Find("Logical_Switch_Port", port.Uuid)
            ?.GetMapValue("external_ids", NetworkRows.HostKey);
        if (host is not null) parts.Add($"host: {host}");
        if (port.Type.Length > 0) parts.Add($"type: {Quote(port.Type)}");
        if (!port.Addresses.IsEmpty)
        {
            var first = port.Addresses[0];
            parts.Add($"mac: \"{first.Mac}\"");
            if (first.Ips.Length == 1) parts.Add($"ip: {Quote($"{first.Ips[0]}")}");
            else if (!first.Ips.IsEmpty)
                parts.Add($"ip: [{string.Join(", ", first.Ips.Select(ip => Quote($"{ip}")))}]");
        }

        if (!port.PortSecurity.IsEmpty) parts.Add("port_security: true");
        if (port.HasUnknown) parts.Add("unknown: true");
        if (!port.Options.IsEmpty)
        {
            var options = port.Options.Select(o => $"{Quote(o.Key)}: {Quote(o.Value)}");
            parts.Add($"options: {{ {string.Join(", ", options)} }}");
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"      {Quote(port.Name)}: {{ {string.Join(", ", parts)} }}\n");
        if (port.Addresses.Length > 1)
            text.Append("      # further addresses of this port are not shown\n");
    }

    private static void WriteRouters(StringBuilder text, LogicalTopology topology)
    {
        var rows = topology.Rows;
        if (rows.Routers.Count == 0) return;
        text.Append("\nrouters:\n");
        foreach (var router in rows.Routers.Values.OrderBy(r => r.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {Quote(router.Name)}:\n");
            WriteMap(text, "    options", router.Options);
            var ports = topology.PortsOf(router).OrderBy(p => p.Name, StringComparer.Ordinal);
            text.Append("    ports:\n");
            foreach (var port in ports) WriteRouterPort(text, topology, port);
            var routes = router.StaticRoutes.Select(uuid => rows.Routes.GetValueOrDefault(uuid))
                .OfType<StaticRoute>().ToList();
            if (routes.Count > 0) text.Append("    routes:\n");
            foreach (var route in routes)
            {
                var hop = route.NextHop is { } address ? $"{address}" : "discard";
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"      - {{ prefix: {Quote($"{route.Prefix}")}, nexthop: {Quote(hop)} }}\n");
            }

            var nat = router.Nat.Select(uuid => rows.Nat.GetValueOrDefault(uuid)).OfType<NatRule>()
                .ToList();
            if (nat.Count > 0) text.Append("    nat:\n");
            foreach (var rule in nat)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"      - {{ type: {rule.Type}, external: {Quote($"{rule.External}")}, "
                    + $"logical: {Quote($"{rule.Logical}")} }}\n");
            }
        }
    }

    private static void WriteRouterPort(
        StringBuilder text, LogicalTopology topology, LogicalRouterPort port)
    {
        var plug = topology.PeerOf(port);
        var owner = plug is null ? null : topology.SwitchOf(plug);
        var link = owner is null ? "" : $"switch: {Quote(owner.Name)}, ";
        var linkLocal = IpPrefix.LinkLocalOf(port.Mac).Address;
        var networks = port.Networks.Where(network => network.Address != linkLocal)
            .Select(network => Quote($"{network}"));
        text.Append(
            CultureInfo.InvariantCulture,
            $"      {Quote(port.Name)}: {{ {link}mac: \"{port.Mac}\", "
            + $"networks: [{string.Join(", ", networks)}] }}\n");
    }

    private static void WriteGroups(
        StringBuilder text, DatabaseSnapshot database, NorthboundReader rows)
    {
        if (rows.PortGroups.Count > 0) text.Append("\ngroups:\n");
        foreach (var group in rows.PortGroups.Values.OrderBy(g => g.Name, StringComparer.Ordinal))
        {
            var ports = group.Ports.Select(uuid => rows.SwitchPorts.GetValueOrDefault(uuid)?.Name)
                .OfType<string>().Order(StringComparer.Ordinal).Select(Quote);
            text.Append(
                CultureInfo.InvariantCulture,
                $"  {Quote(group.Name)}: [{string.Join(", ", ports)}]\n");
        }

        if (rows.AddressSets.Count > 0) text.Append("\naddress_sets:\n");
        foreach (var row in database.Table("Address_Set").Rows
            .OrderBy(row => row.GetString("name"), StringComparer.Ordinal))
        {
            var addresses = row.GetStringSet("addresses").Select(Quote);
            text.Append(
                CultureInfo.InvariantCulture,
                $"  {Quote(row.GetString("name"))}: [{string.Join(", ", addresses)}]\n");
        }
    }

    private static void WriteAcls(StringBuilder text, NorthboundReader rows)
    {
        if (rows.Acls.Count == 0) return;
        text.Append("\nacls:\n");
        foreach (var group in rows.PortGroups.Values.OrderBy(g => g.Name, StringComparer.Ordinal))
        {
            foreach (var acl in Ordered(rows, group.Acls)) WriteAcl(text, "group", group.Name, acl);
        }

        foreach (var owner in rows.Switches.Values.OrderBy(s => s.Name, StringComparer.Ordinal))
        {
            foreach (var acl in Ordered(rows, owner.Acls))
                WriteAcl(text, "switch", owner.Name, acl);
        }
    }

    private static IEnumerable<Acl> Ordered(NorthboundReader rows, IEnumerable<Guid> uuids) =>
        uuids.Select(uuid => rows.Acls.GetValueOrDefault(uuid)).OfType<Acl>()
            .OrderBy(acl => acl.IsEgress).ThenBy(acl => acl.Tier)
            .ThenByDescending(acl => acl.Priority).ThenBy(acl => acl.Text, StringComparer.Ordinal);

    private static void WriteAcl(StringBuilder text, string kind, string owner, Acl acl)
    {
        text.Append(CultureInfo.InvariantCulture, $"  - {kind}: {Quote(owner)}\n");
        if (acl.Name.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $"    name: {Quote(acl.Name)}\n");
        var direction = acl.IsEgress ? "to-lport" : "from-lport";
        text.Append(CultureInfo.InvariantCulture, $"    direction: {direction}\n");
        text.Append(CultureInfo.InvariantCulture, $"    priority: {acl.Priority}\n");
        if (acl.Tier != 0) text.Append(CultureInfo.InvariantCulture, $"    tier: {acl.Tier}\n");
        text.Append(CultureInfo.InvariantCulture, $"    match: {Quote(acl.Text)}\n");
        text.Append(CultureInfo.InvariantCulture, $"    action: {acl.Action}\n");
        if (acl.IsLogged) text.Append("    log: true\n");
    }

    private static void WriteBalancers(StringBuilder text, NorthboundReader rows)
    {
        if (rows.LoadBalancers.Count == 0) return;
        text.Append("\nload_balancers:\n");
        foreach (
            var balancer in rows.LoadBalancers.Values.OrderBy(b => b.Name, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {Quote(balancer.Name)}:\n");
            var protocol = balancer.Protocol switch { 17 => "udp", 132 => "sctp", _ => "tcp" };
            text.Append(CultureInfo.InvariantCulture, $"    protocol: {protocol}\n");
            text.Append("    vips:\n");
            foreach (var service in balancer.Services)
            {
                var backends = string.Join(",", service.Backends.Select(TextOf));
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"      {Quote(TextOf(service.Vip))}: {Quote(backends)}\n");
            }

            var users = rows.Switches.Values
                .Where(owner => owner.LoadBalancers.Contains(balancer.Uuid))
                .Select(owner => Quote(owner.Name)).Order(StringComparer.Ordinal);
            text.Append(
                CultureInfo.InvariantCulture, $"    switches: [{string.Join(", ", users)}]\n");
        }
    }

    private static string TextOf(ServiceEndpoint endpoint)
    {
        if (endpoint.Port == 0) return $"{endpoint.Address}";
        return endpoint.Address.IsIpv6
            ? $"[{endpoint.Address}]:{endpoint.Port}"
            : $"{endpoint.Address}:{endpoint.Port}";
    }

    private static void WriteMap(
        StringBuilder text, string key, IReadOnlyDictionary<string, string> map)
    {
        if (map.Count == 0) return;
        var pairs = map.Select(pair => $"{Quote(pair.Key)}: {Quote(pair.Value)}");
        text.Append(CultureInfo.InvariantCulture, $"{key}: {{ {string.Join(", ", pairs)} }}\n");
    }

    /// <summary>A YAML scalar: plain where that is safe, else double-quoted.</summary>
    private static string Quote(string value)
    {
        var isPlain = value.Length > 0 && char.IsAsciiLetterOrDigit(value[0])
            && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '/');
        if (isPlain) return value;
        return $"\"{value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
    }
}
