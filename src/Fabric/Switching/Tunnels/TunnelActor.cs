using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;

namespace Fabric.Switching;

/// <summary>What the database says of one tunnel now.</summary>
/// <param name="Row">Null when there is none.</param>
public sealed record TunnelObserved(Row Bridge, TunnelRow? Row, DatabaseSnapshot Database);

/// <summary>One tunnel: its rows are there and say what its VTEP says.</summary>
/// <remarks>
/// Hears:  <see cref="TunnelObserved"/> from its parent; <see cref="TransactCompleted"/>.
/// Says:   <see cref="Transact"/> to the Open_vSwitch database.
/// Holds:  nothing but how long it pauses after a refusal (200 ms to 30 s).
/// Fails:  alone. Its parent starts it anew; the database says again what is.
/// </remarks>
public sealed class TunnelActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);

    /// <summary>A database that has not answered by then has been started anew.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Vtep _vtep;
    private readonly IActorRef _database;

    private TunnelObserved? _seen;
    private TimeSpan _pause = PauseMin;
    private long _request;
    private bool _isAwaited;
    private bool _isPausing;

    public TunnelActor(Vtep vtep, IActorRef database)
    {
        _vtep = vtep;
        _database = database;
        Receive<TunnelObserved>(seen =>
        {
            _seen = seen;
            Reconcile();
        });
        Receive<TransactCompleted>(Completed);
        Receive<AnswerLost>(_ =>
        {
            _isAwaited = false;
            Reconcile();
        });
        Receive<PauseEnded>(_ =>
        {
            _isPausing = false;
            Reconcile();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Vtep vtep, IActorRef database) =>
        Akka.Actor.Props.Create(() => new TunnelActor(vtep, database));

    /// <summary>
    /// The actor's name: unique among VTEPs, and made of characters that paths allow.
    /// </summary>
    public static string NameOf(Vtep vtep) => Uri.EscapeDataString(
        $"{vtep.HostId}~{vtep.Type}~{vtep.Address}").Replace("%", "_", StringComparison.Ordinal);

    private sealed record PauseEnded
    {
        public static readonly PauseEnded Instance = new();
    }

    private sealed record AnswerLost
    {
        public static readonly AnswerLost Instance = new();
    }

    private void Reconcile()
    {
        if (_seen is not { } seen || _isAwaited || _isPausing) return;
        if (seen.Row is null)
        {
            var taken = seen.Database.Table("Interface").Rows
                .Concat(seen.Database.Table("Port").Rows)
                .Select(row => row.GetString("name")).ToHashSet(StringComparer.Ordinal);
            var name = TunnelRows.NameFor(_vtep.HostId, taken);
            Send(TunnelRows.Add(seen.Bridge, _vtep, name, Guid.NewGuid));
        }
        else if (!seen.Row.Options.SequenceEqual(TunnelRows.OptionsOf(_vtep)))
        {
            Send([TunnelRows.ChangeOptions(seen.Row, _vtep)]);
        }
    }

    private void Send(ImmutableArray<Wire.Ovsdb.Operation> operations)
    {
        _isAwaited = true;
        Timers.StartSingleTimer(nameof(AnswerLost), AnswerLost.Instance, AnswerPatience);
        _database.Tell(new Transact(++_request, operations));
    }

    private void Completed(TransactCompleted completed)
    {
        if (completed.RequestId != _request) return;
        _isAwaited = false;
        Timers.Cancel(nameof(AnswerLost));
        if (completed.Error is null)
        {
            _pause = PauseMin;
            _seen = null; // The database says next what it has made of it.
            return;
        }

        _log.Warning(
            "Tunnel to {0} at {1} was refused: {2}; again in {3}",
            _vtep.HostId, _vtep.Address, completed.Error, _pause);
        _isPausing = true;
        Timers.StartSingleTimer(nameof(PauseEnded), PauseEnded.Instance, _pause);
        _pause = TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, PauseMax.Ticks));
    }
}
