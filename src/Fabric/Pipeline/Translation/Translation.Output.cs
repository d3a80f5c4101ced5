using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <content>Ports: ordinary, reserved, patch, tunnel; controllers; meters; lengths.</content>
internal sealed partial class Translation
{
    private int _truncateSize;

    private void Output(uint port, ushort maxLength, bool isLast, bool mayPacketIn)
    {
        switch (port)
        {
            case OfPort.InPort:
                OutputTo(_flow.InPort, isLast, isInPort: true);
                break;
            case OfPort.Table:
                LookUp(0, _flow.InPort, isLast);
                break;
            case OfPort.Normal:
                Normal();
                break;
            case OfPort.Flood:
                Flood(all: false);
                break;
            case OfPort.All:
                Flood(all: true);
                break;
            case OfPort.Controller:
                if (mayPacketIn)
                {
                    PacketIn(maxLength, ReasonOfOutput(), 0, default, pause: false);
                }

                break;
            case OfPort.None:
                break;
            default:
                OutputTo(port, isLast, isInPort: false);
                break;
        }
    }

    private PacketInReason ReasonOfOutput() => _isPacketOut ? PacketInReason.PacketOut
        : _inGroup ? PacketInReason.Group
        : _inActionSet ? PacketInReason.ActionSet : PacketInReason.Action;

    private void OutputRegister(OfOutputRegister output, bool isLast)
    {
        var port = (ulong)Read(output.Source);
        _trace?.Add(TraceKind.Detail, $"output port is {port}");
        if (port <= uint.MaxValue)
        {
            var number = output.Source.Width <= 16 ? OfPort.FromWire16((ushort)port) : (uint)port;
            Output(number, output.MaxLength, isLast, mayPacketIn: true);
        }
    }

    private void OutputTruncated(OfOutputTruncate output, bool isLast)
    {
        if (output.Port == _flow.InPort)
        {
            Report(TraceKind.Warn, "skipping output to input port");
            return;
        }

        var number = output.Port == OfPort.InPort ? _flow.InPort : output.Port;
        if (PortOf(number) is not { IsPatch: false })
        {
            Report(TraceKind.Error,
                $"output_trunc does not support patch port {OfPort.ToText(output.Port)}");
            return;
        }

        _into.Add(new TruncateAction(output.MaxLength));
        Output(output.Port, 0, isLast, mayPacketIn: false);
    }

    private void Flood(bool all)
    {
        _floods = true;
        foreach (var port in _bridge.PortsInOrder)
        {
            if (port.OpenFlowPort == _flow.InPort) continue;
            if (!all && (port.Config & OfPortConfig.NoFlood) != 0) continue;
            OutputTo(port.OpenFlowPort, isLast: false, isInPort: false);
        }
    }

    private void OutputTo(uint number, bool isLast, bool isInPort)
    {
        var port = PortOf(number);
        if (port is null)
        {
            Report(TraceKind.Warn, "Nonexistent output port");
            return;
        }

        if (!isInPort && number == _flow.InPort)
        {
            Report(TraceKind.Warn, "skipping output to input port");
            return;
        }

        if ((port.Config & (OfPortConfig.PortDown | OfPortConfig.NoForward)) != 0)
        {
            Report(TraceKind.Detail, "OFPPC_NO_FWD set, skipping output");
            return;
        }

        if (!port.Tree.IsForwarding && !IsBpdu())
        {
            Report(TraceKind.Detail, "STP not in forwarding state, skipping output");
            return;
        }

        if (port.IsPatch) OutputToPatch(port, isLast);
        else if (port.DatapathPort is { } datapathPort) OutputToDatapath(port, datapathPort);
        if (_bridge.Mirrors.Length > 0 && _bridge.BundleOf(port) is { } bundle)
        {
            MirrorSent(bundle);
        }
    }

    private void OutputToDatapath(PortSnapshot port, uint number)
    {
        if (port.Tunnel is { } tunnel)
        {
            var header = TunnelOutput.Compose(tunnel, ref _flow, ref _wild, _view.Tlv);
            if (header is null)
            {
                Report(TraceKind.Warn, "Tunneling decided against output");
                return;
            }

            var mark = _flow.Flow.PacketMarkWire;
            if (tunnel.EgressPacketMark is { } fixedMark)
            {
                _flow.Flow.PacketMarkWire = KeyCommit.Host(fixedMark);
                _wild.Flow.PacketMarkWire = uint.MaxValue;
            }

            CommitChanges();
            var isNative = TryTunnelNatively(port, number, tunnel, header);
            _flow.Flow.PacketMarkWire = mark;
            if (isNative)
            {
                _result.HasOutput = true;
                return;
            }

            if (PopsEthernet(tunnel))
            {
                SendNetworkPacket(port, number, header);
                return;
            }

            if (!TunnelOutput.AreEqual(header, _outerHeader))
            {
                _into.Add(new SetTunnelAction(header));
                _outerHeader = header;
            }

            Report(TraceKind.Detail, "output to kernel tunnel");
        }
        else
        {
            var tunnelPort = TunnelInto(port);
            CommitChanges();
            if (tunnelPort is { } opener)
            {
                _into.Add(new TunnelPopAction(opener));
                _result.HasOutput = true;
                return;
            }
        }

        NoteOutput(port, number);
        if (_truncateSize > 0) _into.Add(new TruncateAction((uint)_truncateSize));
        _into.Add(new OutputAction(number));
        _result.HasOutput = true;
    }

