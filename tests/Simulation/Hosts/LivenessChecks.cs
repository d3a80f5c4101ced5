using Fabric.Cluster;
using Fabric.Switching;

namespace Fabric.Simulation;

/// <summary>What must hold once all hosts run and all of them reach each other.</summary>
internal static class LivenessChecks
{
    /// <returns>The first thing that is not as it must be in the end, or null.</returns>
    public static string? Find(SimulatedFleet fleet)
    {
        var writers = fleet.Nodes.Count(
            node => node.Writer?.Writer?.Log.Phase == LogWriterPhase.Serving);
        if (writers != 1) return $"{writers} writers serve";
        var first = fleet.Nodes.First();
        if (first.Northbound is not { } northbound) return $"{first.Id} has no northbound";
        foreach (var node in fleet.Nodes)
        {
            var problem = Membership(fleet, node) ?? Northbound(node, northbound)
                ?? Gossip(node, first) ?? Tunnels(fleet, node);
            if (problem is not null) return $"{node.Id}: {problem}";
        }

        return Acknowledged(fleet, northbound.State);
    }

    private static string? Membership(SimulatedFleet fleet, SimulatedNode node)
    {
        if (node.Membership is not { } cluster) return "no clustered system";
        var state = cluster.State;
        var up = state.Members.Count(member => member.Status == Akka.Cluster.MemberStatus.Up);
        return up == fleet.Nodes.Count && state.Members.Count == up && state.Unreachable.IsEmpty
            ? null
            : $"{up} of {state.Members.Count} members up, {state.Unreachable.Count} unreachable";
    }

    private static string? Northbound(SimulatedNode node, NorthboundActor first)
    {
        if (node.Northbound is not { } northbound) return "no northbound";
        var (own, other) = (northbound.Replica, first.Replica);
        if (own.Committed != other.Committed || own.Last != other.Last)
            return $"{own.Last} ({own.Committed}), not {other.Last} ({other.Committed})";
        if (node.Observer?.Northbound?.Sequence != own.Committed) return "not applied yet";
        return northbound.State.ToBytes().Span.SequenceEqual(first.State.ToBytes().Span)
            ? null
            : "its northbound differs";
    }

    private static string? Gossip(SimulatedNode node, SimulatedNode first)
    {
        var (own, other) = (node.Observer, first.Observer);
        if (own is null || other is null) return "no observer";
        if (own.Locations is null || other.Locations is null
            || !own.Locations.Locations.SequenceEqual(other.Locations.Locations))
            return "ports are elsewhere";
        var (learned, known) = (own.Learned, other.Learned);
        if (learned is null || known is null) return learned == known ? null : "learned nothing";
        return learned.MacBindings.SequenceEqual(known.MacBindings)
            && learned.Fdb.SequenceEqual(known.Fdb)
            ? null
            : "learned other addresses";
    }

    private static string? Tunnels(SimulatedFleet fleet, SimulatedNode node)
    {
        if (node.Observer?.Configuration is not { } database) return "no configuration";
        if (TunnelRows.BridgeOf(database) is not { } bridge) return "no bridge";
        var rows = TunnelRows.Read(database, bridge)
            .Select(row => $"{row.HostId} {row.RemoteAddress}").Order(StringComparer.Ordinal);
        var wanted = fleet.Nodes.Where(other => other != node)
            .Select(other => $"{other.Id} {other.VtepAddress}").Order(StringComparer.Ordinal);
        return rows.SequenceEqual(wanted) ? null : $"tunnels to {string.Join(", ", rows)}";
    }

    private static string? Acknowledged(SimulatedFleet fleet, NorthboundState state)
    {
        var switches = state.Database.Table("Logical_Switch").Rows
            .Select(row => row.GetString("name")).ToHashSet(StringComparer.Ordinal);
        var lost = fleet.Acknowledged.Where(name => !switches.Contains(name)).ToList();
        if (lost.Count > 0)
            throw new SimulationException($"Lost after acknowledgement: {string.Join(", ", lost)}");
        var global = state.Database.Table("NB_Global").First;
        if (global is null) return switches.Count == 0 ? null : "no NB_Global";
        if (global.GetInteger("nb_cfg") != switches.Count)
            throw new SimulationException(
                $"{switches.Count} switches, nb_cfg {global.GetInteger("nb_cfg")}: done twice.");
        if (state.Keys.Keys.Ports.Count != switches.Count)
            throw new SimulationException("Ports without keys.");
        return global.GetInteger("hv_cfg") == switches.Count
            ? null
            : $"hv_cfg {global.GetInteger("hv_cfg")} of {switches.Count}";
    }
}
