using Akka.Actor;

namespace Fabric.Cluster;

public static partial class FabricSystem
{
    /// <summary>Starts an incarnation of the system with its root actor.</summary>
    /// <param name="hostSide">host/cluster.</param>
    public static ActorSystem Start(
        FabricSettings settings, FabricStart start, IActorRef hostSide)
    {
        var system = Compose(settings);
        system.ActorOf(FabricActor.Props(settings, start, hostSide), RootName);
        return system;
    }

#if !AKKA
    private static ActorSystem Compose(FabricSettings settings) =>
        ActorSystem.Create(settings.ClusterName, ConfigOf(settings));
#endif

    /// <summary>The slot in which host/cluster starts incarnations.</summary>
    public static FabricSystemSlot SlotOf(FabricSettings settings) =>
        new((start, hostSide) => Start(settings, start, hostSide));
}
