using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Control channels of FTP and TFTP, read by the managed tracker's code.</summary>
/// <remarks>
/// The programs send packets of a control channel up at the step "conntrack": those with payload,
/// and all of a channel whose addresses are translated. Here acknowledgements are put back to what
/// their receiver has sent, since lines may have grown; the packet goes down to be tracked, and
/// comes up again, translated; then its lines are read and rewritten, what they announce goes into
/// the kernel's table of expectations, and the packet goes on. By how much lines grew is kept in
/// the kernel beside the connection, for the next process.
/// </remarks>
internal sealed class ControlChannels(
    EbpfDatapath datapath, KernelObject kernel, TrackedTrips trips, DropCounters drops)
{
    private const int CountMax = 16_384;
    private const long TripMilliseconds = 15_000;

    private readonly Lock _lock = new();
    private readonly ConntrackTable _reader = new(seed: 1);
    private readonly Expectations _expectations = new(kernel);
    private readonly Dictionary<ConntrackKey, ControlChannel> _byTuple = [];

    /// <summary>Lines that were refused.</summary>
    public ulong Refused => _reader.DropCount(DropReason.ConntrackAlg);

    public void Dump(ushort? zone, Action<ConntrackExpectation> visit) =>
        _reader.DumpExpectations(zone, visit);

    /// <summary>Takes a packet of a control channel whose next action is conntrack.</summary>
    public void Take(PacketBuffer packet, in FlowKey key, InterruptedActions at, long now)
    {
        if (!TrackedPacket.TryParseFrame(packet.Bytes, out var tracked, out _)
            || !tracked.TryToKey(at.Conntrack.Zone, out var tuple, out _)
            || !tracked.HasSoundChecksums(packet))
        {
            datapath.RunInvalid(packet, in key, in at);
            return;
        }

        byte[]? header;
        lock (_lock) header = Find(in tuple)?.Unshift(tracked, in tuple);
        var isUnderway = trips.TryStart(
            packet, in key, at.Conntrack, at.Passes, now + TripMilliseconds,
            (PacketBuffer copy, in FlowKey state) => GoOn(copy, in state, in tuple, header, in at));
        if (!isUnderway) drops.Add(DropReason.UpcallQueueFull);
    }

    /// <param name="tuple">The packet's before it was translated.</param>
    /// <param name="header">Its TCP header as it came, if it was changed for the tracker.</param>
    private void GoOn(
        PacketBuffer packet, in FlowKey state, in ConntrackKey tuple, byte[]? header,
        in InterruptedActions at)
    {
        var key = state;
        bool isChanged;
        lock (_lock) isChanged = Read(packet, ref key, in tuple, header, at.Conntrack);
        if (isChanged && !FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var reason))
        {
            drops.Add(reason);
            return;
        }

        datapath.RunBehind(packet, in key, in at);
    }

    /// <returns>True when bytes of the packet changed.</returns>
    private bool Read(
        PacketBuffer packet, ref FlowKey key, in ConntrackKey tuple, byte[]? header,
        ConntrackAction action)
    {
        var run = new TrackingRun
        {
            Action = action,
            Packet = packet,
            Tuple = tuple,
            Now = datapath.Now(),
            State = key.ConntrackState,
        };
        if (!TrackedPacket.TryParseFrame(packet.Bytes, out run.Tracked, out run.Offset))
        {
            return false;
        }

        if (header is not null) ControlChannel.Restore(header, run.Tracked.Transport);
        if ((Find(in tuple) ?? Load(in tuple)) is not { } channel) return header is not null;
        run.Connection = channel.Connection;
        run.IsReply = channel.IsReply(in tuple);
        var isChanged = _reader.AssistTracked(ref run) || header is not null;
        key.ConntrackState = run.State | ConntrackState.Tracked;
        channel.Save(kernel);
        Publish(channel);
        return isChanged;
    }

    private ControlChannel? Find(in ConntrackKey tuple) => _byTuple.GetValueOrDefault(tuple);

    /// <summary>The channel as the kernel has it; null: it is none.</summary>
    private ControlChannel? Load(in ConntrackKey tuple)
    {
        if (_byTuple.Count >= 2 * CountMax || ControlChannel.Read(kernel, tuple) is not { } channel)
        {
            return null;
        }

        _byTuple[channel.Connection.Original] = channel;
        _byTuple[channel.Connection.Reply] = channel;
        return channel;
    }

    /// <summary>Has the kernel expect what the channel announces now.</summary>
    private void Publish(ControlChannel channel)
    {
        var announced = _reader.Expected().Where(each => each.Control == channel.Connection);
        foreach (var expectation in announced)
        {
            if (!channel.Published.Add(expectation)) continue;
            if (channel.IsAlive(kernel, out var control)
                && _expectations.TryWrite(expectation, in control))
            {
                continue;
            }

            drops.Add(DropReason.ConntrackAlg);
        }
    }

    /// <summary>Forgets channels that ended, and expectations that were fulfilled.</summary>
    public void Sweep(long now)
    {
        lock (_lock)
        {
            _expectations.Sweep();
            _reader.Sweep(now, shards: 0);
            foreach (var channel in _byTuple.Values.Distinct().ToArray())
            {
                foreach (var expectation in channel.Published.ToArray())
                {
                    if (_expectations.IsWaiting(expectation)) continue;
                    channel.Published.Remove(expectation);
                    _reader.Forget(expectation);
                }

                if (!channel.IsAlive(kernel, out _)) Forget(channel);
            }
        }
    }

    private void Forget(ControlChannel channel)
    {
        foreach (var expectation in channel.Published) _expectations.Remove(expectation);
        _reader.ForgetChannel(channel.Connection);
        _byTuple.Remove(channel.Connection.Original);
        _byTuple.Remove(channel.Connection.Reply);
        channel.Remove(kernel);
    }
}
