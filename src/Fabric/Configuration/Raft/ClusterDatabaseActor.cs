using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A database that several servers hold (ovsdb(7), "Clustered"); any schema.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/>, <see cref="CancelTransact"/>,
///         <see cref="ConvertDatabase"/>, <see cref="CompactDatabase"/>,
///         <see cref="DescribeDatabase"/>, <see cref="ClusterRequest"/>; other servers of the
///         cluster, through its <see cref="RaftNetwork"/>.
/// Says:   <see cref="DatabaseChanged"/>, <see cref="TransactCompleted"/>;
///         <see cref="ServeDatabase"/> to its server, again when leader, connection or schema
///         are others; <see cref="ClusterSchemaKnown"/> and <see cref="ClusterLeft"/> to its
///         parent.
/// Holds:  the file, open and locked; the server's part in the cluster; rows, subscribers,
///         transactions that wait or are on their way into the log. Before it has joined it has
///         no rows: what clients ask is held back.
/// Fails:  when the file cannot be written, or the log has what does not fit the rows; its parent
///         decides. An entry is on disk before it counts, and before it is answered.
/// </remarks>
internal sealed partial class ClusterDatabaseActor : EngineActor
{
    private const long CompactSizeMin = 10 * 1024 * 1024;

    private readonly ClusterLogFile _file;
    private readonly IActorRef _server;
    private readonly IActorRef _self;
    private readonly TimeProvider _time;
    private readonly RaftMember _raft;
    private readonly RaftNetwork _network;
    private readonly ClusterJournal _journal;
    private readonly ILoggingAdapter _log = Logging.GetLogger(Context.System, "raft");
    private readonly Queue<(object Message, IActorRef Sender)> _held = [];
    private readonly long _start;
    private bool _hasSchema;
    private (object Message, IActorRef Sender)? _conversion;
    private bool _isRetryDue;
    private bool _isServedDue = true;
    private bool _areServersDue = true;
    private long _sizeAtCompaction;
    private long _tickAt = long.MaxValue;

    public static Props Props(
        ClusterLogFile file, IActorRef server, TlsSource tls, TimeProvider time) =>
        Akka.Actor.Props.Create(() => new ClusterDatabaseActor(file, server, tls, time));

    public ClusterDatabaseActor(
        ClusterLogFile file, IActorRef server, TlsSource tls, TimeProvider time)
    {
        _file = file;
        _server = server;
        _self = Self;
        _time = time;
        _start = time.GetTimestamp();
        _sizeAtCompaction = file.Size;
        _hasSchema = !file.Memory.Log.Servers.IsEmpty;
        _raft = new RaftMember(file.Memory, this, new Random(file.ServerId.GetHashCode()));
        _journal = new ClusterJournal(time, TrySubmit);
        _journal.Reset(_raft.Log.EntryIdAt(_raft.Applied));
        Engine = new DatabaseEngine(file.Snapshot, _journal, time, RandomUuids.New);
        OvsdbRemote.TryParse(_raft.Address, out var address);
        _network = new RaftNetwork(address!, tls, Self, _log);

        // What needs rows waits for them; what would be in the way of a conversion, too.
        Receive<SubscribeDatabase>(Hold, _ => !_hasSchema);
        Receive<Transact>(Hold, _ => !_hasSchema || _conversion is not null);
        Receive<ConvertDatabase>(
            Hold, _ => !_hasSchema || _conversion is not null || !_journal.IsEmpty);
        Receive<Transact>(transact =>
        {
            // Of what the servers themselves write, such as a remote's status, one is enough.
            if (!_raft.IsLeader && ReferenceEquals(transact.Origin, TransactionOrigin.Internal))
            {
                return;
            }

            Run(transact);
            Settle();
        });
        Receive<ConvertDatabase>(Convert);
        ReceiveClients();
        ReceiveNetwork();
        Receive<ClusterRequest>(request =>
        {
            Sender.Tell(Answer(request));
            Settle();
        });
        Receive<CompactDatabase>(_ =>
        {
            Compact();
            Sender.Tell(new DatabaseCompacted(_file.Name));
        });
        Receive<SetBackup>(_ => { }); // A cluster is nobody's backup.
    }

    private sealed class TickTime
    {
        public static TickTime Instance { get; } = new();
    }

    private long Now => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    protected override void PreStart()
    {
        _log.Info("local server ID is {0}", RaftSettings.ShortOf(_raft.Id));
        _raft.Start(Now);
        Settle();
    }

    protected override void PostStop()
    {
        if (!_raft.HasLeft) _raft.TransferLeadership("this server is shutting down");
        _network.Dispose();
        _file.Dispose();
    }

    private void ReceiveNetwork()
    {
        Receive<TickTime>(_ =>
        {
            _tickAt = long.MaxValue;
            _network.Tick(Now);
            _raft.Tick(Now);
            Settle();
        });
        Receive<RaftNetwork.Accepted>(accepted =>
        {
            _network.HearAccepted(accepted, Now);
            Settle();
        });
        Receive<RaftNetwork.AcceptFailed>(failed =>
        {
            _network.HearAcceptFailed(failed, Now);
            Settle();
        });
        Receive<RemoteConnection.Opened>(opened =>
        {
            if (_network.HearOpened(opened, Now) is { IsOutgoing: true } peer) Greet(peer);
            Settle();
        });
        Receive<RemoteConnection.Lost>(lost =>
        {
            // Another connection to the same server takes over.
            if (_network.HearLost(lost, Now)?.Server is { } server) Reach(server);
            Settle();
        });
        Receive<RemoteConnection.Heard>(heard =>
        {
            using (heard.Document) Hear(heard);
            Settle();
        });
    }

