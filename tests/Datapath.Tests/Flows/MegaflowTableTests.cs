using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

public sealed class MegaflowTableTests
{
    private static ImmutableArray<DatapathAction> To(uint port) => [new OutputAction(port)];

    private static FlowKey Key(uint inPort, uint source, ushort port)
    {
        FlowKey key = default;
        key.InPort = inPort;
        key.EthernetType = EtherType.Ipv4;
        key.Ipv4Source = source;
        key.PortDestination = port;
        return key;
    }

    private static FlowKey Mask(uint source, ushort port)
    {
        var mask = Key(uint.MaxValue, source, port);
        mask.EthernetTypeWire = ushort.MaxValue;
        return mask;
    }

    /// <remarks>
    /// Goal: the classifier answers as a plain list would. Method: random keys and masks of
    /// disjoint flows, put, looked up, deleted; the oracle is a linear search.
    /// </remarks>
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public void A_look_up_finds_what_a_linear_search_finds(int seed)
    {
        var random = new Random(seed);
        var table = new MegaflowTable();
        var oracle = new List<(FlowKey Key, FlowKey Mask, uint Port)>();
        uint[] sources = [0xFF00_0000, 0xFFFF_0000, 0xFFFF_FFFF, 0];

        for (var i = 0; i < 3000; i++)
        {
            var source = (uint)random.NextInt64(1L << 32);
            var key = Key((uint)random.Next(1, 4), source, (ushort)random.Next(50));
            var hits = oracle.FindAll(flow => Matches(key, flow.Key, flow.Mask));
            Assert.True(hits.Count <= 1);
            var found = table.TryFind(key, out var actions, out _);
            Assert.Equal(hits.Count == 1, found);
            if (found)
            {
                Assert.Equal(hits[0].Port, ((OutputAction)actions[0]).Port);
                if (random.Next(3) != 0) continue;
                Assert.True(table.Delete(hits[0].Key, hits[0].Mask, out _));
                Assert.False(table.Delete(hits[0].Key, hits[0].Mask, out _));
                oracle.Remove(hits[0]);
                continue;
            }

            var portMask = random.Next(2) == 0 ? ushort.MaxValue : (ushort)0;
            var mask = Mask(sources[random.Next(4)], portMask);
            if (oracle.Exists(flow => Overlap(key, mask, flow.Key, flow.Mask))) continue;
            Assert.Equal(FlowPutResult.Added, table.Put(key, mask, To((uint)i)));
            oracle.Add((key, mask, (uint)i));
            if (i % 100 == 0) table.Rank();
        }

        Assert.Equal(oracle.Count, table.Count);
        Assert.Equal(oracle.Count, table.Flush());
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Putting_a_flow_again_replaces_its_actions()
    {
        var table = new MegaflowTable();
        var mask = Mask(uint.MaxValue, 0);
        Assert.Equal(FlowPutResult.Added, table.Put(Key(1, 7, 9), mask, To(1)));
        Assert.Equal(FlowPutResult.Replaced, table.Put(Key(1, 7, 8), mask, To(2)));
        Assert.True(table.TryFind(Key(1, 7, 100), out var actions, out _));
        Assert.Equal(new OutputAction(2), actions[0]);
        Assert.Equal(1, table.Count);
    }

    /// <remarks>CVE-2019-25076: a port that keeps making masks must not slow down others.</remarks>
    [Fact]
    public void Masks_are_bounded_for_each_port_alone()
    {
        var table = new MegaflowTable { MasksMax = 16 };
        for (uint i = 0; i < 16; i++)
        {
            var mask = Mask(1u << (int)i, 0);
            Assert.Equal(FlowPutResult.Added, table.Put(Key(1, ~0u, 0), mask, To(i)));
        }

        Assert.Equal(FlowPutResult.Full, table.Put(Key(1, ~0u, 0), Mask(1u << 20, 0), To(20)));
        Assert.Equal(FlowPutResult.Added, table.Put(Key(2, ~0u, 0), Mask(1u << 20, 0), To(20)));
        Assert.Equal(17, table.MaskCount);
    }

    [Fact]
    public void Flows_are_bounded()
    {
        var table = new MegaflowTable { FlowsMax = 2 };
        var mask = Mask(uint.MaxValue, 0);
        table.Put(Key(1, 1, 0), mask, To(1));
        table.Put(Key(1, 2, 0), mask, To(1));
        Assert.Equal(FlowPutResult.Full, table.Put(Key(1, 3, 0), mask, To(1)));
        Assert.Equal(FlowPutResult.Replaced, table.Put(Key(1, 2, 0), mask, To(2)));
    }

    [Fact]
    public void A_dump_shows_keys_masks_and_actions_as_put()
    {
        var table = new MegaflowTable();
        var mask = Mask(0xFFFF_FF00, 0);
        table.Put(Key(5, 0x0A00_0001, 80), mask, To(3));
        var count = 0;
        table.Dump((in FlowKey key, in FlowKey seen, ImmutableArray<DatapathAction> actions,
            in FlowStatistics _) =>
        {
            count++;
            Assert.Equal(mask, seen);
            Assert.Equal(Key(5, 0x0A00_0000, 0), key);
            Assert.Equal(To(3).AsEnumerable(), actions);
        });
        Assert.Equal(1, count);
    }

    /// <remarks>
    /// Readers take no lock: what is stable must be found while others come and go.
    /// </remarks>
    [Fact]
    public void Look_ups_succeed_while_a_writer_churns()
    {
        var table = new MegaflowTable();
        var mask = Mask(uint.MaxValue, 0);
        for (uint i = 0; i < 100; i++) table.Put(Key(1, i, 0), mask, To(i));

        using var stop = new CancellationTokenSource();
        var writer = new Thread(() =>
        {
            for (uint i = 0; !stop.IsCancellationRequested; i++)
            {
                table.Put(Key(1, 1000 + (i % 500), 0), mask, To(0));
                table.Delete(Key(1, 1000 + ((i + 250) % 500), 0), mask, out _);
                if (i % 64 == 0) table.Rank();
            }
        });
        writer.Start();
        var missing = 0;
        for (var i = 0; i < 100_000; i++)
        {
            if (!table.TryFind(Key(1, (uint)i % 100, 5), out var actions, out _)
                || ((OutputAction)actions[0]).Port != i % 100)
            {
                missing++;
            }
        }

        stop.Cancel();
        writer.Join();
        Assert.Equal(0, missing);
    }

    private static bool Matches(FlowKey key, FlowKey flow, FlowKey mask)
    {
        for (var i = 0; i < FlowKey.WordCount; i++)
        {
            if (((key.Words[i] ^ flow.Words[i]) & mask.Words[i]) != 0) return false;
        }

        return true;
    }

    private static bool Overlap(FlowKey left, FlowKey leftMask, FlowKey right, FlowKey rightMask)
    {
        for (var i = 0; i < FlowKey.WordCount; i++)
        {
            var both = leftMask.Words[i] & rightMask.Words[i];
            if (((left.Words[i] ^ right.Words[i]) & both) != 0) return false;
        }

        return true;
    }
}
