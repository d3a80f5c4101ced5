using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>struct virtio_net_hdr: offload state of a packet to and from the kernel.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Size)]
internal struct VnetHeader
{
    public const int Size = 10;

    private const byte NeedsChecksum = 1;
    private const byte DataValid = 2;
    private const byte GsoTcp4 = 1;
    private const byte GsoTcp6 = 4;
    private const byte GsoUdp = 5;

    private byte _flags;
    private byte _gsoType;
    private ushort _headerSize;
    private ushort _gsoSize;
    private ushort _checksumStart;
    private ushort _checksumOffset;

    /// <summary>Offload state of 'packet' for the kernel.</summary>
    public static VnetHeader From(PacketBuffer packet)
    {
        VnetHeader header = default;
        if (packet.ChecksumStart >= 0)
        {
            header._flags = NeedsChecksum;
            header._checksumStart = (ushort)packet.ChecksumStart;
            header._checksumOffset = (ushort)packet.ChecksumOffset;
        }
        else if (packet.IsChecksumValid)
        {
            header._flags = DataValid;
        }

        if (packet.Gso == GsoKind.None || packet.SegmentSize == 0) return header;
        header._gsoSize = packet.SegmentSize;
        header._gsoType = packet.Gso switch
        {
            GsoKind.TcpIpv4 => GsoTcp4,
            GsoKind.TcpIpv6 => GsoTcp6,
            _ => GsoUdp,
        };
        header._headerSize = (ushort)HeaderSizeOf(packet);
        return header;
    }

    /// <summary>Takes the kernel's description over; false when it makes no sense.</summary>
    public readonly bool TryApply(PacketBuffer packet)
    {
        packet.IsChecksumValid = (_flags & DataValid) != 0;
        if ((_flags & NeedsChecksum) != 0)
        {
            if (_checksumStart + _checksumOffset + 2 > packet.Size) return false;
            packet.ChecksumStart = _checksumStart;
            packet.ChecksumOffset = _checksumOffset;
        }

        packet.Gso = (_gsoType & 0x7F) switch
        {
            GsoTcp4 => GsoKind.TcpIpv4,
            GsoTcp6 => GsoKind.TcpIpv6,
            GsoUdp => GsoKind.Udp,
            _ => GsoKind.None,
        };
        packet.SegmentSize = packet.Gso == GsoKind.None ? (ushort)0 : _gsoSize;
        return true;
    }

    /// <summary>Link, network and transport headers: the checksum starts at the last.</summary>
    private static int HeaderSizeOf(PacketBuffer packet)
    {
        var start = packet.ChecksumStart;
        if (start < 0) return 0;
        if (packet.Gso == GsoKind.Udp) return start + 8;
        var bytes = packet.Bytes;
        return start + 12 < bytes.Length ? start + ((bytes[start + 12] >> 4) * 4) : start;
    }
}
