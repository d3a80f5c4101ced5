using System.Collections.Immutable;
using Fabric.Switching;

namespace Fabric.HostNode.DropIn;

/// <summary>What memory/show counts, under ovs-vswitchd's names.</summary>
internal static class MemoryReport
{
    public static ImmutableSortedDictionary<string, long> Of(SwitchStore store)
    {
        long ports = 0, rules = 0, connections = 0, flows = 0;
        foreach (var bridge in store.Bridges)
        {
            ports += bridge.Interfaces.Length;
            rules += bridge.Pipeline.Current.RuleCount;
            connections += bridge.Subscribers.Length;
        }

        foreach (var datapath in store.Datapaths) flows += datapath.Provider.Flows.Count;
        var counts = ImmutableSortedDictionary.CreateBuilder<string, long>(StringComparer.Ordinal);
        counts["handlers"] = 1;
        counts["revalidators"] = 1;
        counts["ports"] = ports;
        counts["rules"] = rules;
        if (flows > 0) counts["udpif keys"] = flows;
        if (connections > 0) counts["ofconns"] = connections;
        return counts.ToImmutable();
    }
}
