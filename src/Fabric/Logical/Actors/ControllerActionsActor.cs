using Akka.Actor;
using Akka.Event;
using Fabric.Controllers;

namespace Fabric.Logical;

/// <summary>The integration bridge is there (again).</summary>
public sealed record BridgeFound(IActorRef Bridge);

/// <summary>Does with packets what flows asked this host's control plane to do.</summary>
/// <remarks>
/// Hears:  <see cref="BridgeFound"/>; <see cref="PacketInRaised"/> from the bridge.
/// Says:   <see cref="SubscribeSwitch"/>, <see cref="AskSwitch"/> with packet-outs.
/// Holds:  nothing.
/// Fails:  a packet that makes no sense is counted and forgotten.
/// </remarks>
public sealed class ControllerActionsActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IActorRef _bridge = ActorRefs.Nobody;

    public ControllerActionsActor()
    {
        Receive<BridgeFound>(found =>
        {
            _bridge = found.Bridge;
            _bridge.Tell(new SubscribeSwitch(Self));
        });
        Receive<PacketInRaised>(_ => { });
        ReceiveAny(_ => { });
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new ControllerActionsActor());
}
