using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <content>The supervisor, who keeps the device open, and what comes up from it.</content>
public sealed partial class OvsNetlinkDatapath
{
    private string _lastError = "";

    /// <summary>Opens, watches, polls, closes; one thread for the provider's whole life.</summary>
    private void Supervise()
    {
        var wait = _options.BackoffMin;
        ImmutableArray<DeviceLoop> loops = [];
        while (Volatile.Read(ref _isDisposed) == 0)
        {
            if (_connection is { IsLost: true } lost)
            {
                Say($"lost: {lost.LossReason}");
                Counters.CountLoss();
                Close(lost, loops);
                loops = [];
                _ports.DeviceLost();
            }

            if (_connection is null)
            {
                if (TryConnect(out loops))
                {
                    wait = _options.BackoffMin;
                    _opened.Set();
                    continue;
                }

                _opened.Set();
                _wake.WaitOne(wait);
                wait = wait * 2 < _options.BackoffMax ? wait * 2 : _options.BackoffMax;
                continue;
            }

            _wake.WaitOne(_options.PollPeriod);
            if (_connection is { IsLost: false } && Volatile.Read(ref _isDisposed) == 0)
            {
                _ports.Poll();
            }
        }

        _opened.Set();
        if (_connection is { } last) Close(last, loops);
    }

    private bool TryConnect(out ImmutableArray<DeviceLoop> loops)
    {
        loops = [];
        var count = Math.Clamp(_options.UpcallLoops, 1, OvsNetlinkLimits.UpcallLoopsMax);
        if (!NetlinkConnection.TryOpen(
            _device, count, Counters, out var connection, out var error))
        {
            Say(error);
            return false;
        }

        connection!.Lost = () => _wake.Set();
        _features = connection.Features;
        var isFirst = Counters.Connects == 0;
        Counters.CountConnect();
        if (isFirst) _flows.FlushDevice(connection); // Actions of another process's handles.
        _connection = connection;
        _ports.Connected(connection);
        _meters.Connected(connection);
        _conntrack.Connected(connection);
        if (!isFirst) _flows.Reconcile(connection);
        if (connection.IsLost)
        {
            Say($"lost: {connection.LossReason}");
            Counters.CountLoss();
            Close(connection, []);
            return false;
        }

        loops = Loops(connection);
        foreach (var loop in loops) loop.Start();
        _isReady = true;
        Say("connected");
        return true;
    }

    private ImmutableArray<DeviceLoop> Loops(NetlinkConnection connection)
    {
        var loops = ImmutableArray.CreateBuilder<DeviceLoop>();
        for (var i = 0; i < connection.Packets.Length; i++)
        {
            var (packets, worker) = (connection.Packets[i], connection.Workers[i]);
            var packet = new PacketBuffer(PacketPool.CapacityDefault);
            loops.Add(new DeviceLoop(
                $"upcalls-{i}", packets, DeviceControl.ReadPacket, OvsControlCommand.PendPackets,
                _options.PendPatience, bytes => Upcall(connection, worker, packet, bytes)));
        }

        if (connection.Dialect == NetlinkDialect.Ovsext)
        {
            loops.Add(new DeviceLoop(
                "vports", connection.Events, DeviceControl.ReadEvent,
                OvsControlCommand.PendEvents, _options.PendPatience, _ports.OnEvent));
            loops.Add(new DeviceLoop(
                "connections", connection.ConntrackEvents, DeviceControl.ReadEvent,
                OvsControlCommand.PendEvents, _options.PendPatience, _conntrack.OnEvent)
            {
                Prepare = () => _conntrack.Prepare(connection),
            });
        }

        return loops.ToImmutable();
    }

    private void Close(NetlinkConnection connection, ImmutableArray<DeviceLoop> loops)
    {
        _isReady = false;
        _connection = null;
        foreach (var loop in loops) loop.Stop();
        connection.Dispose();
    }

