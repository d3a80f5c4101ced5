using System.Text;
using System.Text.RegularExpressions;

namespace Fabric.Tests.Pipeline;

/// <summary>
/// Groups and flows in the text of `ovs-ofctl bundle`, and packets that nearly hit them.
/// </summary>
internal sealed partial class RandomFlowTable
{
    /// <summary>From this seed on actions are tried that the others do not have.</summary>
    public const int WideSeed = 1_000_000;

    private const int TableCount = 6;
    private static readonly string[] Protocols =
        ["", "", "ip", "tcp", "tcp", "udp", "icmp", "arp", "ipv6", "tcp6", "udp6", "icmp6",
            "sctp", "mpls", "dl_type=0x1234"];
    private static readonly string[] Macs = ["50:54:00:00:00:01", "50:54:00:00:00:02",
        "50:54:00:00:00:03", "50:54:00:00:01:01"];
    private static readonly string[] Addresses =
        ["10.0.0.1", "10.0.0.2", "10.0.1.3", "10.1.0.1", "192.168.0.1"];
    private static readonly string[] Addresses6 = ["fd00::1", "fd00::2", "fd00:1::1", "fe80::3"];
    private static readonly int[] Ports = [80, 81, 443, 1000, 0x8001];

    private readonly Random _random;
    private readonly bool _isWide;
    private readonly StringBuilder _text = new();
    private readonly HashSet<(int Table, int Priority)> _taken = [];

    public RandomFlowTable(int seed)
    {
        _isWide = seed >= WideSeed;
        _random = new Random(seed);
        _text.AppendLine("flow delete table=255");
        _text.AppendLine("group delete group_id=all");
        AddGroups();
        var count = _random.Next(5, 30);
        for (var i = 0; i < count; i++) AddFlow();
        if (_random.Next(4) == 0) AddConjunction();
    }

    public string Text => _text.ToString();

    /// <summary>
    /// A clone resubmits, and an exit or a group by dp_hash may be there: in OVS 3.1 these also
    /// end what is outside of the clone.
    /// </summary>
    public bool MayEndOutside => ResubmitInClone().IsMatch(Text)
        && (Text.Contains("exit", StringComparison.Ordinal) || UsesDatapathHash);

    /// <summary>A group chooses by a hash of the datapath's own.</summary>
    public bool UsesDatapathHash => Text.Contains("group:5", StringComparison.Ordinal)
        || Text.Contains("group:6", StringComparison.Ordinal);

    [GeneratedRegex(@"clone\([^\n]*(resubmit|goto_table|group:)")]
    private static partial Regex ResubmitInClone();

