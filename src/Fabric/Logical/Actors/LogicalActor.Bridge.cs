using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Wire.OpenFlow;

namespace Fabric.Logical;

/// <content>The bridge: finding it, comparing with what it holds, sending changes.</content>
public sealed partial class LogicalActor
{
    /// <summary>Flows that packets and controller actions made: not the compiler's.</summary>
    private static readonly ImmutableArray<byte> LearnedTables =
    [
        PhysicalTables.MacBinding, PhysicalTables.MacLookup, PhysicalTables.ForwardingDatabase,
        PhysicalTables.ForwardingLookup, PhysicalTables.AffinityCheck, PhysicalTables.HairpinReply,
    ];

    private enum BridgeState
    {
        Missing,
        Reading,
        Ready,
        Applying,
    }

    private sealed record FindBridge
    {
        public static FindBridge Instance { get; } = new();
    }

    private readonly Dictionary<FlowIdentity, LogicalFlow?> _unsent = [];
    private readonly SortedDictionary<uint, LogicalGroup?> _unsentGroups = [];
    private readonly SortedDictionary<uint, LogicalMeter?> _unsentMeters = [];
    private readonly HashSet<uint> _knownMeters = [];
    private IActorRef? _bridge;
    private BridgeState _bridgeState;
    private IActorRef? _punts;
    private DatabaseSnapshot? _services;
    private long _flowsRequest;
    private long _groupsRequest;
    private long _applyRequest;
    private ImmutableArray<OfFlowStats>? _foundFlows;
    private ImmutableArray<uint>? _foundGroups;
    private ImmutableArray<uint>? _foundMeters;
    private long _metersRequest;
    private bool _isDirty;
    private long _sentSequence;
    private long _sentNbCfg;
    private long _installedSequence = -1;
    private long _installedNbCfg = -1;

    private void LookForBridge()
    {
        if (_bridge is not null || _host is not { Bridge: not null }) return;
        var path = $"{_around.BridgesPath}/{_host.BridgeName}";
        Context.ActorSelection(path).Tell(new Identify(_host.BridgeName), Self);
        Timers.StartSingleTimer(FindBridge.Instance, FindBridge.Instance, RetryPause);
    }

    private void OnBridgeIdentity(ActorIdentity identity)
    {
        if (_bridge is not null || identity.Subject is not { } bridge
            || identity.MessageId as string != _host?.BridgeName)
        {
            return;
        }

        Timers.Cancel(FindBridge.Instance);
        _bridge = bridge;
        Context.Watch(bridge);
        _punts ??= Context.ActorOf(ControllerActionsActor.Props(), "controller-actions");
        _punts.Tell(new BridgeFound(bridge));
        _stations?.Tell(new BridgeFound(bridge));
        _services = null;
        TellServices();
        TellWorkloads();
        bridge.Tell(new AskSwitch(
            ++_lastRequest,
            new OfTlvTableMod(TlvTableCommand.Add, TlvTable.Ovn.Mappings)));
        ReadBridge();
    }

    /// <summary>
    /// Rows that answers to packets are made from; told when they may have changed.
    /// </summary>
    private void TellServices()
    {
        if (_punts is null || _northbound is null || _compiler.Topology is null) return;
        if (ReferenceEquals(_services, _northbound.Database)) return;
        _services = _northbound.Database;
        var rows = _compiler.Rows;
        var advertised = rows.RouterPorts.Values
            .Where(port => port.RouterAdvertisement.ContainsKey("address_mode"))
            .ToImmutableDictionary(port => port.Uuid);
        var names = rows.Switches.Values
            .Where(owner => !owner.DnsRecords.IsEmpty)
            .ToImmutableDictionary(owner => owner.Uuid, owner => owner.DnsRecords
                .Select(uuid => rows.Dns.GetValueOrDefault(uuid)).OfType<DnsRecords>()
                .SelectMany(record => record.Records)
                .GroupBy(pair => pair.Key.ToLowerInvariant())
                .ToImmutableSortedDictionary(
                    name => name.Key, name => name.First().Value, StringComparer.Ordinal));
        _punts.Tell(new ServicesChanged(
            new ControllerServices(rows.Dhcp.ToImmutableDictionary(), names)
            {
                RouterPorts = advertised,
            }));
        TellNeighbors();
        TellStations();
    }

