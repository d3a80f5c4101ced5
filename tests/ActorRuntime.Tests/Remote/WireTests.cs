using Akka.Actor;
using Akka.Cluster;
using Akka.Remote.Wire;

namespace Fabric.ActorRuntime.Tests.Remote;

/// <summary>The encoding under all messages of the runtime, and the bytes of its frames.</summary>
public sealed class WireTests
{
    private static readonly UniqueAddress Node =
        new(new Address("akka.tcp", "fabric", "10.0.0.1", 2552), 7);

    [Fact]
    public void Fields_are_read_as_they_were_written()
    {
        var bytes = new FieldWriter().Unsigned(1, ulong.MaxValue).Signed(2, -5).Text(3, "käse")
            .Flag(4, true).Real(5, 1.5).UniqueAddress(6, Node).ToArray();
        var reader = new FieldReader(bytes);
        Assert.True(reader.Next() && reader.Field == 1 && reader.Unsigned == ulong.MaxValue);
        Assert.True(reader.Next() && reader.Signed == -5);
        Assert.True(reader.Next() && reader.Text == "käse");
        Assert.True(reader.Next() && reader.Flag);
        Assert.True(reader.Next() && reader.Real == 1.5);
        Assert.True(reader.Next() && reader.TryUniqueAddress(out var node) && node == Node);
        Assert.False(reader.Next());
        Assert.False(reader.IsMalformed);
    }

    [Fact]
    public void What_comes_in_every_frame_is_made_once()
    {
        var first = Read("/system/cluster#17");
        var second = Read("/system/cluster#17");
        Assert.Same(first.Recipient, second.Recipient);
        Assert.Same(first.Manifest, second.Manifest);
        Assert.Same(first.Sender, second.Sender);

        // Who asks once and is gone is not remembered.
        Assert.Equal("/temp/t1", Read("/temp/t1").Sender);
        Assert.NotSame(Read("/temp/t1").Sender, Read("/temp/t1").Sender);

        var reader = new FieldReader(
            new FieldWriter().UniqueAddress(1, Node).UniqueAddress(2, Node).ToArray());
        Assert.True(reader.Next() & reader.TryUniqueAddress(out var node));
        Assert.True(reader.Next() & reader.TryUniqueAddress(out var again));
        Assert.Same(node, again);
    }

    private static RemoteMessage Read(string sender)
    {
        var frame = Frame.Message("/system/remote", sender, 3, "M", [1]);
        Assert.True(Frame.TryReadMessage(frame.AsSpan(1), out var message));
        return message;
    }

    /// <remarks>
    /// Goal: no bytes make a reader throw or run on. Method: 200,000 random ones.
    /// </remarks>
    [Fact]
    public void Any_bytes_are_read_or_refused()
    {
        var random = new Random(3);
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            Frame.TryReadMessage(bytes, out _);
            Frame.TryReadHello(bytes, out _, out _);
            Frame.TryReadWelcome(bytes, out _);
            Frame.ReadRefused(bytes);
            GossipCodec.Decode(bytes);
            GossipCodec.DecodeClock(bytes);
        }
    }

    [Fact]
    public void Every_truncation_of_a_frame_is_refused_or_whole()
    {
        var frame = Frame.Message("/user/a#1", "/user/b#2", 17, "S", [1, 2, 3], 9);
        Assert.True(Frame.TryReadMessage(frame.AsSpan(1), out var message));
        Assert.Equal(("/user/a#1", "/user/b#2", 17, "S", 9L), (
            message.Recipient, message.Sender, message.SerializerId, message.Manifest,
            message.Sequence));
        for (var size = 0; size < frame.Length - 3; size++)
        {
            Assert.False(Frame.TryReadMessage(frame.AsSpan(1, Math.Max(0, size - 1)), out _));
        }
    }

    [Fact]
    public void Unknown_fields_are_skipped_and_counted()
    {
        var before = WireCounters.UnknownFields.Value;
        var frame = new FieldWriter().Text(1, "/user/a").Bytes(5, [1]).Text(99, "from the future");
        Assert.True(Frame.TryReadMessage(frame.Written, out var message));
        Assert.Equal("/user/a", message.Recipient);
        Assert.True(WireCounters.UnknownFields.Value > before);
    }

    /// <remarks>Golden bytes: what the first release wrote, every later one must read.</remarks>
    [Fact]
    public void Frames_keep_their_bytes()
    {
        var address = "1F" + Hex("akka.tcp://fabric@10.0.0.1:2552");
        Assert.Equal(
            "010A23" + "0A" + address + "100E" + "12" + address + "1801",
            Convert.ToHexString(Frame.Hello(Node, Node.Address)));
        Assert.Equal(
            "020A23" + "0A" + address + "100E", Convert.ToHexString(Frame.Welcome(Node)));
        Assert.Equal("060812", Convert.ToHexString(Frame.Ack(9)));
        Assert.Equal(
            "040A072F757365722F61" + "12072F757365722F62" + "1822" + "220153" + "2A0178",
            Convert.ToHexString(Frame.Message("/user/a", "/user/b", 17, "S", [0x78])));
        Assert.Equal(
            "030A0B" + Hex("quarantined"),
            Convert.ToHexString(Frame.Refused(Frame.ReasonQuarantined)));
    }

    private static string Hex(string text) =>
        Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text));
}