    /// <summary>Into a tunnel of IP packets, without the frame's link header.</summary>
    private void SendNetworkPacket(PortSnapshot port, uint number, TunnelMetadata header)
    {
        Report(TraceKind.Detail, "output to kernel tunnel");
        NoteOutput(port, number);
        _into.Add(new CloneAction(
            [new PopEthernetAction(), new SetTunnelAction(header), new OutputAction(number)]));
        _result.HasOutput = true;
    }

    private void CommitChanges()
    {
        if (_pushesTag && (_packet.VlanTci0 & VlanTags.Present) != 0)
        {
            // A tag in place of one that was taken off may be the same by chance.
            (_wild.Flow.VlanTci0Wire, _wild.Flow.VlanTpid0Wire) = (0xFFFF, 0xFFFF);
        }

        KeyCommit.Commit(ref _flow.Flow, ref _packet, ref _wild.Flow, _into);
    }

    /// <summary>
    /// On through the bridge at the other end of a patch, as a packet that arrives there.
    /// </summary>
    private void OutputToPatch(PortSnapshot port, bool isLast)
    {
        if (!_switch.PatchPorts.TryGetValue(port.PeerPort!, out var peer)
            || peer.PeerPort != port.Name
            || !_switch.Bridges.TryGetValue(peer.Bridge, out var bridge))
        {
            Report(TraceKind.Warn, "Nonexistent patch port peer");
            return;
        }

        if (port.Counters is { } left) _result.Credit(left.Sent);
        if (peer.Counters is { } arrived) _result.Credit(arrived.Received);
        Cross(peer, bridge, isLast);
    }

    /// <summary>The packet as it is now comes in by a port of another bridge.</summary>
    private void Cross(PortSnapshot peer, BridgeSnapshot bridge, bool isLast)
    {
        if (!MayRecurse()) return;
        var before = new CloneState(this);
        var (outerBridge, outerView, outerPort) = (_bridge, _view, _inPort);
        var (outerRule, outerTable, outerMirrors) = (_rule, _table, _mirrors);
        _flow.Metadata = 0;
        _flow.Bytes.Slice(PipelineKey.RegisterOffset, PipelineKey.RegisterCount * 4).Clear();
        _flow.Flow.Bytes[FlowKey.TunnelOffset..].Clear();
        _flow.TlvPresence = 0;
        _flow.Bytes.Slice(PipelineKey.TlvOffset, PipelineKey.TlvSize).Clear();
        _flow.ActionSetOutput = OfPort.Unset;
        ForgetConnection();
        _actionSet.Clear();
        _stack.Clear();
        _mirrors = 0;
        Visit(bridge);
        _inPort = peer;
        _flow.InPort = peer.OpenFlowPort;
        _trace?.Add(TraceKind.Bridge, $"bridge(\"{bridge.Name}\")");
        var trace = Nest();
        if (!TryHandToSession(peer)
            && (peer.Config & (OfPortConfig.PortDown | OfPortConfig.NoReceive)) == 0
            && peer.Tree.State is not (TreePortState.Blocking or TreePortState.Listening))
        {
            var count = _into.Count;
            MirrorReceived();
            LookUp(0, peer.OpenFlowPort, isLast, honorsMiss: true);
            End();
            if (!peer.Tree.IsForwarding) _into.RemoveRange(count, _into.Count - count);
        }

        _trace = trace;
        (_bridge, _view, _inPort) = (outerBridge, outerView, outerPort);
        (_rule, _table, _mirrors) = (outerRule, outerTable, outerMirrors);
        before.Restore(this);
    }

