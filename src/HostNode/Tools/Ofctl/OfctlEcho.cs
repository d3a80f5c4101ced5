using System.Diagnostics;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Whether a switch answers, and how fast.</summary>
internal static class OfctlEcho
{
    private const int PingCount = 10;
    private const uint PayloadDefault = 64;
    private const uint PayloadMax = ushort.MaxValue - OfHeader.Size;

    public static readonly OfctlCommand[] Commands =
    [
        new("probe", 1, 1, "BRIDGE", "whether it answers", call => call.BridgeAsync()),
        new("ping", 1, 2, "BRIDGE [BYTES]", "the time of ten echoes", PingAsync),
        new("benchmark", 3, 3, "BRIDGE BYTES COUNT", "how many echoes a second", BenchmarkAsync),
    ];

    private static async Task PingAsync(OfctlCall call)
    {
        var request = new OfEchoRequest(Payload(call.Word(1), PayloadDefault));
        var bridge = await call.BridgeAsync();
        for (var i = 0; i < PingCount; i++)
        {
            var clock = Stopwatch.StartNew();
            var (xid, reply) = await bridge.AskAsync<OfEchoReply>(request);
            await call.PrintAsync(FormattableString.Invariant(
                $"{reply.Data.Count} bytes from {call.Words[0]}: xid={xid:x8} time=")
                + FormattableString.Invariant($"{clock.Elapsed.TotalMilliseconds:f1} ms"));
        }
    }

    private static async Task BenchmarkAsync(OfctlCall call)
    {
        var request = new OfEchoRequest(Payload(call.Words[1], 0));
        _ = uint.TryParse(call.Words[2], out var count);
        var size = request.Data.Count + OfHeader.Size;
        await call.PrintAsync(
            $"Sending {count} packets * {size} bytes (with header) = {count * size} bytes total");
        var bridge = await call.BridgeAsync();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < count; i++) await bridge.AskAsync<OfEchoReply>(request);
        var seconds = clock.Elapsed.TotalSeconds;
        await call.PrintAsync(FormattableString.Invariant(
            $"Finished in {seconds * 1000:f1} ms ({count / seconds:f0} packets/s) ")
            + FormattableString.Invariant($"({count * size / seconds:f0} bytes/s)"));
    }

    /// <summary>As many bytes as a word says; one that is no number says none.</summary>
    private static EquatableArray<byte> Payload(string? word, uint size)
    {
        if (word is not null) _ = uint.TryParse(word, out size);
        return size <= PayloadMax
            ? EquatableArray.Create<byte>(new byte[size])
            : throw new ToolException($"payload must be between 0 and {PayloadMax} bytes");
    }
}
