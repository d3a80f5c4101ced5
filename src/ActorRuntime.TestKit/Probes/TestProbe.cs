#nullable disable
using Akka.Actor;
using Akka.Util;

namespace Akka.TestKit;

/// <summary>A further test actor with its own queue; usable as a reference.</summary>
public class TestProbe : TestKitBase, IActorRef, IActorRefWrapper, INoImplicitSender
{
    public TestProbe(
        ActorSystem system, ITestKitAssertions assertions, string testProbeName = null)
        : base(assertions, system, testProbeName) { }

    public IActorRef Ref => TestActor;
    IActorRef IActorRefWrapper.Wrapped => TestActor;
    ActorPath IActorRef.Path => TestActor.Path;

    /// <summary>Who sent the last message that was taken.</summary>
    public IActorRef Sender => LastSender;

    /// <summary>Sends with the probe as the sender.</summary>
    public void Send(IActorRef actor, object message) => actor.Tell(message, TestActor);

    /// <summary>Answers the last message that was taken.</summary>
    public void Reply(object message) => Sender.Tell(message, TestActor);

    /// <summary>Passes the last message that was taken on, with its sender.</summary>
    public void Forward(IActorRef actor) => actor.Tell(LastMessage, Sender);

    public void Forward(IActorRef actor, object message) => actor.Tell(message, Sender);

    public void Tell(object message, IActorRef sender) => TestActor.Tell(message, sender);

    public bool Equals(IActorRef other) => TestActor.Equals(other);
    public int CompareTo(IActorRef other) => TestActor.CompareTo(other);
    public override bool Equals(object obj) => obj is IActorRef other && TestActor.Equals(other);
    public override int GetHashCode() => TestActor.GetHashCode();
    public override string ToString() => TestActor.ToString();
    public ISurrogate ToSurrogate(ActorSystem system) => TestActor.ToSurrogate(system);

    /// <summary>A probe's system is its kit's.</summary>
    public override void Shutdown(TimeSpan? duration = null, bool verifySystemShutdown = false) =>
        throw new NotSupportedException("Cannot shut the system down through a probe");
}
