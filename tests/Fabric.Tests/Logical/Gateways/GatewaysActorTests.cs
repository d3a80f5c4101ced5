using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using Fabric.Logical;
using Fabric.Switching;

namespace Fabric.Tests.Logical.Gateways;

/// <summary>What the actor says while it decides.</summary>
public sealed class GatewaysActorTests : TestKit
{
    private static readonly ImmutableSortedDictionary<string, string> Bfd =
        ImmutableSortedDictionary<string, string>.Empty.Add("enable", "true");

    private sealed class Parent : ReceiveActor
    {
        public Parent(IActorRef others)
        {
            var child = Context.ActorOf(GatewaysActor.Props(others, others), "gateways");
            Receive<GatewaysWanted>(child.Tell);
        }
    }

    /// <summary>The next hop answers at once.</summary>
    private sealed class Sessions : ReceiveActor
    {
        public Sessions(IActorRef listener) => Receive<AskNextHop>(ask =>
        {
            Sender.Tell(new NextHopAnswered(ask.Interface, ask.Vlan, ask.Address));
            listener.Tell(ask);
        });
    }

    [Fact]
    public void A_next_hop_that_answers_is_not_asked_again_at_once()
    {
        var asked = CreateTestProbe();
        Sys.ActorOf(Props.Create(() => new Sessions(asked)), "sessions");
        var parent = Sys.ActorOf(Props.Create(() => new Parent(TestActor)), "logical");
        var clock = Stopwatch.StartNew();
        parent.Tell(Wanted(isForwarding: true));
        parent.Tell(Wanted(isForwarding: false));
        // One at the start, one when the session was lost, then ten a second at most.
        for (var i = 0; i < 5; i++) asked.ExpectMsg<AskNextHop>(TimeSpan.FromSeconds(20));
        Assert.InRange(clock.ElapsedMilliseconds, 300, long.MaxValue);
    }

    private static GatewaysWanted Wanted(bool isForwarding) => new(
        "b", [new Gateway("lrp", ["a", "b"]) { NextHops = [new NextHop("patch", 0, 0x0a000001)] }],
        Bfd, [new TunnelSession(Guid.Empty, "a", Bfd, isForwarding)], "br-int");
}
