using System.Collections.Immutable;
using System.Globalization;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>dpif/show-dp-features and dpif/set-dp-features.</summary>
/// <remarks>
/// What a datapath can do is probed when it is opened and cannot be switched off afterwards:
/// setting a feature to what it is succeeds, and anything else is refused. Native tunnelling alone
/// is ours to switch.
/// </remarks>
public static class DatapathFeatureCommands
{
    private sealed record Feature(
        string Name, string Title, Func<SwitchedDatapath, string> ValueOf);

    private const string NativeTunnels = "tnl_push_pop";

    private static readonly ImmutableArray<Feature> Features =
    [
        Flag("masked_set_action", "Masked set action", can => can.HasMaskedSet),
        new(NativeTunnels, "Tunnel push pop",
            datapath => datapath.Native is { IsOn: true } ? "true" : "false"),
        Flag("ufid", "Ufid", can => can.HasMegaflows),
        Flag("trunc", "Truncate action", can => can.HasTruncate),
        Flag("clone", "Clone action", can => can.HasClone),
        Number("sample_nesting", "Sample nesting", can => can.SampleNestingMax),
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
    ];

    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        commands.Register("dpif/show-dp-features", "bridge", 1, 1, request =>
        {
            var datapath = Find(store, request.Arguments[0]);
            return Task.FromResult(string.Concat(Features.Select(
                each => $"{each.Title}: {Shown(each.ValueOf(datapath))}\n")));
        });
        commands.Register("dpif/set-dp-features", "bridge", 1, 3, request =>
            Task.FromResult(Set(Find(store, request.Arguments[0]), request.Arguments)));
    }

    private static Feature Flag(
        string name, string title, Func<DatapathCapabilities, bool> hasIt) =>
        new(name, title, datapath => hasIt(datapath.Provider.Capabilities) ? "true" : "false");

    private static Feature Number(
        string name, string title, Func<DatapathCapabilities, int> count) =>
        new(name, title, datapath => count(datapath.Provider.Capabilities)
            .ToString(CultureInfo.InvariantCulture));

    private static string Shown(string value) => value switch
    {
        "true" => "Yes",
        "false" => "No",
        _ => value,
    };

    private static SwitchedDatapath Find(SwitchStore store, string bridge)
    {
        foreach (var datapath in store.Datapaths)
        {
            if (datapath.Current.Bridges.ContainsKey(bridge)) return datapath;
        }

        throw new UnixctlException("no such bridge");
    }

    private static string Set(SwitchedDatapath datapath, ImmutableArray<string> words)
    {
        if (words.Length == 1)
        {
            return string.Concat(Features.Select(each =>
                $"{each.Name} ({each.Title}) : [run time]:{each.ValueOf(datapath)}, "
                + $"[boot time]:{each.ValueOf(datapath)}\n"));
        }

        var feature = Features.FirstOrDefault(each => each.Name == words[1]);
        if (feature is null) return "Unexpected support field\n";
        if (words.Length == 2)
        {
            throw new UnixctlException("set-dp-features: no value given");
        }

        var wanted = words[2].ToLowerInvariant();
        if (feature.Name == NativeTunnels && datapath.Native is { } native)
        {
            native.IsOn = wanted == "true";
            return "";
        }

        var now = feature.ValueOf(datapath);
        return now == wanted ? "" : throw new UnixctlException(
            $"{feature.Name} is {now} and cannot be changed at run time");
    }
}
