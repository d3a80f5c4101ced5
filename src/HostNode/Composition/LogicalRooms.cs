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
    public static Props? Northbound(HostSettings settings) =>
        settings.Upstream is { Southbound.IsEmpty: false } upstream
        ? UpstreamNorthboundActor.Props(
            new RemoteDatabaseSettings(NorthboundSchema.Schema, upstream.Northbound))
        : null;

    public static Props? Cluster(
        HostSettings settings, IActorRef northbound, TimeProvider time) =>
        settings.Upstream is { Southbound.IsEmpty: false } upstream
            ? ChassisActor.Props(
                settings.HostId, northbound,
                new RemoteDatabaseSettings(SouthboundSchema.Schema, upstream.Southbound), time)
            : null;

    /// <summary>The room that clients of the northbound are served by.</summary>
    public static string Endpoint(HostSettings settings) =>
        settings.Upstream is { Southbound.IsEmpty: true } ? "feed" : "northbound";

    /// <summary>The room that follows a northbound which others serve, if there is one.</summary>
    public static IEnumerable<HostRoom> Feed(HostSettings settings)
    {
        if (settings.Upstream is not { Southbound.IsEmpty: true } upstream) yield break;
        yield return new HostRoom("feed", find => NorthboundFeedActor.Props(
            settings.HostId, find("northbound"), find("cluster"),
            new RemoteDatabaseSettings(NorthboundSchema.Schema, upstream.Northbound)))
        {
            Tells = find =>
            [
                ("configuration", new ServeDatabase(new ServedDatabase(
                    NorthboundSchema.Schema, find("feed")))),
            ],
        };
    }

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
