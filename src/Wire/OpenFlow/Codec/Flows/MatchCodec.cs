using System.Numerics;

namespace Fabric.Wire.OpenFlow;

/// <summary>Whole match structures: OpenFlow 1.0's, 1.1's, OXM's.</summary>
public static class MatchCodec
{
    private const int Match10Size = 40;
    private const int Match11Size = 88;
    private const ushort VlanNone10 = 0xFFFF;
    private const ushort VlanAny11 = 0xFFFE;
    private const ushort VlanPresent = 0x1000;

    // OpenFlow 1.0's wildcard bits (section 5.2.3).
    private const uint W10InPort = 1, W10Vlan = 1 << 1, W10Source = 1 << 2, W10Destination = 1 << 3,
        W10Type = 1 << 4, W10Protocol = 1 << 5, W10PortSource = 1 << 6, W10PortDestination = 1 << 7,
        W10Pcp = 1 << 20, W10Tos = 1 << 21;
    private const int W10NetSourceShift = 8, W10NetDestinationShift = 14;

    /// <summary>Reads the version's match structure and its padding.</summary>
    public static OfErrorCode Read(
        ref OfReader reader, in OfCodecContext context, out Match match, bool isStrict = true)
    {
        if (context.IsVersion10) return Read10(ref reader, out match);
        match = Match.Any;
        var start = reader.Position;
        var type = reader.U16();
        var length = reader.U16();
        if (reader.Failed) return OfErrorCode.MatchBadLength;
        if (type == 0)
        {
            if (length != Match11Size) return OfErrorCode.MatchBadLength;
            return context.Version == OfVersion.OpenFlow11
                ? Read11(ref reader, out match) : OfErrorCode.MatchBadType;
        }

        if (type != 1 || !context.HasOxm) return OfErrorCode.MatchBadType;
        if (length < 4 || length - 4 > reader.Remaining) return OfErrorCode.MatchBadLength;
        var bytes = reader.Bytes(length - 4);
        reader.Align8(start);
        return NxmCodec.DecodeMatch(bytes, isStrict, out match, out _, out _);
    }

    public static void Write(OfWriter writer, Match match, in OfCodecContext context)
    {
        switch (context.Version)
        {
            case OfVersion.OpenFlow10: Write10(writer, match); break;
            case OfVersion.OpenFlow11: Write11(writer, match); break;
            default:
                var start = writer.Length;
                writer.U16(1).U16(0);
                NxmCodec.WriteMatch(writer, match, in context);
                writer.PatchU16(start + 2, writer.Length - start);
                writer.Align8(start);
                break;
        }
    }

    /// <summary>NXM entries of 'size' bytes, and padding to a multiple of 8.</summary>
    public static OfErrorCode ReadNxm(
        ref OfReader reader, int size, bool isStrict, out Match match, out ulong cookie,
        out ulong cookieMask)
    {
        var start = reader.Position;
        var bytes = reader.Bytes(size);
        match = Match.Any;
        (cookie, cookieMask) = (0, 0);
        if (reader.Failed) return OfErrorCode.MatchBadLength;
        reader.Align8(start);
        return NxmCodec.DecodeMatch(bytes, isStrict, out match, out cookie, out cookieMask);
    }

    /// <summary>
    /// OpenFlow 1.0 can say all of 'match'; otherwise Nicira's messages are needed.
    /// </summary>
    public static bool IsStandard10(Match match)
    {
        foreach (var entry in match.Entries)
        {
            if (!IsStandard10(in entry)) return false;
        }

        return true;
    }

    private static bool IsStandard10(in MatchEntry entry)
    {
        var field = entry.Field;
        if (ReferenceEquals(field, MatchField.VlanTci))
        {
            var (vid, pcp) = ((uint)entry.Mask & 0xFFF, (uint)entry.Mask & 0xE000);
            if (entry.Mask == 0xFFFF && entry.Value == 0) return true;
            return (entry.Value & VlanPresent) != 0 && (vid | pcp) != 0
                && vid is 0 or 0xFFF && pcp is 0 or 0xE000;
        }

        var isAddress = ReferenceEquals(field, MatchField.Ipv4Source)
            || ReferenceEquals(field, MatchField.Ipv4Destination)
            || ReferenceEquals(field, MatchField.ArpSpa)
                || ReferenceEquals(field, MatchField.ArpTpa);
        if (isAddress) return BitOperations.IsPow2(~(uint)entry.Mask + 1) || entry.Mask == 0;
        return entry.IsExact && (ReferenceEquals(field, MatchField.InPortOxm)
            || ReferenceEquals(field, MatchField.EthernetSource)
            || ReferenceEquals(field, MatchField.EthernetDestination)
            || ReferenceEquals(field, MatchField.EthernetType)
            || ReferenceEquals(field, MatchField.IpProtocol)
            || ReferenceEquals(field, MatchField.ArpOpcode)
            || ReferenceEquals(field, MatchField.IpDscp) || IsPort(field));
    }

