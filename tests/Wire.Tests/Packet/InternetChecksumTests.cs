using System.Buffers.Binary;

namespace Fabric.Wire.Tests;

public sealed class InternetChecksumTests
{
    /// <remarks>The example of RFC 1071 section 3.</remarks>
    [Fact]
    public void The_sum_of_the_standards_example_is_right()
    {
        byte[] bytes = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7];
        var folded = InternetChecksum.Fold(InternetChecksum.Add(bytes));
        Assert.Equal(0xDDF2, BinaryPrimitives.ReverseEndianness(folded));
    }

    [Fact]
    public void Every_size_and_alignment_agrees_with_the_plain_loop()
    {
        var random = new Random(7);
        var bytes = new byte[300];
        random.NextBytes(bytes);
        for (var start = 0; start < 8; start++)
        {
            for (var size = 0; size < 280; size++)
            {
                var part = bytes.AsSpan(start, size);
                Assert.Equal(Plain(part), InternetChecksum.ComputeWire(part));
            }
        }
    }

    [Fact]
    public void Ones_throughout_and_large_buffers_lose_no_carry()
    {
        var bytes = new byte[65_536];
        bytes.AsSpan().Fill(0xFF);
        Assert.Equal(Plain(bytes), InternetChecksum.ComputeWire(bytes));
    }

    [Fact]
    public void An_update_is_the_same_as_computing_anew()
    {
        var random = new Random(11);
        var bytes = new byte[40];
        Span<byte> fresh = stackalloc byte[16];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            random.NextBytes(fresh);
            var checksum = InternetChecksum.ComputeWire(bytes);
            var size = new[] { 2, 4, 16 }[i % 3];
            var old = bytes.AsSpan(8, size);
            var updated = size switch
            {
                2 => InternetChecksum.Update(
                    checksum, BitConverter.ToUInt16(old), BitConverter.ToUInt16(fresh)),
                4 => InternetChecksum.Update(
                    checksum, BitConverter.ToUInt32(old), BitConverter.ToUInt32(fresh)),
                _ => InternetChecksum.Update(checksum, old, fresh),
            };
            fresh[..size].CopyTo(old);
            Assert.Equal(InternetChecksum.ComputeWire(bytes), updated);
        }
    }

    /// <remarks>RFC 9260's check value of "123456789" for CRC-32C.</remarks>
    [Fact]
    public void Crc32c_has_its_check_value() =>
        Assert.Equal(0xE306_9283u, Crc32C.Compute("123456789"u8));

    private static ushort Plain(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i += 2)
        {
            var low = i + 1 < bytes.Length ? bytes[i + 1] : 0;
            sum += (uint)((bytes[i] << 8) | low);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return BinaryPrimitives.ReverseEndianness((ushort)~sum);
    }
}
