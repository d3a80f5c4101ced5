using System.Collections.Immutable;
using System.Text;
using Fabric.Datapath;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.Host;

/// <summary>
/// dpctl's commands about texts, and those that every datapath here has to refuse.
/// </summary>
public static class DatapathTextCommands
{
    private const string Prefix = "dpctl/";

    /// <summary>As ovs-dpctl(8) lists them; the others follow by name.</summary>
    private static readonly string[] Order =
    [
        "add-dp", "del-dp", "add-if", "del-if", "set-if", "dump-dps", "show", "dump-flows",
        "add-flow", "mod-flow", "get-flow", "del-flow", "add-flows", "mod-flows", "del-flows",
        "offload-stats-show", "dump-conntrack", "flush-conntrack", "cache-get-size",
        "cache-set-size", "ct-stats-show", "ct-bkts", "ct-set-maxconns", "ct-get-maxconns",
        "ct-get-nconns", "ct-enable-tcp-seq-chk", "ct-disable-tcp-seq-chk", "ct-get-tcp-seq-chk",
        "ct-set-limits", "ct-del-limits", "ct-get-limits", "ipf-set-enabled", "ipf-set-disabled",
        "ipf-set-min-frag", "ipf-set-max-nfrags", "ipf-get-status", "list-commands",
        "parse-actions", "normalize-actions",
    ];

    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        Add("dpctl/list-commands", "", 0, int.MaxValue, _ => List(commands));
        Add("dpctl/normalize-actions", "flow actions", 2, 2,
            words => Normalize(words[0], words[1]));
        Add("dpctl/offload-stats-show", "[dp]", 0, 1, words =>
        {
            Check(store, words);
            throw new UnixctlException(
                "ovs-vswitchd: retrieving offload statistics (Invalid argument)");
        });
        Add("dpctl/cache-set-size", "dp cache <size>", 3, 3, words =>
        {
            Check(store, words[..1]);
            throw new UnixctlException(
                "ovs-vswitchd: Setting caches not supported (Operation not supported)");
        });

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) => commands.Register(
            name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    private static void Check(SwitchStore store, ImmutableArray<string> words) =>
        DatapathLookup.Take(store, [.. words], 0);

    private static string List(UnixctlCommands commands)
    {
        var text = new StringBuilder("The available commands are:\n");
        foreach (var (name, usage) in commands.Usages
            .Where(each => each.Name.StartsWith(Prefix, StringComparison.Ordinal))
            .OrderBy(each => Array.IndexOf(Order, each.Name[Prefix.Length..]) is >= 0 and var at
                ? at : Order.Length))
        {
            text.Append($"  {name,-28}  {usage}\n");
        }

        return text.ToString();
    }

    /// <summary>Actions by the tags that the packet has when they are done.</summary>
    private static string Normalize(string flow, string actions)
    {
        if (!OdpFlowText.TryParse(flow, _ => null, out var key, out var mask, out var error))
        {
            throw new UnixctlException(
                $"ovs-vswitchd: odp_flow_key_from_string ({error}) (Invalid argument)");
        }

        var text = new StringBuilder($"input flow: {OdpFlowText.Format(in key, in mask)}\n");
        if (!OdpActionText.TryParse(actions, null, out var parsed, out _))
        {
            throw new UnixctlException(
                $"{text}ovs-vswitchd: odp_actions_from_string (Invalid argument)");
        }

        var groups = new SortedDictionary<int, List<DatapathAction>>();
        var tag = (int)key.VlanTci0;
        foreach (var action in parsed)
        {
            if (action is PushVlanAction push) tag = push.Tci;
            else if (action is PopVlanAction) tag = 0;
            else
            {
                if (!groups.TryGetValue(tag, out var group)) groups[tag] = group = [];
                group.Add(action);
            }
        }

        foreach (var (tci, group) in groups)
        {
            const int present = 0x1000;
            text.Append((tci & present) == 0
                ? "no vlan: " : $"vlan(vid={tci & 0xFFF},pcp={tci >> 13}): ");
            text.Append("no mpls: ").Append(OdpActionText.Format([.. group]));
        }

        return text.ToString();
    }
}
