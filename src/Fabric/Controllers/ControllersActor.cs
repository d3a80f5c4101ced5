using System.Collections.Immutable;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Fabric.Switching;
using Fabric.Wire.OpenFlow;

namespace Fabric.Controllers;

/// <summary>
/// All OpenFlow connections of one bridge: its sockets, its controllers, their roles.
/// </summary>
/// <remarks>
/// Hears:  <see cref="ServeOpenFlow"/> from its parent; <see cref="StreamOpened"/>,
///         <see cref="ConnectorObserved"/> from listeners and connectors;
///         <see cref="ConnectionEstablished"/>, <see cref="ConnectionLost"/>,
///         <see cref="RoleRequested"/>, <see cref="MonitorsChanged"/>, <see cref="Snooped"/> from
///         connections; the switch's events.
/// Says:   <see cref="SubscribeSwitch"/>, <see cref="FailModeChanged"/>,
///         <see cref="FlowMonitorsChanged"/>, <see cref="ControllersObserved"/> to the switch.
/// Holds:  the wanted controllers, who is connected and how, the generation id, the TLV table.
/// Fails:  with the switch (its parent stops it and waits for the next one). A connection fails
///         alone and its peer comes again; a listener or connector that ends is opened anew.
/// </remarks>
public sealed partial class ControllersActor : ReceiveActor, IWithTimers
{
    public const int DefaultPort = 6653;
    private static readonly TimeSpan DefaultProbe = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefaultBackoff = TimeSpan.FromSeconds(8);

    private readonly string _bridge;
    private readonly IActorRef _switch;
    private readonly string _runDirectory;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly SortedDictionary<string, Endpoint> _endpoints = new(StringComparer.Ordinal);
    private readonly Dictionary<IActorRef, Connection> _connections = [];

