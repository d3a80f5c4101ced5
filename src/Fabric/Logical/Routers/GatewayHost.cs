namespace Fabric.Logical;

/// <summary>Which host is the active gateway of a distributed gateway port.</summary>
internal static class GatewayHost
{
    /// <summary>The candidate of highest priority that is alive, or null.</summary>
    public static string? Of(LogicalTopology topology, HostView host, LogicalRouterPort port) =>
        host.Gateways.TryGetValue(port.Name, out var owner)
            ? owner.Length == 0 ? null : owner
            : Best(host, CandidatesOf(topology, port));

    /// <summary>
    /// The one host that stands for a port: of a gateway router, of a gateway port; null: a
    /// distributed port acts on every host.
    /// </summary>
    public static string? ActingFor(
        LogicalTopology topology, HostView host, LogicalRouter router, LogicalRouterPort port) =>
        router.Chassis ?? (port.IsGateway ? Of(topology, host, port) : null);

    private static string? Best(HostView host, IEnumerable<GatewayCandidate> candidates) =>
        candidates
            .Where(candidate =>
                candidate.Chassis == host.HostId || host.Tunnels.ContainsKey(candidate.Chassis))
            .OrderByDescending(candidate => candidate.Priority)
            .ThenBy(candidate => candidate.Chassis, StringComparer.Ordinal)
            .Select(candidate => candidate.Chassis)
            .FirstOrDefault();

    /// <summary>The same for a row of HA_Chassis_Group, as external ports name one.</summary>
    public static string? OfGroup(LogicalTopology topology, HostView host, Guid? group) =>
        group is { } uuid && topology.Rows.HaGroups.TryGetValue(uuid, out var row)
            ? host.Gateways.TryGetValue($"group {uuid}", out var owner)
                ? owner.Length == 0 ? null : owner
                : Best(host, row.Members
                    .Select(member => topology.Rows.HaChassis.GetValueOrDefault(member))
                    .OfType<GatewayCandidate>())
            : null;

    public static bool IsCandidate(LogicalTopology topology, string host, LogicalRouterPort port) =>
        port.IsGateway && CandidatesOf(topology, port).Any(each => each.Chassis == host);

    public static IEnumerable<GatewayCandidate> CandidatesOf(
        LogicalTopology topology, LogicalRouterPort port)
    {
        var direct = port.GatewayChassis
            .Select(uuid => topology.Rows.GatewayChassis.GetValueOrDefault(uuid));
        var grouped = port.HaChassisGroup is { } group
            && topology.Rows.HaGroups.TryGetValue(group, out var row)
            ? row.Members.Select(uuid => topology.Rows.HaChassis.GetValueOrDefault(uuid))
            : [];
        return direct.Concat(grouped).OfType<GatewayCandidate>();
    }
}
