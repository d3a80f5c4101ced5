using System.Globalization;
using System.Net;
using System.Text;

namespace Fabric.Wire.OpenFlow;

/// <summary>Actions as ovs-ofctl writes and reads them.</summary>
public static partial class OfActionText
{
    private static readonly string[] HashFieldNames =
    [
        "eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst",
        "symmetric_l3",
    ];

    private static readonly string[] MultipathNames =
        ["modulo_n", "hash_threshold", "hrw", "iter_hash"];

    /// <summary>"drop" when there are none.</summary>
    public static string Format(ActionList actions) =>
        actions.IsEmpty ? "drop" : Join(actions);

    private static string Join(IEnumerable<OfAction> actions) =>
        string.Join(',', actions.Select(Format));

    /// <summary>"NXM_NX_REG0[]", "NXM_NX_REG0[3]", "NXM_NX_REG0[0..15]".</summary>
    public static string Format(Subfield subfield)
    {
        var (field, offset, width) = subfield;
        var range = subfield.IsWhole ? "" : width == 1
            ? Number(offset) : $"{Number(offset)}..{Number(offset + width - 1)}";
        return $"{field.WireName}[{range}]";
    }

    public static string Format(OfAction action) => action switch
    {
        OfOutput output => OfPort.NameOf(output.Port) is { } name ? name
            : "output:" + Number(output.Port),
        OfOutputTruncate cut =>
            $"output(port={OfPort.ToText(cut.Port)},max_len={Number(cut.MaxLength)})",
        OfOutputRegister register => "output:" + Format(register.Source),
        OfController controller => FormatController(controller),
        OfEnqueue enqueue => $"enqueue:{OfPort.ToText(enqueue.Port)}:{Number(enqueue.Queue)}",
        OfGroup group => "group:" + Number(group.GroupId),
        OfBundle bundle => FormatBundle(bundle),
        OfMultipath multipath => FormatMultipath(multipath),
        OfSetField set => $"set_field:{FormatValue(set)}->{set.Field.Name}",
        OfLoad load => $"load:{Hex(load.Value)}->{Format(load.Destination)}",
        OfMove move => $"move:{Format(move.Source)}->{Format(move.Destination)}",
        OfStackPush push => "push:" + Format(push.Source),
        OfStackPop pop => "pop:" + Format(pop.Destination),
        OfSetQueue queue => "set_queue:" + Number(queue.Queue),
        OfPopQueue => "pop_queue",
        OfFinTimeout fin => FormatFinTimeout(fin),
        OfResubmit resubmit => FormatResubmit(resubmit),
        OfLearn learn => FormatLearn(learn),
        OfConjunction conjunction =>
            FormatConjunction(conjunction),
        OfNote note => "note:" + Dotted(note.Data),
        OfExit => "exit",
        OfSample sample => FormatSample(sample),
        OfClone clone => $"clone({Join(clone.Actions)})",
        OfConntrack conntrack => FormatConntrack(conntrack),
        OfConntrackClear => "ct_clear",
        OfCheckPacketLarger check =>
            $"check_pkt_larger({Number(check.Size)})->{Format(check.Destination)}",
        OfDeleteField delete => "delete_field:" + delete.Field.Name,
        OfEncap encap => FormatEncap(encap),
        OfDecap decap => decap.PacketType is { } type
            ? $"decap(packet_type(ns={Number(type >> 16)},type={Hex(type & 0xFFFF)}))" : "decap()",
        OfDecrementNshTtl => "dec_nsh_ttl",
        OfDebugRecirculate => "debug_recirc",
        OfDebugSlow => "debug_slow",
        _ => FormatHeaderAction(action),
    };

