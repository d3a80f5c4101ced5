using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>The way from this system to one remote address.</summary>
/// <remarks>
/// Connects when there is something to send; while it connects, a bounded queue waits. After a
/// failure the gate is closed for a growing pause, and ordinary messages go to dead letters. System
/// messages are kept until they are acknowledged, and sent again over the next connection to the
/// same incarnation. A quarantined incarnation gets nothing any more but a knock now and then, by
/// which each side learns how things stand; a new one starts afresh.
/// </remarks>
internal sealed class Association(Remoting owner, Address remote)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    private enum Phase
    {
        Idle,
        Connecting,
        Active,
        Gated,
    }

    private readonly Lock _lock = new();

    /// <summary>
    /// While it connects; with their numbers also the system messages, which have their place
    /// among the others: what an actor said goes before the news of its end.
    /// </summary>
    private readonly Queue<(long Sequence, byte[] Frame)> _waiting = new();
    private readonly Queue<(long Sequence, byte[] Frame)> _unacknowledged = new();
    private readonly HashSet<int> _quarantined = [];
    private Phase _phase = Phase.Idle;
    private IRemoteConnection? _connection;
    private int? _uid;
    private TimeSpan _pause = FirstPause;
    private long _sequence;
    private int _attempt;
    private bool _isStopped;

    /// <summary>The other end said why it hangs up.</summary>
    private volatile bool _isRefused;

    public Address Remote { get; } = remote;

    /// <summary>The incarnation that answered last.</summary>
    public int? Uid
    {
        get
        {
            lock (_lock) return _uid;
        }
    }

    /// <summary>System messages sent to this incarnation, and those not acknowledged.</summary>
    public (long Sent, int Unacknowledged) SystemMessageCounts
    {
        get
        {
            lock (_lock) return (_sequence, _unacknowledged.Count);
        }
    }

    public bool IsQuarantined(int uid)
    {
        lock (_lock) return _quarantined.Contains(uid);
    }

    /// <returns>Null if the frame is on its way, else the name of the drop.</returns>
    public string? Send(byte[] frame)
    {
        lock (_lock)
        {
            if (_isStopped) return "remoting is shut down";
            if (IsCurrentQuarantined)
            {
                if (_phase == Phase.Idle) Connect(); // Another may be there; this one is told.
                return "the remote system is quarantined";
            }

            switch (_phase)
            {
                case Phase.Active:
                    if (_connection!.TrySend(frame)) return null;
                    WireCounters.OutboundQueueFull.Increment();
                    return "the outbound queue is full";
                case Phase.Gated:
                    return "the remote system cannot be reached";
                case Phase.Idle:
                    Connect();
                    break;
            }

            if (_waiting.Count >= owner.Settings.OutboundQueueSize)
            {
                WireCounters.OutboundQueueFull.Increment();
                return "the outbound queue is full";
            }

            _waiting.Enqueue((0, frame));
            return null;
        }
    }

    /// <summary>Sends what must arrive.</summary>
    /// <param name="make">Makes the frame for a sequence number.</param>
    public void SendSystem(Func<long, byte[]> make)
    {
        int overflowing;
        lock (_lock)
        {
            if (_isStopped || IsCurrentQuarantined) return;
            if (_unacknowledged.Count < owner.Settings.SystemMessageBufferSize)
            {
                var frame = make(++_sequence);
                _unacknowledged.Enqueue((_sequence, frame));
                if (_phase == Phase.Active) _connection!.TrySend(frame);
                else if (_phase == Phase.Idle) Connect();
                else if (_phase == Phase.Connecting) _waiting.Enqueue((_sequence, frame));
                return;
            }

            overflowing = _uid ?? 0;
        }

        owner.Quarantine(Remote, overflowing, "the system message buffer is full");
    }

    /// <summary>Gives the incarnation up. True if that is new.</summary>
    public bool Quarantine(int uid)
    {
        IRemoteConnection? connection = null;
        lock (_lock)
        {
            if (!_quarantined.Add(uid)) return false;
            if (_uid is null || _uid == uid)
            {
                _uid = uid;
                connection = Reset(Phase.Idle);
            }
        }

        connection?.Close("quarantined");
        return true;
    }

    /// <summary>
    /// An incarnation has called here: if it is new, what was meant for the old is void.
    /// </summary>
    public void PeerSeen(int uid)
    {
        IRemoteConnection? stale = null;
        lock (_lock)
        {
            if (_uid == uid) return;
            if (_uid is not null) stale = Reset(Phase.Idle);
            _uid = uid;
            if (_phase == Phase.Gated) _phase = Phase.Idle; // It lives: no need to wait.
            _pause = FirstPause;
            if (_unacknowledged.Count > 0 && _phase == Phase.Idle) Connect();
        }

        stale?.Close("a new incarnation called");
    }

    /// <summary>Others have heard of an incarnation there: it is tried without a pause.</summary>
    public void Retry()
    {
        lock (_lock)
        {
            if (_phase != Phase.Gated || _isStopped) return;
            (_phase, _pause) = (Phase.Idle, FirstPause);
            if (_unacknowledged.Count > 0) Connect();
        }
    }

    public void Stop()
    {
        IRemoteConnection? connection;
        lock (_lock)
        {
            _isStopped = true;
            connection = _connection;
        }

        connection?.Close("remoting is shut down");
    }

    private bool IsCurrentQuarantined => _uid is { } uid && _quarantined.Contains(uid);

    private IRemoteConnection? Reset(Phase phase)
    {
        var connection = _connection;
        _connection = null;
        _phase = phase;
        _attempt++;
        _waiting.Clear();
        _unacknowledged.Clear();
        _sequence = 0;
        return connection;
    }

    private void Connect()
    {
        _phase = Phase.Connecting;
        var attempt = ++_attempt;
        owner.Transport.Connect(
            Remote, connection => Connected(attempt, connection), e => Failed(attempt, e));
        owner.System.Scheduler.Advanced.ScheduleOnce(
            owner.Settings.HandshakeTimeout, () => HandshakeDue(attempt));
    }

    private void Connected(int attempt, IRemoteConnection connection)
    {
        lock (_lock)
        {
            if (attempt == _attempt && !_isStopped) _connection = connection;
        }

        connection.Start(
            frame => Received(attempt, connection, frame), reason => Closed(attempt, reason));
        if (ReferenceEquals(_connection, connection))
        {
            connection.TrySend(Frame.Hello(owner.Self, Remote));
        }
        else
        {
            connection.Close("superseded");
        }
    }

    private void HandshakeDue(int attempt)
    {
        lock (_lock)
        {
            if (attempt != _attempt || _phase != Phase.Connecting) return;
        }

        Failed(attempt, new RemoteTransportException($"{Remote} did not answer the handshake"));
    }

    private void Received(int attempt, IRemoteConnection connection, ReadOnlySpan<byte> frame)
    {
        var fields = frame[1..];
        switch ((FrameKind)frame[0])
        {
            case FrameKind.Welcome when Frame.TryReadWelcome(fields, out var callee):
                Welcomed(attempt, connection, callee);
                break;
            case FrameKind.Refused:
                Refused(Frame.ReadRefused(fields));
                connection.Close("refused");
                break;
            case FrameKind.Ack:
                Acknowledged(attempt, Frame.ReadAck(fields));
                break;
            default:
                WireCounters.MalformedFrames.Increment();
                break;
        }
    }

    private void Welcomed(int attempt, IRemoteConnection connection, UniqueAddress callee)
    {
        lock (_lock)
        {
            if (attempt != _attempt || _isStopped) return;
            if (_uid != callee.Uid && _uid is not null)
            {
                // Another incarnation than the one that the kept messages were meant for.
                _unacknowledged.Clear();
                _sequence = 0;
            }

            _uid = callee.Uid;
            if (_quarantined.Contains(callee.Uid))
            {
                Reset(Phase.Idle);
                CloseGate();
                connection.Close("quarantined");
                return;
            }

            _phase = Phase.Active;
            _pause = FirstPause;
            SendWaiting(connection);
        }

        owner.Publish(new AssociatedEvent(owner.Self.Address, Remote, inbound: false));
    }

    private void SendWaiting(IRemoteConnection connection)
    {
        var placed = _waiting.Where(one => one.Sequence > 0).Select(one => one.Sequence)
            .ToHashSet();
        var valid = _unacknowledged.Select(one => one.Sequence).ToHashSet();
        foreach (var (sequence, frame) in _unacknowledged)
        {
            if (!placed.Contains(sequence)) connection.TrySend(frame);
        }

        while (_waiting.TryDequeue(out var one))
        {
            if (one.Sequence == 0 || valid.Contains(one.Sequence)) connection.TrySend(one.Frame);
        }
    }

    private void Refused(string reason)
    {
        _isRefused = true;
        if (reason == Frame.ReasonQuarantined)
        {
            owner.Publish(new ThisActorSystemQuarantinedEvent(owner.Self.Address, Remote));
        }
        else
        {
            owner.WarnOnce($"{Remote} refused the connection: {reason}");
        }
    }

    private void Acknowledged(int attempt, long sequence)
    {
        lock (_lock)
        {
            if (attempt != _attempt) return;
            while (_unacknowledged.TryPeek(out var oldest) && oldest.Sequence <= sequence)
            {
                _unacknowledged.Dequeue();
            }
        }
    }

    private void Failed(int attempt, Exception cause)
    {
        IRemoteConnection? connection;
        lock (_lock)
        {
            if (attempt != _attempt || _isStopped) return;
            connection = _connection;
            CloseGate();
        }

        connection?.Close(cause.Message);
        owner.Log.Debug("Association with {0} failed: {1}", Remote, cause.Message);
        owner.Publish(new AssociationErrorEvent(cause, owner.Self.Address, Remote, inbound: false));
    }

    private void Closed(int attempt, string reason)
    {
        bool isWelcomed;
        lock (_lock)
        {
            if (attempt != _attempt || _isStopped) return;
            isWelcomed = _phase == Phase.Active || _isRefused;
            CloseGate();
        }

        // With TLS 1.3 the one that calls is through before the other has seen its certificate.
        if (!isWelcomed && owner.Settings.IsTlsEnabled)
        {
            owner.WarnOnce($"{Remote} hung up without a welcome: it may not accept this host's "
                + "certificate; its log says why");
        }

        owner.Log.Debug("Association with {0} closed: {1}", Remote, reason);
        owner.Publish(new DisassociatedEvent(owner.Self.Address, Remote, inbound: false));
    }

    private void CloseGate()
    {
        _connection = null;
        _isRefused = false;
        _phase = Phase.Gated;
        _attempt++;
        owner.CountDropped(Remote, _waiting.Count(one => one.Sequence == 0));
        _waiting.Clear();
        var attempt = _attempt;
        owner.System.Scheduler.Advanced.ScheduleOnce(_pause, () => OpenGate(attempt));
        _pause = TimeSpan.FromTicks(
            Math.Min(_pause.Ticks * 2, owner.Settings.RetryGateClosedFor.Ticks));
    }

    private void OpenGate(int attempt)
    {
        lock (_lock)
        {
            if (attempt != _attempt || _isStopped || _phase != Phase.Gated) return;
            _phase = Phase.Idle;
            if (_unacknowledged.Count > 0) Connect();
        }
    }
}
