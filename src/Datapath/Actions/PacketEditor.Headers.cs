using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Headers pushed and popped. The key is stale afterwards, except its packet
/// type.</content>
internal static partial class PacketEditor
{
    private const int EthernetSize = 14;
    private const int AddressesSize = 12;

    public static DropReason PushVlan(ref PacketRun run, ushort tpid, ushort tci)
    {
        if (run.Key.PacketTypeWire != 0) return DropReason.TranslationError;
        if (!run.Packet.TryPush(4, out _)) return DropReason.HeadroomExhausted;
        var bytes = run.Packet.Bytes;
        bytes.Slice(4, AddressesSize).CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], tpid);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], (ushort)(tci & 0xEFFF));
        return DropReason.None;
    }

    public static DropReason PopVlan(ref PacketRun run)
    {
        if (run.Key.VlanTci0Wire == 0) return DropReason.None;
        var bytes = run.Packet.Bytes;
        if (bytes.Length < EthernetSize + 4) return DropReason.VlanTruncated;
        bytes[..AddressesSize].CopyTo(bytes[4..]);
        run.Packet.Pull(4);
        return DropReason.None;
    }

    /// <summary>A label stack entry behind the link header, its EtherType changed.</summary>
    public static DropReason PushMpls(ref PacketRun run, ushort ethernetType, uint entryWire)
    {
        var linkSize = run.Layout.EthernetTypeOffset + 2;
        if (run.Key.PacketTypeWire != 0) linkSize = 0;
        if (!run.Packet.TryPush(4, out _)) return DropReason.HeadroomExhausted;
        var bytes = run.Packet.Bytes;
        bytes.Slice(4, linkSize).CopyTo(bytes);
        Unsafe.WriteUnaligned(ref bytes[linkSize], entryWire);
        SetEthernetType(ref run, bytes, ethernetType);
        return DropReason.None;
    }

    /// <summary>A label stack entry in front of the Ethernet header (add_mpls, layer 2).</summary>
    public static DropReason PushMplsBeforeEthernet(
        ref PacketRun run, ushort ethernetType, uint entryWire)
    {
        if (!run.Packet.TryPush(4, out var entry)) return DropReason.HeadroomExhausted;
        Unsafe.WriteUnaligned(ref entry[0], entryWire);
        SetPacketType(ref run, ethernetType);
        return DropReason.None;
    }

    public static DropReason PopMpls(ref PacketRun run, ushort ethernetType)
    {
        if (run.Layout.MplsOffset < 0) return DropReason.TranslationError;
        var bytes = run.Packet.Bytes;
        bytes[..run.Layout.MplsOffset].CopyTo(bytes[4..]);
        run.Packet.Pull(4);
        SetEthernetType(ref run, run.Packet.Bytes, ethernetType);
        return DropReason.None;
    }

    public static DropReason SetMpls(ref PacketRun run, SetMplsAction set)
    {
        if (run.Layout.MplsOffset < 0) return DropReason.TranslationError;
        run.Key.Mpls0Wire = Masked(run.Key.Mpls0Wire, set.LabelEntryWire, set.MaskWire);
        Unsafe.WriteUnaligned(
            ref run.Packet.Bytes[run.Layout.MplsOffset], run.Key.Mpls0Wire);
        return DropReason.None;
    }

    public static DropReason PushEthernet(
        ref PacketRun run, MacBytes source, MacBytes destination)
    {
        if (run.Key.PacketTypeWire == 0) return DropReason.TranslationError;
        if (!run.Packet.TryPush(EthernetSize, out var header)) return DropReason.HeadroomExhausted;
        destination.CopyTo(header);
        source.CopyTo(header[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(header[12..], run.Key.EthernetType);
        run.Key.PacketTypeWire = 0;
        return DropReason.None;
    }

    public static DropReason PopEthernet(ref PacketRun run)
    {
        if (run.Key.PacketTypeWire != 0 || run.Key.VlanTci0Wire != 0)
        {
            return DropReason.TranslationError;
        }

        run.Packet.Pull(EthernetSize);
        SetPacketType(ref run, run.Key.EthernetType);
        return DropReason.None;
    }

    /// <summary>RFC 8300: the packet, Ethernet header and all, becomes the payload.</summary>
    public static DropReason PushNsh(ref PacketRun run, PushNshAction push)
    {
        var metadata = push.Metadata.IsDefault ? default : push.Metadata.AsSpan();
        var size = 8 + metadata.Length;
        if (metadata.Length % 4 != 0 || size > 63 * 4) return DropReason.ActionMalformed;
        if (!run.Packet.TryPush(size, out var header)) return DropReason.HeadroomExhausted;

        var first = ((push.Flags & 3) << 12) | ((push.Ttl & 0x3F) << 6) | (size / 4);
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)first);
        header[2] = push.MdType;
        header[3] = push.NextProtocol;
        Unsafe.WriteUnaligned(ref header[4], push.PathWire);
        metadata.CopyTo(header[8..]);
        SetPacketType(ref run, EtherType.Nsh);
        return DropReason.None;
    }

    public static DropReason PopNsh(ref PacketRun run)
    {
        var offset = run.Layout.NetworkOffset;
        if (run.Key.EthernetType != EtherType.Nsh || offset < 0) return DropReason.TranslationError;
        var bytes = run.Packet.Bytes[offset..];
        var next = bytes[3];
        run.Packet.Pull(offset + ((bytes[1] & 0x3F) * 4));
        switch (next)
        {
            case 1: SetPacketType(ref run, EtherType.Ipv4); break;
            case 2: SetPacketType(ref run, EtherType.Ipv6); break;
            case 3: run.Key.PacketTypeWire = 0; break;
            case 4: SetPacketType(ref run, EtherType.Nsh); break;
            case 5: SetPacketType(ref run, EtherType.Mpls); break;
            default: return DropReason.TranslationError;
        }

        return DropReason.None;
    }

    public static DropReason SetNsh(ref PacketRun run, SetNshAction set)
    {
        var offset = run.Layout.NetworkOffset;
        if (run.Key.EthernetType != EtherType.Nsh || offset < 0) return DropReason.TranslationError;
        var header = run.Packet.Bytes[offset..];
        ref var key = ref run.Key;

        key.NshFlags = (byte)(((key.NshFlags & ~set.FlagsMask) | (set.Flags & set.FlagsMask)) & 3);
        key.NshTtl = (byte)(((key.NshTtl & ~set.TtlMask) | (set.Ttl & set.TtlMask)) & 0x3F);
        key.NshPathWire = Masked(key.NshPathWire, set.PathWire, set.PathMaskWire);
        var first = (key.NshFlags << 12) | (key.NshTtl << 6) | (header[1] & 0x3F);
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)first);
        Unsafe.WriteUnaligned(ref header[4], key.NshPathWire);

        if (key.NshMdType != 1 || set.ContextWire.IsDefault || set.ContextMaskWire.IsDefault)
        {
            return DropReason.None;
        }

        ref var context = ref key.NshContext1Wire;
        for (var i = 0; i < Math.Min(4, set.ContextWire.Length); i++)
        {
            ref var word = ref Unsafe.Add(ref context, i);
            word = Masked(word, set.ContextWire[i], set.ContextMaskWire[i]);
            Unsafe.WriteUnaligned(ref header[8 + (i * 4)], word);
        }

        return DropReason.None;
    }

    private static void SetEthernetType(ref PacketRun run, Span<byte> bytes, ushort type)
    {
        if (run.Key.PacketTypeWire != 0)
        {
            SetPacketType(ref run, type);
            return;
        }

        var offset = run.Layout.EthernetTypeOffset;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[offset..], type);
    }

    /// <summary>The packet starts at a network header of this EtherType.</summary>
    private static void SetPacketType(ref PacketRun run, ushort type) =>
        run.Key.PacketTypeWire = BinaryPrimitives.ReverseEndianness((1u << 16) | type);
}
