#nullable disable
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Fabric.ActorRuntime.Tests.Core;

public sealed class PropsTests : TestKit
{
    private sealed class Taking : ReceiveActor
    {
        public Taking(string text, int number = 5, object extra = null, params int[] rest) =>
            ReceiveAny(_ => Sender.Tell($"{text} {number} {extra} {rest?.Length}"));
    }

    private static int _calls;

    private static int Called() => Interlocked.Increment(ref _calls);

    private sealed record Holder(string Text)
    {
        public string Doubled => Text + Text;
    }

    private string Answer(Props props)
    {
        Sys.ActorOf(props).Tell("?");
        return ExpectMsg<string>();
    }

    [Fact]
    public void Arguments_are_evaluated_when_props_are_made()
    {
        var local = "x";
        var holder = new Holder("y");
        Assert.Equal("x 1 z 2", Answer(Props.Create(() => new Taking(local, 1, "z", 1, 2))));
        Assert.Equal("yy 1  0", Answer(Props.Create(() => new Taking(holder.Doubled, 1, null))));
        Assert.Equal(
            "y 3  0", Answer(Props.Create(() => new Taking(holder.Text, local.Length + 2, null))));
        var before = _calls;
        var props = Props.Create(() => new Taking("c", Called(), null));
        Assert.Equal(before + 1, _calls);
        Assert.Equal($"c {before + 1}  0", Answer(props));
        Assert.Equal($"c {before + 1}  0", Answer(props));
        Assert.Equal(before + 1, _calls);
    }

    [Fact]
    public void Constructors_are_found_by_arguments()
    {
        Assert.Equal("a 7 b 1", Answer(Props.Create<Taking>("a", 7, "b", new[] { 1 })));
        Assert.Equal("a 7 b 1", Answer(Props.Create(typeof(Taking), "a", 7, "b", new[] { 1 })));
        EventFilter.Error(contains: "no constructor").ExpectOne(
            () => Sys.ActorOf(Props.Create<Taking>(1, 2)));
    }

    [Fact]
    public void An_expression_that_is_no_constructor_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Props.Create(() => Make()));
    }

    private static Taking Make() => null;

    [Fact]
    public void Props_are_changed_by_copies()
    {
        var props = Props.Create(() => new Taking("a", 1, null));
        var changed = props.WithDispatcher("own").WithStashCapacity(3)
            .WithSupervisorStrategy(SupervisorStrategy.StoppingStrategy).WithMailbox("m");
        Assert.Equal("own", changed.Dispatcher);
        Assert.Equal("m", changed.Mailbox);
        Assert.Same(SupervisorStrategy.StoppingStrategy, changed.SupervisorStrategy);
        Assert.Equal("", props.Dispatcher);
        Assert.Null(props.SupervisorStrategy);
        Assert.Equal("a 1  0", Answer(changed));
    }

    [Fact]
    public void A_constructor_exception_is_not_wrapped_by_reflection()
    {
        EventFilter.Exception<ActorInitializationException>(contains: "thrown").ExpectOne(
            () => Sys.ActorOf(Props.Create(() => new Throwing())));
    }

    private sealed class Throwing : ReceiveActor
    {
        public Throwing() => throw new ArithmeticException("thrown");
    }
}
