using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <content>ACLs, routers, routes, policies and translations.</content>
internal sealed partial class RandomNetwork
{
    private static readonly string[] AclActions =
        ["allow", "allow-related", "allow-related", "drop", "drop", "reject", "allow-stateless"];

    private void AddAcls()
    {
        if (Chance(20)) return;
        var isStateful = Chance(60);
        for (var i = _random.Next(1, 7); i > 0; i--)
        {
            var owner = One(_switches);
            if (Chance(30))
            {
                AddGroup(i, isStateful);
                continue;
            }

            owner.Acls.Add(AddAcl(isStateful, group: null));
        }
    }

    private void AddGroup(int number, bool isStateful)
    {
        var name = $"pg{number}";
        var owner = One(_switches);
        var members = owner.Ports.Take(_random.Next(1, owner.Ports.Count + 1)).ToList();
        _groups.Add(name);
        Guid[] acls = [AddAcl(isStateful, name)];
        Insert("Port_Group", [
            new("name", name), new("ports", Datum.References(members)),
            new("acls", Datum.References(acls)),
        ]);
    }

    private Guid AddAcl(bool isStateful, string? group)
    {
        var isEgress = Chance(50);
        int priority;
        do priority = _random.Next(1, 2000); while (!_priorities.Add(priority));
        var action = One(AclActions);
        if (!isStateful && action == "allow-related") action = "allow";
        var side = isEgress ? "outport" : "inport";
        var match = group is null ? Match(side) : $"{side} == @{group} && {Match(side)}";
        return Insert("ACL", [
            new("direction", isEgress ? "to-lport" : "from-lport"),
            new("priority", priority), new("action", action), new("match", match),
            new("options", !isEgress && Chance(15)
                ? Map(("apply-after-lb", "true"))
                : Datum.EmptyMap),
        ]);
    }

    private string Match(string side) => _random.Next(12) switch
    {
        0 => "ip4",
        1 => "ip",
        2 => "tcp",
        3 => $"ip4.src == ${One(_sets)}",
        4 => $"ip4.dst == ${One(_sets)} && tcp",
        5 => $"{side} == \"{One(_ports).Name}\"",
        6 => $"{side} == \"{One(_ports).Name}\" && udp.dst == {{53, 80, 8080}}",
        7 => "ip4 && (tcp.dst == 80 || udp.dst == 80 || icmp4)",
        8 => $"ip4.src == 10.0.{_random.Next(1, 4)}.0/24 && tcp.dst >= 80 && tcp.dst < 8081",
        9 => $"ip4.dst != {One(_ports).Ipv4} && ip4.src != ${One(_sets)}",
        10 => $"(ip6.src == {One(_ports).Ipv6} || ip4.src == {One(_ports).Ipv4})",
        _ => $"eth.src == {One(_ports).Mac} && !(tcp.dst == {{80, 443}})",
    };

    private void AddRouters()
    {
        var kind = _random.Next(3); // Distributed, with a gateway port, a gateway router.
        var ports = new List<Guid>();
        for (var subnet = 1; subnet <= _switches.Count; subnet++)
        {
            ColumnValue[] gateway = [];
            if (kind == 1 && subnet == _switches.Count && subnet > 1)
            {
                var chassis = Insert("Gateway_Chassis", [
                    new("name", $"r-s{subnet}-host1"), new("chassis_name", "host1"),
                    new("priority", 10),
                ]);
                gateway = [new("gateway_chassis", Datum.References([chassis]))];
            }

            ports.Add(RouterPort("r", subnet, 1, gateway));
        }

        var outer = _switches.Count;
        var hasNat = kind > 0 && outer > 1;
        var hasBalancer = hasNat && Chance(40);
        IsOnOneHost = hasBalancer && kind == 1;
        Insert("Logical_Router", [
            new("name", "r"), new("ports", Datum.References(ports)),
            new("options", kind == 2 ? Map(("chassis", "host1")) : Datum.EmptyMap),
            new("static_routes", Datum.References(Routes())),
            new("policies", Datum.References(Policies())),
            new("nat", Datum.References(hasNat ? Translations(outer, kind == 2) : [])),
            new("load_balancer", Datum.References(
                hasBalancer ? [Balancer("lb-r", V4(outer, 200))] : [])),
        ]);
    }

    private List<Guid> Routes()
    {
        var routes = new List<Guid>();
        foreach (var prefix in (string[])["10.0.77.0/24", "0.0.0.0/0", "10.0.0.0/16", "::/0"])
        {
            if (Chance(60)) continue;
            var hop = One(_ports);
            var nexthop = prefix.Contains(':') ? $"{hop.Ipv6}" : $"{hop.Ipv4}";
            var isSource = prefix == "10.0.0.0/16" && Chance(50);
            routes.Add(Insert("Logical_Router_Static_Route", [
                new("ip_prefix", prefix), new("nexthop", Chance(15) ? "discard" : nexthop),
                new("policy", isSource ? "src-ip" : "dst-ip"),
            ]));
        }

        Targets.Add((V4(77, 7), 0));
        Targets.Add((V4(99, 7), 0));
        return routes;
    }

    private List<Guid> Policies()
    {
        var policies = new List<Guid>();
        for (var i = _random.Next(3); i > 0; i--)
        {
            var action = One(["allow", "drop", "reroute"]);
            var match = One([
                $"ip4.src == {One(_ports).Ipv4}", "ip4.dst == 10.0.77.0/24 && tcp",
                $"ip4.dst == {One(_ports).Ipv4}", "ip4 && udp",
            ]);
            policies.Add(Insert("Logical_Router_Policy", [
                new("priority", (100 * i) + _random.Next(50)), new("action", action),
                new("match", match),
                new("nexthops", action == "reroute"
                    ? Datum.Strings([$"{One(_ports).Ipv4}"])
                    : Datum.EmptySet),
            ]));
        }

        return policies;
    }

    private List<Guid> Translations(int outer, bool isGatewayRouter)
    {
        var rules = new List<Guid>();
        if (Chance(70))
        {
            var external = V4(outer, Chance(50) ? 1 : 150);
            rules.Add(Insert("NAT", [
                new("type", "snat"), new("external_ip", $"{external}"),
                new("logical_ip", "10.0.1.0/24"),
            ]));
            if (isGatewayRouter) Targets.RemoveAll(target => target.Address == external);
        }

        var translated = new HashSet<string>();
        for (var i = 0; i < _random.Next(3); i++)
        {
            var inner = One(_ports.Where(port => port.Subnet != outer).ToList());
            if (!translated.Add(inner.Name)) continue; // Two rules of equal priority.
            var external = V4(outer, 100 + i);
            rules.Add(Insert("NAT", [
                new("type", Chance(70) ? "dnat_and_snat" : "dnat"),
                new("external_ip", $"{external}"), new("logical_ip", $"{inner.Ipv4}"),
                new("options", Chance(25) ? Map(("stateless", "true")) : Datum.EmptyMap),
            ]));

            // ovn-trace ends at "ct_snat" on a gateway router: what follows cannot be compared.
            if (!isGatewayRouter) Targets.Add((external, 0));
        }

        return rules;
    }
}
