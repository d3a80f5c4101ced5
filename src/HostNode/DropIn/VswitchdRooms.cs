using System.Collections.Immutable;
using System.Security.Cryptography;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.HostNode.Composition;
using Fabric.Observability;
using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.HostNode.DropIn;

/// <summary>The rooms of a drop-in ovs-vswitchd: a host node without cluster and network.</summary>
internal sealed class VswitchdRooms : IDisposable
{
    public const string Root = "/user/host";

    private readonly VswitchdOptions _options;
    private readonly TlsIdentity? _tls;
    private readonly ActorSystem _system;
    private readonly WarpClock _clock = WarpClock.Shared;
    private readonly SwitchStore _store;
    private readonly VswitchdDatapaths _datapaths;
    private readonly Shaper _shaper;
    private readonly Coverage _coverage = new();
    private readonly ITimer _sampling;
    private readonly IActorRef _readiness;
    private readonly TaskCompletionSource _configured =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public VswitchdRooms(
        VswitchdOptions options, TlsIdentity? tls, ActorSystem system, Vlog log,
        Action<bool> exit)
    {
        _options = options;
        _tls = tls;
        _system = system;
        _datapaths = new VswitchdDatapaths(options, log, _clock, attached =>
            system.ActorSelection($"{Root}/conntrack").Tell(attached));
        _store = new SwitchStore(_clock, _datapaths.TryOpen)
        {
            HandMadeTypes = _datapaths.Types.Remove("system"),
        };
        _shaper = new Shaper(_clock);
        _sampling = _clock.CreateTimer(
            _ => _coverage.Sample(), null, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
        StandardCommands.Register(
            Commands, "ovs-vswitchd", log, _coverage, () => MemoryReport.Of(_store), exit);
        ConntrackCommands.Register(Commands, () => _datapaths.Tracker);
        DatapathCommands.Register(
            Commands, _store, () => system.ActorSelection($"{Root}/datapath"));
        BridgeCommands.Register(Commands, _store);
        ManagementCommands.Register(Commands, _store, options.HasSystemRoutes);
        QosCommands.Register(Commands, _store, _shaper);
        SessionCommands.Register(Commands, () => system.ActorSelection($"{Root}/sessions"));
        TreeCommands.Register(Commands, () => system.ActorSelection($"{Root}/trees"));
        ControllerCommands.Register(
            Commands, _store, () => system.ActorSelection($"{Root}/management"));
        TimeCommands.Register(Commands, _clock, SettleAsync);
        _datapaths.RegisterCounters(_coverage);
        _readiness = system.ActorOf(ReadinessActor.Props(_configured), "readiness");
        All = List();
    }

    public UnixctlCommands Commands { get; } = new();

    public ImmutableArray<HostRoom> All { get; }

    /// <summary>
    /// Done when the first state of the database is in force: as long as it takes.
    /// </summary>
    public Task Configured => _configured.Task;

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
            Tells = _ => _datapaths.Attached.Select(attached => ("conntrack", (object)attached)),
        },
        new("datapath", _ => DatapathActor.Props(_store)),
        new("management", _ => OpenFlowListenersActor.Props(
            Path.GetFullPath(OvsFolders.Run), _clock)),
        new("bridges", find => BridgesActor.Props(_store, find("datapath"), $"{Root}/management"))
        {
            Tells = find => [("configuration", new UseBridges(find("bridges")))],
        },
        new("configuration", find => ConfigurationActor.Props(
            Settings(), find("bridges"), _clock, Guid.NewGuid))
        {
            Tells = _ => [("configuration", new WaitUntilConfigured(_readiness))],
        },
        new("shaping", _ => ShapingActor.Props(_shaper))
        {
            Tells = find => [("configuration", new UseShaping(find("shaping")))],
        },
        new("sampling", _ => SamplingActor.Props(_store)),
        new("vifs", find => AliasVifsActor.Props(
            find("configuration"), Guid.NewGuid, DeviceAliases.Read, LinkEvents.TryStart)),
        new("trees", find => TreesActor.Props(_store, find("configuration"), find("bridges"))),
        new("sessions", find => SessionsActor.Props(
            _store, find("configuration"), find("bridges"),
            (uint)RandomNumberGenerator.GetInt32(int.MaxValue))),
    ];

    private ConfigurationSettings Settings() => new([])
    {
        Remote = new RemoteDatabaseSettings(OpenVSwitchSchema.Schema, _options.Remotes)
        {
            Lock = "ovs_vswitchd",
            Tls = _tls,
        },
        InterfaceTypes = _datapaths.InterfaceTypes,
        DatapathTypes = _datapaths.Types,
    };

    /// <summary>
    /// Everything that the timers of one step have set off has happened: bridges first, since
    /// what they do the datapath has to follow.
    /// </summary>
    private async Task SettleAsync()
    {
        // A packet of one session wakes another one: what a step set off takes two rounds.
        for (var round = 0; round < 2; round++)
        {
            await SettleSessionsAsync();
            await SettleTreesAsync();
        }

        foreach (var bridge in _store.Bridges)
        {
            await AskAsync($"{Root}/bridges/{ActorNames.Of(bridge.Name)}");
        }

        foreach (var room in (string[])["datapath", "bridges", "configuration"])
        {
            await AskAsync($"{Root}/{room}");
        }
    }

    private async Task SettleSessionsAsync()
    {
        await AskAsync($"{Root}/sessions");
        foreach (var kind in (SessionKinds[])[SessionKinds.Bfd, SessionKinds.Cfm])
        {
            var listed = await _system.ActorSelection($"{Root}/sessions").Ask<SessionsListed>(
                new ListSessions(kind), TimeSpan.FromSeconds(30));
            foreach (var session in listed.Sessions.Values)
            {
                await session.Ask<ActorIdentity>(new Identify(kind), TimeSpan.FromSeconds(30));
            }
        }
    }

    private async Task SettleTreesAsync()
    {
        var listed = await _system.ActorSelection($"{Root}/trees").Ask<TreesListed>(
            new ListTrees(), TimeSpan.FromSeconds(30));
        foreach (var tree in listed.Trees.Keys)
        {
            await AskAsync($"{Root}/trees/{ActorNames.Of(tree)}");
        }
    }

    private Task AskAsync(string path) => _system.ActorSelection(path)
        .Ask<ActorIdentity>(new Identify(path), TimeSpan.FromSeconds(30));
}
