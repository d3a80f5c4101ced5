using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Which datagram of which zone a fragment belongs to.</summary>
internal readonly record struct FragmentKey(
    Ipv6Bytes Source, Ipv6Bytes Destination, uint Identification, byte Protocol, ushort Zone,
    bool IsIpv6);

/// <summary>One IP fragment's place in its datagram (RFC 791 section 3.2, RFC 8200 4.5).</summary>
/// <param name="NetworkOffset">Where the IP header begins in the frame, in bytes.</param>
/// <param name="HeaderSize">
/// From there to the fragment's data; with IPv6's fragment header.
/// </param>
/// <param name="FragmentHeaderOffset">IPv6: where its fragment header begins, else 0.</param>
/// <param name="Start">Where its data belongs in the datagram, in bytes.</param>
/// <param name="Size">Size of its data in bytes.</param>
internal readonly record struct FragmentView(
    int NetworkOffset, int HeaderSize, int FragmentHeaderOffset, int Start, int Size,
    bool HasMore, FragmentKey Key)
{
    private const int DatagramSizeMax = 65_535;

    public int End => Start + Size;

    /// <summary>False for what is no fragment, is cut, or cannot be part of any datagram.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> frame, int networkOffset, ushort zone, out FragmentView view)
    {
        view = default;
        if (networkOffset < 0 || frame.Length < networkOffset + 20) return false;
        var network = frame[networkOffset..];
        var isParsed = (network[0] >> 4) switch
        {
            4 => TryParseIpv4(network, networkOffset, zone, out view),
            6 => TryParseIpv6(network, networkOffset, zone, out view),
            _ => false,
        };
        return isParsed && view.Size > 0
            && (!view.HasMore || view.Size % 8 == 0)
            && view.HeaderSize + view.End <= DatagramSizeMax;
    }

    private static bool TryParseIpv4(
        ReadOnlySpan<byte> network, int offset, ushort zone, out FragmentView view)
    {
        view = default;
        var header = (network[0] & 0x0F) * 4;
        var total = BinaryPrimitives.ReadUInt16BigEndian(network[2..]);
        if (header < 20 || total < header || total > network.Length) return false;
        if (InternetChecksum.ComputeWire(network[..header]) != 0) return false;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(network[6..]);
        if ((flags & 0x3FFF) == 0) return false;
        var key = new FragmentKey(
            ConntrackKey.FromIpv4(MemoryMarshal.Read<uint>(network[12..])),
            ConntrackKey.FromIpv4(MemoryMarshal.Read<uint>(network[16..])),
            BinaryPrimitives.ReadUInt16BigEndian(network[4..]), network[9], zone, false);
        view = new FragmentView(
            offset, header, 0, (flags & 0x1FFF) * 8, total - header, (flags & 0x2000) != 0, key);
        return true;
    }

    private static bool TryParseIpv6(
        ReadOnlySpan<byte> network, int offset, ushort zone, out FragmentView view)
    {
        view = default;
        if (network.Length < 40) return false;
        var total = 40 + BinaryPrimitives.ReadUInt16BigEndian(network[4..]);
        if (total > network.Length) return false;
        var next = network[6];
        var at = 40;
        for (var count = 0; count < 8 && next is 0 or 43 or 60; count++)
        {
            if (total < at + 8) return false;
            next = network[at];
            at += (network[at + 1] + 1) * 8;
        }

        if (next != 44 || total < at + 8) return false;
        var place = BinaryPrimitives.ReadUInt16BigEndian(network[(at + 2)..]);
        var key = new FragmentKey(
            Ipv6Bytes.From(network[8..]), Ipv6Bytes.From(network[24..]),
            BinaryPrimitives.ReadUInt32BigEndian(network[(at + 4)..]), network[at], zone, true);
        view = new FragmentView(
            offset, at + 8, at, place & 0xFFF8, total - at - 8, (place & 1) != 0, key);
        return true;
    }
}
