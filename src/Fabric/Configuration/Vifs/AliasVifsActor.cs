using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Adds devices with an alias to the integration bridge, and removes them.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseChanged"/> and <see cref="TransactCompleted"/> from the database;
///         from its watch that devices have changed; its own slow timer.
/// Says:   <see cref="SubscribeDatabase"/>, <see cref="Transact"/>.
/// Holds:  the rows as they are now.
/// Fails:  when the database's actor is gone: its parent starts it anew. A transaction that is
///         refused is tried again with the next change or look.
/// </remarks>
public sealed class AliasVifsActor : ReceiveActor, IWithTimers
{
    /// <summary>In case that the kernel's word got lost.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(10);

    private readonly IActorRef _database;
    private readonly Func<Guid> _newUuid;
    private readonly Func<ImmutableArray<NamedDevice>> _devices;
    private readonly Func<Action, IDisposable?> _watchDevices;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IDisposable? _watch;
    private DatabaseSnapshot? _known;
    private long _requests;
    private bool _isWaiting;
    private bool _isStale;

    public AliasVifsActor(
        IActorRef database, Func<Guid> newUuid, Func<ImmutableArray<NamedDevice>> devices,
        Func<Action, IDisposable?> watchDevices)
    {
        _database = database;
        _newUuid = newUuid;
        _devices = devices;
        _watchDevices = watchDevices;
        Receive<Look>(_ => Reconcile());
        Receive<DatabaseChanged>(changed =>
        {
            _known = changed.After;
            Reconcile();
        });
        Receive<TransactCompleted>(completed =>
        {
            _isWaiting = false;
            if (completed.Error is { } error) _log.Warning("auto-vif: {0}", error);
            else if (_isStale) Reconcile();
        });
        Receive<Terminated>(_ => Context.Stop(Self)); // Its parent starts it anew.
    }

    private sealed record Look
    {
        public static readonly Look Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <param name="devices">Devices whose alias has an id, now.</param>
    /// <param name="watchDevices">
    /// Calls back from any thread when devices may have changed, until it is disposed of.
    /// </param>
    public static Props Props(
        IActorRef database, Func<Guid> newUuid, Func<ImmutableArray<NamedDevice>> devices,
        Func<Action, IDisposable?> watchDevices) => Akka.Actor.Props.Create(
        () => new AliasVifsActor(database, newUuid, devices, watchDevices));

    protected override void PreStart()
    {
        Context.Watch(_database);
        _database.Tell(new SubscribeDatabase(Self));
        var self = Self;
        _watch = _watchDevices(() => self.Tell(Look.Instance, ActorRefs.NoSender));
        Timers.StartPeriodicTimer(nameof(Look), Look.Instance, LookInterval, LookInterval);
    }

    protected override void PostStop() => _watch?.Dispose();

    /// <remarks>One transaction at a time: the database tells what came of it.</remarks>
    private void Reconcile()
    {
        _isStale = _isWaiting;
        if (_known is null || _isWaiting) return;
        var operations = AliasVifRows.Reconcile(_known, _devices(), _newUuid);
        if (operations.IsEmpty) return;
        _isWaiting = true;
        _database.Tell(new Transact(++_requests, operations));
    }
}
