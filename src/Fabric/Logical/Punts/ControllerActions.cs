using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>Rows that answers to packets are made from.</summary>
public sealed record ControllerServices(
    ImmutableDictionary<Guid, DhcpOptions> Dhcp,
    ImmutableDictionary<Guid, ImmutableSortedDictionary<string, string>> DnsOfSwitch)
{
    public static ControllerServices None { get; } = new(
        ImmutableDictionary<Guid, DhcpOptions>.Empty,
        ImmutableDictionary<Guid, ImmutableSortedDictionary<string, string>>.Empty);

    /// <summary>Router ports that advertise themselves.</summary>
    public ImmutableDictionary<Guid, LogicalRouterPort> RouterPorts { get; init; } =
        ImmutableDictionary<Guid, LogicalRouterPort>.Empty;
}

/// <summary>A neighbour that a router learnt.</summary>
/// <param name="Port">Key of the router's port.</param>
internal readonly record struct NeighborKey(uint Datapath, uint Port, UInt128 Address, bool IsIpv6)
    : IComparable<NeighborKey>
{
    public int CompareTo(NeighborKey other) =>
        (Datapath, Port, IsIpv6, Address).CompareTo(
            (other.Datapath, other.Port, other.IsIpv6, other.Address));
}

/// <summary>What a punted packet leads to.</summary>
internal sealed record PuntOutcome(
    ImmutableArray<OfPacketOut> Packets, NeighborKey? Neighbor = null, MacBytes Mac = default,
    NeighborKey? Waits = null, string? LogLine = null)
{
    public static PuntOutcome Nothing { get; } = new([]);

    /// <summary>What the logical actor is told; null: nothing.</summary>
    public object? News { get; init; }
}

/// <summary>Decides what is done with punted packets: no state, no I/O.</summary>
internal static class ControllerActions
{
    public static PuntOutcome Handle(OfPacketIn packetIn, ControllerServices services)
    {
        if (!ControllerAction.TryDecode(
                packetIn.Userdata.AsSpan(), out var opcode, out var arguments)
            || !PuntedPacket.TryRead(packetIn, out var packet))
        {
            return PuntOutcome.Nothing;
        }

        return opcode switch
        {
            ControllerOpcode.Arp => Resolve(packet),
            ControllerOpcode.PutNeighbor => Learn(packet),
            ControllerOpcode.NdAdvert when arguments.Length >= 7 => Advertise(packet, arguments),
            ControllerOpcode.Reject when arguments.Length >= 1 =>
                Reject(packet, (RejectPlace)arguments[0]),
            ControllerOpcode.IcmpError when arguments.Length is 10 or 22 =>
                Error(packet, arguments),
            ControllerOpcode.PutDhcpOptions when arguments.Length == 20 =>
                Dhcp(packet, arguments, services),
            ControllerOpcode.PutDhcpv6Options when arguments.Length == 32 =>
                Dhcpv6(packet, arguments, services),
            ControllerOpcode.RouterAdvert when arguments.Length == 16 =>
                Advert(packet, arguments, services),
            ControllerOpcode.DnsLookup when arguments.Length == 16 =>
                Dns(packet, arguments, services),
            ControllerOpcode.BindVirtual when arguments.Length == 4 =>
                WorkloadPunts.BindVirtual(packet, arguments),
            ControllerOpcode.ServiceAnswer => WorkloadPunts.Answer(packet),
            ControllerOpcode.Membership => WorkloadPunts.Membership(packet),
            ControllerOpcode.PutStation => WorkloadPunts.Station(packet),
            ControllerOpcode.PrefixServer => WorkloadPunts.PrefixServer(packet),
            ControllerOpcode.RouteBfd => WorkloadPunts.RouteBfd(packet),
            ControllerOpcode.Log => new PuntOutcome([], LogLine: LogLine(packet, arguments)),
            _ => PuntOutcome.Nothing,
        };
    }

    /// <summary>The packet that waited, now that its next hop's MAC is known.</summary>
    public static OfPacketOut Release(PuntedPacket packet, MacBytes mac) => Out(
        packet.Metadata, packet.Bytes,
        new OfSetField(MatchField.EthernetDestination, mac.ToUInt64()),
        new OfResubmit(PhysicalTables.RemoteOutput));

