using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;

namespace Fabric.Switching;

/// <summary>What goes into the Interface rows: numbers, errors, links and counters.</summary>
public static class InterfaceReports
{
    public static ImmutableArray<InterfaceStatus> Of(BridgeState state, SwitchedDatapath? datapath)
    {
        var live = new Dictionary<string, DatapathPort>(StringComparer.Ordinal);
        if (datapath is not null)
        {
            foreach (var port in datapath.Provider.Ports.Dump()) live[port.Name] = port;
        }

        var all = ImmutableArray.CreateBuilder<InterfaceStatus>();
        foreach (var opened in state.Interfaces)
        {
            all.Add(opened.Error is null
                ? Of(state, datapath, opened, live) : Failed(opened.Spec, opened.Error));
        }

        return all.ToImmutable();
    }

    /// <summary>
    /// Of bonds, the address of the member that sends what is not balanced; zero: none can.
    /// </summary>
    public static ImmutableSortedDictionary<string, MacBytes> ActiveMembers(BridgeState state) =>
        state.Bonds.ToImmutableSortedDictionary(
            bond => bond.Key,
            bond => bond.Value.View(state.Now).Members.FirstOrDefault(each => each.IsActive)?.Mac
                ?? default,
            StringComparer.Ordinal);

    /// <summary>Counters that only test devices have: two of their own, and a queue's.</summary>
    internal static IEnumerable<(string Name, ulong Value)> DummyCounters(PortStatistics from) =>
    [
        ("rx_custom_packets_1", from.RxPackets), ("rx_custom_packets_2", from.RxPackets),
        ("rx_q0_bytes", from.RxBytes), ("rx_q0_packets", from.RxPackets),
        ("tx_q0_bytes", from.TxBytes), ("tx_q0_packets", from.TxPackets),
    ];

    private static readonly int LocalNumber =
        Fabric.Wire.OpenFlow.OfPort.ToWire16(Fabric.Wire.OpenFlow.OfPort.Local);

    private static InterfaceStatus Failed(InterfaceSpec spec, string error) => new(
        spec.Row, spec.Name, -1, error, null, null, null, null, null, null,
        ImmutableSortedDictionary<string, string>.Empty,
        ImmutableSortedDictionary<string, long>.Empty);

    private static InterfaceStatus Of(
        BridgeState state, SwitchedDatapath? datapath, InterfaceOpened opened,
        Dictionary<string, DatapathPort> live)
    {
        var spec = opened.Spec;
        var number = (int)Fabric.Wire.OpenFlow.OfPort.ToWire16(
            state.NumberOf(spec.Name, BridgeSnapshots.WishOf(spec)));
        var shown = datapath?.Current.Bridges.GetValueOrDefault(state.Name)?.PortsInOrder
            .FirstOrDefault(each => each.Name == spec.Name)?.Mac;
        if (opened.Port is not { } port)
        {
            return new InterfaceStatus(
                spec.Row, spec.Name, number, PeerProblem(datapath, opened), shown, null, null,
                true, true, null, ImmutableSortedDictionary<string, string>.Empty,
                Counters(state.CountersOf(spec.Name).Total));
        }

        port = live.GetValueOrDefault(port.Name, port);
        var isTunnel = opened.Tunnel is not null;
        return new InterfaceStatus(
            spec.Row, spec.Name, number, null,
            isTunnel || number == LocalNumber ? shown : port.Mac,
            isTunnel || port.InterfaceIndex == 0 ? null : port.InterfaceIndex,
            isTunnel ? null : port.Mtu, isTunnel || port.IsAdminUp, isTunnel || port.IsLinkUp,
            isTunnel || port.LinkSpeed == 0 ? null : port.LinkSpeed,
            EgressOf(datapath, opened, live, state.Now),
            isTunnel
                ? Counters(state.CountersOf(spec.Name).Total)
                : DeviceCounters(
                    datapath?.Provider.Ports.Statistics(port.Number),
                    port.Type.StartsWith("dummy", StringComparison.Ordinal)));
    }

    private static ImmutableSortedDictionary<string, string> EgressOf(
        SwitchedDatapath? datapath, InterfaceOpened opened,
        Dictionary<string, DatapathPort> live, long now) =>
        opened.Tunnel is not { } tunnel || datapath?.Underlay is not { } underlay
            ? ImmutableSortedDictionary<string, string>.Empty
            : TunnelEgress.StatusOf(
                underlay, tunnel, device => live.GetValueOrDefault(device)?.IsLinkUp, now);

    /// <summary>A patch leads to one that leads back, or nowhere.</summary>
    private static string? PeerProblem(SwitchedDatapath? datapath, InterfaceOpened opened)
    {
        if (datapath is null || opened.Peer is not { } peer) return null;
        var isThere = datapath.Current.PatchPorts.TryGetValue(peer, out var other)
            && other.PeerPort == opened.Spec.Name;
        return isThere
            ? null : $"No usable peer '{peer}' exists in '{datapath.Type}' datapath.";
    }

    /// <summary>Peers of patches may have come after the bridge was reported.</summary>
    public static BridgeStatus WithPeers(
        BridgeStatus status, BridgeState state, SwitchedDatapath? datapath)
    {
        if (state.Interfaces.All(each => each.Peer is null)) return status;
        var byName = state.Interfaces.ToDictionary(each => each.Spec.Name);
        return status with
        {
            Interfaces =
            [
                .. status.Interfaces.Select(each =>
                    byName.TryGetValue(each.Name, out var opened) && opened.Peer is not null
                        ? each with { Error = PeerProblem(datapath, opened) } : each),
            ],
        };
    }

    private static ImmutableSortedDictionary<string, long> Counters(PortStatistics from) =>
        ImmutableSortedDictionary<string, long>.Empty
            .Add("rx_packets", (long)from.RxPackets).Add("tx_packets", (long)from.TxPackets)
            .Add("rx_bytes", (long)from.RxBytes).Add("tx_bytes", (long)from.TxBytes);

    /// <param name="isDummy">Test devices have one queue, and counters that only they have.</param>
    private static ImmutableSortedDictionary<string, long> DeviceCounters(
        PortStatistics? statistics, bool isDummy)
    {
        var from = statistics ?? new PortStatistics(0, 0, 0, 0, 0, 0, 0, 0);
        var counters = Counters(from).ToBuilder();
        if (statistics is null) return counters.ToImmutable();
        Add("rx_errors", from.RxErrors);
        Add("tx_errors", from.TxErrors);
        Add("rx_dropped", from.RxDropped);
        Add("tx_dropped", from.TxDropped);
        if (!isDummy) return counters.ToImmutable();
        foreach (var (name, value) in DummyCounters(from)) counters[name] = (long)value;
        return counters.ToImmutable();

        void Add(string name, ulong count)
        {
            if (count != PortStatistics.Unknown) counters[name] = (long)count;
        }
    }
}