    private static string FormatHeaderAction(OfAction action) => action switch
    {
        OfSetVlanVid vid => "mod_vlan_vid:" + Number(vid.Vid),
        OfSetVlanPcp pcp => "mod_vlan_pcp:" + Number(pcp.Pcp),
        OfStripVlan strip => strip.IsPop ? "pop_vlan" : "strip_vlan",
        OfPushVlan push => "push_vlan:" + Hex4(push.EthernetType),
        OfSetEthernetSource mac => "mod_dl_src:" + mac.Address,
        OfSetEthernetDestination mac => "mod_dl_dst:" + mac.Address,
        OfSetIpv4Source ip => "mod_nw_src:" + OfFieldText.Ipv4(ip.Address),
        OfSetIpv4Destination ip => "mod_nw_dst:" + OfFieldText.Ipv4(ip.Address),
        OfSetIpTos tos => "mod_nw_tos:" + Number(tos.Tos),
        OfSetIpEcn ecn => "mod_nw_ecn:" + Number(ecn.Ecn),
        OfSetIpTtl ttl => "mod_nw_ttl:" + Number(ttl.Ttl),
        OfSetPortSource port => "mod_tp_src:" + Number(port.Port),
        OfSetPortDestination port => "mod_tp_dst:" + Number(port.Port),
        OfDecrementTtl ttl => ttl.ControllerIds is [0]
            ? "dec_ttl"
                : FormatTtlIds(ttl),
        OfSetMplsLabel label => $"set_mpls_label({Number(label.Label)})",
        OfSetMplsTc tc => $"set_mpls_tc({Number(tc.Tc)})",
        OfSetMplsTtl ttl => $"set_mpls_ttl({Number(ttl.Ttl)})",
        OfDecrementMplsTtl => "dec_mpls_ttl",
        OfPushMpls push => "push_mpls:" + Hex4(push.EthernetType),
        OfPopMpls pop => "pop_mpls:" + Hex4(pop.EthernetType),
        OfSetTunnel tunnel =>
            (tunnel.Is64 || tunnel.Id > uint.MaxValue ? "set_tunnel64:" : "set_tunnel:")
                + Hex(tunnel.Id),
        OfMeter meter => "meter:" + Number(meter.MeterId),
        OfClearActions => "clear_actions",
        OfWriteActions write => $"write_actions({Format(write.Actions)})",
        OfWriteMetadata metadata => "write_metadata:" + Hex(metadata.Value)
            + (metadata.Mask == ulong.MaxValue ? "" : "/" + Hex(metadata.Mask)),
        OfGotoTable go => "goto_table:" + Number(go.TableId),
        _ => "<unknown>",
    };

    private static string FormatValue(OfSetField set)
    {
        if (!ReferenceEquals(set.Field, MatchField.VlanVid))
            return OfFieldText.Format(set.Field, set.Value, set.Mask);
        // The "tag is there" bit of OpenFlow 1.2 is part of what people write.
        var isExact = set.Mask == set.Field.ExactMask;
        return isExact ? Number((uint)set.Value | 0x1000)
            : $"{Hex(set.Value | 0x1000)}/{Hex(set.Mask | 0x1000)}";
    }

    private static string FormatController(OfController controller)
    {
        var isPlain = controller.Reason == PacketInReason.Action && controller.ControllerId == 0
            && controller.Userdata.IsEmpty && !controller.Pause && controller.MeterId is null;
        if (isPlain) return "CONTROLLER:" + Number(controller.MaxLength);
        var parts = new List<string>();
        if (controller.Reason != PacketInReason.Action)
            parts.Add("reason=" + ReasonName(controller.Reason));
        if (controller.MaxLength != ushort.MaxValue)
            parts.Add("max_len=" + Number(controller.MaxLength));
        if (controller.ControllerId != 0) parts.Add("id=" + Number(controller.ControllerId));
        if (!controller.Userdata.IsEmpty) parts.Add("userdata=" + Dotted(controller.Userdata));
        if (controller.Pause) parts.Add("pause");
        if (controller.MeterId is { } meter) parts.Add("meter_id=" + Number(meter));
        return $"controller({string.Join(',', parts)})";
    }

    /// <summary>The name of a packet-in reason in ovs-ofctl.</summary>
    public static string ReasonName(PacketInReason reason) => reason switch
    {
        PacketInReason.NoMatch or PacketInReason.ExplicitMiss or PacketInReason.ImplicitMiss =>
            "no_match",
        PacketInReason.InvalidTtl => "invalid_ttl",
        PacketInReason.ActionSet => "action_set",
        PacketInReason.Group => "group",
        PacketInReason.PacketOut => "packet_out",
        _ => "action",
    };

