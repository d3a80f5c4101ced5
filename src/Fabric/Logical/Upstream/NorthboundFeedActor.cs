using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>
/// Feeds the fabric's northbound from an OVN_Northbound that others serve, and writes through.
/// </summary>
/// <remarks>
/// Every host has one; the host of the lowest id works, the others only pass their clients on. Two
/// that work at once do no harm: what one has written the other finds equal.
/// Hears:  <see cref="DatabaseChanged"/> of the other northbound and of this host's replica;
///         <see cref="VtepsChanged"/>; <see cref="SubscribeDatabase"/> and
///         <see cref="Configuration.Transact"/> of this host's clients.
/// Says:   transactions to both; <see cref="TransactCompleted"/> to clients, after the replica
///         has what they wrote.
/// Holds:  answers that wait for the replica.
/// Fails:  never by the other server: while it is away the replica stays as it is, and what
///         clients want to write is "canceled". It ends with the replica and is made anew.
/// </remarks>
public sealed class NorthboundFeedActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(5);

    private readonly string _host;
    private readonly IActorRef _replica;
    private readonly IActorRef _cluster;
    private readonly IActorRef _server;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly WriteThrough _writes;
    private readonly List<(IActorRef Client, TransactCompleted Answer)> _answers = [];

    private DatabaseSnapshot? _upstream;
    private DatabaseSnapshot? _local;
    private bool _isFeeder = true;
    private long _down;
    private long _up;

    public NorthboundFeedActor(
        string host, IActorRef replica, IActorRef cluster, RemoteDatabaseSettings settings)
    {
        _host = host;
        _replica = replica;
        _cluster = cluster;
        _server = Context.ActorOf(RemoteDatabaseActor.Props(settings), "server");
        _writes = new WriteThrough(_server);
        Receive<SubscribeDatabase>(subscribe => _replica.Forward(subscribe));
        Receive<UnsubscribeDatabase>(unsubscribe => _replica.Forward(unsubscribe));
        Receive<ConvertDatabase>(convert => _replica.Forward(convert));
        Receive<CancelTransact>(cancel => _replica.Forward(cancel));
        Receive<Transact>(Submit);
        Receive<DatabaseChanged>(changed =>
        {
            if (Sender.Equals(_server)) _upstream = changed.After;
            else _local = changed.After;
            Reconcile();
        });
        Receive<VtepsChanged>(changed =>
        {
            _isFeeder = changed.Vteps.All(
                vtep => string.CompareOrdinal(_host, vtep.HostId) <= 0);
            Reconcile();
        });
        Receive<TransactCompleted>(OnCompleted);
        Receive<Again>(_ => Reconcile());
        Receive<AnswerNow>(_ => Release());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        string host, IActorRef replica, IActorRef cluster, RemoteDatabaseSettings settings) =>
        Akka.Actor.Props.Create(() => new NorthboundFeedActor(host, replica, cluster, settings));

    private sealed record Again
    {
        public static Again Instance { get; } = new();
    }

    private sealed record AnswerNow
    {
        public static AnswerNow Instance { get; } = new();
    }

    protected override void PreStart()
    {
        Context.Watch(_replica); // Not handled: this actor ends with it, and is made anew.
        Context.Watch(_cluster);
        _replica.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
        _cluster.Tell(new SubscribeVteps(Self));
        _server.Tell(new SubscribeDatabase(Self, WithInitialRows: false));
    }

    /// <summary>What changes rows goes to the other server, the rest to the replica.</summary>
    private void Submit(Transact transact)
    {
        if (NorthboundFeed.IsReadOnly(transact.Operations))
        {
            _replica.Forward(transact);
            return;
        }

        _writes.Send(transact, Sender, Self);
    }

    private void Reconcile()
    {
        if (_upstream is not { } upstream || _local is not { } local) return;
        var down = NorthboundFeed.Down(upstream, local);
        if (down.IsEmpty) Release();
        if (!_isFeeder) return;
        if (!down.IsEmpty && _down == 0)
        {
            _down = _writes.NextRequest();
            _replica.Tell(new Transact(_down, down), Self);
        }

        if (_up != 0) return;
        var up = NorthboundFeed.Up(upstream, local);
        if (up.IsEmpty) return;
        _up = _writes.NextRequest();
        _server.Tell(new Transact(_up, up), Self);
    }

    private void OnCompleted(TransactCompleted completed)
    {
        if (Sender.Equals(_server) && _writes.Complete(completed, _upstream) is { } done)
        {
            if (completed.Error is not null) done.Client.Tell(done.Answer);
            else Hold(done.Client, done.Answer);
            return;
        }

        var isDown = completed.RequestId == _down;
        if (isDown) _down = 0;
        else if (completed.RequestId == _up) _up = 0;
        if (completed.Error is { } error)
        {
            _log.Warning(
                "{0} refused what the other has: {1}", isDown ? "the replica" : "the northbound",
                error);
            Timers.StartSingleTimer(nameof(Again), Again.Instance, RetryPause);
            return;
        }

        Reconcile();
    }

    /// <summary>Clients hear of their change before they hear that it was done.</summary>
    private void Hold(IActorRef client, TransactCompleted answer)
    {
        _answers.Add((client, answer));
        Timers.StartSingleTimer(nameof(AnswerNow), AnswerNow.Instance, AnswerPatience);
        Reconcile();
    }

    private void Release()
    {
        foreach (var (client, answer) in _answers) client.Tell(answer);
        _answers.Clear();
        Timers.Cancel(nameof(AnswerNow));
    }
}
