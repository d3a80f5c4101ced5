using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Pipeline;

/// <summary>
/// Bridges without actors and a datapath without packets: for testing translation.
/// </summary>
internal sealed class PipelineWorld
{
    private readonly SortedDictionary<string, List<PortSnapshot>> _ports = [];
    private readonly Dictionary<string, Dictionary<string, BundleSnapshot>> _bundles = [];
    private readonly Translation _translation = new();
    private SwitchSnapshot? _switch;

    public Dictionary<string, BridgePipeline> Pipelines { get; } = [];
    public Dictionary<string, ImmutableArray<MirrorSnapshot>> Mirrors { get; } = [];
    public RecirculationTable Recirculation { get; } = new();
    public TranslationResult Result { get; } = new();
    public long Now { get; set; } = 1000;

    /// <summary>A bridge br0 with ports p1 ... pN, OpenFlow and datapath numbers alike.</summary>
    public static PipelineWorld WithPorts(int count)
    {
        var world = new PipelineWorld();
        for (uint i = 1; i <= count; i++) world.AddPort("br0", $"p{i}", i, i);
        return world;
    }

    public BridgePipeline Br0 => PipelineOf("br0");

    public BridgePipeline PipelineOf(string bridge)
    {
        if (!Pipelines.TryGetValue(bridge, out var pipeline))
        {
            Pipelines[bridge] = pipeline = new BridgePipeline(bridge);
        }

        return pipeline;
    }

    public void AddPort(
        string bridge, string name, uint number, uint? datapathPort, string? peer = null,
        TunnelConfig? tunnel = null, VlanMode mode = VlanMode.Trunk, int vlan = -1,
        int[]? trunks = null)
    {
        PipelineOf(bridge);
        if (!_ports.TryGetValue(bridge, out var ports)) _ports[bridge] = ports = [];
        ports.Add(new PortSnapshot(
            bridge, name, number, datapathPort, MacBytes.FromUInt64(number), 1500,
            OfPortConfig.None, true, name, peer, tunnel));
        if (!_bundles.TryGetValue(bridge, out var bundles)) _bundles[bridge] = bundles = [];
        bundles[name] = new BundleSnapshot(
            name, mode, vlan, [.. trunks ?? []], [], [number], null, true, false, false, 0x88A8,
            PriorityTagging.Never);
        _switch = null;
    }

    public void Change(string bridge, string bundle, Func<BundleSnapshot, BundleSnapshot> change)
    {
        _bundles[bridge][bundle] = change(_bundles[bridge][bundle]);
        _switch = null;
    }

    /// <summary>Settings of all bridges that differ from the usual ones.</summary>
    public Func<BridgeSnapshot, BridgeSnapshot> Adapt
    {
        private get;
        set => (field, _switch) = (value, null);
    } = bridge => bridge;

    public SwitchSnapshot Switch => _switch ??= SwitchSnapshot.Of(1, _ports.Select(
        each => Adapt(new BridgeSnapshot(
            each.Key, MacBytes.FromUInt64(1), PipelineOf(each.Key),
            each.Value.ToFrozenDictionary(port => port.OpenFlowPort),
            _bundles[each.Key].ToFrozenDictionary(),
            Mirrors.GetValueOrDefault(each.Key, []), false))));

    public void Add(byte table, int priority, MatchBuilder match, params OfAction[] actions) =>
        Add("br0", table, priority, match, actions);

    public void Add(
        string bridge, byte table, int priority, MatchBuilder match, params OfAction[] actions)
    {
        var outcome = PipelineOf(bridge).Apply(
            [new PipelineChange(FlowMod.Add(
                table, (ushort)priority, match.Build(), ActionList.From(actions)))],
            true, Now);
        Assert.Empty(outcome.Refused);
    }

    /// <summary>Datapath actions, as dpctl prints them, for a flow as dpctl prints it.</summary>
    public string Actions(string flow, bool hasEffects = true) => Actions(Parse(flow), hasEffects);

    public string Actions(in FlowKey key, bool hasEffects = true)
    {
        Translate(in key, hasEffects);
        return OdpActionText.Format(Result.Actions);
    }

    public void Translate(
        in FlowKey key, bool hasEffects = true, TraceList? trace = null,
        PacketBuffer? packet = null) =>
        _translation.Run(
            new TranslationRequest(
                Switch, Recirculation, Now, hasEffects, packet?.Size ?? 0, null, trace)
            {
                Packet = packet,
            },
            in key, Result);

    /// <summary>What becomes of a whole packet that comes in at a port.</summary>
    public string Actions(uint port, ReadOnlySpan<byte> bytes)
    {
        var packet = new PacketBuffer(bytes.Length);
        packet.Load(bytes);
        FlowKey key = default;
        key.InPort = port;
        Assert.True(FlowKeyExtractor.TryExtract(bytes, ref key, out var reason), $"{reason}");
        Translate(in key, packet: packet);
        return OdpActionText.Format(Result.Actions);
    }

    /// <summary>The megaflow of the last translation, as dpctl prints it.</summary>
    public string Megaflow(string flow)
    {
        var key = Parse(flow);
        Translate(in key);
        var words = key.Words;
        for (var i = 0; i < words.Length; i++) words[i] &= Result.Mask.Words[i];
        return OdpFlowText.Format(in key, in Result.Mask);
    }

    public static FlowKey Parse(string flow)
    {
        Assert.True(OdpFlowText.TryParse(flow, null, out var key, out _, out var error), error);
        return key;
    }

    public const string Tcp = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),"
        + "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=1000,dst=80),tcp_flags(syn)";

    public static TunnelConfig GeneveTo(string? remote) => new(
        TunnelKind.Geneve, 6081, remote is null ? null : IPAddress.Parse(remote), remote is null,
        null, false, null, true, null, true, 0, false, 64, false, true, true);
}
