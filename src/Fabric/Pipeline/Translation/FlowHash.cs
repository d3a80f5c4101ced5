using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Hashes of packets for multipath, bundle, select groups and bonds.</summary>
/// <remarks>
/// Each tells in 'wild' which bits it looked at. Values and bits are those of OVS (flow.c,
/// multipath.c), so that a host that changes over keeps its packets on their ways.
/// </remarks>
internal static class FlowHash
{
    private const byte Icmp = 1, Tcp = 6, Udp = 17, Icmp6 = 58, Sctp = 132;

    /// <summary>A mix of two words that is no one else's business.</summary>
    public static uint Mix(ulong hash, ulong value)
    {
        var mixed = KeyStages.Mix(KeyStages.Mix(hash, value), 0x5851_F42D_4C95_7F2DUL);
        return (uint)(mixed >> 32);
    }

    /// <summary>An address and its VLAN, as bonds that balance by source have it.</summary>
    public static uint Station(MacBytes mac, ushort vlan, uint basis)
    {
        var word = mac.ToUInt64() | ((ulong)vlan << 48);
        return OvsHash.Finish(
            OvsHash.Add(OvsHash.Add(basis, (uint)word), (uint)(word >> 32)), 8);
    }

    /// <summary>Nicira's NX_HASH_FIELDS_*.</summary>
    public static uint Fields(
        in FlowKey flow, ref FlowKey wild, OfHashFields fields, ushort basis)
    {
        Fold(in flow, ref wild, fields);
        Span<byte> bytes = stackalloc byte[16];
        switch (fields)
        {
            case OfHashFields.EthernetSource:
                flow.EthernetSource.CopyTo(bytes);
                return OvsHash.Jenkins(bytes[..6], basis);
            case OfHashFields.SymmetricL4:
                return SymmetricL4(in flow, basis);
            case OfHashFields.SymmetricL3L4:
                return SymmetricL3L4(in flow, basis, withUdp: false);
            case OfHashFields.SymmetricL3L4Udp:
                return SymmetricL3L4(in flow, basis, withUdp: true);
            case OfHashFields.SymmetricL3:
                return SymmetricL3(in flow, basis);
        }

        var isSource = fields == OfHashFields.Ipv4Source;
        if (flow.IsIpv4)
        {
            MemoryMarshal.Write(bytes, isSource ? flow.Ipv4SourceWire : flow.Ipv4DestinationWire);
            return OvsHash.Jenkins(bytes[..4], basis);
        }

        if (!flow.IsIpv6) return basis;
        (isSource ? flow.Ipv6Source : flow.Ipv6Destination).CopyTo(bytes);
        return OvsHash.Jenkins(bytes, basis);
    }

    private static void Fold(in FlowKey flow, ref FlowKey wild, OfHashFields fields)
    {
        switch (fields)
        {
            case OfHashFields.EthernetSource:
                wild.EthernetSource = MacBytes.Broadcast;
                return;
            case OfHashFields.Ipv4Source or OfHashFields.Ipv4Destination:
                FoldAddresses(in flow, ref wild, fields == OfHashFields.Ipv4Source,
                    fields == OfHashFields.Ipv4Destination);
                return;
            case OfHashFields.SymmetricL3:
                FoldAddresses(in flow, ref wild, true, true);
                return;
            case OfHashFields.SymmetricL4:
                wild.EthernetSource = wild.EthernetDestination = MacBytes.Broadcast;
                wild.VlanTci0Wire |= KeyCommit.Host((ushort)0x1FFF);
                wild.VlanTci1Wire |= KeyCommit.Host((ushort)0x1FFF);
                break;
        }

        FoldAddresses(in flow, ref wild, true, true);
        if (!flow.IsIpv4 && !flow.IsIpv6) return;
        wild.NetworkProtocol = 0xFF;
        if (fields == OfHashFields.SymmetricL4)
        {
            // OVS looks at the ports, or at what lies in their place, of every protocol.
            var isIcmp = flow.NetworkProtocol == (flow.IsIpv4 ? Icmp : Icmp6);
            wild.PortSourceWire = wild.PortDestinationWire =
                isIcmp ? KeyCommit.Host((ushort)0xFF) : ushort.MaxValue;
            return;
        }

        var isFirst = (flow.NetworkFragment & 2) == 0;
        var hasPorts = isFirst && (flow.NetworkProtocol is Tcp or Sctp
            || (flow.NetworkProtocol == Udp && fields == OfHashFields.SymmetricL3L4Udp));
        if (hasPorts) wild.PortSourceWire = wild.PortDestinationWire = ushort.MaxValue;
    }

    private static void FoldAddresses(
        in FlowKey flow, ref FlowKey wild, bool source, bool destination)
    {
        if (flow.IsIpv4)
        {
            if (source) wild.Ipv4SourceWire = uint.MaxValue;
            if (destination) wild.Ipv4DestinationWire = uint.MaxValue;
        }
        else if (flow.IsIpv6)
        {
            if (source) wild.Bytes.Slice(160, 16).Fill(0xFF);
            if (destination) wild.Bytes.Slice(176, 16).Fill(0xFF);
        }
    }

