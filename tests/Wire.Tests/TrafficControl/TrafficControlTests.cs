using Fabric.Wire.Netlink;

namespace Fabric.Wire.Tests.TrafficControl;

public sealed class TrafficControlTests
{
    private delegate void Write(ref NetlinkWriter writer);

    // A class as Linux 6.18 told of it: 9 packets sent, 56 dropped.
    private const string ClassReply =
        "ec0000002800020007000000a5670000000000000300000006000100ffffffff00001a800800010068746200"
        + "34000200300001000001000000000000401f00000001000000000000401f000008af2f0008af2f00e8030000"
        + "00000000000000004800070014000100"
        + "6a2d000000000000090000000000000018000300000000000000"
        + "0000380000000000000007000000180004000900000000000000000000008c07d5ff8c07d5ff2c0003006a2d"
        + "0000000000000900000038000000070000000000000000000000000000000000000000000000180004000900"
        + "000000000000000000008c07d5ff8c07d5ff";

    /// <summary>As ovs-vswitchd 3.1 sent them for the same rows, but for acknowledgement.</summary>
    public static TheoryData<string, Qdisc> Qdiscs => new()
    {
        {
            "48000000 24000506 08000100 68746200 1c000200 18000200"
                + "03000000 0a000000 01000000 00000000 00000000",
            new HtbQdisc()
        },
        {
            "44000000 24000506 08000100 73667100 18000200"
                + "b80b0000 05000000 00000000 00000000 00000000",
            new SfqQdisc(3000, 5)
        },
        {
            "4c000000 24000506 0a000100 636f6465 6c000000 1c000200"
                + "08000100 e8030000 08000200 64000000 08000300 d0070000",
            new CodelQdisc(1000, 100, 2000)
        },
        {
            "60000000 24000506 0d000100 66715f63 6f64656c 00000000 2c000200 08000100 e8030000"
                + "08000200 64000000 08000300 d0070000 08000500 40000000 08000600 2c010000",
            new FqCodelQdisc(1000, 100, 2000, 64, 300)
        },
        {
            "4c000000 24000506 0a000100 6e657465 6d000000 1c000200"
                + "093d0000 64000000 33333333 00000000 00000000 00000000",
            new NetemQdisc(1000, 100, 20)
        },
    };

    [Theory]
    [MemberData(nameof(Qdiscs))]
    public void Disciplines_are_asked_for_in_these_bytes(string expected, Qdisc qdisc)
    {
        const string Header = "01000000 00000000 00000000 03000000 00000100 ffffffff 00000000";
        Assert.Equal(
            Bytes(expected[..17] + Header + expected[17..]),
            Written((ref writer) => TrafficControlRequest.WriteNewRoot(
                ref writer, sequence: 1, device: 3, qdisc)));
    }

    [Theory]
    [InlineData(
        // 1 Mbit to 2 Mbit: no quantum of its own; burst of one packet at both rates.
        6, 125_000, 250_000, 1564, 0, "06000100 feff0100",
        "00010000 00003c00 48e80100 00010000 00003c00 90d00300"
            + "acfb0200 d67d0100 00000000 00000000 00000000")]
    [InlineData(
        // Less than a packet in a turn.
        7, 1500, 250_000, 10_000, 3, "07000100 feff0100",
        "00010000 00003c00 dc050000 00010000 00003c00 90d00300"
            + "0a753506 68890900 dc050000 00000000 03000000")]
    [InlineData(
        0xFFFE, 1_250_000, 1_250_000, 0, 0, "feff0100 00000100",
        "00010000 00003c00 d0121300 00010000 00003c00 d0121300"
            + "3e490000 3e490000 00000000 00000000 00000000")]
    public void Classes_are_asked_for_in_these_bytes(
        int minor, long least, long most, int burst, int priority, string place, string numbers)
    {
        var spec = new HtbClass(
            (ushort)minor, (ulong)least, (ulong)most, (uint)burst, (uint)priority);
        Assert.Equal(
            Bytes($"""
                60000000 28000504 01000000 00000000 00000000 03000000 {place} 00000000
                08000100 68746200 34000200 30000100 {Cells(numbers)}
                """),
            Written((ref writer) => TrafficControlRequest.WriteNewClass(
                ref writer, sequence: 1, device: 3, spec, mtu: 1500)));

        // struct tc_ratespec: cells of 8 bytes, Ethernet.
        static string Cells(string text) => text.Replace("00010000", "03010000");
    }

    [Fact]
    public void Rates_beyond_32_bits_have_attributes_of_their_own()
    {
        var spec = new HtbClass(1, 5_000_000_000, 12_500_000_000, 0, 0);
        var bytes = Convert.ToHexString(Written((ref writer) =>
            TrafficControlRequest.WriteNewClass(ref writer, 1, 3, spec, mtu: 1500)));
        Assert.EndsWith("0C000600" + "00F2052A01000000" + "0C000700" + "00DD0EE902000000", bytes);
    }

    [Fact]
    public void Replies_of_the_kernel_are_read()
    {
        Assert.True(NetlinkMessage.TryParse(Bytes(ClassReply), out var message, out _));
        Assert.True(TrafficControlReply.TryParse(message, out var reply));
        Assert.Equal(
            new TrafficControlReply(3, 0x10006, uint.MaxValue, "htb", 9, 11_626, 56), reply);
    }

    [Fact]
    public void Replies_that_are_cut_or_garbled_are_refused_or_read_in_part()
    {
        var whole = Bytes(ClassReply);
        var random = new Random(4);
        for (var size = 0; size < whole.Length; size++)
        {
            var cut = whole[..size];
            if (size >= 4) BitConverter.TryWriteBytes(cut, size);
            Read(cut);
            for (var round = 0; round < 20; round++)
            {
                var garbled = whole.ToArray();
                garbled[random.Next(16, whole.Length)] = (byte)random.Next(256);
                Read(garbled);
            }
        }

        static void Read(byte[] bytes)
        {
            if (!NetlinkMessage.TryParse(bytes, out var message, out _)) return;
            if (TrafficControlReply.TryParse(message, out var reply)) Assert.NotEmpty(reply.Kind);
        }
    }

    private static byte[] Written(Write write)
    {
        var writer = new NetlinkWriter(new byte[TrafficControlRequest.SizeMax]);
        write(ref writer);
        Assert.False(writer.HasOverflowed);
        return writer.Written.ToArray();
    }

    private static byte[] Bytes(string hex) =>
        Convert.FromHexString(string.Concat(hex.Where(char.IsAsciiHexDigit)));
}
