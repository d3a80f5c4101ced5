using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Datapath;
using Fabric.Host;

namespace Fabric.HostNode.Composition;

/// <summary>What the clustered actor system of a host node is given.</summary>
internal static class ClusterComposition
{
    /// <param name="datapaths">Those that are open, for what this host tells of its load.</param>
    public static FabricSettings SettingsOf(
        HostSettings settings, TimeProvider time,
        Func<ImmutableArray<IDatapathProvider>> datapaths)
    {
        var cluster = settings.Cluster;
        var load = new HostLoadMeter(time, datapaths);
        return new FabricSettings(
            settings.HostId, $"{cluster.Address ?? IPAddress.Loopback}",
            cluster.Address is null ? 0 : cluster.Port,
            [.. cluster.Seeds.Select(seed => $"{seed.Host}:{seed.Port}")],
            cluster.Form || cluster.Address is null, cluster.IsVoter, settings.StateFolder,
            cluster.Tls is { } tls
                ? new ClusterTls(tls.Certificate, tls.Key, tls.Authority)
                : null,
            cluster.Profile == "fast" ? FailureTimes.Fast : FailureTimes.Default,
            NorthboundSchema.Schema, time)
        {
            ClusterName = cluster.Name,
            NorthboundConnection = settings.NorthboundConnection,
            ReadLoad = load.Read,
            Overrides = """
                akka.loggers = []
                akka.stdout-loglevel = off
                """,
        };
    }
}