    /// <summary>
    /// Over addresses, Ethernet type, VLAN, ports (not UDP's), MACs and protocol, each combined
    /// so that both directions give the same.
    /// </summary>
    public static uint SymmetricL4(in FlowKey flow, uint basis)
    {
        Span<byte> fields = stackalloc byte[32];
        Span<byte> other = stackalloc byte[16];
        fields.Clear();
        MemoryMarshal.Write(fields[16..], flow.EthernetTypeWire);
        var vlan = (flow.VlanTci0Wire ^ flow.VlanTci1Wire) & KeyCommit.Host((ushort)0x0FFF);
        MemoryMarshal.Write(fields[18..], (ushort)vlan);
        flow.EthernetSource.CopyTo(fields[22..]);
        flow.EthernetDestination.CopyTo(other);
        for (var i = 0; i < 6; i++) fields[22 + i] ^= other[i];
        if (flow.IsIpv4)
        {
            MemoryMarshal.Write(fields, flow.Ipv4SourceWire ^ flow.Ipv4DestinationWire);
        }
        else if (flow.IsIpv6)
        {
            flow.Ipv6Source.CopyTo(fields);
            flow.Ipv6Destination.CopyTo(other);
            for (var i = 0; i < 16; i++) fields[i] ^= other[i];
        }
        else
        {
            return OvsHash.Jenkins(fields, basis);
        }

        fields[28] = flow.NetworkProtocol;
        if (flow.NetworkProtocol is Tcp or Sctp)
        {
            MemoryMarshal.Write(
                fields[20..], (ushort)(flow.PortSourceWire ^ flow.PortDestinationWire));
        }

        return OvsHash.Jenkins(fields, basis);
    }

    private static uint SymmetricL3(in FlowKey flow, uint basis)
    {
        var hash = basis;
        if (flow.IsIpv4) return OvsHash.Finish(Addresses(in flow, hash), 4);
        return flow.IsIpv6 ? OvsHash.Finish(Addresses(in flow, hash), 16) : 0;
    }

    private static uint SymmetricL3L4(in FlowKey flow, uint basis, bool withUdp)
    {
        if (!flow.IsIpv4 && !flow.IsIpv6) return 0;
        var hash = OvsHash.Add(Addresses(in flow, basis), flow.NetworkProtocol);
        if (flow.NetworkProtocol is Tcp or Sctp || (withUdp && flow.NetworkProtocol == Udp))
        {
            hash = OvsHash.Add(hash, (ushort)(flow.PortSourceWire ^ flow.PortDestinationWire));
        }

        return OvsHash.Finish(hash, basis);
    }

    private static uint Addresses(in FlowKey flow, uint hash)
    {
        if (flow.IsIpv4)
        {
            return OvsHash.Add(hash, flow.Ipv4SourceWire ^ flow.Ipv4DestinationWire);
        }

        Span<byte> left = stackalloc byte[16];
        Span<byte> right = stackalloc byte[16];
        flow.Ipv6Source.CopyTo(left);
        flow.Ipv6Destination.CopyTo(right);
        for (var i = 0; i < 16; i += 4)
        {
            hash = OvsHash.Add(hash, BinaryPrimitives.ReadUInt32LittleEndian(left[i..])
                ^ BinaryPrimitives.ReadUInt32LittleEndian(right[i..]));
        }

        return hash;
    }

    /// <summary>Folds and hashes what selection method "hash" names.</summary>
    /// <param name="isPresent">Has the packet such a field?</param>
    public static uint Selection(
        ref PipelineKey flow, ref PipelineKey wild, OfSelectionMethod selection, TlvTable table,
        Func<MatchField, bool> isPresent)
    {
        var hash = OvsHash.Long(selection.Parameter);
        Span<byte> bytes = stackalloc byte[16];
        foreach (var entry in selection.Fields)
        {
            if (!isPresent(entry.Field)) continue;
            var size = (entry.Field.BitWidth + 7) / 8;
            var value = entry.Field.Read(in flow, table) & entry.Mask;
            entry.Field.Write(ref wild, UInt128.MaxValue, entry.Mask, table);
            BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
            hash = OvsHash.Bytes(bytes[(16 - size)..], hash);
        }

        return hash;
    }

    /// <summary>NX_MP_ALG_*: a link from 0 to 'count' - 1.</summary>
    public static uint Link(uint hash, OfMultipathAlgorithm algorithm, uint count, uint argument)
    {
        if (count <= 1) return 0;
        switch (algorithm)
        {
            case OfMultipathAlgorithm.ModuloN:
                return hash % count;
            case OfMultipathAlgorithm.HashThreshold:
                return hash / ((uint.MaxValue / count) + 1);
            case OfMultipathAlgorithm.HighestRandomWeight:
                uint best = 0;
                var weight = OvsHash.Words(hash, 0);
                for (uint link = 1; link < count; link++)
                {
                    var mine = OvsHash.Words(hash, link);
                    if (mine > weight) (best, weight) = (link, mine);
                }

                return best;
            default:
                var modulus = Modulus(count);
                while (true)
                {
                    var link = OvsHash.Words(hash, argument++) & (modulus - 1);
                    if (link < count) return link;
                }
        }
    }

    public static uint HighestRandomWeight(
        uint hash, EquatableArray<uint> members, Func<uint, bool> isLive)
    {
        var best = OfPort.None;
        uint weight = 0;
        for (var i = 0; i < members.Count; i++)
        {
            if (!isLive(members[i])) continue;
            var mine = OvsHash.Words((uint)i, hash);
            if (best != OfPort.None && mine <= weight) continue;
            (best, weight) = (members[i], mine);
        }

        return best;
    }

    private static uint Modulus(uint count) => count <= 1
        ? 1 : System.Numerics.BitOperations.RoundUpToPowerOf2(count);
}
