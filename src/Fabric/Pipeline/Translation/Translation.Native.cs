using System.Net;
using System.Net.Sockets;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Tunnels through bridges of ours: headers pushed, headers popped, neighbours.</content>
internal sealed partial class Translation
{
    private const ushort ArpReply = 2;
    private const ushort NeighbourAdvertisement = 136;

    private static readonly Ipv6Bytes AllOnes = Ipv6Bytes.From(
        [.. Enumerable.Repeat(byte.MaxValue, Ipv6Bytes.Size)]);

    /// <summary>
    /// Sends the packet through the bridge that the route to its peer leaves by; false: the
    /// host's sockets carry it.
    /// </summary>
    private bool TryTunnelNatively(
        PortSnapshot port, uint number, TunnelConfig tunnel, TunnelMetadata header)
    {
        if (_switch.Native is not { IsOn: true } native) return false;
        if (tunnel.Kind == TunnelKind.Stt && !native.IsOnly) return false;
        var route = native.Routes.Find(
            header.Destination, KeyCommit.Host(_flow.Flow.PacketMarkWire));
        if (route is null || !_switch.Bridges.TryGetValue(route.Device, out var bridge)
            || !bridge.Ports.TryGetValue(OfPort.Local, out var local)
            || local.DatapathPort is not { } localNumber)
        {
            if (!native.IsOnly) return false;
            Report(TraceKind.Detail, "output to native tunnel");
            Report(TraceKind.Warn, "native tunnel routing failed");
            return true;
        }

        Report(TraceKind.Detail, "output to native tunnel");
        var hop = route.Gateway ?? header.Destination;
        Report(TraceKind.Detail, $"tunneling to {hop} via {route.Device}");
        var source = IsSet(header.Source) ? header.Source : route.Source ?? header.Source;
        if (native.Neighbours.Find(bridge.Name, hop, _now) is not { } neighbour)
        {
            var kind = hop.AddressFamily == AddressFamily.InterNetwork ? "ARP" : "ND";
            Report(TraceKind.Detail,
                $"neighbor cache miss for {hop} on bridge {bridge.Name}, sending {kind} request");
            _result.Await(new NeighbourWanted(bridge, local, source, hop));
            return true;
        }

        _result.Use(neighbour);
        Report(TraceKind.Detail, $"tunneling from {local.Mac} {source} "
            + $"to {neighbour.Mac} {header.Destination}");
        var listening = new TunnelPortSpec(
            tunnel.Kind, tunnel.DestinationPort, tunnel.HasGbp, tunnel.HasGpe);
        if (!OuterHeader.TryCompose(
            listening, header with { Source = source }, local.Mac, neighbour.Mac,
            PayloadType(tunnel), out var bytes))
        {
            Report(TraceKind.Warn, "native tunnel header build failed");
            return true;
        }

        NoteOutput(port, number);
        var outer = _into;
        _into = [];
        if (_truncateSize > 0) _into.Add(new TruncateAction((uint)_truncateSize));
        if (PopsEthernet(tunnel)) _into.Add(new PopEthernetAction());
        _into.Add(new TunnelPushAction(number, tunnel.Kind, bytes, localNumber));
        var pushed = _into.Count;
        SendThrough(local, bridge, OuterHeader.KeyOf(bytes.AsSpan(), localNumber));
        var through = _into;
        _into = outer;
        if (through.Count > pushed) _into.Add(new CloneAction([.. through]));
        return true;
    }

    /// <summary>An IP packet out of a tunnel becomes a frame, as its port wants it.</summary>
    private void GiveLinkHeader(PortSnapshot port)
    {
        if (_received.PacketTypeWire == 0 || port.Tunnel is null or { Payload: TunnelPayload.Any })
        {
            return;
        }

        _into.Add(new PushEthernetAction(default, default));
        _flow.Flow.PacketTypeWire = _packet.PacketTypeWire = 0;
    }

