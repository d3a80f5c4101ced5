using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class SwitchPipeline
{
    private void CompileBalancers()
    {
        foreach (var balancer in _view.Balancers)
        {
            _pass.Block("balancer", balancer.Uuid, Uuid, [balancer, _traits.Key], block =>
            {
                foreach (var service in balancer.Services) AddService(block, balancer, service);
            });
        }
    }

    // Ingress 7 and 15: remember the virtual address, then choose a backend for new connections.
    private void AddService(FlowBlockBuilder block, LoadBalancer balancer, VirtualService service)
    {
        var vip = service.Vip;
        var match = _here.Destination(vip.Address);
        if (vip.Port != 0) match = match.PortDestination(balancer.Protocol, vip.Port);

        var remember = new FlowActions().Set(
            vip.Address.IsIpv6 ? OriginalVip6 : OriginalVip4, vip.Address.Address);
        if (vip.Port != 0) remember.Set(OriginalVipPort, vip.Port);
        block.Add(
            SwitchIngress.PreStateful, 120, match.Has(ConntrackNat),
            remember.Track(PortZone, SwitchIngress.AclHint, translates: true));

        var isNew = match.Has(CtTracked, CtNew);
        var priority = vip.Port != 0 ? 120 : 110;
        if (service.Backends.IsEmpty)
        {
            var refuse = balancer.Rejects
                ? new FlowActions().Punt(ControllerAction.Reject(RejectPlace.SwitchIngress))
                : FlowActions.Drop;
            block.Add(SwitchIngress.LoadBalancing, 130, isNew, refuse);
            return;
        }

        const byte table = SwitchIngress.LoadBalancing;
        var choices = service.Backends.Select(backend => new FlowActions().CommitNat(
            PortZone, Next(SwitchIngress.Used, table), OfNatType.Destination,
            backend.Address.ToAddress(), backend.Port, 0, new OfLoad(Natted, 1))).ToList();
        var chosen = choices.Count == 1
            ? choices[0]
            : new FlowActions().Add(new OfGroup(
                block.AddGroup(choices, BalancerSelection.Of(balancer, service))));
        block.Add(table, priority, isNew, chosen);
    }
}

/// <summary>How a load balancer spreads connections over its backends.</summary>
internal static class BalancerSelection
{
    /// <summary>
    /// By the datapath's hash of the 5-tuple, or by the fields that the row names.
    /// </summary>
    public static OfSelectionMethod Of(LoadBalancer balancer, VirtualService service)
    {
        if (balancer.SelectionFields.IsEmpty) return new OfSelectionMethod("dp_hash", 0, []);
        var isIpv6 = service.Vip.Address.IsIpv6;
        var fields = balancer.SelectionFields
            .Select(name => FieldOf(name, isIpv6, balancer.Protocol))
            .OfType<MatchField>()
            .Select(field => new MatchEntry(field, field.ExactMask, field.ExactMask));
        return new OfSelectionMethod("hash", 0, fields.ToEquatableArray());
    }

    private static MatchField? FieldOf(string name, bool isIpv6, byte protocol) => name switch
    {
        "eth_src" => MatchField.EthernetSource,
        "eth_dst" => MatchField.EthernetDestination,
        "ip_src" => isIpv6 ? null : MatchField.Ipv4Source,
        "ip_dst" => isIpv6 ? null : MatchField.Ipv4Destination,
        "ipv6_src" => isIpv6 ? MatchField.Ipv6Source : null,
        "ipv6_dst" => isIpv6 ? MatchField.Ipv6Destination : null,
        "tp_src" => protocol == 17 ? MatchField.UdpSource : MatchField.TcpSource,
        "tp_dst" => protocol == 17 ? MatchField.UdpDestination : MatchField.TcpDestination,
        _ => null,
    };
}
