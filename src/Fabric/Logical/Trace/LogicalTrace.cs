using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>Asks where a packet of a logical switch goes; as ovn-trace's arguments.</summary>
/// <param name="Datapath">
/// Name or UUID of a switch; empty: that of the input port; "from:HOST": the packet comes in by the
/// tunnel from there.
/// </param>
/// <param name="Microflow">
/// An expression that fixes fields, inport among them; of what comes in by a tunnel, the flow that
/// the sender's trace ends with.
/// </param>
public sealed record TraceLogical(string Datapath, string Microflow);

/// <summary>The same packet for "ofproto/trace" of the integration bridge.</summary>
/// <param name="Error">Why it cannot be traced here; null when it can.</param>
/// <param name="Names">What datapath and port keys stand for.</param>
public sealed record LogicalMicroflow(
    string? Error, string Bridge, string Flow, LogicalNames Names)
{
    /// <summary>This host.</summary>
    public string HostId { get; init; } = "";

    /// <summary>Hosts by the OpenFlow ports of the tunnels to them.</summary>
    public ImmutableSortedDictionary<uint, string> Tunnels { get; init; } =
        ImmutableSortedDictionary<uint, string>.Empty;
}

/// <summary>Names of datapaths and ports by their keys.</summary>
/// <param name="Datapaths">Name, and whether it is a router.</param>
public sealed record LogicalNames(
    ImmutableSortedDictionary<uint, (string Name, bool IsRouter)> Datapaths,
    ImmutableSortedDictionary<(uint Datapath, uint Port), string> Ports)
{
    public static LogicalNames Empty { get; } = new(
        ImmutableSortedDictionary<uint, (string, bool)>.Empty,
        ImmutableSortedDictionary<(uint, uint), string>.Empty);
}

/// <summary>From ovn-trace's microflow to a packet of a bridge, and its trace back again.</summary>
internal static partial class LogicalTrace
{
    private const string From = "from:";

    public static LogicalMicroflow Read(
        LogicalTopology topology, HostView host, string bridge, TraceLogical request)
    {
        var packet = request.Datapath.StartsWith(From, StringComparison.Ordinal)
            ? Arrived(topology, host, bridge, request)
            : Begun(topology, host, bridge, request);
        return packet with
        {
            HostId = host.HostId,
            Tunnels = host.Tunnels.GroupBy(tunnel => tunnel.Value).ToImmutableSortedDictionary(
                tunnel => tunnel.Key, tunnel => tunnel.First().Key),
        };
    }

    /// <summary>The receiving host's half.</summary>
    private static LogicalMicroflow Arrived(
        LogicalTopology topology, HostView host, string bridge, TraceLogical request)
    {
        var sender = request.Datapath[From.Length..];
        return host.Tunnels.TryGetValue(sender, out var tunnel)
            ? new LogicalMicroflow(
                null, bridge, $"in_port={tunnel},{request.Microflow}", NamesOf(topology))
            : new LogicalMicroflow(
                $"there is no tunnel from host {sender}", bridge, "", LogicalNames.Empty);
    }

    private static LogicalMicroflow Begun(
        LogicalTopology topology, HostView host, string bridge, TraceLogical request)
    {
        LogicalMicroflow Refuse(string why) => new(why, bridge, "", LogicalNames.Empty);
        Expression expression;
        try
        {
            expression = ExpressionParser.Parse(request.Microflow);
        }
        catch (ExpressionException error)
        {
            return Refuse($"microflow: {error.Message}");
        }

        var name = expression.Ports().FirstOrDefault();
        if (name is null) return Refuse("microflow: it needs inport == \"PORT\"");
        if (topology.SwitchPort(name) is not { } port || topology.SwitchOf(port) is not { } owner)
            return Refuse($"inport: there is no switch port \"{name}\"");
        if (request.Datapath.Length > 0 && request.Datapath != owner.Name
            && request.Datapath != $"{owner.Uuid}")
        {
            return Refuse($"inport: \"{name}\" is a port of switch \"{owner.Name}\"");
        }

        var carrier = port.Parent is { Length: > 0 } parent ? parent : name;
        if (!host.Interfaces.TryGetValue(carrier, out var interfaceNumber)
            && !host.PhysicalNetworks.TryGetValue(name, out interfaceNumber))
        {
            return Refuse(host.Locations.TryGetValue(name, out var where)
                ? $"inport: \"{name}\" is on host {where}: trace it there"
                : $"inport: \"{name}\" is bound nowhere");
        }

        var keys = topology.PortsOf(owner)
            .Where(each => topology.PortKey(each.Uuid) is not null)
            .ToDictionary(each => each.Name, each => topology.PortKey(each.Uuid)!.Value);
        var names = new DatapathContext(topology, host, keys);
        return FlowOf(expression, names, out var match) is { } why
            ? Refuse($"microflow: {why}")
            : new LogicalMicroflow(
                null, bridge, $"in_port={interfaceNumber}{TagOf(port)},{match}",
                NamesOf(topology));
    }

