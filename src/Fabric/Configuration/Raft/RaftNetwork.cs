using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text.Json;
using Akka.Actor;
using Akka.Event;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Connections between the servers of a cluster.</summary>
/// <remarks>
/// Each server connects to all others and listens for them, so that there are two connections
/// between any two; a message goes by whichever is open. What happens at sockets is told to the
/// owner, which calls the methods named "Hear". Times are the owner's milliseconds.
/// </remarks>
internal sealed class RaftNetwork(
    OvsdbRemote local, TlsSource tls, IActorRef owner, ILoggingAdapter log) : IDisposable
{
    private const long RetryPause = 1000;

    /// <summary>Silence after which a server is probed, and after that is cut off.</summary>
    private const long ProbePause = 5000;

    private readonly List<Peer> _peers = [];
    private Socket? _listener;
    private long _listenAt;

    public sealed record Accepted(Socket Socket);

    public sealed record AcceptFailed(string Problem);

    /// <summary>One connection, or one to be.</summary>
    public sealed class Peer
    {
        public required string Address { get; set; }
        public required bool IsOutgoing { get; init; }
        public Guid? Server { get; set; }
        public bool IsOpen { get; set; }
        internal RemoteConnection? Connection { get; set; }
        internal bool IsWanted { get; set; } = true;
        internal long RetryAt { get; set; }
        internal long HeardAt { get; set; }
        internal bool IsProbed { get; set; }
    }

    public IReadOnlyList<Peer> Peers => _peers;
    public int LossCount { get; private set; }

    /// <summary>When <see cref="Tick"/> has something to do again.</summary>
    public long NextTick { get; private set; }

    /// <summary>Connects to these addresses, of servers where they are known.</summary>
    public void Follow(IReadOnlyDictionary<string, Guid?> servers, long now)
    {
        foreach (var peer in _peers)
        {
            if (peer.IsOutgoing) peer.IsWanted = servers.ContainsKey(peer.Address);
        }

        _peers.RemoveAll(peer => peer.IsOutgoing && !peer.IsWanted && peer.Connection is null);
        foreach (var (address, server) in servers)
        {
            var peer = _peers.Find(each => each.IsOutgoing && each.Address == address);
            if (peer is null)
            {
                peer = new Peer { Address = address, IsOutgoing = true, RetryAt = now };
                _peers.Add(peer);
            }

            peer.Server ??= server;
        }

        Tick(now);
    }

    public void Tick(long now)
    {
        if (_listener is null && now >= _listenAt) Listen(now);
        NextTick = _listener is null ? _listenAt : long.MaxValue;
        foreach (var peer in _peers.ToArray())
        {
            if (peer.Connection is null && peer.IsWanted)
            {
                if (now >= peer.RetryAt) Connect(peer, now);
                else NextTick = Math.Min(NextTick, peer.RetryAt);
            }
            else if (peer.IsOpen)
            {
                Probe(peer, now);
                NextTick = Math.Min(NextTick, peer.HeardAt + ProbePause * (peer.IsProbed ? 2 : 1));
            }
        }
    }

    public Peer? PeerOf(RemoteConnection connection) =>
        _peers.Find(peer => ReferenceEquals(peer.Connection, connection));

    /// <returns>False if there is no connection: the message is lost.</returns>
    public bool TrySend(Guid server, RaftEnvelope envelope)
    {
        var peer = _peers.Find(each => each.IsOpen && each.Server == server);
        if (peer is not null) Send(peer, envelope with { To = server });
        return peer is not null;
    }

    public void Send(Peer peer, RaftEnvelope envelope) => peer.Connection?.Notify(
        RaftMessageWriter.MethodOf(envelope.Message),
        RaftMessageWriter.ToJson(envelope with { To = peer.Server ?? envelope.To }));

    public void HearAccepted(Accepted accepted, long now)
    {
        accepted.Socket.NoDelay = true;
        var address = $"tcp:{accepted.Socket.RemoteEndPoint}";
        var peer = new Peer
        {
            Address = address,
            IsOutgoing = false,
            HeardAt = now,
            Connection = new RemoteConnection(local, tls.Current, owner, accepted.Socket),
        };
        _peers.Add(peer);
        peer.Connection.Open();
        AcceptNext();
    }

    public void HearAcceptFailed(AcceptFailed failed, long now)
    {
        log.Warning("{0}: accept: {1}", local.Text, failed.Problem);
        _listener?.Dispose();
        _listener = null;
        _listenAt = now + RetryPause;
    }

    public Peer? HearOpened(RemoteConnection.Opened opened, long now)
    {
        if (PeerOf(opened.Connection) is not { } peer) return null;
        peer.IsOpen = true;
        peer.HeardAt = now;
        peer.IsProbed = false;
        return peer;
    }

    public Peer? HearLost(RemoteConnection.Lost lost, long now)
    {
        if (PeerOf(lost.Connection) is not { } peer) return null;
        lost.Connection.Dispose();
        if (peer.IsOpen)
        {
            LossCount++;
            log.Info("{0}: connection closed ({1})", peer.Address, lost.Problem);
        }

        peer.Connection = null;
        peer.IsOpen = false;
        peer.RetryAt = now + RetryPause;
        if (!peer.IsOutgoing || !peer.IsWanted) _peers.Remove(peer);
        return peer;
    }

    /// <summary>What a document says, probes answered; null if that is all.</summary>
    public RaftEnvelope? Read(Peer peer, JsonElement json, long now)
    {
        peer.HeardAt = now;
        peer.IsProbed = false;
        RaftEnvelope? envelope = null;
        if (!JsonRpcMessage.TryRead(json, out var message, out var problem)) Drop(peer, problem);
        else if (message.Kind == JsonRpcKind.Request && message.Method == "echo")
        {
            peer.Connection!.Reply(message.Id, message.Params);
        }
        else if (message.Kind is JsonRpcKind.Request or JsonRpcKind.Notification
            && !RaftMessageReader.TryRead(
                message.Method, message.Params, out envelope, out problem))
        {
            Drop(peer, problem);
        }

        return envelope;
    }

    public void Drop(Peer peer, string problem)
    {
        log.Warning("{0}: {1}", peer.Address, problem);
        peer.Connection?.Dispose(); // That it is lost is told by itself.
    }

    public void Dispose()
    {
        _listener?.Dispose();
        _listener = null;
        foreach (var peer in _peers) peer.Connection?.Dispose();
        _peers.Clear();
    }

    private void Connect(Peer peer, long now)
    {
        peer.RetryAt = now + RetryPause;
        if (!OvsdbRemote.TryParse(peer.Address, out var remote) || remote.IsPassive) return;
        log.Info("{0}: connecting...", peer.Address);
        peer.Connection = new RemoteConnection(remote, tls.Current, owner);
        peer.Connection.Open();
    }

    private static void Probe(Peer peer, long now)
    {
        var silence = now - peer.HeardAt;
        if (silence >= 2 * ProbePause && peer.IsProbed) peer.Connection!.Dispose();
        else if (silence >= ProbePause && !peer.IsProbed)
        {
            peer.IsProbed = true;
            peer.Connection!.Call("echo", "echo");
        }
    }

    private void Listen(long now)
    {
        var host = System.Net.IPAddress.TryParse(local.Host, out _) ? local.Host : "";
        var passive = new OvsdbRemote(local.Text, RemoteKind.PassiveTcp, "", host, local.Port);
        if (PassiveSocket.TryListen(passive, out _listener, out var problem))
        {
            AcceptNext();
            return;
        }

        log.Warning("{0}: {1}", local.Text, problem);
        _listenAt = now + RetryPause;
    }

    private void AcceptNext() => _listener?.AcceptAsync().PipeTo(
        owner, owner,
        success: socket => new Accepted(socket),
        failure: exception => new AcceptFailed(exception.Message));
}
