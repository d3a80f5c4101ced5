using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>A match being put together, term by term; each step gives a new one.</summary>
internal readonly struct FlowMatch
{
    private readonly ImmutableArray<MatchEntry> _entries;

    private FlowMatch(ImmutableArray<MatchEntry> entries) => _entries = entries;

    public static FlowMatch Any { get; } = new([]);

    /// <summary>Packets inside a logical datapath.</summary>
    public static FlowMatch On(uint datapath) => Any.Is(LogicalFields.DatapathKey, datapath);

    public FlowMatch Inport(uint key) => Is(LogicalFields.Inport, key);
    public FlowMatch Outport(uint key) => Is(LogicalFields.Outport, key);

    public FlowMatch Is(Subfield part, UInt128 value) =>
        Masked(part.Field, value << part.Offset, MatchField.LowBits(part.Width) << part.Offset);

    public FlowMatch Is(MatchField field, UInt128 value) => Masked(field, value, field.ExactMask);

    public FlowMatch Is(MatchField field, MacBytes value) => Is(field, value.ToUInt64());

    /// <summary>A one-bit field set.</summary>
    public FlowMatch Has(params ReadOnlySpan<Subfield> bits)
    {
        var match = this;
        foreach (var bit in bits) match = match.Is(bit, 1);
        return match;
    }

    /// <summary>A one-bit field clear.</summary>
    public FlowMatch Lacks(params ReadOnlySpan<Subfield> bits)
    {
        var match = this;
        foreach (var bit in bits) match = match.Is(bit, 0);
        return match;
    }

    public FlowMatch EthernetType(ushort type) => Is(MatchField.EthernetType, type);
    public FlowMatch Ip4() => EthernetType(0x0800);
    public FlowMatch Ip6() => EthernetType(0x86dd);

    /// <summary>IPv4 or IPv6 as the address is.</summary>
    public FlowMatch Family(IpPrefix like) => like.IsIpv6 ? Ip6() : Ip4();

    public FlowMatch Protocol(byte protocol) => Is(MatchField.IpProtocol, protocol);

    public FlowMatch Source(IpPrefix prefix) => Family(prefix).Masked(
        prefix.IsIpv6 ? MatchField.Ipv6Source : MatchField.Ipv4Source, prefix.Address & prefix.Mask,
        prefix.Mask);

    public FlowMatch Destination(IpPrefix prefix) => Family(prefix).Masked(
        prefix.IsIpv6 ? MatchField.Ipv6Destination : MatchField.Ipv4Destination,
        prefix.Address & prefix.Mask, prefix.Mask);

    public FlowMatch Arp(ushort opcode) => EthernetType(0x0806).Is(MatchField.ArpOpcode, opcode);

    public FlowMatch Icmp4(byte type) =>
        Ip4().Protocol(1).Is(MatchField.Icmpv4Type, type).Is(MatchField.Icmpv4Code, 0);

    public FlowMatch Icmp6(byte type) =>
        Ip6().Protocol(58).Is(MatchField.Icmpv6Type, type).Is(MatchField.Icmpv6Code, 0);

    /// <summary>Neighbor discovery messages: hop limit 255 (RFC 4861 7.1).</summary>
    public FlowMatch Neighbor(byte type) => Icmp6(type).Is(MatchField.IpTtl, 255);

    public FlowMatch PortSource(byte protocol, ushort port) => Protocol(protocol).Is(
        protocol switch
        {
            17 => MatchField.UdpSource,
            132 => MatchField.SctpSource,
            _ => MatchField.TcpSource,
        },
        port);

    public FlowMatch PortDestination(byte protocol, ushort port) => Protocol(protocol).Is(
        protocol switch
        {
            17 => MatchField.UdpDestination,
            132 => MatchField.SctpDestination,
            _ => MatchField.TcpDestination,
        },
        port);

    /// <summary>Replaces nothing: bits already there must agree with the new ones.</summary>
    public FlowMatch Masked(MatchField field, UInt128 value, UInt128 mask)
    {
        if (mask == 0) return this;
        for (var i = 0; i < _entries.Length; i++)
        {
            var old = _entries[i];
            if (!ReferenceEquals(old.Field, field)) continue;
            var merged = new MatchEntry(field, (old.Value & ~mask) | value, old.Mask | mask);
            return new FlowMatch(_entries.SetItem(i, merged));
        }

        return new FlowMatch(_entries.Add(new MatchEntry(field, value, mask)));
    }

    /// <summary>Both, or false when no packet satisfies both.</summary>
    public bool TryAnd(MatchField field, MaskedValue bits, out FlowMatch match)
    {
        match = this;
        foreach (var old in _entries)
        {
            if (!ReferenceEquals(old.Field, field)) continue;
            if (((old.Value ^ bits.Value) & old.Mask & bits.Mask) != 0) return false;
        }

        match = Masked(field, bits.Value, bits.Mask);
        return true;
    }

    /// <exception cref="ArgumentException">A prerequisite is missing: a bug in a
    /// pipeline.</exception>
    public Match Build()
    {
        var builder = new MatchBuilder();
        foreach (var entry in _entries) builder.SetMasked(entry.Field, entry.Value, entry.Mask);
        return builder.Build();
    }
}
