using System.Collections.Immutable;
using Fabric.Cluster;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>What one compilation came to.</summary>
/// <param name="Changes">Since the compilation before.</param>
/// <param name="Zones">Names of the conntrack zones that local datapaths need.</param>
public sealed record CompileResult(
    FlowChanges Changes, ImmutableArray<NetworkCondition> Conditions,
    ImmutableSortedSet<string> Zones, int LocalDatapathCount, int CompiledBlockCount)
{
    /// <summary>network_name by localnet port of local switches.</summary>
    public ImmutableSortedDictionary<string, string> Localnets { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>
/// From the northbound to this host's flows, remembering what it compiled before.
/// </summary>
/// <remarks>
/// Only datapaths that can be reached from a port bound here are compiled. Each logical object has
/// a block of flows, made again only when something that it is made from has changed, so that a
/// change costs what it touches.
/// </remarks>
public sealed class LogicalCompiler
{
    private readonly NorthboundReader _rows = new();
    private readonly BlockCache _cache = new();
    private readonly NetworkChecks _checks = new();
    private readonly Dictionary<Guid, SwitchView> _views = [];
    private readonly Dictionary<Guid, RouterView> _routers = [];
    private DatabaseSnapshot? _database;
    private TunnelKeys? _keys;
    private HostView? _host;
    private LocalDatapaths? _local;
    private CompileResult? _last;

    /// <summary>Everything that should be installed now.</summary>
    public DesiredFlows Flows { get; } = new();

    /// <summary>The typed rows of the last compilation.</summary>
    public NorthboundReader Rows => _rows;

    /// <summary>The relations of the last compilation; null before the first.</summary>
    public LogicalTopology? Topology { get; private set; }

    public CompileResult Compile(DatabaseSnapshot database, TunnelKeys keys, HostView host)
    {
        var isKnown = ReferenceEquals(database, _database);
        if (!isKnown) _rows.Update(database);
        _database = database;
        if (Topology is not null && _last is not null && (isKnown || _rows.OnlySetsChanged)
            && keys.Equals(_keys) && host.Equals(_host))
        {
            return Refresh(Topology, _last, host);
        }

        (_keys, _host) = (keys, host);
        var topology = new LogicalTopology(_rows, keys);
        Topology = topology;
        var pass = new CompilePass(topology, host, _cache, Flows);
        var local = LocalDatapaths.Find(topology, host);
        _local = local;
        _views.Clear();
        _routers.Clear();

        _cache.Begin();
        pass.DeclareMeters();
        PhysicalPipeline.CompileHost(pass);
        foreach (var row in local.Switches) CompileSwitch(pass, row);
        foreach (var row in local.Routers) CompileRouter(pass, row);
        _cache.End(Flows);

        var conditions = _rows.Conditions()
            .Concat(_checks.Of(topology))
            .Concat(_cache.Conditions())
            .Take(LogicalLimits.ConditionsMax);
        return _last = new CompileResult(
            Flows.TakeChanges(), [.. conditions], local.ZoneNames(topology, host),
            local.Switches.Length + local.Routers.Length, _cache.CompiledCount)
        {
            Localnets = local.Localnets(topology, host),
        };
    }

    /// <summary>
    /// Only members of address sets may have changed: expressions are looked at, nothing else.
    /// </summary>
    private CompileResult Refresh(LogicalTopology topology, CompileResult last, HostView host)
    {
        topology.IndexSets();
        var pass = new CompilePass(topology, host, _cache, Flows);
        _cache.Begin();
        foreach (var row in _local!.Switches)
        {
            if (_views.TryGetValue(row.Uuid, out var view))
                SwitchPipeline.CompileExpressions(pass, view);
        }

        foreach (var row in _local.Routers)
        {
            if (_routers.TryGetValue(row.Uuid, out var view))
                RouterPipeline.CompileExpressions(pass, view);
        }

        var conditions = _rows.Conditions()
            .Concat(_checks.Of(topology))
            .Concat(_cache.Conditions())
            .Take(LogicalLimits.ConditionsMax);
        return _last = last with
        {
            Changes = Flows.TakeChanges(),
            Conditions = [.. conditions],
            CompiledBlockCount = _cache.CompiledCount,
        };
    }

    private void CompileSwitch(CompilePass pass, LogicalSwitch row)
    {
        if (pass.Topology.DatapathKey(row.Uuid) is not { } key) return;
        var view = new SwitchView(pass.Topology, pass.Host, row, key);
        _views[row.Uuid] = view;
        SwitchPipeline.Compile(pass, view);
        var ports = view.Ports.Select(port => PhysicalOf(pass, port)).ToImmutableArray();
        var localnet = ports.FirstOrDefault(port => port.IsLocalnet && port.Interface is not null);
        if (localnet is not null)
            ports = [.. ports.Select(port => port with { ViaLocalnet = localnet.Key })];
        PhysicalPipeline.CompileDatapath(pass, row.Uuid, key, ports, isSwitch: true);
    }

    private static PhysicalPort PhysicalOf(CompilePass pass, SwitchPortView port)
    {
        var row = port.Row;
        uint? face = row.IsVif && pass.Host.Interfaces.TryGetValue(row.Name, out var found)
            ? found
            : null;
        if ((row.IsLocalnet || row.L2GatewayChassis == pass.Host.HostId)
            && pass.Host.PhysicalNetworks.TryGetValue(row.Name, out var physical))
            face = physical;

        if (row.Parent is { Length: > 0 } parent)
            face = pass.Host.Interfaces.TryGetValue(parent, out var carrier) ? carrier : null;
        PatchPeer? patch = null;
        if (port.Peer is { } peer && pass.Topology.RouterOf(peer) is { } router
            && (!port.IsOfGatewayRouter || port.Gateway is null)
            && pass.Topology.DatapathKey(router.Uuid) is { } datapath
            && pass.Topology.PortKey(peer.Uuid) is { } key)
        {
            patch = PeerIn(pass, router.Uuid, datapath, key);
        }

        var tunnel = face is null && !row.IsLocalport ? pass.Host.TunnelTo(row.Name) : null;
        if (row.L2GatewayChassis is { } chassis && pass.Host.Tunnels.TryGetValue(
                chassis, out var toGateway))
        {
            tunnel = toGateway;
        }

        if (port is { Gateway: { } gateway, IsPeerServed: true }
            && pass.Host.Tunnels.TryGetValue(gateway, out var way))
        {
            tunnel = way; // The router's port acts on its gateway's host.
        }

        return new PhysicalPort(
            row.Name, row.Uuid, port.Key, face, tunnel, patch, pass.Host.Zone(row.Name),
            row.Tag, row.IsLocalport, row.IsLocalnet, row.IsRouter)
        {
            IsLinkHere = port is { IsOfGatewayRouter: true, Gateway: null },
        };
    }

    private void CompileRouter(CompilePass pass, LogicalRouter row)
    {
        if (pass.Topology.DatapathKey(row.Uuid) is not { } key) return;
        var view = new RouterView(pass.Topology, pass.Host, row, key);
        _routers[row.Uuid] = view;
        RouterPipeline.Compile(pass, view);
        var ports = view.Ports.Select(port => PhysicalOf(pass, port)).ToImmutableArray();
        PhysicalPipeline.CompileDatapath(pass, row.Uuid, key, ports, isSwitch: false);
    }

    private static PhysicalPort PhysicalOf(CompilePass pass, RouterPortView port)
    {
        PatchPeer? patch = null;
        if (pass.Topology.PeerOf(port.Row) is { } plug
            && pass.Topology.SwitchOf(plug) is { } owner
            && pass.Topology.DatapathKey(owner.Uuid) is { } datapath
            && pass.Topology.PortKey(plug.Uuid) is { } key)
        {
            patch = PeerIn(pass, owner.Uuid, datapath, key);
        }
        else if (port.Row.Peer is { } name && pass.Topology.RouterPort(name) is { } other
            && pass.Topology.RouterOf(other) is { } router
            && pass.Topology.DatapathKey(router.Uuid) is { } routerKey
            && pass.Topology.PortKey(other.Uuid) is { } otherKey)
        {
            patch = PeerIn(pass, router.Uuid, routerKey, otherKey);
        }

        var redirect = port.RedirectKey is { } redirectKey
            ? new RedirectPort(
                redirectKey, port.IsResident,
                port.Gateway is { } gateway && pass.Host.Tunnels.TryGetValue(
                    gateway, out var tunnel)
                    ? tunnel
                    : null)
            : null;
        return new PhysicalPort(
            port.Row.Name, port.Row.Uuid, port.Key, null, null, patch, 0, null, false, false, true,
            redirect);
    }

    private static PatchPeer PeerIn(
        CompilePass pass, Guid datapath, uint datapathKey, uint portKey) =>
        new(
            datapathKey, portKey, pass.Host.Zone(ConntrackZones.DnatName(datapath)),
            pass.Host.Zone(ConntrackZones.SnatName(datapath)));
}
