using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>The value of one key attribute of fixed size, to and from a FlowKey's fields.</summary>
/// <remarks>
/// The same code serves keys, masks and set actions. Where the kernel counts in host order
/// (priority, ports of the datapath, marks, conntrack) the value is little-endian; all else lies
/// as in the packet. Sizes: <see cref="OvsKeyCatalogue.ValueSizes"/>.
/// </remarks>
public static class OvsKeyValue
{
    /// <summary>Writes the value and returns its size; 0 for attributes of no fixed size.</summary>
    /// <param name="value">At least <see cref="OvsKeyCatalogue.ValueSizeMax"/> bytes.</param>
    public static int Write(OvsKey attribute, in FlowKey key, bool isMask, Span<byte> value)
    {
        var size = OvsKeyCatalogue.ValueSizes[(int)attribute & (OvsKeyCatalogue.Count - 1)];
        if (size < 0) return 0;
        value = value[..size];
        switch (attribute)
        {
            case OvsKey.Priority: PutHost(value, key.PriorityWire); break;
            case OvsKey.InPort: PutHost(value, key.InPortWire); break;
            case OvsKey.PacketMark: PutHost(value, key.PacketMarkWire); break;
            case OvsKey.DatapathHash: PutHost(value, key.DatapathHashWire); break;
            case OvsKey.RecirculationId: PutHost(value, key.RecirculationIdWire); break;
            case OvsKey.ConntrackState: PutHost(value, key.ConntrackStateWire); break;
            case OvsKey.ConntrackMark: PutHost(value, key.ConntrackMarkWire); break;
            case OvsKey.ConntrackZone: Put16(value, key.ConntrackZone); break;
            case OvsKey.ConntrackLabels:
                BinaryPrimitives.WriteUInt64BigEndian(value, key.ConntrackLabelLowWire);
                BinaryPrimitives.WriteUInt64BigEndian(value[8..], key.ConntrackLabelHighWire);
                break;
            case OvsKey.PacketType: Put32(value, key.PacketTypeWire); break;
            case OvsKey.Vlan: Put16(value, key.VlanTci0Wire); break;
            case OvsKey.EthernetType: Put16(value, key.EthernetTypeWire); break;
            case OvsKey.TcpFlags: Put16(value, key.TcpFlagsWire); break;
            case OvsKey.Ethernet:
                key.EthernetSource.CopyTo(value);
                key.EthernetDestination.CopyTo(value[6..]);
                break;
            case OvsKey.Tcp or OvsKey.Udp or OvsKey.Sctp:
                Put16(value, key.PortSourceWire);
                Put16(value[2..], key.PortDestinationWire);
                break;
            case OvsKey.Icmp or OvsKey.Icmpv6:
                value[0] = (byte)(key.PortSourceWire >> 8); // The low byte in wire order.
                value[1] = (byte)(key.PortDestinationWire >> 8);
                break;
            default: WriteBig(attribute, in key, isMask, value); break;
        }

        return size;
    }

