#nullable disable
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class PathTests : TestKit
{
    [Theory]
    [InlineData("akka://sys")]
    [InlineData("akka.tcp://sys@host:2552")]
    [InlineData("akka.tcp://sys@10.0.0.1:1")]
    [InlineData("akka.tcp://sys@[fe80::1]:2552")]
    public void An_address_is_its_text(string text)
    {
        var address = Address.Parse(text);
        Assert.Equal(text, address.ToString());
        Assert.Equal(address, Address.Parse(text + "/user/x"));
        Assert.Equal(text.Contains('@'), address.HasGlobalScope);
        Assert.NotEqual(address.HasLocalScope, address.HasGlobalScope);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sys@host:1")]
    [InlineData("akka://")]
    [InlineData("akka.tcp://sys@")]
    [InlineData("akka.tcp://sys@host:99999")]
    [InlineData("akka.tcp://sys@host:x")]
    [InlineData("akka.tcp://@host:1")]
    public void What_is_no_address_is_refused(string text)
    {
        Assert.False(Address.TryParse(text, out _));
        Assert.Throws<UriFormatException>(() => Address.Parse(text));
        Assert.False(ActorPath.TryParse(text, out _));
    }

    [Fact]
    public void A_path_has_elements_a_parent_and_a_uid()
    {
        var path = ActorPath.Parse("akka.tcp://sys@host:1/user/a/b#77");
        Assert.Equal(["user", "a", "b"], path.Elements);
        Assert.Equal("b", path.Name);
        Assert.Equal(77, path.Uid);
        Assert.Equal(3, path.Depth);
        Assert.Equal("akka.tcp://sys@host:1/user/a", path.Parent.ToString());
        Assert.Equal("/user/a/b", path.ToStringWithoutAddress());
        Assert.Equal(path, path.Root / "user" / "a" / "b");
        Assert.Equal(path, path.Root / ["user", "a", "b"]);
        Assert.Equal("akka.tcp://sys@host:1/user/a/b#77", path.ToSerializationFormat());
        Assert.Equal("akka.tcp://s@h:2/user", (ActorPath.Parse("akka://x") / "user")
            .ToStringWithAddress(Address.Parse("akka.tcp://s@h:2")));
    }

    [Fact]
    public void Addresses_have_an_order_and_copies()
    {
        var address = new Address("akka.tcp", "sys", "b", 2);
        Assert.True(address.CompareTo(address.WithHost("c")) < 0);
        Assert.True(address.CompareTo(address.WithPort(1)) > 0);
        Assert.Equal("akka.tcp://other@b:2", address.WithSystem("other").ToString());
        Assert.Equal("akka://sys@b:2", address.WithProtocol("akka").ToString());
        Assert.Equal("sys@b:2", address.HostPort());
        Assert.True(address == new Address("akka.tcp", "sys", "B", 2));
    }

    [Fact]
    public void A_serialised_reference_is_resolved_to_the_same_incarnation_only()
    {
        var actor = Sys.ActorOf(Akka.TestKit.TestActors.BlackHoleActor.Props, "one");
        var path = Akka.Serialization.Serialization.SerializedActorPath(actor);
        Assert.Equal(actor, Sys.Serialization.DeserializeActorRef(path));
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor);
        // The parent frees the name a moment after watchers have heard.
        IActorRef next = null;
        AwaitAssert(() => next = Sys.ActorOf(Akka.TestKit.TestActors.BlackHoleActor.Props, "one"));
        Assert.NotEqual(next, Sys.Serialization.DeserializeActorRef(path));
        EventFilter.DeadLetter<string>().ExpectOne(
            () => Sys.Serialization.DeserializeActorRef(path).Tell("x"));
    }

    [Fact]
    public void Selections_follow_patterns_and_parents()
    {
        var parent = ActorOf(dsl =>
        {
            for (var i = 0; i < 3; i++)
            {
                dsl.ActorOf(child => child.ReceiveAny((message, context) =>
                    context.Sender.Tell($"{context.Self.Path.Name} {message}")), $"c{i}");
            }
            dsl.ReceiveAny((message, context) => context.Sender.Tell($"parent {message}"));
        }, "parent");
        parent.Tell("ready?");
        ExpectMsg("parent ready?");
        Sys.ActorSelection("/user/parent/c*").Tell("all", TestActor);
        ExpectMsgAllOf("c0 all", "c1 all", "c2 all");
        Sys.ActorSelection("/user/parent/c?").Tell("each", TestActor);
        ExpectMsgAllOf("c0 each", "c1 each", "c2 each");
        Sys.ActorSelection(parent, "c1/../c2").Tell("up", TestActor);
        ExpectMsg("c2 up");
        Sys.ActorSelection("akka://test/user/parent").Tell("whole", TestActor);
        ExpectMsg("parent whole");
        EventFilter.DeadLetter<string>().ExpectOne(
            () => Sys.ActorSelection("/user/none/x").Tell("x", TestActor));
    }
}
