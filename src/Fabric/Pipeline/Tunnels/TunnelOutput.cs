using System.Collections.Immutable;
using System.Net;
using System.Runtime.InteropServices;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Outer headers: what a tunnel port's options and the flow make of them.</summary>
internal static class TunnelOutput
{
    private const byte EcnMask = 0x03;
    private const byte EcnCongested = 0x03;
    private const byte EcnCapable0 = 0x02;
    private const byte DscpMask = 0xFC;

    /// <summary>
    /// The header for a packet that leaves through 'tunnel', or null without a peer.
    /// </summary>
    public static TunnelMetadata? Compose(
        TunnelConfig tunnel, ref PipelineKey flow, ref PipelineKey wild, TlvTable table)
    {
        var destination = tunnel.IsRemoteByFlow ? Destination(in flow.Flow) : tunnel.Remote;
        if (destination is null) return null;
        var source = tunnel.IsLocalByFlow ? Source(in flow.Flow) : tunnel.Local;
        source ??= destination.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? IPAddress.Any : IPAddress.IPv6Any;
        var isIp = flow.Flow.IsIpv4 || flow.Flow.IsIpv6;
        var ttl = tunnel.Ttl;
        if (tunnel.InheritsTtl && isIp)
        {
            wild.Flow.NetworkTtl = 0xFF;
            ttl = flow.Flow.NetworkTtl;
        }

        var tos = tunnel.Tos;
        if (tunnel.InheritsTos && isIp)
        {
            wild.Flow.NetworkTos |= DscpMask;
            tos = (byte)(flow.Flow.NetworkTos & DscpMask);
        }

        if (isIp)
        {
            wild.Flow.NetworkTos |= EcnMask;
            var ecn = (byte)(flow.Flow.NetworkTos & EcnMask);
            tos |= ecn == EcnCongested ? EcnCapable0 : ecn;
        }

        return new TunnelMetadata(
            tunnel.IsKeyOutByFlow ? flow.Flow.TunnelId : tunnel.KeyOut ?? 0, source, destination,
            tos, ttl, FlagsOf(tunnel, in flow.Flow), 0, tunnel.DestinationPort,
            TunnelOptionFields.Encode(in flow, table),
            KeyCommit.Host(flow.Flow.TunnelGbpIdWire), flow.Flow.TunnelGbpFlags,
            ErspanOf(tunnel, in flow.Flow));
    }

    /// <summary>Equal headers? (A record's equality compares arrays by reference.)</summary>
    public static bool AreEqual(TunnelMetadata? left, TunnelMetadata? right)
    {
        if (left is null || right is null) return ReferenceEquals(left, right);
        return left with { Options = right.Options } == right
            && left.Options.AsSpan().SequenceEqual(right.Options.AsSpan());
    }

    public static IPAddress? Source(in FlowKey flow)
    {
        if (flow.TunnelIpv4SourceWire != 0) return Ipv4(flow.TunnelIpv4SourceWire);
        return flow.TunnelIpv6Source != default ? flow.TunnelIpv6Source.ToAddress() : null;
    }

    public static IPAddress? Destination(in FlowKey flow)
    {
        if (flow.TunnelIpv4DestinationWire != 0) return Ipv4(flow.TunnelIpv4DestinationWire);
        return flow.TunnelIpv6Destination != default
            ? flow.TunnelIpv6Destination.ToAddress() : null;
    }

    /// <summary>The bits that a packet from a tunnel is known by, as OVS has them.</summary>
    public static void FoldReceived(in FlowKey flow, ref FlowKey wild)
    {
        wild.TunnelIdWire = ulong.MaxValue;
        if (flow.TunnelIpv4DestinationWire != 0)
        {
            wild.TunnelIpv4SourceWire = uint.MaxValue;
            wild.TunnelIpv4DestinationWire = uint.MaxValue;
        }
        else
        {
            wild.Bytes.Slice(288, 32).Fill(0xFF);
        }

        wild.TunnelFlagsWire = KeyCommit.Host((ushort)(
            TunnelFlags.DontFragment | TunnelFlags.Checksum | TunnelFlags.Key));
        wild.TunnelTos = 0xFF;
        var isIp = flow.IsIpv4 || flow.IsIpv6;
        if (isIp && (flow.TunnelTos & EcnMask) == EcnCongested) wild.NetworkTos |= EcnMask;
    }

    /// <summary>
    /// Carries the outer header's congestion mark inward (RFC 6040); false: the packet must be
    /// dropped because it cannot be marked.
    /// </summary>
    public static bool TryCarryCongestion(ref FlowKey flow)
    {
        if ((!flow.IsIpv4 && !flow.IsIpv6) || (flow.TunnelTos & EcnMask) != EcnCongested)
        {
            return true;
        }

        if ((flow.NetworkTos & EcnMask) == 0) return false;
        flow.NetworkTos |= EcnCongested;
        return true;
    }

    private static TunnelFlags FlagsOf(TunnelConfig tunnel, in FlowKey flow)
    {
        var flags = (TunnelFlags)KeyCommit.Host(flow.TunnelFlagsWire) & TunnelFlags.Oam;
        if (tunnel.DontFragment) flags |= TunnelFlags.DontFragment;
        if (tunnel.HasChecksum) flags |= TunnelFlags.Checksum;
        if (tunnel.NumbersPackets) flags |= TunnelFlags.Sequence;
        if (tunnel.IsKeyOutByFlow || tunnel.KeyOut is not null) flags |= TunnelFlags.Key;
        return flags;
    }

    private static ErspanMetadata? ErspanOf(TunnelConfig tunnel, in FlowKey flow) =>
        tunnel.Kind != TunnelKind.Erspan ? null : tunnel.Erspan ?? new ErspanMetadata(
            flow.ErspanVersion == 0 ? (byte)1 : flow.ErspanVersion,
            KeyCommit.Host(flow.ErspanIndexWire), flow.ErspanDirection, flow.ErspanHardwareId);

    private static IPAddress Ipv4(uint wire) =>
        new(MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in wire)));
}
