using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class SwitchPipeline
{
    // Ingress 33 and 34: broadcast, multicast, unknown destinations.
    private void AddBroadcast(FlowBlockBuilder block)
    {
        const byte lookup = SwitchIngress.L2Lookup;
        const byte unknown = SwitchIngress.L2Unknown;
        var flood = new FlowActions().SetOutport(FloodGroup).Output();
        var floodL2 = new FlowActions().SetOutport(FloodL2Group).Output();

        // Routers hear what they answer: router solicitations; and IPv6 multicast for relays.
        block.Add(lookup, 85, _here.Icmp6(133), flood);
        if (!_traits.HidesArpFromRouters)
        {
            block.Add(lookup, 72, _here.Has(DestinationMulticast).Arp(1), flood);
            block.Add(lookup, 72, _here.Has(DestinationMulticast).Neighbor(135), flood);
        }

        block.Add(lookup, 70, _here.Has(DestinationMulticast), floodL2);

        var find = new FlowActions().SetOutport(0);
        if (_traits.HasUnknown) find.Next(PhysicalTables.ForwardingDatabase);
        block.Add(lookup, 0, _here, find.Next(unknown));

        var lost = _traits.HasUnknown
            ? new FlowActions().SetOutport(UnknownGroup).Output()
            : FlowActions.Drop;
        block.Add(unknown, 50, _here.Outport(0), lost);
        block.Add(unknown, 0, _here, new FlowActions().Output());
    }

    private void AddDestinations(FlowBlockBuilder block, SwitchPortView port)
    {
        const byte lookup = SwitchIngress.L2Lookup;
        var there = new FlowActions().SetOutport(port.Key).Output();
        // An external port is reached like all that is unknown: by the physical network.
        var addresses = port.IsPeerServed && !port.Row.IsExternal ? port.Addresses : [];
        foreach (var mac in addresses.Concat(port.PeerServices).Select(a => a.Mac).Distinct())
        {
            var action = !port.Row.IsEnabled
                ? FlowActions.Drop
                : IsFloating(port, mac) ? StayHere(port) : there;
            block.Add(lookup, 50, _here.Is(MatchField.EthernetDestination, mac), action);
        }

        if (!port.Row.IsEnabled)
            block.Add(SwitchIngress.L2Unknown, 50, _here.Outport(port.Key), FlowActions.Drop);

        if (port.Peer is { } peer) AddRouterNeighbors(block, port, peer);
    }

    // ARP and ND for a router's addresses go to that router only; its own requests do not.
    private void AddRouterNeighbors(
        FlowBlockBuilder block, SwitchPortView port, LogicalRouterPort peer)
    {
        const byte lookup = SwitchIngress.L2Lookup;
        var toRouter = new FlowActions().SetOutport(port.Key).Output();
        var floodL2 = new FlowActions().SetOutport(FloodL2Group).Output();
        var fromRouter = _here.Is(MatchField.EthernetSource, peer.Mac);
        block.Add(lookup, 75, fromRouter.Arp(1), floodL2);
        block.Add(lookup, 75, fromRouter.Neighbor(135), floodL2);
        var own = new LinkAddresses(peer.Mac, port.IsPeerServed ? peer.Networks : []);
        foreach (var service in port.PeerServices.Add(own))
        {
            foreach (var ip in service.Ips)
            {
                var request = ip.IsIpv6
                    ? _here.Neighbor(135).Is(MatchField.NdTarget, ip.Address)
                    : _here.Arp(1).Is(MatchField.ArpTpa, ip.Address);
                block.Add(
                    lookup, 80, request,
                    IsFloating(port, service.Mac) ? StayHere(port) : toRouter);
            }
        }
    }

    /// <summary>
    /// The MAC of a floating address, which the host of its port serves by itself.
    /// </summary>
    private static bool IsFloating(SwitchPortView port, MacBytes mac) =>
        port.Gateway is not null && port.Peer is { } peer && mac != peer.Mac
        && port.PeerServices.Any(service => service.Mac == mac);

    private static FlowActions StayHere(SwitchPortView port) =>
        new FlowActions().SetOutport(port.Key).Set(LocalOnly, 1).Output();

    // Ingress 26 and 27: answer ARP and ND for addresses that the northbound knows.
    private void AddNeighborResponses(FlowBlockBuilder block, SwitchPortView port)
    {
        const byte arp = SwitchIngress.ArpResponse;
        const byte nd = SwitchIngress.NdResponse;
        if (port.Row.IsLocalnet)
        {
            // All hosts hear the physical network: only the one that has the workload answers.
            block.Add(arp, 100, _here.Inport(port.Key), NextIngress(arp));
            block.Add(nd, 100, _here.Inport(port.Key), NextIngress(nd));
        }

        if (port.Row.HasUnknown || port.Row.Type is "virtual" or "localnet" or "external"
            || port.Row.Options.GetValueOrDefault("disable_arp_nd_rsp") == "true"
            || _traits.IsVlanTransparent || !port.IsPeerServed)
        {
            return;
        }

        foreach (var addresses in port.Addresses)
        {
            foreach (var ip in addresses.Ips)
            {
                if (!ip.IsIpv6)
                {
                    var request = _here.Arp(1).Is(MatchField.ArpTpa, ip.Address);
                    block.Add(arp, 100, request.Inport(port.Key), NextIngress(arp));
                    block.Add(arp, 50, request, AnswerArp(addresses.Mac, (uint)ip.Address));
                    continue;
                }

                var solicit = _here.Neighbor(135).Is(MatchField.NdTarget, ip.Address);
                block.Add(nd, 100, solicit.Inport(port.Key), NextIngress(nd));
                block.Add(nd, 50, solicit, new FlowActions().Punt(
                    ControllerAction.NdAdvert(addresses.Mac.ToUInt64(), port.Row.IsRouter)));
            }
        }
    }

    /// <summary>Turns an ARP request into its reply and sends it back.</summary>
    internal static FlowActions AnswerArp(MacBytes mac, uint ip) => new FlowActions()
        .Move(MatchField.EthernetSource, MatchField.EthernetDestination)
        .Set(MatchField.EthernetSource, mac)
        .Set(MatchField.ArpOpcode, 2)
        .Move(MatchField.ArpSha, MatchField.ArpTha)
        .Set(MatchField.ArpSha, mac)
        .Move(MatchField.ArpSpa, MatchField.ArpTpa)
        .Set(MatchField.ArpSpa, ip)
        .BackToInport()
        .Output();

    /// <summary>The same with a MAC that a register holds.</summary>
    internal static FlowActions AnswerArp(Subfield mac, uint ip) => new FlowActions()
        .Move(MatchField.EthernetSource, MatchField.EthernetDestination)
        .Move(mac, MatchField.EthernetSource)
        .Set(MatchField.ArpOpcode, 2)
        .Move(MatchField.ArpSha, MatchField.ArpTha)
        .Move(mac, MatchField.ArpSha)
        .Move(MatchField.ArpSpa, MatchField.ArpTpa)
        .Set(MatchField.ArpSpa, ip)
        .BackToInport()
        .Output();
}
