using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using static Fabric.Logical.LogicalFields;

namespace Fabric.Logical;

internal sealed partial class SwitchPipeline
{
    private const ushort TypeArp = 0x0806;

    // Ingress 0 and 1, egress 14 and 15: who may come in, and out.
    private void AddAdmission(FlowBlockBuilder block)
    {
        const byte check = SwitchIngress.CheckPortSecurity;
        if (!_traits.IsVlanTransparent)
            block.Add(check, 100, _here.Has(VlanPresent), FlowActions.Drop);
        block.Add(check, 100, _here.Has(SourceMulticast), FlowActions.Drop);

        const byte apply = SwitchIngress.ApplyPortSecurity;
        block.Add(apply, 50, _here.Has(PortSecurityDrop), FlowActions.Drop);

        const byte checkOut = SwitchEgress.CheckPortSecurity;
        block.Add(checkOut, 100, _here.Has(DestinationMulticast), NextEgress(checkOut));
        const byte applyOut = SwitchEgress.ApplyPortSecurity;
        block.Add(applyOut, 50, _here.Has(PortSecurityDrop), FlowActions.Drop);
        block.Add(applyOut, 0, _here, FlowActions.To(PhysicalTables.SaveInport));
        if (!_traits.HasSecurity) return;

        block.Add(check, 50, _here, NextIngress(check, new FlowActions()
            .Set(PortSecurityFailed, 0)
            .Next(PhysicalTables.PortSecurityIn)
            .Move(PortSecurityFailed, PortSecurityDrop)));
        block.Add(checkOut, 50, _here, NextEgress(checkOut, new FlowActions()
            .Set(PortSecurityFailed, 0)
            .Next(PhysicalTables.PortSecurityOut)
            .Move(PortSecurityFailed, PortSecurityDrop)));
    }

    private void AddPortAdmission(FlowBlockBuilder block, SwitchPortView port)
    {
        if (port.Row.IsEnabled) return;
        block.Add(
            SwitchIngress.CheckPortSecurity, 100, _here.Inport(port.Key), FlowActions.Drop);
        block.Add(
            SwitchEgress.CheckPortSecurity, 150, _here.Outport(port.Key), FlowActions.Drop);
    }

    // Side tables 97 to 99: what a port with port_security may send and receive.
    private void AddPortSecurity(FlowBlockBuilder block, SwitchPortView port)
    {
        // Frames enter and leave where the port is: nobody else needs to know.
        if (port.Row.PortSecurity.IsEmpty || !port.IsHere) return;

        var from = _here.Inport(port.Key);
        var fails = new FlowActions().Set(PortSecurityFailed, 1);
        block.Add(PhysicalTables.PortSecurityIn, 80, from, fails);
        block.Add(PhysicalTables.PortSecurityInNeighbor, 80, from, new FlowActions());
        block.Add(
            PhysicalTables.PortSecurityInNeighbor, 90, from.EthernetType(TypeArp), fails);
        block.Add(PhysicalTables.PortSecurityInNeighbor, 90, from.Neighbor(135), fails);
        block.Add(PhysicalTables.PortSecurityInNeighbor, 90, from.Neighbor(136), fails);

        var to = _here.Outport(port.Key);
        block.Add(PhysicalTables.PortSecurityOut, 80, to, fails);
        foreach (var allowed in port.Row.PortSecurity)
        {
            AddSenderSecurity(block, from.Is(MatchField.EthernetSource, allowed.Mac), allowed);
            AddNeighborSecurity(block, from.Is(MatchField.EthernetSource, allowed.Mac), allowed);
            AddReceiverSecurity(block, to.Is(MatchField.EthernetDestination, allowed.Mac), allowed);
        }
    }

    private static void AddSenderSecurity(
        FlowBlockBuilder block, FlowMatch from, LinkAddresses allowed)
    {
        const byte table = PhysicalTables.PortSecurityIn;
        var passes = new FlowActions();
        var neighbors = FlowActions.To(PhysicalTables.PortSecurityInNeighbor);
        if (allowed.Ips.IsEmpty)
        {
            block.Add(table, 90, from, neighbors);
            return;
        }

        block.Add(table, 90, from.EthernetType(TypeArp), neighbors);
        foreach (var ip in allowed.Ips) block.Add(table, 90, from.Source(Sendable(ip)), neighbors);
        if (allowed.Ipv4.Any())
        {
            var discover = from.Source(IpPrefix.V4(0)).Destination(IpPrefix.V4(uint.MaxValue))
                .PortDestination(17, 67).Is(MatchField.UdpSource, 68);
            block.Add(table, 90, discover, passes);
        }

        if (!allowed.Ipv6.Any()) return;
        block.Add(table, 90, from.Source(IpPrefix.LinkLocalOf(allowed.Mac)), neighbors);
        var unspecified = from.Source(new IpPrefix(true, 0, 128))
            .Destination(new IpPrefix(true, (UInt128)0xff02 << 112, 16)).Protocol(58);
        foreach (var type in (byte[])[131, 143])
        {
            block.Add(table, 90, unspecified.Is(MatchField.Icmpv6Type, type)
                .Is(MatchField.Icmpv6Code, 0), passes);
        }

        block.Add(table, 90, unspecified.Is(MatchField.Icmpv6Type, 135)
            .Is(MatchField.Icmpv6Code, 0), neighbors);
    }

