using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.SBR;
using Akka.Event;
using Akka.Remote;

namespace Akka.Cluster;

/// <summary>The cluster extension of an actor system: join, leave, subscribe, look.</summary>
/// <remarks>
/// Its members may be used by any thread. Needs <c>akka.actor.provider = cluster</c>.
/// </remarks>
public sealed partial class Cluster : IExtension
{
    private const int KnownDaemonCountMax = 20_000;

    private readonly RemoteActorRefProvider _provider;
    private readonly ConcurrentDictionary<Address, IActorRef> _daemons = new();
    private readonly IActorRef _daemon;
    private volatile ClusterEvent.CurrentClusterState _state = new();
    private volatile Member _selfMember;
    private volatile bool _isTerminated;

    internal Cluster(ActorSystemRuntime system)
    {
        if (system.LocalProvider is not RemoteActorRefProvider provider)
        {
            throw new Akka.Configuration.ConfigurationException(
                $"ActorSystem [{system.Name}] needs to have `akka.actor.provider = cluster`");
        }

        _provider = provider;
        System = system;
        SelfUniqueAddress = provider.Remoting.Self;
        Settings = new ClusterSettings(system.Settings.Config, system.Name);
        DowningProvider = DowningProviders.Create(Settings, this);
        _selfMember = Member.Create(
            SelfUniqueAddress, Member.NotUp, MemberStatus.Removed, Settings.Roles,
            Settings.AppVersion);
        _daemon = system.SystemActorOf(Props.Create(() => new ClusterDaemon(this)), "cluster");
        AddShutdownTasks();
    }

    public ExtendedActorSystem System { get; }
    public ClusterSettings Settings { get; }
    public UniqueAddress SelfUniqueAddress { get; }
    public Address SelfAddress => SelfUniqueAddress.Address;
    public ImmutableHashSet<string> SelfRoles => Settings.Roles;

    /// <summary>Status Removed before this node has joined and after it has left.</summary>
    public Member SelfMember => _selfMember;

    public ClusterEvent.CurrentClusterState State => _state;
    public bool IsUp => !_isTerminated && _selfMember.Status == MemberStatus.Up;
    public bool IsTerminated => _isTerminated;
    public IDowningProvider DowningProvider { get; }

    /// <summary>The cluster of an actor system.</summary>
    /// <exception cref="Akka.Configuration.ConfigurationException">Another provider.</exception>
    public static Cluster Get(ActorSystem system) =>
        system.WithExtension<Cluster, ClusterExtension>();

    /// <summary>Joins through one member; joining itself founds a cluster.</summary>
    public void Join(Address address) => _daemon.Tell(new JoinTo(address), ActorRefs.NoSender);

    /// <summary>Joins through whichever seed node answers first.</summary>
    public void JoinSeedNodes(IEnumerable<Address> seedNodes) =>
        _daemon.Tell(new JoinSeedNodes([.. seedNodes]), ActorRefs.NoSender);

    /// <summary>Done when this node is up; faults if it ends before.</summary>
    public Task JoinAsync(Address address, CancellationToken token = default)
    {
        Join(address);
        return WhenUp(token);
    }

    public Task JoinSeedNodesAsync(
        IEnumerable<Address> seedNodes, CancellationToken token = default)
    {
        JoinSeedNodes(seedNodes);
        return WhenUp(token);
    }

    /// <summary>Moves a member gracefully out of the cluster.</summary>
    public void Leave(Address address) =>
        _daemon.Tell(new Leave(address), ActorRefs.NoSender);

    public Task LeaveAsync() => LeaveAsync(CancellationToken.None);

    /// <summary>Done when this node was removed.</summary>
    public Task LeaveAsync(CancellationToken token)
    {
        Leave(SelfAddress);
        return _removed.Task.WaitAsync(token);
    }

    /// <summary>Declares a member dead: it cannot come back with this incarnation.</summary>
    public void Down(Address address) => _daemon.Tell(new Down(address), ActorRefs.NoSender);

    /// <summary>Sends a snapshot of the state, then events of the given classes.</summary>
    public void Subscribe(IActorRef subscriber, params Type[] to) => Subscribe(
        subscriber, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, to);