    private static bool IsPort(MatchField field) => field.Name is "tcp_src" or "tcp_dst"
        or "udp_src" or "udp_dst" or "sctp_src" or "sctp_dst" or "icmp_type" or "icmp_code";

    private static OfErrorCode Read10(ref OfReader reader, out Match match)
    {
        match = Match.Any;
        if (reader.Remaining < Match10Size) return OfErrorCode.RequestBadLength;
        var wildcards = reader.U32();
        var builder = new MatchBuilder();
        var inPort = reader.U16();
        var source = reader.Mac();
        var destination = reader.Mac();
        var vlan = reader.U16();
        var pcp = reader.U8();
        reader.Skip(1);
        var type = reader.U16();
        var tos = reader.U8();
        var protocol = reader.U8();
        reader.Skip(2);
        var netSource = reader.U32();
        var netDestination = reader.U32();
        var portSource = reader.U16();
        var portDestination = reader.U16();
        if ((wildcards & W10InPort) == 0) builder.Set(MatchField.InPort, inPort);
        if ((wildcards & W10Source) == 0) builder.Set(MatchField.EthernetSource, source);
        if ((wildcards & W10Destination) == 0)
            builder.Set(MatchField.EthernetDestination, destination);
        SetVlan10(builder, wildcards, vlan, pcp);
        if ((wildcards & W10Type) == 0) builder.Set(MatchField.EthernetType, type);
        if ((wildcards & W10Tos) == 0) builder.Set(MatchField.IpDscp, (ulong)(tos >> 2));
        if ((wildcards & W10Protocol) == 0) builder.Set(MatchField.IpProtocol, protocol);
        SetAddress(builder, MatchField.Ipv4Source, netSource, wildcards >> W10NetSourceShift);
        SetAddress(builder, MatchField.Ipv4Destination, netDestination,
            wildcards >> W10NetDestinationShift);
        if ((wildcards & W10PortSource) == 0) builder.Set(MatchField.TcpSource, portSource);
        if ((wildcards & W10PortDestination) == 0)
            builder.Set(MatchField.TcpDestination, portDestination);
        builder.Normalise();
        return builder.TryBuild(out match, out var error) ? OfErrorCode.None : error;
    }

    private static void SetVlan10(MatchBuilder builder, uint wildcards, ushort vlan, byte pcp)
    {
        var hasVlan = (wildcards & W10Vlan) == 0;
        if (hasVlan && vlan == VlanNone10)
        {
            builder.SetMasked(MatchField.VlanTci, 0, 0xFFFF);
            return;
        }

        if (hasVlan) builder.Set(MatchField.DlVlan, (ulong)(vlan & 0xFFF));
        if ((wildcards & W10Pcp) == 0) builder.Set(MatchField.DlVlanPcp, (ulong)(pcp & 7));
    }

    private static void SetAddress(MatchBuilder builder, MatchField field, uint value, uint bits)
    {
        var count = (int)(bits & 63);
        if (count < 32) builder.SetMasked(field, value, uint.MaxValue << count);
    }

