using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Between the tunnel area of a flow key and <see cref="TunnelMetadata"/>.</summary>
public static class TunnelMetadataKey
{
    /// <summary>The outer header that the key describes.</summary>
    public static TunnelMetadata FromKey(ref FlowKey key)
    {
        var isIpv6 = key.TunnelIpv6Destination != default;
        var source = isIpv6
            ? key.TunnelIpv6Source.ToAddress()
            : new IPAddress(key.TunnelIpv4SourceWire);
        var destination = isIpv6
            ? key.TunnelIpv6Destination.ToAddress()
            : new IPAddress(key.TunnelIpv4DestinationWire);
        var erspan = key.ErspanVersion == 0
            ? null
            : new ErspanMetadata(
                key.ErspanVersion, BinaryPrimitives.ReverseEndianness(key.ErspanIndexWire),
                key.ErspanDirection, key.ErspanHardwareId);
        return new TunnelMetadata(
            key.TunnelId, source, destination, key.TunnelTos, key.TunnelTtl,
            (TunnelFlags)BinaryPrimitives.ReverseEndianness(key.TunnelFlagsWire),
            BinaryPrimitives.ReverseEndianness(key.TunnelPortSourceWire),
            BinaryPrimitives.ReverseEndianness(key.TunnelPortDestinationWire),
            [.. key.TunnelOptions], BinaryPrimitives.ReverseEndianness(key.TunnelGbpIdWire),
            key.TunnelGbpFlags, erspan);
    }

    /// <summary>Makes the key say that the packet has this outer header.</summary>
    public static void ToKey(TunnelMetadata tunnel, ref FlowKey key)
    {
        Clear(ref key);
        key.TunnelId = tunnel.Id;
        if (tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6)
        {
            key.TunnelIpv6Source = Ipv6Bytes.From(tunnel.Source);
            key.TunnelIpv6Destination = Ipv6Bytes.From(tunnel.Destination);
        }
        else
        {
            key.TunnelIpv4SourceWire = Ipv4Wire(tunnel.Source);
            key.TunnelIpv4DestinationWire = Ipv4Wire(tunnel.Destination);
        }

        key.TunnelFlagsWire = BinaryPrimitives.ReverseEndianness((ushort)tunnel.Flags);
        key.TunnelTos = tunnel.Tos;
        key.TunnelTtl = tunnel.Ttl;
        key.TunnelPortSourceWire = BinaryPrimitives.ReverseEndianness(tunnel.PortSource);
        key.TunnelPortDestinationWire = BinaryPrimitives.ReverseEndianness(tunnel.PortDestination);
        key.TunnelGbpIdWire = BinaryPrimitives.ReverseEndianness(tunnel.GbpId);
        key.TunnelGbpFlags = tunnel.GbpFlags;
        if (tunnel.Erspan is { } erspan)
        {
            key.ErspanVersion = erspan.Version;
            key.ErspanIndexWire = BinaryPrimitives.ReverseEndianness(erspan.Index);
            key.ErspanDirection = erspan.Direction;
            key.ErspanHardwareId = erspan.HardwareId;
        }

        var options = tunnel.Options.IsDefault ? default : tunnel.Options.AsSpan();
        if (options.Length > FlowKey.TunnelOptionsSizeMax) return;
        key.TunnelOptionsSize = (byte)options.Length;
        options.CopyTo(key.TunnelOptions);
    }

    public static void Clear(ref FlowKey key) => key.Bytes[FlowKey.TunnelOffset..].Clear();

    private static uint Ipv4Wire(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        return address.TryWriteBytes(bytes, out var size) && size == 4
            ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
            : 0;
    }
}
