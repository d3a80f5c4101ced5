using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Logical;
using Fabric.Observability;
using Fabric.HostNode.Windows;
using Fabric.Switching;
using HostRoom = Fabric.Host.HostRoom;

namespace Fabric.HostNode.Composition;

/// <summary>All rooms of a host node, and what they are given. Nothing is decided here.</summary>
internal sealed class HostRooms : IDisposable
{
    public const string Root = "/user/host";

    private readonly HostSettings _settings;
    private readonly ActorSystem _system;
    private readonly SwitchStore _store;
    private readonly FabricSystemSlot _slot;
    private readonly UnixctlCommands _appctl = new();
    private readonly UnixctlCommands _cli = new();
    private readonly Coverage _coverage = new();
    private readonly Datapaths _datapaths;
    private readonly Shaper _shaper;
    private readonly ITimer _sampling;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly Vlog _log;

    public HostRooms(HostSettings settings, ActorSystem system, Vlog log, Action stop)
    {
        _settings = settings;
        _log = log;
        _system = system;
        _datapaths = new Datapaths(settings, log, _time, attached =>
            system.ActorSelection($"{Root}/conntrack").Tell(attached));
        _slot = new FabricSystemSlot((start, host) =>
        {
            var fabric = FabricSystem.Start(FabricSettings(), start, host);
            fabric.ActorOf(VlogLoggerActor.Props(log), "log");
            return fabric;
        });
        _store = new SwitchStore(_time, _datapaths.TryOpen);
        _shaper = new Shaper(_time);
        _sampling = _time.CreateTimer(
            _ => _coverage.Sample(), null, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
        RegisterCommands(log, stop);
        All = List();
    }

    public ImmutableArray<HostRoom> All { get; }

    /// <summary>The datapaths that are open.</summary>
    public ImmutableArray<IDatapathProvider> Providers => _datapaths.Open;

    /// <summary>Takes this host out of the cluster in order.</summary>
    public Task LeaveAsync() => _slot.StopAsync();

    public void Dispose()
    {
        _sampling.Dispose();
        _shaper.Dispose();
        _store.Dispose();
    }

    private ImmutableArray<HostRoom> List() =>
    [
        new("conntrack", _ => ConntrackZonesActor.Props())
        {
            Tells = find =>
            [
                .. _datapaths.Attached.Select(attached => ("conntrack", (object)attached)),
                ("configuration", new SubscribeDatabase(find("conntrack"))),
            ],
        },
        new("datapath", _ => DatapathActor.Props(_store)),
        new("restore", _ => FlowRestoreActor.Props(_datapaths.Restore))
        {
            Tells = find => [("configuration", new SubscribeDatabase(find("restore")))],
        },
        new("management", _ => OpenFlowListenersActor.Props(_settings.OvsRunFolder, _time)),
        new("bridges", find => BridgesActor.Props(_store, find("datapath"), $"{Root}/management"))
        {
            Tells = find => [("configuration", new UseBridges(find("bridges")))],
        },
        new("shaping", _ => ShapingActor.Props(_shaper))
        {
            Tells = find => [("configuration", new UseShaping(find("shaping")))],
        },
        new("configuration", find => ConfigurationActor.Props(
            ConfigurationSettings(), find("bridges"), _time, Guid.NewGuid))
        {
            Tells = find =>
            [
                ("configuration", ServeNorthbound(find)),
                ("configuration", new OpenRemote(OvsdbRemote.PassiveUnix(
                    Path.Combine(_settings.OvnRunFolder, "ovnnb_db.sock")))),
            ],
        },
        new("sessions", find => SessionsActor.Props(
            _store, find("configuration"), find("bridges"), SessionSeed())),
        new("trees", find => TreesActor.Props(_store, find("configuration"), find("bridges"))),
        new("northbound", _ => LogicalRooms.Northbound(_settings) ?? NorthboundActor.Props(
            new NorthboundSettings(
                _settings.HostId, _time.GetUtcNow().ToUnixTimeMilliseconds(),
                NorthboundSchema.Schema, LogTimes.Default, _time)))
        {
            Tells = find => [("configuration", ServeNorthbound(find))],
        },
        new("cluster", find => LogicalRooms.Cluster(_settings, find("northbound"), _time)
            ?? ClusterActor.Props(FabricSettings(), find("northbound"), _slot)),
        new("vteps", find => LocalVtepsActor.Props(
            _settings.HostId, find("configuration"), find("cluster"))),
        new("tunnels", find => TunnelsActor.Props(
            _settings.HostId, find("cluster"), find("configuration"))),
        new("logical", find => LogicalActor.Props(new LogicalSurroundings(
            find("configuration"), find("northbound"), find("cluster"), $"{Root}/bridges"))),
        .. LogicalRooms.Feed(_settings),
        LogicalRooms.Southbound(_settings, _system.ActorSelection($"{Root}/logical"), _time),
        new("appctl", _ => UnixctlServerActor.Props(
            Path.Combine(_settings.OvsRunFolder, $"ovs-vswitchd.{Environment.ProcessId}.ctl"),
            _appctl)),
        new("cli", _ => UnixctlServerActor.Props(
            Path.Combine(_settings.RunFolder, "fabric.sock"), _cli)),
        .. OperatingSystem.IsWindows()
            ? WindowsRooms.All(_time, text => _log.Write("vifs", VlogLevel.Warn, text))
            : [new HostRoom("vifs", find => AliasVifsActor.Props(
                find("configuration"), Guid.NewGuid, DeviceAliases.Read, LinkEvents.TryStart))],
        new("sampling", _ => SamplingActor.Props(_store)),
        .. _settings.Metrics is { } metrics
            ? [new HostRoom("metrics", _ => MetricsActor.Props(
                metrics.Address, metrics.Port, RenderMetrics))]
            : ImmutableArray<HostRoom>.Empty,
    ];

    /// <summary>Another one at each start: peers must see that sessions began anew.</summary>
    private static uint SessionSeed() =>
        (uint)System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue);

