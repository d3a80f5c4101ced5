using System.Collections.Immutable;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;
using Akka.Remote.Transport;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Host;
using Fabric.Switching;

namespace Fabric.Simulation;

/// <summary>What nodes share: one thread, one clock, one network.</summary>
internal sealed record NodeSurroundings(
    DeterministicDispatcher Dispatcher, VirtualTimeProvider Clock, InMemoryNetwork Network,
    Random Random, IObserver Observer, Action<string>? Log, string Folder, FailureTimes Times);

/// <summary>
/// A whole host node but for its sockets, kernel and flows: both actor systems with their rooms,
/// on a disk that survives.
/// </summary>
internal sealed class SimulatedNode
{
    private static readonly Config HostConfig = ConfigurationFactory
        .ParseString(
            """
            akka { stdout-loglevel = off, loglevel = info, loggers = [], log-dead-letters = off }
            """)
        .WithFallback(ConfigurationFactory.ParseString(SimulatedJournal.Config))
        .WithFallback(ConfigurationFactory.ParseString(FabricSystem.Serializers))
        .WithFallback(ConfigurationFactory.ParseString(DatabaseSerializer.Configuration));

    private readonly NodeSurroundings _around;
    private readonly int _index;
    private readonly bool _isVoter;
    private readonly bool _hasSwitch;
    private readonly List<Akka.Cluster.UniqueAddress> _incarnations = [];
    private HostLife? _life;
    private HostClock? _clock;
    private ActorSystem? _system;
    private FabricSystemSlot? _slot;

    /// <param name="index">From 1; host 1 forms the cluster.</param>
    /// <param name="hasSwitch">
    /// With the rooms that make tunnels of VTEPs; without, VTEPs are told straight to the cluster.
    /// </param>
    public SimulatedNode(
        NodeSurroundings around, int index, bool isVoter = true, bool hasSwitch = true)
    {
        _hasSwitch = hasSwitch;
        _around = around;
        _index = index;
        _isVoter = isVoter;
        Disk = new SimulatedDisk(new Random(around.Random.Next()));
    }

    public string Id => NameOf(_index);

    public string VtepAddress => $"10.{_index / 65536}.{_index / 256 % 256}.{_index % 256}";

    public SimulatedDisk Disk { get; }

    /// <summary>Of the clustered system, all that there were.</summary>
    public IEnumerable<Akka.Cluster.UniqueAddress> Incarnations => _incarnations;

    public bool IsAlive => _life is { IsDead: false };

    public bool IsPaused => _life is { IsPaused: true };

    public ObserverActor? Observer => ActorAt("/user/host/observer", _system) as ObserverActor;

    public NorthboundActor? Northbound =>
        ActorAt("/user/host/northbound", _system) as NorthboundActor;

    /// <summary>The writer on this host, if it runs here now.</summary>
    public NorthboundWriterActor? Writer => ActorAt(
        "/user/fabric/writer/northbound/writer", _slot?.System) as NorthboundWriterActor;

    public Akka.Cluster.Cluster? Membership =>
        _slot?.System is { } system ? Akka.Cluster.Cluster.Get(system) : null;

    public static string NameOf(int index) => $"h{index}";