    private static string TagOf(LogicalSwitchPort port) =>
        port.Parent is { Length: > 0 } && port.Tag is { } tag ? $",dl_vlan={tag}" : "";

    /// <returns>What is wrong; null: 'text' has the packet's fields.</returns>
    private static string? FlowOf(
        Expression expression, DatapathContext names, out string text)
    {
        text = "";
        ImmutableArray<MatchProduct> products;
        try
        {
            products = ExpressionNormalizer.Normalize(expression, names);
        }
        catch (ExpressionException error)
        {
            return error.Message;
        }

        if (products.IsEmpty) return "no packet satisfies it";
        var match = FlowMatch.Any;
        foreach (var (field, values) in products[0].Sets)
        {
            if (field == "reg14" || MatchField.Find(field) is not { } found) continue;
            if (!match.TryAnd(found, values[0], out match)) return "no packet satisfies it";
        }

        text = OfMatchText.Format(match.Build());
        return null;
    }

    private static LogicalNames NamesOf(LogicalTopology topology)
    {
        var datapaths = ImmutableSortedDictionary.CreateBuilder<uint, (string, bool)>();
        var ports = ImmutableSortedDictionary.CreateBuilder<(uint, uint), string>();
        foreach (var owner in topology.Rows.Switches.Values)
        {
            if (topology.DatapathKey(owner.Uuid) is not { } key) continue;
            datapaths[key] = (owner.Name, false);
            foreach (var port in topology.PortsOf(owner))
            {
                if (topology.PortKey(port.Uuid) is { } number) ports[(key, number)] = port.Name;
            }
        }

        foreach (var owner in topology.Rows.Routers.Values)
        {
            if (topology.DatapathKey(owner.Uuid) is not { } key) continue;
            datapaths[key] = (owner.Name, true);
            foreach (var port in topology.PortsOf(owner))
            {
                if (topology.PortKey(port.Uuid) is { } number) ports[(key, number)] = port.Name;
                if (topology.Keys.ChassisRedirects.TryGetValue(port.Uuid, out var redirect))
                    ports[(key, redirect)] = $"cr-{port.Name}";
            }
        }

        return new LogicalNames(datapaths.ToImmutable(), ports.ToImmutable());
    }

    /// <summary>
    /// The bridge's trace with the logical stage behind each table and names behind keys.
    /// </summary>
    public static string Explain(string trace, LogicalMicroflow packet)
    {
        var names = packet.Names;
        var text = new StringBuilder();
        var (receivers, sent) = (new SortedSet<string>(StringComparer.Ordinal), "");
        uint datapath = 0;
        foreach (var line in trace.Split('\n'))
        {
            text.Append(line);
            if (Metadata().Match(line) is { Success: true } metadata)
                datapath = Hex(metadata.Groups[1].Value);
            if (Entered().Match(line) is { Success: true } entered)
                datapath = Hex(entered.Groups[1].Value);
            if (Table().Match(line) is { Success: true } table
                && names.Datapaths.TryGetValue(datapath, out var owner))
            {
                var number = int.Parse(table.Groups[1].Value, CultureInfo.InvariantCulture);
                if (StageNames.Of(number, owner.IsRouter) is { } stage)
                    text.Append($"    [{owner.Name}: {stage}]");
            }

            foreach (System.Text.RegularExpressions.Match load in Load().Matches(line))
            {
                var key = (datapath, Hex(load.Groups[1].Value));
                if (names.Ports.TryGetValue(key, out var port)) text.Append($"    [\"{port}\"]");
            }

            if (Output().Match(line) is { Success: true } output
                && uint.TryParse(
                    output.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture,
                    out var face)
                && packet.Tunnels.TryGetValue(face, out var receiver))
            {
                text.Append($"    [to {receiver}]");
                receivers.Add(receiver);
            }

            if (line.StartsWith(FinalFlow, StringComparison.Ordinal)) sent = OnWire(line);
            text.Append('\n');
        }

        var whole = text.ToString().TrimEnd('\n') + "\n";
        return whole + string.Concat(receivers.Select(host =>
            $"continues on {host}: fabric trace --logical {From}{packet.HostId} '{sent}'\n"));
    }

    private const string FinalFlow = "Final flow: ";

    /// <summary>What of the flow crosses the wire: headers and the tunnel's metadata.</summary>
    private static string OnWire(string line) => string.Join(
        ',', line[FinalFlow.Length..].Split(',').Where(part => !OfHost().IsMatch(part)));

    [GeneratedRegex(@"^\s*output:(\d+)")]
    private static partial Regex Output();

    [GeneratedRegex(
        @"^(x*reg\d+|metadata|in_port|recirc_id|ct_\w+|conj_id|tun_(src|dst|tos|ttl|flags))=")]
    private static partial Regex OfHost();

