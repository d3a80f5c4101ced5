using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Fragments that wait for the rest of their datagram, so that it can be tracked.
/// </summary>
/// <remarks>
/// A fragment is held until all are there. Then the datagram is tracked once, as a whole, and its
/// fragments go on one after the other as they came, each with the datagram's state and, where it
/// was translated, with the new addresses. So what leaves has the sizes that came in.
/// What <see cref="FragmentGatherer"/> refuses is invalid.
/// </remarks>
internal sealed class FragmentTable(ConntrackTable tracker)
{
    private readonly Lock _gate = new();
    private readonly FragmentGatherer _gatherer = new(tracker.CountRefusal);

    public ConntrackFragments Settings => _gatherer.Settings;

    /// <summary>Reassembly is on for the IP version of 'key', which is a fragment's.</summary>
    public bool IsFor(in FlowKey key) =>
        key.NetworkFragment != 0 && _gatherer.FamilyOf(key.IsIpv6).IsEnabled;

    /// <summary>Takes in one fragment.</summary>
    /// <param name="packet">Copied; the caller keeps its reference.</param>
    /// <param name="key">
    /// Its key; of all fragments of a datagram the last one's tells the zone.
    /// </param>
    /// <param name="ready">
    /// What goes on now: nothing, all of the datagram, or this fragment alone as invalid. The
    /// caller takes their packets, which are from 'pool'.
    /// </param>
    /// <returns>A reason when the fragment, or others with it, ends here.</returns>
    public DropReason Track(
        PacketBuffer packet, in FlowKey key, in PacketLayout layout, ConntrackAction action,
        long now, PacketPool pool, List<TrackedFragment> ready)
    {
        GatheredDatagram? whole = null;
        var isSound = FragmentView.TryParse(
            packet.Bytes, layout.NetworkOffset, action.Zone, out var view);
        if (isSound)
        {
            lock (_gate)
            {
                isSound = _gatherer.TryHold(packet, key.InPort, in view, now, out whole);
            }
        }

        if (!isSound)
        {
            ready.Add(Refused(packet, key, layout, action, now, pool));
            return DropReason.None;
        }

        return whole is null
            ? DropReason.None
            : Release(whole, view, key, action, now, pool, ready);
    }

    private DropReason Release(
        GatheredDatagram datagram, in FragmentView last, in FlowKey lastKey, ConntrackAction action,
        long now, PacketPool pool, List<TrackedFragment> ready)
    {
        var whole = datagram.Join();
        var first = datagram.Fragments[0];
        var tracked = lastKey;
        if (!FlowKeyExtractor.TryExtract(whole.Bytes, ref tracked, out _, out var reason))
        {
            return reason;
        }

        tracker.Execute(whole, ref tracked, action, now);
        foreach (var held in datagram.Fragments)
        {
            var packet = pool.Rent();
            packet.Load(held.Frame);
            Reassembly.CopyBack(whole.Bytes, first.View, held.View, packet.Bytes);
            var key = lastKey;
            Reassembly.CopyState(in tracked, ref key);
            if (FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out var layout, out _))
            {
                ready.Add(new TrackedFragment(packet, key, layout));
            }
            else
            {
                pool.Release(packet);
            }
        }

        return DropReason.None;
    }

    private TrackedFragment Refused(
        PacketBuffer packet, in FlowKey key, in PacketLayout layout, ConntrackAction action,
        long now, PacketPool pool)
    {
        var copy = pool.Rent();
        copy.CopyFrom(packet);
        var refused = key;
        tracker.Execute(copy, ref refused, action, now); // A fragment cannot be tracked: invalid.
        return new TrackedFragment(copy, refused, layout);
    }

    /// <summary>Drops what has not become whole in time.</summary>
    public void Sweep(long now)
    {
        if (Settings.Count == 0) return;
        lock (_gate) _gatherer.Sweep(now);
    }
}

/// <summary>A fragment that waits: the frame as it came.</summary>
internal readonly record struct HeldFragment(byte[] Frame, FragmentView View, uint InPort);

/// <summary>A fragment that goes on, with the state of its datagram.</summary>
internal readonly record struct TrackedFragment(
    PacketBuffer Packet, FlowKey Key, PacketLayout Layout);
