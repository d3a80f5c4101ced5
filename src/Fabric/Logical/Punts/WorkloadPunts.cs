using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Control;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>To the logical actor: a workload answers for a virtual port.</summary>
/// <param name="Port">Key of the virtual port.</param>
internal sealed record VirtualPortHeard(
    uint Datapath, uint Port, IpPrefix Address, MacBytes Mac);

/// <summary>To the logical actor: members of multicast groups behind a port.</summary>
internal sealed record GroupsHeard(
    uint Datapath, uint Port, ImmutableArray<(IpPrefix Group, bool IsMember)> Groups);

/// <summary>To the logical actor: a backend has answered a probe.</summary>
/// <param name="Packet">An ICMP error quotes the probe, so that its ports are there.</param>
internal sealed record ServiceHeard(uint Datapath, uint Port, PuntedPacket Packet);

/// <summary>To the logical actor: BFD from a next hop.</summary>
internal sealed record RouteBfdHeard(
    uint Datapath, uint Port, IpPrefix Peer, MacBytes PeerMac, BfdControlPacket Packet);

/// <summary>Punted packets that say something of workloads: no state, no I/O.</summary>
internal static class WorkloadPunts
{
    private const int RecordsMax = 256;

    public static PuntOutcome BindVirtual(PuntedPacket packet, byte[] arguments)
    {
        var port = BinaryPrimitives.ReadUInt32BigEndian(arguments);
        var key = packet.Key;
        if (key.IsArp)
        {
            return News(new VirtualPortHeard(
                packet.Datapath, port, IpPrefix.V4(key.Ipv4Source), key.ArpSource));
        }

        if (!key.IsIpv6 || !IpPrefix.TryParse($"{key.NdTarget}", out var target))
            return PuntOutcome.Nothing;
        var mac = key.ArpTarget.IsZero ? key.EthernetSource : key.ArpTarget;
        return News(new VirtualPortHeard(packet.Datapath, port, target, mac));
    }

    public static PuntOutcome Answer(PuntedPacket packet) =>
        News(new ServiceHeard(packet.Datapath, packet.Inport, packet));

    public static PuntOutcome Station(PuntedPacket packet) => News(new StationHeard(
        packet.Datapath, packet.Inport, packet.Key.EthernetSource));

    public static PuntOutcome PrefixServer(PuntedPacket packet) => News(new PrefixServerHeard(
        packet.Datapath, packet.Inport, packet.UdpData.ToArray()));

    public static PuntOutcome RouteBfd(PuntedPacket packet) =>
        packet.Key.NetworkTtl == byte.MaxValue
            && BfdControlPacket.TryParse(packet.UdpData, out var control, out _)
            ? News(new RouteBfdHeard(
                packet.Datapath, packet.Inport, packet.Source, packet.Key.EthernetSource, control))
            : PuntOutcome.Nothing;

    /// <summary>Queries go to everybody, reports to the ports that want them.</summary>
    public static PuntOutcome Membership(PuntedPacket packet)
    {
        if (!TryRead(packet, out var message)) return PuntOutcome.Nothing;
        if (message.Type == MembershipType.Query)
        {
            return new PuntOutcome([ControllerActions.Out(
                packet.Metadata, packet.Bytes,
                new OfLoad(LogicalFields.Outport, LogicalFields.FloodL2Group),
                new OfResubmit(PhysicalTables.RemoteOutput))]);
        }

        var on = ControllerActions.Out(
            packet.Metadata, packet.Bytes, new OfLoad(LogicalFields.FromController, 1),
            new OfResubmit(SwitchIngress.L2Lookup));
        return new PuntOutcome([on])
        {
            News = new GroupsHeard(packet.Datapath, packet.Inport, GroupsOf(message)),
        };
    }

    private static bool TryRead(PuntedPacket packet, out MulticastMembership message)
    {
        const int headerUnit = 4;
        message = default;
        var network = packet.Network;
        if (packet.Key.IsIpv4)
        {
            if (network.IsEmpty) return false;
            var header = (network[0] & 0xf) * headerUnit;
            return network.Length > header
                && MulticastMembership.TryParseIgmp(network[header..], out message, out _);
        }

        var at = packet.Layout.TransportOffset;
        return packet.Key.IsIpv6 && at >= 0 && at < packet.Layout.EndOffset
            && MulticastMembership.TryParseMld(
                packet.Bytes.AsSpan(at..packet.Layout.EndOffset), out message, out _);
    }

    private static ImmutableArray<(IpPrefix, bool)> GroupsOf(in MulticastMembership message)
    {
        var groups = ImmutableArray.CreateBuilder<(IpPrefix, bool)>();
        if (message.Type != MembershipType.ReportV3)
        {
            Add(message.Group, message.Type != MembershipType.Leave);
            return groups.ToImmutable();
        }

        foreach (var record in message.Records)
        {
            if (groups.Count >= RecordsMax) break;
            Add(record.Group, !record.IsLeave);
        }

        return groups.ToImmutable();

        void Add(ReadOnlySpan<byte> bytes, bool isMember)
        {
            if (IpPrefix.TryParse($"{new System.Net.IPAddress(bytes)}", out var group)
                && group.IsMulticast)
            {
                groups.Add((group, isMember));
            }
        }
    }

    private static PuntOutcome News(object news) => new([]) { News = news };
}
