using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace Fabric.ActorRuntime.Tests.Remote;

/// <summary>Actor systems that reach each other over loopback.</summary>
internal sealed class RemoteHosts : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<ActorSystem> _systems = [];

    public ActorSystem Start(string more = "", int port = 0)
    {
        var system = ActorSystem.Create("remote", ConfigurationFactory.ParseString(more)
            .WithFallback(ConfigurationFactory.ParseString($$"""
                akka {
                  loglevel = WARNING
                  stdout-loglevel = OFF
                  actor.provider = remote
                  remote {
                    retry-gate-closed-for = 200ms
                    dot-netty.tcp { hostname = "127.0.0.1", port = {{port}} }
                    watch-failure-detector {
                      heartbeat-interval = 200ms
                      acceptable-heartbeat-pause = 1s
                      unreachable-nodes-reaper-interval = 200ms
                    }
                  }
                }
                """)));
        _systems.Add(system);
        return system;
    }

    public static Remoting RemotingOf(ActorSystem system) =>
        ((RemoteActorRefProvider)((ExtendedActorSystem)system).Provider).Remoting;

    public static Address AddressOf(ActorSystem system) => RemotingOf(system).DefaultAddress;

    public static ActorSelection At(ActorSystem from, ActorSystem to, string path) =>
        from.ActorSelection(AddressOf(to) + path);

    public static IActorRef Echo(ActorSystem system, string name = "echo") =>
        system.ActorOf(Props.Create(() => new EchoActor()), name);

    /// <summary>What the system warns of from now on.</summary>
    public static ConcurrentQueue<string> Warnings(ActorSystem system)
    {
        var lines = new ConcurrentQueue<string>();
        var listener = system.ActorOf(Props.Create(() => new WarningListener(lines)));
        system.EventStream.Subscribe(listener, typeof(Warning));
        return lines;
    }

    public static async Task Until(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Patience, "not in time: " + what);
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_systems.Select(s => s.Terminate()));

    public sealed class EchoActor : ReceiveActor
    {
        public EchoActor() => ReceiveAny(message => Sender.Tell(message));
    }

    public sealed class WarningListener : ReceiveActor
    {
        public WarningListener(ConcurrentQueue<string> lines) =>
            Receive<Warning>(warning => lines.Enqueue($"{warning.Message}"));
    }

    /// <summary>Keeps what it hears; watches what it is told to.</summary>
    public sealed class Recorder : ReceiveActor
    {
        public Recorder(ConcurrentQueue<object> inbox)
        {
            Receive<(string Do, IActorRef Subject)>(order => Context.Watch(order.Subject));
            ReceiveAny(inbox.Enqueue);
        }
    }
}