    private void LoseBridge()
    {
        if (_bridge is not null) Context.Unwatch(_bridge);
        _bridge = null;
        _bridgeState = BridgeState.Missing;
        _installedSequence = -1;
        LookForBridge();
    }

    /// <summary>Asks what is there: the difference is all that will be changed.</summary>
    private void ReadBridge()
    {
        _bridgeState = BridgeState.Reading;
        (_foundFlows, _foundGroups, _foundMeters) = (null, null, null);
        _flowsRequest = ++_lastRequest;
        _bridge!.Tell(new AskSwitch(_flowsRequest, new OfFlowStatsRequest(
            Match.Any, FlowMod.AllTables, OfPort.Any, OfGroupNumber.Any, 0, 0, false, false)));
        _groupsRequest = ++_lastRequest;
        _bridge.Tell(new AskSwitch(
            _groupsRequest, new OfGroupDescriptionRequest(OfGroupNumber.All)));
        _metersRequest = ++_lastRequest;
        _bridge.Tell(new AskSwitch(
            _metersRequest, new OfMeterConfigRequest(OfMeterNumber.All)));
    }

    private void OnSwitchAnswered(SwitchAnswered answer)
    {
        if (answer.RequestId == _flowsRequest && answer.Reply is OfFlowStatsReply flows)
            _foundFlows = [.. flows.Flows];
        if (answer.RequestId == _groupsRequest)
        {
            _foundGroups = answer.Reply is OfGroupDescriptionReply groups
                ? [.. groups.Groups.Select(group => group.GroupId)]
                : [];
        }

        if (answer.RequestId == _metersRequest)
        {
            _foundMeters = answer.Reply is OfMeterConfigReply meters
                ? [.. meters.Meters.Select(meter => meter.MeterId)]
                : [];
        }

        if (_bridgeState != BridgeState.Reading || _foundFlows is null || _foundGroups is null
            || _foundMeters is null)
        {
            return;
        }

        _bridgeState = BridgeState.Ready;
        Compare(_foundFlows.Value, _foundGroups.Value, _foundMeters.Value);
        (_foundFlows, _foundGroups, _foundMeters) = (null, null, null);
        if (_result is null) CompileSoon();
        else Install();
    }

    private void Compare(
        ImmutableArray<OfFlowStats> found, ImmutableArray<uint> groups, ImmutableArray<uint> meters)
    {
        _unsentMeters.Clear();
        _knownMeters.Clear();
        _knownMeters.UnionWith(meters);
        foreach (var meter in _compiler.Flows.Meters) _unsentMeters[meter.Id] = meter;
        foreach (var id in meters) _unsentMeters.TryAdd(id, null);
        _unsent.Clear();
        _unsentGroups.Clear();
        foreach (var flow in _compiler.Flows.All) _unsent[flow.Identity] = flow;
        foreach (var flow in found)
        {
            var identity = new FlowIdentity(flow.TableId, flow.Priority, flow.Match);
            if (_unsent.TryGetValue(identity, out var wanted) && wanted is not null)
            {
                if (wanted.Cookie == flow.Cookie && wanted.Actions.Equals(flow.Actions))
                    _unsent.Remove(identity);
            }
            else if (!LearnedTables.Contains(flow.TableId))
            {
                _unsent[identity] = null;
            }
        }

        foreach (var group in _compiler.Flows.Groups) _unsentGroups[group.Id] = group;
        foreach (var id in groups) _unsentGroups.TryAdd(id, null);
    }

    /// <summary>Adds a compilation's changes to what the bridge does not have yet.</summary>
    private void Collect(FlowChanges changes)
    {
        if (_bridgeState is BridgeState.Missing or BridgeState.Reading) return;
        foreach (var identity in changes.Removed) _unsent[identity] = null;
        foreach (var flow in changes.Added) _unsent[flow.Identity] = flow;
        foreach (var group in changes.GroupsPut) _unsentGroups[group.Id] = group;
        foreach (var id in changes.GroupsRemoved) _unsentGroups[id] = null;
        foreach (var meter in changes.MetersPut) _unsentMeters[meter.Id] = meter;
        foreach (var id in changes.MetersRemoved) _unsentMeters[id] = null;
    }

