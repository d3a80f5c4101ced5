using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The host's configuration: the Open_vSwitch database and what follows from it.</summary>
/// <remarks>
/// Hears:  <see cref="BridgesReconciled"/> and <see cref="InterfacesObserved"/> from the bridges;
///         <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Transact"/>, <see cref="CancelTransact"/>, for its database;
///         <see cref="ServeDatabase"/>, <see cref="StopServingDatabase"/>,
///         <see cref="OpenRemote"/>, <see cref="CloseRemote"/>, for its OVSDB server.
/// Says:   <see cref="BridgesWanted"/> to the bridges, whole, whenever rows made it different.
/// Holds:  the newest snapshot and who subscribed. All else is in the rows.
/// Fails:  a database that failed is started anew and recovers from its journal; subscribers are
///         told its whole state again. When the bridges actor ends it is told everything again
///         once its successor registers with <see cref="UseBridges"/>.
/// </remarks>
public sealed class ConfigurationActor : ReceiveActor, IWithTimers
{
    private const long InitialRequestId = 1;

    private static readonly TimeSpan RestartPause = TimeSpan.FromMilliseconds(200);

    private static readonly DatabaseRemotes Managers =
        new(OpenVSwitchSchema.Name, "Open_vSwitch", "manager_options");

    private readonly ConfigurationSettings _settings;
    private readonly TimeProvider _time;
    private readonly Func<Guid> _newUuid;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<IActorRef> _subscribers = [];
    private IActorRef _bridges;
    private IActorRef _database = ActorRefs.Nobody;
    private IActorRef _server = ActorRefs.Nobody;
    private DatabaseSnapshot _snapshot = DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema);
    private long _generation;
    private bool _isInitialised;

    /// <param name="bridges">Nobody until <see cref="UseBridges"/> tells.</param>
    public static Props Props(
        ConfigurationSettings settings, IActorRef bridges, TimeProvider time,
        Func<Guid> newUuid) =>
        Akka.Actor.Props.Create(() => new ConfigurationActor(settings, bridges, time, newUuid));

    public ConfigurationActor(
        ConfigurationSettings settings, IActorRef bridges, TimeProvider time, Func<Guid> newUuid)
    {
        _settings = settings;
        _bridges = bridges;
        _time = time;
        _newUuid = newUuid;

        Receive<DatabaseChanged>(HearDatabase);
        Receive<BridgesReconciled>(HearReconciled);
        Receive<InterfacesObserved>(observed =>
            Write(StatusTranslation.Translate(_snapshot, observed)));
        Receive<UseBridges>(use =>
        {
            _bridges = use.Bridges;
            if (_isInitialised) _bridges.Tell(BridgeTranslation.Translate(_snapshot));
        });
        Receive<SubscribeDatabase>(subscribe =>
        {
            if (!_subscribers.Contains(subscribe.Subscriber))
            {
                Context.Watch(subscribe.Subscriber);
                _subscribers.Add(subscribe.Subscriber);
            }

            _database.Forward(subscribe);
        });
        Receive<UnsubscribeDatabase>(unsubscribe =>
        {
            _subscribers.Remove(unsubscribe.Subscriber);
            _database.Forward(unsubscribe);
        });
        Receive<Transact>(transact => _database.Forward(transact));
        Receive<CancelTransact>(cancel => _database.Forward(cancel));
        Receive<ServeDatabase>(serve => _server.Forward(serve));
        Receive<StopServingDatabase>(stop => _server.Forward(stop));
        Receive<OpenRemote>(open => _server.Forward(open));
        Receive<CloseRemote>(close => _server.Forward(close));
        Receive<TransactCompleted>(completed =>
        {
            if (completed.Error is null) return;
            // A client may write the root row first: the rows that are there now are completed.
            if (completed.RequestId == InitialRequestId) WriteInitialRows();
            else _log.Warning("own rows: {0}", completed.Error);
        });
        Receive<RemoteStatus>(_ => { });
        Receive<RemoteOpened>(opened => _log.Info("listening at {0}", opened.Text));
        Receive<RemoteFailed>(failed => _log.Warning("{0}: {1}", failed.Text, failed.Problem));
        Receive<StartDatabase>(_ => StartDatabaseActor());
        Receive<Terminated>(HearEnd);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed class StartDatabase
    {
        public static StartDatabase Instance { get; } = new();
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    protected override void PreStart()
    {
        _server = Context.ActorOf(OvsdbServerActor.Props(_time, _newUuid), "server");
        Context.Watch(_server);
        StartDatabaseActor();
        foreach (var remote in _settings.Remotes) Open(remote);
    }

    /// <remarks>
    /// A restart would keep the reference and lose the subscribers, who would never know. The
    /// end is what they watch for.
    /// </remarks>
    protected override void PreRestart(Exception reason, object message)
    {
        base.PreRestart(reason, message);
        Context.Stop(Self);
    }

    private void Open(OvsdbRemote remote)
    {
        if (remote.IsTls && _settings.Tls is null)
        {
            _log.Warning("{0}: no certificate is configured", remote.Text);
            return;
        }

        _server.Tell(new OpenRemote(remote) { Tls = remote.IsTls ? _settings.Tls : null });
    }

    private void StartDatabaseActor()
    {
        var schema = OpenVSwitchSchema.Schema;
        var props = _settings.PersistenceId is { } persistenceId
            ? DatabaseActor.Props(schema, persistenceId, _time, _newUuid)
            : MemoryDatabaseActor.Props(schema, _time, _newUuid, isReadOnly: false);
        _database = Context.ActorOf(props, $"database-{_generation++}");
        Context.Watch(_database);
        _isInitialised = false;
        _database.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
        foreach (var subscriber in _subscribers)
        {
            _database.Tell(new SubscribeDatabase(subscriber));
        }

        _server.Tell(new ServeDatabase(new ServedDatabase(schema, _database)));
        Context.ActorOf(
            DatabaseRemotesActor.Props(Managers, _server, _database, _settings.Tls),
            $"managers-{_generation}");
    }

    private void HearEnd(Terminated terminated)
    {
        if (terminated.ActorRef.Equals(_database))
        {
            _log.Error("the database ended; it is started anew");
            Timers.StartSingleTimer(
                nameof(StartDatabase), StartDatabase.Instance, RestartPause);
        }
        else if (terminated.ActorRef.Equals(_server))
        {
            // Its remotes and databases are known here and to its users: all start over.
            Context.Stop(Self);
        }
        else
        {
            _subscribers.Remove(terminated.ActorRef);
        }
    }

    private void HearDatabase(DatabaseChanged changed)
    {
        _snapshot = changed.After;
        if (!_isInitialised)
        {
            _isInitialised = true;
            WriteInitialRows();
            _bridges.Tell(BridgeTranslation.Translate(_snapshot));
            return;
        }

        var isRelevant = false;
        foreach (var change in changed.Changes)
        {
            isRelevant |= BridgeTranslation.IsRelevant(change);
        }

        if (isRelevant) _bridges.Tell(BridgeTranslation.Translate(_snapshot));
    }

    private void HearReconciled(BridgesReconciled reconciled) =>
        Write(StatusTranslation.Translate(_snapshot, reconciled));

    private void WriteInitialRows()
    {
        var rows = InitialRows.For(_snapshot, _settings, _newUuid);
        if (!rows.IsEmpty) _database.Tell(new Transact(InitialRequestId, rows));
    }

    private void Write(ImmutableArray<Operation> operations)
    {
        if (!operations.IsEmpty) _database.Tell(new Transact(0, operations));
    }
}

/// <summary>Tells the configuration who hears <see cref="BridgesWanted"/> from now on.</summary>
public sealed record UseBridges(IActorRef Bridges);