    /// <summary>Sends the packet as it is now to the controllers with this id.</summary>
    private void PacketIn(
        ushort maxLength, PacketInReason reason, ushort controllerId,
        EquatableArray<byte> userdata, bool pause)
    {
        CommitChanges();
        if (reason == PacketInReason.Action && _rule is { Priority: 0, Match.IsAny: true })
        {
            reason = PacketInReason.ExplicitMiss;
        }

        if (pause)
        {
            // The rest of the walk is what NXT_RESUME goes on with: see Execute.
            Report(TraceKind.Detail, "the pipeline waits for the controller to resume");
            Freeze(repeat: false);
            _pauses = new PacketInCookie(reason, controllerId, maxLength, _table,
                _rule?.Cookie ?? ulong.MaxValue, IsPaused: true, userdata);
            return;
        }

        if (_received.HasTunnel) FoldTunnelFields();
        var kept = _flow;
        kept.ActionSetOutput = 0;
        var state = new FrozenState(_bridge.Name, TableNone, in kept, [], _isTracked, _mirrors,
            ActionList.Empty, ActionList.Empty, 0);
        var id = _recirculation.Allocate(state, _now);
        // A miss has a rule of its own in OVS, with cookie 0.
        var unknown = reason == PacketInReason.ImplicitMiss ? 0 : ulong.MaxValue;
        var cookie = new PacketInCookie(reason, controllerId, maxLength, _table,
            _rule?.Cookie ?? unknown, IsPaused: false, userdata);
        _into.Add(new UserspaceAction(
            new UpcallUserdata(UpcallKind.Controller, id, cookie.ToBytes())));
        _result.HasOutput = true;
    }

    private void RunMeter(uint meterId)
    {
        if (_view.Meters.TryGetValue(meterId, out var meter) && meter.DatapathId is { } id)
        {
            CommitChanges();
            _into.Add(new MeterAction(id));
        }
    }

    /// <summary>check_pkt_larger: both ways are translated, the datapath takes one.</summary>
    private void CheckLength(OfCheckPacketLarger check, ReadOnlySpan<OfAction> rest)
    {
        CommitChanges();
        var outer = _into;
        var before = new CloneState(this);
        var larger = Branch(check, 1, rest, out _);
        before.RestorePacket(this);
        var smaller = Branch(check, 0, rest, out var exits);
        before.Restore(this);
        _isExit |= exits; // OVS: an exit behind it ends what is outside too.
        _into = outer;
        _into.Add(new CheckPacketLengthAction(check.Size, larger, smaller));
    }

    private ImmutableArray<DatapathAction> Branch(
        OfCheckPacketLarger check, int value, ReadOnlySpan<OfAction> rest, out bool exits)
    {
        var (packet, header) = (_packet, _outerHeader);
        _into = [];
        check.Destination.Write(ref _flow, (UInt128)value, _view.Tlv);
        Execute(rest, isLast: true);
        exits = _isExit && !_isFreezing;
        if (!_isFreezing) RunActionSet();
        if (_isFreezing) FinishFreezing();
        (_packet, _outerHeader) = (packet, header);
        return [.. _into];
    }

    /// <summary>A queue's number as the datapath's packet priority.</summary>
    private uint PriorityOf(uint queue) =>
        _switch.HasTrafficControl ? 0x0001_0000u + queue + 1 : queue;

    private void Enqueue(OfEnqueue enqueue, bool isLast)
    {
        var before = _flow.Flow.PriorityWire;
        _wild.Flow.PriorityWire = uint.MaxValue;
        _flow.Flow.PriorityWire = KeyCommit.Host(PriorityOf(enqueue.Queue));
        var port = enqueue.Port == OfPort.InPort ? _flow.InPort : enqueue.Port;
        if (enqueue.Port != OfPort.InPort && port == _flow.InPort)
        {
            _flow.Flow.PriorityWire = before;
            return;
        }

        OutputTo(port, isLast, isInPort: enqueue.Port == OfPort.InPort);
        _flow.Flow.PriorityWire = before;
    }

    private void Multipath(OfMultipath multipath)
    {
        var hash = FlowHash.Fields(
            in _flow.Flow, ref _wild.Flow, multipath.Fields, multipath.Basis);
        var link = FlowHash.Link(
            hash, multipath.Algorithm, multipath.LinkCount, multipath.Argument);
        SetField(multipath.Destination.Field, (UInt128)link << multipath.Destination.Offset,
            MatchField.LowBits(multipath.Destination.Width) << multipath.Destination.Offset);
        ReportSubfield(multipath.Destination);
    }

    private void Bundle(OfBundle bundle)
    {
        var port = OfPort.None;
        if (bundle.Algorithm == OfBundleAlgorithm.ActiveBackup)
        {
            foreach (var member in bundle.Members)
            {
                if (PortOf(member) is not { CanSend: true }) continue;
                port = member;
                break;
            }
        }
        else
        {
            var hash = FlowHash.Fields(in _flow.Flow, ref _wild.Flow, bundle.Fields, bundle.Basis);
            port = FlowHash.HighestRandomWeight(
                hash, bundle.Members, member => PortOf(member) is { CanSend: true });
        }

        if (bundle.Destination is { } destination)
        {
            var value = destination.Width <= 16 ? OfPort.ToWire16(port) : port;
            SetField(destination.Field, (UInt128)value << destination.Offset,
                MatchField.LowBits(destination.Width) << destination.Offset);
            ReportSubfield(destination);
            return;
        }

        Output(port, 0, isLast: false, mayPacketIn: true);
    }
}
