using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Wire;

namespace Fabric.HostNode.DropIn;

/// <summary>What datapaths count, under the names of Open vSwitch where it has one.</summary>
internal static class DatapathCounters
{
    public static void Register(
        Coverage coverage, Func<ImmutableArray<IDatapathProvider>> providers)
    {
        for (var index = 1; index < DropReasons.Count; index++)
        {
            var at = index;
            coverage.Add($"drop_{DropReasons.CounterOf((DropReason)at)}",
                () => Sum(each => each.DropCounts()[at]));
        }

        coverage.Add("dpif_flow_hit", () => Sum(each => each.Statistics().Hit));
        coverage.Add("dpif_upcall", () => Sum(each => each.Statistics().Missed));
        coverage.Add("dpif_upcall_lost", () => Sum(each => each.Statistics().Lost));

        ulong Sum(Func<IDatapathProvider, ulong> figure)
        {
            ulong sum = 0;
            foreach (var each in providers()) sum += figure(each);
            return sum;
        }
    }
}
