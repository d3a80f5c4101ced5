using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Fabric.Datapath;

/// <summary>
/// Finds the reply tuple of a connection to be translated: one that nobody uses yet.
/// </summary>
/// <remarks>
/// Addresses are chosen by a hash of the two ends (so one client keeps one address). Without a
/// range
/// of ports the connection's own is tried first, with one a point of it by hash or at random; then
/// the next ones, then the next address.
/// </remarks>
internal static class NatAllocator
{
    /// <summary>Ports tried one after the other for one address, before random ones.</summary>
    private const int TriesInRowMax = 512;
    private const int TriesRandomMax = 128;
    private const int AddressesMax = 256;

    /// <summary>Sets 'reply' to a free tuple.</summary>
    /// <param name="isFree">True when no connection has this key.</param>
    /// <returns>False when the range is used up, or seems so after hundreds of tries.</returns>
    public static bool TryChoose(
        in ConntrackKey original, NatSpec spec, ulong entropy, ConntrackKeyTest isFree,
        out ConntrackKey reply)
    {
        reply = original.Reversed();
        var addressCount = AddressCountOf(spec);
        var hash = spec.RandomPorts ? entropy : HashOf(original, spec, entropy);
        for (ulong i = 0; i < Math.Min(addressCount, AddressesMax); i++)
        {
            reply = original.Reversed();
            if (spec.AddressMin is not null && !IsAllZero(spec.AddressMin))
            {
                var address = ConntrackKey.FromAddress(
                    Offset(spec.AddressMin, (hash + i) % addressCount));
                if (spec.Type == NatType.Source) reply.Destination = address;
                else reply.Source = address;
            }

            var ports = (spec.PortMin, Math.Max(spec.PortMin, spec.PortMax));
            if (TryPorts(original, ports, hash, spec.Type, isFree, ref reply)) return true;
        }

        return false;
    }

    /// <summary>Finds ports (or an echo identifier) with which 'reply' is free.</summary>
    /// <param name="ports">The range asked for; (0, 0): none.</param>
    public static bool TryPorts(
        in ConntrackKey original, (ushort Min, ushort Max) ports, ulong hash, NatType type,
        ConntrackKeyTest isFree, ref ConntrackKey reply)
    {
        if (!original.HasPorts && !original.IsIcmp) return isFree(reply);
        if (type == NatType.Destination && original.HasPorts)
        {
            var own = BinaryPrimitives.ReverseEndianness(original.PortDestinationWire);
            var (min, max) = ports.Min != 0 ? ports : (own, own);
            var first = ports.Min != 0 ? min + (int)(hash % (uint)(max - min + 1)) : own;
            if (TryRange(ref reply.PortSourceWire, min, max, first, hash, isFree, ref reply))
            {
                return true;
            }

            // All taken: the client's port may change instead.
            reply.PortSourceWire = BinaryPrimitives.ReverseEndianness((ushort)first);
            ports = default;
        }

        var source = BinaryPrimitives.ReverseEndianness(original.PortSourceWire);
        var (low, high) = original.IsIcmp ? (0, 65535)
            : ports.Min != 0 ? (ports.Min, ports.Max)
            : RangeOf(source);
        var start = ports.Min != 0 && !original.IsIcmp
            ? low + (int)(hash % (uint)(high - low + 1))
            : source;
        if (!original.IsIcmp)
        {
            return TryRange(
                ref reply.PortDestinationWire, low, high, start, hash, isFree, ref reply);
        }

        for (var i = 0; i < TriesInRowMax; i++)
        {
            reply.PortSourceWire = reply.PortDestinationWire =
                BinaryPrimitives.ReverseEndianness((ushort)(start + i));
            if (isFree(reply)) return true;
        }

        return false;
    }

    /// <summary>Walks the range from 'start', then probes it at random.</summary>
    /// <param name="portWire">The field of 'reply' that is to change.</param>
    private static bool TryRange(
        ref ushort portWire, int min, int max, int start, ulong hash,
        ConntrackKeyTest isFree, ref ConntrackKey reply)
    {
        var count = max - min + 1;
        for (var i = 0; i < Math.Min(count, TriesInRowMax); i++)
        {
            var port = min + ((start - min + i + count) % count);
            portWire = BinaryPrimitives.ReverseEndianness((ushort)port);
            if (isFree(reply)) return true;
        }

        for (var i = 0; count > TriesInRowMax && i < TriesRandomMax; i++)
        {
            hash = (hash * 0x5851_F42D_4C95_7F2D) + 0x1405_7B7E_F767_814F;
            var port = min + (int)((hash >> 33) % (uint)count);
            portWire = BinaryPrimitives.ReverseEndianness((ushort)port);
            if (isFree(reply)) return true;
        }

        return false;
    }

    /// <summary>Where a source port may move: low ones stay low (RFC 4787, REQ-3).</summary>
    private static (int Min, int Max) RangeOf(int port) =>
        port < 512 ? (1, 511) : port < 1024 ? (600, 1023) : (1024, 65535);

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