    /// <summary>A packet as a flow of ofproto/trace.</summary>
    public string Packet()
    {
        var protocol = Pick(Protocols);
        while (protocol == "") protocol = Pick(Protocols);
        var port = Pick(["1", "2", "3", "5", "6", "8", "LOCAL"]);
        var fields = new List<string> { $"in_port={port}" };
        if (_random.Next(3) == 0) fields.Add($"dl_vlan={Pick([0, 5, 10, 20])}");
        if (fields.Count > 1 && _random.Next(2) == 0) fields.Add($"dl_vlan_pcp={_random.Next(8)}");
        fields.Add($"dl_src={Pick(Macs)}");
        fields.Add("dl_dst=" + (_random.Next(8) == 0 ? "ff:ff:ff:ff:ff:ff" : Pick(Macs)));
        fields.Add(protocol);
        if (IsIpv4(protocol))
        {
            fields.Add($"nw_src={Pick(Addresses)},nw_dst={Pick(Addresses)}");
        }
        else if (IsIpv6(protocol))
        {
            fields.Add($"ipv6_src={Pick(Addresses6)},ipv6_dst={Pick(Addresses6)}");
            if (_random.Next(4) == 0) fields.Add($"ipv6_label={_random.Next(3)}");
        }

        if (IsIpv4(protocol) || IsIpv6(protocol))
        {
            fields.Add($"nw_ttl={Pick([0, 1, 2, 64])},nw_tos={Pick([0, 4, 32])}");
            if (_random.Next(3) == 0) fields.Add($"nw_ecn={_random.Next(4)}");
            if (protocol is "ip" or "ipv6") fields.Add($"nw_proto={Pick([47, 50, 89])}");
            if (_random.Next(10) == 0 && protocol is not ("icmp" or "icmp6"))
            {
                fields.Add($"nw_frag={Pick(["first", "later"])}");
                if (fields[^1] == "nw_frag=later") protocol = "later";
            }
        }

        switch (protocol)
        {
            case "tcp" or "tcp6":
                fields.Add($"tp_src={Pick(Ports)},tp_dst={Pick(Ports)}");
                fields.Add($"tcp_flags={Pick(["syn", "ack", "fin|ack", "rst"])}");
                break;
            case "udp" or "udp6" or "sctp":
                var kind = protocol[..^1] == "udp" ? "udp" : protocol;
                fields.Add($"{kind}_src={Pick(Ports)},{kind}_dst={Pick(Ports)}");
                break;
            case "icmp":
                fields.Add($"icmp_type={Pick([0, 8])},icmp_code={_random.Next(2)}");
                break;
            case "icmp6":
                fields.Add(Pick(["icmpv6_type=128,icmpv6_code=0",
                    "icmpv6_type=135,icmpv6_code=0,nd_target=fd00::2,nd_sll=50:54:00:00:00:01",
                    "icmpv6_type=136,icmpv6_code=0,nd_target=fd00::1,nd_tll=50:54:00:00:00:02"]));
                break;
            case "arp":
                fields.Add($"arp_op={Pick([1, 2])},arp_spa={Pick(Addresses)},"
                    + $"arp_tpa={Pick(Addresses)},arp_sha={Pick(Macs)},arp_tha={Pick(Macs)}");
                break;
            case "mpls":
                // OVS takes an entry of zeros for none: without a bottom it counts otherwise.
                var bottom = _isWide ? 1 : _random.Next(2);
                fields.Add($"mpls_label={_random.Next(3)},mpls_bos={bottom},"
                    + $"mpls_tc={_random.Next(2)},mpls_ttl={Pick([1, 64])}");
                break;
        }

        if (_random.Next(6) == 0) fields.Add($"reg{_random.Next(4)}={_random.Next(4)}");
        if (_random.Next(10) == 0) fields.Add($"metadata={_random.Next(3)}");
        if (_random.Next(10) == 0) fields.Add($"pkt_mark={_random.Next(3)}");
        return string.Join(',', fields);
    }

    private void AddGroups()
    {
        _text.AppendLine("group add group_id=1,type=all,bucket=actions=output:2,"
            + "bucket=actions=set_field:50:54:00:00:00:03->eth_dst,output:3");
        _text.AppendLine("group add group_id=2,type=indirect,bucket=actions=" + Plain());
        _text.AppendLine("group add group_id=3,type=select,selection_method=hash,"
            + $"fields({Pick(["ip_src", "eth_src", "ip_dst=255.255.255.0", "tcp_dst"])}),"
            + "bucket=weight:5,actions=output:2,bucket=weight:9,actions=output:3");
        _text.AppendLine("group add group_id=4,type=ff,bucket=watch_port:3,actions=output:3,"
            + "bucket=watch_port:2,actions=output:2");
        _text.AppendLine("group add group_id=5,type=select,selection_method=dp_hash,"
            + "bucket=weight:5,actions=output:2,bucket=weight:9,actions=output:3");
        _text.AppendLine("group add group_id=6,type=select,"
            + "bucket=weight:1,actions=set_field:1->reg2,resubmit(,5)"
            + $",bucket=weight:1,actions={Plain()}");
    }

    private string Plain() => Pick(["output:1", "output:4", "dec_ttl,output:2", "resubmit(,5)",
        "set_field:7->reg3,output:8", "group:1", "in_port", "drop"]);