    private BridgeSpec _spec;
    private ISwitchTables? _tables;
    private TlsSettings? _tls;
    private TlvTable _tlv = TlvTable.Empty;
    private long _nextName;

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        ServeOpenFlow serve, string runDirectory, TlsSettings? tls, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ControllersActor(serve, runDirectory, tls, time));

    public ControllersActor(
        ServeOpenFlow serve, string runDirectory, TlsSettings? tls, TimeProvider time)
    {
        (_bridge, _switch, _spec) = (serve.Bridge, serve.Switch, serve.Spec);
        (_runDirectory, _tls, _time) = (runDirectory, tls, time);
        _tables = serve.Tables;
        Receive<ServeOpenFlow>(next =>
        {
            (_spec, _tables) = (next.Spec, next.Tables);
            Reconcile();
        });
        Receive<TlsSettings>(settings => _tls = settings);
        Receive<StreamOpened>(OnStreamOpened);
        Receive<ListenerBound>(_ => { });
        Receive<ConnectorObserved>(OnConnectorObserved);
        Receive<ConnectionEstablished>(OnEstablished);
        Receive<ConnectionLost>(OnLost);
        Receive<Terminated>(gone => OnTerminated(gone.ActorRef));
        Receive<MonitorsChanged>(OnMonitorsChanged);
        Receive<MissesWanted>(OnMissesWanted);
        Receive<Snooped>(snooped => Tell(ConnectionKind.Snoop, snooped));
        Receive<TlvTableChanged>(changed =>
        {
            _tlv = changed.Table;
            TellAll(changed);
        });
        Receive<ReconnectControllers>(_ => EndConnections());
        ReceiveRoles();
        ReceiveFailMode();
        Receive<PacketInRaised>(TellAll);
        Receive<FlowRemovedRaised>(TellAll);
        Receive<PortStatusRaised>(TellAll);
        Receive<TableStatusRaised>(TellAll);
        Receive<FlowUpdatesRaised>(TellAll);
        Receive<RequestForwarded>(TellAll);
    }

    /// <summary>A target of the row, or one of the two sockets that are always there.</summary>
    private sealed class Endpoint(
        string target, StreamTarget address, ConnectionTraits traits, TimeSpan backoff,
            IActorRef actor)
    {
        public string Target { get; } = target;
        public StreamTarget Address { get; } = address;
        public ConnectionTraits Traits { get; } = traits;
        public TimeSpan Backoff { get; } = backoff;
        public bool IsPassive => Address.IsPassive;
        public IActorRef Actor { get; set; } = actor;
        public string State { get; set; } = "BACKOFF";
        public string? LastError { get; set; }
        public long Since { get; set; }
        public int ConnectedCount { get; set; }
    }

    private sealed class Connection(Endpoint endpoint)
    {
        public Endpoint Endpoint { get; } = endpoint;
        public OfRole Role { get; set; } = OfRole.Equal;
        public bool IsEstablished { get; set; }
        public bool HasMonitors { get; set; }
        public bool WantsMisses { get; set; }
    }

    protected override void PreStart()
    {
        _switch.Tell(new SubscribeSwitch(Self));
        Listen($"punix:{Path.Combine(_runDirectory, _bridge)}.mgmt", ConnectionKind.Service);
        Listen($"punix:{Path.Combine(_runDirectory, _bridge)}.snoop", ConnectionKind.Snoop);
        Reconcile();
        StartFailMode();
    }

    private void Listen(string text, ConnectionKind kind)
    {
        StreamTarget.TryParse(text, DefaultPort, out var target);
        Open(text, target, new ConnectionTraits(text, kind, null, 0, 0), DefaultBackoff);
    }

    /// <remarks>Removals first: they free addresses that an addition may need.</remarks>
    private void Reconcile()
    {
        var wanted = new SortedDictionary<string,
            (StreamTarget, ConnectionTraits, TimeSpan)>(StringComparer.Ordinal);
        foreach (var controller in _spec.Controllers.Values)
        {
            if (!StreamTarget.TryParse(controller.Target, DefaultPort, out var target))
            {
                _log.Warning("{0}: \"{1}\" is not a controller target", _bridge, controller.Target);
                continue;
            }

            wanted[controller.Target] =
                (target, TraitsOf(controller, target), BackoffOf(controller));
        }

        foreach (var endpoint in _endpoints.Values.ToArray())
        {
            if (IsBuiltIn(endpoint)) continue;
            if (wanted.TryGetValue(endpoint.Target, out var want) && want.Item2 == endpoint.Traits)
                continue;
            Close(endpoint);
        }

        foreach (var (text, (target, traits, backoff)) in wanted)
        {
            if (!_endpoints.ContainsKey(text)) Open(text, target, traits, backoff);
        }

        Observe();
        UpdateFailMode();
    }

    private bool IsBuiltIn(Endpoint endpoint) => !_spec.Controllers.ContainsKey(endpoint.Target)
        && endpoint.Target.StartsWith("punix:" + Path.Combine(_runDirectory, _bridge) + ".",
            StringComparison.Ordinal);

    private static ConnectionTraits TraitsOf(ControllerSpec controller, StreamTarget target)
    {
        var kind = controller.Type == "service" || (controller.Type.Length == 0 && target.IsPassive)
            ? ConnectionKind.Service : ConnectionKind.Primary;
        var milliseconds = controller.InactivityProbeMilliseconds;
        TimeSpan? probe = milliseconds switch
        {
            null => DefaultProbe,
            <= 0 => null,
            _ => TimeSpan.FromMilliseconds(Math.Max(1000, milliseconds.Value)),
        };
        return new ConnectionTraits(controller.Target, kind, probe, controller.RateLimit ?? 0,
            controller.BurstLimit ?? 0);
    }

    private static TimeSpan BackoffOf(ControllerSpec controller) =>
        controller.MaxBackoffMilliseconds is { } max and >= 1000 ? TimeSpan.FromMilliseconds(max)
            : DefaultBackoff;

    private void Open(string text, StreamTarget target, ConnectionTraits traits, TimeSpan backoff)
    {
        _endpoints[text] = new Endpoint(text, target, traits, backoff, Spawn(text, target, backoff))
        {
            Since = _time.GetTimestamp(),
        };
    }

    private IActorRef Spawn(string text, StreamTarget target, TimeSpan backoff)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"endpoint-{++_nextName}");
        var props = target.IsPassive
            ? ListenerActor.Props(text, target, _tls)
            : ConnectorActor.Props(text, target, _tls, backoff);
        return Context.Watch(Context.ActorOf(props, name));
    }

    private void Close(Endpoint endpoint)
    {
        Context.Unwatch(endpoint.Actor);
        Context.Stop(endpoint.Actor);
        _endpoints.Remove(endpoint.Target);
        foreach (var (actor, connection) in _connections)
        {
            if (ReferenceEquals(connection.Endpoint, endpoint)) Context.Stop(actor);
        }
    }

    /// <summary>Controllers are connected to anew; tools at our own sockets stay.</summary>
    private void EndConnections()
    {
        foreach (var (actor, connection) in _connections)
        {
            if (!IsBuiltIn(connection.Endpoint)) Context.Stop(actor);
        }
    }

    private void OnStreamOpened(StreamOpened opened)
    {
        var hasEndpoint = _endpoints.TryGetValue(opened.Target, out var endpoint);
        if (!hasEndpoint || _connections.Count >= Limits.ConnectionCountMax)
        {
            opened.Stream.Dispose();
            return;
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"connection-{++_nextName}");
        var actor = Context.ActorOf(
            ConnectionActor.Props(opened.Stream, _switch, _tables, endpoint!.Traits,
                SettingsOf(_spec), _tlv, _time), name);
        Context.Watch(actor);
        _connections.Add(actor, new Connection(endpoint));
        if (endpoint.Traits.Kind == ConnectionKind.Snoop) UpdateSnooping();
        else if (endpoint.Traits.Kind == ConnectionKind.Primary && IsSnooping)
            actor.Tell(new SnoopingChanged(true));
    }

    private ConnectionSettings SettingsOf(BridgeSpec spec)
    {
        var versions = 0u;
        foreach (var protocol in spec.Protocols)
        {
            if (Enum.TryParse<OfVersion>(protocol, out var version)) versions |= 1u << (int)version;
        }

        return new ConnectionSettings(
            _bridge, versions == 0 ? ConnectionSettings.AllVersions : versions,
            spec.OtherConfig.GetValueOrDefault("dp-desc", "None"),
            spec.OtherConfig.GetValueOrDefault("dp-sn", "None"));
    }

    private void OnConnectorObserved(ConnectorObserved observed)
    {
        if (!_endpoints.TryGetValue(observed.Target, out var endpoint)) return;
        endpoint.State = observed.State;
        endpoint.LastError = observed.LastError ?? endpoint.LastError;
        Observe();
    }

    private void OnEstablished(ConnectionEstablished established)
    {
        if (!_connections.TryGetValue(Sender, out var connection) || connection.IsEstablished)
            return;
        connection.IsEstablished = true;
        var endpoint = connection.Endpoint;
        endpoint.ConnectedCount++;
        endpoint.State = "ACTIVE";
        endpoint.Since = _time.GetTimestamp();
        if (!IsBuiltIn(endpoint)) _log.Info("{0}<->{1}: connected", _bridge, endpoint.Target);
        Observe();
        UpdateFailMode();
    }

    private void OnLost(ConnectionLost lost)
    {
        if (_connections.TryGetValue(Sender, out var connection))
            connection.Endpoint.LastError = lost.Reason;
    }

    private void OnTerminated(IActorRef actor)
    {
        if (!_connections.Remove(actor, out var connection))
        {
            var ended = _endpoints.Values.FirstOrDefault(each => Equals(each.Actor, actor));
            if (ended is not null) ended.Actor = Spawn(ended.Target, ended.Address, ended.Backoff);
            return;
        }

        var endpoint = connection.Endpoint;
        if (connection.IsEstablished)
        {
            endpoint.ConnectedCount--;
            endpoint.Since = _time.GetTimestamp();
        }

        var isCurrent = _endpoints.TryGetValue(endpoint.Target, out var current)
            && ReferenceEquals(current, endpoint);
        if (!endpoint.IsPassive && isCurrent)
            endpoint.Actor.Tell(new ReconnectNow(connection.IsEstablished));
        if (endpoint.Traits.Kind == ConnectionKind.Snoop) UpdateSnooping();
        if (connection.HasMonitors) UpdateMonitors();
        if (connection.WantsMisses) UpdateMisses();
        Observe();
        UpdateFailMode();
    }

    private void OnMonitorsChanged(MonitorsChanged changed)
    {
        if (!_connections.TryGetValue(Sender, out var connection)) return;
        connection.HasMonitors = changed.Any;
        UpdateMonitors();
    }

    private void OnMissesWanted(MissesWanted wanted)
    {
        if (!_connections.TryGetValue(Sender, out var connection)) return;
        connection.WantsMisses = wanted.Wanted;
        UpdateMisses();
    }

    private void UpdateMisses() =>
        _switch.Tell(new MissesAskedFor(_connections.Values.Any(each => each.WantsMisses)));

    private void UpdateMonitors() =>
        _switch.Tell(new FlowMonitorsChanged(_connections.Values.Any(each => each.HasMonitors)));

    private bool IsSnooping =>
        _connections.Values.Any(each => each.Endpoint.Traits.Kind == ConnectionKind.Snoop);

    private void UpdateSnooping() => Tell(ConnectionKind.Primary, new SnoopingChanged(IsSnooping));

    private void TellAll(object message)
    {
        foreach (var actor in _connections.Keys) actor.Tell(message);
    }

    private void Tell(ConnectionKind kind, object message)
    {
        foreach (var (actor, connection) in _connections)
        {
            if (connection.Endpoint.Traits.Kind == kind) actor.Tell(message);
        }
    }
}
