using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Fabric.Cluster;

/// <summary>The writer of the northbound, on one host of the cluster at a time.</summary>
/// <remarks>
/// Hears:  <see cref="HostDelivered"/> from replicas and endpoints of all hosts;
///         <see cref="MembershipView"/> and <see cref="PortLocationsChanged"/> from its seam.
/// Says:   <see cref="WriterStarted"/>; <see cref="SendToHost"/>.
/// Holds:  the end of the log and its state; all of it is read from a majority at each start.
/// Fails:  when a higher term is known it begins again above it; a second writer elsewhere can do
///         no harm, for voters obey one term.
/// </remarks>
public sealed class NorthboundWriterActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RestartPause = TimeSpan.FromMilliseconds(300);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly string _host;
    private readonly IActorRef _seam;
    private readonly WriterSurroundings _around;
    private readonly TimeProvider _clock;
    private readonly long _startedAt;
    private readonly IActorRef _sql;

    private MembershipView _members;
    private ImmutableSortedDictionary<string, PortLocation>? _ports;
    private NorthboundWriter? _writer;
    private LogWriterPhase? _toldPhase;
    private TimeSpan _describedAt = TimeSpan.MinValue;
    private long _above;

    public NorthboundWriterActor(
        string host, IActorRef seam, WriterSurroundings around, TimeProvider clock)
    {
        _host = host;
        _seam = seam;
        _around = around;
        _clock = clock;
        _startedAt = clock.GetTimestamp();
        _members = MembershipView.Nothing(host);
        _sql = around.Sql is { } log
            ? Context.ActorOf(
                SqlVoterActor.Props(log.Connection, log.Name, around.NewUuid), "postgresql")
            : ActorRefs.Nobody;

        Receive<HostDelivered>(delivered => Hear(delivered));
        Receive<MembershipView>(members =>
        {
            _members = members;
            _writer?.SetMembers(members, Now);
            Flush();
        });
        Receive<Tick>(_ => OnTick());
        Receive<PortLocationsChanged>(changed =>
        {
            _ports = changed.Locations;
            _writer?.SetLocations(_ports);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        string host, IActorRef seam, WriterSurroundings around, TimeProvider clock) =>
        Akka.Actor.Props.Create(() => new NorthboundWriterActor(host, seam, around, clock));

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    /// <summary>Null until the replica of this host has described itself.</summary>
    internal NorthboundWriter? Writer => _writer;

    private TimeSpan Now => _clock.GetElapsedTime(_startedAt);

    protected override void PreStart()
    {
        _seam.Tell(new WriterStarted(Self));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickInterval);
        Describe();
    }

    private void Describe()
    {
        _describedAt = Now;
        _seam.Tell(new SendToHost(_host, Addressee.Northbound, DescribeReplica.Instance));
    }

    private void Hear(HostDelivered delivered)
    {
        if (delivered.Payload is ReplicaDescribed described) Begin(described.View);
        else _writer?.Receive(delivered.FromHost, delivered.Payload, Now);
        Flush();
    }

    private void Begin(LogView own)
    {
        if (_writer is { Log.Phase: not LogWriterPhase.Deposed, ForcedVoters: null }) return;
        var nonce = BitConverter.ToInt64(_around.NewUuid().ToByteArray());
        _writer = new NorthboundWriter(
            new WriterId(_host, nonce), own, _above, _members, _around);
        _writer.SetMembers(_members, Now);
        if (_ports is not null) _writer.SetLocations(_ports);
        _writer.Tick(Now);
    }

    private void OnTick()
    {
        if (_writer is null)
        {
            if (Now - _describedAt > RestartPause) Describe();
            return;
        }

        _writer.Tick(Now);
        if (_writer.Log.Phase == LogWriterPhase.Deposed && Now - _describedAt > RestartPause)
        {
            _above = Math.Max(_above, _writer.Log.RefusedBy);
            Describe();
        }

        Flush();
    }

    private void Flush()
    {
        if (_writer is null) return;
        if (_writer.ForcedVoters is { } forced && Now - _describedAt > RestartPause)
        {
            _describedAt = Now;
            _above = Math.Max(_above, _writer.Log.Term);
            _seam.Tell(new SendToHost(_host, Addressee.Northbound, new ForceVoters(forced)));
        }

        foreach (var send in _writer.TakeOutbox())
        {
            if (send.Host == SqlVoter.HostId) _sql.Tell(send.Payload);
            else _seam.Tell(send);
        }

        if (_toldPhase == _writer.Log.Phase) return;
        _toldPhase = _writer.Log.Phase;
        _log.Info(
            "Northbound writer: {0} in term {1}, voters {2}, last entry {3}",
            _writer.Log.Phase, _writer.Log.Term, _writer.Log.Voters, _writer.Log.Last);
    }
}

/// <summary>From the writer to the seam of its host: messages for the writer go there.</summary>
public sealed record WriterStarted(IActorRef Writer);
