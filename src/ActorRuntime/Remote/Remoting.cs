#nullable disable
using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote.Transport;
using Akka.Remote.Wire;

namespace Akka.Remote;

/// <summary>Sends to and receives from other actor systems.</summary>
/// <remarks>
/// Each system calls the others over connections of its own, on which it alone sends messages;
/// what comes back on them are acknowledgements. Inbound frames are delivered in the thread that
/// reads the connection, so that messages between two actors keep their order.
/// </remarks>
internal sealed class Remoting
{
    private const int KnownAssociationCountMax = 100_000;

    private readonly ConcurrentDictionary<Address, Association> _associations = new();
    private readonly ConcurrentDictionary<string, byte> _reported = new();
    private readonly ManualResetEventSlim _isReady = new();
    private int _isShutdown;

    public Remoting(
        ActorSystemRuntime system, LocalActorRefProvider provider, IRemoteTransport transport =
            null)
    {
        System = system;
        Provider = provider;
        Settings = new RemoteSettings(system.Settings.Config);
        Log = Logging.GetLogger(system, "remoting");
        var uid = UidOf(system);
        Transport = transport ?? new TcpTransport(Settings, Log);
        var port = Transport.Listen(Accepted);
        var publicPort = Settings.PublicPort == 0 ? port : Settings.PublicPort;
        var protocol = Settings.IsTlsEnabled ? "akka.ssl.tcp" : "akka.tcp";
        Self = new UniqueAddress(
            new Address(protocol, system.Name, Settings.PublicHostname, publicPort), uid);
        Trust = new PeerTrust(this);
        Delivery = new InboundDelivery(this);
        _isReady.Set();
    }

    public ActorSystemRuntime System { get; }
    public RemoteSettings Settings { get; }
    public ILoggingAdapter Log { get; }
    public IRemoteTransport Transport { get; }
    public InboundDelivery Delivery { get; }
    public PeerTrust Trust { get; }

    /// <summary>The address that others reach this system by, and its incarnation.</summary>
    public UniqueAddress Self { get; }

    public Address DefaultAddress => Self.Address;

    public LocalActorRefProvider Provider { get; }

    /// <summary>
    /// The actor that watches remote actors; set once the system's guardians are there.
    /// </summary>
    public IActorRef Watcher { get; private set; }

    /// <summary>Starts what needs the guardians.</summary>
    public void Start()
    {
        Watcher = System.SystemActorOf(
            Props.Create(() => new RemoteWatcher(this)), "remote-watcher");
        Log.Info("Remoting started; listening on addresses: [{0}]", DefaultAddress);
    }

    public Task Shutdown()
    {
        if (Interlocked.Exchange(ref _isShutdown, 1) != 0) return Task.CompletedTask;
        foreach (var (_, association) in _associations.OrderBy(a => a.Key)) association.Stop();
        Transport.Shutdown();
        Delivery.Stop();
        return Task.CompletedTask;
    }

    public IActorRef ResolveRemote(ActorPath path) => new RemoteActorRef(this, path);

    public Association AssociationWith(Address remote)
    {
        if (_associations.TryGetValue(remote, out var known)) return known;
        if (_associations.Count >= KnownAssociationCountMax) _associations.Clear();
        return _associations.GetOrAdd(remote, address => new Association(this, address));
    }

    /// <summary>A system has started there, whatever has been at this address before.</summary>
    public void Retry(Address remote)
    {
        if (_associations.TryGetValue(remote, out var known)) known.Retry();
    }

    /// <summary>
    /// Path text without address, with the uid: what names an actor inside its system.
    /// </summary>
    public static string WirePathOf(ActorPath path) =>
        path.Uid == 0
            ? path.ToStringWithoutAddress()
            : $"{path.ToStringWithoutAddress()}#{path.Uid}";

