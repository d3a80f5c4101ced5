using System.Buffers.Binary;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests.Conntrack;

/// <summary>
/// Builds small IPv4 and IPv6 frames with right checksums, and proves them right.
/// </summary>
internal static class TestPacket
{
    public static byte[] Tcp(
        string source, int sourcePort, string destination, int destinationPort, string flags,
        uint sequence = 0, uint acknowledgement = 0, ushort window = 65535, int payload = 0,
        int scale = -1, byte[]? data = null)
    {
        var header = scale < 0 ? 20 : 24;
        var tcp = new byte[header + (data?.Length ?? payload)];
        data?.CopyTo(tcp, header);
        if (scale >= 0) (tcp[20], tcp[21], tcp[22], tcp[23]) = (1, 3, 3, (byte)scale);
        BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), (ushort)destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(8), acknowledgement);
        tcp[12] = (byte)(header << 2);
        foreach (var flag in flags)
        {
            tcp[13] |= flag switch
            {
                'S' => 0x02,
                'F' => 0x01,
                'R' => 0x04,
                'A' => 0x10,
                'P' => 0x08,
                _ => throw new ArgumentException($"no such flag: {flag}", nameof(flags)),
            };
        }

        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(14), window);
        return Frame(source, destination, 6, tcp, checksumOffset: 16);
    }

    public static byte[] Udp(
        string source, int sourcePort, string destination, int destinationPort, int payload = 8)
    {
        var udp = new byte[8 + payload];
        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), (ushort)destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)udp.Length);
        return Frame(source, destination, 17, udp, checksumOffset: 6);
    }

    public static byte[] Icmp(
        string source, string destination, byte type, byte code, ushort id, byte[]? quoted = null)
    {
        var icmp = new byte[8 + (quoted?.Length ?? 8)];
        icmp[0] = type;
        icmp[1] = code;
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(4), id);
        quoted?.CopyTo(icmp, 8);
        var isIpv6 = source.Contains(':', StringComparison.Ordinal);
        return Frame(source, destination, (byte)(isIpv6 ? 58 : 1), icmp, checksumOffset: 2);
    }

    /// <summary>A DATA chunk without data; its checksum is nobody's business here.</summary>
    public static byte[] Sctp(
        string source, int sourcePort, string destination, int destinationPort)
    {
        var sctp = new byte[28];
        BinaryPrimitives.WriteUInt16BigEndian(sctp, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(sctp.AsSpan(2), (ushort)destinationPort);
        sctp[15] = 16; // The chunk's length.
        return Other(source, destination, IpProtocol.Sctp, sctp);
    }

    /// <summary>A protocol without a checksum that anybody verifies.</summary>
    public static byte[] Other(
        string source, string destination, byte protocol, byte[] transport) =>
        Frame(source, destination, protocol, transport, checksumOffset: -1);

    /// <param name="checksumOffset">In the transport header; -1: it has none.</param>
    private static byte[] Frame(
        string source, string destination, byte protocol, byte[] transport, int checksumOffset)
    {
        var from = IPAddress.Parse(source).GetAddressBytes();
        var to = IPAddress.Parse(destination).GetAddressBytes();
        var isIpv6 = from.Length == 16;
        var network = isIpv6 ? new byte[40] : new byte[20];
        if (isIpv6)
        {
            network[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(network.AsSpan(4), (ushort)transport.Length);
            network[6] = protocol;
            network[7] = 64;
            from.CopyTo(network, 8);
            to.CopyTo(network, 24);
        }
        else
        {
            network[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(
                network.AsSpan(2), (ushort)(20 + transport.Length));
            network[8] = 64;
            network[9] = protocol;
            from.CopyTo(network, 12);
            to.CopyTo(network, 16);
            BinaryPrimitives.WriteUInt16BigEndian(network.AsSpan(10), (ushort)~Sum(network));
        }

        if (checksumOffset >= 0)
        {
            var sum = TransportSum(network, transport, protocol);
            BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(checksumOffset), (ushort)~sum);
        }

        byte[] ethernet = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
        if (isIpv6) (ethernet[12], ethernet[13]) = (0x86, 0xDD);
        return [.. ethernet, .. network, .. transport];
    }

    /// <summary>Both checksums of the frame add up.</summary>
    public static bool IsSound(ReadOnlySpan<byte> frame)
    {
        var isIpv6 = frame[12] == 0x86;
        var network = frame.Slice(14, isIpv6 ? 40 : 20);
        var transport = frame[(14 + network.Length)..];
        if (!isIpv6 && Sum(network) != 0xFFFF) return false;
        return TransportSum(network, transport, isIpv6 ? network[6] : network[9]) == 0xFFFF;
    }

    private static ushort TransportSum(
        ReadOnlySpan<byte> network, ReadOnlySpan<byte> transport, byte protocol)
    {
        if (protocol == 1) return Sum(transport);
        var addresses = network.Length == 40 ? network[8..40] : network[12..20];
        Span<byte> rest = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)transport.Length);
        rest[3] = protocol;
        return Sum([.. addresses, .. rest, .. transport]);
    }

    private static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i++) sum += (uint)(bytes[i] << ((i & 1) == 0 ? 8 : 0));
        while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)sum;
    }
}

/// <summary>A tracker with a clock that tests move, and one-line sending.</summary>
internal sealed class TrackerBench
{
    public ConntrackTable Table { get; } = new(seed: 7);
    public long Now { get; set; } = 1_000;
    public byte[] Last { get; private set; } = [];
    public FlowKey Key;

    public static ConntrackAction Action(
        bool commit = false, ushort zone = 1, NatSpec? nat = null, bool force = false,
        uint mark = 0, uint markMask = 0) =>
        new(commit, force, zone, mark, markMask, 0, 0, null, nat, null);

    public static NatSpec SourceNat(string min, string? max = null, int from = 0, int to = 0) =>
        new(NatType.Source, IPAddress.Parse(min), IPAddress.Parse(max ?? min),
            (ushort)from, (ushort)to, false, false, false);

    public static NatSpec DestinationNat(string address, int port = 0) =>
        new(NatType.Destination, IPAddress.Parse(address), IPAddress.Parse(address),
            (ushort)port, (ushort)port, false, false, false);

    public static NatSpec Translate { get; } =
        new(NatType.None, null, null, 0, 0, false, false, false);

    public ConntrackState Send(byte[] frame, ConntrackAction action)
    {
        var packet = new PacketBuffer();
        packet.Load(frame);
        Key = default;
        Table.Execute(packet, ref Key, action, Now);
        Last = packet.Bytes.ToArray();
        return Key.ConntrackState;
    }

    public ConntrackState Commit(byte[] frame, NatSpec? nat = null, ushort zone = 1) =>
        Send(frame, Action(commit: true, zone: zone, nat: nat));

    public ConntrackState Look(byte[] frame, NatSpec? nat = null, ushort zone = 1) =>
        Send(frame, Action(zone: zone, nat: nat));
}
