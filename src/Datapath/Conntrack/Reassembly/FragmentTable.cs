using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Fragments that wait for the rest of their datagram, so that it can be tracked.
/// </summary>
/// <remarks>
/// A fragment is held until all are there. Then the datagram is tracked once, as a whole, and its
/// fragments go on one after the other as they came, each with the datagram's state and, where it
/// was translated, with the new addresses. So what leaves has the sizes that came in.
/// Refused, and therefore invalid: one that overlaps another or is too small (both are how filters
/// are fooled, RFC 1858), and one that finds <see cref="ConntrackFragments.CountMax"/> held. What
/// is
/// not whole after 15 seconds is dropped.
/// </remarks>
internal sealed class FragmentTable(ConntrackTable tracker)
{
    public const long LifeMilliseconds = 15_000;

    /// <summary>Fragments of one datagram: 64 KiB in pieces of IPv4's least MTU.</summary>
    public const int CountPerDatagramMax = 128;

    private readonly Lock _gate = new();
    private readonly Dictionary<FragmentKey, Datagram> _datagrams = [];

    public ConntrackFragments Settings { get; } = new();

    private sealed class Datagram(long expiresAt)
    {
        public readonly long ExpiresAt = expiresAt;
        public readonly List<HeldFragment> Fragments = [];
        public int Size = -1; // Known with the last fragment.
        public int Held;
    }

    /// <summary>Reassembly is on for the IP version of 'key', which is a fragment's.</summary>
    public bool IsFor(in FlowKey key) =>
        key.NetworkFragment != 0 && FamilyOf(key.IsIpv6).IsEnabled;

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
        Datagram? whole = null;
        var isSound = FragmentView.TryParse(
            packet.Bytes, layout.NetworkOffset, action.Zone, out var view);
        if (isSound)
        {
            lock (_gate) isSound = TryHold(packet, key, view, now, out whole);
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

    private bool TryHold(
        PacketBuffer packet, in FlowKey key, in FragmentView view, long now, out Datagram? whole)
    {
        whole = null;
        var family = FamilyOf(view.Key.IsIpv6);
        if (view.HasMore && view.HeaderSize + view.Size < family.SizeMin)
        {
            family.TooSmall++;
            return false;
        }

        if (!_datagrams.TryGetValue(view.Key, out var datagram))
        {
            if (Settings.Count >= Settings.CountMax) return Refuse(DropReason.FragmentLimit);
            datagram = new Datagram(now + LifeMilliseconds);
            _datagrams.Add(view.Key, datagram);
        }
        else if (datagram.ExpiresAt <= now)
        {
            Forget(view.Key, datagram);
            _datagrams.Add(view.Key, datagram = new Datagram(now + LifeMilliseconds));
        }

        if (Settings.Count >= Settings.CountMax
            || datagram.Fragments.Count >= CountPerDatagramMax)
        {
            return Refuse(DropReason.FragmentLimit);
        }

        if (!IsFitting(datagram, view))
        {
            family.Overlapping++;
            return Refuse(DropReason.FragmentOverlap);
        }

        datagram.Fragments.Add(new HeldFragment(packet.Bytes.ToArray(), view, key.InPort));
        datagram.Held += view.Size;
        if (!view.HasMore) datagram.Size = view.End;
        Settings.Count++;
        family.Accepted++;
        if (datagram.Held != datagram.Size) return true;

        whole = datagram;
        _datagrams.Remove(view.Key);
        Settings.Count -= datagram.Fragments.Count;
        family.Completed++;
        return true;
    }

    /// <summary>
    /// It lies beside all others, and within the datagram as far as its end is known.
    /// </summary>
    private static bool IsFitting(Datagram datagram, in FragmentView view)
    {
        if (datagram.Size >= 0 && (!view.HasMore || view.End > datagram.Size)) return false;
        foreach (var held in datagram.Fragments)
        {
            if (view.Start < held.View.End && held.View.Start < view.End) return false;
            if (!view.HasMore && held.View.End > view.End) return false;
        }

        return true;
    }

    private DropReason Release(
        Datagram datagram, in FragmentView last, in FlowKey lastKey, ConntrackAction action,
        long now, PacketPool pool, List<TrackedFragment> ready)
    {
        datagram.Fragments.Sort((a, b) => a.View.Start.CompareTo(b.View.Start));
        var first = datagram.Fragments[0];
        var whole = new PacketBuffer(first.View.NetworkOffset + 65_536);
        Reassembly.Build(datagram.Fragments, datagram.Size, whole);

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
            CopyState(tracked, ref key);
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

    /// <summary>What tracking writes into a key, and nothing else.</summary>
    private static void CopyState(in FlowKey from, ref FlowKey to)
    {
        var source = from;
        source.Bytes[20..48].CopyTo(to.Bytes[20..48]);
        source.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset]
            .CopyTo(to.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset]);
    }

    /// <summary>Drops what has not become whole in time.</summary>
    public void Sweep(long now)
    {
        if (Settings.Count == 0) return;
        lock (_gate)
        {
            var expired = _datagrams.Where(entry => entry.Value.ExpiresAt <= now).ToArray();
            foreach (var (key, datagram) in expired) Forget(key, datagram);
        }
    }

    private void Forget(FragmentKey key, Datagram datagram)
    {
        _datagrams.Remove(key);
        Settings.Count -= datagram.Fragments.Count;
        FamilyOf(key.IsIpv6).Purged += (ulong)datagram.Fragments.Count;
        for (var i = 0; i < datagram.Fragments.Count; i++) Refuse(DropReason.FragmentTimeout);
    }

    private bool Refuse(DropReason reason)
    {
        tracker.CountRefusal(reason);
        return false;
    }

    private ConntrackFragmentFamily FamilyOf(bool isIpv6) =>
        isIpv6 ? Settings.Ipv6 : Settings.Ipv4;
}

/// <summary>A fragment that waits: the frame as it came.</summary>
internal readonly record struct HeldFragment(byte[] Frame, FragmentView View, uint InPort);

/// <summary>A fragment that goes on, with the state of its datagram.</summary>
internal readonly record struct TrackedFragment(
    PacketBuffer Packet, FlowKey Key, PacketLayout Layout);
