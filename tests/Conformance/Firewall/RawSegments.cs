using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Fabric.HostNode.Demo;
using Fabric.Wire;

namespace Fabric.Conformance;

/// <summary>TCP segments as somebody would forge them: right in all but their numbers.</summary>
internal static class RawSegments
{
    private const int NetworkOffset = 14;
    private const int TransportOffset = 34;
    private const int Size = 64;
    private const byte AckPush = 0x18;

    /// <summary>A frame in hex: ten bytes of data at 'sequence'.</summary>
    public static string Hex(
        DemoWorkload from, DemoWorkload to, int sourcePort, int port, uint sequence)
    {
        var frame = new byte[Size];
        Mac(to.Mac).CopyTo(frame, 0);
        Mac(from.Mac).CopyTo(frame, 6);
        frame[12] = 0x08;
        var network = frame.AsSpan(NetworkOffset);
        network[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(network[2..], Size - NetworkOffset);
        network[8] = 64;
        network[9] = IpProtocol.Tcp;
        from.Address.TryWriteBytes(network[12..], out _);
        to.Address.TryWriteBytes(network[16..], out _);
        var sum = InternetChecksum.ComputeWire(network[..20]);
        MemoryMarshal.Write(network[10..], in sum);

        var tcp = frame.AsSpan(TransportOffset);
        BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], (ushort)port);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        tcp[12] = 5 << 4;
        tcp[13] = AckPush;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 1000);
        var pseudo = InternetChecksum.PseudoHeader(network[12..20], IpProtocol.Tcp, tcp.Length);
        var check = (ushort)~InternetChecksum.Fold(InternetChecksum.Add(tcp, pseudo));
        MemoryMarshal.Write(tcp[16..], in check);
        return Convert.ToHexString(frame);
    }

    private static byte[] Mac(string text) => [.. text.Split(':').Select(
        part => byte.Parse(part, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
}
