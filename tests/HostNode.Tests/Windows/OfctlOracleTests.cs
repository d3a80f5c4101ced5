using System.Text.RegularExpressions;
using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>fabric ofctl beside the stock ovs-ofctl, each at a bridge of its own.</summary>
/// <remarks>
/// Goal: flows, groups, meters, ports and tables are asked for and changed as the stock tool does
/// it, to the exit code. Method: Debian's ovs-vswitchd has two bridges that begin alike; each line
/// goes to Debian's ovs-ofctl for the one and to ours for the other. Times, transaction numbers,
/// addresses of ports and the bridges' names are not compared.
/// </remarks>
public sealed partial class OfctlOracleTests : StockSwitchTests
{
    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await File.WriteAllTextAsync(
            Path.Combine(Switch.Folder, "flows"),
            "# a remark\npriority=7,ip,nw_src=10.0.0.0/8 actions=output:1\n\n"
            + "table=2,cookie=0x9,actions=drop # another\n");
        await File.WriteAllTextAsync(
            Path.Combine(Switch.Folder, "groups"),
            "group_id=41,type=all,bucket=output:1\ngroup_id=42,type=indirect,bucket=output:2\n");
    }

    [Fact]
    public async Task Asking_and_changing_is_as_with_the_stock_tool()
    {
        var differences = new List<string>();
        foreach (var line in Commands)
        {
            var words = Word().Matches(line)
                .Select(match => match.Groups[1].Success ? match.Groups[1].Value : match.Value)
                .ToArray();
            var stock = Stock(words);
            var ours = await OursAsync(words);
            if (stock == ours) continue;
            differences.Add(
                $"{line}\nstock {stock.ExitCode}: {stock.Text}\nours {ours.ExitCode}: {ours.Text}");
        }

        Assert.True(differences.Count == 0, string.Join("\n\n", differences));
    }

    /// <summary>@ is the bridge, % a folder of files; words with blanks stand in ''.</summary>
    private static readonly string[] Commands =
    [
        "show @", "-O OpenFlow13 show @", "-OOpenFlow15 show @", "dump-desc @",
        "-O OpenFlow13 dump-desc @", "probe @",
        "dump-ports @", "dump-ports @ 1", "dump-ports @ LOCAL", "-O OpenFlow13 dump-ports @",
        "-O OpenFlow13 dump-ports @ 2", "dump-ports-desc @", "-O OpenFlow13 dump-ports-desc @",
        "-O OpenFlow14 dump-ports-desc @", "-O OpenFlow15 dump-ports-desc @ 1",
        "queue-stats @", "-O OpenFlow13 queue-stats @", "queue-stats @ 1", "queue-stats @ ALL 0",
        "get-frags @", "set-frags @ drop", "get-frags @", "set-frags @ nx-match", "show @",
        "set-frags @ odd", "set-frags @ normal",
        "-O OpenFlow13 dump-tables @", "-O OpenFlow14 dump-tables @",
        "-O OpenFlow14 dump-table-desc @", "dump-table-desc",
        "mod-port @ 1 no-flood", "mod-port @ 2 down", "mod-port @ 1 no-packet-in", "show @",
        "mod-port @ 2 up", "mod-port @ 1 flood", "mod-port @ 1 packet-in", "show @",
        "mod-port @ 9 up", "mod-port @ 1 flud",
        "-O OpenFlow13 mod-port @ 1 no-receive", "-O OpenFlow13 show @",
        // Flows.
        "dump-flows @", "--no-stats dump-flows @", "-O OpenFlow13 dump-flows @",
        "dump-aggregate @", "-O OpenFlow15 dump-aggregate @", "-O OpenFlow13 dump-aggregate @ ip",
        "add-flow @ priority=5,tcp,tp_dst=80,actions=output:1,resubmit(,2)",
        "add-flow @ 'table=3, cookie=0x7, idle_timeout=50, hard_timeout=90, arp actions=drop'",
        "add-flow @ importance=3,send_flow_rem,priority=9,udp,actions=normal",
        "-O OpenFlow14 add-flow @ importance=3,send_flow_rem,priority=9,udp,actions=normal",
        "-O OpenFlow13 add-flow @ in_port=1,dl_vlan=5,actions=pop_vlan,goto_table:1",
        "add-flow @ reg0=5,metadata=0x10/0xf0,actions=move:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15]",
        "add-flow @ ip,ct_state=-trk,actions=ct(table=4,zone=7)",
        "add-flow @ table=4,ct_state=+new,ip,actions=ct(commit,nat(src=1.2.3.4)),2",
        "dump-flows @", "dump-flows @ tcp", "dump-flows @ table=3", "dump-flows @ out_port=1",
        "dump-flows @ cookie=7/-1", "--no-stats dump-flows @", "--sort dump-flows @ table=0",
        "--rsort dump-flows @ table=0", "-O OpenFlow14 dump-flows @",
        "-O OpenFlow13 --no-stats dump-flows @ udp",
        "add-flow @ priority=6,ip,actions=foo", "add-flow @ nope=6,actions=drop",
        "add-flow @ priority=6", "add-flow @ priority=x,actions=drop",
        "add-flow @ actions=group:9", "add-flow @ tcp_dst=80,actions=drop",
        "add-flow @", "add-flow @ actions=drop more", "dump-flows @ nope=5",
        "add-flows @ %/flows", "add-flows @ %/nope", "dump-flows @ table=2",
        "mod-flows @ table=2,actions=2", "--strict mod-flows @ table=2,priority=3,actions=1",
        "dump-flows @ table=2", "--strict del-flows @ table=2,priority=3",
        "--strict del-flows @ table=2", "dump-flows @ table=2", "del-flows @ udp",
        "del-flows @ table=4", "dump-flows @",
        "--bundle add-flow @ table=5,actions=drop", "--bundle add-flows @ %/flows",
        "-O OpenFlow14 --bundle add-flow @ table=6,actions=drop",
        "dump-aggregate @ table=5", "diff-flows @ %/flows", "diff-flows @ @",
        "-O OpenFlow13 replace-flows @ %/flows", "-O OpenFlow13 diff-flows @ %/flows",
        "dump-flows @",
        // Groups.
        "add-group @ group_id=3,type=all,bucket=output:1,bucket=output:2",
        "-O OpenFlow13 add-group @ group_id=1,type=select,bucket=weight:5,output:1,"
            + "bucket=actions=output:2",
        "-O OpenFlow15 add-group @ group_id=2,type=select,selection_method=hash,fields(ip_src),"
            + "bucket=bucket_id:7,watch_port:1,actions=output:1",
        "-O OpenFlow15 add-group @ group_id=4,type=select,selection_method=hash,"
            + "selection_method_param=9,fields(ip_src=255.0.0.0,ip_dst),bucket=output:1",
        "-O OpenFlow13 add-group @ group_id=5,type=ff,bucket=watch_port:1,output:1",
        "-O OpenFlow15 insert-buckets @ group_id=2,command_bucket_id=last,"
            + "bucket=bucket_id:9,actions=output:2",
        "dump-groups @", "dump-groups @ 3", "-O OpenFlow13 dump-groups @",
        "-O OpenFlow15 dump-groups @", "-O OpenFlow15 dump-groups @ 2",
        "-O OpenFlow15 remove-buckets @ group_id=2,command_bucket_id=7",
        "-O OpenFlow15 dump-groups @ 2", "-O OpenFlow13 dump-group-stats @",
        "dump-group-stats @", "-O OpenFlow15 dump-group-stats @ group_id=2",
        "dump-group-features @", "-O OpenFlow13 dump-group-features @",
        "add-group @ group_id=3,type=all,bucket=output:1", "add-group @ type=all,bucket=output:1",
        "add-group @ group_id=8,bucket=output:1", "add-group @ group_id=8,type=odd",
        "mod-group @ group_id=99,type=all,bucket=output:1",
        "-O OpenFlow13 --may-create mod-group @ group_id=98,type=all,bucket=output:1",
        "-O OpenFlow13 mod-group @ group_id=98,type=indirect,bucket=output:2",
        "add-groups @ %/groups", "dump-groups @", "del-groups @ group_id=98", "dump-groups @",
        "add-flow @ table=9,actions=group:3", "-O OpenFlow13 dump-group-stats @", "del-groups @",
        "dump-groups @",
        // Meters.
        "-O OpenFlow13 meter-features @",
        "-O OpenFlow13 add-meter @ meter=1,kbps,burst,stats,bands=type=drop,rate=10,burst_size=20",
        "-O OpenFlow13 add-meter @ meter=2,pktps,band=type=drop,rate=5",
        "-O OpenFlow13 add-meter @ meter=3,pktps,band=type=dscp_remark,rate=5,prec_level=1",
        "-O OpenFlow13 dump-meters @", "-O OpenFlow13 dump-meter @ meter=1",
        "-O OpenFlow13 meter-stats @", "-O OpenFlow13 meter-stats @ meter=2",
        "-O OpenFlow15 dump-meters @",
        "-O OpenFlow13 mod-meter @ meter=1,kbps,bands=type=drop,rate=11",
        "-O OpenFlow13 dump-meters @ meter=1", "-O OpenFlow13 del-meter @ meter=1",
        "-O OpenFlow13 add-meter @ meter=2,pktps,band=type=drop,rate=5",
        "-O OpenFlow13 dump-meters @", "-O OpenFlow13 del-meters @", "-O OpenFlow13 dump-meters @",
        // The rest.
        "packet-out @ 1 output:2 50540000000a5054000000091234",
        "packet-out @ 'in_port=1 packet=50540000000a5054000000091234 actions=output:2'",
        "-O OpenFlow13 packet-out @ LOCAL normal 50540000000a5054000000091234",
        "dump-ports @ 2", "packet-out @ 1 output:2 5054000000zz",
        "add-tlv-map @ {class=0xffff,type=0,len=4}->tun_metadata0", "dump-tlv-map @",
        "add-tlv-map @ {class=0x102,type=0x80,len=8}->tun_metadata5", "dump-tlv-map @",
        "del-tlv-map @ {class=0xffff,type=0,len=4}->tun_metadata0", "dump-tlv-map @",
        "del-tlv-map @", "dump-tlv-map @",
        "ct-flush-zone @ 5", "ct-flush @", "ct-flush @ zone=5",
        "ct-flush @ zone=5 ct_nw_src=10.0.0.1,ct_nw_proto=6,ct_tp_dst=80",
        "mod-table @ 0 controller", "-O OpenFlow14 mod-table @ 0 evict",
        "-O OpenFlow14 mod-table @ 0 vacancy:10,20", "-O OpenFlow14 mod-table @ 0 noevict",
        "queue-get-config @", "queue-get-config @ 1", "queue-get-config @ 99",
        "queue-get-config @ nope", "-O OpenFlow12 queue-get-config @ 2",
        "-O OpenFlow13 queue-get-config @", "-O OpenFlow13 queue-get-config @ 99",
        "-O OpenFlow14 queue-get-config @", "-O OpenFlow15 queue-get-config @ 1",
        "-O OpenFlow14 queue-get-config @ 99",
        "ping @", "ping @ 100", "ping @ x", "ping @ 70000", "ping nope", "benchmark @ 100 20",
        "benchmark @ x 1", "benchmark @ 100", "benchmark @ 70000 1",
        "monitor @ nope", "monitor", "monitor @ 1 2 3", "-O OpenFlow13 monitor @ invalid_ttl",
        "-t 0 probe @", "-t x probe @", "--odd probe @", "-Z probe @", "probe @ -O",
        "del-flows @", "dump-flows @", "frobnicate @", "", "show", "show nope", "show @ more",
        "dump-flows unix:/nonexistent",
    ];

    private (int ExitCode, string Text) Stock(string[] words)
    {
        var (exitCode, output, error) = Switch.Run("ovs-ofctl", Filled(words, "stock"));
        return (exitCode, Comparable(output + error.Replace("ovs-ofctl: ", "")));
    }

    private async Task<(int ExitCode, string Text)> OursAsync(string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var filled = Filled(words, "ours").Select(
            word => word == "br-ours" ? $"unix:{Switch.Folder}/br-ours.mgmt" : word);
        var exitCode = await OfctlTool.RunAsync([.. filled], output, error);
        return (exitCode, Comparable($"{output}{error}".Replace("fabric ofctl: ", "")
            .Replace($"unix:{Switch.Folder}/br-ours.mgmt", "br-ours")));
    }

    private string[] Filled(string[] words, string side) =>
        [.. words.Select(word => word.Replace("%", Switch.Folder).Replace("@", $"br-{side}"))];

    /// <summary>Sorted: flows of equal priority, and groups, have no order.</summary>
    private static string Comparable(string text) => string.Join('\n', Varying().Replace(text, "")
        .Replace("ours", "stock").Trim().Split('\n').Order(StringComparer.Ordinal));

    [GeneratedRegex("'([^']*)'|\\S+")]
    private static partial Regex Word();

    [GeneratedRegex(
        @"xid=0x[0-9a-f]+|duration[=:][0-9.]+s|, (idle|hard)_age=\d+|addr:[0-9a-f:]{17}"
        + @"| time=[0-9.]+ ms|^Finished in .*|^\d{4}-\d\d-\d\dT.*\n",
        RegexOptions.Multiline)]
    private static partial Regex Varying();
}
