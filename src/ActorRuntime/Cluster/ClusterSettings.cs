using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>What <c>akka.cluster</c> says, read once.</summary>
public sealed class ClusterSettings
{
    private const string SbrProvider = "Akka.Cluster.SBR.SplitBrainResolverProvider";
    private readonly ImmutableDictionary<string, int> _minNrOfMembersOfRole;

    public ClusterSettings(Config config, string systemName)
    {
        var cluster = config.GetConfig("akka.cluster");
        SystemName = systemName;
        SeedNodes = [.. cluster.GetStringList("seed-nodes").Select(Address.Parse)];
        Roles = [.. cluster.GetStringList("roles")];
        MinNrOfMembers = Math.Max(1, cluster.GetInt("min-nr-of-members", 1));
        GossipInterval = cluster.GetTimeSpan("gossip-interval");
        LeaderActionsInterval = cluster.GetTimeSpan("leader-actions-interval");
        UnreachableNodesReaperInterval =
            cluster.GetTimeSpan("unreachable-nodes-reaper-interval");
        SeedNodeTimeout = cluster.GetTimeSpan("seed-node-timeout");
        RetryUnsuccessfulJoinAfter = Optional(cluster, "retry-unsuccessful-join-after");
        ShutdownAfterUnsuccessfulJoinSeedNodes =
            Optional(cluster, "shutdown-after-unsuccessful-join-seed-nodes");
        var weaklyUp = cluster.GetString("allow-weakly-up-members");
        AllowWeaklyUpMembers = weaklyUp is not ("off" or "false");
        WeaklyUpAfter = AllowWeaklyUpMembers && weaklyUp is not ("on" or "true")
            ? cluster.GetTimeSpan("allow-weakly-up-members")
            : TimeSpan.FromSeconds(7);
        DowningProviderType = cluster.GetString("downing-provider-class") is { Length: > 0 } name
            ? name.Split(',')[0].Trim()
            : "Akka.Cluster.NoDowning";
        AppVersion = AppVersion.Create(
            cluster.GetString("app-version") is { Length: > 0 } version ? version : "0.0.0");
        LogInfo = cluster.GetBoolean("log-info", true);
        RunCoordinatedShutdownWhenDown =
            cluster.GetBoolean("run-coordinated-shutdown-when-down", true);
        var detector = cluster.GetConfig("failure-detector");
        HeartbeatInterval = detector.GetTimeSpan("heartbeat-interval");
        MonitoredByNrOfMembers = detector.GetInt("monitored-by-nr-of-members", 9);
        Detector = new FailureDetectorSettings(detector);
        _minNrOfMembersOfRole = Roles
            .Concat(cluster.GetStringList("role-names"))
            .Where(role => cluster.HasPath($"role.{role}.min-nr-of-members"))
            .ToImmutableDictionary(
                role => role, role => cluster.GetInt($"role.{role}.min-nr-of-members", 1));
    }

    public string SystemName { get; }
    public ImmutableList<Address> SeedNodes { get; }
    public ImmutableHashSet<string> Roles { get; }
    public int MinNrOfMembers { get; }
    public ImmutableDictionary<string, int> MinNrOfMembersOfRole => _minNrOfMembersOfRole;
    public TimeSpan GossipInterval { get; }
    public TimeSpan HeartbeatInterval { get; }
    public TimeSpan LeaderActionsInterval { get; }
    public TimeSpan UnreachableNodesReaperInterval { get; }
    public TimeSpan SeedNodeTimeout { get; }
    public TimeSpan? RetryUnsuccessfulJoinAfter { get; }
    public TimeSpan? ShutdownAfterUnsuccessfulJoinSeedNodes { get; }
    public bool AllowWeaklyUpMembers { get; }
    public TimeSpan WeaklyUpAfter { get; }

    /// <summary>Full name of the class, without assembly.</summary>
    public string DowningProviderType { get; }

    public AppVersion AppVersion { get; }
    public bool LogInfo { get; }
    public bool RunCoordinatedShutdownWhenDown { get; }
    public int MonitoredByNrOfMembers { get; }

    internal FailureDetectorSettings Detector { get; }

    internal bool IsSbrEnabled => DowningProviderType == SbrProvider;

    private static TimeSpan? Optional(Config config, string path) =>
        config.GetString(path) is null or "off" or "false" or ""
            ? null
            : config.GetTimeSpan(path);

    /// <summary>The defaults, under Akka's keys.</summary>
    internal const string Reference =
        """
        akka.cluster {
          seed-nodes = []
          roles = []
          app-version = ""
          log-info = on
          min-nr-of-members = 1
          gossip-interval = 1s
          leader-actions-interval = 1s
          unreachable-nodes-reaper-interval = 1s
          seed-node-timeout = 5s
          retry-unsuccessful-join-after = 10s
          shutdown-after-unsuccessful-join-seed-nodes = off
          allow-weakly-up-members = 7s
          run-coordinated-shutdown-when-down = on
          downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
          failure-detector {
            heartbeat-interval = 1s
            threshold = 8.0
            max-sample-size = 1000
            min-std-deviation = 100ms
            acceptable-heartbeat-pause = 3s
            monitored-by-nr-of-members = 9
            expected-response-after = 1s
          }
          split-brain-resolver {
            active-strategy = keep-majority
            stable-after = 20s
            down-all-when-unstable = on
            static-quorum { quorum-size = 0, role = "" }
            keep-majority { role = "" }
            keep-oldest { down-if-alone = on, role = "" }
            lease-majority {
              lease-implementation = ""
              lease-name = ""
              acquire-lease-delay-for-minority = 2s
              role = ""
            }
          }
        }
        """;
}
