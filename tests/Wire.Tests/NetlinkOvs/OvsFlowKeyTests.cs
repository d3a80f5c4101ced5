using Fabric.Wire.Netlink;

namespace Fabric.Wire.Tests.NetlinkOvs;

public sealed class NetlinkOvsFlowKeyTests
{
    [Theory]
    [InlineData(OvsKeyForm.Compact)]
    [InlineData(OvsKeyForm.Complete)]
    public void Random_keys_survive_the_way_out_and_back(OvsKeyForm form)
    {
        var random = new Random(20261);
        var bytes = new byte[4096];
        for (var i = 0; i < 5_000; i++)
        {
            var key = RandomFlowKeys.Next(random);
            var writer = new NetlinkWriter(bytes);
            OvsFlowKeyWriter.Write(ref writer, in key, form);
            Assert.False(writer.HasOverflowed);
            Assert.True(OvsFlowKeyReader.TryRead(
                writer.Written, out var read, out var hasUnknown, out var fault),
                $"{i}: {fault}");
            Assert.False(hasUnknown);
            Assert.True(key == read, $"key {i} differs at byte {Difference(key, read)}");
        }
    }

    [Fact]
    public void A_mask_that_was_read_once_stays_the_same()
    {
        var random = new Random(20262);
        var bytes = new byte[8192];
        for (var i = 0; i < 5_000; i++)
        {
            var key = RandomFlowKeys.Next(random);
            FlowKey mask = default;
            random.NextBytes(mask.Bytes);
            var first = Through(in key, in mask, bytes, i);
            var second = Through(in key, in first, bytes, i);
            Assert.True(first == second, $"mask {i}, byte {Difference(first, second)}");
        }
    }

    [Fact]
    public void An_exact_mask_covers_every_bit_that_the_key_has()
    {
        var random = new Random(20263);
        for (var i = 0; i < 1_000; i++)
        {
            var key = RandomFlowKeys.Next(random);
            OvsFlowKeyReader.ExactMask(in key, out var mask);
            for (var word = 0; word < FlowKey.WordCount; word++)
            {
                if (word * 8 is 344) continue; // The size of the options is no field.
                Assert.Equal(0ul, key.Words[word] & ~mask.Words[word]);
            }
        }
    }

    [Fact]
    public void Reading_and_writing_a_key_allocates_nothing()
    {
        var key = RandomFlowKeys.Next(new Random(7));
        var bytes = new byte[4096];
        RoundTrip(in key, bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++) RoundTrip(in key, bytes);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void RoundTrip(in FlowKey key, byte[] bytes)
    {
        var writer = new NetlinkWriter(bytes);
        OvsFlowKeyWriter.Write(ref writer, in key, OvsKeyForm.Complete);
        OvsFlowKeyReader.TryRead(writer.Written, out _, out _, out _);
    }

    private static FlowKey Through(in FlowKey key, in FlowKey mask, byte[] bytes, int i)
    {
        var writer = new NetlinkWriter(bytes);
        OvsFlowKeyWriter.WriteMask(ref writer, in key, in mask, OvsKeyForm.Complete);
        Assert.True(OvsFlowKeyReader.TryReadMask(
            writer.Written, in key, out var read, out _, out var fault), $"{i}: {fault}");
        return read;
    }

    private static int Difference(FlowKey left, FlowKey right) =>
        left.Bytes.CommonPrefixLength(right.Bytes);
}
