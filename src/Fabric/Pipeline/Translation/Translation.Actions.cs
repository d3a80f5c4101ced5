using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Running a list of actions.</content>
internal sealed partial class Translation
{
    /// <param name="isLast">Nothing is done to the packet after this list.</param>
    private void Execute(ReadOnlySpan<OfAction> actions, bool isLast)
    {
        if (actions.IsEmpty)
        {
            Report(TraceKind.Action, "drop");
            return;
        }

        for (var i = 0; i < actions.Length; i++)
        {
            if (_isExit)
            {
                if (_isFreezing) Unroll(actions[i..]);
                return;
            }

            var action = actions[i];
            if (_trace is not null) Report(TraceKind.Action, FlowText.Action(action));
            if (_wasMpls && NeedsParsing(action))
            {
                Freeze(repeat: true);
            }
            else if (action is OfCheckPacketLarger check)
            {
                CheckLength(check, actions[(i + 1)..]);
                return;
            }
            else if (!Step(
                action, isLast && i == actions.Length - 1 && _actionSet.Count == 0))
            {
                return;
            }

            if (_repeatsAction)
            {
                _repeatsAction = false;
                Unroll(actions[i..]);
                return;
            }
        }
    }

    /// <summary>Does one action; false when the rest of the list is not to run.</summary>
    private bool Step(OfAction action, bool isLast)
    {
        switch (action)
        {
            case OfOutput output:
                Output(output.Port, output.MaxLength, isLast, mayPacketIn: true);
                return true;
            case OfOutputTruncate output:
                OutputTruncated(output, isLast);
                return true;
            case OfOutputRegister output:
                OutputRegister(output, isLast);
                return true;
            case OfResubmit resubmit:
                Resubmit(resubmit, isLast);
                return true;
            case OfGotoTable next:
                LookUp(next.TableId, _flow.InPort, isLast, next.TableId <= _table, true);
                return true;
            case OfSetField set:
                SetOrReport(set.Field, set.Value, set.Mask);
                return true;
            case OfLoad load:
                SetOrReport(load.Destination.Field, (UInt128)load.Value << load.Destination.Offset,
                    MatchField.LowBits(load.Destination.Width) << load.Destination.Offset);
                return true;
            case OfMove move:
                Move(move);
                return true;
            case OfStackPush push:
                Push(push.Source);
                return true;
            case OfStackPop pop:
                Pop(pop.Destination);
                return true;
            case OfConntrack conntrack:
                Track(conntrack, isLast);
                return true;
            case OfConntrackClear:
                ClearTracking();
                return true;
            case OfClone clone:
                Clone(clone.Actions, isLast);
                return true;
            case OfDecrementTtl decrement:
                return DecrementTtl(decrement);
            case OfGroup group:
                RunGroup(group.GroupId, isLast);
                return true;
            case OfController controller:
                var reason = controller.IsOutput ? ReasonOfOutput() : controller.Reason;
                PacketIn(controller.MaxLength, reason, controller.ControllerId,
                    controller.Userdata, controller.Pause);
                return true;
            case OfExit:
                _isExit = true;
                return true;
            case OfLearn learn:
                Learn(learn);
                return true;
            default:
                return StepOfHeaders(action);
        }
    }