    private void Install()
    {
        if (_bridgeState != BridgeState.Ready || _northbound is null || _result is null) return;
        (_sentSequence, _sentNbCfg) = (_northbound.Sequence, _compiler.Rows.NbCfg);
        if (_unsent.Count == 0 && _unsentGroups.Count == 0 && _unsentMeters.Count == 0)
        {
            Acknowledge();
            return;
        }

        var changes = ImmutableArray.CreateBuilder<SwitchChange>();
        foreach (var meter in _unsentMeters.Values.OfType<LogicalMeter>())
            changes.Add(new SwitchChange(ModOf(meter), 0));
        foreach (var group in _unsentGroups.Values.OfType<LogicalGroup>())
        {
            changes.Add(new SwitchChange(
                new GroupMod(
                    GroupModCommand.AddOrModify, OfGroupType.Select, group.Id, group.Buckets)
                {
                    Selection = group.Selection,
                },
                0));
        }

        foreach (var (identity, flow) in _unsent)
            changes.Add(new SwitchChange(ModOf(identity, flow), 0));
        foreach (var (id, group) in _unsentGroups)
        {
            if (group is null)
            {
                changes.Add(new SwitchChange(
                    new GroupMod(GroupModCommand.Delete, OfGroupType.Select, id, []), 0));
            }
        }

        foreach (var (id, meter) in _unsentMeters)
        {
            if (meter is not null || !_knownMeters.Remove(id)) continue;
            changes.Add(new SwitchChange(
                new MeterMod(MeterModCommand.Delete, id, MeterFlags.None, []), 0));
        }

        _unsent.Clear();
        _unsentGroups.Clear();
        _unsentMeters.Clear();
        _applyRequest = ++_lastRequest;
        _bridgeState = BridgeState.Applying;
        _bridge!.Tell(new ApplyChanges(_applyRequest, changes.ToImmutable(), IsAtomic: true));
    }

    private MeterMod ModOf(LogicalMeter meter)
    {
        var flags = meter.IsPackets ? MeterFlags.PacketsPerSecond : MeterFlags.KilobitsPerSecond;
        if (meter.Burst > 0) flags |= MeterFlags.Burst;
        return new MeterMod(
            _knownMeters.Add(meter.Id) ? MeterModCommand.Add : MeterModCommand.Modify, meter.Id,
            flags | MeterFlags.Stats,
            [new MeterBand(MeterBandType.Drop, meter.Rate, meter.Burst, 0)]);
    }

    private static FlowMod ModOf(FlowIdentity identity, LogicalFlow? flow)
    {
        if (flow is not null)
        {
            return FlowMod.Add(identity.Table, identity.Priority, identity.Match, flow.Actions)
                with
            { Cookie = flow.Cookie };
        }

        return new FlowMod(
            FlowModCommand.DeleteStrict, identity.Match, identity.Priority, ActionList.Empty)
        {
            TableId = identity.Table,
        };
    }

    private void OnChangesApplied(ChangesApplied applied)
    {
        if (applied.RequestId != _applyRequest || _bridgeState != BridgeState.Applying) return;
        if (!applied.Failures.IsEmpty)
        {
            var failure = applied.Failures[0];
            _log.Error("the bridge refused change {0}: {1}", failure.Index, failure.Error);
            Timers.StartSingleTimer(nameof(OnRefused), RefusedBundle.Instance, RetryPause);
            _bridgeState = BridgeState.Reading;
            return;
        }

        _bridgeState = BridgeState.Ready;
        Acknowledge();
        if (!_isDirty) return;
        _isDirty = false;
        CompileSoon();
    }

    private sealed record RefusedBundle
    {
        public static RefusedBundle Instance { get; } = new();
    }

    private void OnRefused()
    {
        _isDirty = false;
        if (_bridge is not null) ReadBridge();
    }

    private void Acknowledge()
    {
        if (_installedSequence == _sentSequence && _installedNbCfg == _sentNbCfg) return;
        (_installedSequence, _installedNbCfg) = (_sentSequence, _sentNbCfg);
        _around.Northbound.Tell(new NorthboundApplied(_sentSequence, _sentNbCfg));
        TellUp();
    }
}
