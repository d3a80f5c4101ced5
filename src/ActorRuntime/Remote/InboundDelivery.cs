#nullable disable
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>Takes the connections of others, and gives what comes on them to actors here.</summary>
/// <remarks>
/// Garbage, unknown manifests and failing deserializers are counted and survived: the message is
/// dropped, the connection goes on.
/// </remarks>
internal sealed class InboundDelivery(Remoting remoting)
{
    private const int ResolvedCountMax = 4096;

    /// <summary>Of actors that wait for one answer.</summary>
    internal const string TemporaryPath = "/temp/";

    private sealed class Session(IRemoteConnection connection, long number)
    {
        public long Number => number;
        public IRemoteConnection Connection => connection;
        public UniqueAddress Peer { get; set; }
        public Dictionary<string, IActorRef> Senders { get; } = [];
    }

    private readonly ConcurrentDictionary<Session, byte> _sessions = new();

    /// <summary>Actors here by path, as a peer names them: the same few for all peers.</summary>
    private readonly ConcurrentDictionary<string, IActorRef> _recipients = new();
    private long _sessionCount;

    /// <summary>Those that have said who calls, the oldest first: seldom more than one.</summary>
    private readonly ConcurrentDictionary<UniqueAddress, ImmutableArray<Session>> _sessionsOf =
        new();

    /// <summary>
    /// Per incarnation the number of the last system message that was delivered. Its lock keeps
    /// two connections of one peer, of which the older has just broken, in order.
    /// </summary>
    private readonly ConcurrentDictionary<UniqueAddress, StrongBox<long>> _delivered = new();

    public void Accept(IRemoteConnection connection)
    {
        var session = new Session(connection, Interlocked.Increment(ref _sessionCount));
        _sessions.TryAdd(session, 0);
        connection.Start(
            frame => Received(session, frame), _ => Ended(session));
    }

    private void Ended(Session session)
    {
        _sessions.TryRemove(session, out _);
        if (session.Peer is not { } peer) return;
        while (_sessionsOf.TryGetValue(peer, out var sessions))
        {
            var others = sessions.Remove(session);
            var isDone = others.IsEmpty
                ? _sessionsOf.TryRemove(KeyValuePair.Create(peer, sessions))
                : _sessionsOf.TryUpdate(peer, others, sessions);
            if (isDone) return;
        }
    }

    public void Quarantine(UniqueAddress peer)
    {
        _delivered.TryRemove(peer, out _);
        if (!_sessionsOf.TryGetValue(peer, out var sessions)) return;
        foreach (var session in sessions)
        {
            session.Connection.TrySend(Frame.Refused(Frame.ReasonQuarantined));
            session.Connection.Close("quarantined");
        }
    }

    public void Stop()
    {
        foreach (var session in _sessions.Keys.OrderBy(s => s.Number)) session.Connection.Close(
            "remoting is shut down");
    }

    private void Received(Session session, ReadOnlySpan<byte> frame)
    {
        var kind = (FrameKind)frame[0];
        var fields = frame[1..];
        if (session.Peer is null)
        {
            if (kind == FrameKind.Hello
                && Frame.TryReadHello(fields, out var caller, out var wanted))
            {
                Greet(session, caller, wanted);
                return;
            }

            WireCounters.MalformedFrames.Increment();
            remoting.WarnOnce(
                $"Refused {session.Connection.PeerName}: it did not begin with a handshake");
            session.Connection.Close("no handshake");
            return;
        }

        if (kind is not (FrameKind.Message or FrameKind.SystemMessage)
            || !Frame.TryReadMessage(fields, out var message))
        {
            WireCounters.MalformedFrames.Increment();
            return;
        }

        if (kind == FrameKind.Message) Deliver(session, message);
        else DeliverSystem(session, message);
    }

    private void Greet(Session session, UniqueAddress caller, Address wanted)
    {
        if (wanted != remoting.Self.Address)
        {
            WireCounters.RefusedPeers.Increment();
            remoting.WarnOnce(
                $"Refused {session.Connection.PeerName}: it wants {wanted}, this is "
                + $"{remoting.Self.Address}");
            session.Connection.TrySend(Frame.Refused(
                $"{Frame.ReasonWrongAddress}: this is {remoting.Self.Address}"));
            session.Connection.Close("wrong address");
            return;
        }

        var association = remoting.AssociationWith(caller.Address);
        if (association.IsQuarantined(caller.Uid))
        {
            session.Connection.TrySend(Frame.Refused(Frame.ReasonQuarantined));
            session.Connection.Close("quarantined");
            return;
        }

        if (remoting.Trust.ProblemOfCaller(session.Connection.Identity, caller.Address)
            is { } problem)
        {
            Refuse(session, problem);
            return;
        }

        session.Peer = caller;
        _sessionsOf.AddOrUpdate(caller, [session], (_, sessions) => sessions.Add(session));
        if (!_sessions.ContainsKey(session)) Ended(session); // Meanwhile.
        association.PeerSeen(caller.Uid);
        session.Connection.TrySend(Frame.Welcome(remoting.Self));
        remoting.Publish(
            new AssociatedEvent(remoting.Self.Address, caller.Address, inbound: true));
    }