    /// <summary>Flows that remember a neighbour: next hop to MAC, and "this is known".</summary>
    public static ImmutableArray<FlowMod> FlowsOf(NeighborKey key, MacBytes mac)
    {
        const ushort priority = 100;
        var prefix = new IpPrefix(key.IsIpv6, key.Address, key.IsIpv6 ? 128 : 32);
        var resolve = FlowMatch.On(key.Datapath).Outport(key.Port).Family(prefix)
            .Is(key.IsIpv6 ? LogicalFields.NextHop6 : LogicalFields.NextHop4, key.Address);
        var seen = FlowMatch.On(key.Datapath).Inport(key.Port);
        seen = key.IsIpv6
            ? seen.Neighbor(136).Is(MatchField.NdTarget, key.Address).Is(MatchField.NdTll, mac)
            : seen.EthernetType(EtherType.Arp).Is(MatchField.ArpSpa, key.Address)
                .Is(MatchField.ArpSha, mac);
        return
        [
            FlowMod.Add(
                PhysicalTables.MacBinding, priority, resolve.Build(),
                new FlowActions().Set(MatchField.EthernetDestination, mac).Build()),
            FlowMod.Add(
                PhysicalTables.MacLookup, priority, seen.Build(),
                new FlowActions().Set(LogicalFields.LookupMac, 1).Build()),
        ];
    }

    private static PuntOutcome Resolve(PuntedPacket packet)
    {
        var isIpv6 = packet.Key.IsIpv6;
        var hop = packet.Value(isIpv6 ? LogicalFields.NextHop6 : LogicalFields.NextHop4);
        var own = packet.Value(isIpv6 ? LogicalFields.SourceIp6 : LogicalFields.SourceIp4);
        var request = isIpv6
            ? PacketAnswers.NeighborSolicit(
                packet.Key.EthernetSource, new IpPrefix(true, own, 128), new IpPrefix(
                    true, hop, 128))
            : PacketAnswers.ArpRequest(packet.Key.EthernetSource, (uint)own, (uint)hop);
        return new PuntOutcome(
            [Out(packet.Metadata, request, new OfResubmit(PhysicalTables.RemoteOutput))],
            Waits: new NeighborKey(packet.Datapath, packet.Outport, hop, isIpv6));
    }

    private static PuntOutcome Learn(PuntedPacket packet)
    {
        var key = packet.Key;
        if (key.IsArp)
        {
            return new PuntOutcome(
                [], new NeighborKey(packet.Datapath, packet.Inport, key.Ipv4Source, false),
                key.ArpSource);
        }

        if (!key.IsIpv6 || !IpPrefix.TryParse(key.NdTarget.ToString(), out var target))
            return PuntOutcome.Nothing;
        var mac = key.ArpTarget.IsZero ? key.EthernetSource : key.ArpTarget;
        return new PuntOutcome(
            [], new NeighborKey(packet.Datapath, packet.Inport, target.Address, true), mac);
    }

    private static PuntOutcome Advertise(PuntedPacket packet, byte[] arguments)
    {
        var mac = MacBytes.From(arguments);
        var advert = PacketAnswers.NeighborAdvert(in packet.KeyRef, mac, arguments[6] != 0);
        return new PuntOutcome([ToSender(packet, advert)]);
    }

    private static PuntOutcome Reject(PuntedPacket packet, RejectPlace place)
    {
        var answer = packet.Key.NetworkProtocol == IpProtocol.Tcp
            ? PacketAnswers.TcpReset(packet)
            : Unreachable(packet);
        if (answer is null) return PuntOutcome.Nothing;
        return new PuntOutcome([place switch
        {
            RejectPlace.SwitchEgress => Out(
                packet.Metadata, answer,
                new OfLoad(LogicalFields.Inport, packet.Outport),
                new OfLoad(LogicalFields.Outport, packet.Inport),
                new OfLoad(LogicalFields.AllowLoopback, 1),
                new OfLoad(LogicalFields.FromController, 1),
                new OfResubmit(SwitchIngress.L2Lookup)),
            RejectPlace.Router => IntoRouting(packet, answer),
            _ => ToSender(packet, answer),
        }]);
    }

    private static byte[]? Unreachable(PuntedPacket packet)
    {
        const byte unreachable4 = 3, port4 = 3, unreachable6 = 1, port6 = 4;
        if (!packet.Key.IsIpv4 && !packet.Key.IsIpv6) return null;
        var turned = packet with { };
        var destination = packet.Key.IsIpv6
            ? packet.Key.Ipv6Destination.ToString()
            : IpPrefix.V4(packet.Key.Ipv4Destination).ToString();
        if (!IpPrefix.TryParse(destination, out var from)) return null;
        return from.IsIpv6
            ? PacketAnswers.IcmpError(turned, unreachable6, port6, from)
            : PacketAnswers.IcmpError(turned, unreachable4, port4, from);
    }

