using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class SwitchPipeline
{
    private const int AnswerPriority = 34000;

    // Egress 2 and 6: what the control plane answers is not subject to ACLs.
    private void AddAnswers(FlowBlockBuilder block)
    {
        if (!_traits.IsStateful && !_traits.HasEgressAcls) return;
        foreach (var (source, destination) in ((ushort, ushort)[])[(67, 68), (53, 0), (547, 546)])
        {
            foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
            {
                var answers = ip.Has(FromController).PortSource(17, source);
                if (destination != 0) answers = answers.PortDestination(17, destination);
                block.Add(
                    SwitchEgress.PreAcl, 120, answers, NextEgress(SwitchEgress.PreAcl));
                block.Add(
                    SwitchEgress.AclEvaluation, AnswerPriority, answers,
                    NextEgress(SwitchEgress.AclEvaluation, new FlowActions().Set(AclAllow, 1)));
            }
        }
    }

    private void CompileServices()
    {
        var hasDns = _view.Row.DnsRecords
            .Any(uuid => _pass.Topology.Rows.Dns.ContainsKey(uuid));
        if (hasDns) _pass.Block("dns", Uuid, Uuid, [_traits.Key], AddDns);
        foreach (var port in _view.Ports)
        {
            if (port.Row.DhcpV4Options is not { } uuid
                || !_pass.Topology.Rows.Dhcp.TryGetValue(uuid, out var options))
            {
                continue;
            }

            object?[] inputs = [port.Row, port.Key, options, _traits.Key];
            _pass.Block(
                "dhcp", port.Row.Uuid, Uuid, inputs, block => AddDhcp(block, port, options));
        }
    }

    // Ingress 28: DHCPv4 requests of a port that has options.
    private void AddDhcp(FlowBlockBuilder block, SwitchPortView port, DhcpOptions options)
    {
        if (options.ServerId is not { } server || !IpPrefix.TryParse(options.Cidr, out var cidr))
            return;
        foreach (var addresses in port.Addresses)
        {
            var offered = addresses.Ipv4.Where(ip => cidr.Network.Contains(ip)).Take(1);
            foreach (var ip in offered)
            {
                var from = _here.Inport(port.Key).Is(MatchField.EthernetSource, addresses.Mac);
                var punt = new FlowActions().Punt(ControllerAction.Dhcp(options.Uuid, ip));
                foreach (var source in (IpPrefix[])[IpPrefix.V4(0), ip.Host])
                {
                    foreach (var target in (IpPrefix[])[IpPrefix.V4(uint.MaxValue), server])
                    {
                        var match = from.Source(source).Destination(target)
                            .PortSource(17, 68).PortDestination(17, 67);
                        block.Add(SwitchIngress.DhcpOptions, 100, match, punt);
                    }
                }
            }
        }
    }

    // Ingress 30: DNS questions; what is not known goes on to whom it was for.
    private void AddDns(FlowBlockBuilder block)
    {
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            block.Add(
                SwitchIngress.DnsLookup, 100, ip.PortDestination(17, 53),
                new FlowActions().Punt(ControllerAction.Dns(Uuid)));
        }
    }
}
