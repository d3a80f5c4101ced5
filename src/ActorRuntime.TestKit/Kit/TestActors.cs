#nullable disable
using Akka.Actor;

namespace Akka.TestKit.TestActors;

/// <summary>Sends everything back to its sender, and to the test actor.</summary>
/// <remarks>
/// Hears:  everything.
/// Says:   what it heard.
/// Holds:  nothing.
/// Fails:  never.
/// </remarks>
public class EchoActor : ReceiveActor
{
    public EchoActor(TestKitBase testkit, bool echoBackToSenderAsWell = true) =>
        ReceiveAny(message =>
        {
            var sender = Sender;
            var other = testkit.TestActor;
            if (echoBackToSenderAsWell && !other.Equals(sender)) sender.Forward(message);
            other.Tell(message, sender);
        });

    public static Props Props(TestKitBase testkit, bool echoBackToSenderAsWell = true) =>
        Akka.Actor.Props.Create(() => new EchoActor(testkit, echoBackToSenderAsWell));
}

/// <summary>Takes everything and does nothing.</summary>
/// <remarks>
/// Hears:  everything.
/// Says:   nothing.
/// Holds:  nothing.
/// Fails:  never.
/// </remarks>
public class BlackHoleActor : ActorBase
{
    protected override bool Receive(object message) => true;
    public static Props Props => Akka.Actor.Props.Create(() => new BlackHoleActor());
}