    private static string FormatBundle(OfBundle bundle)
    {
        var name = bundle.Destination is null ? "bundle" : "bundle_load";
        var algorithm = bundle.Algorithm == OfBundleAlgorithm.ActiveBackup ? "active_backup"
            : "hrw";
        var destination = bundle.Destination is { } load ? Format(load) + "," : "";
        var members = string.Join(',', bundle.Members.AsSpan().ToArray().Select(OfPort.ToText));
        var fields = HashFieldNames[(int)bundle.Fields];
        return $"{name}({fields},{Number(bundle.Basis)},{algorithm},ofport,"
            + $"{destination}members:{members})";
    }

    private static string FormatMultipath(OfMultipath m)
    {
        var (fields, algorithm) = (HashFieldNames[(int)m.Fields], MultipathNames[(int)m.Algorithm]);
        return $"multipath({fields},{Number(m.Basis)},{algorithm},"
            + $"{Number(m.LinkCount)},{Number(m.Argument)},{Format(m.Destination)})";
    }

    private static string FormatConjunction(OfConjunction conjunction)
    {
        var clause = Number(conjunction.Clause + 1);
        return $"conjunction({Number(conjunction.Id)},{clause}/{Number(conjunction.ClauseCount)})";
    }

    private static string FormatTtlIds(OfDecrementTtl ttl)
    {
        var ids = ttl.ControllerIds.AsSpan().ToArray().Select(id => Number(id));
        return $"dec_ttl({string.Join(',', ids)})";
    }

    private static string FormatFinTimeout(OfFinTimeout fin)
    {
        var parts = new List<string>();
        if (fin.IdleTimeout != 0) parts.Add("idle_timeout=" + Number(fin.IdleTimeout));
        if (fin.HardTimeout != 0) parts.Add("hard_timeout=" + Number(fin.HardTimeout));
        return $"fin_timeout({string.Join(',', parts)})";
    }

    private static string FormatResubmit(OfResubmit resubmit)
    {
        var port = resubmit.InPort is { } each ? OfPort.ToText(each) : "";
        if (resubmit is { TableId: 255, InPort: not null, WithOriginalTuple: false })
            return "resubmit:" + port;
        var table = resubmit.TableId == 255 ? "" : Number(resubmit.TableId);
        return $"resubmit({port},{table}{(resubmit.WithOriginalTuple ? ",ct" : "")})";
    }

    private static string FormatSample(OfSample sample)
    {
        var port = sample.SamplingPort == OfPort.None ? ""
            : ",sampling_port=" + OfPort.ToText(sample.SamplingPort);
        var direction = sample.Direction switch
        {
            OfSampleDirection.Ingress => ",ingress",
            OfSampleDirection.Egress => ",egress",
            _ => "",
        };
        return $"sample(probability={Number(sample.Probability)},"
            + $"collector_set_id={Number(sample.CollectorSetId)},"
            + $"obs_domain_id={Number(sample.ObservationDomain)},"
            + $"obs_point_id={Number(sample.ObservationPoint)}{port}{direction})";
    }

    private static string FormatConntrack(OfConntrack ct)
    {
        var parts = new List<string>();
        if (ct.Commit) parts.Add("commit");
        if (ct.Force) parts.Add("force");
        if (ct.RecirculateTable is { } table) parts.Add("table=" + Number(table));
        if (ct.ZoneSource is { } source) parts.Add("zone=" + Format(source));
        else if (ct.Zone != 0) parts.Add("zone=" + Number(ct.Zone));
        if (ct.Nat is { } nat) parts.Add(FormatNat(nat));
        if (!ct.Actions.IsEmpty) parts.Add($"exec({Join(ct.Actions)})");
        if (ct.AlgPort != 0)
            parts.Add("alg="
            + (ct.AlgPort switch { 21 => "ftp", 69 => "tftp", var p => Number(p) }));
        return parts.Count == 0 ? "ct" : $"ct({string.Join(',', parts)})";
    }

    /// <summary>"nat(src=...)", as it stands inside of ct(...).</summary>
    public static string FormatNat(OfNat nat)
    {
        if (nat.Type == OfNatType.None) return "nat";
        var text = new StringBuilder("nat(").Append(nat.Type == OfNatType.Source ? "src" : "dst");
        if (nat.AddressMin is { } min)
        {
            var hasBrackets = min.IsIpv6() && nat.PortMin != 0;
            text.Append('=').Append(hasBrackets ? $"[{min}]" : min.ToString());
            if (nat.AddressMax is { } max && !max.Equals(min))
                text.Append('-').Append(hasBrackets ? $"[{max}]" : max.ToString());
        }

        if (nat.PortMin != 0)
        {
            text.Append(nat.AddressMin is null ? "=:" : ":").Append(Number(nat.PortMin));
            if (nat.PortMax != 0 && nat.PortMax != nat.PortMin)
                text.Append('-').Append(Number(nat.PortMax));
        }

        if (nat.Persistent) text.Append(",persistent");
        if (nat.HashPorts) text.Append(",hash");
        if (nat.RandomPorts) text.Append(",random");
        return text.Append(')').ToString();
    }

