using System.Collections.Immutable;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <content>Routers, routes and policies.</content>
internal sealed partial class RandomNetwork
{
    private enum Kind
    {
        Distributed,
        GatewayPort,
        GatewayRouter,

        /// <summary>A distributed router, and a gateway router behind a switch.</summary>
        Joined,
    }

    private void AddRouters()
    {
        var outer = _switches.Count;
        var kind = (Kind)_random.Next(outer > 1 ? 4 : 1);
        var isWhole = kind == Kind.GatewayRouter;
        var inner = kind == Kind.Joined ? outer - 1 : outer;
        var ports = new List<Guid>();
        for (var subnet = 1; subnet <= inner; subnet++)
        {
            ColumnValue[] gateway = [];
            if (kind == Kind.GatewayPort && subnet == outer)
                gateway = [new("gateway_chassis", Datum.References([GatewayChassis(subnet)]))];
            ports.Add(RouterPort("r", subnet, 1, gateway));
        }

        var hasNat = kind is Kind.GatewayPort or Kind.GatewayRouter;
        var hasBalancer = hasNat && Chance(40);
        var hasLocalnet = kind != Kind.Distributed && Chance(40);
        IsOnOneHost = (hasBalancer && kind == Kind.GatewayPort) || hasLocalnet;
        if (hasLocalnet) AddLocalnet(outer);
        var joined = kind == Kind.Joined ? AddJoined(outer, ports) : [];
        var balancers = hasBalancer ? RouterBalancer(outer) : (Direct: [], Groups: []);
        Insert("Logical_Router", [
            new("name", "r"), new("ports", Datum.References(ports)),
            new("options", isWhole ? GatewayOptions(hasBalancer, outer) : Datum.EmptyMap),
            new("static_routes", Datum.References([.. Routes(), .. joined])),
            new("policies", Datum.References(Policies())),
            new("nat", Datum.References(hasNat ? Translations(outer, isWhole) : [])),
            new("load_balancer", Datum.References(balancers.Direct)),
            new("load_balancer_group", Datum.References(balancers.Groups)),
        ]);
    }

    private Guid GatewayChassis(int subnet) => Insert("Gateway_Chassis", [
        new("name", $"r-s{subnet}-host1"), new("chassis_name", "host1"), new("priority", 10),
    ]);

    private Datum GatewayOptions(bool hasBalancer, int outer)
    {
        if (!hasBalancer || Chance(50)) return Map(("chassis", "host1"));
        if (Chance(50)) return Map(("chassis", "host1"), ("lb_force_snat_ip", $"{V4(outer, 77)}"));

        // The router's own IPv6 addresses are then asked for by 23.03 before they are dropped.
        for (var subnet = 1; subnet <= outer; subnet++)
            Targets.Remove((V6(subnet, 1), 0));
        return Map(("chassis", "host1"), ("lb_force_snat_ip", "router_ip"));
    }

    private (Guid[] Direct, Guid[] Groups) RouterBalancer(int outer)
    {
        var balancer = Balancer("lb-r", V4(outer, 200));
        return Chance(70) ? ([balancer], []) : ([], [BalancerGroup("lbg-r", balancer)]);
    }

    private void AddLocalnet(int subnet)
    {
        HasLocalnet = true;
        _switches[subnet - 1].Ports.Add(Insert("Logical_Switch_Port", [
            new("name", Localnet), new("type", "localnet"), new("addresses", "unknown"),
            new("options", Map(("network_name", "physnet"))),
        ]));
    }

    /// <summary>The gateway router "g" of the outermost switch, behind the switch "join".</summary>
    /// <returns>Routes of the distributed router.</returns>
    private Guid[] AddJoined(int outer, List<Guid> ports)
    {
        const int subnet = 64;
        var join = new RandomSwitch("join", NewGuid());
        _switches.Add(join);
        ports.Add(RouterPort("r", _switches.Count, subnet, 1));
        Guid[] own =
        [
            RouterPort("g", _switches.Count, subnet, 2), RouterPort("g", outer, outer, 1),
        ];
        var inside = Route("10.0.0.0/16", $"{V4(subnet, 1)}");

        // Answers to what is translated are not followed: ovn-trace ends there.
        Guid[] snat = Chance(40)
            ? []
            :
            [
                Insert("NAT", [
                    new("type", "snat"), new("external_ip", $"{V4(outer, 150)}"),
                    new("logical_ip", "10.0.1.0/24"),
                ]),
            ];
        Insert("Logical_Router", [
            new("name", "g"), new("ports", Datum.References(own)),
            new("options", Map(("chassis", "host1"))),
            new("static_routes", Datum.References([inside])),
            new("nat", Datum.References(snat)),
        ]);
        return [Route($"{V4(outer, 0)}/24", $"{V4(subnet, 2)}")];
    }

    private Guid Route(string prefix, string hop, params ColumnValue[] more) =>
        Insert("Logical_Router_Static_Route", [
            new("ip_prefix", prefix), new("nexthop", hop), .. more,
        ]);

    private List<Guid> Routes()
    {
        var routes = new List<Guid>();
        foreach (var prefix in (string[])
            ["10.0.77.0/24", "0.0.0.0/0", "10.0.0.0/16", "::/0", "fd00:0:0:4d::/64"])
        {
            if (Chance(60)) continue;
            var isSource = prefix == "10.0.0.0/16" && Chance(50);
            ColumnValue policy = new("policy", isSource ? "src-ip" : "dst-ip");
            var hops = Chance(25) ? 2 : 1;
            var seen = new HashSet<string>();
            for (var i = 0; i < hops; i++)
            {
                var hop = One(_ports);
                var text = prefix.Contains(':') ? $"{hop.Ipv6}" : $"{hop.Ipv4}";
                if (hops == 1 && Chance(15)) text = "discard";
                if (seen.Add(text)) routes.Add(Route(prefix, text, policy));
            }

            if (seen.Count > 1 && EqualCostIds.Count == 1) EqualCostIds.AddRange([1, 2]);
        }

        Targets.Add((V4(77, 7), 0));
        Targets.Add((V4(99, 7), 0));
        Targets.Add((V6(77, 7), 0));
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
                $"ip4.dst == {One(_ports).Ipv4}", "ip4 && udp", "ip4.src == $as0",
                "inport == \"r-s1\" && ip4",
            ]);
            string[] hops = [$"{One(_ports).Ipv4}", $"{One(_ports).Ipv4}"];
            hops = [.. hops.Distinct().Take(Chance(30) ? 2 : 1)];
            if (hops.Length > 1 && EqualCostIds.Count == 1) EqualCostIds.AddRange([1, 2]);
            policies.Add(Insert("Logical_Router_Policy", [
                new("priority", (100 * i) + _random.Next(50)), new("action", action),
                new("match", match),
                new("nexthops", action == "reroute" ? Datum.Strings(hops) : Datum.EmptySet),
            ]));
        }

        return policies;
    }
}
