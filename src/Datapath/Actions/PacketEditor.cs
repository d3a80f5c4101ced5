using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Changes header fields in place: packet, key and checksums together.</summary>
/// <remarks>
/// Checksums are updated incrementally (RFC 1624). Of an unfinished checksum the field holds the
/// pseudo-header's sum: address changes go into it uncomplemented, port changes not at all.
/// The caller owns the packet's bytes. A packet without the header named is dropped.
/// </remarks>
internal static partial class PacketEditor
{
    private const int Ipv4ChecksumOffset = 10;

    public static DropReason SetEthernet(ref PacketRun run, SetEthernetAction set)
    {
        if (run.Key.PacketTypeWire != 0 || run.Packet.Size < 14) return DropReason.TranslationError;
        ref var key = ref run.Key;
        key.EthernetDestination = Masked(
            key.EthernetDestination, set.Destination, set.DestinationMask);
        key.EthernetSource = Masked(key.EthernetSource, set.Source, set.SourceMask);
        var bytes = run.Packet.Bytes;
        key.EthernetDestination.CopyTo(bytes);
        key.EthernetSource.CopyTo(bytes[6..]);
        return DropReason.None;
    }

    public static DropReason SetIpv4(ref PacketRun run, SetIpv4Action set)
    {
        if (!run.Key.IsIpv4 || run.Layout.NetworkOffset < 0) return DropReason.TranslationError;
        var header = run.Packet.Bytes[run.Layout.NetworkOffset..];

        if (set.SourceMaskWire != 0)
        {
            var source = Masked(run.Key.Ipv4SourceWire, set.SourceWire, set.SourceMaskWire);
            SetIpv4Address(ref run, header, 12, ref run.Key.Ipv4SourceWire, source);
        }

        if (set.DestinationMaskWire != 0)
        {
            var destination = Masked(
                run.Key.Ipv4DestinationWire, set.DestinationWire, set.DestinationMaskWire);
            SetIpv4Address(ref run, header, 16, ref run.Key.Ipv4DestinationWire, destination);
        }

        if (set.TosMask != 0) SetTos(ref run, set.Tos, set.TosMask);
        if (set.TtlMask != 0)
        {
            SetTtl(ref run, (byte)((run.Key.NetworkTtl & ~set.TtlMask) | (set.Ttl & set.TtlMask)));
        }

        return DropReason.None;
    }

    public static DropReason SetIpv6(ref PacketRun run, SetIpv6Action set)
    {
        if (!run.Key.IsIpv6 || run.Layout.NetworkOffset < 0) return DropReason.TranslationError;
        var header = run.Packet.Bytes[run.Layout.NetworkOffset..];

        if (set.SourceMask != default)
        {
            var source = Masked(run.Key.Ipv6Source, set.Source, set.SourceMask);
            SetIpv6Address(ref run, header, 8, ref run.Key.Ipv6Source, source);
        }

        if (set.DestinationMask != default)
        {
            var destination = Masked(
                run.Key.Ipv6Destination, set.Destination, set.DestinationMask);
            SetIpv6Address(ref run, header, 24, ref run.Key.Ipv6Destination, destination);
        }

        if (set.TosMask != 0) SetTos(ref run, set.Tos, set.TosMask);
        if (set.LabelMaskWire != 0)
        {
            var label = Masked(run.Key.Ipv6LabelWire, set.LabelWire, set.LabelMaskWire);
            label &= 0xFFFF_0F00; // Twenty bits, in wire order.
            ref var first = ref Unsafe.As<byte, uint>(ref header[0]);
            first = (first & ~0xFFFF_0F00) | label;
            run.Key.Ipv6LabelWire = label;
        }

        if (set.HopLimitMask != 0)
        {
            SetTtl(ref run, (byte)((run.Key.NetworkTtl & ~set.HopLimitMask)
                | (set.HopLimit & set.HopLimitMask)));
        }

        return DropReason.None;
    }

    public static DropReason DecrementTtl(ref PacketRun run)
    {
        if (run.Layout.NetworkOffset < 0 || !(run.Key.IsIpv4 || run.Key.IsIpv6))
        {
            return DropReason.TranslationError;
        }

        if (run.Key.NetworkTtl <= 1) return DropReason.TtlExceeded;
        SetTtl(ref run, (byte)(run.Key.NetworkTtl - 1));
        return DropReason.None;
    }

    /// <summary>DSCP and ECN of IPv4 and IPv6.</summary>
    public static void SetTos(ref PacketRun run, byte tos, byte mask)
    {
        if (run.Layout.NetworkOffset < 0) return;
        var header = run.Packet.Bytes[run.Layout.NetworkOffset..];
        var fresh = (byte)((run.Key.NetworkTos & ~mask) | (tos & mask));
        if (run.Key.IsIpv4)
        {
            SetIpv4Word(header, 0, (ushort)(header[0] | (fresh << 8)));
        }
        else if (run.Key.IsIpv6)
        {
            header[0] = (byte)((header[0] & 0xF0) | (fresh >> 4));
            header[1] = (byte)((header[1] & 0x0F) | (fresh << 4));
        }

        run.Key.NetworkTos = fresh;
    }

