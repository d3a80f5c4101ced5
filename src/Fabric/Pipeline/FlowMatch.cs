using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Keys under masks as matches, for people to read.</summary>
public static class FlowMatch
{
    /// <summary>
    /// The match that 'mask' makes of 'key'; fields that the packet cannot have are left out.
    /// </summary>
    /// <param name="isWhole">A field of which any bit is asked is told whole.</param>
    public static Match Of(
        in PipelineKey key, in PipelineKey mask, TlvTable table, bool isWhole = false)
    {
        var builder = new MatchBuilder();
        foreach (var field in MatchField.All)
        {
            if (field.Registers.Length > 0 || IsView(field)) continue;
            if (!IsPresent(field, in key.Flow) && (isWhole || !IsTcpFlags(field, in key.Flow)))
            {
                continue;
            }

            if (!field.TryLocate(table, out _, out _)) continue;
            var bits = field.Read(in mask, table);
            if (bits == 0) continue;
            if (!field.IsMaskable || isWhole) bits = field.ExactMask;
            builder.SetMasked(field, field.Read(in key, table) & bits, bits);
        }

        builder.Normalise();
        return builder.TryBuild(out var match, out _) ? match : Match.Any;
    }

    /// <summary>
    /// The fields that OVS prints first (the mark), before the packet type (conntrack, hash), or
    /// after it.
    /// </summary>
    /// <param name="part">0, 1 or 2.</param>
    public static Match Part(Match match, int part)
    {
        var builder = new MatchBuilder();
        foreach (var entry in match.Entries)
        {
            if (PartOf(entry.Field) == part)
            {
                builder.SetMasked(entry.Field, entry.Value, entry.Mask);
            }
        }

        return builder.TryBuild(out var chosen, out _) ? chosen : match;
    }

    private static int PartOf(MatchField field)
    {
        if (ReferenceEquals(field, MatchField.PacketMark)) return 0;
        return field.Name.StartsWith("ct_", StringComparison.Ordinal)
            || ReferenceEquals(field, MatchField.DpHash)
            || ReferenceEquals(field, MatchField.SkbPriority) ? 1 : 2;
    }

    /// <summary>
    /// Every field of a flow that is not zero, and those that its protocols have.
    /// </summary>
    public static Match Exact(in PipelineKey key, TlvTable table)
    {
        PipelineKey mask = default;
        var copy = key;
        var words = copy.Words;
        var masks = mask.Words;
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] != 0) masks[i] = NonzeroBytes(words[i]);
        }

        mask.Flow.Bytes[FlowKey.LinkOffset..FlowKey.TunnelOffset].Fill(0xFF);
        mask.InPortWire = uint.MaxValue;
        if (key.Flow.ConntrackStateWire != 0) mask.Flow.ConntrackStateWire = uint.MaxValue;
        mask.TlvPresence = key.TlvPresence;
        return Of(in key, in mask, table, isWhole: true);
    }

    /// <summary>
    /// Fields that are another name or another width of ones that are told anyway.
    /// </summary>
    private static bool IsView(MatchField field) =>
        ReferenceEquals(field, MatchField.InPort) || ReferenceEquals(field, MatchField.DlVlan)
        || ReferenceEquals(field, MatchField.VlanVid) || ReferenceEquals(field, MatchField.VlanPcp)
        || ReferenceEquals(field, MatchField.DlVlanPcp) || ReferenceEquals(field, MatchField.IpTos)
        || ReferenceEquals(field, MatchField.RecircId)
        || ReferenceEquals(field, MatchField.PacketType)
        || ReferenceEquals(field, MatchField.ActionSetOutput);

    /// <summary>A later fragment has none, but tables may ask for them.</summary>
    private static bool IsTcpFlags(MatchField field, in FlowKey flow) =>
        ReferenceEquals(field, MatchField.TcpFlags) && flow.NetworkProtocol == 6
        && (flow.IsIpv4 || flow.IsIpv6);

    private static bool IsNdOption(MatchField field) =>
        ReferenceEquals(field, MatchField.NdReserved)
        || ReferenceEquals(field, MatchField.NdOptionsType);

    private static bool IsPresent(MatchField field, in FlowKey flow)
    {
        var isIp = flow.IsIpv4 || flow.IsIpv6;
        var isFirst = (flow.NetworkFragment & 2) == 0;
        return field.Prerequisite switch
        {
            FieldPrerequisite.Ipv4 => flow.IsIpv4,
            FieldPrerequisite.Ipv6 => flow.IsIpv6,
            FieldPrerequisite.Ip => isIp,
            FieldPrerequisite.Arp => flow.IsArp,
            FieldPrerequisite.Mpls => KeyCommit.IsMpls(flow.EthernetType),
            FieldPrerequisite.Nsh => flow.EthernetType == 0x894F,
            FieldPrerequisite.Tcp => isIp && isFirst && flow.NetworkProtocol == 6,
            FieldPrerequisite.Udp => isIp && isFirst && flow.NetworkProtocol == 17,
            FieldPrerequisite.Sctp => isIp && isFirst && flow.NetworkProtocol == 132,
            FieldPrerequisite.Icmpv4 => flow.IsIpv4 && isFirst && flow.NetworkProtocol == 1,
            FieldPrerequisite.Icmpv6 => flow.IsIpv6 && isFirst && flow.NetworkProtocol == 58,
            FieldPrerequisite.Nd or FieldPrerequisite.NdSolicit or FieldPrerequisite.NdAdvert
                when IsNdOption(field) => flow.NdReservedWire != 0 || flow.NdOptionsType != 0,
            FieldPrerequisite.Nd or FieldPrerequisite.NdSolicit or FieldPrerequisite.NdAdvert =>
                flow.IsIpv6 && flow.NetworkProtocol == 58 && flow.PortSource is 135 or 136,
            FieldPrerequisite.Conntrack => flow.ConntrackStateWire != 0,
            _ => true,
        };
    }

    private static ulong NonzeroBytes(ulong word)
    {
        ulong mask = 0;
        for (var i = 0; i < 64; i += 8)
        {
            if ((word & (0xFFUL << i)) != 0) mask |= 0xFFUL << i;
        }

        return mask;
    }
}
