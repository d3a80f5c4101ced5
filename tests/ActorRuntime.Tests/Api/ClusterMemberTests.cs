using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.Coordination;
using Akka.DistributedData;
using Akka.Event;
using Akka.Remote;
using Akka.Util;
using Fabric.ActorRuntime.Tests.Cluster;

namespace Fabric.ActorRuntime.Tests.Api;

using Cluster = Akka.Cluster.Cluster;

/// <summary>What a member says of itself and of the others.</summary>
public sealed class ClusterMemberTests : IAsyncDisposable
{
    private readonly ClusterHosts _hosts = new();

    [Fact]
    public async Task Two_members_join_and_leave_by_every_door()
    {
        var (first, second) = (_hosts.Start("akka.cluster.roles = [a]"), _hosts.Start());
        var (one, two) = (Cluster.Get(first), Cluster.Get(second));
        Assert.Same(first, one.System);
        Assert.Equal(["a"], one.SelfRoles);
        var isUp = new TaskCompletionSource();
        one.RegisterOnMemberUp(isUp.SetResult);
        await one.JoinAsync(one.SelfAddress).WaitAsync(ClusterHosts.Patience);
        await isUp.Task.WaitAsync(ClusterHosts.Patience);
        await two.JoinSeedNodesAsync([one.SelfAddress]).WaitAsync(ClusterHosts.Patience);
        await ClusterHosts.Until(() => ClusterHosts.UpCount(first) == 2, "both are up");

        var heard = new TaskCompletionSource<ClusterEvent.CurrentClusterState>();
        var listener = first.ActorOf(Props.Create(() => new Listener(heard)));
        one.Subscribe(listener, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));
        one.Unsubscribe(listener);
        one.Unsubscribe(listener, typeof(ClusterEvent.MemberUp));
        one.SendCurrentClusterState(listener);
        var state = await heard.Task.WaitAsync(ClusterHosts.Patience);
        Assert.Equal(ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot,
            ClusterEvent.InitialStateAsSnapshot);
        Assert.Equal(["a"], state.AllRoles);
        Assert.Equal(one.SelfAddress, state.RoleLeader("a"));
        Assert.Empty(state.Unreachable);
        Assert.Contains(one.SelfAddress, state.SeenBy);
        Assert.False(state.HasMoreThanOneAppVersion);
        Assert.Equal(two.SelfAddress, state.Copy(leader: two.SelfAddress).Leader);
        var (oldest, youngest) = (one.SelfMember, two.SelfMember);
        Assert.True(oldest.HasRole("a") && !youngest.HasRole("a"));
        Assert.Equal(["a"], oldest.Roles);
        Assert.True(oldest.IsOlderThan(youngest));
        Assert.Equal(AppVersion.Zero, oldest.AppVersion);
        Assert.True(Joining().CopyUp(1).IsOlderThan(Joining().CopyUp(2)));

        one.Leave(two.SelfAddress);
        await ClusterHosts.Until(() => one.State.Members.Count == 1, "the other has left");
        one.Down(one.SelfAddress);
        await ClusterHosts.Until(() => one.IsTerminated, "the last one is down");
    }

    private static Member Joining() => Member.Create(
        new UniqueAddress(new Address("akka", "s", "h", 1), 1), [], AppVersion.Zero)
        .Copy(MemberStatus.Joining);

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<ClusterEvent.CurrentClusterState> heard)
        {
            Receive<ClusterEvent.CurrentClusterState>(state => heard.TrySetResult(state));
            ReceiveAny(_ => { });
        }
    }

    [Fact]
    public void A_singleton_is_described_step_by_step()
    {
        var props = Props.Create(() => new Listener(null!));
        var settings = new ClusterSingletonSettings(
            "r", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, 1);
        var singleton = SingletonActor.Create(Props.None, "s").WithProps(props)
            .WithSettings(settings).WithStopMessage("end");
        Assert.Equal("s", singleton.Name);
        Assert.Same(props, singleton.Props);
        Assert.Same(settings, singleton.Settings.Value);
        Assert.Equal("end", singleton.StopMessage.Value);
    }

    [Fact]
    public async Task A_lease_is_found_by_its_configuration()
    {
        var type = typeof(Free).AssemblyQualifiedName!.Split(", Version")[0];
        var system = _hosts.Start($"free.lease-class = \"{type}\"");
        Assert.Same(LeaseProvider.Get(system), LeaseProvider.Get(system));
        Assert.NotNull(new LeaseProvider((ExtendedActorSystem)system));
        var lease = LeaseProvider.Get(system).GetLease("name", "free", "owner");
        Assert.Equal(("name", "owner"), (lease.Settings.LeaseName, lease.Settings.OwnerName));
        var times = lease.Settings.TimeoutSettings;
        Assert.Equal(TimeSpan.FromSeconds(12), times.HeartbeatInterval);
        Assert.Equal(TimeSpan.FromSeconds(120), times.HeartbeatTimeout);
        Assert.Equal(
            TimeoutSettings.Create(Config.Empty).OperationTimeout, times.OperationTimeout);
        Assert.Equal(TimeSpan.FromSeconds(5), times.OperationTimeout);
        var own = new LeaseSettings("n", "o", new TimeoutSettings(
            TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(2)),
            Config.Empty);
        Assert.Equal(TimeSpan.FromSeconds(9), own.TimeoutSettings.HeartbeatTimeout);
        Assert.True(own.LeaseConfig.IsEmpty);
        Assert.False(lease.CheckLease());
        Assert.True(await lease.Acquire());
        Assert.True(await lease.Acquire(_ => { }));
        Assert.True(lease.CheckLease());
        Assert.True(await lease.Release());
    }

    private sealed class Free(LeaseSettings settings, ExtendedActorSystem system) : Lease(settings)
    {
        private bool _isHeld;

        public override Task<bool> Acquire() => Task.FromResult(_isHeld = system is not null);
        public override Task<bool> Acquire(Action<Exception> leaseLostCallback) => Acquire();
        public override Task<bool> Release() => Task.FromResult(!(_isHeld = false));
        public override bool CheckLease() => _isHeld;
    }

    [Fact]
    public async Task Replicated_data_by_tasks()
    {
        var system = _hosts.Start();
        var node = Cluster.Get(system);
        node.Join(node.SelfAddress);
        await ClusterHosts.Until(() => ClusterHosts.UpCount(system) == 1, "it is up");
        var data = Akka.DistributedData.DistributedData.Get(system);
        Assert.False(data.IsDurable || data.IsTerminated);
        var key = new GCounterKey("tasks");
        await data.UpdateAsync(key, GCounter.Empty.Increment(node), WriteLocal.Instance);
        Assert.Equal(["tasks"], await data.GetKeysAsync());
    }

    [Fact]
    public void Events_of_remoting_have_levels()
    {
        var address = new Address("akka.tcp", "s", "h", 1);
        RemotingLifecycleEvent news = new Told(address);
        Assert.Equal(LogLevel.WarningLevel, news.LogLevel());
        Assert.Equal(LogLevel.DebugLevel, new AssociatedEvent(address, address, true).LogLevel());
    }

    private sealed class Told : AssociationEvent
    {
        public Told(Address address) =>
            (LocalAddress, RemoteAddress, IsInbound) = (address, address, false);

        public override bool IsInbound { get; protected set; }
        public override Address LocalAddress { get; protected set; }
        public override Address RemoteAddress { get; protected set; }
        public override LogLevel LogLevel() => Akka.Event.LogLevel.WarningLevel;
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();
}
