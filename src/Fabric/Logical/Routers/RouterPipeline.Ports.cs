using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

/// <content>What ports do besides routing: advertise, hold an MTU, know fixed MACs.</content>
internal sealed partial class RouterPipeline
{
    private const int EthernetHeaderSize = 14;

    // Ingress 13: router solicitations (RFC 4861 6.2.6).
    private void AddAdvertisement(FlowBlockBuilder block, RouterPortView port)
    {
        if (!port.Row.RouterAdvertisement.ContainsKey("address_mode") || !port.Row.Ipv6.Any())
            return;
        var allRouters = new IpPrefix(true, ((UInt128)0xff02 << 112) | 2, 128);
        block.Add(
            RouterIngress.NdRaOptions, 50,
            _here.Inport(port.Key).Neighbor(133).Destination(allRouters),
            new FlowActions().Punt(ControllerAction.RouterAdvert(port.Row.Uuid)));
        foreach (var type in (byte[])[133, 134])
        {
            block.Add(
                RouterIngress.Routing, 10550, _here.Inport(port.Key).Neighbor(type),
                FlowActions.Drop);
        }
    }

    // Ingress 3: what DHCPv6 servers outside say of prefixes.
    private void AddDelegation(FlowBlockBuilder block, RouterPortView port)
    {
        if (!PrefixDelegations.Asks(port.Row)) return;
        block.Add(
            RouterIngress.IpInput, 110,
            _here.Inport(port.Key).Destination(IpPrefix.LinkLocalOf(port.Row.Mac))
                .PortSource(17, PrefixMessage.ServerPort)
                .PortDestination(17, PrefixMessage.ClientPort),
            new FlowActions().Punt(ControllerAction.PrefixServer()));
    }

    private static int? MtuOf(RouterPortView port) =>
        int.TryParse(port.Row.Options.GetValueOrDefault("gateway_mtu"), out var mtu) && mtu > 0
            ? mtu
            : null;

    // Ingress 23 and 24: what does not fit out of a port is answered.
    private void CompileMtu(RouterPortView port)
    {
        if (MtuOf(port) is not { } mtu) return;
        object?[] inputs = [port, _view.Key, _view.Ports];
        _pass.Block("mtu", port.Row.Uuid, Uuid, inputs, block =>
        {
            const byte check = RouterIngress.CheckPacketLength;
            const byte larger = RouterIngress.LargerPackets;
            block.Add(
                check, 50, _here.Outport(port.Key),
                Next(check, new FlowActions().Add(new OfCheckPacketLarger(
                    PacketLarger, (ushort)(mtu + EthernetHeaderSize)))));
            foreach (var from in _view.Ports.Where(from => from.Key != port.Key))
            {
                foreach (var own in from.Row.Networks.GroupBy(network => network.IsIpv6))
                {
                    var address = own.OrderBy(network => network.IsLinkLocal).First().Host;
                    var error = own.Key
                        ? ControllerAction.IcmpError(2, 0, address, (uint)mtu)
                        : ControllerAction.IcmpError(IcmpUnreachable, 4, address, (uint)mtu);
                    block.Add(
                        larger, 150,
                        _here.Inport(from.Key).Outport(port.Key).Family(address)
                            .Has(PacketLarger).Lacks(EgressLoopback),
                        new FlowActions().Set(EgressLoopback, 1).Set(PacketLarger, 0)
                            .Punt(error));
                }
            }
        });
    }

    // Side table 90: bindings that somebody wrote; learnt ones have priority 100.
    private void CompileStaticBindings()
    {
        foreach (var row in _pass.Topology.Rows.StaticMacs.Values)
        {
            var port = _view.Ports.FirstOrDefault(port => port.Row.Name == row.LogicalPort);
            if (port is null) continue;
            object?[] inputs = [row, _view.Key, port.Key];
            _pass.Block("static-mac", row.Uuid, Uuid, inputs, block =>
            {
                var match = _here.Outport(port.Key).Family(row.Ip)
                    .Is(row.Ip.IsIpv6 ? NextHop6 : NextHop4, row.Ip.Address);
                block.Add(
                    PhysicalTables.MacBinding, row.OverridesDynamic ? 150 : 50, match,
                    new FlowActions().Set(MatchField.EthernetDestination, row.Mac));
            });
        }
    }

    // Ingress 11: BFD of next hops ends here, where the session runs.
    private void CompileSessions()
    {
        foreach (var session in _pass.Topology.Rows.RouteSessions.Values)
        {
            var port = _view.Ports.FirstOrDefault(port => port.Row.Name == session.LogicalPort);
            if (port is null || !port.IsResident) continue;
            object?[] inputs = [session.Peer, _view.Key, port];
            _pass.Block("route-bfd", session.Uuid, Uuid, inputs, block =>
            {
                foreach (var own in port.Row.Networks
                    .Where(network => network.IsIpv6 == session.Peer.IsIpv6))
                {
                    block.Add(
                        RouterIngress.IpInput, 110,
                        _here.Inport(port.Key).Source(session.Peer).Destination(own.Host)
                            .PortDestination(17, BfdControlPacket.UdpPort),
                        new FlowActions().Punt(ControllerAction.RouteBfd()));
                }
            });
        }
    }
}
