using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>
/// Flows as neutron-ovs-agent's openvswitch firewall driver writes them (tables 60 to 94).
/// </summary>
/// <remarks>
/// reg5 is the port, reg6 the local VLAN, which is the conntrack zone as well. 60: whose packet is
/// it; 71: may it be sent from there; 72: rules for what a port sends; 73: accepted, or straight to
/// a port of this host; 81 and 82: the same for what a port receives; 91 and 92: accepted; 93:
/// dropped; 94: on its way. A connection whose rule is gone gets mark 1, which all later packets of
/// it die of.
/// </remarks>
internal static class SecurityGroupFlows
{
    public const int Vlan = 0x284;

    public static IEnumerable<string> Base() =>
    [
        "table=0,priority=0,actions=resubmit(,60)",
        "table=60,priority=0,actions=NORMAL",
        "table=71,priority=0,actions=drop",
        "table=72,priority=0,actions=drop",
        "table=72,priority=50,ct_state=+inv+trk,actions=resubmit(,93)",
        "table=73,priority=0,actions=drop",
        "table=81,priority=0,actions=drop",
        "table=82,priority=0,actions=drop",
        "table=82,priority=50,ct_state=+inv+trk,actions=resubmit(,93)",
        "table=91,priority=1,actions=resubmit(,94)",
        "table=92,priority=0,actions=drop",
        "table=93,priority=0,actions=drop",
        "table=94,priority=1,actions=NORMAL",
    ];

    /// <summary>A port with port security: its MAC, its addresses, and nothing else.</summary>
    public static IEnumerable<string> Port(DemoWorkload vm, int port, params string[] addresses)
    {
        var reg = $"reg5=0x{port:x}";
        yield return $"table=60,priority=100,in_port={port},actions=load:0x{port:x}"
            + $"->NXM_NX_REG5[],load:0x{Vlan:x}->NXM_NX_REG6[],resubmit(,71)";
        yield return $"table=73,priority=100,reg6=0x{Vlan:x},dl_dst={vm.Mac},"
            + $"actions=load:0x{port:x}->NXM_NX_REG5[],resubmit(,81)";
        foreach (var address in (string[])[$"{vm.Address}", .. addresses])
        {
            yield return $"table=71,priority=95,arp,{reg},in_port={port},dl_src={vm.Mac},"
                + $"arp_spa={address},actions=resubmit(,94)";
            yield return $"table=71,priority=65,ip,{reg},in_port={port},dl_src={vm.Mac},"
                + $"nw_src={address},actions=ct(table=72,zone=NXM_NX_REG6[0..15])";
        }

        yield return $"table=71,priority=10,{reg},in_port={port},"
            + "actions=ct_clear,resubmit(,93)";
        yield return $"table=81,priority=100,arp,{reg},actions=output:{port}";
        yield return $"table=81,priority=90,ct_state=-trk,ip,{reg},"
            + "actions=ct(table=82,zone=NXM_NX_REG6[0..15])";
        yield return $"table=81,priority=80,ct_state=+trk,{reg},actions=resubmit(,82)";
        yield return $"table=73,priority=90,ct_state=+new-est,ip,{reg},"
            + "actions=ct(commit,zone=NXM_NX_REG6[0..15]),resubmit(,91)";
        yield return $"table=73,priority=80,{reg},actions=resubmit(,94)";
        foreach (var table in (int[])[72, 82])
        {
            var accept = table == 72 ? "resubmit(,94)" : $"output:{port}";
            yield return $"table={table},priority=50,ct_mark=0x1,{reg},actions=resubmit(,93)";
            yield return $"table={table},priority=50,ct_state=+est-rel+rpl,ct_zone={Vlan},"
                + $"ct_mark=0,{reg},actions={accept}";
            yield return $"table={table},priority=50,ct_state=-new-est+rel-inv,ct_zone={Vlan},"
                + $"ct_mark=0,{reg},actions={accept}";
            yield return $"table={table},priority=40,ct_state=-est,{reg},actions=resubmit(,93)";
            yield return $"table={table},priority=40,ct_state=+est,ip,{reg},"
                + "actions=ct(commit,zone=NXM_NX_REG6[0..15],exec(load:0x1->NXM_NX_CT_MARK[]))";
        }

        // What every group allows its members to send.
        yield return $"table=72,priority=74,ct_state=+est-rel-rpl,ip,{reg},actions=resubmit(,73)";
        yield return $"table=72,priority=74,ct_state=+new-est,ip,{reg},actions=resubmit(,73)";
    }

