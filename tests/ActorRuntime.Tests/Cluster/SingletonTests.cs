using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;

namespace Fabric.ActorRuntime.Tests.Cluster;

using Cluster = Akka.Cluster.Cluster;

public sealed class SingletonTests : IAsyncDisposable
{
    private readonly ClusterHosts _hosts = new();
    private readonly ConcurrentDictionary<string, int> _running = new();
    private int _runningMax;

    [Fact]
    public async Task The_singleton_moves_when_its_host_leaves_and_never_runs_twice()
    {
        var systems = ByAge(await _hosts.StartCluster(3));
        foreach (var system in systems) Host(system);
        var proxy = Proxy(systems[2]);
        await AnswersFrom(proxy, systems[0]);
        await Cluster.Get(systems[0]).LeaveAsync().WaitAsync(ClusterHosts.Patience);
        await AnswersFrom(proxy, systems[1]);
        Assert.Equal(1, _runningMax);
    }

    [Fact]
    public async Task The_singleton_moves_when_its_host_crashes()
    {
        var systems = ByAge(await _hosts.StartCluster(3));
        foreach (var system in systems) Host(system);
        var proxy = Proxy(systems[2]);
        await AnswersFrom(proxy, systems[0]);
        await ClusterLifeTests.Crash(systems[0]);
        await AnswersFrom(proxy, systems[1]);
    }

    [Fact]
    public async Task Init_gives_the_same_proxy_again()
    {
        var systems = ByAge(await _hosts.StartCluster(2));
        var writer = SingletonActor.Create(Echo(systems[0]), "writer");
        var proxy = ClusterSingleton.Get(systems[0]).Init(writer);
        Assert.Same(proxy, ClusterSingleton.Get(systems[0]).Init(writer));
        var other = ClusterSingleton.Get(systems[1]).Init(
            SingletonActor.Create(Echo(systems[1]), "writer"));
        await AnswersFrom(other, systems[0]);
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();

    private static List<ActorSystem> ByAge(IEnumerable<ActorSystem> systems) =>
        [.. systems.OrderBy(s => Cluster.Get(s).SelfMember, Member.AgeOrdering)];

    private void Host(ActorSystem system) => system.ActorOf(
        ClusterSingletonManager.Props(
            Echo(system),
            ClusterSingletonManagerSettings.Create(system).WithSingletonName("echo")
                .WithRemovalMargin(TimeSpan.FromMilliseconds(200))
                .WithHandOverRetryInterval(TimeSpan.FromMilliseconds(100))),
        "echo-manager");

    private static IActorRef Proxy(ActorSystem system) => system.ActorOf(
        ClusterSingletonProxy.Props(
            "/user/echo-manager",
            ClusterSingletonProxySettings.Create(system).WithSingletonName("echo")
                .WithSingletonIdentificationInterval(TimeSpan.FromMilliseconds(100))),
        "echo-proxy");

    private Props Echo(ActorSystem system)
    {
        var address = Cluster.Get(system).SelfAddress.ToString();
        Action started = () =>
        {
            var count = _running.AddOrUpdate("all", 1, (_, n) => n + 1);
            _runningMax = Math.Max(_runningMax, count);
        };
        Action ended = () => _running.AddOrUpdate("all", 0, (_, n) => n - 1);
        return Props.Create(() => new EchoActor(address, started, ended));
    }

    private static async Task AnswersFrom(IActorRef proxy, ActorSystem system)
    {
        var expected = Cluster.Get(system).SelfAddress.ToString();
        var watch = Stopwatch.StartNew();
        var answer = "";
        while (answer != expected)
        {
            Assert.True(watch.Elapsed < ClusterHosts.Patience, $"{answer} answers, not {expected}");
            try
            {
                answer = await proxy.Ask<string>("where", TimeSpan.FromSeconds(1));
            }
            catch (AskTimeoutException)
            {
                // Told to the old host as it went: ask again.
            }

            await Task.Delay(20);
        }
    }

    private sealed class EchoActor : ReceiveActor
    {
        private readonly Action _started;
        private readonly Action _ended;

        public EchoActor(string address, Action started, Action ended)
        {
            _started = started;
            _ended = ended;
            Receive<string>(_ => Sender.Tell(address));
        }

        protected override void PreStart() => _started();

        protected override void PostStop() => _ended();
    }
}