    /// <summary>Reads a value; the fault's kind is Size or Value, None when it was read.</summary>
    public static NetlinkFaultKind Read(
        OvsKey attribute, ReadOnlySpan<byte> value, bool isMask, ref FlowKey key)
    {
        if ((uint)attribute >= OvsKeyCatalogue.Count) return NetlinkFaultKind.Kind;
        var size = OvsKeyCatalogue.ValueSizes[(int)attribute];
        if (size < 0) return NetlinkFaultKind.Kind;
        if (value.Length != size) return NetlinkFaultKind.Size;
        switch (attribute)
        {
            case OvsKey.Priority: key.PriorityWire = GetHost(value); break;
            case OvsKey.InPort: key.InPortWire = GetHost(value); break;
            case OvsKey.PacketMark: key.PacketMarkWire = GetHost(value); break;
            case OvsKey.DatapathHash: key.DatapathHashWire = GetHost(value); break;
            case OvsKey.RecirculationId: key.RecirculationIdWire = GetHost(value); break;
            case OvsKey.ConntrackState: key.ConntrackStateWire = GetHost(value); break;
            case OvsKey.ConntrackMark: key.ConntrackMarkWire = GetHost(value); break;
            case OvsKey.ConntrackZone: key.ConntrackZone = Get16(value); break;
            case OvsKey.ConntrackLabels:
                key.ConntrackLabelLowWire = BinaryPrimitives.ReadUInt64BigEndian(value);
                key.ConntrackLabelHighWire = BinaryPrimitives.ReadUInt64BigEndian(value[8..]);
                break;
            case OvsKey.PacketType: key.PacketTypeWire = Get32(value); break;
            case OvsKey.Vlan: key.VlanTci0Wire = Get16(value); break;
            case OvsKey.EthernetType: key.EthernetTypeWire = Get16(value); break;
            case OvsKey.TcpFlags: key.TcpFlagsWire = Get16(value); break;
            case OvsKey.Ethernet:
                key.EthernetSource = MacBytes.From(value);
                key.EthernetDestination = MacBytes.From(value[6..]);
                break;
            case OvsKey.Tcp or OvsKey.Udp or OvsKey.Sctp:
                key.PortSourceWire = Get16(value);
                key.PortDestinationWire = Get16(value[2..]);
                break;
            case OvsKey.Icmp or OvsKey.Icmpv6:
                key.PortSourceWire = Widen(value[0], isMask);
                key.PortDestinationWire = Widen(value[1], isMask);
                break;
            default: return ReadBig(attribute, value, isMask, ref key);
        }

        return NetlinkFaultKind.None;
    }

    private static void WriteBig(OvsKey attribute, in FlowKey key, bool isMask, Span<byte> value)
    {
        value.Clear();
        switch (attribute)
        {
            case OvsKey.Ipv4:
                Put32(value, key.Ipv4SourceWire);
                Put32(value[4..], key.Ipv4DestinationWire);
                Network(in key, isMask, value[8..]);
                break;
            case OvsKey.Ipv6:
                key.Ipv6Source.CopyTo(value);
                key.Ipv6Destination.CopyTo(value[16..]);
                Put32(value[32..], key.Ipv6LabelWire);
                Network(in key, isMask, value[36..]);
                break;
            case OvsKey.Arp:
                Put32(value, key.Ipv4SourceWire);
                Put32(value[4..], key.Ipv4DestinationWire);
                // A mask of all ones covers the high byte, which the key does not keep, too.
                value[8] = isMask && key.NetworkProtocol == 0xFF ? (byte)0xFF : (byte)0;
                value[9] = key.NetworkProtocol;
                key.ArpSource.CopyTo(value[10..]);
                key.ArpTarget.CopyTo(value[16..]);
                break;
            case OvsKey.Nd:
                key.NdTarget.CopyTo(value);
                key.ArpSource.CopyTo(value[16..]);
                key.ArpTarget.CopyTo(value[22..]);
                break;
            case OvsKey.NdExtensions:
                Put32(value, key.NdReservedWire);
                value[4] = key.NdOptionsType;
                break;
            case OvsKey.ConntrackTupleIpv4:
                Put32(value, key.ConntrackIpv4SourceWire);
                Put32(value[4..], key.ConntrackIpv4DestinationWire);
                Tuple(in key, value[8..]);
                break;
            case OvsKey.ConntrackTupleIpv6:
                key.ConntrackIpv6Source.CopyTo(value);
                key.ConntrackIpv6Destination.CopyTo(value[16..]);
                Tuple(in key, value[32..]);
                break;
        }
    }

