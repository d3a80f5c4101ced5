namespace Fabric.SystemTests;

/// <summary>The datapaths side by side, each with hosts of its own.</summary>
public sealed class FeatureWorlds : IAsyncLifetime
{
    /// <summary>FABRIC_TEST_DATAPATH=NAME takes one of them only.</summary>
    private static readonly string[] Datapaths =
        Environment.GetEnvironmentVariable("FABRIC_TEST_DATAPATH") is { } name
            ? [name] : ["userspace", "ebpf"];

    private readonly List<FeatureWorld> _worlds =
        [.. Datapaths.Select(datapath => new FeatureWorld(datapath))];

    public Task InitializeAsync() => Task.WhenAll(_worlds.Select(world => world.BringUpAsync()));

    public Task DisposeAsync() =>
        Task.WhenAll(_worlds.Select(world => world.DisposeAsync().AsTask()));

    /// <summary>All datapaths at once: most of a feature's time is waiting.</summary>
    internal Task RunAsync(Feature feature) =>
        Task.WhenAll(_worlds.Select(world => world.RunAsync(feature)));
}

/// <summary>Each feature of logical networks, with real packets between three hosts.</summary>
public sealed class FeatureTests(FeatureWorlds worlds) : IClassFixture<FeatureWorlds>
{
    public static TheoryData<string> Names => [.. Feature.All.Select(feature => feature.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public Task A_feature_works_with_real_packets(string name) =>
        worlds.RunAsync(Feature.All.Single(feature => feature.Name == name));
}