    private void AddConjunction()
    {
        var table = _random.Next(TableCount);
        var rule = $"flow add table={table},priority={Priority(table)}";
        _text.AppendLine($"{rule},ip,nw_src={Pick(Addresses)}/24,"
            + "actions=conjunction(7,1/2)");
        _text.AppendLine($"{rule},ip,nw_src=10.1.0.0/16,"
            + "actions=conjunction(7,1/2)");
        _text.AppendLine($"{rule},tcp,tp_dst={Pick(Ports)},"
            + "actions=conjunction(7,2/2)");
        _text.AppendLine($"{rule},udp,tp_dst={Pick(Ports)},"
            + "actions=conjunction(7,2/2)");
        _text.AppendLine($"{rule},conj_id=7,ip,actions={Plain()}");
    }

    private void AddFlow()
    {
        var protocol = Pick(Protocols);
        var match = new List<string>();
        if (protocol.Length > 0) match.Add(protocol);
        for (var i = _random.Next(0, 4); i > 0; i--)
        {
            var field = Field(protocol);
            if (field.Length > 0 && !match.Any(each => NameOf(each) == NameOf(field)))
            {
                match.Add(field);
            }
        }

        var hasVlan = match.Any(each => NameOf(each) is "dl_vlan" or "dl_vlan_pcp"
            || each.StartsWith("vlan_tci=0x1", StringComparison.Ordinal));
        var table = _random.Next(3) == 0 ? 0 : _random.Next(TableCount);
        _text.Append($"flow add table={table},priority={Priority(table)},");
        _text.Append($"cookie={_random.Next(3)},");
        if (match.Count > 0) _text.Append(string.Join(',', match)).Append(',');
        _text.AppendLine("actions=" + Actions(protocol, table, hasVlan));
    }

    /// <summary>Each once in a table: it is open which of equals is looked at first.</summary>
    private int Priority(int table)
    {
        while (true)
        {
            var priority = _random.Next(100);
            if (_taken.Add((table, priority))) return priority;
        }
    }

    private static string NameOf(string field) => field.Split('=')[0];

    private string Field(string protocol)
    {
        switch (_random.Next(24))
        {
            case 0: return $"in_port={Pick(["1", "2", "5", "8"])}";
            case 1: return $"dl_src={Pick(Macs)}";
            case 2: return $"dl_dst={Pick(Macs)}";
            case 3: return "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00";
            case 4: return $"vlan_tci={Pick(["0", "0x1000/0x1000", "0x100a/0x1fff", "0/0x0fff"])}";
            case 5: return $"dl_vlan={Pick([5, 10, 20])}";
            case 6: return $"reg{_random.Next(4)}={_random.Next(4)}";
            case 7: return $"reg{_random.Next(4)}={_random.Next(4)}/3";
            case 8: return $"metadata={_random.Next(3)}";
            case 9: return $"ct_state={Pick(["+trk", "-trk", "+new+trk", "-new+est+trk", "+inv"])}";
            case 10: return $"ct_mark={_random.Next(3)}";
            case 11: return $"pkt_mark={_random.Next(3)}";
            case 12: return $"tun_id={_random.Next(2)}";
            case 13:
                return $"xreg{_random.Next(2)}=0x{_random.Next(3):x}00000000/0xffffffff00000000";
        }

        if (IsIpv4(protocol)) return Ipv4Field(protocol);
        if (IsIpv6(protocol)) return Ipv6Field(protocol);
        return protocol switch
        {
            "arp" => Pick([$"arp_op={_random.Next(1, 3)}", $"arp_spa={Pick(Addresses)}",
                $"arp_tpa={Pick(Addresses)}/24", $"arp_sha={Pick(Macs)}", $"arp_tha={Pick(Macs)}"]),
            "mpls" => Pick([$"mpls_label={_random.Next(3)}", $"mpls_bos={_random.Next(2)}",
                $"mpls_tc={_random.Next(2)}", "mpls_ttl=64"]),
            _ => "",
        };
    }