    private bool StepOfHeaders(OfAction action)
    {
        switch (action)
        {
            case OfSetEthernetSource set:
                SetField(MatchField.EthernetSource, set.Address.ToUInt64(), UInt128.MaxValue);
                return true;
            case OfSetEthernetDestination set:
                SetField(MatchField.EthernetDestination, set.Address.ToUInt64(), UInt128.MaxValue);
                return true;
            case OfSetIpv4Source set:
                SetField(MatchField.Ipv4Source, set.Address, UInt128.MaxValue);
                return true;
            case OfSetIpv4Destination set:
                SetField(MatchField.Ipv4Destination, set.Address, UInt128.MaxValue);
                return true;
            case OfSetIpTos set:
                SetField(MatchField.IpTos, set.Tos, 0xFC);
                return true;
            case OfSetIpEcn set:
                SetField(MatchField.IpEcn, set.Ecn, UInt128.MaxValue);
                return true;
            case OfSetIpTtl set:
                SetField(MatchField.IpTtl, set.Ttl, UInt128.MaxValue);
                return true;
            case OfSetPortSource set:
                SetPort(set.Port, isSource: true);
                return true;
            case OfSetPortDestination set:
                SetPort(set.Port, isSource: false);
                return true;
            case OfSetTunnel set:
                _flow.Flow.TunnelId = set.Id;
                return true;
            case OfSetVlanVid set:
                SetVlan(set.Vid, 0x0FFF, set.PushWhenUntagged);
                return true;
            case OfSetVlanPcp set:
                SetVlan((ushort)(set.Pcp << 13), 0xE000, set.PushWhenUntagged);
                return true;
            case OfStripVlan:
                PopVlan();
                return true;
            case OfPushVlan push:
                PushVlan(push.EthernetType);
                return true;
            case OfPushMpls or OfPopMpls or OfSetMplsLabel or OfSetMplsTc or OfSetMplsTtl
                or OfDecrementMplsTtl:
                return StepOfMpls(action);
            default:
                return StepOfPipeline(action);
        }
    }

    private bool StepOfPipeline(OfAction action)
    {
        switch (action)
        {
            case OfWriteMetadata write:
                _flow.Metadata = (_flow.Metadata & ~write.Mask) | (write.Value & write.Mask);
                return true;
            case OfWriteActions write:
                WriteActions(write.Actions);
                return true;
            case OfClearActions:
                ReportCleared();
                _actionSet.Clear();
                _flow.ActionSetOutput = OfPort.Unset;
                _hasWrittenGroup = false;
                return true;
            case OfMeter meter:
                RunMeter(meter.MeterId);
                return true;
            case OfSetQueue queue:
                _wild.Flow.PriorityWire = uint.MaxValue;
                _flow.Flow.PriorityWire = KeyCommit.Host(PriorityOf(queue.Queue));
                return true;
            case OfPopQueue:
                _flow.Flow.PriorityWire = _received.PriorityWire;
                _wild.Flow.PriorityWire = uint.MaxValue;
                _trace?.Add(TraceKind.Detail, "queue = 0");
                return true;
            case OfEnqueue enqueue:
                Enqueue(enqueue, isLast: false);
                return true;
            case OfMultipath multipath:
                Multipath(multipath);
                return true;
            case OfBundle bundle:
                Bundle(bundle);
                return true;
            case OfSample sample:
                Sample(sample);
                return true;
            case OfDeleteField delete:
                DeleteField(delete.Field);
                return true;
            case OfDebugRecirculate:
                Freeze(repeat: false);
                return true;
            case OfFinTimeout fin:
                FinTimeout(fin);
                return true;
            case OfUnroll unroll:
                (_table, _rule) = (unroll.Table, unroll.Rule);
                return true;
            default:
                return true; // note, conjunction: nothing to do to the packet.
        }
    }

    /// <summary>Once a TCP connection ends, its flow ends soon.</summary>
    private void FinTimeout(OfFinTimeout fin)
    {
        ref var flow = ref _flow.Flow;
        _wild.Flow.NetworkProtocol = 0xFF;
        if (flow.NetworkProtocol != 6 || _rule is null) return;
        _result.Ends(new FinTimeout(_rule, fin.IdleTimeout, fin.HardTimeout));
        const ushort FinOrReset = 0x05;
        if ((flow.TcpFlags & FinOrReset) == 0 || !_hasEffects) return;
        _rule.Shorten(fin.IdleTimeout, fin.HardTimeout);
    }

