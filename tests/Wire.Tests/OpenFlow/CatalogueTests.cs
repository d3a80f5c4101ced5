using System.Runtime.CompilerServices;
using System.Text;
using Fabric.Wire.OpenFlow;

namespace Fabric.Wire.Tests.OpenFlow;

/// <summary>
/// docs/openflow-catalogue.md is what the code's own catalogues say: messages, fields, actions.
/// </summary>
public sealed class CatalogueTests
{
    private static readonly OfVersion[] Versions =
        [.. Enumerable.Range(1, 6).Select(number => (OfVersion)number)];

    /// <summary>One of each kind, for a flow of the match that it needs.</summary>
    private static readonly (string Match, string Action)[] Actions =
    [
        ("", "output:2"), ("", "output(port=2,max_len=100)"), ("", "output:NXM_NX_REG0[0..15]"),
        ("", "controller(max_len=100,id=1,userdata=01.02,pause)"), ("", "enqueue:2:1"),
        ("", "group:1"), ("", "set_queue:1"), ("", "pop_queue"),
        ("", "bundle(eth_src,0,hrw,ofport,members:1,2)"),
        ("", "multipath(eth_src,0,modulo_n,4,0,NXM_NX_REG0[0..7])"),
        ("tcp", "set_field:80->tcp_dst"), ("", "load:1->NXM_NX_REG0[0..3]"),
        ("", "move:NXM_NX_REG0[]->NXM_NX_REG1[]"), ("", "push:NXM_NX_REG0[]"),
        ("", "pop:NXM_NX_REG0[]"), ("dl_vlan=1", "mod_vlan_vid:10"),
        ("dl_vlan=1", "mod_vlan_pcp:3"), ("dl_vlan=1", "strip_vlan"), ("", "push_vlan:0x8100"),
        ("", "mod_dl_src:50:54:00:00:00:01"), ("", "mod_dl_dst:50:54:00:00:00:01"),
        ("ip", "mod_nw_src:10.0.0.1"), ("ip", "mod_nw_dst:10.0.0.1"), ("ip", "mod_nw_tos:32"),
        ("ip", "mod_nw_ecn:1"), ("ip", "mod_nw_ttl:9"), ("tcp", "mod_tp_src:80"),
        ("tcp", "mod_tp_dst:80"), ("ip", "dec_ttl"), ("mpls", "set_mpls_label:5"),
        ("mpls", "set_mpls_tc:5"), ("mpls", "set_mpls_ttl:5"), ("mpls", "dec_mpls_ttl"),
        ("ip", "push_mpls:0x8847"), ("mpls", "pop_mpls:0x0800"), ("", "set_tunnel:5"),
        ("tcp", "fin_timeout(idle_timeout=5)"), ("", "resubmit(,5)"), ("", "conjunction(1,1/2)"),
        ("", "note:01.02.03.04.05.06"), ("", "exit"), ("", "learn(table=5,NXM_OF_ETH_DST[])"),
        ("", "sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3)"),
        ("ip", "ct(commit,zone=1,table=5)"), ("", "ct_clear"), ("", "clone(output:2)"),
        ("", "check_pkt_larger(100)->NXM_NX_REG0[0]"), ("", "delete_field:tun_metadata0"),
        ("", "encap(nsh(md_type=1))"), ("", "decap()"),
        ("dl_type=0x894f", "dec_nsh_ttl"), ("", "debug_recirc"), ("", "debug_slow"),
        ("", "meter:1"), ("", "clear_actions"), ("", "write_actions(output:2)"),
        ("", "write_metadata:0x1"), ("", "goto_table:5"),
    ];

    /// <remarks>UPDATE_GOLDEN=1 writes the page anew.</remarks>
    [Fact]
    public void The_page_says_what_the_catalogues_say()
    {
        var path = Path.Combine(Folder(), "../../../docs/openflow-catalogue.md");
        var page = Page();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, page);
        }

        Assert.Equal(File.ReadAllText(path), page);
    }

    [Fact]
    public void Every_kind_of_action_is_told_of()
    {
        var kinds = typeof(OfAction).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(OfAction)) && !type.IsAbstract)
            .Select(type => type.Name);
        var told = Actions.Select(each => Parse(each.Action)[0].GetType().Name);
        Assert.Empty(kinds.Except(told));
    }

    private static string Page()
    {
        var text = new StringBuilder("""
            # OpenFlow: messages, fields, actions

            Made by a test of the tables that parser, printer and codec are made of
            (`tests/Wire.Tests/OpenFlow/CatalogueTests.cs`): what stands here is understood and
            written. What it does, and where the limits are, `openflow.md` says.

            ## Messages

            The number that a message has on the wire; empty: the version does not have it.


            """);
        text.Append("| message | 1.0 | 1.1 | 1.2 | 1.3 | 1.4 | 1.5 |\n");
        text.Append("| --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (var type in Enum.GetValues<OfType>())
        {
            text.Append($"| {type} ");
            foreach (var version in Versions)
            {
                text.Append(OfTypes.Exists(type, version)
                    ? $"| {OfTypes.NumberOf(type, version)} " : "| ");
            }

            text.Append("|\n");
        }

        AddFields(text);
        AddActions(text);
        return text.ToString();
    }

    private static void AddFields(StringBuilder text)
    {
        text.Append("\n## Fields\n\n`m`: may be masked, `w`: actions may set it. Prerequisites are "
            + "those of `ovs-fields(7)`.\n\n| field | also | bits | | needs | NXM | OXM |\n"
            + "| --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (var field in MatchField.All)
        {
            var may = (field.IsMaskable ? "m" : "") + (field.IsWritable ? "w" : "");
            var needs = field.Prerequisite == FieldPrerequisite.None
                ? "" : field.Prerequisite.ToString();
            text.Append($"| {field.Name} | {field.Alias} | {field.BitWidth} | {may} | {needs} | "
                + $"{field.Nxm?.Name} | {field.Oxm?.Name} |\n");
        }
    }

    private static void AddActions(StringBuilder text)
    {
        text.Append("\n## Actions and instructions\n\nHow a version tells the action: as it is, or "
            + "as another that means the same; empty: not at all.\n\n"
            + "| action | 1.0 | 1.1 | 1.2 | 1.3 | 1.4 | 1.5 |\n"
            + "| --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (var (match, action) in Actions)
        {
            text.Append($"| `{action}` ");
            foreach (var version in Versions) text.Append($"| {ToldAs(match, action, version)} ");
            text.Append("|\n");
        }
    }

    private static string ToldAs(string match, string action, OfVersion version)
    {
        var flow = $"{match}{(match.Length > 0 ? "," : "")}actions={action}";
        Assert.True(OfFlowText.TryParse(flow, FlowModCommand.Add, out var mod, out var error),
            $"{flow}: {error}");
        var context = new OfCodecContext(version);
        var bytes = OfEncoder.ToArray(mod, 1, in context);
        if (!OfDecoder.TryDecode(bytes, in context, out var envelope, out _)) return "";
        var told = ((FlowMod)envelope.Message).Actions;
        if (told.IsEmpty) return "";
        return told.Equals(mod.Actions) ? "yes" : $"`{OfActionText.Format(told)}`";
    }

    private static ActionList Parse(string action)
    {
        Assert.True(OfActionText.TryParse(action, out var actions, out var error), error);
        return actions;
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