    private static void Write10(OfWriter writer, Match match)
    {
        var wildcards = W10InPort | W10Vlan | W10Source | W10Destination | W10Type | W10Protocol
            | W10PortSource | W10PortDestination | W10Pcp | W10Tos
            | 32u << W10NetSourceShift | 32u << W10NetDestinationShift;
        var tci = match.TryGet(MatchField.VlanTci, out var vlan) ? (uint)vlan.Value : 0;
        if ((uint)vlan.Mask == 0xFFFF && tci == 0)
            (wildcards, tci) = (wildcards & ~W10Vlan, VlanNone10);
        else if (((uint)vlan.Mask & 0xFFF) == 0xFFF) wildcards &= ~W10Vlan;
        if (((uint)vlan.Mask & 0xE000) == 0xE000 && tci != VlanNone10) wildcards &= ~W10Pcp;
        var at = writer.Length;
        writer.U32(0);
        writer.U16(OfPort.ToWire16(Take(match, MatchField.InPortOxm, ref wildcards, W10InPort)));
        writer.Mac(MacOf(match, MatchField.EthernetSource, ref wildcards, W10Source));
        writer.Mac(MacOf(match, MatchField.EthernetDestination, ref wildcards, W10Destination));
        writer.U16((ushort)(tci == VlanNone10 ? VlanNone10 : tci & 0xFFF));
        writer.U8((byte)(tci == VlanNone10 ? 0 : tci >> 13)).Zeros(1);
        writer.U16((ushort)Take(match, MatchField.EthernetType, ref wildcards, W10Type));
        writer.U8((byte)(Take(match, MatchField.IpDscp, ref wildcards, W10Tos) << 2));
        var protocol = Take(match, MatchField.IpProtocol, ref wildcards, W10Protocol)
            | Take(match, MatchField.ArpOpcode, ref wildcards, W10Protocol);
        writer.U8((byte)protocol).Zeros(2);
        writer.U32(AddressOf(match, MatchField.Ipv4Source, MatchField.ArpSpa, ref wildcards,
            W10NetSourceShift));
        writer.U32(AddressOf(match, MatchField.Ipv4Destination, MatchField.ArpTpa, ref wildcards,
            W10NetDestinationShift));
        writer.U16((ushort)PortOf(match, ref wildcards, W10PortSource, MatchField.TcpSource,
            MatchField.UdpSource, MatchField.SctpSource, MatchField.Icmpv4Type));
        writer.U16((ushort)PortOf(match, ref wildcards, W10PortDestination,
            MatchField.TcpDestination, MatchField.UdpDestination, MatchField.SctpDestination,
            MatchField.Icmpv4Code));
        writer.PatchU32(at, wildcards);
    }

    private static uint Take(Match match, MatchField field, ref uint wildcards, uint bit)
    {
        if (!match.TryGet(field, out var entry) || !entry.IsExact) return 0;
        wildcards &= ~bit;
        return (uint)entry.Value;
    }

    private static MacBytes MacOf(Match match, MatchField field, ref uint wildcards, uint bit)
    {
        if (!match.TryGet(field, out var entry) || !entry.IsExact) return default;
        wildcards &= ~bit;
        return MacBytes.FromUInt64((ulong)entry.Value);
    }

    private static uint AddressOf(
        Match match, MatchField ip, MatchField arp, ref uint wildcards, int shift)
    {
        if (!match.TryGet(ip, out var entry) && !match.TryGet(arp, out entry)) return 0;
        var count = (uint)BitOperations.TrailingZeroCount((uint)entry.Mask);
        wildcards = (wildcards & ~(63u << shift)) | (count << shift);
        return (uint)entry.Value;
    }

    private static uint PortOf(
        Match match, ref uint wildcards, uint bit, params ReadOnlySpan<MatchField> fields)
    {
        var value = 0u;
        foreach (var field in fields) value |= Take(match, field, ref wildcards, bit);
        return value;
    }

    private static OfErrorCode Read11(ref OfReader reader, out Match match)
    {
        match = Match.Any;
        var builder = new MatchBuilder();
        var inPort = reader.U32();
        var wildcards = reader.U32();
        var source = reader.Mac();
        var sourceMask = reader.Mac();
        var destination = reader.Mac();
        var destinationMask = reader.Mac();
        var vlan = reader.U16();
        var pcp = reader.U8();
        reader.Skip(1);
        var type = reader.U16();
        var tos = reader.U8();
        var protocol = reader.U8();
        var (netSource, netSourceMask) = (reader.U32(), reader.U32());
        var (netDestination, netDestinationMask) = (reader.U32(), reader.U32());
        var (portSource, portDestination) = (reader.U16(), reader.U16());
        var label = reader.U32();
        var tc = reader.U8();
        reader.Skip(3);
        var (metadata, metadataMask) = (reader.U64(), reader.U64());
        if (reader.Failed) return OfErrorCode.MatchBadLength;
        if ((wildcards & 1) == 0) builder.Set(MatchField.InPortOxm, inPort);
        builder.SetMasked(MatchField.EthernetSource, source.ToUInt64(),
            ~sourceMask.ToUInt64() & 0xFFFF_FFFF_FFFF);
        builder.SetMasked(MatchField.EthernetDestination, destination.ToUInt64(),
            ~destinationMask.ToUInt64() & 0xFFFF_FFFF_FFFF);
        if ((wildcards & 2) == 0) SetVlan11(builder, vlan);
        if ((wildcards & 4) == 0 && vlan != VlanNone10)
            builder.Set(MatchField.DlVlanPcp, (ulong)(pcp & 7));
        if ((wildcards & 8) == 0) builder.Set(MatchField.EthernetType, type);
        if ((wildcards & 16) == 0) builder.Set(MatchField.IpDscp, tos);
        if ((wildcards & 32) == 0) builder.Set(MatchField.IpProtocol, protocol);
        builder.SetMasked(MatchField.Ipv4Source, netSource, ~netSourceMask);
        builder.SetMasked(MatchField.Ipv4Destination, netDestination, ~netDestinationMask);
        if ((wildcards & 64) == 0) builder.Set(MatchField.TcpSource, portSource);
        if ((wildcards & 128) == 0) builder.Set(MatchField.TcpDestination, portDestination);
        if ((wildcards & 256) == 0) builder.Set(MatchField.MplsLabel, label & 0xFFFFF);
        if ((wildcards & 512) == 0) builder.Set(MatchField.MplsTc, (ulong)(tc & 7));
        builder.SetMasked(MatchField.Metadata, metadata, ~metadataMask);
        builder.Normalise();
        return builder.TryBuild(out match, out var error) ? OfErrorCode.None : error;
    }

