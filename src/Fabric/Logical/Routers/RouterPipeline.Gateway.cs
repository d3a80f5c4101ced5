using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>Distributed gateway ports and floating addresses.</content>
internal sealed partial class RouterPipeline
{
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

    // Egress 5: what the router sends to an address of its own translation comes back in.
    private void AddEgressLoopback(
        FlowBlockBuilder block, RouterPortView port, IpPrefix external)
    {
        var again = new FlowActions().ClearConntrack()
            .Move(Outport, Inport).Set(Outport, 0)
            .Swap(MatchField.EthernetSource, MatchField.EthernetDestination)
            .Set(Flags, 0).Set(AllowLoopback, 1);
        for (var i = 0; i < 10; i++) again.Set(Register(i), 0);
        again.Set(EgressLoopback, 1).Next(RouterIngress.Admission);
        block.Add(
            RouterEgress.EgressLoopback, 100, _here.Outport(port.Key).Destination(external.Host),
            new FlowActions().Clone(again));
    }

    // Ingress 22: the next hop is an address that this router translates at the same port.
    private void AddTranslatedHop(
        FlowBlockBuilder block, RouterPortView port, IpPrefix external, MacBytes mac)
    {
        const byte resolve = RouterIngress.ArpResolve;
        if (!port.Row.Networks.Any(network => network.Contains(external.Host))) return;
        block.Add(
            resolve, 150,
            _here.Inport(port.Key).Outport(port.Key).Destination(external.Host), FlowActions.Drop);
        AddNeighbor(block, port, external.Host, mac);
    }
}
