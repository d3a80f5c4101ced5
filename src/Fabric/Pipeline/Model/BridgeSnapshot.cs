using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>
/// A bridge as packet threads see it: ports, bundles, mirrors; and where its tables are.
/// </summary>
/// <param name="Pipeline">Tables, groups, addresses: these change without a new snapshot.</param>
/// <param name="ForwardsReservedMulticast">other_config:forward-bpdu.</param>
/// <param name="SendsMisses">
/// Packets that miss table 0 go to controllers: some may speak OpenFlow 1.0 to 1.2.
/// </param>
public sealed record BridgeSnapshot(
    string Name, MacBytes Mac, BridgePipeline Pipeline,
    FrozenDictionary<uint, PortSnapshot> Ports,
    FrozenDictionary<string, BundleSnapshot> Bundles,
    ImmutableArray<MirrorSnapshot> Mirrors, bool ForwardsReservedMulticast,
    bool SendsMisses = false)
{
    /// <summary>Ports in the order of their numbers, LOCAL last.</summary>
    public ImmutableArray<PortSnapshot> PortsInOrder { get; } =
        [.. Ports.Values.OrderBy(port => port.OpenFlowPort)];

    /// <summary>The same, LOCAL first: the order in which NORMAL floods.</summary>
    public ImmutableArray<PortSnapshot> PortsToFlood { get; } =
        [.. Ports.Values.OrderBy(port => port.OpenFlowPort == OfPort.Local ? 0
            : port.OpenFlowPort)];

    /// <summary>Part of the packets that sFlow takes, of 2^32 - 1; 0: it takes none.</summary>
    public uint SflowProbability { get; init; }

    /// <summary>The same of the bridge's IPFIX, for packets that come in and that go out.</summary>
    public uint IpfixInputProbability { get; init; }
    public uint IpfixOutputProbability { get; init; }

    /// <summary>Where IPv4 flows are counted for NetFlow; null: nobody wants to hear.</summary>
    public NetflowTable? Netflow { get; init; }

    /// <summary>In these VLANs nothing is learned and everything is flooded.</summary>
    public ImmutableSortedSet<int> FloodVlans { get; init; } = [];

    /// <summary>There are collectors for the action "sample".</summary>
    public bool HasCollectors { get; init; }

    /// <summary>NORMAL sends groups where they are wanted: mcast_snooping_enable.</summary>
    public bool SnoopsMulticast { get; init; }

    /// <summary>Groups that nobody asked for go everywhere.</summary>
    public bool FloodsUnregistered { get; init; } = true;

    /// <summary>Bundles that get all multicast, or all reports.</summary>
    public ImmutableArray<BundleSnapshot> FloodedBundles { get; } =
    [
        .. Bundles.Values.Where(bundle => bundle.FloodsMulticast || bundle.FloodsReports)
            .OrderBy(bundle => bundle.Name, StringComparer.Ordinal),
    ];

    public BundleSnapshot? BundleOf(PortSnapshot port) =>
        Bundles.TryGetValue(port.Bundle, out var bundle) ? bundle : null;
}

/// <summary>All bridges of one datapath and the way from datapath ports to their ports.</summary>
public sealed record SwitchSnapshot(
    long Generation, FrozenDictionary<string, BridgeSnapshot> Bridges,
    FrozenDictionary<uint, PortSnapshot> ByDatapathPort,
    FrozenDictionary<string, PortSnapshot> PatchPorts, TunnelDirectory Tunnels)
{
    /// <summary>Tunnels through bridges of this datapath; null where it cannot.</summary>
    public NativeTunnels? Native { get; init; }

    /// <summary>Who opens packets that come in for tunnels.</summary>
    public TunnelListeners Listeners { get; init; } = TunnelListeners.None;

    /// <summary>Queues are classes of Linux' traffic control, not plain numbers.</summary>
    public bool HasTrafficControl { get; init; }

    /// <summary>Ports on which other protocols than forwarding are spoken, by interface.</summary>
    public FrozenDictionary<string, SessionPort> Sessions { get; init; } =
        FrozenDictionary<string, SessionPort>.Empty;

    /// <summary>Bridges by name.</summary>
    public ImmutableArray<BridgeSnapshot> BridgesInOrder { get; } =
        [.. Bridges.Values.OrderBy(bridge => bridge.Name, StringComparer.Ordinal)];

    public static SwitchSnapshot Empty { get; } = new(
        0, FrozenDictionary<string, BridgeSnapshot>.Empty,
        FrozenDictionary<uint, PortSnapshot>.Empty,
        FrozenDictionary<string, PortSnapshot>.Empty, TunnelDirectory.Empty);

    /// <summary>What the bridges' ports add up to.</summary>
    public static SwitchSnapshot Of(long generation, IEnumerable<BridgeSnapshot> bridges)
    {
        var all = bridges.ToArray();
        var ports = all.SelectMany(bridge => bridge.PortsInOrder).ToArray();
        var byNumber = new Dictionary<uint, PortSnapshot>();
        var patches = new Dictionary<string, PortSnapshot>();
        foreach (var port in ports)
        {
            if (port.IsPatch) patches[port.Name] = port;
            if (port.Tunnel is null && port.DatapathPort is { } number) byNumber[number] = port;
        }

        return new SwitchSnapshot(
            generation, all.ToFrozenDictionary(bridge => bridge.Name),
            byNumber.ToFrozenDictionary(), patches.ToFrozenDictionary(),
            new TunnelDirectory(ports.Where(port => port.Tunnel is not null)))
        {
            Listeners = new TunnelListeners(ports.Where(port => port.Tunnel is not null)),
        };
    }
}

/// <summary>Which port a tunnel packet came in on: by datapath port, addresses and key.</summary>
/// <remarks>
/// As OVS's tunnel map: the most specific configuration wins - a fixed local address before none,
/// a fixed remote before one by flow, a fixed key before one by flow.
/// </remarks>
public sealed class TunnelDirectory
{
    private readonly FrozenDictionary<(uint, IPAddress, IPAddress, ulong, int), PortSnapshot> _map;
    private readonly int[] _shapes;

    public static TunnelDirectory Empty { get; } = new([]);

    public TunnelDirectory(IEnumerable<PortSnapshot> tunnels)
    {
        var map = new Dictionary<(uint, IPAddress, IPAddress, ulong, int), PortSnapshot>();
        var shapes = new SortedSet<int>();
        foreach (var port in tunnels)
        {
            if (port is not { Tunnel: { } tunnel, DatapathPort: { } number }) continue;
            var shape = (tunnel.IsKeyInByFlow ? 1 : 0)
                | (tunnel.Local is null ? 2 : 0)
                | (tunnel.Remote is null ? 4 : 0);
            map[(number, tunnel.Local ?? IPAddress.Any, tunnel.Remote ?? IPAddress.Any,
                tunnel.IsKeyInByFlow ? 0 : tunnel.KeyIn ?? 0, shape)] = port;
            shapes.Add(shape);
        }

        _map = map.ToFrozenDictionary();
        _shapes = [.. shapes];
    }

    public bool IsEmpty => _map.Count == 0;

    public bool TryFind(
        uint datapathPort, IPAddress outerSource, IPAddress outerDestination, ulong key,
        out PortSnapshot port)
    {
        foreach (var shape in _shapes)
        {
            var lookup = (datapathPort,
                (shape & 2) != 0 ? IPAddress.Any : outerDestination,
                (shape & 4) != 0 ? IPAddress.Any : outerSource,
                (shape & 1) != 0 ? 0 : key, shape);
            if (_map.TryGetValue(lookup, out port!)) return true;
        }

        port = null!;
        return false;
    }
}
