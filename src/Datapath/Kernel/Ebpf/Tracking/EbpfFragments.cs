using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Fragments that came to a step "conntrack": the kernel tracks their datagram as a whole.
/// </summary>
/// <remarks>
/// The programs send fragments up. Here they wait until all are there; the datagram goes down to be
/// tracked, and translated, and comes up again with what the tracker says. Then its fragments go on
/// one after the other in the sizes that they came in, each with the datagram's state and
/// addresses. What is unsound goes on as invalid, as the managed tracker has it
/// (<see cref="FragmentGatherer"/>).
/// </remarks>
internal sealed class EbpfFragments(
    EbpfDatapath datapath, TrackedTrips trips, DropCounters drops)
{
    private readonly Lock _lock = new();
    private readonly FragmentGatherer _gatherer = new(reason => drops.Add(reason));

    public ConntrackFragments Settings => _gatherer.Settings;

    /// <summary>Takes a fragment whose next action is a conntrack action.</summary>
    public void Take(PacketBuffer packet, in FlowKey key, in InterruptedActions at, long now)
    {
        var own = key;
        var isSound = FlowKeyExtractor.TryExtract(packet.Bytes, ref own, out var layout, out _)
            & FragmentView.TryParse(
                packet.Bytes, layout.NetworkOffset, at.Conntrack.Zone, out var view);
        GatheredDatagram? whole = null;
        if (isSound && _gatherer.FamilyOf(view.Key.IsIpv6).IsEnabled)
        {
            lock (_lock)
            {
                isSound = _gatherer.TryHold(packet, key.InPort, in view, now, out whole);
            }
        }
        else
        {
            isSound = false;
        }

        if (!isSound) datapath.RunInvalid(packet, in key, in at);
        else if (whole is not null) Track(whole, in key, at);
    }

    /// <summary>Drops what has not become whole in time.</summary>
    public void Sweep(long now)
    {
        lock (_lock) _gatherer.Sweep(now);
    }

    /// <param name="lastKey">Of the fragment that came last.</param>
    private void Track(GatheredDatagram datagram, in FlowKey lastKey, InterruptedActions at)
    {
        var whole = datagram.Join();
        var key = lastKey;
        key.NetworkFragment = 0;
        if (!FlowKeyExtractor.TryExtract(whole.Bytes, ref key, out var reason))
        {
            drops.Add(reason);
            return;
        }

        var last = lastKey;
        var isUnderway = trips.TryStart(
            whole, in key, at.Conntrack, at.Passes, datagram.ExpiresAt,
            (PacketBuffer tracked, in FlowKey state) =>
                GoOn(datagram, tracked, in state, in last, in at));
        if (!isUnderway) drops.Add(DropReason.UpcallQueueFull);
    }

    /// <summary>Sends the fragments on with what the tracker said of their datagram.</summary>
    private void GoOn(
        GatheredDatagram datagram, PacketBuffer tracked, in FlowKey state, in FlowKey lastKey,
        in InterruptedActions at)
    {
        var first = datagram.Fragments[0].View;
        if (tracked.Size < first.NetworkOffset + datagram.Size) return;
        foreach (var held in datagram.Fragments)
        {
            var fragment = new PacketBuffer(held.Frame.Length);
            fragment.Load(held.Frame);
            Reassembly.CopyBack(tracked.Bytes, first, held.View, fragment.Bytes);
            var own = lastKey;
            Reassembly.CopyState(in state, ref own);
            if (FlowKeyExtractor.TryExtract(fragment.Bytes, ref own, out var reason))
            {
                datapath.RunBehind(fragment, in own, in at);
            }
            else
            {
                drops.Add(reason);
            }
        }
    }
}

/// <summary>Actions that the kernel broke off at a conntrack action, to be gone on with.</summary>
/// <param name="Rest">The conntrack action and all behind it.</param>
/// <param name="Tunnel">Number of the outer header that was set; 0: none.</param>
/// <param name="Passes">Look-ups of the packet so far.</param>
internal readonly record struct InterruptedActions(
    ImmutableArray<DatapathAction> Rest, uint Tunnel, uint Passes)
{
    public ConntrackAction Conntrack => (ConntrackAction)Rest[0];
}
