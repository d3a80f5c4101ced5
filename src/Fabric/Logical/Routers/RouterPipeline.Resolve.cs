using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class RouterPipeline
{
    // Ingress 22 to 27: from the next hop's address to its MAC, and out.
    private void AddResolveRules(FlowBlockBuilder block)
    {
        const byte resolve = RouterIngress.ArpResolve;
        foreach (var ip in (FlowMatch[])[_here.Ip4(), _here.Ip6()])
        {
            block.Add(
                resolve, 1, ip, Next(resolve, new FlowActions()
                    .Set(MatchField.EthernetDestination, default(MacBytes))
                    .Next(PhysicalTables.MacBinding)));
            block.Add(
                RouterIngress.ArpRequest, 100,
                ip.Is(MatchField.EthernetDestination, default(MacBytes)),
                new FlowActions().Punt(ControllerAction.Arp()));
        }

        block.Add(RouterIngress.ArpRequest, 0, _here, new FlowActions().Output());
    }

    /// <summary>
    /// One block per neighbouring row: its addresses resolve without asking anybody.
    /// </summary>
    private void CompileNeighbors(IReadOnlySet<Guid>? changed)
    {
        if (changed is not null)
        {
            foreach (var uuid in changed) CompileNeighbor(uuid);
            return;
        }

        foreach (var port in _view.Ports)
        {
            if (_pass.Topology.PeerOf(port.Row) is { } plug
                && _pass.Topology.SwitchOf(plug) is { } owner)
            {
                foreach (var neighbor in _pass.Topology.PortsOf(owner))
                    CompileNeighbor(port, neighbor);
            }

            if (port.Row.Peer is { } name && _pass.Topology.RouterPort(name) is { } other)
                CompileRouterNeighbor(port, other);
        }
    }

    private void CompileNeighbor(Guid changed)
    {
        if (!_pass.Topology.Rows.SwitchPorts.TryGetValue(changed, out var neighbor)
            || _pass.Topology.SwitchIdOf(changed) is not { } owner)
        {
            return;
        }

        foreach (var link in _pass.Topology.LinksOf(owner))
        {
            var port = _view.Ports.FirstOrDefault(each => each.Row.Name == link.RouterPort);
            if (port is not null) CompileNeighbor(port, neighbor);
        }
    }

    private void CompileNeighbor(RouterPortView port, LogicalSwitchPort neighbor)
    {
        if (_pass.Topology.PeerOf(neighbor) is { } router)
        {
            if (router.Uuid != port.Row.Uuid) CompileRouterNeighbor(port, router);
            return;
        }

        if (neighbor.Type is "localnet" or "virtual" || neighbor.Addresses.IsEmpty) return;
        if (!neighbor.IsEnabled) return;
        object?[] inputs = [neighbor, _view.Key, port.Key];
        _pass.Block("neighbor", neighbor.Uuid, port.Row.Uuid, inputs, block =>
        {
            foreach (var addresses in neighbor.Addresses)
            {
                foreach (var ip in addresses.Ips) AddNeighbor(block, port, ip, addresses.Mac);
                if (addresses.Ipv6.Any())
                    AddNeighbor(block, port, IpPrefix.LinkLocalOf(addresses.Mac), addresses.Mac);
            }
        });
    }

    private void CompileRouterNeighbor(RouterPortView port, LogicalRouterPort router)
    {
        object?[] inputs = [router, _view.Key, port.Key];
        _pass.Block("router-neighbor", router.Uuid, port.Row.Uuid, inputs, block =>
        {
            foreach (var ip in router.Networks) AddNeighbor(block, port, ip.Host, router.Mac);
        });
    }

    private void AddNeighbor(
        FlowBlockBuilder block, RouterPortView port, IpPrefix ip, MacBytes mac)
    {
        const byte resolve = RouterIngress.ArpResolve;
        var match = _here.Outport(port.Key).Family(ip)
            .Is(ip.IsIpv6 ? NextHop6 : NextHop4, ip.Address);
        block.Add(
            resolve, 100, match,
            Next(resolve, new FlowActions().Set(MatchField.EthernetDestination, mac)));
    }
}
