using Fabric.Wire;

namespace Fabric.Logical;

/// <summary>What a document says must fit together: names, references, addresses.</summary>
internal sealed class NetworkValidation(NetworkDocument document, NetworkErrors errors)
{
    public void Check()
    {
        CheckNames();
        CheckReferences();
        foreach (var owner in document.Switches) CheckAddresses(owner);
        CheckExpressions();
        CheckOverlap();
    }

    private void CheckNames()
    {
        Unique("port", document.Ports.Select(port => (port.Name, port.Place)));
        Unique("router port", document.Routers.SelectMany(router => router.Ports)
            .Select(port => (port.Name, port.Place)));
        foreach (var group in document.Groups) CheckSetName("group", group.Name, group.Place);
        foreach (var set in document.AddressSets) CheckSetName("address set", set.Name, set.Place);
    }

    private void Unique(string what, IEnumerable<(string Name, NetworkPlace Place)> names)
    {
        var seen = new Dictionary<string, NetworkPlace>(StringComparer.Ordinal);
        foreach (var (name, place) in names)
        {
            if (seen.TryAdd(name, place)) continue;
            errors.Add(
                place, $"{what} {name} is there twice (first at line {seen[name].Line})",
                "give each a name of its own");
        }
    }

    private void CheckSetName(string what, string name, NetworkPlace place)
    {
        var isValid = name.Length > 0 && !char.IsAsciiDigit(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.');
        if (isValid) return;
        errors.Add(
            place, $"{what} \"{name}\" cannot be named in an expression",
            "use letters, digits, _ and . and begin with a letter");
    }

    private void CheckReferences()
    {
        var switches = document.Switches.Select(owner => owner.Name).ToHashSet();
        var ports = document.Ports.Select(port => port.Name).ToHashSet();
        var groups = document.Groups.Select(group => group.Name).ToHashSet();
        foreach (var port in document.Routers.SelectMany(router => router.Ports))
        {
            if (port.Switch is { } name)
                Known("switch", name, switches, $"router port {port.Name}", port.Place);
        }

        foreach (var group in document.Groups)
        {
            foreach (var port in group.Ports)
                Known("port", port, ports, $"group {group.Name}", group.Place);
        }

        foreach (var acl in document.Acls)
        {
            var known = acl.IsOnSwitch ? switches : groups;
            Known(acl.IsOnSwitch ? "switch" : "group", acl.Owner, known, "acl", acl.Place);
        }

        foreach (var balancer in document.LoadBalancers)
        {
            foreach (var name in balancer.Switches)
                Known("switch", name, switches, $"load balancer {balancer.Name}", balancer.Place);
        }
    }

    private void Known(
        string what, string name, HashSet<string> known, string user, NetworkPlace place)
    {
        if (name.Length == 0 || known.Contains(name)) return;
        var names = known.Count == 0 ? "none" : string.Join(", ", known.Order().Take(10));
        errors.Add(place, $"{user}: there is no {what} \"{name}\"", $"use one of: {names}");
    }

    private void CheckAddresses(NetworkSwitch owner)
    {
        var macs = new Dictionary<MacBytes, string>();
        var ips = new Dictionary<IpPrefix, string>();
        foreach (var port in owner.Ports)
        {
            if (port is { Mac: null, HasMac: false } && !port.Ips.IsEmpty)
            {
                errors.Add(
                    port.Place, $"port {port.Name} has an ip but no mac",
                    "add \"mac: 02:00:00:00:00:01\"");
            }

            if (port.Mac is { } mac) Once(mac, $"port {port.Name}", macs, port.Place);
            foreach (var ip in port.Ips)
            {
                Once(ip, $"port {port.Name}", ips, port.Place);
                if (owner.Subnet is { } subnet && subnet.IsIpv6 == ip.IsIpv6
                    && !subnet.Contains(ip))
                {
                    errors.Add(
                        port.Place, $"port {port.Name}: {ip} is not in {subnet} of {owner.Name}",
                        $"choose an address in {subnet}");
                }
            }
        }

        var routerPorts = document.Routers.SelectMany(router => router.Ports)
            .Where(port => port.Switch == owner.Name);
        foreach (var port in routerPorts)
        {
            Once(port.Mac, $"router port {port.Name}", macs, port.Place);
            foreach (var network in port.Networks)
                Once(network.Host, $"router port {port.Name}", ips, port.Place);
        }
    }

    private void Once<T>(
        T address, string user, Dictionary<T, string> users, NetworkPlace place)
        where T : notnull
    {
        if (users.TryAdd(address, user)) return;
        errors.Add(
            place, $"{user}: {address} is already used by {users[address]}",
            "give each port an address of its own");
    }

    private void CheckExpressions()
    {
        var sets = document.AddressSets.Select(set => set.Name)
            .Concat(document.Groups.SelectMany(g => (string[])[$"{g.Name}_ip4", $"{g.Name}_ip6"]))
            .ToHashSet();
        var groups = document.Groups.Select(group => group.Name).ToHashSet();
        foreach (var acl in document.Acls)
        {
            if (TryParse(acl.Match) is not { } match) continue;
            foreach (var name in match.AddressSets())
                Known("address set", name, sets, $"acl {acl.Name}", acl.Place);
            foreach (var name in match.PortGroups())
                Known("group", name, groups, $"acl {acl.Name}", acl.Place);
        }
    }

    private static Expression? TryParse(string match)
    {
        try
        {
            return ExpressionParser.Parse(match);
        }
        catch (ExpressionException)
        {
            return null; // Reported where the text was read.
        }
    }

    private void CheckOverlap()
    {
        foreach (var router in document.Routers)
        {
            var seen = new List<(IpPrefix Network, string Port)>();
            foreach (var port in router.Ports)
            {
                foreach (var network in port.Networks)
                {
                    var other = seen.Find(known => known.Port != port.Name
                        && (known.Network.Contains(network.Network)
                            || network.Contains(known.Network)));
                    if (other.Port is not null)
                    {
                        errors.Add(
                            port.Place,
                            $"router port {port.Name}: {network.Network} overlaps {other.Network} "
                            + $"of {other.Port}",
                            "give each port of a router a network of its own");
                    }

                    seen.Add((network.Network, port.Name));
                }
            }
        }
    }
}
