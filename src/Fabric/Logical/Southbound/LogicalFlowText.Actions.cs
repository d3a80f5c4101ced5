using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <content>Actions.</content>
internal sealed partial class LogicalFlowText
{
    private static readonly ImmutableDictionary<byte, string> SideTables =
        new Dictionary<byte, string>
        {
            [PhysicalTables.RemoteOutput] = "output;",
            [PhysicalTables.SaveInport] = "output;",
            [PhysicalTables.MacBinding] = "get_arp(outport, reg0);",
            [PhysicalTables.MacLookup] = "lookup_arp(inport, arp.spa, arp.sha);",
            [PhysicalTables.HairpinCheck] = "chk_lb_hairpin();",
            [PhysicalTables.HairpinReply] = "chk_lb_hairpin_reply();",
            [PhysicalTables.HairpinSnat] = "ct_snat_to_vip;",
            [PhysicalTables.ForwardingDatabase] = "outport = get_fdb(eth.dst);",
            [PhysicalTables.ForwardingLookup] = "lookup_fdb(inport, eth.src);",
            [PhysicalTables.PortSecurityIn] = "check_in_port_sec();",
            [PhysicalTables.PortSecurityInNeighbor] = "check_in_port_sec();",
            [PhysicalTables.PortSecurityOut] = "check_out_port_sec();",
            [PhysicalTables.AffinityCheck] = "chk_lb_aff();",
        }.ToImmutableDictionary();

    private static readonly ImmutableDictionary<ControllerOpcode, string> Punts =
        new Dictionary<ControllerOpcode, string>
        {
            [ControllerOpcode.Arp] = "arp { output; };",
            [ControllerOpcode.PutNeighbor] = "put_arp(inport, arp.spa, arp.sha);",
            [ControllerOpcode.PutDhcpOptions] = "put_dhcp_opts();",
            [ControllerOpcode.PutDhcpv6Options] = "put_dhcpv6_opts();",
            [ControllerOpcode.DnsLookup] = "dns_lookup();",
            [ControllerOpcode.NdAdvert] = "nd_na { output; };",
            [ControllerOpcode.Reject] = "reject { output; };",
            [ControllerOpcode.IcmpError] = "icmp_error { output; };",
            [ControllerOpcode.RouterAdvert] = "put_nd_ra_opts();",
            [ControllerOpcode.BindVirtual] = "bind_vport(inport);",
            [ControllerOpcode.ServiceAnswer] = "handle_svc_check(inport);",
            [ControllerOpcode.Membership] = "igmp;",
            [ControllerOpcode.RouteBfd] = "handle_bfd_msg();",
            [ControllerOpcode.PrefixServer] = "handle_dhcpv6_reply;",
            [ControllerOpcode.PutStation] = "put_fdb(inport, eth.src);",
        }.ToImmutableDictionary();

    /// <param name="table">OpenFlow table that the flow stands in.</param>
    public string Actions(ActionList actions, byte table, uint datapath)
    {
        if (actions.IsEmpty) return "drop;";
        var text = new StringBuilder();
        for (var i = 0; i < actions.Count; i++)
        {
            if (text.Length > 0) text.Append(' ');
            if (IsSwap(actions, i) is { } swap)
            {
                text.Append(swap);
                i += 3;
                continue;
            }

            text.Append(Action(actions[i], table, datapath));
        }

        return text.ToString();
    }

    /// <summary>Two fields pushed and popped in the same order are exchanged.</summary>
    private static string? IsSwap(ActionList actions, int at) =>
        at + 3 < actions.Count
        && actions[at] is OfStackPush left && actions[at + 1] is OfStackPush right
        && actions[at + 2] is OfStackPop first && actions[at + 3] is OfStackPop second
        && first.Destination == left.Source && second.Destination == right.Source
            ? $"{Name(left.Source)} <-> {Name(right.Source)};"
            : null;

