using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>What a switch tells by itself, as it comes: packets, ports, flows that go.</summary>
internal static class OfctlMonitor
{
    public static readonly OfctlCommand[] Commands =
    [
        new("monitor", 1, 3, "BRIDGE [MISSLEN] [invalid_ttl]", "print packets, ports, removals",
            MonitorAsync) { IsEndless = true },
    ];

    private static async Task MonitorAsync(OfctlCall call)
    {
        var (missLength, isTtlWanted) = Wishes(call.Words[1..]);
        var bridge = await call.BridgeAsync();
        if (isTtlWanted && bridge.Version > OfVersion.OpenFlow12)
        {
            throw new ToolException(
                "invalid_ttl requires one of the OpenFlow versions OpenFlow10, OpenFlow11, "
                + "OpenFlow12 but none is enabled (use -O)");
        }

        await bridge.ChangeAsync([new OfSetPacketInFormat((uint)call.Options.PacketFormat)]);
        if (missLength is not null || isTtlWanted)
        {
            var (_, config) = await bridge.AskAsync<OfGetConfigReply>(new OfGetConfigRequest());
            var flags = config.Flags
                | (isTtlWanted ? OfConfigFlags.InvalidTtlToController : OfConfigFlags.None);
            await bridge.SendAsync(
                new OfSetConfig(flags, missLength ?? config.MissSendLength));
        }

        while (true)
        {
            var envelope = await bridge.ReadAsync();
            if (OfctlEvents.Format(bridge, envelope, call.Options.IsVerbose) is { } text)
                await call.PrintAsync(text);
        }
    }

    private static (ushort? MissLength, bool IsTtlWanted) Wishes(string[] words)
    {
        ushort? missLength = null;
        foreach (var word in words)
        {
            if (ushort.TryParse(word, out var length)) missLength = length;
            else if (word != "invalid_ttl")
                throw new ToolException($"{word}: unsupported \"monitor\" argument");
        }

        return (missLength, words.Contains("invalid_ttl"));
    }
}
