using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Controllers;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Controllers;

/// <summary>A switch that keeps flows, groups and meters in lists and forwards nothing.</summary>
public sealed class MemorySwitch : ReceiveActor
{
    private OfConfigFlags _config;
    private readonly List<OfFlowStats> _flows = [];
    private readonly SortedDictionary<uint, GroupMod> _groups = [];
    private readonly SortedDictionary<uint, MeterMod> _meters = [];
    private TlvTable _tlv = TlvTable.Empty;
    private IActorRef? _subscriber;

    private OfPortDescription _port = new(1, MacBytes.FromUInt64(0x020000000001), "p1",
        OfPortConfig.None, OfPortState.Live, OfPortFeatures.Full10Gigabit | OfPortFeatures.Copper,
        0, 0, 0, 10_000_000, 0);

    public MemorySwitch()
    {
        Receive<SubscribeSwitch>(subscribe =>
        {
            _subscriber = subscribe.Subscriber;
            _subscriber.Tell(new TlvTableChanged(_tlv));
        });
        Receive<ApplyChanges>(apply =>
        {
            var before = (_flows.ToArray(), _groups.ToArray());
            var failures = ImmutableArray.CreateBuilder<ChangeFailure>();
            for (var i = 0; i < apply.Changes.Length; i++)
            {
                var error = Apply(apply.Changes[i].Message);
                if (error == OfErrorCode.None) continue;
                failures.Add(new ChangeFailure(i, error));
                if (!apply.IsAtomic) continue;
                _flows.Clear();
                _flows.AddRange(before.Item1);
                _groups.Clear();
                foreach (var (id, group) in before.Item2) _groups[id] = group;
                break;
            }

            Sender.Tell(new ChangesApplied(apply.RequestId, failures.ToImmutable()));
        });
        Receive<AskSwitch>(ask => Sender.Tell(Answer(ask)));
        Receive<PacketInRaised>(raised => _subscriber?.Tell(raised));
        ReceiveAny(_ => { });
    }

    private OfErrorCode Apply(OfMessage message)
    {
        switch (message)
        {
            case FlowMod mod: return ApplyFlow(mod);
            case GroupMod { Command: GroupModCommand.Add } add:
                return _groups.TryAdd(add.GroupId, add) ? OfErrorCode.None
                    : OfErrorCode.GroupExists;
            case GroupMod { Command: GroupModCommand.Delete } delete:
                if (delete.GroupId == OfGroupNumber.All) _groups.Clear();
                else _groups.Remove(delete.GroupId);
                return OfErrorCode.None;
            case GroupMod { Command: GroupModCommand.Modify } modify when _groups.ContainsKey(
                modify.GroupId):
                _groups[modify.GroupId] = modify;
                return OfErrorCode.None;
            case GroupMod: return OfErrorCode.GroupUnknown;
            case MeterMod { Command: MeterModCommand.Add } add:
                return _meters.TryAdd(add.MeterId, add) ? OfErrorCode.None
                    : OfErrorCode.MeterExists;
            case MeterMod { Command: MeterModCommand.Delete } delete:
                _meters.Remove(delete.MeterId);
                return OfErrorCode.None;
            case PortMod mod when mod.Port == _port.Port:
                _port = _port with { Config = (_port.Config & ~mod.Mask) | mod.Config };
                return OfErrorCode.None;
            case PortMod: return OfErrorCode.PortModBadPort;
            default: return OfErrorCode.None;
        }
    }

    private OfErrorCode ApplyFlow(FlowMod mod)
    {
        if (mod.Command == FlowModCommand.Add)
        {
            _flows.RemoveAll(flow => flow.TableId == mod.TableId && flow.Priority == mod.Priority
                && flow.Match.Equals(mod.Match));
            _flows.Add(new OfFlowStats(mod.TableId, mod.Match, mod.Priority, mod.Cookie,
                mod.Actions,
                TimeSpan.FromSeconds(1.108), mod.IdleTimeout, mod.HardTimeout, 1, null, 1, 106,
                    mod.Flags, mod.Importance));
            return OfErrorCode.None;
        }

        if (mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict)
        {
            _flows.RemoveAll(flow =>
                Fits(flow, mod.Match, mod.TableId, mod.CookieMatch, mod.CookieMask)
                && (mod.Command == FlowModCommand.Delete
                    || (flow.Priority == mod.Priority && flow.Match.Equals(mod.Match))));
        }

        return OfErrorCode.None;
    }

    private static bool Fits(OfFlowStats flow, Match match, byte table, ulong cookie, ulong mask) =>
        (table == 255 || table == flow.TableId) && (flow.Cookie & mask) == cookie
            && flow.Match.IsWithin(match);

