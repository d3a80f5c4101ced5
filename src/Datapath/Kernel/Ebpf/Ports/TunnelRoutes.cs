using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Where tunnelled packets leave this host: device, source, next hop.</summary>
/// <remarks>
/// The kernel's programs resolve the next hop's link address themselves (bpf_redirect_neigh); the
/// route is looked up here, when a tunnel is first used and again every second.
/// </remarks>
internal sealed class TunnelRoutes(RouteSocket routes)
{
    /// <summary>
    /// The outer header for 'tunnel'; device 0 when only the sockets can send it.
    /// </summary>
    public KernelTunnel Resolve(TunnelMetadata tunnel)
    {
        var isIpv6 = tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6;
        var options = tunnel.Options.IsDefault ? default : tunnel.Options.AsSpan();
        var header = new KernelTunnel
        {
            IdWire = BinaryPrimitives.ReverseEndianness(tunnel.Id),
            Source = BytesOf(tunnel.Source),
            Destination = BytesOf(tunnel.Destination),
            FlagsWire = BinaryPrimitives.ReverseEndianness((ushort)tunnel.Flags),
            Tos = tunnel.Tos,
            Ttl = tunnel.Ttl == 0 ? (byte)64 : tunnel.Ttl,
            IsIpv6 = (byte)(isIpv6 ? 1 : 0),
        };
        if (options.Length > KernelAbi.TunnelOptionsMax - 4 || tunnel.GbpId != 0
            || tunnel.GbpFlags != 0 || tunnel.Erspan is not null)
        {
            return header;
        }

        header.OptionsSize = (byte)options.Length;
        for (var i = 0; i < options.Length; i++) header.Options[i] = options[i];
        if (routes.FindRoute(tunnel.Destination) is not { } route || route.IsLocal) return header;

        var source = IsAny(tunnel.Source) ? route.Source : tunnel.Source;
        if (source is null) return header;
        header.RouteSource = BytesOf(source);
        header.Mtu = (uint)route.Mtu;
        if (route.Gateway is { } gateway)
        {
            header.IsViaGateway = 1;
            header.Gateway = BytesOf(gateway);
        }

        header.Device = (uint)route.Device;
        return header;
    }

    /// <summary>Whom the underlay's device hands the tunnel's packets to.</summary>
    public static (int Device, IPAddress Address) NextHopOf(
        TunnelMetadata tunnel, in KernelTunnel header)
    {
        if (header.IsViaGateway == 0) return ((int)header.Device, tunnel.Destination);
        Span<byte> gateway = stackalloc byte[Ipv6Bytes.Size];
        header.Gateway.CopyTo(gateway);
        return ((int)header.Device,
            new IPAddress(header.IsIpv6 == 0 ? gateway[..4] : gateway));
    }

    private static bool IsAny(IPAddress address) =>
        address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    /// <summary>IPv4 in the first four bytes.</summary>
    internal static Ipv6Bytes BytesOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        return Ipv6Bytes.From(bytes);
    }
}