    public void Send(object message, IActorRef sender, RemoteActorRef recipient)
    {
        byte[] frame;
        try
        {
            frame = FrameOf(message, SenderPathOf(sender), recipient.WirePath);
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            Log.Error(
                cause, "Cannot serialise message of type [{0}] to [{1}]", message.GetType(),
                recipient.Path);
            return;
        }

        if (frame.Length > Settings.FrameSizeMax)
        {
            WireCounters.OversizeFramesOut.Increment();
            Log.Error(
                "Message of type [{0}] to [{1}] has {2} bytes, more than maximum-frame-size {3}: "
                + "dropped", message.GetType(), recipient.Path, frame.Length,
                    Settings.FrameSizeMax);
            return;
        }

        if (recipient.Association.Send(frame) is not null)
        {
            System.DeadLetters.Tell(
                new DeadLetter(message, sender ?? System.DeadLetters, recipient), sender);
        }
    }

    public void SendSystem(SystemMessage message, RemoteActorRef recipient)
    {
        var serializer = RemoteSystemMessages.Of(message);
        if (serializer is not { } encoded) return;
        recipient.Association.SendSystem(sequence => Frame.Message(
            recipient.WirePath, null, 0, encoded.Manifest, encoded.Payload(this), sequence));
    }

    /// <summary>Gives an incarnation of a remote system up.</summary>
    public void Quarantine(Address remote, int uid, string reason)
    {
        if (!AssociationWith(remote).Quarantine(uid)) return;
        Log.Warning("Quarantined {0} with uid {1}: {2}", remote, uid, reason);
        Delivery.Quarantine(new UniqueAddress(remote, uid));
        Publish(new QuarantinedEvent(remote, uid));
    }

    public void Publish(RemotingLifecycleEvent news)
    {
        if (Volatile.Read(ref _isShutdown) == 0) System.EventStream.Publish(news);
    }

    public void CountDropped(Address remote, int count)
    {
        if (count > 0) Log.Debug("{0} messages to {1} were dropped: it cannot be reached", count,
            remote);
    }

    /// <summary>Warns once per text; afterwards at debug level only.</summary>
    public void WarnOnce(string text)
    {
        if (_reported.Count < 1000 && _reported.TryAdd(text, 0)) Log.Warning("{0}", text);
        else Log.Debug("{0}", text);
    }

    /// <summary>Null: nobody. Without address if it is an actor of this system.</summary>
    public string SenderPathOf(IActorRef sender) => sender switch
    {
        null => null,
        RemoteActorRef remote when remote.Path.Address != DefaultAddress =>
            Akka.Serialization.Serialization.SerializedActorPath(remote),
        _ when sender.IsNobody() || ReferenceEquals(sender, System.DeadLetters) => null,
        _ => OwnPathOf(sender),
    };

    /// <summary>Most senders send many messages in a row: the last path is kept.</summary>
    private static string OwnPathOf(IActorRef sender)
    {
        if (ReferenceEquals(_lastSender, sender)) return _lastSenderPath;
        _lastSenderPath = WirePathOf(sender.Path);
        _lastSender = sender;
        return _lastSenderPath;
    }

    [ThreadStatic] private static IActorRef _lastSender;
    [ThreadStatic] private static string _lastSenderPath;

    private byte[] FrameOf(object message, string sender, string recipient)
    {
        var serializer = System.Serialization.FindSerializerFor(message);
        var manifest = Akka.Serialization.Serialization.ManifestFor(serializer, message);
        return Frame.Message(
            recipient, sender, serializer.Identifier, manifest ?? "", serializer.ToBinary(message));
    }

    private void Accepted(IRemoteConnection connection)
    {
        // The port is open a moment before the address is known.
        _isReady.Wait();
        Delivery.Accept(connection);
    }

    /// <summary>
    /// The incarnation's number, never zero: in a simulation the same in every run.
    /// </summary>
    private static int UidOf(ActorSystemRuntime system)
    {
        var random = system.Runtime?.Random;
        return random is null
            ? global::System.Security.Cryptography.RandomNumberGenerator.GetInt32(1, int.MaxValue)
            : random.Next(1, int.MaxValue);
    }
}
