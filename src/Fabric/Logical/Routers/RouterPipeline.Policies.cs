using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>Policies: what overrides routes.</content>
internal sealed partial class RouterPipeline
{
    // Ingress 18: policies may override the route.
    private void CompilePolicies()
    {
        var chains = ChainNumbers();
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
                NextHopsOf(policy).ToList(), string.Join(' ', chains.Keys),
            ];
            _pass.ExpressionBlock(
                "Logical_Router_Policy", "policy", uuid, Uuid, inputs,
                block => AddPolicy(block, policy, match, chains));
        }
    }

    /// <summary>Chains by name, from 1 in the order of their names; 0 is "".</summary>
    private SortedDictionary<string, uint> ChainNumbers()
    {
        var numbers = new SortedDictionary<string, uint>(StringComparer.Ordinal);
        foreach (var uuid in _view.Row.Policies)
        {
            if (_pass.Topology.Rows.Policies.GetValueOrDefault(uuid) is { Chain.Length: > 0 } row)
                numbers[row.Chain] = 0;
        }

        uint last = 0;
        foreach (var name in numbers.Keys.ToList()) numbers[name] = ++last;
        if (numbers.Count > 0) numbers[""] = 0;
        return numbers;
    }

    /// <summary>Next hops whose BFD session, if they have one, is up.</summary>
    private IEnumerable<IpPrefix> NextHopsOf(RouterPolicy policy)
    {
        var lost = policy.Sessions
            .Select(uuid => _pass.Topology.Rows.RouteSessions.GetValueOrDefault(uuid))
            .OfType<RouteSession>().Where(session => !session.IsUp)
            .Select(session => session.Peer.Host).ToHashSet();
        return policy.NextHops.Where(hop => !lost.Contains(hop.Host));
    }

    private void AddPolicy(
        FlowBlockBuilder block, RouterPolicy policy, Expression match,
        SortedDictionary<string, uint> chains)
    {
        const byte table = RouterIngress.Policy;
        var products = ExpressionNormalizer.Normalize(match, _names);
        var here = chains.Count == 0 ? _here : _here.Is(PolicyChain, chains[policy.Chain]);
        var actions = new FlowActions();
        if (policy.PacketMark is { } mark) actions.Set(MatchField.PacketMark, mark);
        switch (policy.Action)
        {
            case "drop":
                block.Add(table, policy.Priority, here, products, FlowActions.Drop);
                return;
            case "reroute" when !policy.NextHops.IsEmpty:
                AddReroute(block, policy, here, products, actions);
                return;
            case "jump":
                if (!chains.TryGetValue(policy.JumpChain, out var chain) || chain == 0) return;
                block.Add(
                    table, policy.Priority, here, products,
                    actions.Set(PolicyChain, chain).Next(table));
                return;
            default:
                actions.Set(EcmpGroup, 0);
                block.Add(table, policy.Priority, here, products, Next(table, actions));
                return;
        }
    }

    // Ingress 18 and 19: another next hop; of several a select group chooses one.
    private void AddReroute(
        FlowBlockBuilder block, RouterPolicy policy, FlowMatch at,
        ImmutableArray<MatchProduct> products, FlowActions before)
    {
        const byte table = RouterIngress.Policy;
        foreach (var family in NextHopsOf(policy).GroupBy(hop => hop.IsIpv6))
        {
            var routes = family.Select(hop => _view.PortTowards(hop) is { } towards
                    ? new RouteView(
                        policy.Uuid, "", hop, false, hop, towards.Port, towards.Own.Host, 0,
                        IsDiscard: false)
                    : null)
                .OfType<RouteView>().ToImmutableArray();
            if (routes.IsEmpty) continue;
            var here = at.Family(routes[0].Prefix);
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
                    _here.Family(routes[0].Prefix).Is(EcmpGroup, number)
                        .Is(EcmpMember, (uint)i + 1),
                    Next(RouterIngress.PolicyEcmp, Towards(routes[i])));
            }
        }
    }
}
