using System.Buffers.Binary;

namespace Fabric.Wire.Netlink;

/// <summary>The tunnel part of a FlowKey to and from OVS_TUNNEL_KEY_ATTR_*.</summary>
/// <remarks>
/// Flags are attributes without a value. The key's presence is the presence of ID. In a mask an
/// attribute that is there masks; its flag bits are set. GTP-U is written on request only: Linux
/// uses its number for something else.
/// </remarks>
public static class OvsTunnelKey
{
    /// <summary>Writes the attributes of the tunnel; the caller has begun the nest.</summary>
    /// <param name="key">Says which attributes exist.</param>
    /// <param name="values">Where the values come from: the key itself, or its mask.</param>
    public static void Write(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey values, bool isMask, OvsKeyForm form)
    {
        var flags = FlagsOf(in values);
        if ((flags & TunnelFlags.Key) != 0 || (isMask && values.TunnelIdWire != 0))
        {
            writer.PutUInt64(OvsTunnelKeyAttribute.Id, values.TunnelIdWire);
        }

        Addresses(ref writer, in key, in values);
        if (values.TunnelTos != 0)
        {
            writer.PutUInt8(OvsTunnelKeyAttribute.Tos, values.TunnelTos);
        }

        writer.PutUInt8(OvsTunnelKeyAttribute.Ttl, values.TunnelTtl);
        if ((flags & TunnelFlags.DontFragment) != 0)
        {
            writer.PutFlag(OvsTunnelKeyAttribute.DontFragment);
        }

        if ((flags & TunnelFlags.Checksum) != 0) writer.PutFlag(OvsTunnelKeyAttribute.Checksum);
        if ((flags & TunnelFlags.Oam) != 0) writer.PutFlag(OvsTunnelKeyAttribute.Oam);
        Options(ref writer, in key, in values, isMask, form);
    }

