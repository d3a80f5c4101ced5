namespace Fabric.Benchmarks;

/// <summary>The actor runtime: messages, events, connections, clusters.</summary>
public sealed class ActorBenchmark : IBenchmark
{
    public string Name => "actors";

    public string Summary => "Tell, Ask, bytes per actor, events, remote round trips, cluster";

    public void Run(BenchmarkReport report)
    {
        ActorMessaging.Run(report);
        ActorPersistence.Run(report);
        ActorRemoting.Run(report);
    }
}
