using System.Collections.Immutable;

namespace Fabric.Wire.OpenFlow;

/// <summary>Which fields may stand beside which: prerequisites, values, and normal forms.</summary>
/// <remarks>Rules of ovs-fields(7), section "Prerequisites", and of OVS's normalisation.</remarks>
public static class MatchRules
{
    private const ConntrackState ValidConnection =
        ConntrackState.New | ConntrackState.Established | ConntrackState.Related
        | ConntrackState.Reply | ConntrackState.SourceNat | ConntrackState.DestinationNat;

    /// <summary>The first rule that the entries break, or none.</summary>
    public static OfErrorCode ErrorOf(ReadOnlySpan<MatchEntry> entries)
    {
        var facts = PacketFacts.Of(entries);
        foreach (var entry in entries)
        {
            if (!IsMet(entry.Field.Prerequisite, in facts)) return OfErrorCode.MatchBadPrerequisite;
            if (ValueErrorOf(in entry) is var error && error != OfErrorCode.None) return error;
        }

        return OfErrorCode.None;
    }

    /// <summary>A set-field, load or move of 'field' makes sense for packets of 'match'.</summary>
    public static bool IsAllowed(MatchField field, ReadOnlySpan<MatchEntry> match)
    {
        var facts = PacketFacts.Of(match);
        return IsMet(field.Prerequisite, in facts);
    }

    public static bool IsAllowed(MatchField field, Match match)
    {
        var facts = PacketFacts.Of(match);
        return IsMet(field.Prerequisite, in facts);
    }

    internal static ImmutableArray<MatchField> Normalise(MatchEntries entries)
    {
        var facts = PacketFacts.Of(entries.AsSpan());
        foreach (var entry in entries.AsSpan().ToArray())
        {
            var meant = Meant(entry.Field, in facts);
            if (ReferenceEquals(meant, entry.Field) || entries.Contains(meant)) continue;
            entries.Remove(entry.Field);
            var mask = entry.IsExact ? meant.ExactMask : entry.Mask & meant.ExactMask;
            entries.Set(new MatchEntry(meant, entry.Value & mask, mask));
        }

        var dropped = ImmutableArray.CreateBuilder<MatchField>();
        facts = PacketFacts.Of(entries.AsSpan());
        foreach (var entry in entries.AsSpan().ToArray())
        {
            if (IsMet(entry.Field.Prerequisite, in facts)) continue;
            entries.Remove(entry.Field);
            dropped.Add(entry.Field);
        }

        return dropped.ToImmutable();
    }

    private static OfErrorCode ValueErrorOf(in MatchEntry entry)
    {
        if (ReferenceEquals(entry.Field, MatchField.ArpOpcode) && entry.Value > 255)
        {
            return OfErrorCode.MatchBadValue;
        }

        if (ReferenceEquals(entry.Field, MatchField.ConntrackStateField) && entry.Value > 0xFF)
        {
            return OfErrorCode.MatchBadValue;
        }

        return OfErrorCode.None;
    }

    /// <summary>The field that a person means who wrote this one beside such a protocol.</summary>
    private static MatchField Meant(MatchField field, in PacketFacts facts)
    {
        var isArp = facts.EthernetType is 0x0806 or 0x8035;
        if (isArp && ReferenceEquals(field, MatchField.Ipv4Source)) return MatchField.ArpSpa;
        if (isArp && ReferenceEquals(field, MatchField.Ipv4Destination)) return MatchField.ArpTpa;
        if (isArp && ReferenceEquals(field, MatchField.IpProtocol)) return MatchField.ArpOpcode;
        if (ReferenceEquals(field, MatchField.TcpSource))
        {
            return facts switch
            {
                { Protocol: 17 } => MatchField.UdpSource,
                { Protocol: 132 } => MatchField.SctpSource,
                { Protocol: 1, IsIpv4: true } => MatchField.Icmpv4Type,
                { Protocol: 58, IsIpv6: true } => MatchField.Icmpv6Type,
                _ => field,
            };
        }

        if (ReferenceEquals(field, MatchField.TcpDestination))
        {
            return facts switch
            {
                { Protocol: 17 } => MatchField.UdpDestination,
                { Protocol: 132 } => MatchField.SctpDestination,
                { Protocol: 1, IsIpv4: true } => MatchField.Icmpv4Code,
                { Protocol: 58, IsIpv6: true } => MatchField.Icmpv6Code,
                _ => field,
            };
        }

        if (!facts.IsIpv6 || facts.Protocol != 58) return field;
        if (ReferenceEquals(field, MatchField.Icmpv4Type)) return MatchField.Icmpv6Type;
        return ReferenceEquals(field, MatchField.Icmpv4Code) ? MatchField.Icmpv6Code : field;
    }

