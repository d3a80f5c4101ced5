using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <content>Queues: only dummy devices have one, number 0, which does not count.</content>
internal sealed partial class SwitchRequests
{
    private const ushort RateUnknown = ushort.MaxValue;

    private OfErrorCode Queues(OfQueueGetConfigRequest request, out OfMessage? reply)
    {
        var error = Find(request.Port, request.Queue, out var queues);
        reply = new OfQueueGetConfigReply(
            request.Port, [.. queues.Select(port => Description(port.OpenFlowPort))]);
        return error;
    }

    private OfErrorCode Queues(OfQueueDescriptionRequest request, out OfMessage? reply)
    {
        var error = Find(request.Port, request.Queue, out var queues);
        reply = new OfQueueDescriptionReply(
            [.. queues.Select(port => Description(port.OpenFlowPort))]);
        return error;
    }

    private OfErrorCode Queues(OfQueueStatsRequest request, out OfMessage? reply)
    {
        var error = Find(request.Port, request.Queue, out var queues);
        reply = new OfQueueStatsReply(
            [.. queues.Select(port => new OfQueueStats(
                port.OpenFlowPort, 0, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue,
                TimeSpan.FromSeconds(uint.MaxValue)))]);
        return error;
    }

    private static OfQueueDescription Description(uint port) =>
        new(port, 0, RateUnknown, RateUnknown);

    /// <summary>The ports asked for that have the queue asked for.</summary>
    private OfErrorCode Find(
        uint port, uint queue, out ImmutableArray<PortSnapshot> found)
    {
        var isAny = port == OfPort.Any;
        var ports = Ports.Where(each => isAny || each.OpenFlowPort == port).ToImmutableArray();
        found = [];
        if (ports.IsEmpty) return OfErrorCode.QueueBadPort;
        if (queue is 0 or uint.MaxValue)
        {
            found = [.. ports.Where(each => datapath?.Type == "dummy"
                && each is { DatapathPort: not null, Tunnel: null })];
        }

        return found.IsEmpty && queue != uint.MaxValue
            ? OfErrorCode.QueueBadQueue : OfErrorCode.None;
    }
}
