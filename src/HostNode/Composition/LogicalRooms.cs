using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Host;
using Fabric.Logical;

namespace Fabric.HostNode.Composition;

/// <summary>Rooms of the logical network that depend on where its northbound is.</summary>
internal static class LogicalRooms
{
    /// <summary>The northbound and the cluster of a mesh that others run; null: our own.</summary>
    public static Props? Northbound(HostSettings settings) => settings.Upstream is { } upstream
        ? UpstreamNorthboundActor.Props(
            new RemoteDatabaseSettings(NorthboundSchema.Schema, upstream.Northbound))
        : null;

    public static Props? Cluster(
        HostSettings settings, IActorRef northbound, TimeProvider time) =>
        settings.Upstream is { } upstream
            ? ChassisActor.Props(
                settings.HostId, northbound,
                new RemoteDatabaseSettings(SouthboundSchema.Schema, upstream.Southbound), time)
            : null;

    /// <summary>The read-only southbound, on its own socket besides all others.</summary>
    public static HostRoom Southbound(HostSettings settings, ICanTell logical, TimeProvider time) =>
        new("southbound", find => SouthboundActor.Props(
            new SouthboundSources(
                settings.HostId, find("configuration"), find("northbound"), find("cluster"),
                logical),
            time))
        {
            Tells = find =>
            [
                ("configuration", new ServeDatabase(new ServedDatabase(
                    SouthboundSchema.Schema, find("southbound")))),
                ("configuration", new OpenRemote(OvsdbRemote.PassiveUnix(
                    Path.Combine(settings.OvnRunFolder, "ovnsb_db.sock")))),
            ],
        };
}
