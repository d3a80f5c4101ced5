using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote.Wire;

namespace Fabric.ActorRuntime.Tests.Remote;

/// <summary>A peer that connects, says who it is, and then reads no more.</summary>
[Trait("Runtime", "Embedded")]
public sealed class SlowPeerTests : IAsyncDisposable
{
    private const int QueueSize = 100;

    private readonly RemoteHosts _hosts = new();
    private readonly TcpListener _slow = new(IPAddress.Loopback, 0);

    /// <remarks>
    /// Goal: what waits for a slow peer is bounded, what does not fit is counted and goes to dead
    /// letters, and others notice nothing. Method: messages of 60 KB until one is dropped: far
    /// fewer than would fill the memory, far more than the sockets' buffers hold.
    /// </remarks>
    [Fact]
    public async Task What_waits_for_a_slow_peer_is_bounded_and_counted()
    {
        var (a, b) = (_hosts.Start($"akka.remote.outbound-queue-size = {QueueSize}"),
            _hosts.Start());
        RemoteHosts.Echo(b);
        var echo = await RemoteHosts.At(a, b, "/user/echo").ResolveOne(RemoteHosts.Patience);
        _slow.Start();
        var address = new Address("akka.tcp", "remote", "127.0.0.1",
            ((IPEndPoint)_slow.LocalEndpoint).Port);
        var letters = new TaskCompletionSource<DeadLetter>();
        a.EventStream.Subscribe(
            a.ActorOf(Props.Create(() => new LetterReader(letters))), typeof(DeadLetter));

        var target = a.ActorSelection(address + "/user/nobody");
        target.Tell("hello");
        using var peer = await _slow.AcceptTcpClientAsync();
        await GreetAsync(peer.GetStream(), address);
        var before = WireCounters.OutboundQueueFull.Value;
        var text = new string('x', 60_000);
        await RemoteHosts.Until(() =>
        {
            for (var i = 0; i < QueueSize; i++) target.Tell(text);
            return WireCounters.OutboundQueueFull.Value > before;
        }, "a message is dropped");

        await letters.Task.WaitAsync(RemoteHosts.Patience);
        Assert.Equal("x", await echo.Ask<string>("x", RemoteHosts.Patience));
    }

    public async ValueTask DisposeAsync()
    {
        _slow.Dispose();
        await _hosts.DisposeAsync();
    }

    /// <summary>Reads the caller's greeting and answers it; nothing is read after that.</summary>
    private static async Task GreetAsync(NetworkStream stream, Address self)
    {
        var size = new byte[4];
        await stream.ReadExactlyAsync(size);
        await stream.ReadExactlyAsync(new byte[BitConverter.ToInt32(size)]);
        var welcome = Frame.Welcome(new UniqueAddress(self, 1));
        await stream.WriteAsync(BitConverter.GetBytes(welcome.Length));
        await stream.WriteAsync(welcome);
    }

    private sealed class LetterReader : ReceiveActor
    {
        public LetterReader(TaskCompletionSource<DeadLetter> letters) =>
            Receive<DeadLetter>(letter => letters.TrySetResult(letter));
    }
}