    private static void AddNeighborSecurity(
        FlowBlockBuilder block, FlowMatch from, LinkAddresses allowed)
    {
        const byte table = PhysicalTables.PortSecurityInNeighbor;
        var passes = new FlowActions();
        var arp = from.EthernetType(TypeArp).Is(MatchField.ArpSha, allowed.Mac);
        if (allowed.Ips.IsEmpty) block.Add(table, 95, arp, passes);
        foreach (var ip in allowed.Ipv4.Select(Sendable))
            block.Add(
                table, 95, arp.Masked(MatchField.ArpSpa, ip.Address & ip.Mask, ip.Mask), passes);

        foreach (var mac in (ulong[])[0, allowed.Mac.ToUInt64()])
        {
            block.Add(table, 95, from.Neighbor(135).Is(MatchField.NdSll, mac), passes);
            var advert = from.Neighbor(136).Is(MatchField.NdTll, mac);
            if (allowed.Ips.IsEmpty)
            {
                block.Add(table, 95, advert, passes);
                continue;
            }

            var targets = allowed.Ipv6.Select(Sendable).Append(IpPrefix.LinkLocalOf(allowed.Mac));
            foreach (var ip in targets)
            {
                block.Add(
                    table, 95, advert.Masked(MatchField.NdTarget, ip.Address & ip.Mask, ip.Mask),
                    passes);
            }
        }
    }

    private static void AddReceiverSecurity(
        FlowBlockBuilder block, FlowMatch to, LinkAddresses allowed)
    {
        const byte table = PhysicalTables.PortSecurityOut;
        var passes = new FlowActions();
        if (allowed.Ips.IsEmpty)
        {
            block.Add(table, 90, to, passes);
            return;
        }

        // What is neither IPv4 nor IPv6 is not restricted by address.
        block.Add(table, 85, to, passes);
        block.Add(table, 88, to.Ip4(), new FlowActions().Set(PortSecurityFailed, 1));
        block.Add(table, 88, to.Ip6(), new FlowActions().Set(PortSecurityFailed, 1));
        if (allowed.Ipv4.Any())
        {
            block.Add(table, 90, to.Destination(IpPrefix.V4(uint.MaxValue)), passes);
            block.Add(table, 90, to.Destination(IpPrefix.V4(0xe000_0000, 4)), passes);
        }

        if (allowed.Ipv6.Any())
        {
            block.Add(table, 90, to.Destination(IpPrefix.LinkLocalOf(allowed.Mac)), passes);
            block.Add(
                table, 90, to.Destination(new IpPrefix(true, (UInt128)0xff << 120, 8)), passes);
        }

        foreach (var ip in allowed.Ips)
        {
            block.Add(table, 90, to.Destination(Sendable(ip)), passes);
            if (!ip.IsIpv6 && !ip.IsHost)
                block.Add(table, 90, to.Destination(IpPrefix.V4((uint)ip.Last)), passes);
        }
    }

    /// <summary>10.0.0.4/24 means the host alone, 10.0.0.0/24 the whole subnet.</summary>
    private static IpPrefix Sendable(IpPrefix ip) =>
        ip.Address == ip.Network.Address ? ip : ip.Host;

    // Ingress 3 and 4, egress 0: learn which port a MAC is behind, and let all hosts know.
    private void AddLearning(FlowBlockBuilder block, SwitchPortView port)
    {
        if (!port.LearnsAddresses) return;

        var learn = Learn(port.Key);
        var from = _here.Inport(port.Key);
        block.Add(
            SwitchIngress.LookupFdb, 100, from,
            NextIngress(SwitchIngress.LookupFdb, new FlowActions()
                .Add(learn).Set(StationKnown, 0).Next(PhysicalTables.ForwardingLookup)));
        if (!port.Row.IsLocalnet)
        {
            block.Add(
                SwitchIngress.PutFdb, 100, from.Lacks(StationKnown),
                NextIngress(
                    SwitchIngress.PutFdb, new FlowActions().Punt(ControllerAction.PutStation())));
        }

        if (_pass.Host.Interfaces.ContainsKey(port.Row.Name)) return;
        block.Add(
            SwitchEgress.LookupFdb, 100, from,
            NextEgress(SwitchEgress.LookupFdb, new FlowActions().Add(learn)));
    }

    private OfLearn Learn(uint port) => new(
        _traits.StationAge, 0, 100, FlowBlockBuilder.CookieOf(Uuid), OfLearnFlags.None,
        PhysicalTables.ForwardingDatabase, 0, 0,
        [
            new OfLearnSpec(
                OfLearnDestination.Match, 64, null, _traits.Key, MatchField.Metadata),
            new OfLearnSpec(
                OfLearnDestination.Match, 48, (Subfield)MatchField.EthernetSource, 0,
                MatchField.EthernetDestination),
            new OfLearnSpec(OfLearnDestination.Load, 32, null, port, Outport),
        ]);
}
