using Akka.Actor;
using Akka.Configuration;

namespace Akka.DistributedData;

/// <summary>What <c>akka.cluster.distributed-data</c> says.</summary>
public sealed record ReplicatorSettings(
    string? Role,
    TimeSpan GossipInterval,
    TimeSpan NotifySubscribersInterval,
    int MaxDeltaElements,
    int MaxDeltaSize,
    TimeSpan PruningInterval,
    TimeSpan MaxPruningDissemination,
    TimeSpan PruningMarkerTimeToLive,
    bool PreferOldest)
{
    public static ReplicatorSettings Create(ActorSystem system) =>
        Create(system.Settings.Config.GetConfig("akka.cluster.distributed-data"));

    public static ReplicatorSettings Create(Config config) => new(
        config.GetString("role") is { Length: > 0 } role ? role : null,
        config.GetTimeSpan("gossip-interval"),
        config.GetTimeSpan("notify-subscribers-interval"),
        config.GetInt("max-delta-elements", 500),
        config.GetInt("delta-crdt.max-delta-size", 50),
        config.GetTimeSpan("pruning-interval"),
        config.GetTimeSpan("max-pruning-dissemination"),
        config.GetTimeSpan("pruning-marker-time-to-live"),
        config.GetBoolean("prefer-oldest"));

    public ReplicatorSettings WithRole(string role) => this with { Role = role };

    public ReplicatorSettings WithGossipInterval(TimeSpan interval) =>
        this with { GossipInterval = interval };

    public ReplicatorSettings WithNotifySubscribersInterval(TimeSpan interval) =>
        this with { NotifySubscribersInterval = interval };

    public ReplicatorSettings WithMaxDeltaElements(int count) =>
        this with { MaxDeltaElements = count };

    public ReplicatorSettings WithMaxDeltaSize(int size) => this with { MaxDeltaSize = size };

    public ReplicatorSettings WithPruning(
        TimeSpan pruningInterval, TimeSpan maxPruningDissemination) => this with
        {
            PruningInterval = pruningInterval,
            MaxPruningDissemination = maxPruningDissemination,
        };

    public ReplicatorSettings WithPreferOldest(bool preferOldest) =>
        this with { PreferOldest = preferOldest };

    /// <summary>The defaults, under Akka's keys.</summary>
    internal const string Reference =
        """
        akka.cluster.distributed-data {
          name = ddataReplicator
          role = ""
          gossip-interval = 2s
          notify-subscribers-interval = 500ms
          max-delta-elements = 500
          pruning-interval = 120s
          max-pruning-dissemination = 300s
          pruning-marker-time-to-live = 6h
          prefer-oldest = off
          delta-crdt { enabled = on, max-delta-size = 50 }
          durable.keys = []
        }
        akka.actor {
          serializers.akka-data-replication =
              "Akka.DistributedData.ReplicatorMessageSerializer, Akka.DistributedData"
          serialization-bindings {
            "Akka.DistributedData.IReplicatorWireMessage, Akka.DistributedData" =
                akka-data-replication
            "Akka.DistributedData.IReplicatedData, Akka.DistributedData" = akka-data-replication
          }
        }
        """;
}
