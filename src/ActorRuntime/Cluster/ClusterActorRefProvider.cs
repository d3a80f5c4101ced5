#nullable disable
using Akka.Remote;

namespace Akka.Cluster;

/// <summary>A system that is a member of a cluster: <c>akka.actor.provider = cluster</c>.</summary>
internal sealed class ClusterActorRefProvider : RemoteActorRefProvider
{
    protected override string Reference =>
        string.Join("\n", base.Reference, ClusterSettings.Reference,
            ClusterMessageSerializer.Reference, Akka.DistributedData.ReplicatorSettings.Reference,
            Tools.Singleton.ClusterSingletonManager.Reference);

    public override void Start()
    {
        base.Start();
        Cluster.Get(System);
    }
}
