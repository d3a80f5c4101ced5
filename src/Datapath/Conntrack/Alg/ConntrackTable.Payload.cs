using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Payload of control channels: text replaced, lengths and checksums kept right.</summary>
public sealed partial class ConntrackTable
{
    /// <summary>Replaces text in the packet, which grows or shrinks.</summary>
    /// <param name="at">In bytes from the transport header.</param>
    /// <returns>By how many bytes the packet grew; 0 also when there was no room.</returns>
    private int Replace(ref TrackingRun run, int at, int size, string text)
    {
        Span<byte> fresh = stackalloc byte[64];
        var freshSize = Encoding.ASCII.GetBytes(text, fresh);
        var packet = run.Packet;
        var difference = freshSize - size;
        var position = run.Offset + at
            + (run.Tracked.Network.Length - run.Tracked.Transport.Length);
        var total = run.Tracked.Network.Length + difference;
        if (packet.Size + difference > packet.Storage.Length || total > ushort.MaxValue)
        {
            RefuseLine(ref run);
            return 0;
        }

        var tail = packet.Size - position - size;
        if (difference > 0) packet.SetSize(packet.Size + difference);
        var bytes = packet.Bytes;
        bytes.Slice(position + size, tail).CopyTo(bytes[(position + freshSize)..]);
        fresh[..freshSize].CopyTo(bytes[position..]);
        if (difference < 0) packet.SetSize(packet.Size + difference);
        SetLength(packet, run.Offset, total, run.Tracked.IsIpv6);
        TrackedPacket.TryParse(packet.Bytes[run.Offset..], isQuoted: false, out run.Tracked);
        return difference;
    }

    /// <param name="total">Size of the IP packet in bytes.</param>
    private static void SetLength(PacketBuffer packet, int offset, int total, bool isIpv6)
    {
        var network = packet.Bytes[offset..];
        if (isIpv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(network[4..], (ushort)(total - 40));
            return;
        }

        var before = MemoryMarshal.Read<ushort>(network[2..]);
        var after = BinaryPrimitives.ReverseEndianness((ushort)total);
        var sum = InternetChecksum.Update(
            MemoryMarshal.Read<ushort>(network[10..]), before, after);
        MemoryMarshal.Write(network[10..], in sum);
        MemoryMarshal.Write(network[2..], in after);
    }

    /// <summary>Computes the TCP checksum anew, or only its pseudo-header's part.</summary>
    private static void SumTransport(ref TrackingRun run)
    {
        var tcp = run.Tracked.Transport;
        var network = run.Tracked.Network;
        var addresses = run.Tracked.IsIpv6 ? network.Slice(8, 32) : network.Slice(12, 8);
        var sum = InternetChecksum.PseudoHeader(addresses, run.Tracked.Protocol, tcp.Length);
        tcp[16] = tcp[17] = 0;
        var folded = run.Packet.ChecksumStart >= 0
            ? InternetChecksum.Fold(sum)
            : (ushort)~InternetChecksum.Fold(InternetChecksum.Add(tcp, sum));
        MemoryMarshal.Write(tcp[16..], in folded);
    }
}