    private string RenderMetrics() =>
        HostMetrics.Render(_settings.HostId, _datapaths.Open, _coverage);

    private ServeDatabase ServeNorthbound(Func<string, IActorRef> find) => new(
        new ServedDatabase(NorthboundSchema.Schema, find(LogicalRooms.Endpoint(_settings))));

    private ConfigurationSettings ConfigurationSettings()
    {
        var ids = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        ids["system-id"] = _settings.HostId;
        ids["hostname"] = _settings.HostName;
        ids["ovn-bridge"] = _settings.Chassis.Bridge;
        ids["ovn-encap-type"] = _settings.Chassis.EncapType;
        ids["rundir"] = _settings.OvsRunFolder;
        if (_settings.Chassis.EncapAddress is { } address) ids["ovn-encap-ip"] = $"{address}";
        if (_settings.Chassis.BridgeMappings is { Length: > 0 } mappings)
        {
            ids["ovn-bridge-mappings"] = mappings;
        }

        return new ConfigurationSettings(
            [OvsdbRemote.PassiveUnix(Path.Combine(_settings.OvsRunFolder, "db.sock"))])
        {
            ExternalIds = ids.ToImmutable(),
            OvsVersion = Versions.OpenVSwitch,
            DatabaseFile = _settings.DatabaseFile,
        };
    }

    private FabricSettings FabricSettings() =>
        ClusterComposition.SettingsOf(_settings, _time, () => _datapaths.Open);

    private void RegisterCommands(Vlog log, Action stop)
    {
        StandardCommands.Register(
            _appctl, "ovs-vswitchd", log, _coverage,
            () => ImmutableSortedDictionary<string, long>.Empty, _ => stop());
        ConntrackCommands.Register(_appctl, () => _datapaths.Tracker);
        ConntrackCommands.Register(_cli, () => _datapaths.Tracker, flows: _appctl);
        var northbound = _system.ActorSelection(
            $"{Root}/{LogicalRooms.Endpoint(_settings)}");
        var cluster = _system.ActorSelection($"{Root}/cluster");
        NetworkCommands.Register(
            _cli, northbound, _system.ActorSelection($"{Root}/logical"), cluster);
        ClusterCommands.Register(_cli, cluster);
        DatapathReport.Register(_cli, () => _datapaths.Open);
        DatapathCommands.Register(
            _appctl, _store, () => _system.ActorSelection($"{Root}/datapath"));
        BridgeCommands.Register(_appctl, _store);
        ManagementCommands.Register(_appctl, _store);
        QosCommands.Register(_appctl, _store, _shaper);
        SessionCommands.Register(_appctl, () => _system.ActorSelection($"{Root}/sessions"));
        TreeCommands.Register(_appctl, () => _system.ActorSelection($"{Root}/trees"));
        ControllerCommands.Register(
            _appctl, _store, () => _system.ActorSelection($"{Root}/management"));
        _cli.Register("trace", "BRIDGE FLOW [--json]", 2, 3, request => _appctl.RunAsync(
            request with { Command = "ofproto/trace" }));
        _datapaths.RegisterCounters(_coverage);
    }
}
