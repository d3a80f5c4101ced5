using System.Collections.Immutable;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>NAT, load balancing and distributed gateway ports.</content>
internal sealed partial class RouterPipeline
{
    private const int GatewayOffset = 128;

    // Ingress 25: traffic of a gateway port leaves where its gateway is.
    private void AddGateway(FlowBlockBuilder block, RouterPortView port)
    {
        const byte redirect = RouterIngress.GatewayRedirect;
        if (port.RedirectKey is not { } key || port.IsResident) return;
        block.Add(
            redirect, 50, _here.Outport(port.Key),
            Next(redirect, new FlowActions().SetOutport(key)));
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
            block.Add(RouterIngress.ArpRequest, 110, ip.Outport(key), new FlowActions().Output());
    }

    private bool IsGatewayRouterHere =>
        _view.Row.Chassis is { } chassis && chassis == _pass.Host.HostId;

    private void CompileTranslations()
    {
        foreach (var rule in _view.Nat)
        {
            var port = _view.GatewayPort(rule.GatewayPort);
            var isHome = rule.LogicalPort is { } home && _pass.Host.Interfaces.ContainsKey(home);
            object?[] inputs =
            [
                rule, _view.Key, port, isHome, IsGatewayRouterHere, _view.Row.Chassis is not null,
            ];
            _pass.Block("nat", rule.Uuid, Uuid, inputs, block => AddNat(block, rule, port, isHome));
        }

        foreach (var balancer in _view.Balancers)
        {
            var port = _view.GatewayPort(null);
            object?[] inputs = [balancer, _view.Key, port, IsGatewayRouterHere];
            _pass.Block("balancer", balancer.Uuid, Uuid, inputs, block =>
            {
                foreach (var service in balancer.Services)
                    AddService(block, balancer, service, port);
            });
        }
    }

    private void AddNat(FlowBlockBuilder block, NatRule rule, RouterPortView? port, bool isHome)
    {
        var isGatewayRouter = _view.Row.Chassis is not null;
        if (!isGatewayRouter && port is null) return;
        var isDistributed = rule.IsDistributed && !isGatewayRouter;
        var isActive = isGatewayRouter
            ? IsGatewayRouterHere
            : isDistributed ? isHome : port!.IsResident;
        if (!isActive) return;

        var inside = isGatewayRouter ? _here : _here.Inport(port!.Key);
        var outside = isGatewayRouter ? _here : _here.Outport(port!.Key);
        if (isDistributed) AddFloating(block, rule, port!);
        foreach (var asker in isGatewayRouter ? _view.Ports : [port!])
            AddNatArp(block, rule, asker);
        if (rule.IsStateless)
        {
            AddStateless(block, rule, inside, outside);
            return;
        }

        if (rule.Type is "snat" or "dnat_and_snat") AddSource(block, rule, inside, outside);
        if (rule.Type is "dnat" or "dnat_and_snat") AddDestination(block, rule, inside, outside);
    }

    // Ingress 3: ARP for the external address.
    private void AddNatArp(FlowBlockBuilder block, NatRule rule, RouterPortView port)
    {
        if (rule.External.IsIpv6 || !rule.External.IsHost) return;
        if (port.Row.Networks.Any(network => network.Host == rule.External.Host)) return;
        if (!port.Row.Networks.Any(network => network.Contains(rule.External.Host))) return;
        var mac = rule.IsDistributed ? rule.ExternalMac!.Value : port.Row.Mac;
        block.Add(
            RouterIngress.IpInput, 92,
            _here.Inport(port.Key).Arp(1).Is(MatchField.ArpTpa, rule.External.Address),
            SwitchPipeline.AnswerArp(mac, (uint)rule.External.Address));
    }

    // Ingress 5 undoes it for replies, egress 3 does it.
    private void AddSource(
        FlowBlockBuilder block, NatRule rule, FlowMatch inside, FlowMatch outside)
    {
        const byte undo = RouterIngress.UnSnat;
        const byte table = RouterEgress.Snat;
        block.Add(
            undo, 90, inside.Destination(rule.External.Host),
            new FlowActions().Track(SnatZone, NextStage(undo), translates: true));
        var priority = rule.Logical.Length + 1 + (_view.Row.Chassis is null ? GatewayOffset : 0);
        var actions = new FlowActions();
        if (rule.IsDistributed && _view.Row.Chassis is null)
            actions.Set(MatchField.EthernetSource, rule.ExternalMac!.Value);
        block.Add(
            table, priority, outside.Source(rule.Logical), actions.CommitNat(
                SnatZone, NextStage(table), OfNatType.Source, rule.External.ToAddress()));
    }

    // Ingress 10 does it, egress 1 undoes it for replies.
    private void AddDestination(
        FlowBlockBuilder block, NatRule rule, FlowMatch inside, FlowMatch outside)
    {
        const byte table = RouterIngress.Dnat;
        const byte undo = RouterEgress.UnDnat;
        block.Add(
            table, 100, inside.Destination(rule.External.Host), new FlowActions().CommitNat(
                DnatZone, NextStage(table), OfNatType.Destination, rule.Logical.ToAddress()));
        var actions = new FlowActions();
        if (rule.IsDistributed && _view.Row.Chassis is null)
            actions.Set(MatchField.EthernetSource, rule.ExternalMac!.Value);
        block.Add(
            undo, 100, outside.Source(rule.Logical.Host),
            actions.Track(DnatZone, NextStage(undo), translates: true));
    }