    private string Ipv4Field(string protocol) => _random.Next(8) switch
    {
        0 => $"nw_src={Pick(Addresses)}",
        1 => $"nw_src={Pick(Addresses)}/{Pick([8, 16, 24, 30, 31])}",
        2 => $"nw_dst={Pick(Addresses)}/{Pick([8, 16, 24, 30, 31])}",
        3 => $"nw_dst={Pick(Addresses)}",
        4 => $"nw_ttl={Pick([1, 64])}",
        5 => Pick([$"nw_tos={Pick([0, 4, 32])}", $"nw_ecn={_random.Next(4)}"]),
        6 => $"nw_frag={Pick(["no", "yes", "first", "later", "not_later"])}",
        _ => Transport(protocol),
    };

    private string Ipv6Field(string protocol) => _random.Next(7) switch
    {
        0 => $"ipv6_src={Pick(Addresses6)}",
        1 => $"ipv6_src={Pick(Addresses6)}/{Pick([16, 32, 64])}",
        2 => $"ipv6_dst={Pick(Addresses6)}/{Pick([16, 32, 64])}",
        3 => $"ipv6_dst={Pick(Addresses6)}",
        4 => Pick(["nw_ttl=64", "ipv6_label=1", "nw_tos=4"]),
        5 => $"nw_frag={Pick(["no", "yes", "later"])}",
        _ => Transport(protocol),
    };

    private string Transport(string protocol) => protocol switch
    {
        "tcp" or "tcp6" => Pick([$"tp_src={Pick(Ports)}", $"tp_dst={Pick(Ports)}",
            $"tp_dst={Pick(["80/0xfff0", "0x8000/0x8000", "80/0xfffe"])}",
            $"tcp_flags={Pick(["+syn-ack", "syn", "+fin"])}"]),
        "udp" or "udp6" or "sctp" => Pick([$"tp_src={Pick(Ports)}", $"tp_dst={Pick(Ports)}",
            "tp_src=80/0xfff0"]),
        "icmp" => Pick(["icmp_type=8", "icmp_code=0"]),
        "icmp6" => Pick(["icmp_type=135", "icmp_type=136,icmp_code=0", "icmp_type=128",
            "icmp_type=135,icmp_code=0,nd_target=fd00::2"]),
        _ => "",
    };

    private string Actions(string protocol, int table, bool hasVlan)
    {
        var list = new List<string>();
        for (var i = _random.Next(1, 6); i > 0; i--)
        {
            var action = Action(protocol, table, depth: 0);
            if (action.Length > 0) list.Add(action);
        }

        if (hasVlan && _random.Next(3) == 0) list.Insert(0, "strip_vlan");
        if (_random.Next(6) == 0) list.Add(Pick(["write_actions(output:3)",
            "write_actions(set_field:50:54:00:00:00:02->eth_dst,output:2)",
            "write_actions(group:3)", "clear_actions", "write_actions(dec_ttl,output:8)"]));
        if (_random.Next(8) == 0) list.Add("write_metadata:" + Pick(["1", "2/3"]));
        if (_random.Next(5) == 0 && table < TableCount) list.Add($"goto_table:{table + 1}");
        return list.Count == 0 ? "drop" : string.Join(',', list);
    }