    /// <summary>A port without port security: no firewall at all.</summary>
    public static IEnumerable<string> OpenPort(int port) =>
    [
        $"table=60,priority=100,in_port={port},actions=load:0x{port:x}->NXM_NX_REG5[],"
            + $"load:0x{Vlan:x}->NXM_NX_REG6[],resubmit(,73)",
        $"table=73,priority=80,reg5=0x{port:x},actions=resubmit(,94)",
    ];

    /// <summary>What port 'port' may receive.</summary>
    /// <param name="match">Protocol and ports: "tcp,tp_dst=80".</param>
    public static IEnumerable<string> Rule(int port, string match) =>
    [
        $"table=82,priority=74,ct_state=+est-rel-rpl,{match},reg5=0x{port:x},"
            + $"actions=output:{port}",
        $"table=82,priority=74,ct_state=+new-est,{match},reg5=0x{port:x},"
            + $"actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:{port},resubmit(,92)",
    ];

    /// <summary>The flows of a rule, as del-flows takes them.</summary>
    public static IEnumerable<string> MatchesOf(int port, string match) =>
        Rule(port, match).Select(flow => flow[..flow.IndexOf(",actions", StringComparison.Ordinal)]
            .Replace("priority=74,", "", StringComparison.Ordinal));

    /// <summary>What members of a remote group may send to 'port': a conjunction of both.</summary>
    public static IEnumerable<string> RemoteGroup(
        int port, string match, int id, params string[] members)
    {
        foreach (var number in (int[])[id, id + 1])
        {
            var state = number == id ? "+est-rel-rpl" : "+new-est";
            foreach (var member in members)
            {
                yield return $"table=82,priority=73,ct_state={state},ip,reg6=0x{Vlan:x},"
                    + $"nw_src={member},actions=conjunction({number},1/2)";
            }

            yield return $"table=82,priority=73,ct_state={state},{match},reg5=0x{port:x},"
                + $"actions=conjunction({number},2/2)";
        }

        yield return $"table=82,priority=73,conj_id={id},ct_state=+est-rel-rpl,ip,"
            + $"reg5=0x{port:x},actions=output:{port}";
        yield return $"table=82,priority=73,conj_id={id + 1},ct_state=+new-est,ip,"
            + $"reg5=0x{port:x},actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:{port},"
            + "resubmit(,92)";
    }

    /// <summary>A port of a stateless group: nothing is tracked, both ways need a rule.</summary>
    public static IEnumerable<string> StatelessPort(DemoWorkload vm, int port, string match)
    {
        var reg = $"reg5=0x{port:x}";
        return
        [
            $"table=60,priority=100,in_port={port},actions=load:0x{port:x}->NXM_NX_REG5[],"
                + $"load:0x{Vlan:x}->NXM_NX_REG6[],resubmit(,71)",
            $"table=71,priority=95,arp,{reg},in_port={port},dl_src={vm.Mac},"
                + $"arp_spa={vm.Address},actions=resubmit(,94)",
            $"table=71,priority=65,ip,{reg},in_port={port},dl_src={vm.Mac},"
                + $"nw_src={vm.Address},actions=ct_clear,resubmit(,72)",
            $"table=72,priority=76,ip,{reg},ct_state=-trk,actions=resubmit(,73)",
            $"table=73,priority=100,reg6=0x{Vlan:x},dl_dst={vm.Mac},"
                + $"actions=load:0x{port:x}->NXM_NX_REG5[],ct_clear,resubmit(,81)",
            $"table=73,priority=80,{reg},actions=resubmit(,94)",
            $"table=81,priority=100,arp,{reg},actions=output:{port}",
            $"table=81,priority=80,{reg},actions=resubmit(,82)",
            $"table=82,priority=76,{match},{reg},actions=output:{port}",
        ];
    }
}
