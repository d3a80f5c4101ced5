using Akka.Actor;
using Fabric.Configuration;

namespace Fabric.HostNode.DropIn;

/// <summary>Waits for the configuration to be in force.</summary>
/// <remarks>
/// Hears:  <see cref="DatabaseConfigured"/>.
/// Says:   nothing; it sets the task that the process waits for.
/// Holds:  nothing.
/// Fails:  never by what it hears.
/// </remarks>
internal sealed class ReadinessActor : ReceiveActor
{
    public static Props Props(TaskCompletionSource configured) =>
        Akka.Actor.Props.Create(() => new ReadinessActor(configured));

    public ReadinessActor(TaskCompletionSource configured) =>
        Receive<DatabaseConfigured>(_ => configured.TrySetResult());
}
