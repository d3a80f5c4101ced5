using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Wire;

namespace Fabric.HostNode.DropIn;

/// <summary>What datapaths count, under the names of Open vSwitch where it has one.</summary>
internal static class DatapathCounters
{
    /// <summary>
    /// Open vSwitch's counters of drops, and which of ours each is. Those with none count what
    /// cannot happen here.
    /// </summary>
    private static readonly (string Name, DropReason[] Reasons)[] Known =
    [
        ("drop_action_of_pipeline",
            [DropReason.NoActions, DropReason.ExplicitDrop, DropReason.PortReceiveDisabled]),
        ("drop_action_bridge_not_found", [DropReason.BridgeNotFound]),
        ("drop_action_recursion_too_deep", [DropReason.TranslationDepth]),
        ("drop_action_too_many_resubmit", [DropReason.TranslationResubmits]),
        ("drop_action_stack_too_deep", [DropReason.TranslationStack]),
        ("drop_action_no_recirculation_context", []),
        ("drop_action_recirculation_conflict", []),
        ("drop_action_too_many_mpls_labels", []),
        ("drop_action_invalid_tunnel_metadata", []),
        ("drop_action_unsupported_packet_type", []),
        ("drop_action_congestion", [DropReason.TranslationError]),
        ("drop_action_forwarding_disabled", []),
        ("datapath_drop_upcall_error",
            [
                DropReason.UpcallQueueFull, DropReason.UpcallTooLarge,
                DropReason.RecirculationUnknown,
            ]),
        ("datapath_drop_lock_error", []),
        ("datapath_drop_rx_invalid_packet", [DropReason.EthernetTruncated]),
        ("datapath_drop_meter", [DropReason.MeterExceeded]),
        ("datapath_drop_userspace_action_error", []),
        ("datapath_drop_sample_error", []),
        ("datapath_drop_nsh_decap_error", [DropReason.NshTruncated]),
        ("datapath_drop_tunnel_push_error", [DropReason.HeadroomExhausted]),
        ("datapath_drop_tunnel_pop_error",
            [
                DropReason.GeneveTruncated, DropReason.GeneveVersion, DropReason.GeneveOption,
                DropReason.GeneveCriticalOption, DropReason.VxlanTruncated, DropReason.VxlanFlags,
                DropReason.GreTruncated, DropReason.GreFlags, DropReason.ErspanTruncated,
                DropReason.ErspanVersion, DropReason.GtpuTruncated, DropReason.GtpuMessage,
                DropReason.TunnelChecksum,
            ]),
        ("datapath_drop_recirc_error", [DropReason.RecirculationLimit]),
        ("datapath_drop_invalid_port", [DropReason.PortNotFound]),
        ("datapath_drop_invalid_bond", []),
        ("datapath_drop_invalid_tnl_port", [DropReason.TunnelUnknownPeer]),
    ];

    public static void Register(
        Coverage coverage, Func<ImmutableArray<IDatapathProvider>> providers)
    {
        for (var index = 1; index < DropReasons.Count; index++)
        {
            var reason = (DropReason)index;
            coverage.Add($"drop_{DropReasons.CounterOf(reason)}", () => Drops(reason));
        }

        foreach (var (name, reasons) in Known)
        {
            coverage.Add(name, () => reasons.Aggregate(0ul, (sum, each) => sum + Drops(each)));
        }

        coverage.Add("dpif_flow_hit", () => Sum(each => each.Statistics().Hit));
        coverage.Add("dpif_upcall", () => Sum(each => each.Statistics().Missed));
        coverage.Add("dpif_upcall_lost", () => Sum(each => each.Statistics().Lost));

        ulong Drops(DropReason reason) => Sum(each => each.DropCounts()[(int)reason]);

        ulong Sum(Func<IDatapathProvider, ulong> figure)
        {
            ulong sum = 0;
            foreach (var each in providers()) sum += figure(each);
            return sum;
        }
    }
}
