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
/// (<see cref="FragmentTable"/>).
/// </remarks>
internal sealed class EbpfFragments(EbpfDatapath datapath, DropCounters drops)
{
    /// <summary>Numbers of datagrams that the kernel has in hand; more must wait for it.</summary>
    public const uint NumberMax = 0x3F_FFFF;

    private readonly Lock _lock = new();
    private readonly Dictionary<FragmentKey, Datagram> _gathering = [];
    private readonly Dictionary<uint, Datagram> _tracking = [];
    private uint _number;

    public ConntrackFragments Settings { get; } = new();

    private sealed class Datagram(FragmentKey key, long expiresAt)
    {
        public readonly FragmentKey Key = key;
        public readonly long ExpiresAt = expiresAt;
        public readonly List<HeldFragment> Fragments = [];
        public int Size = -1; // Known with the last fragment.
        public int Held;
        public FlowKey LastKey;
        public ImmutableArray<DatapathAction> Rest = [];
        public uint Tunnel;
        public uint Passes;
    }

    /// <summary>Takes a fragment whose next action is a conntrack action.</summary>
    /// <param name="rest">That action and all behind it.</param>
    public void Take(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> rest, uint tunnel,
        uint passes, long now)
    {
        var action = (ConntrackAction)rest[0];
        var own = key;
        var isSound = FlowKeyExtractor.TryExtract(packet.Bytes, ref own, out var layout, out _)
            & FragmentView.TryParse(
                packet.Bytes, layout.NetworkOffset, action.Zone, out var view);
        Datagram? whole = null;
        uint number = 0;
        if (isSound && FamilyOf(view.Key.IsIpv6).IsEnabled)
        {
            lock (_lock)
            {
                isSound = TryHold(packet, in key, in view, now, out whole);
                if (whole is not null)
                {
                    (whole.Rest, whole.Tunnel, whole.Passes) = (rest, tunnel, passes);
                    whole.LastKey = key;
                    number = _number = (_number % NumberMax) + 1;
                    _tracking[number] = whole;
                }
            }
        }
        else
        {
            isSound = false;
        }

        if (!isSound) datapath.RunInvalid(packet, in key, rest, tunnel, passes);
        else if (whole is not null) Track(whole, number);
    }

    /// <summary>The kernel has tracked a datagram.</summary>
    /// <param name="packet">As it is now: it may have been translated.</param>
    /// <param name="key">With what the tracker said of it.</param>
    public void Finish(uint number, PacketBuffer packet, in FlowKey key)
    {
        Datagram? datagram;
        lock (_lock)
        {
            if (!_tracking.Remove(number, out datagram)) return;
        }

        var first = datagram.Fragments[0].View;
        var rest = datagram.Rest.RemoveAt(0);
        if (packet.Size < first.NetworkOffset + datagram.Size) return;
        foreach (var held in datagram.Fragments)
        {
            var fragment = new PacketBuffer(held.Frame.Length);
            fragment.Load(held.Frame);
            Reassembly.CopyBack(packet.Bytes, first, held.View, fragment.Bytes);
            var own = datagram.LastKey;
            CopyState(in key, ref own);
            if (FlowKeyExtractor.TryExtract(fragment.Bytes, ref own, out var reason))
            {
                datapath.Run(fragment, in own, rest, datagram.Tunnel, datagram.Passes);
            }
            else
            {
                drops.Add(reason);
            }
        }
    }

    /// <summary>Drops what has not become whole in time.</summary>
    public void Sweep(long now)
    {
        lock (_lock)
        {
            foreach (var (key, datagram) in _gathering)
            {
                if (datagram.ExpiresAt <= now) Forget(key, datagram);
            }

            foreach (var (number, datagram) in _tracking)
            {
                if (datagram.ExpiresAt <= now) _tracking.Remove(number);
            }
        }
    }

    private void Track(Datagram datagram, uint number)
    {
        datagram.Fragments.Sort((a, b) => a.View.Start.CompareTo(b.View.Start));
        var whole = new PacketBuffer(datagram.Fragments[0].View.NetworkOffset + 65_536);
        Reassembly.Build(datagram.Fragments, datagram.Size, whole);
        var key = datagram.LastKey;
        key.NetworkFragment = 0;
        if (FlowKeyExtractor.TryExtract(whole.Bytes, ref key, out var reason))
        {
            datapath.RunTracked(
                whole, in key, (ConntrackAction)datagram.Rest[0], number, datagram.Passes);
        }
        else
        {
            drops.Add(reason);
            lock (_lock) _tracking.Remove(number);
        }
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

        if (_gathering.TryGetValue(view.Key, out var datagram) && datagram.ExpiresAt <= now)
        {
            Forget(view.Key, datagram);
            datagram = null;
        }

        if (Settings.Count >= Settings.CountMax
            || datagram?.Fragments.Count >= FragmentTable.CountPerDatagramMax)
        {
            return Refuse(DropReason.FragmentLimit);
        }

        if (datagram is null)
        {
            datagram = new Datagram(view.Key, now + FragmentTable.LifeMilliseconds);
            _gathering.Add(view.Key, datagram);
        }
        else if (!IsFitting(datagram, view))
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
        _gathering.Remove(view.Key);
        Settings.Count -= datagram.Fragments.Count;
        family.Completed++;
        return true;
    }

    /// <summary>It lies beside all others, and within what is known of the end.</summary>
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

    private void Forget(FragmentKey key, Datagram datagram)
    {
        _gathering.Remove(key);
        Settings.Count -= datagram.Fragments.Count;
        FamilyOf(key.IsIpv6).Purged += (ulong)datagram.Fragments.Count;
        for (var i = 0; i < datagram.Fragments.Count; i++) Refuse(DropReason.FragmentTimeout);
    }

    private bool Refuse(DropReason reason)
    {
        drops.Add(reason);
        return false;
    }

    private ConntrackFragmentFamily FamilyOf(bool isIpv6) =>
        isIpv6 ? Settings.Ipv6 : Settings.Ipv4;

    /// <summary>What tracking writes into a key, and nothing else.</summary>
    private static void CopyState(in FlowKey from, ref FlowKey to)
    {
        var source = from;
        source.Bytes[20..48].CopyTo(to.Bytes[20..48]);
        source.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset]
            .CopyTo(to.Bytes[FlowKey.OriginalTupleOffset..FlowKey.LinkOffset]);
    }
}