    private void AddStateless(
        FlowBlockBuilder block, NatRule rule, FlowMatch inside, FlowMatch outside)
    {
        var isIpv6 = rule.External.IsIpv6;
        var source = isIpv6 ? MatchField.Ipv6Source : MatchField.Ipv4Source;
        var destination = isIpv6 ? MatchField.Ipv6Destination : MatchField.Ipv4Destination;
        block.Add(
            RouterIngress.Dnat, 100, inside.Destination(rule.External.Host),
            Next(RouterIngress.Dnat, new FlowActions().Set(destination, rule.Logical.Address)));
        block.Add(
            RouterEgress.Snat, rule.Logical.Length + 1 + GatewayOffset,
            outside.Source(rule.Logical.Host),
            Next(RouterEgress.Snat, new FlowActions().Set(source, rule.External.Address)));
    }

    // Admission and gateway redirect of a floating IP on the host of its port.
    private void AddFloating(FlowBlockBuilder block, NatRule rule, RouterPortView port)
    {
        const byte admission = RouterIngress.Admission;
        const byte redirect = RouterIngress.GatewayRedirect;
        var mac = rule.ExternalMac!.Value;
        block.Add(
            admission, 50, _here.Inport(port.Key).Is(MatchField.EthernetDestination, mac),
            Next(admission, new FlowActions().Set(InportMac, mac.ToUInt64())));
        var keep = new FlowActions()
            .Set(MatchField.EthernetSource, mac)
            .Set(rule.External.IsIpv6 ? SourceIp6 : SourceIp4, rule.External.Address);
        block.Add(
            redirect, 100, _here.Outport(port.Key).Source(rule.Logical.Host), Next(redirect, keep));
    }

    // Ingress 7 and 10: a virtual service; egress 1 translates the answers back.
    private void AddService(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service, RouterPortView? port)
    {
        var isGatewayRouter = _view.Row.Chassis is not null;
        var isActive = isGatewayRouter ? IsGatewayRouterHere : port is { IsResident: true };
        if (!isActive) return;
        const byte table = RouterIngress.Dnat;
        var vip = service.Vip;
        var match = _here.Destination(vip.Address);
        if (vip.Port != 0) match = match.PortDestination(balancer.Protocol, vip.Port);
        block.Add(
            RouterIngress.Defrag, 100, match,
            new FlowActions().Track(DnatZone, NextStage(RouterIngress.Defrag), translates: true));

        var isNew = match.Has(CtTracked, CtNew);
        var priority = vip.Port != 0 ? 120 : 110;
        if (service.Backends.IsEmpty)
        {
            var refuse = balancer.Rejects
                ? new FlowActions().Punt(ControllerAction.Reject(RejectPlace.Router))
                : FlowActions.Drop;
            block.Add(table, priority, isNew, refuse);
            return;
        }

        AddBackends(block, balancer, service, isNew, priority);
        foreach (var asker in isGatewayRouter ? _view.Ports : [port!])
        {
            if (vip.Address.IsIpv6
                || !asker.Row.Networks.Any(network => network.Contains(vip.Address))
                || asker.Row.Networks.Any(network => network.Host == vip.Address))
            {
                continue;
            }

            block.Add(
                RouterIngress.IpInput, 92,
                _here.Inport(asker.Key).Arp(1).Is(MatchField.ArpTpa, vip.Address.Address),
                SwitchPipeline.AnswerArp(asker.Row.Mac, (uint)vip.Address.Address));
        }
    }

    private void AddBackends(
        FlowBlockBuilder block, LoadBalancer balancer, VirtualService service, FlowMatch isNew,
        int priority)
    {
        const byte table = RouterIngress.Dnat;
        var choices = service.Backends.Select(backend => new FlowActions().CommitNat(
            DnatZone, NextStage(table), OfNatType.Destination, backend.Address.ToAddress(),
            backend.Port, 0, new OfLoad(Natted, 1))).ToList();
        block.Add(table, priority, isNew, choices.Count == 1
            ? choices[0]
            : new FlowActions().Add(new OfGroup(
                block.AddGroup(choices, BalancerSelection.Of(balancer, service)))));
        foreach (var backend in service.Backends.Distinct())
        {
            var answer = _here.Source(backend.Address);
            if (backend.Port != 0) answer = answer.PortSource(balancer.Protocol, backend.Port);
            block.Add(
                RouterEgress.UnDnat, 120, answer,
                new FlowActions().Track(
                    DnatZone, NextStage(RouterEgress.UnDnat), translates: true));
        }
    }

    private static byte NextStage(byte stage)
    {
        var used = stage >= PhysicalTables.LogicalEgress ? RouterEgress.Used : RouterIngress.Used;
        return used[Array.IndexOf(used, stage) + 1];
    }
}