    public void Start(params ReadOnlySpan<string> seeds)
    {
        _life = new HostLife(_around.Dispatcher);
        _clock = new HostClock(_around.Clock, _life);
        var settings = new FabricSettings(
            Id, Id, 2552, [.. seeds], Forms: _index == 1, _isVoter,
            Path.Combine(_around.Folder, Id), null, _around.Times, NorthboundSchema.Schema, _clock)
        {
            NewUuid = NewUuid,
            Overrides = "akka { loggers = [], stdout-loglevel = off, log-dead-letters = off }",
        };
        var seed = _around.Random.Next();
        _slot = new FabricSystemSlot((start, host) =>
            StartFabric(settings, start, host, new Random(seed + (int)start.Incarnation)));
        _system = ActorSystem.Create("host", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(HostConfig),
            RuntimeOf(new Random(_around.Random.Next()), null), new DiskSetup(Disk, _clock)));
        _system.ActorOf(HostActor.Props(Rooms(settings, _slot)), "host");
    }

    public void Tell(string room, object message) =>
        _system!.ActorSelection($"/user/host/{room}").Tell(message, ActorRefs.NoSender);

    /// <summary>The process is gone, and what it was writing is torn.</summary>
    public void Crash()
    {
        _around.Network.Kill(Id);
        _life!.End();
        Disk.Crash();
        (_system, _slot) = (null, null);
    }

    /// <summary>
    /// As SIGTERM does: it leaves, and comes back as a member when it is started again.
    /// </summary>
    public void Stop() => _ = _slot!.StopAsync();

    /// <summary>After <see cref="Stop"/>: the others know, and the process may end.</summary>
    public bool HasLeft => Membership is not { IsTerminated: false };

    public void Pause() => _life!.Pause();

    public void Resume() => _life!.Resume();

    /// <summary>Sets the wall clock; no timer may mind.</summary>
    public void JumpClock(TimeSpan offset) => _clock!.WallClockOffset = offset;

    private ImmutableArray<HostRoom> Rooms(FabricSettings settings, FabricSystemSlot slot) =>
    [
        new("northbound", _ => NorthboundActor.Props(new NorthboundSettings(
            Id, NorthboundSchema.Schema, LogTimes.Default, _clock!))),
        new("cluster", find => ClusterActor.Props(settings, find("northbound"), slot)),
        .. _hasSwitch ? SwitchRooms() : [],
        new("observer", find => ObserverActor.Props(
            Id, _around.Observer, find("northbound"), find("cluster"),
            _hasSwitch ? find("configuration") : ActorRefs.Nobody, NewUuid)),
    ];

    private ImmutableArray<HostRoom> SwitchRooms() =>
    [
        new("configuration", _ => ConfigurationActor.Props(
            new ConfigurationSettings([])
            {
                ExternalIds = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal,
                [
                    KeyValuePair.Create("system-id", Id),
                    KeyValuePair.Create("hostname", Id),
                    KeyValuePair.Create("ovn-encap-type", "geneve"),
                    KeyValuePair.Create("ovn-encap-ip", VtepAddress),
                ]),
            },
            ActorRefs.Nobody, _clock!, NewUuid)),
        new("vteps", find => LocalVtepsActor.Props(Id, find("configuration"), find("cluster"))),
        new("tunnels", find => TunnelsActor.Props(Id, find("cluster"), find("configuration"))),
    ];

    private ActorSystem StartFabric(
        FabricSettings settings, FabricStart start, IActorRef host, Random random)
    {
        var transport = _around.Network.TransportAt(Id, settings.Port, settings.ClusterName);
        var system = ActorSystem.Create(settings.ClusterName, ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(FabricSystem.ConfigOf(settings)),
            RuntimeOf(random, transport)));
        _incarnations.Add(Akka.Cluster.Cluster.Get(system).SelfUniqueAddress);
        system.ActorOf(FabricActor.Props(settings, start, host), FabricSystem.RootName);
        return system;
    }

    private RuntimeSetup RuntimeOf(Random random, IRemoteTransport? transport) => new()
    {
        Time = _clock!,
        Random = random,
        Dispatcher = new HostDispatcher(_life!),
        Transport = transport!,
        LogSink = new NodeLog(Id, _around),
    };

    private Guid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        _around.Random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private static ActorBase? ActorAt(string path, ActorSystem? system)
    {
        if (system is not ActorSystemRuntime runtime) return null;
        var names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var found = (runtime.LocalProvider.RootGuardian as InternalActorRef)?.GetChild(names);
        return found is LocalActorRef { IsTerminated: false } actor ? actor.Cell.Actor : null;
    }

    private sealed class NodeLog(string host, NodeSurroundings around) : ILogSink
    {
        public void Write(LogEvent entry) => around.Log?.Invoke(
            $"{around.Clock.Elapsed.TotalSeconds:F3} {host} {entry.LogLevel()} {entry.LogSource}: "
            + $"{entry.Message} {entry.Cause}");
    }
}
