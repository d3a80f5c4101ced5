using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Cluster;

/// <summary>What the northbound replica of a host needs to know from the start.</summary>
public sealed record NorthboundSettings(
    string HostId, DatabaseSchema Schema, LogTimes Times, TimeProvider Clock)
{
    /// <param name="incarnation">Not needed any more: the journal counts starts.</param>
    public NorthboundSettings(
        string hostId, long incarnation, DatabaseSchema schema, LogTimes times,
        TimeProvider clock) : this(hostId, schema, times, clock) => _ = incarnation;
}

/// <summary>This host's replica of the northbound, and its endpoint for clients.</summary>
/// <remarks>
/// Hears:  <see cref="HostDelivered"/> with what the writer asks of a replica and answers to an
///         endpoint; <see cref="Transact"/>, <see cref="CancelTransact"/> and
///         <see cref="SubscribeDatabase"/> of sessions; <see cref="SubscribeNorthbound"/> and
///         <see cref="NorthboundApplied"/> of the logical room; <see cref="MembershipView"/>,
///         <see cref="FoundLog"/> and <see cref="ClusterAttached"/> of the cluster's seam.
/// Says:   <see cref="DatabaseChanged"/>, then <see cref="TransactCompleted"/>;
///         <see cref="NorthboundChanged"/>; <see cref="SendToHost"/>; <see cref="LogStatus"/>;
///         <see cref="NorthboundApplied"/> on to the cluster.
/// Holds:  a replica that its journal makes again, and clients that wait: these are told that they
///         failed when it starts anew, by their own timeouts.
/// Fails:  when the journal fails, or holds what cannot be; its parent starts it anew.
/// </remarks>
public sealed partial class NorthboundActor : ReceivePersistentActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan NoteInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AppliedInterval = TimeSpan.FromSeconds(2);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly NorthboundSettings _settings;
    private readonly long _startedAt;
    private readonly LogReplica _replica = new();
    private readonly PendingTransactions _pending;
    private readonly SortedDictionary<string, IActorRef> _databaseSubscribers =
        new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, IActorRef> _northboundSubscribers =
        new(StringComparer.Ordinal);

    private IActorRef _cluster = ActorRefs.Nobody;
    private NorthboundState _state;
    private long _appliedSequence;
    private MembershipView _members;
    private string? _writerHost;
    private long _writerTerm;
    private TimeSpan? _writerHeardAt;
    private NorthboundApplied? _hostApplied;
    private LogStatus? _told;
    private ImmutableSortedDictionary<string, string>? _requested;
    private long _notedCommit;
    private TimeSpan _noteAt;
    private TimeSpan _appliedAt;

    public NorthboundActor(NorthboundSettings settings)
    {
        _settings = settings;
        _startedAt = settings.Clock.GetTimestamp();
        _state = NorthboundState.EmptyOf(settings.Schema);
        _members = MembershipView.Nothing(settings.HostId);
        _pending = new PendingTransactions(settings.HostId, settings.Times);

        Recover<SnapshotOffer>(offer => Recall((ReplicaSnapshot)offer.Snapshot));
        Recover<ILogEvent>(_replica.Apply);
        Recover<RecoveryCompleted>(_ =>
        {
            Advance();
            // A journal that is new may be the second one: its first number is above the first's.
            Number(_replica.Incarnation > 0
                ? _replica.Incarnation + 1
                : settings.Clock.GetUtcNow().ToUnixTimeSeconds());
        });

        Command<HostDelivered>(Hear);
        Command<Transact>(Submit);
        Command<CancelTransact>(Cancel);
        Command<SubscribeDatabase>(Subscribe);
        Command<UnsubscribeDatabase>(unsubscribe =>
            _databaseSubscribers.Remove(KeyOf(unsubscribe.Subscriber)));
        Command<ConvertDatabase>(Refuse);
        Command<SubscribeNorthbound>(Subscribe);
        Command<NorthboundApplied>(applied =>
        {
            _hostApplied = applied;
            _cluster.Tell(applied);
            TellApplied();
        });
        Command<Tick>(_ => OnTick());
        Command<ClusterAttached>(attached =>
        {
            if (_cluster.Equals(attached.Cluster)) return;
            _cluster = attached.Cluster;
            _told = null;
            if (_hostApplied is not null) _cluster.Tell(_hostApplied);
            TellRequested();
        });
        Command<MembershipView>(members => _members = members);
        Command<FoundLog>(Found);
        Command<Terminated>(ended =>
        {
            _databaseSubscribers.Remove(KeyOf(ended.ActorRef));
            _northboundSubscribers.Remove(KeyOf(ended.ActorRef));
        });
        Command<SaveSnapshotSuccess>(saved =>
        {
            DeleteMessages(saved.Metadata.SequenceNr);
            DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
        });
        Command<SaveSnapshotFailure>(failed =>
            _log.Warning(failed.Cause, "Snapshot of the northbound was not saved"));
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteMessagesFailure>(_ => { }); // The next snapshot tries again.
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public override string PersistenceId => $"northbound-{_settings.HostId}";

    public static Props Props(NorthboundSettings settings) =>
        Akka.Actor.Props.Create(() => new NorthboundActor(settings));

    internal LogReplica Replica => _replica;

    internal NorthboundState State => _state;

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private TimeSpan Now => _settings.Clock.GetElapsedTime(_startedAt);

    protected override void PreStart()
    {
        base.PreStart();
        Context.ActorSelection("../cluster").Tell(new ReplicaStarted(Self));
        Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, TickInterval);
    }

    /// <summary>Requests of this start are other ones than those of any earlier start.</summary>
    private void Number(long incarnation) => Persist(
        new EndpointStarted(incarnation),
        started =>
        {
            _replica.Apply(started);
            _pending.Incarnation = started.Incarnation;
        });

    private void Recall(ReplicaSnapshot snapshot)
    {
        foreach (var change in snapshot.ToEvents()) _replica.Apply(change);
    }

    private void Found(FoundLog found)
    {
        if (_replica.LogId != Guid.Empty) return;
        Persist(
            new LogFounded(found.LogId, VoterSet.Of(_settings.HostId)),
            founded =>
            {
                _replica.Apply(founded);
                _log.Info("Founded the northbound log {0}", founded.LogId);
            });
    }

    private void Hear(HostDelivered delivered)
    {
        switch (delivered.Payload)
        {
            case ILogMessage message:
                Decide(delivered.FromHost, message);
                break;
            case DescribeReplica:
                Send(delivered.FromHost, new ReplicaDescribed(_replica.View(_state)));
                break;
            case ForceVoters force:
                _log.Warning("Voters are forced to {0}", force.Voters);
                Persist(new VotersForced(force.Voters), forced =>
                {
                    _replica.Apply(forced);
                    Send(_settings.HostId, new ReplicaDescribed(_replica.View(_state)));
                });
                break;
            case SubmissionHeld held:
                _pending.Hold(held);
                break;
            case SubmissionAnswered answer:
                _pending.Answer(answer);
                CompleteAnswered();
                break;
        }
    }

    /// <summary>Journals what follows from a message, and only then answers it.</summary>
    private void Decide(string from, ILogMessage message)
    {
        var decision = _replica.Decide(message);
        if (decision.Events.IsDefaultOrEmpty || decision.Events.All(IsTransient))
        {
            Conclude(from, message, decision, decision.Events.IsDefault ? [] : decision.Events);
            return;
        }

        var remaining = decision.Events.Length;
        PersistAll(decision.Events, _ =>
        {
            if (--remaining == 0) Conclude(from, message, decision, decision.Events);
        });
    }

    private void Conclude(
        string from, ILogMessage message, LogDecision decision, ImmutableArray<ILogEvent> events)
    {
        foreach (var change in events) _replica.Apply(change);
        if (decision.Reply is not null) Send(from, decision.Reply);
        if (message is AppendEntries append && append.Term >= _replica.PromisedTerm)
            Follow(append.Writer.HostId, append.Term);
        Advance();
        Compact();
    }

    private static bool IsTransient(ILogEvent change) => change is CommitAdvanced;

    private void Follow(string writer, long term)
    {
        _writerHeardAt = Now;
        if (_writerHost == writer && _writerTerm == term) return;
        _writerHost = writer;
        _writerTerm = term;
        _log.Info("Host {0} writes the northbound in term {1}", writer, term);
        _pending.SendAllAgain();
        SendDue();
        TellApplied();
    }

    private void Send(string host, object payload) =>
        _cluster.Tell(new SendToHost(host, Addressee.Writer, payload));

    private void OnTick()
    {
        SendDue();
        foreach (var (pending, error) in _pending.TakeExpired(Quorum(), Now)) Fail(pending, error);
        NoteCommit();
        TellStatus();
        if (Now < _appliedAt) return;
        _appliedAt = Now + AppliedInterval;
        // The word that this host is done may be lost on its way; hv_cfg tells.
        var counted = _state.Database.Table("NB_Global").First?.GetInteger("hv_cfg") ?? 0;
        if (_hostApplied?.NbCfg > counted) TellApplied();
    }

    private QuorumView Quorum()
    {
        var voters = _replica.Voters.Hosts;
        return new QuorumView(
            voters.Count(voter => voter == _settings.HostId || voter == SqlVoter.HostId
                || _members.Find(voter) is { IsReachable: true, IsAlive: true }),
            voters.Count);
    }

    /// <summary>So that a restart without the others begins where clients have been.</summary>
    private void NoteCommit()
    {
        if (_replica.Committed == _notedCommit || Now < _noteAt) return;
        _noteAt = Now + NoteInterval;
        Persist(new CommitAdvanced(_replica.Committed), noted => _notedCommit = noted.Committed);
    }

    private void TellStatus()
    {
        var status = new LogStatus(
            _replica.LogId, _replica.PromisedTerm, _replica.Last, _replica.Committed,
            _replica.Voters, _writerHost, _pending.Count);
        if (status == _told) return;
        _told = status;
        _cluster.Tell(status);
    }

    private void TellApplied()
    {
        if (_hostApplied is { } applied && _writerHost is { } writer)
            Send(writer, new HostApplied(applied.Sequence, applied.NbCfg));
    }

    private void Compact()
    {
        if (_replica.Entries.Count <= LogLimits.TailEntryCountMax) return;
        var sequence = _replica.Committed - LogLimits.TailEntryCountKept;
        if (sequence <= _replica.Base.Sequence) return;
        var state = ReadImage();
        for (var i = _replica.Base.Sequence + 1; i <= sequence; i++)
            state = state.Apply(_replica[i]);
        _replica.Compact(sequence, state);
        SaveSnapshot(ReplicaSnapshot.Of(_replica));
    }

    private NorthboundState ReadImage()
    {
        if (_replica.Image is NorthboundState state) return state;
        return NorthboundState.TryRead(
            _replica.Image.ToBytes().Span, _settings.Schema, out var read)
            ? read
            : throw new InvalidOperationException(
                $"The northbound's image at {_replica.Base} is unreadable.");
    }

    private static string KeyOf(IActorRef actor) => actor.Path.ToStringWithoutAddress();
}
