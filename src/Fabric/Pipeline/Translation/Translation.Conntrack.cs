using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Connection tracking, freezing and resuming.</content>
internal sealed partial class Translation
{
    private PacketInCookie? _pauses;

    private void Track(OfConntrack conntrack, bool isLast)
    {
        CommitChanges();
        var zone = conntrack.Zone;
        if (conntrack.ZoneSource is { } source) zone = (ushort)Read(source);
        var (mark, markMask, label, labelMask) = NestedSets(conntrack, out var tracked);
        var action = new ConntrackAction(
            conntrack.Commit, conntrack.Force, zone, mark, markMask, label, labelMask,
            conntrack.AlgPort switch { 21 => "ftp", 69 => "tftp", _ => null },
            NatOf(conntrack.Nat), null);
        if (conntrack.RecirculateTable is not { } table)
        {
            _into.Add(action);
            _result.HasOutput = true;
            ReportForgotten();
            ForgetConnection();
            return;
        }

        _trace?.Add(TraceKind.Detail,
            "A clone of the packet is forked to recirculate. The forked pipeline will be resumed "
            + $"at table {table}.");
        ReportForgotten();
        var id = _recirculation.Allocate(
            Thawed(table, ActionList.Empty, isTracked: true), _now);
        if (id == 0)
        {
            Fail(DropReason.RecirculationLimit);
            return;
        }

        // A translated packet must not go on here: the rest of this list means the original.
        if (conntrack.Nat is not null && !isLast)
        {
            _into.Add(new CloneAction([action, new RecirculateAction(id)]));
        }
        else
        {
            _into.Add(action);
            _into.Add(new RecirculateAction(id));
        }

        NotePoint(id, isConntrack: true, zone, in tracked, action.Nat);
        ForgetConnection();
    }

    /// <summary>What exec(...) sets: run on the flow, read back, undone.</summary>
    /// <param name="tracked">The packet with the mark and label that it will have.</param>
    private (uint, uint, UInt128, UInt128) NestedSets(
        OfConntrack conntrack, out FlowKey tracked)
    {
        tracked = _packet;
        tracked.ConntrackMarkWire = _flow.Flow.ConntrackMarkWire;
        tracked.ConntrackLabelHighWire = _flow.Flow.ConntrackLabelHighWire;
        tracked.ConntrackLabelLowWire = _flow.Flow.ConntrackLabelLowWire;
        ReportNested(conntrack);
        if (conntrack.Actions.IsEmpty) return default;
        var flow = _flow.Flow;
        var wild = _wild.Flow;
        _wild.Flow.ConntrackMarkWire = 0;
        (_wild.Flow.ConntrackLabelHighWire, _wild.Flow.ConntrackLabelLowWire) = (0, 0);
        foreach (var action in conntrack.Actions)
        {
            if (_trace is not null) Report(TraceKind.Action, FlowText.Action(action));
            Step(action, isLast: false);
        }

        var markMask = (uint)MatchField.ConntrackMark.Read(in _wild);
        var mark = (uint)MatchField.ConntrackMark.Read(in _flow) & markMask;
        var labelMask = MatchField.ConntrackLabel.Read(in _wild);
        var label = MatchField.ConntrackLabel.Read(in _flow) & labelMask;
        tracked.ConntrackMarkWire = _flow.Flow.ConntrackMarkWire;
        tracked.ConntrackLabelHighWire = _flow.Flow.ConntrackLabelHighWire;
        tracked.ConntrackLabelLowWire = _flow.Flow.ConntrackLabelLowWire;
        _flow.Flow.ConntrackMarkWire = flow.ConntrackMarkWire;
        _flow.Flow.ConntrackLabelHighWire = flow.ConntrackLabelHighWire;
        _flow.Flow.ConntrackLabelLowWire = flow.ConntrackLabelLowWire;
        _wild.Flow.ConntrackMarkWire = wild.ConntrackMarkWire;
        _wild.Flow.ConntrackLabelHighWire = wild.ConntrackLabelHighWire;
        _wild.Flow.ConntrackLabelLowWire = wild.ConntrackLabelLowWire;
        return (mark, markMask, label, labelMask);
    }

    private void ReportForgotten() => Report(TraceKind.Detail,
        "Sets the packet to an untracked state, and clears all the conntrack fields.");

    private void ReportNested(OfConntrack conntrack)
    {
        if (_trace is null) return;
        if (conntrack.Nat is { } nat) Report(TraceKind.Action, FlowText.Nat(nat));
        else if (conntrack.Actions.IsEmpty) Report(TraceKind.Action, "drop");
    }

    private static NatSpec? NatOf(OfNat? nat) => nat is null ? null : new NatSpec(
        nat.Type switch
        {
            OfNatType.Source => NatType.Source,
            OfNatType.Destination => NatType.Destination,
            _ => NatType.None,
        },
        nat.AddressMin, nat.AddressMax ?? nat.AddressMin, nat.PortMin,
        nat.PortMax == 0 ? nat.PortMin : nat.PortMax, nat.Persistent, nat.HashPorts,
        nat.RandomPorts);

    private void ClearTracking()
    {
        if (!_isTracked) return; // Fresh from a port: nothing to forget.
        _into.Add(new ConntrackClearAction());
        ForgetConnection();
    }