    private static bool IsSet(IPAddress address) =>
        !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any);

    /// <summary>Tunnels of IP packets: the frame's link header does not go with it.</summary>
    private bool PopsEthernet(TunnelConfig tunnel) =>
        tunnel.Payload == TunnelPayload.Network && _flow.Flow.PacketTypeWire == 0;

    private uint PayloadType(TunnelConfig tunnel) => PopsEthernet(tunnel)
        ? (1u << 16) | _flow.Flow.EthernetType
        : KeyCommit.Host(_flow.Flow.PacketTypeWire);

    /// <summary>On through 'bridge' as a packet with this key, from its own port.</summary>
    /// <remarks>What that bridge looks at is in the header, the same for the whole flow.</remarks>
    private void SendThrough(PortSnapshot local, BridgeSnapshot bridge, FlowKey key)
    {
        var (flow, wild, packet, received) = (_flow, _wild, _packet, _received);
        var (header, truncated, pushesTag) = (_outerHeader, _truncateSize, _pushesTag);
        key.PacketMarkWire = flow.Flow.PacketMarkWire;
        _flow = default;
        _flow.Flow = key;
        (_wild, _pushesTag) = (default, false);
        (_packet, _received, _outerHeader, _truncateSize) = (key, key, null, 0);
        Cross(local, bridge, isLast: true);
        (_flow, _wild, _packet, _received) = (flow, wild, packet, received);
        (_outerHeader, _truncateSize, _pushesTag) = (header, truncated, pushesTag);
    }

    /// <summary>
    /// The tunnel port that opens a packet which is for one of the addresses of 'local'.
    /// </summary>
    private uint? TunnelInto(PortSnapshot local)
    {
        if (local.OpenFlowPort != OfPort.Local || _switch.Native is not { IsOn: true } native
            || !native.Routes.HasRoutes(local.Name))
        {
            return null;
        }

        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        if (flow.IsArp)
        {
            HearArp(native, local);
            return null;
        }

        if (!flow.IsIpv4 && !flow.IsIpv6) return null;
        wild.EthernetDestination = MacBytes.Broadcast;
        if (flow.EthernetDestination != local.Mac) return null;
        wild.NetworkProtocol = 0xFF;
        if (flow.IsIpv4) wild.Ipv4DestinationWire = uint.MaxValue;
        else wild.Ipv6Destination = AllOnes;
        if (flow.NetworkFragment != 0) return null;
        var address = flow.IsIpv4
            ? new IPAddress(flow.Ipv4DestinationWire)
            : flow.Ipv6Destination.ToAddress();
        if (!native.Routes.IsLocal(local.Name, address)) return null;
        if (flow.NetworkProtocol == IpProtocol.Icmpv6) HearAdvertisement(native);
        if (flow.NetworkProtocol == IpProtocol.Udp) wild.PortDestinationWire = ushort.MaxValue;
        return _switch.Listeners.TryFind(
            flow.NetworkProtocol, flow.PortDestination, out var tunnelPort) ? tunnelPort : null;
    }

    private void HearArp(NativeTunnels native, PortSnapshot local)
    {
        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        wild.NetworkProtocol = 0xFF;
        wild.Ipv4SourceWire = wild.Ipv4DestinationWire = uint.MaxValue;
        if (flow.NetworkProtocol != ArpReply) return;
        wild.ArpSource = MacBytes.Broadcast;
        var isForUs = native.Routes.IsLocal(local.Name, new IPAddress(flow.Ipv4DestinationWire))
            || flow.Ipv4SourceWire == flow.Ipv4DestinationWire;
        if (!isForUs || flow.ArpSource.IsMulticast) return;
        _result.Hear(new NeighbourHeard(
            native.Neighbours, _bridge.Name, new IPAddress(flow.Ipv4SourceWire),
            flow.ArpSource));
    }

    private void HearAdvertisement(NativeTunnels native)
    {
        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        wild.PortSourceWire = wild.PortDestinationWire = ushort.MaxValue;
        if (flow.PortSource != NeighbourAdvertisement || flow.PortDestination != 0) return;
        wild.NdTarget = AllOnes;
        wild.ArpTarget = MacBytes.Broadcast;
        if (flow.ArpTarget.IsZero || flow.ArpTarget.IsMulticast) return;
        _result.Hear(new NeighbourHeard(
            native.Neighbours, _bridge.Name, flow.NdTarget.ToAddress(), flow.ArpTarget));
    }
}
