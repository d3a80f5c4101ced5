using System.Collections.Immutable;
using System.Net;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks;

/// <summary>An eBPF datapath in a namespace, with two ports that it connects.</summary>
internal sealed class EbpfSwitch : IUpcallHandler, IDisposable
{
    private readonly EbpfDatapath _datapath;
    private readonly bool _hasFirewall;
    private readonly NatSpec? _nat;
    private readonly TunnelMetadata? _outer;
    private readonly uint _first;
    private readonly uint _second;

    /// <param name="second">The other device, or null where the other port is a tunnel.</param>
    /// <param name="remote">The tunnel's other end.</param>
    /// <param name="nat">What new connections get, where there is a firewall.</param>
    public EbpfSwitch(
        string space, string first, string? second, bool hasFirewall = false,
        TunnelKind kind = TunnelKind.Vxlan, IPAddress? remote = null, NatSpec? nat = null)
    {
        _hasFirewall = hasFirewall;
        _nat = nat;
        if (remote is not null)
        {
            _outer = new TunnelMetadata(
                5, IPAddress.Any, remote, 0, 64, TunnelFlags.Key | TunnelFlags.DontFragment, 0, 0,
                kind == TunnelKind.Geneve ? [1, 2, 0x80, 1, 0, 2, 0, 1] : []);
        }

        EbpfDatapath? made = null;
        var error = "";
        uint one = 0, two = 0;
        NamespaceThread.Run(space, () =>
        {
            if (!EbpfDatapath.TryOpen(new EbpfOptions(), out made, out error)) return;
            made!.UpcallHandler = this;
            one = Add(made, new DatapathPortSpec(first, DatapathPortKind.System));
            var port = kind == TunnelKind.Geneve ? (ushort)6081 : (ushort)4789;
            two = Add(made, second is not null
                ? new DatapathPortSpec(second, DatapathPortKind.System)
                : new DatapathPortSpec(
                    "tunnel", DatapathPortKind.Tunnel, Tunnel: new TunnelPortSpec(kind, port)));
        });
        _datapath = made ?? throw new BenchmarkSkippedException(error);
        (_first, _second) = (one, two);
    }

    public EbpfDatapath Datapath => _datapath;

    public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
    {
        mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.RecirculationIdWire = uint.MaxValue;
        mask.EthernetTypeWire = ushort.MaxValue;
        ImmutableArray<DatapathAction> output = key.InPort != _first
            ? [new OutputAction(_first)]
            : _outer is null
                ? [new OutputAction(_second)]
                : [new SetTunnelAction(_outer), new OutputAction(_second)];
        if (!_hasFirewall || !key.IsIpv4) return new UpcallVerdict(output, Install: true);
        if (key.RecirculationId == 0)
        {
            return new UpcallVerdict(
                [Track(isCommit: false), new RecirculateAction(1)], Install: true);
        }

        mask.ConntrackStateWire = uint.MaxValue;
        return new UpcallVerdict(
            (key.ConntrackState & ConntrackState.New) != 0
                ? [Track(isCommit: true), .. output]
                : output,
            Install: true);
    }

    public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
    {
    }

    /// <summary>Puts so many flows that differ in one address, and deletes them.</summary>
    /// <returns>Operations per second; bytes of maps, of flows and of all, with them in.</returns>
    public (double Rate, (double Flows, double All) Bytes) PutFlows(int count)
    {
        FlowKey mask = default;
        mask.InPortWire = uint.MaxValue;
        mask.RecirculationIdWire = uint.MaxValue;
        mask.EthernetTypeWire = ushort.MaxValue;
        mask.Ipv4DestinationWire = uint.MaxValue;
        FlowKey key = default;
        key.InPort = _first;
        key.EthernetType = EtherType.Ipv4;
        ImmutableArray<DatapathAction> actions = [new OutputAction(_second)];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < count; i++)
        {
            key.Ipv4Destination = 0x0B00_0000u + (uint)i;
            _datapath.Flows.Put(in key, in mask, actions);
        }

        watch.Stop();
        var bytes = _datapath.MapBytes();
        watch.Start();
        for (var i = 0; i < count; i++)
        {
            key.Ipv4Destination = 0x0B00_0000u + (uint)i;
            _datapath.Flows.Delete(in key, in mask, out _);
        }

        return (2 * count / watch.Elapsed.TotalSeconds, bytes);
    }

    private ConntrackAction Track(bool isCommit) => new(
        isCommit, Force: false, Zone: 1, 0, 0, 0, 0, Helper: null,
        _nat is null || isCommit
            ? _nat : new NatSpec(NatType.None, null, null, 0, 0, false, false, false),
        TimeoutPolicy: null);

    private static uint Add(EbpfDatapath datapath, DatapathPortSpec spec) =>
        datapath.Ports.TryAdd(spec, out var port, out var error)
            ? port.Number
            : throw new InvalidOperationException(error);

    public void Dispose() => _datapath.Dispose();
}