    private void ForgetConnection()
    {
        ref var flow = ref _flow.Flow;
        _isTracked = false;
        flow.ConntrackStateWire = 0;
        flow.ConntrackZoneWire = 0;
        flow.ConntrackMarkWire = 0;
        (flow.ConntrackLabelHighWire, flow.ConntrackLabelLowWire) = (0, 0);
        flow.ConntrackProtocol = 0;
        flow.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset].Clear();
    }

    /// <summary>
    /// Stops here; the rest of the walk happens when the packet comes round again.
    /// </summary>
    private void Freeze(bool repeat)
    {
        _isFreezing = true;
        _isExit = true;
        _repeatsAction = repeat;
        _rest.Clear();
    }

    private void Unroll(ReadOnlySpan<OfAction> actions)
    {
        if (actions.IsEmpty) return;
        _rest.Add(new OfUnroll(_table, _rule));
        foreach (var action in actions) _rest.Add(action);
    }

    /// <summary>The state that a packet put on ice now would be resumed with.</summary>
    private FrozenState Thawed(byte table, ActionList rest, bool isTracked)
    {
        // What was received and is not in the key of the next round must be known exactly.
        if (_received.HasTunnel) FoldTunnelFields();
        var kept = _flow;
        kept.ActionSetOutput = 0; // Comes with the action set.
        return new FrozenState(
            _bridge.Name, table, in kept, [.. _stack], isTracked, _mirrors,
            ActionList.From(_actionSet), rest, _rule?.Cookie ?? 0);
    }

    private void FoldTunnelFields()
    {
        _wild.TlvPresence |= _flow.TlvPresence;
        foreach (var mapping in _view.Tlv.Mappings)
        {
            if ((_flow.TlvPresence & (1UL << mapping.Index)) == 0) continue;
            if (!_view.Tlv.TryLocate(mapping.Index, out var offset, out var size)) continue;
            _wild.Bytes.Slice(offset, size).Fill(0xFF);
        }

        // Fields that nothing matches are not carried on: the outer TTL and ports.
        _flow.Flow.TunnelTtl &= _wild.Flow.TunnelTtl;
        _flow.Flow.TunnelPortSourceWire &= _wild.Flow.TunnelPortSourceWire;
        _flow.Flow.TunnelPortDestinationWire &= _wild.Flow.TunnelPortDestinationWire;
        _wild.Flow.TunnelGbpIdWire = 0xFFFF;
        _wild.Flow.TunnelGbpFlags = 0xFF;
        _wild.Flow.TunnelFlagsWire = 0xFFFF;
    }

    private void FinishFreezing()
    {
        _isFreezing = false;
        _isExit = false;
        var rest = ActionList.From(_rest);
        _rest.Clear();
        CommitChanges();
        var id = Allocate(rest);
        if (_pauses is { } cookie)
        {
            _pauses = null;
            _into.Add(new UserspaceAction(
                new UpcallUserdata(UpcallKind.Controller, id, cookie.ToBytes())));
            return;
        }

        if (_freezesWithHash)
        {
            _freezesWithHash = false;
            _into.Add(new HashAction(_hashAlgorithm, _hashBasis));
        }

        _into.Add(new RecirculateAction(id));
    }

    private uint Allocate(ActionList rest)
    {
        var id = _recirculation.Allocate(Thawed(TableNone, rest, _isTracked), _now);
        if (id == 0) Fail(DropReason.RecirculationLimit);
        if (!_freezesWithHash) NotePoint(id, isConntrack: false, 0, in _packet);
        else NoteId(id);
        return id;
    }

    /// <summary>Goes on where a walk was put on ice.</summary>
    private bool Resume(FrozenState state)
    {
        if (!_switch.Bridges.TryGetValue(state.Bridge, out var bridge))
        {
            return Fail(DropReason.BridgeNotFound);
        }

        Visit(bridge);
        ref readonly var key = ref state.Key;
        PipelineKey.BytesOf(in key)[FlowKey.TunnelOffset..].CopyTo(
            _flow.Bytes[FlowKey.TunnelOffset..]);
        _flow.ActionSetOutput = OfPort.Unset; // Comes with the action set.
        if (_changes is { } changes) Preset(changes);
        _inPort = PortOf(_flow.InPort);
        _isTracked = state.IsTracked;
        if (!_isTracked) ForgetConnection();
        _mirrors = state.Mirrors;
        _stack.AddRange(state.Stack);
        if (!state.ActionSet.IsEmpty) WriteActions(state.ActionSet);
        NoteStart();
        if (_trace is not null) _trace = ThawTrace(state);
        if (!state.Rest.IsEmpty) Execute(state.Rest.AsSpan(), isLast: true);
        if (state.Table == TableNone || _isExit) return true;
        _table = state.Table;
        LookUp(state.Table, _flow.InPort, isLast: true);
        EnterEnd(_trace);
        return true;
    }

    /// <summary>A resumed walk is traced below its bridge, like a fresh one.</summary>
    private TraceList ThawTrace(FrozenState state)
    {
        _trace!.Add(TraceKind.Bridge, $"bridge(\"{_bridge.Name}\")");
        var inner = _trace.LastChildren;
        inner.Add(TraceKind.Thaw, state.Rest.IsEmpty
            ? $"thaw\n        Resuming from table {state.Table}"
            : "thaw\n        Resuming after the point of freezing");
        return inner;
    }

    private void NoteId(uint id)
    {
        _result.Recirculations.Add(id);
        _result.HasOutput = true;
    }

    private void NotePoint(
        uint id, bool isConntrack, ushort zone, in FlowKey packet, NatSpec? nat = null)
    {
        _result.Recirculations.Add(id);
        _result.HasOutput = true;
        if (_trace is not null)
        {
            _result.Points.Add(new TracePoint(id, packet, isConntrack, zone, nat));
        }
    }
}