    private static void SetVlan11(MatchBuilder builder, ushort vlan)
    {
        if (vlan == VlanNone10) builder.SetMasked(MatchField.VlanTci, 0, 0xFFFF);
        else if (vlan == VlanAny11) builder.SetMasked(MatchField.VlanTci, VlanPresent, VlanPresent);
        else builder.Set(MatchField.DlVlan, (ulong)(vlan & 0xFFF));
    }

    private static void Write11(OfWriter writer, Match match)
    {
        var wildcards = 0x3FFu;
        var start = writer.Length;
        writer.U16(0).U16(Match11Size);
        writer.U32(Take(match, MatchField.InPortOxm, ref wildcards, 1));
        var at = writer.Length;
        writer.U32(0);
        WriteMac11(writer, match, MatchField.EthernetSource);
        WriteMac11(writer, match, MatchField.EthernetDestination);
        match.TryGet(MatchField.VlanTci, out var vlan);
        var tci = (uint)vlan.Value;
        if (vlan.Mask != 0) wildcards &= ~2u;
        if (((uint)vlan.Mask & 0xE000) == 0xE000) wildcards &= ~4u;
        var vid = (tci & VlanPresent) == 0 ? VlanNone10 : ((uint)vlan.Mask & 0xFFF) == 0 ? VlanAny11
            : tci & 0xFFF;
        writer.U16((ushort)(vlan.Mask == 0 ? 0 : vid)).U8((byte)(tci >> 13)).Zeros(1);
        writer.U16((ushort)Take(match, MatchField.EthernetType, ref wildcards, 8));
        writer.U8((byte)Take(match, MatchField.IpDscp, ref wildcards, 16));
        writer.U8(
            (byte)(Take(match, MatchField.IpProtocol, ref wildcards, 32)
            | Take(match, MatchField.ArpOpcode, ref wildcards, 32)));
        WriteAddress11(writer, match, MatchField.Ipv4Source, MatchField.ArpSpa);
        WriteAddress11(writer, match, MatchField.Ipv4Destination, MatchField.ArpTpa);
        writer.U16((ushort)PortOf(match, ref wildcards, 64, MatchField.TcpSource,
            MatchField.UdpSource, MatchField.SctpSource, MatchField.Icmpv4Type));
        writer.U16((ushort)PortOf(match, ref wildcards, 128, MatchField.TcpDestination,
            MatchField.UdpDestination, MatchField.SctpDestination, MatchField.Icmpv4Code));
        writer.U32(Take(match, MatchField.MplsLabel, ref wildcards, 256));
        writer.U8((byte)Take(match, MatchField.MplsTc, ref wildcards, 512)).Zeros(3);
        match.TryGet(MatchField.Metadata, out var metadata);
        writer.U64((ulong)metadata.Value).U64(~(ulong)metadata.Mask);
        writer.Zeros(Match11Size - (writer.Length - start));
        writer.PatchU32(at, wildcards);
    }

    private static void WriteMac11(OfWriter writer, Match match, MatchField field)
    {
        match.TryGet(field, out var entry);
        writer.Number(entry.Value, 6).Number(~entry.Mask, 6);
    }

    private static void WriteAddress11(OfWriter writer, Match match, MatchField ip, MatchField arp)
    {
        if (!match.TryGet(ip, out var entry)) match.TryGet(arp, out entry);
        writer.U32((uint)entry.Value).U32(~(uint)entry.Mask);
    }
}
