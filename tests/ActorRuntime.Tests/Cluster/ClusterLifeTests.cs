using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Remote;

namespace Fabric.ActorRuntime.Tests.Cluster;

using Cluster = Akka.Cluster.Cluster;

/// <summary>Membership over real connections.</summary>
public sealed class ClusterLifeTests : IAsyncDisposable
{
    private readonly ClusterHosts _hosts = new();

    [Fact]
    public async Task Three_hosts_come_up()
    {
        var watch = Stopwatch.StartNew();
        var systems = await _hosts.StartCluster(3);
        Console.WriteLine($"three hosts up after {watch.Elapsed.TotalMilliseconds:F0} ms");
        var leaders = systems.Select(s => Cluster.Get(s).State.Leader).Distinct();
        Assert.Single(leaders);
        Assert.All(systems, s => Assert.True(Cluster.Get(s).IsUp));
    }

    [Fact]
    public async Task A_host_that_leaves_is_removed_and_its_system_ends()
    {
        var systems = await _hosts.StartCluster(3);
        var leaving = Cluster.Get(systems[2]);
        var removed = new TaskCompletionSource();
        leaving.RegisterOnMemberRemoved(() => removed.TrySetResult());
        await leaving.LeaveAsync().WaitAsync(ClusterHosts.Patience);
        await removed.Task.WaitAsync(ClusterHosts.Patience);
        await ClusterHosts.Until(
            () => systems.Take(2).All(s => Cluster.Get(s).State.Members.Count == 2), "two left");
        await systems[2].WhenTerminated.WaitAsync(ClusterHosts.Patience);
    }

    [Fact]
    public async Task A_crashed_host_becomes_unreachable_and_is_downed()
    {
        var systems = await _hosts.StartCluster(3);
        await Crash(systems[2]);
        await ClusterHosts.Until(
            () => systems.Take(2).All(s => Cluster.Get(s).State.Members.Count == 2),
            "the crashed one removed");
        Assert.All(systems.Take(2), s => Assert.True(Cluster.Get(s).IsUp));
    }

    [Fact]
    public async Task The_same_address_comes_back_as_a_new_incarnation()
    {
        var systems = await _hosts.StartCluster(2, "akka.cluster.downing-provider-class = \"\"");
        var old = Cluster.Get(systems[1]).SelfUniqueAddress;
        await Crash(systems[1]);
        var successor = _hosts.Start(
            $"akka.remote.dot-netty.tcp.port = {old.Address.Port}\n"
            + "akka.cluster.downing-provider-class = \"\"");
        Cluster.Get(successor).Join(Cluster.Get(systems[0]).SelfAddress);
        await ClusterHosts.Until(
            () => ClusterHosts.UpCount(systems[0]) == 2 && ClusterHosts.UpCount(successor) == 2,
            "the new incarnation up");
        Assert.DoesNotContain(
            Cluster.Get(systems[0]).State.Members, m => m.UniqueAddress == old);
    }

    [Fact]
    public async Task A_cluster_of_another_name_never_merges()
    {
        await _hosts.StartCluster(1);
        var seed = Cluster.Get(_hosts.Systems[0]).SelfAddress;
        var stranger = _hosts.Start(name: "other");
        Cluster.Get(stranger).JoinSeedNodes([seed]);
        Cluster.Get(stranger).Join(seed);
        await Task.Delay(1500);
        Assert.Single(Cluster.Get(_hosts.Systems[0]).State.Members);
        Assert.Empty(Cluster.Get(stranger).State.Members);
    }

    [Fact]
    public async Task Subscribers_hear_the_past_as_events_or_as_a_snapshot()
    {
        var systems = await _hosts.StartCluster(2);
        var inbox = new System.Collections.Concurrent.ConcurrentQueue<object>();
        var listener = systems[0].ActorOf(Props.Create(() => new Listener(inbox)));
        Cluster.Get(systems[0]).Subscribe(
            listener, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent));
        await ClusterHosts.Until(() => inbox.OfType<ClusterEvent.MemberUp>().Count() == 2, "2 ups");
        Cluster.Get(systems[0]).Subscribe(listener, typeof(ClusterEvent.IMemberEvent));
        await ClusterHosts.Until(
            () => inbox.OfType<ClusterEvent.CurrentClusterState>().Any(), "snapshot");
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();

    /// <summary>Silences a host as a crash does: its connections end, nothing is said.</summary>
    internal static async Task Crash(ActorSystem system)
    {
        var provider = (RemoteActorRefProvider)((ExtendedActorSystem)system).Provider;
        await provider.Remoting.Shutdown();
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(System.Collections.Concurrent.ConcurrentQueue<object> inbox) =>
            ReceiveAny(inbox.Enqueue);
    }
}