    private static void SetTtl(ref PacketRun run, byte ttl)
    {
        var header = run.Packet.Bytes[run.Layout.NetworkOffset..];
        if (run.Key.IsIpv4) SetIpv4Word(header, 8, (ushort)(ttl | (header[9] << 8)));
        else header[7] = ttl;
        run.Key.NetworkTtl = ttl;
    }

    /// <summary>One 16-bit word of an IPv4 header, and its checksum.</summary>
    private static void SetIpv4Word(Span<byte> header, int offset, ushort wordWire)
    {
        ref var word = ref Unsafe.As<byte, ushort>(ref header[offset]);
        ref var checksum = ref Unsafe.As<byte, ushort>(ref header[Ipv4ChecksumOffset]);
        checksum = InternetChecksum.Update(checksum, word, wordWire);
        word = wordWire;
    }

    private static void SetIpv4Address(
        ref PacketRun run, Span<byte> header, int offset, ref uint field, uint addressWire)
    {
        ref var address = ref Unsafe.As<byte, uint>(ref header[offset]);
        if (address == addressWire) return;
        ref var checksum = ref Unsafe.As<byte, ushort>(ref header[Ipv4ChecksumOffset]);
        checksum = InternetChecksum.Update(checksum, address, addressWire);
        Span<byte> fresh = stackalloc byte[4];
        MemoryMarshal.Write(fresh, addressWire);
        UpdatePseudoHeader(ref run, header.Slice(offset, 4), fresh);
        address = addressWire;
        field = addressWire;
    }

    private static void SetIpv6Address(
        ref PacketRun run, Span<byte> header, int offset, ref Ipv6Bytes field, Ipv6Bytes address)
    {
        if (field == address) return;
        Span<byte> fresh = stackalloc byte[Ipv6Bytes.Size];
        address.CopyTo(fresh);
        var old = header.Slice(offset, Ipv6Bytes.Size);
        UpdatePseudoHeader(ref run, old, fresh);
        fresh.CopyTo(old);
        field = address;
    }

    /// <summary>The transport checksum after bytes of its pseudo-header changed.</summary>
    private static void UpdatePseudoHeader(
        ref PacketRun run, scoped ReadOnlySpan<byte> old, scoped ReadOnlySpan<byte> fresh)
    {
        var field = ChecksumField(run);
        if (field < 0) return;
        var bytes = run.Packet.Bytes;
        if (field + 2 > bytes.Length) return;

        ref var checksum = ref Unsafe.As<byte, ushort>(ref bytes[field]);
        if (run.Packet.ChecksumStart >= 0)
        {
            checksum = (ushort)~InternetChecksum.Update((ushort)~checksum, old, fresh);
            return;
        }

        if (run.Key.NetworkProtocol == IpProtocol.Udp && checksum == 0) return;
        checksum = InternetChecksum.Update(checksum, old, fresh);
        if (checksum == 0 && run.Key.NetworkProtocol == IpProtocol.Udp) checksum = 0xFFFF;
    }

    /// <summary>Where the checksum that covers the addresses is; -1 when there is none.</summary>
    private static int ChecksumField(in PacketRun run)
    {
        if (run.Layout.TransportOffset < 0) return -1;
        return run.Key.NetworkProtocol switch
        {
            IpProtocol.Tcp => run.Layout.TransportOffset + 16,
            IpProtocol.Udp => run.Layout.TransportOffset + 6,
            IpProtocol.Icmpv6 when run.Key.IsIpv6 => run.Layout.TransportOffset + 2,
            _ => -1,
        };
    }

    private static uint Masked(uint old, uint value, uint mask) => (old & ~mask) | (value & mask);

    private static MacBytes Masked(MacBytes old, MacBytes value, MacBytes mask)
    {
        var care = mask.ToUInt64();
        return MacBytes.FromUInt64((old.ToUInt64() & ~care) | (value.ToUInt64() & care));
    }

    private static Ipv6Bytes Masked(Ipv6Bytes old, Ipv6Bytes value, Ipv6Bytes mask)
    {
        var words = Unsafe.BitCast<Ipv6Bytes, UInt128>(old);
        var care = Unsafe.BitCast<Ipv6Bytes, UInt128>(mask);
        var fresh = (words & ~care) | (Unsafe.BitCast<Ipv6Bytes, UInt128>(value) & care);
        return Unsafe.BitCast<UInt128, Ipv6Bytes>(fresh);
    }
}