    private static uint Hex(string text) =>
        uint.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    [GeneratedRegex(@"metadata=0x([0-9a-f]+)")]
    private static partial Regex Metadata();

    /// <summary>In table 0: the table's line does not know the datapath yet.</summary>
    [GeneratedRegex(
        @"(?:load:|OXM_OF_METADATA\[[0-9.]*\] is now )0x([0-9a-f]+)(?:->OXM_OF_METADATA\[\]|$)")]
    private static partial Regex Entered();

    [GeneratedRegex(@"^\s*(\d+)\. ")]
    private static partial Regex Table();

    [GeneratedRegex(
        @"(?:load:|NXM_NX_REG1[45]\[[0-9.]*\] is now )0x([0-9a-f]+)(?:->NXM_NX_REG1[45]\[\]|$)")]
    private static partial Regex Load();
}

/// <summary>OVN's names of the stages, by table of the integration bridge.</summary>
internal static class StageNames
{
    private static readonly ImmutableSortedDictionary<int, string> Switch = Build(
        (8, "ls_in_check_port_sec"), (9, "ls_in_apply_port_sec"), (11, "ls_in_lookup_fdb"),
        (12, "ls_in_put_fdb"),
        (13, "ls_in_pre_acl"), (14, "ls_in_pre_lb"), (15, "ls_in_pre_stateful"),
        (16, "ls_in_acl_hint"), (17, "ls_in_acl_eval"), (19, "ls_in_acl_action"),
        (20, "ls_in_qos"), (22, "ls_in_lb_aff_check"), (23, "ls_in_lb"),
        (24, "ls_in_lb_aff_learn"), (25, "ls_in_pre_hairpin"), (26, "ls_in_nat_hairpin"),
        (27, "ls_in_hairpin"), (28, "ls_in_acl_after_lb_eval"), (30, "ls_in_acl_after_lb_action"),
        (32, "ls_in_stateful"), (34, "ls_in_arp_rsp"), (35, "ls_in_nd_rsp"),
        (36, "ls_in_dhcp_options"), (37, "ls_in_dhcp_response"), (38, "ls_in_dns_lookup"),
        (39, "ls_in_dns_response"), (40, "ls_in_external_port"), (41, "ls_in_l2_lkup"),
        (42, "ls_in_l2_unknown"), (62, "ls_out_lookup_fdb"), (64, "ls_out_pre_acl"),
        (65, "ls_out_pre_lb"), (66, "ls_out_pre_stateful"), (67, "ls_out_acl_hint"),
        (68, "ls_out_acl_eval"), (70, "ls_out_acl_action"), (72, "ls_out_qos"),
        (74, "ls_out_stateful"), (76, "ls_out_check_port_sec"), (77, "ls_out_apply_port_sec"));

    private static readonly ImmutableSortedDictionary<int, string> Router = Build(
        (8, "lr_in_admission"), (9, "lr_in_lookup_neighbor"), (10, "lr_in_learn_neighbor"),
        (11, "lr_in_ip_input"), (13, "lr_in_unsnat"), (15, "lr_in_defrag"),
        (17, "lr_in_lb_aff_check"), (18, "lr_in_dnat"), (19, "lr_in_lb_aff_learn"),
        (21, "lr_in_nd_ra_options"), (23, "lr_in_ip_routing_pre"), (24, "lr_in_ip_routing"),
        (25, "lr_in_ip_routing_ecmp"), (26, "lr_in_policy"), (27, "lr_in_policy_ecmp"),
        (30, "lr_in_arp_resolve"), (31, "lr_in_chk_pkt_len"), (32, "lr_in_larger_pkts"),
        (33, "lr_in_gw_redirect"), (35, "lr_in_arp_request"), (62, "lr_out_chk_dnat_local"),
        (63, "lr_out_undnat"), (64, "lr_out_post_undnat"), (65, "lr_out_snat"),
        (67, "lr_out_egr_loop"), (68, "lr_out_delivery"));

    private static readonly ImmutableSortedDictionary<int, string> Between = Build(
        (0, "physical to logical"), (54, "output to other hosts"), (56, "output here"),
        (57, "check loopback"), (88, "save input port"), (89, "logical to physical"),
        (90, "MAC binding"), (91, "MAC lookup"), (92, "hairpin check"), (93, "hairpin reply"),
        (94, "hairpin SNAT"), (95, "FDB"), (97, "port security in"), (98, "port security, ARP, ND"),
        (99, "port security out"), (102, "affinity"));

    public static string? Of(int table, bool isRouter) =>
        Between.TryGetValue(table, out var name)
        || (isRouter ? Router : Switch).TryGetValue(table, out name)
            ? name
            : null;

    private static ImmutableSortedDictionary<int, string> Build(
        params (int Table, string Name)[] stages) =>
        stages.ToImmutableSortedDictionary(stage => stage.Table, stage => stage.Name);
}