    private void Refuse(Session session, string problem)
    {
        WireCounters.RefusedPeers.Increment();
        remoting.WarnOnce($"Refused {session.Connection.PeerName}: {problem}");
        session.Connection.TrySend(Frame.Refused(problem));
        session.Connection.Close("not who it says");
    }

    private void Deliver(Session session, in RemoteMessage message)
    {
        if (!TryDeserialize(session, message, out var payload)) return;
        if (remoting.Trust.ProblemOfMessage(session.Connection.Identity, payload) is { } problem)
        {
            Refuse(session, problem);
            return;
        }

        if (remoting.Trust.ForgedNameOf(message.Sender, session.Peer.Address) is { } forged)
        {
            WireCounters.ForgedSenders.Increment();
            remoting.WarnOnce($"Dropped what {session.Connection.PeerName} says in the name of "
                + $"{forged}: a host speaks for itself only");
            return;
        }

        var recipient = RecipientOf(message.Recipient);
        var sender = SenderOf(session, message.Sender);
        if (IsRefused(payload, message.Recipient))
        {
            WireCounters.RefusedUntrusted.Increment();
            return;
        }

        if (payload is ActorSelectionMessage selection && recipient is InternalActorRef anchor)
        {
            ActorSelection.Deliver(anchor, sender ?? remoting.System.DeadLetters, selection);
            return;
        }

        recipient.Tell(payload, sender);
    }

    private bool TryDeserialize(Session session, in RemoteMessage message, out object payload)
    {
        try
        {
            payload = remoting.System.Serialization.Deserialize(
                message.Payload, message.SerializerId, message.Manifest);
            if (payload is not null) return true;
            WireCounters.UnknownManifests.Increment();
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            payload = null;
            WireCounters.UnknownManifests.Increment();
            remoting.WarnOnce(
                $"Dropped a message from {session.Connection.PeerName}: serializer "
                + $"{message.SerializerId}, manifest \"{message.Manifest}\": {cause.Message}");
        }

        return false;
    }

    private void DeliverSystem(Session session, in RemoteMessage message)
    {
        var last = _delivered.GetOrAdd(session.Peer, _ => new StrongBox<long>());
        lock (last)
        {
            if (message.Sequence > last.Value)
            {
                last.Value = message.Sequence;
                if (!RemoteSystemMessages.TryDeliver(
                    remoting, session.Peer.Address, message, RecipientOf(message.Recipient)))
                {
                    WireCounters.MalformedMessages.Increment();
                }
            }

            session.Connection.TrySend(Frame.Ack(last.Value));
        }
    }

    private bool IsRefused(object payload, string recipient)
    {
        if (!remoting.Settings.IsUntrusted) return false;
        if (recipient.StartsWith("/system/cluster", StringComparison.Ordinal)
            || recipient.StartsWith("/system/remote-watcher", StringComparison.Ordinal))
        {
            return false;
        }

        if (payload is not ActorSelectionMessage selection) return payload is IPossiblyHarmful;
        var path = recipient.TrimEnd('/') + "/" + string.Join("/", selection.Elements);
        var isTrusted = path.StartsWith("/system/cluster", StringComparison.Ordinal)
            || remoting.Settings.TrustedSelectionPaths.Contains(path);
        return !isTrusted || selection.Message is IPossiblyHarmful;
    }

    private IActorRef RecipientOf(string path)
    {
        if (_recipients.TryGetValue(path, out var known)
            && known is not InternalActorRef { IsTerminated: true })
        {
            return known;
        }

        var resolved = remoting.Provider.ResolveActorRef($"{remoting.Self.Address}{path}");
        // What is not there (yet) is looked for again; nothing of it is kept.
        if (resolved is not LocalActorRef) return resolved;
        if (_recipients.Count > ResolvedCountMax) _recipients.Clear();
        return _recipients[path] = resolved;
    }

    private IActorRef SenderOf(Session session, string path)
    {
        if (path.Length == 0) return null;
        if (session.Senders.TryGetValue(path, out var known)
            && known is not InternalActorRef { IsTerminated: true })
        {
            return known;
        }

        var full = path[0] == '/' ? $"{session.Peer.Address}{path}" : path;
        // Who asks once and is gone is not remembered.
        if (path.StartsWith(TemporaryPath, StringComparison.Ordinal))
            return remoting.Provider.ResolveActorRef(full);
        if (session.Senders.Count > ResolvedCountMax) session.Senders.Clear();
        return session.Senders[path] = remoting.Provider.ResolveActorRef(full);
    }
}
