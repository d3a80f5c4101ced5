using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>An address that physical networks shall look for at this host.</summary>
/// <param name="OpenFlowPort">Of the integration bridge, towards the network.</param>
/// <param name="Vlan">Tag; 0: none.</param>
public sealed record Announcement(
    uint OpenFlowPort, ushort Vlan, MacBytes Mac, IpPrefix Address) : IComparable<Announcement>
{
    public int CompareTo(Announcement? other) => other is null ? 1
        : (OpenFlowPort, Vlan, Mac, Address.IsIpv6, Address.Address).CompareTo(
            (other.OpenFlowPort, other.Vlan, other.Mac, other.Address.IsIpv6,
                other.Address.Address));

    /// <summary>
    /// A gratuitous ARP reply (RFC 5944 4.6) or an unsolicited advertisement (RFC 4861 7.2.6).
    /// </summary>
    /// <remarks>
    /// A request would be answered by a gateway that is cut off and does not know that it was
    /// replaced: switches would learn the address behind it again.
    /// </remarks>
    public OfPacketOut ToPacket()
    {
        var key = Address.IsIpv6 ? Advertisement() : Reply();
        key.EthernetSource = Mac;
        if (Vlan != 0)
        {
            const ushort present = 0x1000;
            key.VlanTci0Wire = BinaryPrimitives.ReverseEndianness((ushort)(Vlan | present));
            key.VlanTpid0Wire = BinaryPrimitives.ReverseEndianness(EtherType.Vlan);
        }

        return new OfPacketOut(
            OfPort.Controller, ActionList.From([new OfOutput(OpenFlowPort)]),
            EquatableArray.Create<byte>(PacketBuilder.Compose(in key)));
    }

    private FlowKey Reply() => new()
    {
        EthernetDestination = MacBytes.Broadcast,
        EthernetType = EtherType.Arp,
        NetworkProtocol = 2,
        Ipv4Source = (uint)Address.Address,
        Ipv4Destination = (uint)Address.Address,
        ArpSource = Mac,
        ArpTarget = Mac,
    };

    private FlowKey Advertisement()
    {
        const uint overrides = 0x2000_0000;
        var target = Ipv6Bytes.From(Address.ToAddress());
        return new FlowKey
        {
            EthernetDestination = MacBytes.FromUInt64(0x3333_0000_0001),
            EthernetType = EtherType.Ipv6,
            NetworkProtocol = IpProtocol.Icmpv6,
            NetworkTtl = 255,
            Ipv6Source = target,
            Ipv6Destination = Ipv6Bytes.From(System.Net.IPAddress.Parse("ff02::1")),
            PortSource = 136,
            NdTarget = target,
            NdReservedWire = BinaryPrimitives.ReverseEndianness(overrides),
            ArpTarget = Mac,
        };
    }
}

/// <summary>What is to be announced on physical networks from this host.</summary>
/// <remarks>
/// On each switch with a localnet port here: gateway ports that act here with the addresses of
/// their router's NAT and load balancers, floating addresses of ports bound here, and these ports
/// themselves.
/// </remarks>
public static class Announcements
{
    /// <summary>Further ones are not announced; traffic announces them.</summary>
    private const int CountMax = 16_384;

    public static ImmutableSortedSet<Announcement> Of(LogicalTopology topology, HostView host)
    {
        var all = ImmutableSortedSet.CreateBuilder<Announcement>();
        if (host.PhysicalNetworks.IsEmpty) return all.ToImmutable();
        foreach (var (name, face) in host.PhysicalNetworks)
        {
            if (topology.SwitchPort(name) is not { } localnet
                || topology.SwitchOf(localnet) is not { } owner)
            {
                continue;
            }

            var vlan = (ushort)(localnet.Tag ?? 0);
            foreach (var port in topology.PortsOf(owner))
            {
                foreach (var addresses in AddressesOf(topology, host, port))
                {
                    foreach (var ip in addresses.Ips)
                    {
                        if (all.Count >= CountMax) return all.ToImmutable();
                        all.Add(new Announcement(face, vlan, addresses.Mac, ip.Host));
                    }
                }
            }
        }

        return all.ToImmutable();
    }

    private static IEnumerable<LinkAddresses> AddressesOf(
        LogicalTopology topology, HostView host, LogicalSwitchPort port)
    {
        if (port.IsVif)
        {
            return !port.IsLocalport && host.Interfaces.ContainsKey(port.Name)
                ? port.Addresses : [];
        }

        if (topology.PeerOf(port) is not { } peer
            || topology.RouterOf(peer) is not { } router)
        {
            return [];
        }

        var isHere = router.Chassis is { } chassis ? chassis == host.HostId
            : peer.IsGateway && GatewayHost.Of(topology, host, peer) == host.HostId;
        var services = RouterServices.Of(topology, host, peer, isHere);
        return isHere
            ? services.Prepend(new LinkAddresses(peer.Mac, [.. peer.Networks]))
            : services;
    }
}
