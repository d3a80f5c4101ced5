using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Remote;
using Akka.Remote.Wire;

namespace Fabric.ActorRuntime.Tests.Remote;

/// <summary>Messages, watching and refusal between systems, over real connections.</summary>
public sealed class RemotingTests : IAsyncDisposable
{
    private readonly RemoteHosts _hosts = new();

    [Fact]
    public async Task Messages_go_there_and_answers_come_back_in_order()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        Assert.Equal("hello", await echo.Ask<string>("hello", RemoteHosts.Patience));
        Assert.Equal(42, await echo.Ask<int>(42, RemoteHosts.Patience));

        var inbox = new ConcurrentQueue<object>();
        var recorder = a.ActorOf(Props.Create(() => new RemoteHosts.Recorder(inbox)));
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 20_000; i++) echo.Tell(i, recorder);
        await RemoteHosts.Until(() => inbox.Count == 20_000, "20,000 answers");
        Console.WriteLine($"{20_000 / watch.Elapsed.TotalSeconds:F0} round trips/s, one pair");
        Assert.Equal(Enumerable.Range(0, 20_000), inbox.Cast<int>());
    }

    [Fact]
    public async Task References_are_messages()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        var own = RemoteHosts.Echo(a, "own");
        Assert.Equal(own, await echo.Ask<IActorRef>(own, RemoteHosts.Patience));
        Assert.Equal(echo, await echo.Ask<IActorRef>(echo, RemoteHosts.Patience));
        var nobody = await RemoteHosts.At(a, b, "/user/nobody")
            .Ask<ActorIdentity>(new Identify("x"), RemoteHosts.Patience);
        Assert.Null(nobody.Subject);
    }

    [Fact]
    public async Task A_watcher_hears_when_a_remote_actor_ends()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        var (inbox, watcher, echo) = await Watching(a, b);
        echo.Tell(PoisonPill.Instance);
        await RemoteHosts.Until(() => inbox.OfType<Terminated>().Any(), "Terminated");
        var news = inbox.OfType<Terminated>().Single();
        Assert.Equal(echo, news.ActorRef);
        Assert.True(news.ExistenceConfirmed);
        Assert.False(news.AddressTerminated);
        watcher.Tell(("watch", echo));
        await RemoteHosts.Until(() => inbox.OfType<Terminated>().Count() == 2, "told again");
    }

    /// <remarks>
    /// Goal: an actor's last words come before the news of its end, also when there was no
    /// connection before them. Method: nothing was ever said from here to the watcher's host.
    /// </remarks>
    [Fact]
    public async Task What_an_actor_said_is_heard_before_its_end()
    {
        const string noBeats = "akka.remote.watch-failure-detector.heartbeat-interval = 1h";
        var (a, b) = (_hosts.Start(noBeats), _hosts.Start(noBeats));
        var inbox = new ConcurrentQueue<object>();
        var watcher = b.ActorOf(Props.Create(() => new RemoteHosts.Recorder(inbox)), "watcher");
        var heir = ((ExtendedActorSystem)a).Provider
            .ResolveActorRef($"{RemoteHosts.AddressOf(b)}/user/watcher");
        var mortal = a.ActorOf(Props.Create(() => new Mortal(heir)), "mortal");
        var mortalThere = ((ExtendedActorSystem)b).Provider
            .ResolveActorRef($"{RemoteHosts.AddressOf(a)}/user/mortal");
        watcher.Tell(("watch", mortalThere));
        var association = RemoteHosts.RemotingOf(b).AssociationWith(RemoteHosts.AddressOf(a));
        await RemoteHosts.Until(
            () => association.SystemMessageCounts is { Sent: > 0, Unacknowledged: 0 }, "the watch");

        mortal.Tell("die");
        await RemoteHosts.Until(() => inbox.Count == 2, "last words and Terminated");
        Assert.Equal("die", inbox.First());
        Assert.IsType<Terminated>(inbox.Last());
    }

    /// <summary>Passes on what it hears, and ends.</summary>
    private sealed class Mortal : ReceiveActor
    {
        public Mortal(IActorRef heir) => ReceiveAny(message =>
        {
            heir.Tell(message);
            Context.Stop(Self);
        });
    }

    [Fact]
    public async Task A_watcher_hears_when_a_remote_system_is_gone()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        var (inbox, _, echo) = await Watching(a, b);
        await RemoteHosts.RemotingOf(b).Shutdown();
        await RemoteHosts.Until(() => inbox.OfType<Terminated>().Any(), "Terminated");
        Assert.True(inbox.OfType<Terminated>().Single().AddressTerminated);
        Assert.Equal(echo, inbox.OfType<Terminated>().Single().ActorRef);
    }

    [Fact]
    public async Task A_watch_made_while_the_other_is_away_arrives_when_it_is_there()
    {
        var a = _hosts.Start();
        var b = _hosts.Start();
        var port = RemoteHosts.AddressOf(b).Port!.Value;
        await b.Terminate();
        var inbox = new ConcurrentQueue<object>();
        var watcher = a.ActorOf(Props.Create(() => new RemoteHosts.Recorder(inbox)));
        var provider = ((ExtendedActorSystem)a).Provider;
        var absent = provider.ResolveActorRef(RemoteHosts.AddressOf(a).WithPort(port) + "/user/x");
        watcher.Tell(("watch", absent));
        _hosts.Start(port: port);
        await RemoteHosts.Until(() => inbox.OfType<Terminated>().Any(), "Terminated");
    }

    [Fact]
    public async Task A_quarantined_system_is_cut_off_and_a_restarted_one_is_not()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        var address = RemoteHosts.AddressOf(b);
        var remoting = RemoteHosts.RemotingOf(a);
        remoting.Quarantine(address, RemoteHosts.RemotingOf(b).Self.Uid, "test");
        await Assert.ThrowsAsync<AskTimeoutException>(
            () => echo.Ask<string>("x", TimeSpan.FromMilliseconds(500)));
        await b.Terminate();
        var c = _hosts.Start(port: address.Port!.Value);
        RemoteHosts.Echo(c);
        RemoteHosts.Echo(a, "own");
        // The new incarnation calls first, as one that joins does.
        await RemoteHosts.At(c, a, "/user/own").ResolveOne(RemoteHosts.Patience);
        var again = await RemoteHosts.At(a, c, "/user/echo").ResolveOne(RemoteHosts.Patience);
        Assert.Equal("y", await again.Ask<string>("y", RemoteHosts.Patience));
    }

    [Fact]
    public async Task Systems_that_quarantined_each_other_are_told_so_when_they_send()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        foreach (var (system, other) in ((ActorSystem, ActorSystem)[])[(a, b), (b, a)])
        {
            RemoteHosts.RemotingOf(system).Quarantine(
                RemoteHosts.AddressOf(other), RemoteHosts.RemotingOf(other).Self.Uid, "test");
        }

        var told = new TaskCompletionSource();
        a.EventStream.Subscribe(
            a.ActorOf(Props.Create(() => new Listener(told))),
            typeof(ThisActorSystemQuarantinedEvent));
        echo.Tell("x");
        await told.Task.WaitAsync(RemoteHosts.Patience);
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource told) =>
            Receive<ThisActorSystemQuarantinedEvent>(_ => told.TrySetResult());
    }

    [Fact]
    public async Task Oversize_messages_are_counted_and_the_connection_goes_on()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        var before = WireCounters.OversizeFramesOut.Value;
        echo.Tell(new string('x', 200_000), ActorRefs.NoSender);
        Assert.Equal(before + 1, WireCounters.OversizeFramesOut.Value);
        Assert.Equal("x", await echo.Ask<string>("x", RemoteHosts.Patience));
    }

    [Fact]
    public async Task Garbage_and_half_handshakes_are_survived()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var port = RemoteHosts.AddressOf(b).Port!.Value;
        var random = new Random(1);
        var before = WireCounters.MalformedFrames.Value;
        for (var i = 0; i < 50; i++)
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync("127.0.0.1", port);
            var garbage = new byte[random.Next(1, 2000)];
            random.NextBytes(garbage);
            if (i % 2 == 0) BitConverter.TryWriteBytes(garbage, garbage.Length - 4);
            try
            {
                await socket.GetStream().WriteAsync(garbage);
            }
            catch (IOException)
            {
                // It hung up already, as it should.
            }
        }

        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        Assert.Equal("x", await echo.Ask<string>("x", RemoteHosts.Patience));
        await RemoteHosts.Until(
            () => WireCounters.MalformedFrames.Value > before, "malformed frames are counted");
    }

    [Fact]
    public async Task Unknown_manifests_are_counted_and_survived()
    {
        var (a, b) = (_hosts.Start(), _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = (RemoteActorRef)await RemoteHosts.At(a, b, "/user/echo")
            .ResolveOne(RemoteHosts.Patience);
        var before = WireCounters.UnknownManifests.Value;
        Assert.Null(echo.Association.Send(Frame.Message("/user/echo", null, 16, "??", [1])));
        Assert.Null(echo.Association.Send(Frame.Message("/user/echo", null, 9999, "", [1])));
        Assert.Equal("x", await echo.Ask<string>("x", RemoteHosts.Patience));
        Assert.Equal(before + 2, WireCounters.UnknownManifests.Value);
    }

    [Fact]
    public async Task Untrusted_systems_cannot_stop_actors()
    {
        var a = _hosts.Start();
        var b = _hosts.Start("akka.remote { untrusted-mode = on, "
            + "trusted-selection-paths = [\"/user/echo\"] }");
        RemoteHosts.Echo(b);
        RemoteHosts.Echo(b, "hidden");
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        echo.Tell(PoisonPill.Instance);
        echo.Tell(Kill.Instance);
        Assert.Equal("x", await echo.Ask<string>("x", RemoteHosts.Patience));
        await Assert.ThrowsAsync<ActorNotFoundException>(() =>
            RemoteHosts.At(a, b, "/user/hidden").ResolveOne(TimeSpan.FromMilliseconds(500)));
    }

    public ValueTask DisposeAsync() => _hosts.DisposeAsync();

    private static async Task<(ConcurrentQueue<object>, IActorRef, IActorRef)> Watching(
        ActorSystem a, ActorSystem b)
    {
        RemoteHosts.Echo(b);
        var inbox = new ConcurrentQueue<object>();
        var watcher = a.ActorOf(Props.Create(() => new RemoteHosts.Recorder(inbox)));
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        watcher.Tell(("watch", echo));
        var association = ((RemoteActorRef)echo).Association;
        await RemoteHosts.Until(
            () => association.SystemMessageCounts is ( > 0, 0), "the watch has arrived");
        return (inbox, watcher, echo);
    }
}