    private string Action(string protocol, int table, int depth)
    {
        var next = Math.Min(TableCount, table + _random.Next(1, 3));
        if (_isWide && _random.Next(4) == 0) return Wide(protocol, next);
        switch (_random.Next(44))
        {
            case 0 or 1 or 2 or 3:
                return $"output:{Pick(["1", "2", "3", "4", "5", "6", "8", "77"])}";
            case 4 or 5 or 6 or 7 or 8 or 9: return $"resubmit(,{next})";
            case 10: return $"resubmit({Pick([1, 2, 3])},{next})";
            case 11: return Pick(["normal", "normal", "in_port", "local"]);
            case 12: return Pick(["controller", "controller(max_len=100,id=1)",
                "controller(userdata=01.02.03)"]);
            case 13 or 14: return $"set_field:{_random.Next(4)}->reg{_random.Next(4)}";
            case 15: return $"load:{_random.Next(4)}->NXM_NX_REG{_random.Next(4)}[0..3]";
            case 16: return "move:NXM_NX_REG0[0..7]->NXM_NX_REG1[8..15]";
            case 17: return $"set_field:{Pick(Macs)}->eth_dst";
            case 18: return $"set_field:{Pick(Macs)}->eth_src";
            case 19: return "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]";
            case 20: return Pick(["push:NXM_NX_REG0[]", "push:NXM_OF_ETH_SRC[0..7]"]);
            case 21: return Pick(["pop:NXM_NX_REG2[]", "pop:NXM_NX_REG3[0..7]"]);
            case 22: return "output:NXM_NX_REG0[]";
            case 23:
                return Pick(["mod_vlan_vid:10", "mod_vlan_pcp:3", "mod_vlan_vid:5,strip_vlan"]);
            case 24: return "push_vlan:" + Pick(["0x8100", "0x88a8", "0x8100,strip_vlan"]);
            case 25: return $"group:{_random.Next(1, depth > 0 ? 5 : 7)}";
            case 26: return $"set_field:{_random.Next(3)}->metadata";
            case 27: return $"set_field:{_random.Next(3)}->pkt_mark";
            case 28: return $"set_field:{_random.Next(3)}->tun_id";
            case 29: return $"set_queue:{_random.Next(3)}";
            case 30: return "note:01.02.03";
            case 31: return Pick(["learn(table=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
                + "output:NXM_OF_IN_PORT[])", "learn(table=5,idle_timeout=10,"
                + "NXM_OF_VLAN_TCI[0..11],load:NXM_NX_REG0[]->NXM_NX_REG1[])"]);
            case 32:
                return depth > 1 ? "output:1" : Clone(protocol, table, depth + 1);
            case 33: return "output(port=2,max_len=100)";
            case 34: return Pick(["set_field:5->xreg1", "set_field:0x10/0xf0->xreg0",
                "set_field:1->xxreg0", "load:1->OXM_OF_PKT_REG0[32..40]"]);
            case 35:
                return depth > 0 ? "note:05" : Pick(["exit", "sample(probability=12345,"
                    + "collector_set_id=1,obs_domain_id=2,obs_point_id=3)", "note:07"]);
            case 36: return "bundle(eth_src,0,active_backup,ofport,members:77,3,2)";
            case 37: return $"check_pkt_larger(100)->NXM_NX_REG3[0]";
            case 38: return "enqueue:2:1";
        }

        return OfProtocol(protocol, next);
    }

    private string Wide(string protocol, int next) => _random.Next(14) switch
    {
        0 => $"multipath({Pick(["eth_src", "symmetric_l4"])},{_random.Next(100)},"
            + $"{Pick(["modulo_n", "hash_threshold", "hrw", "iter_hash"])},{_random.Next(1, 9)},"
            + $"{_random.Next(4)},NXM_NX_REG{_random.Next(4)}[0..7])",
        1 => $"bundle_load({Pick(["eth_src", "symmetric_l4"])},{_random.Next(100)},"
            + $"{Pick(["hrw", "active_backup"])},ofport,"
            + $"NXM_NX_REG{_random.Next(4)}[],members:2,3,4)",
        2 => $"bundle({(IsIpv4(protocol) ? "symmetric_l3l4+udp" : "symmetric_l4")},"
            + $"{_random.Next(100)},hrw,ofport,members:1,2,77)",
        3 => "move:NXM_OF_ETH_DST[0..15]->NXM_NX_REG2[16..31]",
        4 => "set_field:50:55:00:00:00:00/ff:ff:00:00:00:00->eth_src",
        5 => Pick([
            "push_vlan:0x8100,set_field:4101->vlan_vid", "push_vlan:0x88a8,push_vlan:0x8100"]),
        6 => $"learn(table=5,fin_idle_timeout=5,priority={_random.Next(1, 9)},"
            + "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG1[16..31],"
            + "output:NXM_OF_IN_PORT[])",
        7 => Pick(["push:NXM_NX_XXREG0[],pop:NXM_NX_XXREG1[]", "push:NXM_NX_REG1[4..9]"]),
        8 => $"clone(set_field:{Pick(Macs)}->eth_dst,resubmit(,{next}))",
        9 => "output(port=3,max_len=64)",
        10 => $"controller(reason=invalid_ttl,id={_random.Next(3)})",
        11 => $"resubmit({Pick([1, 5])},{next}),output:in_port",
        12 => Mpls(protocol),
        _ => IsIpv4(protocol)
            ? Pick([$"ct(table={next},zone=3,nat)", "ct(commit,zone=2,nat(dst=10.0.0.7:80))",
                $"ct(commit,force,table={next},exec(set_field:7->ct_label))",
                "move:NXM_OF_IP_SRC[0..7]->NXM_OF_IP_DST[0..7]"])
            : "set_field:3->reg3",
    };