    /// <summary>Reads the attributes of a nest into the tunnel part of 'key'.</summary>
    /// <param name="hasUnknown">Set when an attribute was there that the key cannot hold.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> attributes, bool isMask, ref FlowKey key, ref bool hasUnknown,
        out NetlinkFault fault)
    {
        var reader = new NetlinkAttributeReader(attributes, "tunnel key");
        var flags = TunnelFlags.None;
        var seen = 0u;
        while (reader.TryNext())
        {
            if (reader.Type < 32 && reader.Type != OvsTunnelKeyAttribute.Pad)
            {
                if ((seen & (1u << reader.Type)) != 0) reader.Refuse(NetlinkFaultKind.Duplicate);
                seen |= 1u << reader.Type;
            }

            flags |= Take(ref reader, isMask, ref key, ref hasUnknown);
        }

        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness((ushort)flags);
        if (!reader.IsSound(out fault)) return false;
        if (isMask || key.HasTunnel) return true;
        fault = new NetlinkFault(
            NetlinkFaultKind.Missing, "tunnel key", OvsTunnelKeyAttribute.Ipv4Destination);
        return false;
    }

    private static void Addresses(ref NetlinkWriter writer, in FlowKey key, in FlowKey values)
    {
        if (key.TunnelIpv4DestinationWire != 0)
        {
            writer.PutUInt32(OvsTunnelKeyAttribute.Ipv4Source, values.TunnelIpv4SourceWire);
            writer.PutUInt32(
                OvsTunnelKeyAttribute.Ipv4Destination, values.TunnelIpv4DestinationWire);
            return;
        }

        Span<byte> address = stackalloc byte[Ipv6Bytes.Size];
        values.TunnelIpv6Source.CopyTo(address);
        writer.Put(OvsTunnelKeyAttribute.Ipv6Source, address);
        values.TunnelIpv6Destination.CopyTo(address);
        writer.Put(OvsTunnelKeyAttribute.Ipv6Destination, address);
    }

    private static void Options(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey values, bool isMask, OvsKeyForm form)
    {
        if (key.TunnelOptionsSize != 0)
        {
            var size = Math.Min((int)key.TunnelOptionsSize, FlowKey.TunnelOptionsSizeMax);
            var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(
                new ReadOnlySpan<FlowKey>(in values));
            writer.Put(
                OvsTunnelKeyAttribute.GeneveOptions,
                bytes.Slice(FlowKey.TunnelOptionsOffset, size));
        }

        if ((form & OvsKeyForm.Ovsext) != 0) return;
        if (values.TunnelPortSourceWire != 0)
        {
            writer.PutUInt16(OvsTunnelKeyAttribute.PortSource, values.TunnelPortSourceWire);
        }

        if (values.TunnelPortDestinationWire != 0)
        {
            writer.PutUInt16(
                OvsTunnelKeyAttribute.PortDestination, values.TunnelPortDestinationWire);
        }

        if (values.TunnelGbpIdWire != 0 || values.TunnelGbpFlags != 0)
        {
            var nest = writer.Begin(OvsTunnelKeyAttribute.VxlanOptions);
            var id = BinaryPrimitives.ReverseEndianness(values.TunnelGbpIdWire);
            writer.PutUInt32(
                OvsTunnelKeyAttribute.VxlanGbp, ((uint)values.TunnelGbpFlags << 16) | id);
            writer.End(nest);
        }

        if (key.ErspanVersion != 0) Erspan(ref writer, in key, in values, isMask);
        var hasGtpu = values.GtpuFlags != 0 || values.GtpuMessageType != 0;
        if (hasGtpu && (form & OvsKeyForm.UserspaceFields) != 0)
        {
            writer.Put(
                OvsTunnelKeyAttribute.GtpuOptions, [values.GtpuFlags, values.GtpuMessageType]);
        }
    }

    /// <summary>struct erspan_metadata, linux/erspan.h.</summary>
    private static void Erspan(
        ref NetlinkWriter writer, in FlowKey key, in FlowKey values, bool isMask)
    {
        Span<byte> bytes = stackalloc byte[OvsTunnelKeyAttribute.ErspanSize];
        bytes.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(
            bytes, isMask && values.ErspanVersion == 0xFF ? -1 : values.ErspanVersion);
        if (key.ErspanVersion == 1)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], values.ErspanIndexWire);
        }
        else
        {
            bytes[10] = (byte)((values.ErspanHardwareId >> 4) & 3);
            bytes[11] = (byte)((values.ErspanHardwareId << 4)
                | (values.ErspanDirection != 0 ? 8 : 0));
        }

        writer.Put(OvsTunnelKeyAttribute.ErspanOptions, bytes);
    }

    /// <returns>The flag that the attribute stands for, or none.</returns>
    private static TunnelFlags Take(
        ref NetlinkAttributeReader reader, bool isMask, ref FlowKey key, ref bool hasUnknown)
    {
        switch (reader.Type)
        {
            case OvsTunnelKeyAttribute.Id:
                key.TunnelIdWire = reader.UInt64();
                return TunnelFlags.Key;
            case OvsTunnelKeyAttribute.Ipv4Source:
                key.TunnelIpv4SourceWire = reader.UInt32();
                break;
            case OvsTunnelKeyAttribute.Ipv4Destination:
                key.TunnelIpv4DestinationWire = reader.UInt32();
                break;
            case OvsTunnelKeyAttribute.Ipv6Source:
                if (reader.IsSize(16)) key.TunnelIpv6Source = Ipv6Bytes.From(reader.Value);
                break;
            case OvsTunnelKeyAttribute.Ipv6Destination:
                if (reader.IsSize(16)) key.TunnelIpv6Destination = Ipv6Bytes.From(reader.Value);
                break;
            case OvsTunnelKeyAttribute.Tos: key.TunnelTos = reader.UInt8(); break;
            case OvsTunnelKeyAttribute.Ttl: key.TunnelTtl = reader.UInt8(); break;
            case OvsTunnelKeyAttribute.DontFragment:
                return reader.Flag() ? TunnelFlags.DontFragment : TunnelFlags.None;
            case OvsTunnelKeyAttribute.Checksum:
                return reader.Flag() ? TunnelFlags.Checksum : TunnelFlags.None;
            case OvsTunnelKeyAttribute.Oam:
                return reader.Flag() ? TunnelFlags.Oam : TunnelFlags.None;
            case OvsTunnelKeyAttribute.PortSource:
                key.TunnelPortSourceWire = reader.UInt16();
                break;
            case OvsTunnelKeyAttribute.PortDestination:
                key.TunnelPortDestinationWire = reader.UInt16();
                break;
            case OvsTunnelKeyAttribute.GeneveOptions: ReadOptions(ref reader, ref key); break;
            case OvsTunnelKeyAttribute.VxlanOptions: ReadVxlan(ref reader, ref key); break;
            case OvsTunnelKeyAttribute.ErspanOptions:
                ReadErspan(ref reader, isMask, ref key);
                break;
            case OvsTunnelKeyAttribute.GtpuOptions
                when reader.Value.Length == OvsTunnelKeyAttribute.GtpuSize:
                key.GtpuFlags = reader.Value[0];
                key.GtpuMessageType = reader.Value[1];
                break;
            case OvsTunnelKeyAttribute.Pad: break;
            default: hasUnknown = true; break;
        }

        return TunnelFlags.None;
    }

    private static void ReadOptions(ref NetlinkAttributeReader reader, ref FlowKey key)
    {
        var size = reader.Value.Length;
        if (size > FlowKey.TunnelOptionsSizeMax || size % 4 != 0)
        {
            reader.Refuse(NetlinkFaultKind.Size);
            return;
        }

        key.TunnelOptionsSize = (byte)size;
        reader.Value.CopyTo(key.Bytes[FlowKey.TunnelOptionsOffset..]);
    }

    private static void ReadVxlan(ref NetlinkAttributeReader reader, ref FlowKey key)
    {
        var options = new NetlinkAttributeReader(reader.Value, "vxlan options");
        while (options.TryNext())
        {
            if (options.Type != OvsTunnelKeyAttribute.VxlanGbp) continue;
            var gbp = options.UInt32();
            key.TunnelGbpIdWire = BinaryPrimitives.ReverseEndianness((ushort)gbp);
            key.TunnelGbpFlags = (byte)(gbp >> 16);
        }

        if (!options.IsSound(out var fault)) reader.Refuse(in fault);
    }

    private static void ReadErspan(
        ref NetlinkAttributeReader reader, bool isMask, ref FlowKey key)
    {
        if (!reader.IsSize(OvsTunnelKeyAttribute.ErspanSize)) return;
        var bytes = reader.Value;
        var version = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (!isMask && version is not (1 or 2))
        {
            reader.Refuse(NetlinkFaultKind.Value);
            return;
        }

        key.ErspanVersion = (byte)version;
        // A mask does not say which version it is for: both readings are kept, one is zero.
        if (isMask || version == 1)
        {
            key.ErspanIndexWire = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        }

        if (!isMask && version != 2) return;
        key.ErspanDirection = (bytes[11] & 8) == 0 ? (byte)0 : isMask ? (byte)0xFF : (byte)1;
        key.ErspanHardwareId = (byte)(((bytes[10] & 3) << 4) | (bytes[11] >> 4));
    }

    private static TunnelFlags FlagsOf(in FlowKey key) =>
        (TunnelFlags)BinaryPrimitives.ReverseEndianness(key.TunnelFlagsWire);
}
