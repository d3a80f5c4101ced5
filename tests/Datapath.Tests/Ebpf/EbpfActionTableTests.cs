using System.Runtime.CompilerServices;

namespace Fabric.Datapath.Tests;

/// <summary>The table of docs/ebpf.md against the compiler that decides.</summary>
public sealed class EbpfActionTableTests
{
    /// <summary>Every action, by the name that dump-flows gives it.</summary>
    private static readonly Dictionary<Type, string> Names = new()
    {
        [typeof(OutputAction)] = "output",
        [typeof(UserspaceAction)] = "userspace",
        [typeof(PushVlanAction)] = "push_vlan",
        [typeof(PopVlanAction)] = "pop_vlan",
        [typeof(PushMplsAction)] = "push_mpls",
        [typeof(PopMplsAction)] = "pop_mpls",
        [typeof(AddMplsAction)] = "add_mpls",
        [typeof(PushEthernetAction)] = "push_eth",
        [typeof(PopEthernetAction)] = "pop_eth",
        [typeof(SetEthernetAction)] = "set(eth)",
        [typeof(SetIpv4Action)] = "set(ipv4)",
        [typeof(SetIpv6Action)] = "set(ipv6)",
        [typeof(SetPortsAction)] = "set(tcp)",
        [typeof(SetIcmpAction)] = "set(icmp)",
        [typeof(SetArpAction)] = "set(arp)",
        [typeof(SetNdAction)] = "set(nd)",
        [typeof(SetNdExtensionAction)] = "set(nd_ext)",
        [typeof(SetMplsAction)] = "set(mpls)",
        [typeof(SetNshAction)] = "set(nsh)",
        [typeof(PushNshAction)] = "push_nsh",
        [typeof(PopNshAction)] = "pop_nsh",
        [typeof(SetPacketMarkAction)] = "set(skb_mark)",
        [typeof(SetPriorityAction)] = "set(skb_priority)",
        [typeof(SetTunnelAction)] = "set(tunnel)",
        [typeof(RecirculateAction)] = "recirc",
        [typeof(HashAction)] = "hash",
        [typeof(SampleAction)] = "sample",
        [typeof(CloneAction)] = "clone",
        [typeof(TruncateAction)] = "trunc",
        [typeof(CheckPacketLengthAction)] = "check_pkt_len",
        [typeof(MeterAction)] = "meter",
        [typeof(ConntrackAction)] = "ct",
        [typeof(ConntrackClearAction)] = "ct_clear",
        [typeof(DropAction)] = "drop",
        [typeof(DecrementTtlAction)] = "dec_ttl",
        [typeof(LoadBalancedOutputAction)] = "lb_output",
        [typeof(TunnelPushAction)] = "tnl_push",
        [typeof(TunnelPopAction)] = "tnl_pop",
    };

    [Fact]
    public void Every_action_stands_in_the_table_of_the_documentation_as_it_is_done()
    {
        var actions = typeof(DatapathAction).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(DatapathAction)) && !type.IsAbstract).ToArray();
        Assert.Equal(
            Names.Keys.Select(type => type.Name).Order(),
            actions.Select(type => type.Name).Order());
        var rows = Rows();
        foreach (var type in actions)
        {
            var name = Names[type];
            Assert.True(rows.TryGetValue(name, out var kernel), $"{name} is not in the table");
            var action = type == typeof(TruncateAction)
                ? new TruncateAction(1500)
                : (DatapathAction)RuntimeHelpers.GetUninitializedObject(type);
            Assert.True(
                StepEncoder.CanDo(action) == kernel.StartsWith("yes", StringComparison.Ordinal),
                $"{name}: the table says \"{kernel}\"");
        }

        Assert.False(StepEncoder.CanDo(new TruncateAction(20)));
    }

    /// <summary>Names of the first column, in back quotes, to the text of the second.</summary>
    private static Dictionary<string, string> Rows()
    {
        var rows = new Dictionary<string, string>();
        var lines = File.ReadLines(Path.Combine(Checkout.Root, "docs", "ebpf.md"))
            .SkipWhile(line => line != "## What runs where").Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal));
        foreach (var line in lines.Where(line => line.StartsWith("| `", StringComparison.Ordinal)))
        {
            var columns = line.Split('|');
            var names = columns[1].Split('`');
            for (var i = 1; i < names.Length; i += 2) rows.Add(names[i], columns[2].Trim());
        }

        return rows;
    }
}