    private string Mpls(string protocol) => protocol == "mpls"
        ? Pick(["pop_mpls:0x0800", "push_mpls:0x8847,set_mpls_label:7", "pop_mpls:0x8847"])
        : IsIpv4(protocol) ? "push_mpls:0x8847,set_mpls_label:9,output:2" : "note:09";

    /// <summary>
    /// No exit and no group by dp_hash inside: in OVS 3.1 these also end what is outside.
    /// </summary>
    private string Clone(string protocol, int table, int depth)
    {
        string[] all = [Action(protocol, table, depth), Action(protocol, table, depth)];
        var actions = string.Join(',', all.Where(action => action.Length > 0));
        return actions.Length == 0 ? "note:01" : $"clone({actions})";
    }

    private string OfProtocol(string protocol, int next)
    {
        if (IsIpv4(protocol) || IsIpv6(protocol))
        {
            var isFour = IsIpv4(protocol);
            switch (_random.Next(12))
            {
                case 0: return "dec_ttl";
                case 1: return "dec_ttl(1,2)";
                case 2: return isFour ? $"mod_nw_src:{Pick(Addresses)}"
                    : $"set_field:{Pick(Addresses6)}->ipv6_src";
                case 3: return isFour ? $"set_field:{Pick(Addresses)}->ip_dst"
                    : $"set_field:{Pick(Addresses6)}->ipv6_dst";
                case 4: return "mod_nw_tos:" + Pick([0, 4, 32]);
                case 5: return Pick(["mod_nw_ttl:5", "mod_nw_ecn:2", "set_field:1->nw_ecn"]);
                case 6: return $"ct(table={next})";
                case 7: return $"ct(commit,zone={_random.Next(3)})";
                case 8: return $"ct(commit,table={next},zone=NXM_NX_REG1[0..15],"
                    + "exec(set_field:1->ct_mark))";
                case 9: return isFour ? $"ct(commit,table={next},nat(src=10.0.0.9))" : "ct_clear";
                case 10: return "ct_clear";
                default: return OfTransport(protocol);
            }
        }

        return protocol switch
        {
            "arp" => Pick(["set_field:2->arp_op", $"set_field:{Pick(Macs)}->arp_sha",
                $"set_field:{Pick(Addresses)}->arp_spa", $"set_field:{Pick(Macs)}->arp_tha"]),
            "mpls" => Pick(["dec_mpls_ttl", "set_mpls_label:5", "set_mpls_tc:1", "set_mpls_ttl:9"]),
            _ => "",
        };
    }

    private string OfTransport(string protocol) => protocol switch
    {
        "tcp" or "tcp6" => Pick([$"mod_tp_dst:{Pick(Ports)}", $"mod_tp_src:{Pick(Ports)}",
            "fin_timeout(idle_timeout=10)", $"set_field:{Pick(Ports)}->tcp_dst"]),
        "udp" or "udp6" => Pick([$"mod_tp_dst:{Pick(Ports)}", $"set_field:{Pick(Ports)}->udp_src"]),
        "sctp" => $"set_field:{Pick(Ports)}->sctp_dst",
        "icmp" => "set_field:0->icmp_type",
        _ => "",
    };

    private static bool IsIpv4(string protocol) =>
        protocol is "ip" or "tcp" or "udp" or "icmp" or "sctp";

    private static bool IsIpv6(string protocol) =>
        protocol is "ipv6" or "tcp6" or "udp6" or "icmp6";

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];
}
