using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Controllers;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The host's configuration: the Open_vSwitch database and what follows from it.</summary>
/// <remarks>
/// Hears:  <see cref="BridgesReconciled"/>, <see cref="InterfacesObserved"/> and
///         <see cref="ControllersObserved"/> from the bridges; <see cref="WaitUntilConfigured"/>;
///         <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Transact"/>, <see cref="CancelTransact"/>, for its database;
///         <see cref="ServeDatabase"/>, <see cref="StopServingDatabase"/>,
///         <see cref="OpenRemote"/>, <see cref="CloseRemote"/>, for its OVSDB server.
/// Says:   <see cref="BridgesWanted"/> to the bridges, whole, whenever rows made it different;
///         once they are so, <see cref="ShapingWanted"/> to the shaping room, and cur_cfg waits
///         for its <see cref="ShapingReconciled"/>.
/// Holds:  the newest snapshot and who subscribed. All else is in the rows.
/// Fails:  a database that failed is started anew and recovers from its journal; subscribers are
///         told its whole state again. When the bridges actor ends it is told everything again
///         once its successor registers with <see cref="UseBridges"/>.
/// </remarks>
public sealed class ConfigurationActor : ReceiveActor, IWithTimers
{
    private const long InitialRequestId = 1;
    private const long ReconciledRequestId = 2;

    private static readonly TimeSpan RestartPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan HostStatisticsInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StatisticsSlack = TimeSpan.FromMilliseconds(500);

    private static readonly DatabaseRemotes Managers =
        new(OpenVSwitchSchema.Name, "Open_vSwitch", "manager_options");

    private readonly ConfigurationSettings _settings;
    private readonly TimeProvider _time;
    private readonly Func<Guid> _newUuid;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ILoggingAdapter _bridgeLog =
        Logging.GetLogger(Context.System, "bridge");
    private readonly BridgeReport _report = new();
    private readonly InterfaceFacts _facts = new(DeviceFacts.Read);
    private readonly Dictionary<Guid, long> _counted = [];
    private readonly List<IActorRef> _subscribers = [];
    private IActorRef _bridges;
    private IActorRef? _shaping;