    /// <summary>The same text is said once, however often it is tried again.</summary>
    private void Say(string text)
    {
        if (text == _lastError) return;
        _lastError = text;
        _options.Log?.Invoke(text);
    }

    /// <summary>One packet from the device.</summary>
    private void Upcall(
        NetlinkConnection connection, NetlinkEndpoint worker, PacketBuffer packet,
        ReadOnlySpan<byte> bytes)
    {
        if (!OvsMessage.TryParse(bytes, out var message, out _, out _)
            || message.Header.Type != worker.Ids.Packet
            || !OvsPacketMessage.TryParse(message, out var upcall, out _)
            || !OvsFlowKeyReader.TryRead(upcall.Key, out var kernelKey, out _, out _))
        {
            Counters.CountMalformed();
            return;
        }

        packet.Load(upcall.Packet);
        packet.References = 1;
        var full = kernelKey;
        if (!FlowKeyExtractor.TryExtract(packet.Bytes, ref full, out var reason))
        {
            _slow.Drop(reason);
            return;
        }

        _worker = worker;
        _receiveUnitMax = upcall.ReceiveUnitMax ?? 0;
        try
        {
            if (message.Header.Command == OvsPacketCommand.Miss)
            {
                Counters.CountUpcall();
                Miss(connection, worker, packet, in full, in kernelKey);
            }
            else if (message.Header.Command == OvsPacketCommand.Action)
            {
                Counters.CountAction();
                Act(packet, in full, upcall.Userdata);
            }
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Counters.CountUpcallFault();
            if (Faulted is not { } faulted) throw;
            faulted(error);
        }
        finally
        {
            _worker = null;
            _receiveUnitMax = 0;
        }
    }

    private void Miss(
        NetlinkConnection connection, NetlinkEndpoint worker, PacketBuffer packet,
        in FlowKey full, in FlowKey kernelKey)
    {
        var key = full;
        if (_slow.TryContinue(key.RecirculationId, out var rest))
        {
            Counters.CountSlowPath();
            _slow.Run(packet, ref key, rest);
            return;
        }

        var decided = _flows.Decide(worker, packet, in full, in kernelKey, out var slowActions);
        if (decided is not { } actions)
        {
            _slow.Drop(DropReason.UpcallQueueFull);
            return;
        }

        if (slowActions is null)
        {
            // A SYN is its connection's first packet: it comes by here, on its way to a tunnel.
            if (actions.FirstOrDefault(action => action is SetTunnelAction) is SetTunnelAction set)
                SegmentClamp.Apply(packet, in full, set.Tunnel, _options.TunnelMtu);
            var translator = new KernelActionTranslator(connection.Features, _meters.IsInDevice);
            var pid = ExpandedFlows.PidOf(connection, in key);
            if (translator.TryTranslate(in key, true, actions, pid, out var attributes)
                && Execute(connection, packet, in key, attributes.AsSpan()))
            {
                return;
            }
        }

        Counters.CountSlowPath();
        _slow.Run(packet, ref key, slowActions ?? _slow.Prepare(actions));
    }

    /// <summary>A userspace action: the handler's, or a flow that the provider runs.</summary>
    private void Act(PacketBuffer packet, in FlowKey full, ReadOnlySpan<byte> bytes)
    {
        if (!UpcallUserdataCodec.TryDecode(bytes, out var isSlowPath, out var userdata))
        {
            Counters.CountMalformed();
            return;
        }

        if (!isSlowPath)
        {
            _slow.Handler?.Action(packet, full, userdata);
            return;
        }

        var key = full;
        Counters.CountSlowPath();
        if (_slow.TryContinue(key.RecirculationId, out var actions)
            || (actions = _flows.FindSlow(in full, packet)!) is not null)
        {
            _slow.Run(packet, ref key, actions);
            return;
        }

        // The megaflow looks at more than the device's flow could: this one is another one's.
        var decided = _flows.Decide(_worker, packet, in full, in full, out _);
        _slow.Run(packet, ref key, _slow.Prepare(decided ?? []));
    }
}
