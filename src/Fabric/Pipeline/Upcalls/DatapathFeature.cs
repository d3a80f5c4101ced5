using System.Collections.Immutable;
using System.Globalization;
using Fabric.Datapath;

namespace Fabric.Pipeline;

/// <summary>What a datapath can do, under the names that Open vSwitch has for it.</summary>
/// <param name="Name">As Datapath.capabilities and dpif/set-dp-features have it.</param>
/// <param name="Title">As dpif/show-dp-features has it; empty: it does not show it.</param>
public sealed record DatapathFeature(
    string Name, string Title, Func<SwitchedDatapath, string> ValueOf)
{
    /// <summary>The one that can be switched at run time.</summary>
    public const string NativeTunnels = "tnl_push_pop";

    private const string SampleNesting = "sample_nesting";

    /// <summary>In the order of dpif/show-dp-features.</summary>
    public static ImmutableArray<DatapathFeature> All { get; } =
    [
        Flag("masked_set_action", "Masked set action", can => can.HasMaskedSet),
        new(NativeTunnels, "Tunnel push pop",
            datapath => datapath.Native is { IsOn: true } ? "true" : "false"),
        Flag("ufid", "Ufid", can => can.HasMegaflows),
        Flag("trunc", "Truncate action", can => can.HasTruncate),
        Flag("clone", "Clone action", can => can.HasClone),
        Number(SampleNesting, "Sample nesting", can => can.SampleNestingMax),
        Flag("ct_eventmask", "Conntrack eventmask", can => can.HasConntrack),
        Flag("ct_clear", "Conntrack clear", can => can.HasConntrackClear),
        Number("max_hash_alg", "Max dp_hash algorithm", can => can.HashAlgorithmMax),
        Flag("check_pkt_len", "Check pkt length action", can => can.HasCheckPacketLength),
        Flag("ct_timeout", "Conntrack timeout policy", can => can.HasConntrackTimeout),
        Flag("explicit_drop_action", "Explicit Drop action", can => can.HasExplicitDrop),
        Flag("lb_output_action", "Optimized Balance TCP mode", _ => false),
        Flag("ct_zero_snat", "Conntrack all-zero IP SNAT", can => can.HasAllZeroSourceNat),
        Flag("add_mpls", "MPLS Label add", can => can.HasAddMpls),
        Number("max_vlan_headers", "Max VLAN headers", can => can.VlanHeadersMax),
        Number("max_mpls_depth", "Max MPLS depth", can => can.MplsDepthMax),
        Flag("recirc", "Recirc", can => can.HasRecirculation),
        Flag("ct_state", "CT state", can => can.HasConntrack),
        Flag("ct_zone", "CT zone", can => can.HasConntrack),
        Flag("ct_mark", "CT mark", can => can.HasConntrack),
        Flag("ct_label", "CT label", can => can.HasConntrack),
        Flag("ct_state_nat", "CT state NAT", can => can.HasConntrackNat),
        Flag("ct_orig_tuple", "CT orig tuple", can => can.HasConntrack),
        Flag("ct_orig_tuple6", "CT orig tuple for IPv6", can => can.HasConntrack),
        Flag("nd_ext", "IPv6 ND Extension", _ => true),
        Flag("ct_flush", "", can => can.HasConntrack),
    ];

    /// <summary>Datapath.capabilities.</summary>
    public static ImmutableSortedDictionary<string, string> ValuesOf(SwitchedDatapath datapath) =>
        All.ToImmutableSortedDictionary(
            each => each.Name, each => each.ValueOf(datapath), StringComparer.Ordinal)
            // Not how deep: whether at all.
            .SetItem(
                SampleNesting,
                datapath.Provider.Capabilities.SampleNestingMax > 0 ? "true" : "false");

    private static DatapathFeature Flag(
        string name, string title, Func<DatapathCapabilities, bool> hasIt) =>
        new(name, title, datapath => hasIt(datapath.Provider.Capabilities) ? "true" : "false");

    private static DatapathFeature Number(
        string name, string title, Func<DatapathCapabilities, int> count) =>
        new(name, title, datapath => count(datapath.Provider.Capabilities)
            .ToString(CultureInfo.InvariantCulture));
}
