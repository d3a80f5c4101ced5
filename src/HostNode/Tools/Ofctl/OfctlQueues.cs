using System.Buffers.Binary;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>Queues of ports.</summary>
internal static class OfctlQueues
{
    private const ushort MinimumProperty = 1, MaximumProperty = 2, NoRate = 1001;

    public static readonly OfctlCommand[] Commands =
    [
        new("queue-stats", 1, 3, "BRIDGE [PORT [QUEUE]]", "statistics of queues", StatsAsync),
        new("queue-get-config", 1, 2, "BRIDGE [PORT]", "rates of queues", RatesAsync),
    ];

    private static async Task<uint> WantedAsync(OfctlCall call) =>
        call.Word(1) is null or "ALL" or "ANY"
            ? OfPort.Any
            : await OfctlPorts.WantedAsync(call, 1);

    private static async Task StatsAsync(OfctlCall call)
    {
        var port = await WantedAsync(call);
        var queue = call.Word(2) is { } text && text is not ("ALL" or "ANY")
            ? uint.TryParse(text, out var number)
                ? number
                : throw new ToolException($"invalid queue {text}")
            : uint.MaxValue;
        var bridge = await call.BridgeAsync();
        var (xid, parts) = await bridge.AskAllAsync<OfQueueStatsReply>(
            new OfQueueStatsRequest(port, queue));
        var all = parts.SelectMany(part => part.Queues.AsEnumerable()).ToList();
        await call.PrintHeadAsync("OFPST_QUEUE reply", bridge, xid, $" {all.Count} queues");
        foreach (var one in all)
        {
            var isKnown = one.Duration.TotalSeconds < uint.MaxValue
                && bridge.Version >= OfVersion.OpenFlow13;
            var duration = isKnown ? OfFlowText.Duration(one.Duration) : "?";
            await call.PrintAsync(
                $"  port {OfPort.ToText(one.Port)} queue {one.Queue}: "
                + $"bytes={OfctlText.Counter(one.TransmitBytes)}, "
                + $"pkts={OfctlText.Counter(one.TransmitPackets)}, "
                + $"errors={OfctlText.Counter(one.TransmitErrors)}, duration={duration}");
        }
    }

    private static async Task RatesAsync(OfctlCall call)
    {
        var bridge = await call.BridgeAsync();
        var port = await PortAsync(call, bridge);
        try
        {
            await RatesAsync(call, bridge, port);
        }
        catch (OfctlRefusal refusal)
        {
            // To the stock tool a refusal is an answer like any other.
            await call.PrintAsync(refusal.Message);
        }
    }

    private static async Task<uint> PortAsync(OfctlCall call, OpenFlowBridge bridge)
    {
        if (call.Word(1) is not { } name) return OfPort.Any;
        if (OfPort.TryParse(name, out var number)) return number;
        var ports = await OfctlPorts.DescribeAsync(bridge);
        return ports.Find(port => port.Name == name)?.Port
            ?? throw new ToolException($"{call.Words[0]}: unknown port `{name}'");
    }

    private static async Task RatesAsync(OfctlCall call, OpenFlowBridge bridge, uint port)
    {
        if (bridge.Version >= OfVersion.OpenFlow14)
        {
            await DescribeAsync(call, bridge, port);
        }
        else if (port == OfPort.Any && bridge.Version == OfVersion.OpenFlow10)
        {
            // OpenFlow 1.0 has no way to ask for all of them, and none for the local one.
            foreach (var each in await OfctlPorts.DescribeAsync(bridge))
                if (each.Port < OfPort.Max) await AskAsync(call, bridge, each.Port);
        }
        else
        {
            await AskAsync(call, bridge, port);
        }
    }

    /// <summary>OpenFlow 1.4 and later: the ports stand between the queues.</summary>
    private static async Task DescribeAsync(OfctlCall call, OpenFlowBridge bridge, uint port)
    {
        var (xid, parts) = await bridge.AskAllAsync<OfQueueDescriptionReply>(
            new OfQueueDescriptionRequest(port, uint.MaxValue));
        var isFirst = true;
        foreach (var group in parts.SelectMany(part => part.Queues.AsEnumerable())
            .GroupBy(queue => queue.Port).OrderBy(group => group.Key))
        {
            var name = $"port={OfPort.ToText(group.Key)}";
            if (isFirst)
                await call.PrintHeadAsync("OFPST_QUEUE_DESC reply", bridge, xid, " " + name);
            else await call.PrintAsync(name);
            isFirst = false;
            await PrintAsync(call, group);
        }
    }

    private static async Task AskAsync(OfctlCall call, OpenFlowBridge bridge, uint port)
    {
        var (xid, body) = await bridge.AskBytesAsync(
            new OfQueueGetConfigRequest(port, uint.MaxValue));
        await call.PrintHeadAsync(
            "OFPT_QUEUE_GET_CONFIG_REPLY", bridge, xid, $" port={OfPort.ToText(port)}");
        await PrintAsync(call, Read(body, port, bridge.Version));
    }

    private static async Task PrintAsync(OfctlCall call, IEnumerable<OfQueueDescription> queues)
    {
        foreach (var queue in queues.OrderBy(queue => queue.Queue))
        {
            await call.PrintAsync($"queue {queue.Queue}:" + Rate("min_rate", queue.MinimumRate)
                + Rate("max_rate", queue.MaximumRate));
        }
    }

    private static string Rate(string name, ushort rate) =>
        rate < NoRate ? $" {name}:{rate / 10}.{rate % 10}%" : "";

    /// <summary>OFPT_QUEUE_GET_CONFIG_REPLY of OpenFlow 1.0 to 1.3; ends where it is cut.</summary>
    private static List<OfQueueDescription> Read(
        ReadOnlySpan<byte> body, uint port, OfVersion version)
    {
        const int PortSize = 8, PropertySize = 16, RateOffset = 8;
        // Number, from OpenFlow 1.2 on the port, then length and padding.
        var lengthAt = version >= OfVersion.OpenFlow12 ? 8 : 4;
        var headSize = lengthAt * 2;
        var queues = new List<OfQueueDescription>();
        var rest = body.Length > PortSize ? body[PortSize..] : [];
        while (rest.Length >= headSize)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest[lengthAt..]);
            if (length < headSize || length > rest.Length) break;
            var queue = new OfQueueDescription(
                port, BinaryPrimitives.ReadUInt32BigEndian(rest), ushort.MaxValue, ushort.MaxValue);
            for (var at = headSize; at + PropertySize <= length; at += PropertySize)
            {
                var type = BinaryPrimitives.ReadUInt16BigEndian(rest[at..]);
                var rate = BinaryPrimitives.ReadUInt16BigEndian(rest[(at + RateOffset)..]);
                if (type == MinimumProperty) queue = queue with { MinimumRate = rate };
                else if (type == MaximumProperty) queue = queue with { MaximumRate = rate };
            }

            queues.Add(queue);
            rest = rest[length..];
        }

        return queues;
    }
}
