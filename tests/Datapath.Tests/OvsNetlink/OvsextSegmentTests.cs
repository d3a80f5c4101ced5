using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Fabric.Wire;
using static Fabric.Datapath.Tests.OvsNetlink.EmulatedHost;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>TCP through tunnels, from guests whose MTU nobody lowered.</summary>
public sealed class OvsextSegmentTests : IDisposable
{
    private const int SegmentAt = 34, TcpSize = 20;
    private readonly EmulatedHost _host = new();

    public void Dispose() => _host.Dispose();

    /// <summary>1500 bytes less an outer header of 50, or 70, and 40 of IP and TCP.</summary>
    [Theory]
    [InlineData("src=10.1.0.1,dst=10.1.0.2", 2, "020405b4", 1460, 1410)]
    [InlineData("src=10.1.0.1,dst=10.1.0.2", 0x12, "020405b4", 1460, 1410)]
    [InlineData("src=10.1.0.1,dst=10.1.0.2", 2, "01020405b4010101", 1460, 1410)]
    [InlineData("ipv6_src=fd01::1,ipv6_dst=fd01::2", 2, "020405b4", 1460, 1390)]
    [InlineData("src=10.1.0.1,dst=10.1.0.2", 2, "02040200", 512, 512)]
    [InlineData("src=10.1.0.1,dst=10.1.0.2", 0x10, "020405b4", 1460, 1460)]
    [InlineData("src=10.1.0.1,dst=10.1.0.2", 2, "03000000020405b4", 1460, 1460)]
    public void A_connection_into_a_tunnel_is_told_what_fits_it(
        string outer, byte flags, string options, int before, int after)
    {
        var one = _host.AddPort("p1");
        var spec = new TunnelPortSpec(TunnelKind.Geneve, 6081);
        Assert.True(_host.Provider.Ports.TryAdd(
            new DatapathPortSpec("gnv", DatapathPortKind.Tunnel, Tunnel: spec), out var port,
            out var error), error);
        _host.Put($"recirc_id(0),in_port({one})",
            $"set(tunnel(tun_id=0x7,{outer},ttl=64,tp_dst=6081,flags(key))),{port.Number}");
        var frame = Frame(flags, Convert.FromHexString(options));
        Assert.Equal(before, SegmentOf(frame, options));

        _host.Send(one, frame);

        Assert.True(_host.Emulator.FindNic("gnv")!.TryTake(out var packet, out _));
        Assert.Equal(after, SegmentOf(packet!, options));
        PacketChecks.ChecksumsAreRight(packet!);
    }

    private static int SegmentOf(byte[] frame, string options)
    {
        var at = options.IndexOf("0204", StringComparison.Ordinal) / 2;
        return BinaryPrimitives.ReadUInt16BigEndian(
            frame.AsSpan(SegmentAt + TcpSize + at + 2));
    }

    /// <summary>A segment without data: its options end it.</summary>
    private static byte[] Frame(byte flags, byte[] options)
    {
        byte[] frame = [.. Packet(Tcp)[..(SegmentAt + TcpSize)], .. options];
        var ip = frame.AsSpan(14, 20);
        var segment = frame.AsSpan(SegmentAt);
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(frame.Length - 14));
        ip[10..12].Clear();
        MemoryMarshal.Write(ip[10..], InternetChecksum.ComputeWire(ip));
        segment[12] = (byte)(segment.Length / 4 << 4);
        segment[13] = flags;
        segment[16..18].Clear();
        var sum = InternetChecksum.Add(
            segment, InternetChecksum.PseudoHeader(ip[12..20], 6, segment.Length));
        MemoryMarshal.Write(segment[16..], (ushort)~InternetChecksum.Fold(sum));
        return frame;
    }
}
