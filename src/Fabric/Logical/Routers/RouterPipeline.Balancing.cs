using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>Load balancers of routers, and what they share with NAT.</content>
internal sealed partial class RouterPipeline
{
    /// <summary>What holds once for all translations of the router.</summary>
    private void CompileFrame()
    {
        if (_view.Nat.IsEmpty && _view.Balancers.IsEmpty) return;
        object?[] inputs =
        [
            _view.Key, _view.IsGatewayRouter, _view.LbForceSnat, _view.LbForcesToRouter,
            _view.DnatForceSnat, _view.Ports,
        ];
        _pass.Block("translation", Uuid, Uuid, inputs, block =>
        {
            AddEstablished(block);
            if (_view.IsGatewayRouter)
            {
                AddGatewayRouter(block);
                AddForced(block);
            }

            block.Add(
                RouterEgress.Snat, 120, _here.Neighbor(135), FlowActions.To(
                    NextStage(RouterEgress.Snat)));
            foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
            {
                block.Add(
                    RouterEgress.Snat, 120, ip.Has(SkipSnatForLb),
                    FlowActions.To(NextStage(RouterEgress.Snat)));
            }
        });
    }

    // Ingress 10: connections that a balancer began keep what it decided about their source.
    private void AddEstablished(FlowBlockBuilder block)
    {
        const byte table = RouterIngress.Dnat;
        foreach (var established in (FlowMatch[])
            [_here.Has(CtTracked, CtEstablished, Natted).Lacks(CtRelated, CtNew)])
        {
            block.Add(
                table, 70, established.Has(ForceSnat),
                Next(table, new FlowActions().Set(ForceSnatForLb, 1)));
            block.Add(
                table, 70, established.Has(SkipSnat),
                Next(table, new FlowActions().Set(SkipSnatForLb, 1)));
            block.Add(table, 50, established, Next(table));
        }
    }

