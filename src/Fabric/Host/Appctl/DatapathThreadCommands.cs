using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Datapath;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>dpif-netdev/pmd-stats-* and dpif/show-dp-features: how a datapath works.</summary>
public static class DatapathThreadCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        var since = ImmutableDictionary<string, DatapathStatistics>.Empty;
        Add("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, words =>
        {
            var datapath = Chosen(words);
            return datapath is null ? "" : Counters(
                datapath.Statistics(), since.GetValueOrDefault(datapath.Name));
        });
        Add("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, words =>
        {
            if (Chosen(words) is { } datapath)
            {
                since = since.SetItem(datapath.Name, datapath.Statistics());
            }

            return "";
        });
        Add("dpif/show-dp-features", "bridge", 1, 1, words => Features(store, words[0]));

        IDatapathProvider? Chosen(ImmutableArray<string> words) =>
            words.LastOrDefault(DatapathLookup.IsName) is { } name && !char.IsDigit(name[0])
                ? DatapathLookup.Find(store, name)?.Provider
                : store.Datapaths.FirstOrDefault(each => each.Type != "system")?.Provider;

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) => commands.Register(
            name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    private static string Counters(DatapathStatistics now, DatapathStatistics? before)
    {
        var hit = now.Hit - (before?.Hit ?? 0);
        var missed = now.Missed - (before?.Missed ?? 0);
        var lost = now.Lost - (before?.Lost ?? 0);
        var cached = now.CacheHit - (before?.CacheHit ?? 0);
        var looked = now.MaskHit - (before?.MaskHit ?? 0);
        var megaflow = hit - Math.Min(hit, cached);
        var text = new StringBuilder("main thread:\n");
        text.Append($"  packets received: {hit + missed}\n");
        text.Append($"  emc hits: {cached}\n  megaflow hits: {megaflow}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"  avg. subtable lookups per megaflow hit: {looked / Math.Max(1.0, megaflow):f2}\n");
        text.Append($"  miss with success upcall: {missed - Math.Min(missed, lost)}\n");
        text.Append($"  miss with failed upcall: {lost}\n");
        return text.ToString();
    }

    private static string Features(SwitchStore store, string bridge)
    {
        foreach (var datapath in store.Datapaths)
        {
            if (!datapath.Current.Bridges.ContainsKey(bridge)) continue;
            return Text(datapath.Provider.Capabilities);
        }

        throw new UnixctlException("no such bridge");
    }

    private static string Text(DatapathCapabilities can)
    {
        static string Yes(bool value) => value ? "Yes" : "No";
        return $"Masked set action: {Yes(can.HasMaskedSet)}\n"
            + "Tunnel push pop: No\n"
            + $"Ufid: {Yes(can.HasMegaflows)}\n"
            + $"Truncate action: {Yes(can.HasTruncate)}\n"
            + $"Clone action: {Yes(can.HasClone)}\n"
            + $"Sample nesting: {can.SampleNestingMax}\n"
            + $"Conntrack clear: {Yes(can.HasConntrackClear)}\n"
            + $"Max dp_hash algorithm: {can.HashAlgorithmMax}\n"
            + $"Check pkt length action: {Yes(can.HasCheckPacketLength)}\n"
            + $"Conntrack timeout policy: {Yes(can.HasConntrackTimeout)}\n"
            + $"Explicit Drop action: {Yes(can.HasExplicitDrop)}\n"
            + "Optimized Balance TCP mode: No\n"
            + $"Conntrack all-zero IP SNAT: {Yes(can.HasAllZeroSourceNat)}\n"
            + $"MPLS Label add: {Yes(can.HasAddMpls)}\n"
            + $"Max VLAN headers: {can.VlanHeadersMax}\n"
            + $"Max MPLS depth: {can.MplsDepthMax}\n"
            + $"Recirc: {Yes(can.HasRecirculation)}\n"
            + $"CT state: {Yes(can.HasConntrack)}\nCT zone: {Yes(can.HasConntrack)}\n"
            + $"CT mark: {Yes(can.HasConntrack)}\nCT label: {Yes(can.HasConntrack)}\n"
            + $"CT state NAT: {Yes(can.HasConntrackNat)}\n"
            + $"CT orig tuple: {Yes(can.HasConntrack)}\n"
            + $"CT orig tuple for IPv6: {Yes(can.HasConntrack)}\n"
            + "IPv6 ND Extension: Yes\n";
    }
}
