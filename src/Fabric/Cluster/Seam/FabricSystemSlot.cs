using Akka.Actor;

namespace Fabric.Cluster;

/// <summary>The place in a process for its one clustered actor system.</summary>
/// <remarks>
/// Outlives the actor that starts systems in it: a new one is started only when the old one has
/// ended and given its port back. Not for several threads at once.
/// </remarks>
public sealed class FabricSystemSlot(Func<FabricStart, IActorRef, ActorSystem> factory)
{
    private ActorSystem? _system;

    /// <summary>The system that runs, or ran last.</summary>
    internal ActorSystem? System => _system;

    /// <summary>Ends when the system that was started has ended.</summary>
    public async Task RunAsync(FabricStart start, IActorRef hostSide)
    {
        await StopAsync();
        var system = factory(start, hostSide);
        _system = system;
        await system.WhenTerminated;
    }

    /// <summary>Ends the system, if there is one, and waits for that.</summary>
    public async Task StopAsync()
    {
        if (_system is not { } system) return;
        await system.Terminate();
        await system.WhenTerminated;
    }
}
