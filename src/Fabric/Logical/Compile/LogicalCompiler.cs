using System.Collections.Immutable;
using Fabric.Cluster;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>What one compilation came to.</summary>
/// <param name="Changes">Since the compilation before.</param>
/// <param name="Zones">Names of the conntrack zones that local datapaths need.</param>
public sealed record CompileResult(
    FlowChanges Changes, ImmutableSortedSet<string> Zones, int LocalDatapathCount,
    int CompiledBlockCount)
{
    /// <summary>network_name by localnet port of local switches.</summary>
    public ImmutableSortedDictionary<string, string> Localnets { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What an operator should see; looked for when it is asked for.</summary>
    public ImmutableArray<NetworkCondition> Conditions => FoundConditions.Value;

    internal Lazy<ImmutableArray<NetworkCondition>> FoundConditions { get; init; } = new([]);
}

/// <summary>
/// From the northbound to this host's flows, remembering what it compiled before.
/// </summary>
/// <remarks>
/// Only datapaths that can be reached from a port bound here are compiled. Each logical object has
/// a block of flows, made again only when something that it is made from has changed; and only
/// datapaths and ports that a change can touch are looked at (<see cref="TouchedDatapaths"/>), so
/// that a change costs what it touches.
/// </remarks>
public sealed partial class LogicalCompiler
{
    private readonly NorthboundReader _rows = new();
    private readonly BlockCache _cache = new();
    private readonly NetworkChecks _checks = new();
    private readonly SortedDictionary<Guid, SwitchView> _switches = [];
    private readonly SortedDictionary<Guid, RouterView> _routers = [];
    private DatabaseSnapshot? _database;
    private TunnelKeys? _keys;
    private HostView? _host;
    private LocalDatapaths? _local;

    /// <summary>Everything that should be installed now.</summary>
    public DesiredFlows Flows { get; } = new();

    /// <summary>The typed rows of the last compilation.</summary>
    public NorthboundReader Rows => _rows;

    /// <summary>The relations of the last compilation; null before the first.</summary>
    public LogicalTopology? Topology { get; private set; }

    /// <summary>Switches that are compiled here.</summary>
    public IEnumerable<LogicalSwitch> LocalSwitches => _switches.Values.Select(view => view.Row);

    /// <summary>Some switch here has ports behind which MACs are not all known.</summary>
    public bool LearnsStations => _switches.Values.Any(view => view.Traits.HasUnknown);

    /// <summary>A port of a switch that is compiled here, by keys; null: there is none.</summary>
    public LogicalSwitchPort? SwitchPortAt(uint datapath, uint port) => _switches.Values
        .FirstOrDefault(view => view.Key == datapath)?.Ports
        .FirstOrDefault(view => view.Key == port)?.Row;

    /// <summary>Compilations that looked at everything, for tests and figures.</summary>
    public int WholeCount { get; private set; }

    public CompileResult Compile(DatabaseSnapshot database, TunnelKeys keys, HostView host)
    {
        var isSame = ReferenceEquals(database, _database);
        if (!isSame) _rows.Update(database);
        var touched = Touched(isSame, keys, host);
        (_database, _keys, _host) = (database, keys, host);
        _cache.Begin();
        if (touched is null) CompileWhole(keys, host);
        else CompileTouched(touched, host);
        var topology = Topology!;
        var local = _local!;
        return new CompileResult(
            Flows.TakeChanges(), local.ZoneNames(topology, host),
            local.Switches.Length + local.Routers.Length, _cache.CompiledCount)
        {
            Localnets = local.Localnets(topology, host),
            FoundConditions = new Lazy<ImmutableArray<NetworkCondition>>(() =>
            [
                .. _rows.Conditions().Concat(_checks.Of(topology)).Concat(_cache.Conditions())
                    .Take(LogicalLimits.ConditionsMax),
            ]),
        };
    }

    /// <summary>What must be looked at again; null: everything.</summary>
    private TouchedDatapaths? Touched(bool isSame, TunnelKeys keys, HostView host)
    {
        if (Topology is not { } topology || _host is null || _keys is null) return null;
        var touched = new TouchedDatapaths(topology, _switches, _routers);
        if (isSame)
        {
            return ReferenceEquals(keys, _keys) && touched.NoteHost(_host, host)
                ? touched
                : null;
        }

        if (_rows.IsWhole || _rows.HasFarReachingChange) return null;
        touched.NoteBefore();
        return topology.Follow(keys) && touched.NoteKeys(_keys, keys)
            && touched.NoteRows(host) && touched.NoteHost(_host, host)
                ? touched
                : null;
    }

    private void CompileWhole(TunnelKeys keys, HostView host)
    {
        WholeCount++;
        var topology = new LogicalTopology(_rows, keys);
        Topology = topology;
        var pass = new CompilePass(topology, host, _cache, Flows);
        _local = LocalDatapaths.Find(topology, host);
        var before = _switches.Keys.Concat(_routers.Keys).ToList();
        _switches.Clear();
        _routers.Clear();

        pass.Enter(Guid.Empty);
        pass.DeclareMeters();
        PhysicalPipeline.CompileHost(pass);
        pass.Leave(null);
        foreach (var row in _local.Switches) CompileSwitch(pass, row, null);
        foreach (var row in _local.Routers) CompileRouter(pass, row, null);
        foreach (var datapath in before)
        {
            if (!_switches.ContainsKey(datapath) && !_routers.ContainsKey(datapath))
                pass.Drop(datapath);
        }
    }

    private void CompileTouched(TouchedDatapaths touched, HostView host)
    {
        var topology = Topology!;
        var pass = new CompilePass(topology, host, _cache, Flows);
        foreach (var view in _switches.Values) Prepare(view.Names, touched, host);
        foreach (var view in _routers.Values) Prepare(view.Names, touched, host);
        var done = new HashSet<Guid>();
        if (touched.HasReachChanged) Reach(pass, done);
        else _local = _local!.Refreshed(_rows);

        foreach (var (datapath, ports) in touched.Ports)
        {
            if (!done.Add(datapath)) continue;
            if (_switches.ContainsKey(datapath)
                && _rows.Switches.TryGetValue(datapath, out var owner))
                CompileSwitch(pass, owner, ports);
            else if (_routers.ContainsKey(datapath)
                && _rows.Routers.TryGetValue(datapath, out var router))
                CompileRouter(pass, router, ports);
            else
                done.Remove(datapath);
        }

        if (touched.Names.Count > 0 || touched.HasResidentsMoved) CompileExpressions(pass, done);
    }

    private static void Prepare(DatapathContext names, TouchedDatapaths touched, HostView host)
    {
        names.Host = host;
        names.Forget(touched.Names);
    }

    /// <summary>New local datapaths are compiled whole, those that no longer are go.</summary>
    private void Reach(CompilePass pass, HashSet<Guid> done)
    {
        var local = LocalDatapaths.Find(pass.Topology, pass.Host);
        _local = local;
        var wanted = local.Switches.Select(row => row.Uuid)
            .Concat(local.Routers.Select(row => row.Uuid)).ToHashSet();
        foreach (var gone in _switches.Keys.Concat(_routers.Keys)
            .Where(datapath => !wanted.Contains(datapath)).ToList())
        {
            pass.Drop(gone);
            _switches.Remove(gone);
            _routers.Remove(gone);
        }

        foreach (var row in local.Switches)
        {
            if (!_switches.ContainsKey(row.Uuid) && done.Add(row.Uuid))
                CompileSwitch(pass, row, null);
        }

        foreach (var row in local.Routers)
        {
            if (!_routers.ContainsKey(row.Uuid) && done.Add(row.Uuid))
                CompileRouter(pass, row, null);
        }
    }

    /// <summary>What names mean may have changed where nothing else did.</summary>
    private void CompileExpressions(CompilePass pass, HashSet<Guid> done)
    {
        foreach (var (datapath, view) in _switches)
        {
            if (done.Contains(datapath)) continue;
            pass.Enter(datapath);
            SwitchPipeline.CompileExpressions(pass, view);
        }

        foreach (var (datapath, view) in _routers)
        {
            if (done.Contains(datapath)) continue;
            pass.Enter(datapath);
            RouterPipeline.CompileExpressions(pass, view);
        }
    }

    /// <param name="ports">Ports that may differ from before; null: any may.</param>
    private void CompileSwitch(CompilePass pass, LogicalSwitch row, IReadOnlySet<Guid>? ports)
    {
        if (pass.Topology.DatapathKey(row.Uuid) is not { } key) return;
        pass.Enter(row.Uuid);
        if (ports is not null && _switches.TryGetValue(row.Uuid, out var view) && view.Key == key)
        {
            if (!view.Update(pass.Host, row, ports)) ports = null;
        }
        else
        {
            ports = null;
            view = new SwitchView(pass.Topology, pass.Host, row, key);
            _switches[row.Uuid] = view;
        }

        SwitchPipeline.Compile(pass, view, ports);
        PhysicalPipeline.CompilePorts(pass, row.Uuid, key, Placed(pass, view, ports));
        PhysicalPipeline.CompileGroups(pass, view);
        pass.Leave(ports);
    }

    /// <param name="neighbors">Ports of its switches that may differ; null: any may.</param>
    private void CompileRouter(
        CompilePass pass, LogicalRouter row, IReadOnlySet<Guid>? neighbors)
    {
        if (pass.Topology.DatapathKey(row.Uuid) is not { } key) return;
        pass.Enter(row.Uuid);
        var view = new RouterView(pass.Topology, pass.Host, row, key);
        _routers[row.Uuid] = view;
        RouterPipeline.Compile(pass, view, neighbors);
        var ports = view.Ports.Select(port => PhysicalOf(pass, port)).ToImmutableArray();
        PhysicalPipeline.CompilePorts(pass, row.Uuid, key, ports);
        pass.Leave(neighbors);
    }
}
