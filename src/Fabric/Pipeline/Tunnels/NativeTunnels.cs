using System.Collections.Frozen;
using System.Net;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>Routes and neighbours of the host: one for all datapaths.</summary>
public sealed class TunnelUnderlay
{
    public RouteTable Routes { get; } = new();
    public NeighbourTable Neighbours { get; } = new();

    /// <summary>Grows with each change of either.</summary>
    public long Version => Routes.Version + Neighbours.Version;
}

/// <summary>Tunnels whose outer packets go through bridges of the datapath itself.</summary>
/// <remarks>
/// They do when the route to the peer leaves by a bridge's own device: the header is pushed in the
/// datapath and the packet goes on in that bridge, as in Open vSwitch's userspace datapath. Else
/// the host's sockets carry them, or, where there are none (dummies), nobody does.
/// </remarks>
/// <param name="isOnly">There are no sockets to fall back to.</param>
public sealed class NativeTunnels(TunnelUnderlay underlay, bool isOnly)
{
    private long _switched;
    private volatile bool _isOn = true;

    public RouteTable Routes => underlay.Routes;
    public NeighbourTable Neighbours => underlay.Neighbours;
    public bool IsOnly { get; } = isOnly;

    /// <summary>dpif/set-dp-features BRIDGE tnl_push_pop: off, sockets carry all.</summary>
    public bool IsOn
    {
        get => _isOn;
        set
        {
            _isOn = value;
            Interlocked.Increment(ref _switched);
        }
    }

    public long Version => underlay.Version + Interlocked.Read(ref _switched);
}

/// <summary>By which tunnel port a packet for one of our addresses is opened.</summary>
public sealed class TunnelListeners
{
    private readonly FrozenDictionary<(byte Protocol, ushort Port), uint> _ports;

    public static TunnelListeners None { get; } = new([]);

    public TunnelListeners(IEnumerable<PortSnapshot> tunnels)
    {
        var ports = new Dictionary<(byte, ushort), uint>();
        foreach (var port in tunnels.OrderBy(each => each.Tunnel!.Kind == TunnelKind.Erspan))
        {
            var kind = port.Tunnel!.Kind;
            if (port.DatapathPort is not { } number || kind == TunnelKind.Stt) continue;
            var isUdp = OuterHeader.IsUdp(kind);
            ports.TryAdd(
                isUdp ? (IpProtocol.Udp, port.Tunnel.DestinationPort) : (IpProtocol.Gre, (ushort)0),
                number);
        }

        _ports = ports.ToFrozenDictionary();
    }

    /// <summary>UDP before GRE, by port.</summary>
    public IEnumerable<(byte Protocol, ushort Port, uint TunnelPort)> All =>
        _ports.OrderBy(each => each.Key.Protocol).ThenBy(each => each.Key.Port)
            .Select(each => (each.Key.Protocol, each.Key.Port, each.Value));

    /// <param name="port">UDP's destination port; 0 for GRE.</param>
    public bool TryFind(byte protocol, ushort port, out uint tunnelPort) =>
        _ports.TryGetValue((protocol, protocol == IpProtocol.Udp ? port : (ushort)0),
            out tunnelPort);
}

/// <summary>An address that a tunnel's packets wait for.</summary>
/// <param name="Bridge">Where to ask.</param>
public sealed record NeighbourWanted(
    BridgeSnapshot Bridge, PortSnapshot Local, IPAddress Source, IPAddress Target);
