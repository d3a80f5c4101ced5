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
}