    private SwitchAnswered Answer(AskSwitch ask)
    {
        if (ask.Request is OfSetConfig config) _config = config.Flags;
        OfMessage? reply = ask.Request switch
        {
            OfBarrierRequest => new OfBarrierReply(),
            OfGetConfigRequest => new OfGetConfigReply(_config, 0),
            OfFeaturesRequest => new OfFeaturesReply(0x20000000001, 0, 254, 0,
                OfCapabilities.FlowStats | OfCapabilities.TableStats | OfCapabilities.PortStats
                | OfCapabilities.QueueStats | OfCapabilities.ArpMatchIp, 0xFFF, [_port]),
            OfFlowStatsRequest { IsAggregate: true } request => Aggregate(request),
            OfFlowStatsRequest request => new OfFlowStatsReply(
                _flows.Where(flow =>
                    Fits(flow, request.Match, request.TableId, request.Cookie,
                    request.CookieMask)).ToEquatableArray(), false),
            OfTableStatsRequest => new OfTableStatsReply(
                [new OfTableStats(0, "classifier", 1_000_000, (uint)_flows.Count, 5, 4)]),
            OfPortStatsRequest => new OfPortStatsReply(
                [new OfPortStats(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                    TimeSpan.FromSeconds(2.5))]),
            OfPortDescriptionRequest => new OfPortDescriptionReply([_port]),
            OfGroupDescriptionRequest => new OfGroupDescriptionReply(
                _groups.Values.Select(each =>
                    new OfGroupDescription(each.GroupId, each.Type, each.Buckets,
                    each.Selection)).ToEquatableArray()),
            OfGroupStatsRequest => new OfGroupStatsReply(
                _groups.Values.Select(each =>
                    new OfGroupStats(each.GroupId, 0, 7, 8, TimeSpan.FromSeconds(1),
                    each.Buckets.Select(_ =>
                        new OfBucketStats(1, 2)).ToEquatableArray())).ToEquatableArray()),
            OfGroupFeaturesRequest =>
                new OfGroupFeaturesReply(15, 7, [0xFFFFFF00, 0xFFFFFF00, 0xFFFFFF00, 0xFFFFFF00],
                [1, 1, 1, 1]),
            OfMeterConfigRequest => new OfMeterConfigReply(
                _meters.Values.Select(each =>
                    new OfMeterConfig(each.MeterId, each.Flags, each.Bands)).ToEquatableArray()),
            OfMeterStatsRequest => new OfMeterStatsReply(
                _meters.Values.Select(each =>
                    new OfMeterStats(each.MeterId, 0, 1, 2, TimeSpan.FromSeconds(3),
                    each.Bands.Select(_ =>
                        new OfMeterBandStats(1, 2)).ToEquatableArray())).ToEquatableArray()),
            OfMeterFeaturesRequest => new OfMeterFeaturesReply(200_000, 2, (MeterFlags)15, 8, 0),
            OfQueueStatsRequest =>
                new OfQueueStatsReply([new OfQueueStats(1, 2, 3, 4, 5, TimeSpan.FromSeconds(1))]),
            OfTableFeaturesRequest => new OfTableFeaturesReply(
                [new OfTableFeatures(0, "classifier", ulong.MaxValue, ulong.MaxValue, 1_000_000,
                    true, true, [1, 2], false)]),
            OfTableDescriptionRequest =>
                new OfTableDescriptionReply([new OfTableDescription(0, false, 0, false, 0, 0, 0)]),
            OfTlvTableRequest => new OfTlvTableReply(256, 64, _tlv.Mappings),
            OfFlowMonitorRequest => new OfFlowMonitorReply(
                _flows.Select(flow =>
                    new OfFlowUpdate(FlowUpdateEvent.Initial, flow.TableId, 0, 0, 0, flow.Priority,
                    flow.Cookie, flow.Match, flow.Actions, 0)).ToEquatableArray(), true),
            OfPacketOut { InPort: var port } out_ => PacketIn(out_),
            _ => null,
        };
        return new SwitchAnswered(ask.RequestId, reply, OfErrorCode.None);
    }

    /// <summary>Packets sent to CONTROLLER come back.</summary>
    private OfMessage? PacketIn(OfPacketOut packet)
    {
        if (packet.Actions.Any(action => action is OfController))
        {
            _subscriber?.Tell(new PacketInRaised(
                new OfPacketIn(packet.Packet, (uint)packet.Packet.Count, PacketInReason.Action, 0,
                    0x7, FlowMod.NoBuffer, packet.Metadata), 0, ushort.MaxValue));
        }

        return null;
    }

    private OfAggregateReply Aggregate(OfFlowStatsRequest request)
    {
        var flows =
            _flows.Where(flow =>
            Fits(flow, request.Match, request.TableId, request.Cookie,
            request.CookieMask)).ToArray();
        return new OfAggregateReply((ulong)flows.Sum(flow => (long)flow.PacketCount),
            (ulong)flows.Sum(flow => (long)flow.ByteCount), (uint)flows.Length, false);
    }
}
