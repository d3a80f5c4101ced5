using System.Collections.Immutable;
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

    private void CompileServices(ImmutableArray<SwitchPortView> ports)
    {
        var hasDns = _view.Row.DnsRecords
            .Any(uuid => _pass.Topology.Rows.Dns.ContainsKey(uuid));
        if (hasDns) _pass.Block("dns", Uuid, Uuid, [_traits.Key], AddDns);
        foreach (var port in ports)
        {
            if (OptionsOf(port.Row.DhcpV4Options) is { } options)
            {
                object?[] inputs = [port.Row, port.Key, options, _traits.Key, EntriesOf(port)];
                _pass.Block(
                    "dhcp", port.Row.Uuid, Uuid, inputs, block => AddDhcp(block, port, options));
            }

            if (OptionsOf(port.Row.DhcpV6Options) is { } options6)
            {
                object?[] inputs = [port.Row, port.Key, options6, _traits.Key, EntriesOf(port)];
                _pass.Block(
                    "dhcp6", port.Row.Uuid, Uuid, inputs, block => AddDhcp6(block, port, options6));
            }
        }
    }

    private DhcpOptions? OptionsOf(Guid? row) =>
        row is { } uuid ? _pass.Topology.Rows.Dhcp.GetValueOrDefault(uuid) : null;

    /// <summary>
    /// Where the port's frames come in: the port itself; of an external port the physical
    /// networks, on the host that serves it.
    /// </summary>
    private ImmutableArray<uint> EntriesOf(SwitchPortView port)
    {
        if (!port.Row.IsExternal) return [port.Key];
        var server = GatewayHost.OfGroup(_pass.Topology, _pass.Host, port.Row.HaChassisGroup);
        return server == _pass.Host.HostId
            ? [.. _view.Ports.Where(each => each.Row.IsLocalnet).Select(each => each.Key)]
            : [];
    }

    // Ingress 28: DHCPv6 messages of a port that has options.
    private void AddDhcp6(FlowBlockBuilder block, SwitchPortView port, DhcpOptions options)
    {
        var servers = new IpPrefix(true, ((UInt128)0xff02 << 112) | 0x1_0002, 128);
        foreach (var addresses in port.Addresses)
        {
            var offered = addresses.Ipv6.Where(ip => !ip.IsLinkLocal).Take(1)
                .DefaultIfEmpty(new IpPrefix(true, 0, 128));
            foreach (var ip in offered)
            {
                foreach (var entry in EntriesOf(port))
                {
                    var match = _here.Inport(entry).Is(MatchField.EthernetSource, addresses.Mac)
                        .Destination(servers).PortSource(17, 546).PortDestination(17, 547);
                    block.Add(
                        SwitchIngress.DhcpOptions, 100, match,
                        new FlowActions().Punt(ControllerAction.Dhcp(options.Uuid, ip)));
                }
            }
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
                var punt = new FlowActions().Punt(ControllerAction.Dhcp(options.Uuid, ip));
                foreach (var entry in EntriesOf(port))
                {
                    var from = _here.Inport(entry)
                        .Is(MatchField.EthernetSource, addresses.Mac);
                    AddDhcpRequests(block, from, ip, server, punt);
                }
            }
        }
    }

    private static void AddDhcpRequests(
        FlowBlockBuilder block, FlowMatch from, IpPrefix offered, IpPrefix server,
        FlowActions punt)
    {
        foreach (var source in (IpPrefix[])[IpPrefix.V4(0), offered.Host])
        {
            foreach (var target in (IpPrefix[])[IpPrefix.V4(uint.MaxValue), server])
            {
                var match = from.Source(source).Destination(target)
                    .PortSource(17, 68).PortDestination(17, 67);
                block.Add(SwitchIngress.DhcpOptions, 100, match, punt);
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