    private static PuntOutcome Error(PuntedPacket packet, byte[] arguments)
    {
        if (!IpPrefix.TryParse(new System.Net.IPAddress(arguments[6..]).ToString(), out var from))
            return PuntOutcome.Nothing;
        var mtu = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(arguments.AsSpan(2));
        var error = PacketAnswers.IcmpError(packet, arguments[0], arguments[1], from, mtu);
        return error is null ? PuntOutcome.Nothing : new PuntOutcome([IntoRouting(packet, error)]);
    }

    private static PuntOutcome Dhcp(
        PuntedPacket packet, byte[] arguments, ControllerServices services)
    {
        var row = new Guid(arguments.AsSpan(0, 16), bigEndian: true);
        var offered = new System.Net.IPAddress(arguments[16..]).ToString();
        if (!services.Dhcp.TryGetValue(row, out var options)
            || !IpPrefix.TryParse(offered, out var address)
            || DhcpAnswer.Make(packet, options, address) is not { } answer)
        {
            return PuntOutcome.Nothing;
        }

        return new PuntOutcome([ToSender(packet, answer)]);
    }

    private static PuntOutcome Dhcpv6(
        PuntedPacket packet, byte[] arguments, ControllerServices services)
    {
        var row = new Guid(arguments.AsSpan(0, 16), bigEndian: true);
        var offered = new System.Net.IPAddress(arguments[16..]).ToString();
        if (!services.Dhcp.TryGetValue(row, out var options)
            || !IpPrefix.TryParse(offered, out var address)
            || Dhcpv6Answer.Make(packet, options, address) is not { } answer)
        {
            return PuntOutcome.Nothing;
        }

        return new PuntOutcome([ToSender(packet, answer)]);
    }

    private static PuntOutcome Advert(
        PuntedPacket packet, byte[] arguments, ControllerServices services)
    {
        var row = new Guid(arguments, bigEndian: true);
        return services.RouterPorts.TryGetValue(row, out var port)
            ? new PuntOutcome([ToSender(packet, RouterAdvertisement.Answer(packet, port))])
            : PuntOutcome.Nothing;
    }

    private static PuntOutcome Dns(
        PuntedPacket packet, byte[] arguments, ControllerServices services)
    {
        var owner = new Guid(arguments, bigEndian: true);
        var records = services.DnsOfSwitch.GetValueOrDefault(owner);
        var answer = records is null ? null : DnsAnswer.Make(packet, records);
        return new PuntOutcome([answer is null
            ? Out(packet.Metadata, packet.Bytes, new OfResubmit(SwitchIngress.DnsResponse))
            : ToSender(packet, answer)]);
    }

    private static OfPacketOut ToSender(PuntedPacket packet, byte[] answer) => Out(
        packet.Metadata, answer,
        new OfLoad(LogicalFields.Outport, packet.Inport),
        new OfLoad(LogicalFields.AllowLoopback, 1),
        new OfLoad(LogicalFields.FromController, 1),
        new OfResubmit(PhysicalTables.RemoteOutput));

    private static OfPacketOut IntoRouting(PuntedPacket packet, byte[] answer) => Out(
        packet.Metadata, answer,
        new OfLoad(LogicalFields.AllowLoopback, 1),
        new OfResubmit(RouterIngress.UnSnat));

    internal static OfPacketOut Out(Match metadata, byte[] bytes, params OfAction[] actions)
    {
        // Only what a flow may have set; conntrack state belongs to the packet that is gone.
        var kept = new MatchBuilder().Set(MatchField.InPortOxm, OfPort.Controller);
        foreach (var entry in metadata.Entries)
        {
            if (entry.Field.RegisterIndex >= 0 || ReferenceEquals(entry.Field, MatchField.Metadata))
                kept.SetMasked(entry.Field, entry.Value, entry.Mask);
        }

        return new OfPacketOut(
            FlowMod.NoBuffer, kept.Build(), ActionList.From(actions),
            EquatableArray.Create<byte>(bytes));
    }

    /// <summary>
    /// name="x", verdict=drop, severity=info, direction=to-lport: and the packet as a flow, as
    /// ovn-controller writes it.
    /// </summary>
    private static string LogLine(PuntedPacket packet, byte[] arguments)
    {
        var parts = Encoding.UTF8.GetString(arguments).Split('\0');
        if (parts.Length < 4) return "";
        var whole = new PipelineKey { Flow = packet.Key };
        var flow = OfMatchText.Format(Pipeline.FlowMatch.Exact(in whole, TlvTable.Empty))
            .Replace(",in_port=0", "", StringComparison.Ordinal);
        var name = parts[3].Length == 0 ? "<unnamed>" : parts[3];
        return $"name=\"{name}\", verdict={parts[0]}, severity={parts[1]}, direction={parts[2]}: "
            + flow;
    }
}