    private string Action(OfAction action, byte table, uint datapath) => action switch
    {
        OfResubmit { InPort: null } next => Next(next.TableId, table),
        OfLoad load => $"{Name(load.Destination)} = {Loaded(load, datapath)};",
        OfSetField set => $"{Name(set.Field)} = {OfFieldText.Format(set.Field, set.Value)};",
        OfMove move => $"{Name(move.Destination)} = {Name(move.Source)};",
        OfDecrementTtl => "ip.ttl--;",
        OfConntrackClear => "ct_clear;",
        OfConntrack track => Track(track, table, datapath),
        OfClone clone => $"clone {{ {Actions(clone.Actions, table, datapath)} }};",
        OfGroup group => Group(group.GroupId),
        OfMeter meter => string.Create(
            CultureInfo.InvariantCulture, $"set_meter({meter.MeterId});"),
        OfCheckPacketLarger check => string.Create(
            CultureInfo.InvariantCulture,
            $"{Name(check.Destination)} = check_pkt_larger({check.Size});"),
        OfController punt => Punt(punt),
        _ => OfActionText.Format(action) + ";",
    };

    private static string Group(uint id) =>
        string.Create(CultureInfo.InvariantCulture, $"select(group={id});");

    private static string Next(byte target, byte table)
    {
        if (SideTables.TryGetValue(target, out var word)) return word;
        var (pipeline, first) = target >= PhysicalTables.LogicalEgress
            ? ("egress", PhysicalTables.LogicalEgress)
            : ("ingress", PhysicalTables.LogicalIngress);
        if (target == table + 1) return "next;";
        return target > table
            ? string.Create(CultureInfo.InvariantCulture, $"next({target - first});")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"next(pipeline={pipeline}, table={target - first});");
    }

    private static string Name(Subfield part) => Part(part.Field, part.Offset, part.Width);

    private string Loaded(OfLoad load, uint datapath)
    {
        var field = load.Destination.Field;
        if (field.Name is "reg14" or "reg15" && load.Destination.IsWhole)
            return PortName(datapath, (uint)load.Value);
        return load.Destination.IsWhole
            && field.Format is FieldFormat.Ethernet or FieldFormat.Ipv4
                ? OfFieldText.Format(field, load.Value)
                : load.Value.ToString(CultureInfo.InvariantCulture);
    }

    private string Track(OfConntrack track, byte table, uint datapath)
    {
        var words = new List<string>();
        if (track.Nat is { Type: not OfNatType.None } nat)
        {
            var port = nat.PortMin == 0 ? "" : nat.PortMax > nat.PortMin
                ? string.Create(CultureInfo.InvariantCulture, $", {nat.PortMin}-{nat.PortMax}")
                : string.Create(CultureInfo.InvariantCulture, $", {nat.PortMin}");
            var word = nat.Type == OfNatType.Source ? "ct_snat" : "ct_dnat";
            words.Add(nat.AddressMin is null ? $"{word};" : $"{word}({nat.AddressMin}{port});");
        }
        else if (track.Commit)
        {
            words.Add(track.Actions.IsEmpty
                ? "ct_commit { };"
                : $"ct_commit {{ {Actions(track.Actions, table, datapath)} }};");
        }
        else
        {
            words.Add(track.Nat is null ? "ct_next;" : "ct_lb_mark;");
        }

        if (track.Commit && track.RecirculateTable is { } target)
            words.Add(Next(target, table));
        return string.Join(' ', words);
    }

    private static string Punt(OfController punt)
    {
        if (!ControllerAction.TryDecode(punt.Userdata.AsSpan(), out var opcode, out var arguments))
            return OfActionText.Format(punt) + ";";
        if (opcode != ControllerOpcode.Log) return Punts[opcode];
        var parts = Encoding.UTF8.GetString(arguments).Split('\0');
        return parts.Length == 4
            ? $"log(name=\"{parts[3]}\", severity={parts[1]}, verdict={parts[0]});"
            : "log();";
    }
}
