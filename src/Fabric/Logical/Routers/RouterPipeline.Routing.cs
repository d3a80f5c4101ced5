using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class RouterPipeline
{
    private const ushort EcmpGroupMax = ushort.MaxValue;

    private static readonly OfSelectionMethod ByHash = new("dp_hash", 0, []);

    // Ingress 15 to 19: main table, and what passes ECMP stages without a group.
    private void AddRoutingRules(FlowBlockBuilder block)
    {
        block.Add(
            RouterIngress.RoutingPre, 0, _here,
            Next(RouterIngress.RoutingPre, new FlowActions().Set(RouteTable, 0)));
        block.Add(
            RouterIngress.RoutingEcmp, 150, _here.Is(EcmpGroup, 0),
            Next(RouterIngress.RoutingEcmp));
        block.Add(
            RouterIngress.Policy, 0, _here,
            Next(RouterIngress.Policy, new FlowActions().Set(EcmpGroup, 0)));
        block.Add(
            RouterIngress.PolicyEcmp, 150, _here.Is(EcmpGroup, 0),
            Next(RouterIngress.PolicyEcmp));
    }

    private void CompileRoutes()
    {
        var sets = _view.Routes
            .GroupBy(route => (
                route.Table, route.Prefix, route.IsSource, route.Offset,
                Port: route.Offset == RouteView.Connected ? route.Port!.Key : 0))
            .OrderBy(set => set.Min(route => route.Row));
        foreach (var set in sets)
        {
            var routes = set.OrderBy(route => route.Row).ToImmutableArray();
            var inputs = new object?[]
            {
                routes, _view.Key, _view.RouteTables.GetValueOrDefault(set.Key.Table),
            };

            // A port has a route per network: the prefix tells their blocks apart.
            var kind = $"route {set.Key.Prefix}";
            _pass.Block(kind, routes[0].Row, Uuid, inputs, block =>
            {
                if (routes.Length == 1) AddRoute(block, routes[0]);
                else AddEqualCost(block, routes);
            });
        }
    }

    private FlowMatch RouteMatch(RouteView route)
    {
        var match = route.IsSource ? _here.Source(route.Prefix) : _here.Destination(route.Prefix);
        if (route.Table.Length > 0)
            match = match.Is(RouteTable, _view.RouteTables.GetValueOrDefault(route.Table));
        else if (route.Offset != RouteView.Connected)
            match = match.Is(RouteTable, 0);

        // Link-local prefixes are the same on every port: only the port's own is meant.
        if (route.Prefix.IsLinkLocal && route.Port is { } port) match = match.Inport(port.Key);
        return match;
    }

    // Ingress 16: next hop, source MAC, output port.
    private void AddRoute(FlowBlockBuilder block, RouteView route)
    {
        var actions = route.IsDiscard
            ? FlowActions.Drop
            : Next(RouterIngress.Routing, new FlowActions()
                .DecrementTtl().Set(EcmpGroup, 0).Append(Towards(route)));
        block.Add(RouterIngress.Routing, route.Priority, RouteMatch(route), actions);
    }

    private static FlowActions Towards(RouteView route)
    {
        var isIpv6 = route.Prefix.IsIpv6;
        var actions = new FlowActions();
        var hop = isIpv6 ? NextHop6 : NextHop4;
        if (route.NextHop is { } address) actions.Set(hop, address.Address);
        else actions.Move(isIpv6 ? MatchField.Ipv6Destination : MatchField.Ipv4Destination, hop);
        if (route.Source is { } source)
            actions.Set(isIpv6 ? SourceIp6 : SourceIp4, source.Address);
        return actions
            .Set(MatchField.EthernetSource, route.Port!.Row.Mac)
            .SetOutport(route.Port.Key)
            .Set(AllowLoopback, 1);
    }

    // Ingress 16 and 17: several next hops for one prefix; a select group chooses the member.
    private void AddEqualCost(FlowBlockBuilder block, ImmutableArray<RouteView> routes)
    {
        var choices = routes.Where(route => !route.IsDiscard).Select((_, index) =>
            Next(RouterIngress.Routing, new FlowActions().Set(EcmpMember, (uint)index + 1)));
        var group = block.AddGroup(choices, ByHash);
        var number = (uint)(group % EcmpGroupMax) + 1;
        block.Add(
            RouterIngress.Routing, routes[0].Priority, RouteMatch(routes[0]), new FlowActions()
                .DecrementTtl().Set(AllowLoopback, 1).Set(EcmpGroup, number)
                .Add(new OfGroup(group)));
        for (var i = 0; i < routes.Length; i++)
        {
            if (routes[i].IsDiscard) continue;
            var member = _here.Is(EcmpGroup, number).Is(EcmpMember, (uint)i + 1)
                .Family(routes[i].Prefix);
            block.Add(
                RouterIngress.RoutingEcmp, 100, member,
                Next(RouterIngress.RoutingEcmp, Towards(routes[i])));
        }
    }

    // Ingress 18: policies may override the route.
    private void CompilePolicies()
    {
        foreach (var uuid in _view.Row.Policies)
        {
            if (!_pass.Topology.Rows.Policies.TryGetValue(uuid, out var policy)) continue;
            Expression match;
            try
            {
                match = ExpressionParser.Parse(policy.Text);
            }
            catch (ExpressionException e)
            {
                _pass.ExpressionBlock(
                    "Logical_Router_Policy", "policy", uuid, Uuid, [policy], _ => throw e);
                continue;
            }

            object?[] inputs =
            [
                policy, _view.Key, _names.MeaningOf(match),
                policy.NextHops.Select(hop => _view.PortTowards(hop)).ToList(),
            ];
            _pass.ExpressionBlock(
                "Logical_Router_Policy", "policy", uuid, Uuid, inputs,
                block => AddPolicy(block, policy, match));
        }
    }

    private void AddPolicy(FlowBlockBuilder block, RouterPolicy policy, Expression match)
    {
        const byte table = RouterIngress.Policy;
        var products = ExpressionNormalizer.Normalize(match, _names);
        var actions = new FlowActions();
        if (policy.PacketMark is { } mark) actions.Set(MatchField.PacketMark, mark);
        switch (policy.Action)
        {
            case "drop":
                block.Add(table, policy.Priority, _here, products, FlowActions.Drop);
                return;
            case "reroute" when !policy.NextHops.IsEmpty:
                AddReroute(block, policy, products, actions);
                return;
            default:
                actions.Set(EcmpGroup, 0);
                block.Add(table, policy.Priority, _here, products, Next(table, actions));
                return;
        }
    }

    // Ingress 18 and 19: another next hop; of several a select group chooses one.
    private void AddReroute(
        FlowBlockBuilder block, RouterPolicy policy, ImmutableArray<MatchProduct> products,
        FlowActions before)
    {
        const byte table = RouterIngress.Policy;
        foreach (var family in policy.NextHops.GroupBy(hop => hop.IsIpv6))
        {
            var routes = family.Select(hop => _view.PortTowards(hop) is { } towards
                    ? new RouteView(
                        policy.Uuid, "", hop, false, hop, towards.Port, towards.Own.Host, 0,
                        IsDiscard: false)
                    : null)
                .OfType<RouteView>().ToImmutableArray();
            if (routes.IsEmpty) continue;
            var here = _here.Family(routes[0].Prefix);
            var actions = new FlowActions().Append(before);
            if (routes.Length == 1)
            {
                actions.Append(Towards(routes[0])).Set(EcmpGroup, 0);
                block.Add(table, policy.Priority, here, products, Next(table, actions));
                continue;
            }

            var group = block.AddGroup(
                routes.Select((_, index) => Next(
                    table, new FlowActions().Set(EcmpMember, (uint)index + 1))),
                ByHash);
            var number = (uint)(group % EcmpGroupMax) + 1;
            actions.Set(AllowLoopback, 1).Set(EcmpGroup, number).Add(new OfGroup(group));
            block.Add(table, policy.Priority, here, products, actions);
            for (var i = 0; i < routes.Length; i++)
            {
                block.Add(
                    RouterIngress.PolicyEcmp, 100,
                    here.Is(EcmpGroup, number).Is(EcmpMember, (uint)i + 1),
                    Next(RouterIngress.PolicyEcmp, Towards(routes[i])));
            }
        }
    }
}
