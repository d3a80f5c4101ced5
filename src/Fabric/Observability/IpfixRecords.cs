using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;
using Fabric.Wire.Control;

namespace Fabric.Observability;

/// <summary>Which headers a record tells of: each combination has its own template.</summary>
[Flags]
internal enum IpfixShape : ushort
{
    None = 0, Tagged = 1, Ipv4 = 2, Ipv6 = 4, Ports = 8, Icmp = 16,
}

/// <summary>Records and templates by IANA's IPFIX information elements.</summary>
/// <remarks>
/// A record is the flow's key (who, from where, to where), which also is the key of the cache, and
/// behind it when and how much.
/// </remarks>
internal static class IpfixRecords
{
    /// <summary>Bytes at the end of each record that are not part of its key.</summary>
    public const int CountersSize = 25;

    private const ushort TemplateFirst = 256;
    private const byte Ingress = 0, Egress = 1;
    private const byte EthernetHeader = 14, TagSize = 4;

    private static readonly ImmutableArray<IpfixField> Common =
    [
        new(138, 4), // observationPointId
        new(61, 1), // flowDirection
        new(10, 4), // ingressInterface
        new(14, 4), // egressInterface
        new(56, 6), // sourceMacAddress
        new(80, 6), // destinationMacAddress
        new(256, 2), // ethernetType
        new(240, 1), // ethernetHeaderLength
    ];

    private static readonly ImmutableArray<IpfixField> Tag =
    [
        new(58, 2), // vlanId
        new(243, 2), // dot1qVlanId
        new(244, 1), // dot1qPriority
    ];

    private static readonly ImmutableArray<IpfixField> Network =
    [
        new(60, 1), // ipVersion
        new(192, 1), // ipTTL
        new(4, 1), // protocolIdentifier
        new(5, 1), // ipClassOfService
    ];

    private static readonly ImmutableArray<IpfixField> Counters =
    [
        new(158, 4), // flowStartDeltaMicroseconds
        new(159, 4), // flowEndDeltaMicroseconds
        new(2, 8), // packetDeltaCount
        new(1, 8), // octetDeltaCount
        new(136, 1), // flowEndReason
    ];

    public static ushort TemplateOf(IpfixShape shape) => (ushort)(TemplateFirst + (ushort)shape);

    public static ImmutableArray<IpfixField> FieldsOf(IpfixShape shape)
    {
        var fields = new List<IpfixField>();
        fields.AddRange(Common);
        if (shape.HasFlag(IpfixShape.Tagged)) fields.AddRange(Tag);
        if (shape.HasFlag(IpfixShape.Ipv4)) fields.AddRange([.. Network, new(8, 4), new(12, 4)]);
        if (shape.HasFlag(IpfixShape.Ipv6))
        {
            fields.AddRange([.. Network, new(27, 16), new(28, 16), new(31, 4)]);
        }

        if (shape.HasFlag(IpfixShape.Ports)) fields.AddRange([new(7, 2), new(11, 2)]);
        if (shape.HasFlag(IpfixShape.Icmp))
        {
            fields.AddRange(shape.HasFlag(IpfixShape.Ipv4)
                ? [new(176, 1), new(177, 1)] : [new(178, 1), new(179, 1)]);
        }

        fields.AddRange(Counters);
        return [.. fields];
    }

    public static IpfixShape ShapeOf(in FlowKey key)
    {
        var shape = key.VlanTci0Wire == 0 ? IpfixShape.None : IpfixShape.Tagged;
        if (!key.IsIpv4 && !key.IsIpv6) return shape;
        shape |= key.IsIpv4 ? IpfixShape.Ipv4 : IpfixShape.Ipv6;
        return key.NetworkProtocol switch
        {
            IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp => shape | IpfixShape.Ports,
            IpProtocol.Icmp when key.IsIpv4 => shape | IpfixShape.Icmp,
            IpProtocol.Icmpv6 when key.IsIpv6 => shape | IpfixShape.Icmp,
            _ => shape,
        };
    }

    /// <summary>The part of a record that tells flows apart.</summary>
    /// <param name="output">Port by which it leaves; null: it was seen coming in.</param>
    public static byte[] KeyOf(in FlowKey key, uint point, uint input, uint? output)
    {
        var shape = ShapeOf(in key);
        var writer = new Writer(FieldsOf(shape).Sum(field => field.Size) - CountersSize);
        writer.Number(point);
        writer.Byte(output is null ? Ingress : Egress);
        writer.Number(input);
        writer.Number(output ?? 0);
        writer.Wire(key.EthernetSource);
        writer.Wire(key.EthernetDestination);
        writer.Wire(key.EthernetTypeWire);
        writer.Byte(shape.HasFlag(IpfixShape.Tagged)
            ? (byte)(EthernetHeader + TagSize) : EthernetHeader);
        if (shape.HasFlag(IpfixShape.Tagged))
        {
            var tci = BinaryPrimitives.ReverseEndianness(key.VlanTci0Wire);
            writer.Short((ushort)(tci & 0xFFF));
            writer.Short((ushort)(tci & 0xFFF));
            writer.Byte((byte)(tci >> 13));
        }

        WriteNetwork(ref writer, in key, shape);
        return writer.Bytes;
    }

    private static void WriteNetwork(ref Writer writer, in FlowKey key, IpfixShape shape)
    {
        if ((shape & (IpfixShape.Ipv4 | IpfixShape.Ipv6)) == 0) return;
        writer.Byte(key.IsIpv4 ? (byte)4 : (byte)6);
        writer.Byte(key.NetworkTtl);
        writer.Byte(key.NetworkProtocol);
        writer.Byte(key.NetworkTos);
        if (key.IsIpv4)
        {
            writer.Wire(key.Ipv4SourceWire);
            writer.Wire(key.Ipv4DestinationWire);
        }
        else
        {
            writer.Wire(key.Ipv6Source);
            writer.Wire(key.Ipv6Destination);
            writer.Wire(key.Ipv6LabelWire);
        }

        if (shape.HasFlag(IpfixShape.Ports))
        {
            writer.Wire(key.PortSourceWire);
            writer.Wire(key.PortDestinationWire);
        }
        else if (shape.HasFlag(IpfixShape.Icmp))
        {
            writer.Byte((byte)key.PortSource);
            writer.Byte((byte)key.PortDestination);
        }
    }

    private struct Writer(int size)
    {
        private int _at;

        public byte[] Bytes { get; } = new byte[size];

        public void Byte(byte value) => Bytes[_at++] = value;

        public void Short(ushort value) => Wire(BinaryPrimitives.ReverseEndianness(value));

        public void Number(uint value) => Wire(BinaryPrimitives.ReverseEndianness(value));

        /// <summary>What is in network byte order already.</summary>
        public void Wire<T>(T value)
            where T : unmanaged
        {
            MemoryMarshal.Write(Bytes.AsSpan(_at), in value);
            _at += Marshal.SizeOf<T>();
        }
    }
}
