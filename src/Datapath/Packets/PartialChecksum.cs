using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Finds checksums that a sender on this machine left to the hardware, where no descriptor says so.
/// </summary>
/// <remarks>
/// Such a field holds the pseudo-header's sum alone. A finished checksum is equal to that once in
/// 65,536 packets, and finishing it again gives the same: nothing but a damaged packet's sum can be
/// taken for another, and of those as few.
/// </remarks>
internal static class PartialChecksum
{
    private const int TcpField = 16;
    private const int UdpField = 6;

    /// <summary>Notes where the checksum goes, if it is one that is not finished.</summary>
    public static void Mark(PacketBuffer packet)
    {
        if (!TrackedPacket.TryParseFrame(packet.Bytes, out var tracked, out var offset)) return;
        var field = tracked.Protocol switch
        {
            IpProtocol.Tcp => TcpField,
            IpProtocol.Udp => UdpField,
            _ => -1,
        };
        if (field < 0) return;

        var network = tracked.Network;
        var transport = tracked.Transport;
        var addresses = tracked.IsIpv6 ? network.Slice(8, 32) : network.Slice(12, 8);
        var sum = InternetChecksum.PseudoHeader(addresses, tracked.Protocol, transport.Length);
        var held = MemoryMarshal.Read<ushort>(transport[field..]);
        if (held == 0 || held != InternetChecksum.Fold(sum)) return; // UDP's zero means "none".
        packet.ChecksumStart = offset + network.Length - transport.Length;
        packet.ChecksumOffset = field;
    }
}
