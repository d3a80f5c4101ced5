using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Makes a packet carry another tuple: addresses, ports or id, and all checksums.
/// </summary>
internal static class NatRewriter
{
    /// <summary>Rewrites 'packet' so that its key becomes 'wanted' (zone and type aside).</summary>
    /// <param name="isChecksumPartial">
    /// The transport checksum holds only the pseudo header's sum: ports do not enter it.
    /// </param>
    /// <returns>True when any byte changed.</returns>
    public static bool Rewrite(
        TrackedPacket packet, in ConntrackKey wanted, bool isChecksumPartial)
    {
        var changed = RewriteAddress(packet, packet.SourceAddress, wanted.Source, wanted.IsIpv6,
            isChecksumPartial);
        changed |= RewriteAddress(packet, packet.DestinationAddress, wanted.Destination,
            wanted.IsIpv6, isChecksumPartial);

        if (wanted.HasPorts)
        {
            changed |= RewritePort(packet, 0, wanted.PortSourceWire, isChecksumPartial);
            changed |= RewritePort(packet, 2, wanted.PortDestinationWire, isChecksumPartial);
        }
        else if (wanted.IsIcmp && !packet.IsIcmpError)
        {
            changed |= RewritePort(packet, 4, wanted.PortSourceWire, isChecksumPartial);
        }

        return changed;
    }

    private static bool RewriteAddress(
        TrackedPacket packet, Span<byte> current, Ipv6Bytes wanted, bool isIpv6,
        bool isChecksumPartial)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes.Size];
        wanted.CopyTo(bytes);
        if (!isIpv6) bytes = bytes[12..];
        if (current.SequenceEqual(bytes)) return false;

        for (var i = 0; i < bytes.Length; i += 2)
        {
            var before = MemoryMarshal.Read<ushort>(current[i..]);
            var after = MemoryMarshal.Read<ushort>(bytes[i..]);
            if (!packet.IsIpv6) Patch(packet.Network[10..], before, after);
            PatchTransport(packet, before, after, isPseudoHeader: true, isChecksumPartial);
        }

        bytes.CopyTo(current);
        return true;
    }

    private static bool RewritePort(
        TrackedPacket packet, int offset, ushort wantedWire, bool isChecksumPartial)
    {
        var field = packet.Transport[offset..];
        var before = MemoryMarshal.Read<ushort>(field);
        if (before == wantedWire) return false;
        PatchTransport(packet, before, wantedWire, isPseudoHeader: false, isChecksumPartial);
        MemoryMarshal.Write(field, in wantedWire);
        return true;
    }

    /// <summary>Keeps the transport checksum right when one 16-bit word changes.</summary>
    private static void PatchTransport(
        TrackedPacket packet, ushort before, ushort after, bool isPseudoHeader,
        bool isChecksumPartial)
    {
        var (offset, hasPseudoHeader) = packet.Protocol switch
        {
            ConntrackKey.ProtocolTcp => (16, true),
            ConntrackKey.ProtocolUdp => (6, true),
            ConntrackKey.ProtocolIcmp => (2, false),
            ConntrackKey.ProtocolIcmpv6 => (2, true),
            _ => (-1, false),
        };
        if (offset < 0 || (isPseudoHeader && !hasPseudoHeader)) return;
        if (packet.Transport.Length < offset + 2) return;

        var field = packet.Transport[offset..];
        if (isChecksumPartial)
        {
            // The field is the sum itself, not its complement, and of the pseudo header only.
            if (isPseudoHeader) PatchSum(field, before, after);
            return;
        }

        var isUdp = packet.Protocol == ConntrackKey.ProtocolUdp;
        if (isUdp && MemoryMarshal.Read<ushort>(field) == 0) return; // No checksum in use.
        Patch(field, before, after);
        if (isUdp && MemoryMarshal.Read<ushort>(field) == 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(field, 0xFFFF);
        }
    }

    /// <summary>RFC 1624, equation 3: HC' = ~(~HC + ~m + m').</summary>
    private static void Patch(Span<byte> field, ushort before, ushort after)
    {
        var sum = (uint)(ushort)~MemoryMarshal.Read<ushort>(field);
        sum += (uint)(ushort)~before + after;
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        var result = (ushort)~sum;
        MemoryMarshal.Write(field, in result);
    }

    private static void PatchSum(Span<byte> field, ushort before, ushort after)
    {
        var sum = (uint)MemoryMarshal.Read<ushort>(field) + (ushort)~before + after;
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        var result = (ushort)sum;
        MemoryMarshal.Write(field, in result);
    }

    /// <summary>
    /// Translates an ICMP error: one of its addresses, and the packet that it quotes.
    /// </summary>
    /// <param name="error">The ICMP packet.</param>
    /// <param name="wanted">
    /// The key that a packet of the connection going the error's way would get; the quoted one went
    /// the other way and gets its reverse.
    /// </param>
    /// <param name="isSource">
    /// The source is what is translated this way, else the destination.
    /// </param>
    /// <remarks>An error's other address may be any router's and stays.</remarks>
    public static bool RewriteError(
        TrackedPacket error, in ConntrackKey wanted, bool isSource)
    {
        var changed = false;
        var inner = error.Transport[8..];
        if (TrackedPacket.TryParse(inner, isQuoted: true, out var packet))
        {
            changed |= Rewrite(packet, wanted.Reversed(), isChecksumPartial: false);
        }

        changed |= isSource
            ? RewriteAddress(error, error.SourceAddress, wanted.Source, wanted.IsIpv6, false)
            : RewriteAddress(
                error, error.DestinationAddress, wanted.Destination, wanted.IsIpv6, false);
        if (changed) SumIcmp(error);
        return changed;
    }

    /// <summary>Computes the ICMP checksum anew: many quoted bytes changed.</summary>
    private static void SumIcmp(TrackedPacket packet)
    {
        var icmp = packet.Transport;
        icmp[2] = icmp[3] = 0;
        ulong sum = 0;
        if (packet.IsIpv6)
        {
            sum = Sum(packet.SourceAddress) + Sum(packet.DestinationAddress)
                + (uint)icmp.Length + ConntrackKey.ProtocolIcmpv6;
        }

        sum += Sum(icmp);
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], (ushort)~sum);
    }

    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        for (; bytes.Length >= 2; bytes = bytes[2..])
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        }

        return bytes.Length == 1 ? sum + (uint)(bytes[0] << 8) : sum;
    }
}