    private static NetlinkFaultKind ReadBig(
        OvsKey attribute, ReadOnlySpan<byte> value, bool isMask, ref FlowKey key)
    {
        switch (attribute)
        {
            case OvsKey.Ipv4:
                key.Ipv4SourceWire = Get32(value);
                key.Ipv4DestinationWire = Get32(value[4..]);
                return ReadNetwork(value[8..], isMask, ref key);
            case OvsKey.Ipv6:
                key.Ipv6Source = Ipv6Bytes.From(value);
                key.Ipv6Destination = Ipv6Bytes.From(value[16..]);
                key.Ipv6LabelWire = Get32(value[32..]);
                return ReadNetwork(value[36..], isMask, ref key);
            case OvsKey.Arp:
                if (value[8] != 0 && !isMask) return NetlinkFaultKind.Value;
                key.Ipv4SourceWire = Get32(value);
                key.Ipv4DestinationWire = Get32(value[4..]);
                key.NetworkProtocol = value[9];
                key.ArpSource = MacBytes.From(value[10..]);
                key.ArpTarget = MacBytes.From(value[16..]);
                break;
            case OvsKey.Nd:
                key.NdTarget = Ipv6Bytes.From(value);
                key.ArpSource = MacBytes.From(value[16..]);
                key.ArpTarget = MacBytes.From(value[22..]);
                break;
            case OvsKey.NdExtensions:
                key.NdReservedWire = Get32(value);
                key.NdOptionsType = value[4];
                break;
            case OvsKey.ConntrackTupleIpv4:
                key.ConntrackIpv4SourceWire = Get32(value);
                key.ConntrackIpv4DestinationWire = Get32(value[4..]);
                ReadTuple(value[8..], ref key);
                break;
            case OvsKey.ConntrackTupleIpv6:
                key.ConntrackIpv6Source = Ipv6Bytes.From(value);
                key.ConntrackIpv6Destination = Ipv6Bytes.From(value[16..]);
                ReadTuple(value[32..], ref key);
                break;
        }

        return NetlinkFaultKind.None;
    }

    private static void Network(in FlowKey key, bool isMask, Span<byte> value)
    {
        value[0] = key.NetworkProtocol;
        value[1] = key.NetworkTos;
        value[2] = key.NetworkTtl;
        // The kernel's number cannot be masked by bit: any bit asked for masks all of it.
        value[3] = isMask
            ? (key.NetworkFragment != 0 ? (byte)0xFF : (byte)0)
            : key.NetworkFragment switch
            {
                0 => OvsFragment.None,
                FragmentBits.Any => OvsFragment.First,
                _ => OvsFragment.Later,
            };
    }

    private static NetlinkFaultKind ReadNetwork(
        ReadOnlySpan<byte> value, bool isMask, ref FlowKey key)
    {
        key.NetworkProtocol = value[0];
        key.NetworkTos = value[1];
        key.NetworkTtl = value[2];
        const byte Both = FragmentBits.Any | FragmentBits.Later;
        if (isMask)
        {
            key.NetworkFragment = value[3] != 0 ? Both : (byte)0;
            return NetlinkFaultKind.None;
        }

        if (value[3] > OvsFragment.Later) return NetlinkFaultKind.Value;
        key.NetworkFragment = value[3] == OvsFragment.Later ? Both : value[3];
        return NetlinkFaultKind.None;
    }

    private static void Tuple(in FlowKey key, Span<byte> value)
    {
        Put16(value, key.ConntrackPortSourceWire);
        Put16(value[2..], key.ConntrackPortDestinationWire);
        value[4] = key.ConntrackProtocol;
    }

    private static void ReadTuple(ReadOnlySpan<byte> value, ref FlowKey key)
    {
        key.ConntrackPortSourceWire = Get16(value);
        key.ConntrackPortDestinationWire = Get16(value[2..]);
        key.ConntrackProtocol = value[4];
    }

    /// <summary>A byte of ICMP in a 16-bit field in wire order; a full mask fills it.</summary>
    private static ushort Widen(byte value, bool isMask) =>
        isMask && value == 0xFF ? (ushort)0xFFFF : (ushort)(value << 8);

    private static void Put16(Span<byte> bytes, ushort value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);

    private static void Put32(Span<byte> bytes, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);

    private static void PutHost(Span<byte> bytes, uint valueWire) =>
        BinaryPrimitives.WriteUInt32BigEndian(bytes, valueWire);

    private static ushort Get16(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static uint Get32(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static uint GetHost(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
