using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Fabric.Datapath;

/// <summary>
/// Finds the reply tuple of a connection to be translated: one that nobody uses yet.
/// </summary>
/// <remarks>
/// Addresses are chosen by a hash of the two ends (so one client keeps one address), ports start
/// at the connection's own where the range allows, else at a hash or random point, and walk the
/// range once, then the next address. Ports 0-1023 stay within themselves when no range is asked
/// for, as RFC 4787 (REQ-3) and OVS want it.
/// </remarks>
internal static class NatAllocator
{
    private const int TriesPerAddressMax = 4096;
    private const int AddressesMax = 256;

    /// <summary>Sets 'reply' to a free tuple.</summary>
    /// <param name="isFree">True when no connection has this key.</param>
    /// <returns>False when the range is used up.</returns>
    public static bool TryChoose(
        in ConntrackKey original, NatSpec spec, ulong entropy, ConntrackKeyTest isFree,
        out ConntrackKey reply)
    {
        reply = original.Reversed();
        if (spec.Type == NatType.None) return isFree(reply);

        var isSource = spec.Type == NatType.Source;
        var addressCount = AddressCountOf(spec);
        var hash = spec.RandomPorts ? entropy : HashOf(original, spec, entropy);
        for (ulong i = 0; i < Math.Min(addressCount, AddressesMax); i++)
        {
            if (spec.AddressMin is not null && !IsAllZero(spec.AddressMin))
            {
                var address = ConntrackKey.FromAddress(
                    Offset(spec.AddressMin, (hash + i) % addressCount));
                if (isSource) reply.Destination = address;
                else reply.Source = address;
            }

            if (TryPorts(original, spec, hash, isSource, isFree, ref reply)) return true;
        }

        return false;
    }

    private static bool TryPorts(
        in ConntrackKey original, NatSpec spec, ulong hash, bool isSource,
        ConntrackKeyTest isFree, ref ConntrackKey reply)
    {
        if (!original.HasPorts && !original.IsIcmp) return isFree(reply);

        var own = BinaryPrimitives.ReverseEndianness(
            isSource ? original.PortSourceWire : original.PortDestinationWire);
        var (min, max) = RangeOf(spec, own, isSource, original.IsIcmp);
        var count = max - min + 1;
        var start = own >= min && own <= max && !spec.RandomPorts
            ? own - min
            : (int)(hash % (uint)count);

        for (var i = 0; i < Math.Min(count, TriesPerAddressMax); i++)
        {
            var port = BinaryPrimitives.ReverseEndianness((ushort)(min + ((start + i) % count)));
            if (original.IsIcmp) reply.PortSourceWire = reply.PortDestinationWire = port;
            else if (isSource) reply.PortDestinationWire = port;
            else reply.PortSourceWire = port;
            if (isFree(reply)) return true;
        }

        return false;
    }

    private static (int Min, int Max) RangeOf(NatSpec spec, int own, bool isSource, bool isIcmp)
    {
        if (spec.PortMin != 0 && !isIcmp)
        {
            return (spec.PortMin, Math.Max(spec.PortMin, spec.PortMax));
        }

        if (isIcmp) return (0, 65535);
        if (!isSource) return (own, own); // DNAT without ports keeps the port.
        return own < 512 ? (1, 511) : own < 1024 ? (512, 1023) : (1024, 65535);
    }

    private static ulong AddressCountOf(NatSpec spec)
    {
        if (spec.AddressMin is null || spec.AddressMax is null) return 1;
        var (min, max) = (Low64(spec.AddressMin), Low64(spec.AddressMax));
        return max < min ? 1 : max - min == ulong.MaxValue ? ulong.MaxValue : max - min + 1;
    }

    private static ulong Low64(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var size);
        return size == 4
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
    }

    private static IPAddress Offset(IPAddress address, ulong offset)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var size);
        if (size == 4)
        {
            var value = BinaryPrimitives.ReadUInt32BigEndian(bytes) + (uint)offset;
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        }
        else
        {
            var value = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) + offset;
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], value);
        }

        return new IPAddress(bytes[..size]);
    }

    private static bool IsAllZero(IPAddress address) =>
        address.Equals(address.AddressFamily == AddressFamily.InterNetwork
            ? IPAddress.Any
            : IPAddress.IPv6Any);

    private static ulong HashOf(in ConntrackKey original, NatSpec spec, ulong entropy)
    {
        var key = original;
        if (!spec.HashPorts) key.PortSourceWire = key.PortDestinationWire = 0;
        return key.HashWith(spec.Persistent ? 0 : entropy);
    }
}

internal delegate bool ConntrackKeyTest(in ConntrackKey key);
