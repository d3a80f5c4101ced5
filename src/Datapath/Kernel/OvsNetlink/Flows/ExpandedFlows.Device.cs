using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <content>What the device has: asked, put right, emptied.</content>
internal sealed partial class ExpandedFlows
{
    /// <summary>Strays deleted in one round; the next round deletes more.</summary>
    private const int StraysMax = 4096;

    /// <summary>
    /// After the device came back: what it still has and is right stays, the rest goes.
    /// </summary>
    public void Reconcile(NetlinkConnection connection)
    {
        lock (_gate)
        {
            // A driver with masks where one without was, or the other way round.
            var size = connection.Features.HasMasks ? FlowKey.Size * 2 : FlowKey.Size;
            foreach (var flow in _micro.All.ToArray())
            {
                if (connection.Features.HasMasks == (flow.Bytes.Length == size)) continue;
                if (!connection.Features.HasMasks && flow.Bytes.Length <= size) continue;
                _micro.Remove(flow);
                flow.Owner.Retire(flow);
            }
        }

        Refresh(connection);
        Microflow[] again;
        Expansion[] all;
        lock (_gate)
        {
            // Handles have new numbers, and versions may have moved while it was away.
            again = [.. _micro.All.Where(
                flow => flow.NamesPid || flow.Version != flow.Owner.Version)];
            all = connection.Features.HasMasks ? [.. _expansions.Values] : [];
        }

        foreach (var flow in again) Write(connection.Requests, connection, flow);
        foreach (var expansion in all)
        {
            if (expansion.Microflows.Count > 0) continue;
            FlowKey key = default, mask = default;
            expansion.Megaflow.ReadKey(ref key);
            expansion.Megaflow.Subtable.ReadMask(ref mask);
            Install(connection.Requests, connection, expansion, in key, in mask);
        }
    }

    /// <summary>All microflows with their actions of now: what the device can do changed.
    /// </summary>
    public void WriteAll()
    {
        if (Connection() is not { } connection) return;
        Microflow[] all;
        lock (_gate)
        {
            foreach (var expansion in _expansions.Values) expansion.Version++;
            all = [.. _micro.All];
        }

        foreach (var flow in all)
        {
            _counters.CountReexpansion();
            Write(connection.Requests, connection, flow);
        }
    }

