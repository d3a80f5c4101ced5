using System.Net;
using Fabric.Wire.Control;

namespace Fabric.Wire.Tests.Control;

public sealed class SflowDatagramTests
{
    /// <remarks>sFlow version 5, sections 5.1 to 5.4; tshark reads it so.</remarks>
    [Fact]
    public void A_packet_and_counters_make_the_bytes_of_the_standard()
    {
        var datagram = new SflowDatagram(IPAddress.Parse("192.0.2.1"), 0, 7, 1000);
        Assert.True(datagram.TryAdd(new SflowPacket(
            0x020003E8, 64, 128, 1, 3, 4, 0x6005, 0, 60, new byte[] { 1, 2, 3, 4, 5 }), 9));
        Assert.True(datagram.TryAdd(new SflowCounters(
            3, 1_000_000_000, 3, 10, 2, 0, 0, 20, 4, 0, 0), 1));
        Assert.Equal(2u, datagram.Count);
        const string Expected =
            "00000005" + "00000001C0000201" + "00000000" + "00000007" + "000003E8" + "00000002"
            + "00000001" + "00000058" + "00000009" + "020003E8" + "00000040" + "00000080"
            + "00000001" + "00000003" + "00000004" + "00000002"
            + "000003E9" + "00000010" + "00000005" + "00000003" + "00000000" + "00000000"
            + "00000001" + "00000018" + "00000001" + "00000040" + "00000004" + "00000005"
            + "0102030405000000"
            + "00000002" + "0000006C" + "00000001" + "00000003" + "00000001"
            + "00000001" + "00000058" + "00000003" + "00000006" + "000000003B9ACA00"
            + "00000001" + "00000003" + "000000000000000A" + "00000002" + "FFFFFFFF" + "FFFFFFFF"
            + "00000000" + "00000000" + "FFFFFFFF" + "0000000000000014" + "00000004" + "FFFFFFFF"
            + "FFFFFFFF" + "00000000" + "00000000" + "00000000";
        Assert.Equal(Expected, Convert.ToHexString(datagram.Bytes.Span));
    }

    [Fact]
    public void What_does_not_fit_is_left_out_whole()
    {
        var datagram = new SflowDatagram(IPAddress.IPv6Loopback, 0, 1, 0);
        var packet = new SflowPacket(
            1, 1, 1, 0, 1, 2, 0, 0, 1500, new byte[SflowDatagram.HeaderSizeMax + 9]);
        var count = 0u;
        while (datagram.TryAdd(in packet, count + 1)) count++;
        Assert.Equal(count, datagram.Count);
        Assert.InRange(datagram.Bytes.Length, 1000, SflowDatagram.SizeMax);
        var size = datagram.Bytes.Length;
        Assert.False(datagram.TryAdd(in packet, 99));
        Assert.Equal(size, datagram.Bytes.Length);
    }
}
