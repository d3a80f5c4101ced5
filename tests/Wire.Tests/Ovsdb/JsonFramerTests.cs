using System.Text;
using Fabric.Wire.Ovsdb;

namespace Fabric.Wire.Tests.Ovsdb;

public sealed class JsonFramerTests
{
    private const string Stream =
        """{"id":0,"s":"}{[]\"\\"} {"a":[{"b":{}}]}""" + "\n\t" + """{"c":"\u00e9\\\\"}{}""";

    private static readonly string[] Messages =
        ["""{"id":0,"s":"}{[]\"\\"}""", """{"a":[{"b":{}}]}""", """{"c":"\u00e9\\\\"}""", "{}"];

    [Fact]
    public void Messages_are_found_however_the_stream_is_cut()
    {
        var bytes = Encoding.UTF8.GetBytes(Stream);
        for (var size = 1; size <= bytes.Length; size++)
        {
            var framer = new JsonFramer();
            var found = new List<string>();
            for (var at = 0; at < bytes.Length; at += size)
            {
                framer.Append(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)));
                while (framer.TryNext(out var message, out var problem))
                {
                    Assert.Null(problem);
                    found.Add(Encoding.UTF8.GetString(message.Span));
                }
            }

            Assert.Equal(Messages, found);
            Assert.Equal(0, framer.Buffered);
        }
    }

    [Fact]
    public void What_is_no_object_ends_the_stream()
    {
        var framer = new JsonFramer();
        framer.Append("  [1]"u8);

        Assert.False(framer.TryNext(out _, out var problem));
        Assert.Equal("message is not a JSON object", problem);
    }

    [Fact]
    public void Depth_and_size_have_limits()
    {
        var deep = new JsonFramer(depthMax: 10);
        deep.Append(Encoding.UTF8.GetBytes("{\"a\":" + new string('[', 20)));
        Assert.False(deep.TryNext(out _, out var problem));
        Assert.Equal("message nested deeper than 10", problem);

        var large = new JsonFramer(sizeMax: 100);
        large.Append(Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', 200)));
        Assert.False(large.TryNext(out _, out problem));
        Assert.Equal("message of over 100 bytes", problem);
    }

    [Theory]
    [InlineData("{\"a\":\"\\ud800\"}")]
    [InlineData("{\"a\":\"\\udc00\"}")]
    [InlineData("{\"a\":\"\\u0000\"}")]
    [InlineData("{\"a\":\"\\ud83d\\u0041\"}")]
    [InlineData("{\"a\"}")]
    [InlineData("{\"a\":01}")]
    public void Text_that_cannot_be_read_is_refused_as_a_whole(string json) =>
        Assert.False(JsonText.TryParse(Encoding.UTF8.GetBytes(json), out _, out _));

    [Fact]
    public void Invalid_UTF8_is_refused_and_whole_pairs_are_not()
    {
        byte[] invalid = [(byte)'{', (byte)'"', 0xC3, (byte)'"', (byte)':', (byte)'1', (byte)'}'];
        Assert.False(JsonText.TryParse(invalid, out _, out _));

        var json = """{"a":"\ud83d\ude00 \\ud800"}""";
        Assert.True(JsonText.TryParse(Encoding.UTF8.GetBytes(json), out var document, out _));
        Assert.Equal("😀 \\ud800", document!.RootElement.GetProperty("a").GetString());
    }

    [Fact]
    public void Random_bytes_never_throw()
    {
        var random = new Random(11);
        var alphabet = "{}[]\":,\\u0d8a1\n e-"u8.ToArray();
        for (var round = 0; round < 5000; round++)
        {
            var bytes = new byte[random.Next(64)];
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = alphabet[random.Next(alphabet.Length)];
            }

            var framer = new JsonFramer();
            framer.Append(bytes);
            while (framer.TryNext(out var message, out _))
            {
                if (!JsonText.TryParse(message, out var document, out _)) break;
                JsonRpcMessage.TryRead(document.RootElement, out _, out _);
                document.Dispose();
            }
        }
    }
}