    // Egress 1 and 2 of a gateway router: every packet passes the DNAT zone, new ones stay in it.
    private void AddGatewayRouter(FlowBlockBuilder block)
    {
        const byte undo = RouterEgress.UnDnat;
        const byte after = RouterEgress.PostUnDnat;
        foreach (var type in NeighborAndRouterTypes)
            block.Add(undo, 100, _here.Neighbor(type), FlowActions.To(NextStage(undo)));
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            block.Add(
                undo, 50, ip, new FlowActions().Set(AllowLoopback, 1)
                    .Track(DnatZone, NextStage(undo), translates: true));
            block.Add(
                after, 50, ip.Has(CtTracked, CtNew),
                new FlowActions().Commit(DnatZone).Next(NextStage(after)));
        }
    }

    // Egress 3: lb_force_snat_ip and dnat_force_snat_ip.
    private void AddForced(FlowBlockBuilder block)
    {
        const byte table = RouterEgress.Snat;
        const byte undo = RouterIngress.UnSnat;
        void Force(Subfield flag, int priority, FlowMatch at, IpPrefix to)
        {
            block.Add(
                table, priority, at.Family(to).Has(flag), new FlowActions().CommitNat(
                    SnatZone, NextStage(table), OfNatType.Source, to.ToAddress()));
            block.Add(
                undo, 110, _here.Destination(to.Host),
                new FlowActions().Track(SnatZone, NextStage(undo), translates: true));
        }

        foreach (var to in _view.DnatForceSnat) Force(ForceSnatForDnat, 100, _here, to);
        foreach (var to in _view.LbForceSnat) Force(ForceSnatForLb, 100, _here, to);
        if (!_view.LbForcesToRouter) return;
        foreach (var port in _view.Ports)
        {
            foreach (var own in port.Row.Networks.Where(network => !network.IsLinkLocal))
                Force(ForceSnatForLb, 110, _here.Outport(port.Key), own.Host);
        }
    }

    private static readonly byte[] NeighborAndRouterTypes = [133, 134, 135, 136];

    private void CompileBalancers()
    {
        foreach (var balancer in _view.Balancers)
        {
            object?[] inputs =
            [
                balancer, _view.Key, _view.IsGatewayRouter, _view.ForcesLb, _view.Ports,
            ];
            _pass.Block("balancer", balancer.Uuid, Uuid, inputs, block =>
            {
                foreach (var service in balancer.Services) AddService(block, balancer, service);
            });
        }
    }

    // Ingress 7 and 10: a virtual service; egress 1 translates the answers back.
    private void AddService(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service)
    {
        var vip = service.Vip;
        foreach (var port in _view.Ports.Where(port => port.IsResident))
        {
            if (!port.Row.Networks.Any(network => network.Host == vip.Address))
                AnswerFor(block, port, vip.Address, port.Row.Mac);
        }

        var gateways = _view.GatewayPorts.Where(port => port.IsResident).ToImmutableArray();
        if (!_view.IsGatewayRouter && gateways.IsEmpty) return;

        if (_view.IsGatewayRouter) AnswerAnywhere(block, null, vip.Address);
        var match = _here.Destination(vip.Address);
        block.Add(
            RouterIngress.Defrag, 100, match,
            new FlowActions().Track(DnatZone, NextStage(RouterIngress.Defrag), translates: true));
        if (vip.Port != 0) match = match.PortDestination(balancer.Protocol, vip.Port);
        var isNew = match.Has(CtTracked, CtNew).Lacks(CtRelated);
        var priority = vip.Port != 0 ? 120 : 110;
        if (service.Backends.IsEmpty)
        {
            var refuse = balancer.Rejects
                ? new FlowActions().Punt(ControllerAction.Reject(RejectPlace.Router))
                : FlowActions.Drop;
            block.Add(RouterIngress.Dnat, priority, isNew, refuse);
            return;
        }

        AddBackends(block, balancer, service, isNew, priority);
        if (_view.IsGatewayRouter) return;
        foreach (var port in gateways) AddAnswers(block, balancer, service, port);
    }

    private void AddAnswers(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service, RouterPortView port)
    {
        const byte undo = RouterEgress.UnDnat;
        foreach (var backend in service.Backends.Distinct())
        {
            var answer = _here.Outport(port.Key).Source(backend.Address);
            if (backend.Port != 0) answer = answer.PortSource(balancer.Protocol, backend.Port);
            block.Add(
                undo, 120, answer,
                new FlowActions().Track(DnatZone, NextStage(undo), translates: true));
        }
    }

    private void AddBackends(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service, FlowMatch isNew,
        int priority)
    {
        const byte table = RouterIngress.Dnat;
        var forces = _view.ForcesLb && !balancer.SkipsSnat;
        var marks = new List<OfAction> { new OfLoad(Natted, 1) };
        if (balancer.SkipsSnat) marks.Add(new OfLoad(SkipSnat, 1));
        if (forces) marks.Add(new OfLoad(ForceSnat, 1));
        var choices = service.Backends.Select(backend => new FlowActions().CommitNat(
            DnatZone, NextStage(table), OfNatType.Destination, backend.Address.ToAddress(),
            backend.Port, 0, [.. marks])).ToList();
        var actions = new FlowActions();
        if (balancer.SkipsSnat) actions.Set(SkipSnatForLb, 1);
        if (forces) actions.Set(ForceSnatForLb, 1);
        new BalancerAffinity(
            _here, _view.Key, DnatZone, RouterIngress.AffinityCheck, table,
            RouterIngress.AffinityLearn, table, RouterIngress.AffinityLearn,
            NextStage(RouterIngress.AffinityLearn))
            .Add(block, balancer, service, isNew, new FlowActions().Append(actions), [.. marks]);
        if (choices.Count == 1)
        {
            actions.Append(choices[0]);
        }
        else
        {
            actions.Add(new OfGroup(
                block.AddGroup(choices, BalancerSelection.Of(balancer, service))));
        }

        block.Add(table, priority, isNew, actions);
    }
}