    private void Resubmit(OfResubmit resubmit, bool isLast)
    {
        var table = resubmit.TableId == TableNone ? _table : resubmit.TableId;
        var port = resubmit.InPort is { } number && number != OfPort.InPort
            ? number : _flow.InPort;
        if (resubmit.WithOriginalTuple
            && (_flow.Flow.ConntrackProtocol == 0 || !(_flow.Flow.IsIpv4 || _flow.Flow.IsIpv6)))
        {
            _wild.Flow.ConntrackProtocol = 0xFF;
            Report(TraceKind.Error, "resubmit(ct) with non-tracked or non-IP packet!");
            return;
        }

        LookUp(table, port, isLast, table <= _table, byTuple: resubmit.WithOriginalTuple);
    }

    /// <summary>
    /// Exchanges addresses and ports with those of the connection's original tuple.
    /// </summary>
    private void SwapTuple()
    {
        ref var flow = ref _flow.Flow;
        ref var wild = ref _wild.Flow;
        (flow.NetworkProtocol, flow.ConntrackProtocol) =
            (flow.ConntrackProtocol, flow.NetworkProtocol);
        (wild.NetworkProtocol, wild.ConntrackProtocol) =
            (wild.ConntrackProtocol, wild.NetworkProtocol);
        SwapBytes(flow.Bytes, 64, 152, 8);
        SwapBytes(wild.Bytes, 64, 152, 8);
        SwapBytes(flow.Bytes, 72, 160, 32);
        SwapBytes(wild.Bytes, 72, 160, 32);
        SwapBytes(flow.Bytes, 104, 256, 4);
        SwapBytes(wild.Bytes, 104, 256, 4);
    }

    private static void SwapBytes(Span<byte> bytes, int left, int right, int count)
    {
        for (var i = 0; i < count; i++)
        {
            (bytes[left + i], bytes[right + i]) = (bytes[right + i], bytes[left + i]);
        }
    }

    /// <summary>Runs actions on a copy of the packet.</summary>
    /// <remarks>
    /// What can be undone by setting fields back needs no clone action: the flow is put back and
    /// the next output sets what differs.
    /// </remarks>
    private void Clone(ActionList actions, bool isLast)
    {
        var before = new CloneState(this);
        if (isLast || IsReversible(actions))
        {
            Execute(actions.AsSpan(), isLast);
            End();
            before.Restore(this);
            return;
        }

        CommitChanges();
        var (outer, packet, header) = (_into, _packet, _outerHeader);
        _into = [];
        Execute(actions.AsSpan(), isLast: true);
        End();
        var inner = _into;
        _into = outer;
        if (inner.Count > 0) _into.Add(new CloneAction([.. inner]));
        _packet = packet;
        _outerHeader = header;
        before.Restore(this);
    }

    private static bool IsReversible(ActionList actions)
    {
        foreach (var action in actions)
        {
            if (action is OfConntrack or OfMeter or OfOutputTruncate or OfEncap or OfDecap
                or OfDecrementNshTtl)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What a clone, a bucket and a patch port must leave as they found it.</summary>
    private sealed class CloneState
    {
        private readonly PipelineKey _flow;
        private readonly byte[] _stack;
        private readonly OfAction[] _actionSet;
        private readonly bool _isTracked;
        private readonly bool _wasMpls;
        private readonly bool _isExit;

        public CloneState(Translation from)
        {
            _flow = from._flow;
            _stack = [.. from._stack];
            _actionSet = [.. from._actionSet];
            (_isTracked, _wasMpls, _isExit) = (from._isTracked, from._wasMpls, from._isExit);
        }

        /// <summary>All but the stack and the action set.</summary>
        public void RestorePacket(Translation to)
        {
            to._flow = _flow;
            to._isTracked = _isTracked;
            to._wasMpls = _wasMpls;
            if (to._result.Error == DropReason.None) to._isExit = _isExit;
        }

        public void Restore(Translation to)
        {
            RestorePacket(to);
            to._stack.Clear();
            to._stack.AddRange(_stack);
            to._actionSet.Clear();
            to._actionSet.AddRange(_actionSet);
        }
    }

    private void ReportCleared()
    {
        if (_trace is null) return;
        Report(TraceKind.Detail, _actionSet.Count == 0
            ? "action set was empty"
            : $"action set was: {FlowText.Actions(ActionSet.InOrder(_actionSet))}");
    }
}