    /// <summary>What waits for its devices to be shaped.</summary>
    private BridgesReconciled? _unshaped;
    private IActorRef _database = ActorRefs.Nobody;
    private IActorRef _server = ActorRefs.Nobody;
    private DatabaseSnapshot _snapshot = DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema);
    private long _generation;
    private bool _isInitialised;
    private bool _isConfigured;
    private readonly List<IActorRef> _waiting = [];

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
        Receive<DatabaseHidden>(_ =>
        {
            // The other process's bridges have the names and ports that ours had.
            _isInitialised = false;
            _snapshot = DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema);
            _bridges.Tell(BridgeTranslation.Translate(_snapshot));
        });
        Receive<BridgesReconciled>(HearReconciled);
        Receive<ShapingReconciled>(shaped =>
        {
            if (_unshaped is { } reconciled && reconciled.Revision == shaped.Revision)
            {
                WriteReconciled(reconciled);
            }
        });
        Receive<InterfacesObserved>(HearObserved);
        Receive<ControllersObserved>(observed =>
            Write(ControllerRows.StatusOf(_snapshot, observed)));
        Receive<WaitUntilConfigured>(wait =>
        {
            if (_isConfigured) wait.Waiter.Tell(DatabaseConfigured.Instance);
            else _waiting.Add(wait.Waiter);
        });
        Receive<UseBridges>(use =>
        {
            _bridges = use.Bridges;
            if (_isInitialised) _bridges.Tell(BridgeTranslation.Translate(_snapshot));
        });
        Receive<UseShaping>(use =>
        {
            _shaping = use.Shaping;
            if (_unshaped is { } reconciled) HearReconciled(reconciled);
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
            if (completed.RequestId == ReconciledRequestId) TellConfigured();
            if (completed.Error is null) return;
            if (completed.Error.Tag == OvsdbError.Canceled.Tag) return; // Written when it is back.
            // A client may write the root row first: the rows that are there now are completed.
            if (completed.RequestId == InitialRequestId) WriteInitialRows();
            else _log.Warning("own rows: {0}", completed.Error);
        });
        Receive<RemoteStatus>(_ => { });
        Receive<RemoteOpened>(opened => _log.Info("listening at {0}", opened.Text));
        Receive<RemoteFailed>(failed => _log.Warning("{0}: {1}", failed.Text, failed.Problem));
        Receive<StartDatabase>(_ => StartDatabaseActor());
        Receive<StatisticsDue>(_ => WriteStatistics());
        Receive<Terminated>(HearEnd);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private sealed class StartDatabase
    {
        public static StartDatabase Instance { get; } = new();
    }

    private sealed class StatisticsDue
    {
        public static StatisticsDue Instance { get; } = new();
    }

    protected override SupervisorStrategy SupervisorStrategy() =>
        Akka.Actor.SupervisorStrategy.StoppingStrategy;

    protected override void PreStart()
    {
        if (_settings.Remote is null)
        {
            _server = Context.ActorOf(OvsdbServerActor.Props(_time, _newUuid), "server");
            Context.Watch(_server);
        }

        Timers.StartPeriodicTimer(
            nameof(StatisticsDue), StatisticsDue.Instance, HostStatisticsInterval,
            HostStatisticsInterval);
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

    private void Open(OvsdbRemote remote) => _server.Tell(
        new OpenRemote(remote) { Tls = remote.IsTls ? _settings.Tls : null });

    private void StartDatabaseActor()
    {
        var schema = OpenVSwitchSchema.Schema;
        var props = _settings.Remote is { } remote ? RemoteDatabaseActor.Props(remote)
            : _settings.DatabaseFile is { } path ? FileProps(path)
            : _settings.PersistenceId is { } persistenceId
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

        if (_settings.Remote is not null) return;
        _server.Tell(new ServeDatabase(new ServedDatabase(schema, _database)));
        Context.ActorOf(
            DatabaseRemotesActor.Props(Managers, _server, _database, _settings.Tls),
            $"managers-{_generation}");
        Context.ActorOf(
            TlsRowsActor.Props(TlsRows.Of(schema.Name), _database, _settings.Tls),
            $"tls-{_generation}");
    }

    /// <exception cref="IOException">
    /// The file cannot be used; this actor starts again until it can.
    /// </exception>
    private Props FileProps(string path)
    {
        if (!File.Exists(path)) OvsdbLogFile.Create(path, OpenVSwitchSchema.Schema);
        if (!OvsdbLogFile.TryOpen(path, isReadOnly: false, out var file, out var problem))
        {
            throw new IOException(problem);
        }

        if (file.Repair is { } repair) _log.Warning("{0}", repair);
        if (file.Snapshot.Schema.Version != OpenVSwitchSchema.Version)
        {
            TakeOver(file, path);
        }

        return LogDatabaseActor.Props(file, ActorRefs.Nobody, _time);
    }

    /// <summary>A conf.db of another version of Open vSwitch keeps all rows that fit.</summary>
    private void TakeOver(OvsdbLogFile file, string path)
    {
        var before = file.Snapshot.Schema.Version;
        if (!SchemaConversion.TryConvert(
            file.Snapshot, OpenVSwitchSchema.Schema, _newUuid(), out var converted, out var error))
        {
            file.Dispose();
            throw new IOException($"{path}: {error.Details}");
        }

        file.Compact(converted, _time.GetUtcNow(), "taken over by fabric");
        _log.Info("{0}: taken over, schema {1} to {2}", path, before, OpenVSwitchSchema.Version);
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
        if (!_isInitialised || changed.Before.Tables.All(table => table.Count == 0))
        {
            _isInitialised = true;
            WriteInitialRows();
            _bridges.Tell(BridgeTranslation.Translate(_snapshot));
            if (_snapshot.Table("Open_vSwitch").Count == 0) TellConfigured();
            return;
        }

        if (changed.Changes.Any(change => change.IsInsert && change.Table == "Open_vSwitch"))
        {
            WriteInitialRows();
        }

        var isRelevant = false;
        foreach (var change in changed.Changes)
        {
            isRelevant |= BridgeTranslation.IsRelevant(change);
        }

        if (isRelevant) _bridges.Tell(BridgeTranslation.Translate(_snapshot));
    }

    private void HearReconciled(BridgesReconciled reconciled)
    {
        if (_shaping is null || !_isInitialised)
        {
            WriteReconciled(reconciled);
            return;
        }

        _unshaped = reconciled;
        _shaping.Tell(ShapingRows.Wanted(
            _snapshot, reconciled, each => _facts.DeviceOf(each).BitsPerSecond));
    }

    private void WriteReconciled(BridgesReconciled reconciled)
    {
        _unshaped = null;
        var operations = StatusTranslation.Translate(_snapshot, reconciled, _facts);
        _facts.Keep(row => _snapshot.Find("Interface", row) is not null);
        _report.Tell(_bridgeLog, reconciled);
        if (!_isInitialised) return;
        if (!operations.IsEmpty) _database.Tell(new Transact(ReconciledRequestId, operations));
        else TellConfigured();
    }

    /// <remarks>
    /// Links are written at once, counters every other_config:stats-update-interval, which is
    /// 5 s at least.
    /// </remarks>
    private void HearObserved(InterfacesObserved observed)
    {
        var now = _time.GetTimestamp();
        var isDue = true;
        foreach (var each in observed.Interfaces)
        {
            isDue &= !_counted.TryGetValue(each.Row, out var last)
                || _time.GetElapsedTime(last, now) > StatisticsInterval - StatisticsSlack;
        }

        Write(StatusTranslation.Translate(_snapshot, observed, _facts, withCounters: isDue));
        if (!isDue) return;
        foreach (var each in observed.Interfaces) _counted[each.Row] = now;
    }

    private TimeSpan StatisticsInterval
    {
        get
        {
            var root = _snapshot.Table("Open_vSwitch").First;
            var text = root?.GetMap("other_config").GetValueOrDefault("stats-update-interval");
            return long.TryParse(text, out var wanted) && wanted is > 5000 and <= int.MaxValue
                ? TimeSpan.FromMilliseconds(wanted)
                : TimeSpan.FromSeconds(5);
        }
    }

    private void WriteStatistics()
    {
        if (!_isInitialised || _snapshot.Table("Open_vSwitch").First is not { } root) return;
        var isOn = root.GetMapValue("other_config", "enable-statistics") == "true";
        var now = isOn
            ? Datum.Map(HostStatistics.Read(OvsFolders.Run, _time.GetUtcNow())) : Datum.EmptyMap;
        if (root["statistics"].Equals(now)) return;
        Write([Operation.UpdateRow(
            "Open_vSwitch", root.Uuid, new ColumnValue("statistics", now))]);
    }

    private void TellConfigured()
    {
        _isConfigured = true;
        foreach (var waiting in _waiting) waiting.Tell(DatabaseConfigured.Instance);
        _waiting.Clear();
    }

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

/// <summary>
/// Asks that 'Waiter' be told, by <see cref="DatabaseConfigured"/>, once the first state of the
/// database is in force and its results are written; or once it is seen to have no root row.
/// </summary>
public sealed record WaitUntilConfigured(IActorRef Waiter);

public sealed record DatabaseConfigured
{
    public static DatabaseConfigured Instance { get; } = new();
}

/// <summary>Tells the configuration who hears <see cref="BridgesWanted"/> from now on.</summary>
public sealed record UseBridges(IActorRef Bridges);

/// <summary>Tells the configuration who shapes devices from now on.</summary>
public sealed record UseShaping(IActorRef Shaping);