    private static string FormatEncap(OfEncap encap)
    {
        var name = encap.PacketType switch
        {
            0 => "ethernet",
            0x0001_894F => "nsh",
            0x0001_8847 => "mpls",
            0x0001_8848 => "mpls_mc",
            _ => Hex(encap.PacketType),
        };
        if (encap.Properties.IsEmpty) return $"encap({name})";
        var parts = new List<string>();
        foreach (var property in encap.Properties) parts.Add(FormatProperty(property));
        return $"encap({name}({string.Join(',', parts)}))";
    }

    private static string FormatProperty(OfEncapProperty property)
    {
        var data = property.Data;
        if (property.Type == 1) return "md_type=" + Number(data.Count > 0 ? data[0] : 0);
        if (property.Type != 2 || data.Count < 4)
            return $"prop(class={Number(property.Class)},type={Number(property.Type)})";
        var tlvClass = (data[0] << 8) | data[1];
        var hex = Convert.ToHexStringLower(data.AsSpan()[4..Math.Min(data.Count, 4 + data[3])]);
        return $"tlv({Hex4(tlvClass)},{Number(data[2])},0x{hex})";
    }

    private static string FormatLearn(OfLearn learn)
    {
        var text = new StringBuilder("learn(table=").Append(Number(learn.TableId));
        if (learn.IdleTimeout != 0) text.Append(",idle_timeout=").Append(Number(learn.IdleTimeout));
        if (learn.HardTimeout != 0) text.Append(",hard_timeout=").Append(Number(learn.HardTimeout));
        if (learn.FinIdleTimeout != 0)
            text.Append(",fin_idle_timeout=").Append(Number(learn.FinIdleTimeout));
        if (learn.FinHardTimeout != 0)
            text.Append(",fin_hard_timeout=").Append(Number(learn.FinHardTimeout));
        if (learn.Priority != FlowMod.DefaultPriority)
            text.Append(",priority=").Append(Number(learn.Priority));
        if ((learn.Flags & OfLearnFlags.SendFlowRemoved) != 0) text.Append(",send_flow_rem");
        if ((learn.Flags & OfLearnFlags.DeleteLearned) != 0) text.Append(",delete_learned");
        if (learn.Cookie != 0) text.Append(",cookie=").Append(Hex(learn.Cookie));
        if (learn.Limit != 0) text.Append(",limit=").Append(Number(learn.Limit));
        if (learn.ResultDestination is { } result)
            text.Append(",result_dst=").Append(Format(result));
        foreach (var spec in learn.Specs) text.Append(',').Append(FormatSpec(spec));
        return text.Append(')').ToString();
    }

    private static string FormatSpec(OfLearnSpec spec)
    {
        switch (spec.Kind)
        {
            case OfLearnDestination.Output: return "output:" + Format(spec.Source!.Value);
            case OfLearnDestination.Load:
                var loaded = spec.Source is { } from ? Format(from) : Hex(spec.Immediate);
                return $"load:{loaded}->{Format(spec.Destination!.Value)}";
            default:
                var destination = spec.Destination!.Value;
                if (spec.Source is { } source)
                    return source == destination ? Format(destination)
                    : $"{Format(destination)}={Format(source)}";
                return destination.IsWhole
                    ? destination.Field.Name + "="
                        + OfFieldText.Format(destination.Field, spec.Immediate)
                    : $"{Format(destination)}={Hex(spec.Immediate)}";
        }
    }

    private static string Dotted(EquatableArray<byte> data) =>
        string.Join('.',
            data.AsSpan().ToArray().Select(each =>
            each.ToString("x2", CultureInfo.InvariantCulture)));

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Hex(UInt128 value) => OfFieldText.Hex(value);

    private static string Hex4(int value) =>
        "0x" + value.ToString("x4", CultureInfo.InvariantCulture);
}