    /// <exception cref="ArgumentException">A type is no cluster event.</exception>
    public void Subscribe(
        IActorRef subscriber,
        ClusterEvent.SubscriptionInitialStateMode initialStateMode,
        params Type[] to)
    {
        if (to.Length == 0 || !to.All(
            type => typeof(ClusterEvent.IClusterDomainEvent).IsAssignableFrom(type)))
        {
            throw new ArgumentException(
                "Subscribe to `IClusterDomainEvent` or subclasses", nameof(to));
        }

        _daemon.Tell(new Subscribe(subscriber, initialStateMode, [.. to]), ActorRefs.NoSender);
    }

    public void Unsubscribe(IActorRef subscriber) =>
        _daemon.Tell(new Unsubscribe(subscriber, null), ActorRefs.NoSender);

    public void Unsubscribe(IActorRef subscriber, Type to) =>
        _daemon.Tell(new Unsubscribe(subscriber, to), ActorRefs.NoSender);

    /// <summary>Sends the state once.</summary>
    public void SendCurrentClusterState(IActorRef receiver) =>
        _daemon.Tell(new SendCurrentState(receiver), ActorRefs.NoSender);

    /// <summary>The membership actor of another node.</summary>
    internal IActorRef DaemonAt(Address address)
    {
        if (address == SelfAddress) return _daemon;
        if (_daemons.TryGetValue(address, out var known)) return known;
        if (_daemons.Count > KnownDaemonCountMax) _daemons.Clear();
        return _daemons.GetOrAdd(address, _provider.ResolveActorRef(
            new RootActorPath(address) / "system" / "cluster"));
    }

    /// <summary>A new member is called at once, also where an older one did not answer.</summary>
    internal void Retry(Address address) => _provider.Remoting.Retry(address);

    /// <summary>
    /// Addresses are written with and without TLS in the protocol; it is the same node.
    /// </summary>
    internal Address Normalize(Address address) =>
        address.Protocol is "akka.tcp" or "akka.ssl.tcp"
            ? address.WithProtocol(SelfAddress.Protocol)
            : address;

    internal Props? CreateDowningProps() => DowningProvider.DowningActorProps;

    internal void StateChanged(ClusterEvent.CurrentClusterState state, Member? self)
    {
        _state = state;
        if (self is not null) _selfMember = self;
    }

    /// <summary>
    /// Called by the membership actor for each event, before subscribers are told.
    /// </summary>
    internal void EventOccurred(ClusterEvent.IClusterDomainEvent change)
    {
        switch (change)
        {
            case ClusterEvent.MemberUp up when up.Member.UniqueAddress == SelfUniqueAddress:
                Completed(_up);
                RunUpCallbacks();
                break;
            case ClusterEvent.MemberRemoved removed
                when removed.Member.UniqueAddress != SelfUniqueAddress:
                Forget(removed);
                break;
            case ClusterEvent.IMemberEvent news when news.Member.UniqueAddress != SelfUniqueAddress:
                Watcher.Tell(new ClusterDecides(news.Member.Address, true), ActorRefs.NoSender);
                break;
        }
    }

    private IActorRef Watcher => _provider.Remoting.Watcher;

    /// <summary>
    /// A removed incarnation must not be heard again; its actors are dead to those here.
    /// </summary>
    private void Forget(ClusterEvent.MemberRemoved removed)
    {
        var node = removed.Member.UniqueAddress;
        Watcher.Tell(new ClusterDecides(node.Address, false), ActorRefs.NoSender);
        _provider.AddressTerminatedTopic.Publish(node.Address);
        if (_isTerminated) return;
        if (removed.PreviousStatus == MemberStatus.Down)
        {
            _provider.Remoting.Quarantine(node.Address, node.Uid, "it was downed and removed");
            return;
        }

        // One that left in order may still have answers on the way.
        System.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromSeconds(5), () =>
        {
            if (!_isTerminated)
            {
                _provider.Remoting.Quarantine(node.Address, node.Uid, "it left the cluster");
            }
        });
    }
}

/// <summary>The id of <see cref="Cluster"/>.</summary>
public sealed class ClusterExtension : ExtensionIdProvider<Cluster>
{
    public override Cluster CreateExtension(ExtendedActorSystem system) =>
        new((ActorSystemRuntime)system);
}
