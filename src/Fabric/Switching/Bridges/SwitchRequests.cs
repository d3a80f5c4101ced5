using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Pipeline;
using Fabric.Wire.OpenFlow;

namespace Fabric.Switching;

/// <summary>Answers to OpenFlow requests, from a bridge's state: no actor, no waiting.</summary>
internal sealed partial class SwitchRequests(
    BridgeState state, SwitchedDatapath? datapath, long now)
{
    private const byte TableCount = 254;
    private const uint MaxEntries = 1_000_000;

    /// <returns>None with the reply, or null where none is due; else OpenFlow's error.</returns>
    public OfErrorCode TryAnswer(OfMessage request, out OfMessage? reply)
    {
        reply = null;
        switch (request)
        {
            case OfFeaturesRequest:
                reply = Features();
                return OfErrorCode.None;
            case OfBarrierRequest:
                reply = new OfBarrierReply();
                return OfErrorCode.None;
            case OfTlvTableRequest:
                reply = new OfTlvTableReply(
                    PipelineKey.TlvSize, TlvTable.IndexCount,
                    [.. state.Pipeline.Current.Tlv.Mappings]);
                return OfErrorCode.None;
            case OfPacketOut packet:
                return new PacketOuts(state, datapath, now).Send(packet);
            case OfResume resume:
                return new PacketOuts(state, datapath, now).Resume(resume);
            case OfConntrackFlushZone flush:
                datapath?.Provider.Conntrack.Flush(new ConntrackFilter(Zone: flush.Zone));
                return OfErrorCode.None;
            case OfConntrackFlush flush:
                Flush(flush);
                return OfErrorCode.None;
            case OfSetConfig config:
                SetFragments(config.Flags);
                return OfErrorCode.None;
            case OfGetConfigRequest:
                reply = new OfGetConfigReply(Fragments(), 0);
                return OfErrorCode.None;
            case OfQueueGetConfigRequest queues:
                return Queues(queues, out reply);
            case OfQueueStatsRequest queues:
                return Queues(queues, out reply);
            case OfQueueDescriptionRequest queues:
                return Queues(queues, out reply);
            case OfMeterStatsRequest { MeterId: var id } when !Meters(id).Any() && !IsAll(id):
            case OfMeterConfigRequest { MeterId: var id2 } when !Meters(id2).Any() && !IsAll(id2):
                return OfErrorCode.MeterUnknownMeter;
            case OfStatsRequest statistics:
                reply = Statistics(statistics);
                return reply is null ? OfErrorCode.RequestBadStat : OfErrorCode.None;
            default:
                return OfErrorCode.RequestBadType;
        }
    }

    private ImmutableArray<PortSnapshot> Ports =>
        datapath?.Current.Bridges.GetValueOrDefault(state.Name)?.PortsInOrder ?? [];

    /// <summary>One setting for the bridge, whoever asks: reassembly is not offered.</summary>
    private void SetFragments(OfConfigFlags flags)
    {
        switch (flags & OfConfigFlags.FragmentMask)
        {
            case OfConfigFlags.None:
                state.Pipeline.Fragments = FragmentHandling.Normal;
                break;
            case OfConfigFlags.FragmentDrop:
                state.Pipeline.Fragments = FragmentHandling.Drop;
                break;
            case OfConfigFlags.FragmentNxMatch:
                state.Pipeline.Fragments = FragmentHandling.Match;
                break;
        }
    }

    private OfConfigFlags Fragments() => state.Pipeline.Fragments switch
    {
        FragmentHandling.Drop => OfConfigFlags.FragmentDrop,
        FragmentHandling.Match => OfConfigFlags.FragmentNxMatch,
        _ => OfConfigFlags.None,
    };

    private OfFeaturesReply Features()
    {
        // OpenFlow 1.0 action types 0 to 11.
        const uint Actions = 0xFFF;
        return new OfFeaturesReply(
            state.DatapathId, 0, TableCount, 0,
            OfCapabilities.FlowStats | OfCapabilities.TableStats | OfCapabilities.PortStats
                | OfCapabilities.GroupStats | OfCapabilities.QueueStats
                | OfCapabilities.ArpMatchIp | OfCapabilities.Bundles,
            Actions, [.. Ports.Select(PortDescriptions.Of)]);
    }

    private OfStatsReply? Statistics(OfStatsRequest request) => request switch
    {
        OfDescriptionRequest => new OfDescriptionReply(
            "Fabric", "Open vSwitch compatible", SoftwareVersion, "None",
            state.Name),
        OfFlowStatsRequest { IsAggregate: true } flows => Aggregate(flows),
        OfFlowStatsRequest flows => new OfFlowStatsReply(
            [.. FlowReports.Select(state.Pipeline, flows)
                .Select(rule => FlowReports.Stats(rule, now))], flows.IsNicira),
        OfTableStatsRequest => Tables(),
        OfPortStatsRequest ports => PortStatistics(ports.Port),
        OfPortDescriptionRequest ports => new OfPortDescriptionReply(
            [.. Ports.Where(port => ports.Port == OfPort.Any || port.OpenFlowPort == ports.Port)
                .Select(PortDescriptions.Of)]),
        OfFlowMonitorRequest monitors => Monitor(monitors),
        OfTableFeaturesRequest { Changes: false } => new OfTableFeaturesReply(
            [.. Enumerable.Range(0, TableCount).Select(FeaturesOf)]),
        OfTableDescriptionRequest => new OfTableDescriptionReply(
            [.. Enumerable.Range(0, TableCount).Select(state.Pipeline.DescriptionOf)]),
        _ => StatisticsOfGroups(request),
    };

    private static string SoftwareVersion { get; } =
        typeof(SwitchRequests).Assembly.GetName().Version?.ToString(3) ?? "0.1.0";

    private OfAggregateReply Aggregate(OfFlowStatsRequest request)
    {
        ulong packets = 0;
        ulong bytes = 0;
        uint count = 0;
        foreach (var rule in FlowReports.Select(state.Pipeline, request))
        {
            count++;
            packets += rule.Statistics.Packets;
            bytes += rule.Statistics.Bytes;
        }

        return new OfAggregateReply(packets, bytes, count, request.IsNicira);
    }

    private OfTableStatsReply Tables()
    {
        var view = state.Pipeline.Current;
        var tables = ImmutableArray.CreateBuilder<OfTableStats>();
        for (var i = 0; i < TableCount; i++)
        {
            var (lookups, matches) = state.Pipeline.CountsOf((byte)i);
            var settings = view.SettingsOf(i);
            tables.Add(new OfTableStats(
                (byte)i, settings.Name, settings.FlowLimit ?? MaxEntries,
                (uint)state.Pipeline.CountOf(i), lookups, matches, settings.Miss));
        }

        return new OfTableStatsReply(tables.ToImmutable());
    }

    private OfTableFeatures FeaturesOf(int table)
    {
        var settings = state.Pipeline.Current.SettingsOf(table);
        return new OfTableFeatures(
            (byte)table, settings.Name, ulong.MaxValue, ulong.MaxValue,
            settings.FlowLimit ?? MaxEntries, false, false,
            [.. Enumerable.Range(table + 1, TableCount - table - 1).Select(next => (byte)next)],
            table == TableCount - 1);
    }

    private OfPortStatsReply PortStatistics(uint wanted)
    {
        var all = ImmutableArray.CreateBuilder<OfPortStats>();
        var isDummy = datapath?.Type == "dummy";
        foreach (var port in Ports)
        {
            if (wanted != OfPort.Any && port.OpenFlowPort != wanted) continue;
            var counted = port.DatapathPort is { } number && port.Tunnel is null
                ? datapath?.Provider.Ports.Statistics(number) : null;
            var from = counted ?? port.Counters?.Total
                ?? new PortStatistics(0, 0, 0, 0, 0, 0, 0, 0);
            var others = from.RxErrors == Datapath.PortStatistics.Unknown ? from.RxErrors : 0;
            all.Add(new OfPortStats(
                port.OpenFlowPort, from.RxPackets, from.TxPackets, from.RxBytes, from.TxBytes,
                from.RxDropped, from.TxDropped, from.RxErrors, from.TxErrors,
                others, others, others, others,
                TimeSpan.FromMilliseconds(now - port.SinceMilliseconds)));
            if (isDummy) all[^1] = WithoutErrors(all[^1]) with { Custom = OwnCounters(from) };
        }

        return new OfPortStatsReply(all.ToImmutable());
    }

    private static EquatableArray<OfPortCounter> OwnCounters(PortStatistics from) =>
        InterfaceReports.DummyCounters(from)
            .Select(each => new OfPortCounter(each.Name, each.Value)).ToEquatableArray();

    /// <summary>Dummy devices do not know what went wrong.</summary>
    private static OfPortStats WithoutErrors(OfPortStats port) => port with
    {
        ReceiveDropped = ulong.MaxValue, TransmitDropped = ulong.MaxValue,
        ReceiveErrors = ulong.MaxValue, TransmitErrors = ulong.MaxValue,
        ReceiveFrameErrors = ulong.MaxValue, ReceiveOverErrors = ulong.MaxValue,
        ReceiveCrcErrors = ulong.MaxValue, Collisions = ulong.MaxValue,
    };

    private OfFlowMonitorReply Monitor(OfFlowMonitorRequest request)
    {
        var updates = ImmutableArray.CreateBuilder<OfFlowUpdate>();
        foreach (var monitor in request.Monitors)
        {
            if (monitor.Command == FlowMonitorCommand.Delete) continue;
            if ((monitor.Flags & FlowMonitorFlags.Initial) == 0) continue;
            var selection = new OfFlowStatsRequest(
                monitor.Match, monitor.TableId, monitor.OutPort, monitor.OutGroup, 0, 0, false,
                false);
            foreach (var rule in FlowReports.Select(state.Pipeline, selection))
            {
                updates.Add(FlowReports.Update(
                    rule, FlowUpdateEvent.Initial, FlowRemovedReason.Delete, 0));
            }
        }

        return new OfFlowMonitorReply(updates.ToImmutable(), request.IsNicira);
    }

    private void Flush(OfConntrackFlush flush) => datapath?.Provider.Conntrack.Flush(
        new ConntrackFilter(
            flush.Zone, Tuple(flush.Original, flush.Protocol), Tuple(flush.Reply, flush.Protocol),
            flush.Mark, flush.MarkMask, flush.Labels, flush.LabelsMask));

    private static ConntrackTuple? Tuple(OfConntrackTuple? tuple, byte protocol)
    {
        if (tuple is null) return protocol == 0 ? null : new(null, null, protocol, null, null);
        return new ConntrackTuple(
            tuple.Source, tuple.Destination, protocol == 0 ? null : protocol,
            tuple.IcmpType ?? tuple.PortSource, tuple.IcmpCode ?? tuple.PortDestination,
            tuple.IcmpId);
    }
}
