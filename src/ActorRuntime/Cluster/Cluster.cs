namespace Akka.Cluster;

/// <summary>The cluster extension.</summary>
public sealed class Cluster
{
    public UniqueAddress SelfUniqueAddress { get; } = null!;
}
