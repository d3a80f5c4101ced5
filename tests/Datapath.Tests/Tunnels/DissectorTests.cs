using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>What Wireshark's dissectors read in the headers that we write.</summary>
public sealed class DissectorTests
{
    [TsharkFact]
    public void Stt_is_read_with_its_context_segment_size_and_checksum_flags()
    {
        var packet = SttTests.Packet(3000);
        var frames = SttTests.Segments(packet, 1460)
            .Select(segment => Ipv4(IpProtocol.Tcp, segment)).ToArray();
        var text = Dissect(frames, "-o ip.try_heuristic_first:TRUE -V");
        Assert.Contains("Stateless Transport Tunneling", text);
        Assert.Contains("abcdef0123456789", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Malformed", text);
        Assert.DoesNotContain("incorrect, should be", text);
    }

    [TsharkTheory]
    [InlineData(1, "Type II")]
    [InlineData(2, "Type III")]
    public void Erspan_is_read_with_its_session(byte version, string name)
    {
        var outer = Outer(TunnelKind.Erspan) with
        {
            Id = 77, Erspan = new ErspanMetadata(version, 0x12345, 1, 9),
        };
        var text = Dissect([Ipv4(IpProtocol.Gre, Write(TunnelKind.Erspan, outer))], "-V");
        Assert.Contains($"Encapsulated Remote Switch Packet ANalysis {name}", text);
        Assert.Contains("SpanID: 77", text);
        Assert.Contains("10.1.0.2", text); // The inner packet is found behind the header.
        Assert.DoesNotContain("Malformed", text);
    }

    [TsharkFact]
    public void Geneve_is_read_with_its_options()
    {
        var outer = Outer(TunnelKind.Geneve) with
        {
            Id = 0x123456, Options = [1, 2, 0x80, 1, 0, 7, 0, 9, 0xFF, 0xFF, 3, 2, 1, 2, 3, 4,
                5, 6, 7, 8],
        };
        var udp = Udp(6081, Write(TunnelKind.Geneve, outer));
        var text = Dissect([Ipv4(IpProtocol.Udp, udp)], "-V");
        Assert.Contains("Generic Network Virtualization Encapsulation, VNI: 0x123456", text);
        Assert.Contains("Options: (20 bytes)", text);
        Assert.Contains("Class: 0xffff", text.Replace("Experimental", "Class: 0xffff"));
        Assert.Contains("10.1.0.2", text);
        Assert.DoesNotContain("Malformed", text);
    }

    [TsharkTheory]
    [InlineData(TunnelFlags.Key)]
    [InlineData(TunnelFlags.Key | TunnelFlags.Checksum)]
    [InlineData(TunnelFlags.Key | TunnelFlags.Checksum | TunnelFlags.Sequence)]
    public void Gre_is_read_with_key_checksum_and_sequence_number(TunnelFlags flags)
    {
        var outer = Outer(TunnelKind.Gre) with { Id = 0xABCD, Flags = flags };
        var text = Dissect([Ipv4(IpProtocol.Gre, Write(TunnelKind.Gre, outer))], "-V");
        Assert.Contains("Key: 0x0000abcd", text);
        Assert.Equal((flags & TunnelFlags.Checksum) != 0, text.Contains("Checksum Bit: Yes",
            StringComparison.Ordinal));
        Assert.DoesNotContain("incorrect", text);
        Assert.Equal((flags & TunnelFlags.Sequence) != 0, text.Contains("Sequence Number: 41",
            StringComparison.Ordinal));
        Assert.Contains("10.1.0.2", text);
    }

    private static TunnelMetadata Outer(TunnelKind kind) =>
        TunnelPair.Outer(kind, IPAddress.Parse("10.0.0.2"), TunnelFlags.Key);

    /// <summary>The tunnel's header and an inner packet behind it.</summary>
    private static byte[] Write(TunnelKind kind, TunnelMetadata outer)
    {
        Assert.True(OdpFlowText.TryParse(
            "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),"
            + "ipv4(src=10.1.0.1,dst=10.1.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=9)",
            null, out var key, out _, out var error), error);
        var inner = PacketBuilder.Compose(key);
        uint sequence = 41;
        var header = new byte[TunnelCodec.HeaderSizeMax];
        var size = TunnelCodec.Write(
            new TunnelPortSpec(kind, 0), outer, inner, ref sequence, header);
        Assert.True(size > 0);
        return [.. header.AsSpan(0, size), .. inner];
    }

    private static byte[] Udp(ushort port, byte[] payload)
    {
        var size = (ushort)(8 + payload.Length);
        return
        [
            0xC0, 0, (byte)(port >> 8), (byte)port, (byte)(size >> 8), (byte)size, 0, 0, .. payload,
        ];
    }

    private static byte[] Ipv4(byte protocol, byte[] payload)
    {
        var size = (ushort)(20 + payload.Length);
        byte[] header =
        [
            0x45, 0, (byte)(size >> 8), (byte)size, 0, 1, 0, 0, 64, protocol, 0, 0,
            10, 0, 0, 1, 10, 0, 0, 2,
        ];
        var checksum = InternetChecksum.ComputeWire(header);
        (header[10], header[11]) = ((byte)checksum, (byte)(checksum >> 8));
        return [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, .. header, .. payload];
    }

    private static string Dissect(byte[][] frames, string options)
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var writer = new PcapWriter(path))
            {
                foreach (var frame in frames) writer.Write(frame);
            }

            const string Checks = "-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE";
            return NetworkNamespace.Shell($"tshark -n -r {path} {Checks} {options}");
        }
        finally
        {
            File.Delete(path);
        }
    }
}

/// <summary>Needs the Debian package tshark; says so when it skips.</summary>
public sealed class TsharkFactAttribute : FactAttribute
{
    public TsharkFactAttribute() => Skip = Missing;

    internal static string? Missing =>
        File.Exists("/usr/bin/tshark") ? null : "needs the Debian package tshark";
}

/// <summary>Needs the Debian package tshark; says so when it skips.</summary>
public sealed class TsharkTheoryAttribute : TheoryAttribute
{
    public TsharkTheoryAttribute() => Skip = TsharkFactAttribute.Missing;
}