    public void FlushDevice(NetlinkConnection connection)
    {
        var endpoint = connection.Requests;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            var header = endpoint.Header(OvsFamily.Flow, OvsCommand.Delete, endpoint.Change);
            default(OvsFlowMessage).Write(ref writer, in header);
            endpoint.Transact(ref writer, out _);
        }
    }

    /// <summary>
    /// Asks the device for all flows: takes their statistics, deletes strays and idle ones,
    /// forgets what the device lost.
    /// </summary>
    private void Refresh(NetlinkConnection connection)
    {
        var endpoint = connection.Requests;
        var strays = new List<(FlowKey Key, FlowKey Mask)>();
        int round;
        lock (_gate) round = ++_round;
        NetlinkOutcome outcome;
        lock (endpoint.Gate)
        {
            var writer = endpoint.Writer();
            const ushort Flags = NetlinkFlags.Request | NetlinkFlags.Dump;
            var flags = endpoint.Dialect == NetlinkDialect.Ovsext
                ? (ushort)(Flags | NetlinkFlags.Acknowledge)
                : Flags;
            var header = endpoint.Header(OvsFamily.Flow, OvsCommand.Get, flags);
            default(OvsFlowMessage).Write(ref writer, in header);
            outcome = endpoint.Dump(
                ref writer,
                (ReadOnlySpan<byte> bytes, out NetlinkFault fault) =>
                    See(connection, bytes, round, strays, out fault));
        }

        if (!outcome.IsOk) return;
        Sweep(connection, round);
        foreach (var (key, mask) in strays)
        {
            lock (_gate)
            {
                if (_micro.Find(KeyBytes(connection, in key, in mask)) is not null) continue;
            }

            _counters.CountStray();
            Erase(endpoint, connection, in key, in mask, null);
        }
    }

    /// <summary>Takes one flow of a dump.</summary>
    private bool See(
        NetlinkConnection connection, ReadOnlySpan<byte> bytes, int round,
        List<(FlowKey Key, FlowKey Mask)> strays, out NetlinkFault fault)
    {
        FlowKey mask = default;
        if (!OvsMessage.TryParse(bytes, out var message, out _, out fault)
            || !OvsFlowMessage.TryParse(message, out var flow, out fault)
            || !OvsFlowKeyReader.TryRead(flow.Key, out var key, out _, out fault)
            || (flow.HasMask && !OvsFlowKeyReader.TryReadMask(
                flow.Mask, in key, out mask, out _, out fault)))
        {
            return false;
        }

        lock (_gate)
        {
            var known = _micro.Find(KeyBytes(connection, in key, in mask));
            if (known is not null)
            {
                known.Round = round;
                Take(known, in flow);
            }
            else if (strays.Count < StraysMax && connection.Dialect == NetlinkDialect.Ovsext)
            {
                strays.Add((key, mask));
            }
        }

        return true;
    }

    private void Take(Microflow known, scoped in OvsFlowMessage flow)
    {
        if (!flow.HasStatistics) return;
        if (flow.Packets > known.Packets)
        {
            var now = _slow.Core.NowMilliseconds();
            var used = (long)Math.Min(flow.UsedMilliseconds ?? (ulong)now, (ulong)now);
            known.Used = Math.Max(known.Used, used);
        }

        known.Packets = flow.Packets;
        known.TotalBytes = flow.Bytes;
        known.Owner.TcpFlags |= flow.TcpFlags ?? 0;
        if (flow.Packets != 0) known.Owner.Used = Math.Max(known.Owner.Used, known.Used);
    }

    /// <summary>Forgets what the dump did not show, and takes out what nothing used.</summary>
    private void Sweep(NetlinkConnection connection, int round)
    {
        var oldest = _slow.Core.NowMilliseconds() - (long)_options.MicroflowIdle.TotalMilliseconds;
        var idle = new List<Microflow>();
        lock (_gate)
        {
            foreach (var flow in _micro.All.ToArray())
            {
                if (flow.Round >= round && (flow.Used >= oldest || connection.Features.HasMasks))
                {
                    continue;
                }

                _micro.Remove(flow);
                if (flow.Round >= round) idle.Add(flow);
                else flow.Owner.Retire(flow);
            }
        }

        foreach (var flow in idle)
        {
            Erase(connection.Requests, connection, flow);
            lock (_gate) flow.Owner.Retire(flow);
        }
    }

    private void Erase(NetlinkEndpoint via, NetlinkConnection connection, Microflow flow)
    {
        ReadKeys(connection, flow, out var key, out var mask);
        Erase(via, connection, in key, in mask, flow);
    }

    /// <summary>Deletes one flow; what the device says that it counted is kept.</summary>
    private void Erase(
        NetlinkEndpoint via, NetlinkConnection connection, in FlowKey key, in FlowKey mask,
        Microflow? flow)
    {
        lock (via.Gate)
        {
            var writer = via.Writer();
            var header = via.Header(OvsFamily.Flow, OvsCommand.Delete, via.ChangeAndTell);
            OvsFlowMessage.WriteByKey(
                ref writer, in header, in key, in mask, connection.Features.HasMasks,
                via.KeyForm);
            if (!via.Transact(ref writer, out var answer).IsOk || flow is null) return;
            if (!OvsMessage.TryParse(answer, out var message, out _, out _)
                || !OvsFlowMessage.TryParse(message, out var last, out _))
            {
                return;
            }

            lock (_gate) Take(flow, in last);
        }
    }
}
