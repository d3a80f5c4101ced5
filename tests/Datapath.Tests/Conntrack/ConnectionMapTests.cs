using System.Net;

namespace Fabric.Datapath.Tests.Conntrack;

public sealed class ConnectionMapTests
{
    private const int TupleCount = 2_000;

    private static ConntrackKey Tuple(int number) => new()
    {
        Source = ConntrackKey.FromAddress(IPAddress.Parse("10.0.0.1")),
        Destination = ConntrackKey.FromAddress(IPAddress.Parse("10.0.0.2")),
        PortSourceWire = (ushort)(number + 1),
        PortDestinationWire = (ushort)(number * 7 + 3),
        Protocol = ConntrackKey.ProtocolTcp,
        Kind = 4,
        Zone = (ushort)(number % 5),
    };

    /// <summary>Every third one is translated: its replies lie elsewhere.</summary>
    private static ConnectionRecord Record(ConnectionMap map, int number)
    {
        var record = new ConnectionRecord
        {
            Original = Tuple(number),
            Reply = Tuple(number).Reversed(),
            OriginalHash = map.HashOf(Tuple(number)),
            Timeouts = ConntrackTimeouts.Default,
            Mark = (uint)number,
        };
        if (number % 3 != 0) return record;
        record.Nat = NatType.Source;
        record.Reply.PortDestinationWire ^= 0x5555;
        return record;
    }

    /// <remarks>
    /// Goal: the map is a dictionary of both keys. Method: random additions and removals, in waves
    /// so that it grows and shrinks; the oracle is a Dictionary.
    /// </remarks>
    [Theory]
    [InlineData(1), InlineData(2)]
    public void It_finds_what_a_dictionary_finds(int seed)
    {
        var random = new Random(seed);
        var map = new ConnectionMap(seed: 3);
        var oracle = new Dictionary<ConntrackKey, uint>();
        for (var round = 0; round < 60_000; round++)
        {
            var number = random.Next(TupleCount);
            var isGrowing = round / 10_000 % 2 == 0;
            using var reading = map.Read();
            var record = Record(map, number);
            var isFound = map.TryFind(record.Reply, out var connection, out var isReply);
            Assert.Equal(oracle.ContainsKey(record.Reply), isFound);
            if (isFound) Assert.True(isReply && connection.Mark == number);
            if (isFound && random.Next(isGrowing ? 8 : 2) == 0)
            {
                Assert.True(map.Remove(connection));
                Assert.False(map.Remove(connection));
                Assert.True(oracle.Remove(record.Original) && oracle.Remove(record.Reply));
            }
            else if (random.Next(isGrowing ? 2 : 8) == 0)
            {
                var isTaken = oracle.ContainsKey(record.Original)
                    || oracle.ContainsKey(record.Reply);
                Assert.Equal(!isTaken, map.TryAdd(ref record, out _));
                oracle.TryAdd(record.Original, (uint)number);
                oracle.TryAdd(record.Reply, (uint)number);
            }

            if (round % 1_000 == 0) map.Trim();
        }

        Assert.Equal(oracle.Count / 2, CountOf(map));
        Assert.All(oracle, pair =>
        {
            Assert.True(map.TryFind(pair.Key, out var connection, out _));
            Assert.Equal(pair.Value, connection.Mark);
        });
    }

    /// <remarks>
    /// Goal: memory that is used again never shows a reader another connection than it asked for,
    /// and what nobody removes is always found. Method: two threads remove, add and trim while one
    /// looks up.
    /// </remarks>
    [Fact]
    public void Look_ups_are_right_while_connections_come_and_go()
    {
        var map = new ConnectionMap(seed: 5);
        var lasting = Enumerable.Range(0, 500).Select(i => i * 2).ToArray();
        foreach (var number in lasting)
        {
            var record = Record(map, number);
            Assert.True(map.TryAdd(ref record, out _));
        }

        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 2)
            .Select(i => new Thread(() => Churn(map, i, stop.Token))).ToArray();
        foreach (var writer in writers) writer.Start();
        var wrong = 0;
        for (var i = 0; i < 200_000; i++)
        {
            using var reading = map.Read();
            var tuple = Tuple(i % 1_000);
            var isFound = map.TryFind(tuple, out var connection, out var isReply);
            if (isFound ? isReply || connection.Mark != i % 1_000 : i % 2 == 0) wrong++;
        }

        stop.Cancel();
        foreach (var writer in writers) writer.Join();
        Assert.Equal(0, wrong);
        Assert.Equal(lasting.Length, CountOf(map));
    }

    /// <summary>Adds and removes odd numbers, each writer its own, until told to stop.</summary>
    private static void Churn(ConnectionMap map, int writer, CancellationToken stop)
    {
        for (var turn = 0; !stop.IsCancellationRequested || turn % 250 != 0; turn++)
        {
            using var reading = map.Read();
            var number = (turn % 250 * 4) + 1 + (writer * 2);
            var record = Record(map, number);
            Assert.True(map.TryAdd(ref record, out var connection));
            Assert.True(map.Remove(connection));
            if (turn % 64 == 0) map.Trim();
        }
    }

    private static int CountOf(ConnectionMap map)
    {
        var count = 0;
        for (var shard = 0; shard < ConnectionMap.Shards; shard++)
        {
            map.Visit(shard, _ => count++);
        }

        return count;
    }
}
