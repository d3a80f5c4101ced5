using System.Net;
using System.Net.Sockets;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Asks a bridge's link for a neighbour: ARP, or neighbour discovery.</summary>
internal static class NeighbourRequest
{
    private const byte Solicitation = 135;
    private const byte SourceLinkOption = 1;

    /// <summary>As a packet that comes from the bridge's own port.</summary>
    public static void Send(SwitchedDatapath datapath, NeighbourWanted wanted, long now)
    {
        var bytes = wanted.Target.AddressFamily == AddressFamily.InterNetwork
            ? Arp(wanted) : Discovery(wanted);
        var packet = new PacketBuffer(bytes.Length);
        packet.Load(bytes);
        var key = default(FlowKey);
        key.InPort = wanted.Local.DatapathPort ?? 0;
        if (!FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out _)) return;
        var result = new TranslationResult();
        var origin = new TranslationOrigin(wanted.Bridge, OfPort.Local, 0, null);
        new Translation().Run(
            new TranslationRequest(
                datapath.Current, datapath.Recirculation, now, true, packet.Size, origin, null),
            in key, result);
        result.Credits().Add(1, (ulong)packet.Size, now);
        if (result.Error != DropReason.None || result.Actions.IsEmpty) return;
        datapath.Provider.Execute(packet, in key, result.Actions);
    }

    private static byte[] Arp(NeighbourWanted wanted)
    {
        var key = default(FlowKey);
        key.EthernetDestination = MacBytes.Broadcast;
        key.EthernetSource = wanted.Local.Mac;
        key.EthernetType = EtherType.Arp;
        key.NetworkProtocol = 1;
        key.ArpSource = wanted.Local.Mac;
        key.Ipv4SourceWire = BitConverter.ToUInt32(wanted.Source.GetAddressBytes());
        key.Ipv4DestinationWire = BitConverter.ToUInt32(wanted.Target.GetAddressBytes());
        return PacketBuilder.Compose(in key);
    }

    /// <summary>A solicitation to the target's own multicast group (RFC 4861, 4.3).</summary>
    private static byte[] Discovery(NeighbourWanted wanted)
    {
        const int Size = 14 + 40 + 24 + 8;
        var bytes = new byte[Size];
        var target = wanted.Target.GetAddressBytes();
        ReadOnlySpan<byte> link = [0x33, 0x33, 0xFF, target[13], target[14], target[15]];
        ReadOnlySpan<byte> group = [0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF];
        link.CopyTo(bytes);
        wanted.Local.Mac.CopyTo(bytes.AsSpan(6));
        (bytes[12], bytes[13]) = (0x86, 0xDD);
        var network = bytes.AsSpan(14);
        (network[0], network[5]) = (0x60, Size - 54);
        (network[6], network[7]) = (IpProtocol.Icmpv6, 255);
        wanted.Source.GetAddressBytes().CopyTo(network[8..]);
        group.CopyTo(network[24..]);
        target.AsSpan(13).CopyTo(network[37..]);
        var message = network[40..];
        message[0] = Solicitation;
        target.CopyTo(message[8..]);
        (message[24], message[25]) = (SourceLinkOption, 1);
        wanted.Local.Mac.CopyTo(message[26..]);
        var sum = InternetChecksum.PseudoHeader(
            network.Slice(8, 32), IpProtocol.Icmpv6, message.Length);
        var checksum = (ushort)~InternetChecksum.Fold(InternetChecksum.Add(message, sum));
        BitConverter.TryWriteBytes(message[2..], checksum);
        return bytes;
    }
}
