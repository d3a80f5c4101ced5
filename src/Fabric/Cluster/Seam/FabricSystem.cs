using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;

namespace Fabric.Cluster;

/// <summary>Starts the clustered actor system of a host.</summary>
public static partial class FabricSystem
{
    /// <summary>The root actor: /user/fabric.</summary>
    public const string RootName = "fabric";

    public const int DefaultPort = 2552;

    /// <summary>Frame limit of remoting; messages travel in smaller chunks.</summary>
    private const int FrameSizeMax = 256 * 1024;

    /// <summary>"host:port" or "host" as an address of the clustered system there.</summary>
    /// <param name="prefix">See <see cref="PrefixOf"/>.</param>
    public static bool TryParseSeed(string seed, string prefix, out string address)
    {
        address = "";
        var text = seed.Trim();
        var end = text.LastIndexOf(':');
        var isBareV6 = text.Count(':') > 1 && !text.StartsWith('[');
        var host = end < 0 || isBareV6 || text.EndsWith(']') ? text : text[..end];
        var port = DefaultPort;
        if (host.Length != text.Length && !int.TryParse(
            text[(end + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port))
            return false;
        if (host.Length == 0 || port is < 1 or > 65535) return false;
        if (isBareV6) host = $"[{host}]";
        address = $"{prefix}{host}:{port}";
        return true;
    }

    /// <summary>How addresses begin: by transport and by the cluster's name.</summary>
    public static string PrefixOf(FabricSettings settings) =>
        $"akka.{(settings.Tls is null ? "" : "ssl.")}tcp://{settings.ClusterName}@";

    /// <summary>
    /// Serializers of everything that is sent or journaled; both systems need them.
    /// </summary>
    public const string Serializers =
        """
        akka.actor {
          serializers.fabric = "Fabric.Cluster.FabricSerializer, Fabric"
          serialization-bindings {
            "Fabric.Cluster.HostFrame, Fabric" = fabric
            "Fabric.Cluster.FormationNote, Fabric" = fabric
            "Fabric.Cluster.HostRecord, Fabric" = fabric
            "Fabric.Cluster.HostClaims, Fabric" = fabric
            "Fabric.Cluster.HostReport, Fabric" = fabric
            "Fabric.Cluster.LearnedMacBinding, Fabric" = fabric
            "Fabric.Cluster.LearnedFdbEntry, Fabric" = fabric
            "Fabric.Cluster.ILogEvent, Fabric" = fabric
            "Fabric.Cluster.ReplicaSnapshot, Fabric" = fabric
          }
          serialization-identifiers."Fabric.Cluster.FabricSerializer, Fabric" = 2552
        }
        """;

    public static Config ConfigOf(FabricSettings settings)
    {
        var text = new StringBuilder(Serializers).AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            akka {
              loglevel = INFO
              actor.provider = cluster
              coordinated-shutdown {
                exit-clr = off
                run-by-clr-shutdown-hook = off
              }
              remote.dot-netty.tcp {
                hostname = "{{settings.BindAddress}}"
                port = {{settings.Port}}
                maximum-frame-size = {{FrameSizeMax}}b
              }
              cluster {
                roles = [{{string.Join(", ", RolesOf(settings).Select(Quoted))}}]
                seed-node-timeout = 2s
                retry-unsuccessful-join-after = 3s
                allow-weakly-up-members = 3s
                run-coordinated-shutdown-when-down = on
                gossip-interval = 250ms
                leader-actions-interval = 250ms
                unreachable-nodes-reaper-interval = {{Milliseconds(settings.Times.ReaperInterval)}}
                failure-detector {
                  heartbeat-interval = {{Milliseconds(settings.Times.HeartbeatInterval)}}
                  acceptable-heartbeat-pause = {{Milliseconds(settings.Times.AcceptablePause)}}
                  min-std-deviation = {{Milliseconds(settings.Times.MinDeviation)}}
                }
                downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
                split-brain-resolver {
                  active-strategy = keep-majority
                  stable-after = {{Milliseconds(settings.Times.StableAfter)}}
                }
                distributed-data {
                  gossip-interval = 1s
                  notify-subscribers-interval = 50ms
                }
                singleton.hand-over-retry-interval = 300ms
                singleton.min-number-of-hand-over-retries = 15
              }
            }
            """);
        if (settings.Tls is { } tls) text.AppendLine(TlsOf(tls));
        if (settings.NorthboundConnection is { } connection) text.AppendLine(LeaseOf(connection));
        return ConfigurationFactory.ParseString(settings.Overrides)
            .WithFallback(ConfigurationFactory.ParseString(text.ToString()));
    }

    private static ImmutableArray<string> RolesOf(FabricSettings settings) =>
    [
        MembershipView.HostRolePrefix + settings.HostId,
        .. settings.IsVoter ? [MembershipView.VoterRole] : Array.Empty<string>(),
    ];

    private static string TlsOf(ClusterTls tls) => $$"""
        akka.remote.dot-netty.tcp {
          enable-ssl = true
          ssl {
            suppress-validation = false
            require-mutual-authentication = true
            certificate {
              path = {{Quoted(tls.CertificateFile)}}
              key-path = {{Quoted(tls.KeyFile)}}
            }
            authority-path = {{Quoted(tls.AuthorityFile)}}
            revocation-list-path = {{Quoted(tls.RevocationFile)}}
            peer-name-role-prefix = "{{MembershipView.HostRolePrefix}}"
            granted-roles = [{{MembershipView.VoterRole}}, gateway]
          }
        }
        """;

    /// <summary>Where there is a database, it decides which side of a partition goes on.</summary>
    private static string LeaseOf(string connection) => $$"""
        akka.cluster.split-brain-resolver {
          active-strategy = lease-majority
          lease-majority {
            lease-implementation = "fabric.lease"
            acquire-lease-delay-for-minority = 2s
          }
        }
        fabric.lease {
          lease-class = "Fabric.Cluster.PostgresLease, Fabric"
          connection-string = {{Quoted(connection)}}
          time-to-live = 20s
        }
        """;

    private static string Quoted(string text) =>
        '"' + text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal) + '"';

    private static string Milliseconds(TimeSpan time) =>
        ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) + "ms";

    private static int Count(this string text, char letter) => text.AsSpan().Count(letter);
}