    private void Greet(RaftNetwork.Peer peer)
    {
        RaftMessage greeting = _raft.IsJoining
            ? new RaftMessage.AddServer(_raft.Address) : new RaftMessage.Hello(_raft.Address);
        _network.Send(peer, Envelope(greeting));
        if (peer.Server is { } server) Reach(server);
    }

    private void Hear(RemoteConnection.Heard heard)
    {
        if (_network.PeerOf(heard.Connection) is not { } peer) return;
        if (_network.Read(peer, heard.Document.RootElement, Now) is not { } envelope) return;
        if (_file.ClusterId is null && envelope.Cluster is { } cluster)
        {
            _log.Info("learned cluster ID {0}", RaftSettings.ShortOf(cluster));
            _file.LearnCluster(cluster);
            _isServedDue = true;
        }

        var isMisled = envelope.From == _raft.Id || envelope.To is { } to && to != _raft.Id
            || envelope.Cluster is { } other && other != _file.ClusterId
            || peer.Server is { } known && known != envelope.From;
        if (isMisled)
        {
            _network.Drop(peer, "message is not for this server of this cluster");
            return;
        }

        if (peer.Server is null)
        {
            peer.Server = envelope.From;
            _log.Info(
                "{0}: learned server ID {1}", peer.Address, RaftSettings.ShortOf(envelope.From));
            Reach(envelope.From);
        }

        _raft.Hear(envelope.From, envelope.Message, Now);
    }

    /// <summary>There is a new way to a server, or one less: what was sent may be lost.</summary>
    private void Reach(Guid server)
    {
        _raft.HearConnected(server, Now);
        if (_raft.Leader == server) _journal.Submit(isAnew: true);
    }

    private RaftEnvelope Envelope(RaftMessage message) =>
        new(_raft.Id, null, _file.ClusterId, message);

    private void Hold(object message) => _held.Enqueue((message, Sender));

    /// <summary>After each message: what it has led to.</summary>
    private void Settle()
    {
        if (_raft.HasLeft) return;
        if (_isRetryDue)
        {
            _isRetryDue = false;
            Engine.RetryWaiting();
            WaitTimer.Set(Timers, Engine);
        }

        _journal.Submit(isAnew: false);
        ReleaseHeld();
        if (_areServersDue) FollowServers();
        if (_isServedDue) Serve();
        if (_file.Size >= CompactSizeMin && _file.Size >= 4 * _sizeAtCompaction) Compact();
        var next = Math.Min(_raft.NextTick, _network.NextTick);
        if (next >= _tickAt) return;
        _tickAt = next;
        Timers.StartSingleTimer(
            nameof(TickTime), TickTime.Instance,
            TimeSpan.FromMilliseconds(Math.Max(next - Now, 0) + 1));
    }

    /// <summary>One that is held again goes to the end: the others keep their order.</summary>
    private void ReleaseHeld()
    {
        if (!_hasSchema || _conversion is not null) return;
        for (var left = _held.Count; left > 0; left--)
        {
            var (message, sender) = _held.Dequeue();
            if (message is ConvertDatabase && !_journal.IsEmpty) _held.Enqueue((message, sender));
            else _self.Tell(message, sender);
        }
    }

    private void FollowServers()
    {
        _areServersDue = false;
        var servers = new SortedDictionary<string, Guid?>(StringComparer.Ordinal);
        foreach (var address in _raft.Remotes) servers[address] = null;
        foreach (var (id, address) in _raft.Log.Servers) servers[address] = id;
        servers.Remove(_raft.Address);
        _network.Follow(servers, Now);
    }

    private void Serve()
    {
        _isServedDue = false;
        _server.Tell(new ServeDatabase(new ServedDatabase(Engine.Head.Schema, _self)
        {
            Model = "clustered",
            IsLeader = _raft.IsLeader,
            IsConnected = _raft.IsConnected,
            IsJoining = !_hasSchema,
            ClusterId = _file.ClusterId ?? Guid.Empty,
            ServerId = _raft.Id,
            Index = _hasSchema ? _raft.Applied : null,
        }));
    }

    private void Compact()
    {
        if (!_hasSchema) return;
        _raft.Compact(ClusterLogFile.DataOf(
            Engine.Published, _time.GetUtcNow(), "compacting database online"));
        _sizeAtCompaction = _file.Size;
        _log.Info("{0}: compacted to {1} bytes", _file.Path, _file.Size);
    }
}

/// <summary>To its parent: the server has the rows, and so their schema.</summary>
internal sealed record ClusterSchemaKnown(string Name, DatabaseSchema Schema);

/// <summary>To its parent: the server is no member of the database's cluster any more.</summary>
internal sealed record ClusterLeft(string Name);
