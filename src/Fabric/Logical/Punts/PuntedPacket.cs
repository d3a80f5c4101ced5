using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <summary>A packet that a flow handed to the control plane, read.</summary>
/// <param name="Metadata">Registers and so on, as the flow left them.</param>
/// <param name="Key">The packet's headers.</param>
/// <param name="Layout">Where they are in <paramref name="Bytes"/>.</param>
internal sealed record PuntedPacket(
    byte[] Bytes, Match Metadata, FlowKey Key, PacketLayout Layout)
{
    /// <summary>False when the bytes are no packet.</summary>
    public static bool TryRead(OfPacketIn packetIn, out PuntedPacket packet)
    {
        var bytes = packetIn.Packet.AsSpan().ToArray();
        var key = default(FlowKey);
        var isPacket = FlowKeyExtractor.TryExtract(bytes, ref key, out var layout, out _);
        packet = new PuntedPacket(bytes, packetIn.Metadata, key, layout);
        return isPacket;
    }

    private readonly FlowKey _key = Key;

    /// <summary>The headers, without copying them.</summary>
    public ref readonly FlowKey KeyRef => ref _key;

    /// <summary>The logical datapath's key.</summary>
    public uint Datapath => (uint)Value(LogicalFields.DatapathKey);

    public uint Inport => (uint)Value(LogicalFields.Inport);
    public uint Outport => (uint)Value(LogicalFields.Outport);

    /// <summary>Bits of a register as the flow left them.</summary>
    public UInt128 Value(Subfield part)
    {
        if (part.Field.Registers.IsEmpty) return Stored(part.Field) >> part.Offset
            & MatchField.LowBits(part.Width);
        UInt128 whole = 0;
        foreach (var register in part.Field.Registers) whole = (whole << 32) | Stored(register);
        return whole >> part.Offset & MatchField.LowBits(part.Width);
    }

    private UInt128 Stored(MatchField field) =>
        Metadata.TryGet(field, out var entry) ? entry.Value : 0;

    /// <summary>Bytes behind the network header up to the end of the packet.</summary>
    public ReadOnlySpan<byte> Network => Layout.NetworkOffset < 0
        ? default
        : Bytes.AsSpan(Layout.NetworkOffset..Layout.EndOffset);

    /// <summary>Data of a UDP datagram; empty for anything else.</summary>
    public ReadOnlySpan<byte> UdpData
    {
        get
        {
            const int headerSize = 8;
            var isWhole = Key.NetworkProtocol == IpProtocol.Udp && Layout.TransportOffset >= 0
                && Layout.TransportOffset + headerSize <= Layout.EndOffset;
            return isWhole
                ? Bytes.AsSpan((Layout.TransportOffset + headerSize)..Layout.EndOffset)
                : default;
        }
    }

    public IpPrefix Source => Key.IsIpv6
        ? Of(Key.Ipv6Source)
        : IpPrefix.V4(Key.Ipv4Source);

    private static IpPrefix Of(Ipv6Bytes address) =>
        IpPrefix.TryParse(address.ToString(), out var ip) ? ip : default;
}