    private static bool IsMet(FieldPrerequisite prerequisite, in PacketFacts facts) =>
        prerequisite switch
        {
            FieldPrerequisite.None => true,
            FieldPrerequisite.Ethernet => facts.IsEthernet,
            FieldPrerequisite.Vlan => facts.HasVlan,
            FieldPrerequisite.Mpls => facts.EthernetType is 0x8847 or 0x8848,
            FieldPrerequisite.Ipv4 => facts.IsIpv4,
            FieldPrerequisite.Ipv6 => facts.IsIpv6,
            FieldPrerequisite.Ip => facts.IsIpv4 || facts.IsIpv6,
            FieldPrerequisite.Arp => facts.EthernetType is 0x0806 or 0x8035,
            FieldPrerequisite.Tcp => facts.IsIp(6),
            FieldPrerequisite.Udp => facts.IsIp(17),
            FieldPrerequisite.Sctp => facts.IsIp(132),
            FieldPrerequisite.Icmpv4 => facts.IsIpv4 && facts.Protocol == 1,
            FieldPrerequisite.Icmpv6 => facts.IsIpv6 && facts.Protocol == 58,
            FieldPrerequisite.Nd => facts.IsNd && facts.IcmpType is 135 or 136,
            FieldPrerequisite.NdSolicit => facts.IsNd && facts.IcmpType == 135,
            FieldPrerequisite.NdAdvert => facts.IsNd && facts.IcmpType == 136,
            FieldPrerequisite.Nsh => facts.EthernetType == 0x894F,
            _ => facts.HasConnection,
        };

    /// <summary>What a match's entries say of its packets as far as prerequisites go.</summary>
    private struct PacketFacts()
    {
        public int EthernetType { get; private set; } = -1;
        public int Protocol { get; private set; } = -1;
        public int IcmpType { get; private set; } = -1;
        public bool HasVlan { get; private set; }
        public bool HasConnection { get; private set; }
        public bool IsEthernet { get; private set; } = true;
        public readonly bool IsIpv4 => EthernetType == 0x0800;
        public readonly bool IsIpv6 => EthernetType == 0x86DD;
        public readonly bool IsNd => IsIpv6 && Protocol == 58;

        public readonly bool IsIp(int protocol) => (IsIpv4 || IsIpv6) && Protocol == protocol;

        public static PacketFacts Of(ReadOnlySpan<MatchEntry> entries)
        {
            var facts = new PacketFacts();
            foreach (ref readonly var entry in entries) facts.See(in entry);
            return facts;
        }

        public static PacketFacts Of(Match match)
        {
            var facts = new PacketFacts();
            foreach (var entry in match.Entries) facts.See(in entry);
            return facts;
        }

        private void See(in MatchEntry entry)
        {
            var (field, value, mask) = entry;
            if (ReferenceEquals(field, MatchField.EthernetType)) EthernetType = (int)value;
            else if (ReferenceEquals(field, MatchField.IpProtocol)) Protocol = (int)value;
            else if (ReferenceEquals(field, MatchField.Icmpv6Type)) IcmpType = (int)value;
            else if (ReferenceEquals(field, MatchField.VlanTci)) HasVlan = (value & 0x1000) != 0;
            else if (ReferenceEquals(field, MatchField.ConntrackStateField))
            {
                HasConnection =
                    IsConnection((ConntrackState)(uint)value, (ConntrackState)(uint)mask);
            }
            else if (ReferenceEquals(field, MatchField.PacketType))
            {
                IsEthernet = value == 0;
                if ((uint)(value >> 16) == 1) EthernetType = (int)(value & 0xFFFF);
            }
        }

        private static bool IsConnection(ConntrackState value, ConntrackState mask) =>
            (value & ValidConnection) != 0
            || ((value & ConntrackState.Tracked) != 0 && (mask & ConntrackState.Invalid) != 0
                && (value & ConntrackState.Invalid) == 0);
    }
}
