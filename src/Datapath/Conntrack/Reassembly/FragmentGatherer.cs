using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A datagram of which fragments are held.</summary>
internal sealed class GatheredDatagram(long expiresAt)
{
    public readonly long ExpiresAt = expiresAt;
    public readonly List<HeldFragment> Fragments = [];

    /// <summary>Bytes behind the network header; -1 until the last fragment is there.</summary>
    public int Size = -1;

    /// <summary>Bytes that are there.</summary>
    public int Held;

    /// <summary>Joins the fragments, first to last.</summary>
    public PacketBuffer Join()
    {
        Fragments.Sort((a, b) => a.View.Start.CompareTo(b.View.Start));
        var whole = new PacketBuffer(Fragments[0].View.NetworkOffset + 65_536);
        Reassembly.Build(Fragments, Size, whole);
        return whole;
    }
}

/// <summary>Holds fragments until their datagram is whole.</summary>
/// <remarks>
/// Refused, and therefore invalid: one that overlaps another or is too small (both are how filters
/// are fooled, RFC 1858), and one that finds <see cref="ConntrackFragments.CountMax"/> held. What
/// is not whole after 15 seconds is dropped. Its user keeps threads apart.
/// </remarks>
/// <param name="refuse">Counts a fragment that ends here.</param>
internal sealed class FragmentGatherer(Action<DropReason> refuse)
{
    public const long LifeMilliseconds = 15_000;

    /// <summary>Fragments of one datagram: 64 KiB in pieces of IPv4's least MTU.</summary>
    public const int CountPerDatagramMax = 128;

    private readonly Dictionary<FragmentKey, GatheredDatagram> _datagrams = [];

    public ConntrackFragments Settings { get; } = new();

    public ConntrackFragmentFamily FamilyOf(bool isIpv6) =>
        isIpv6 ? Settings.Ipv6 : Settings.Ipv4;

    /// <summary>False: it is unsound. 'whole' is set when it was the last missing.</summary>
    /// <param name="packet">Copied; the caller keeps its reference.</param>
    public bool TryHold(
        PacketBuffer packet, uint inPort, in FragmentView view, long now,
        out GatheredDatagram? whole)
    {
        whole = null;
        var family = FamilyOf(view.Key.IsIpv6);
        if (view.HasMore && view.HeaderSize + view.Size < family.SizeMin)
        {
            family.TooSmall++;
            return false;
        }

        if (_datagrams.TryGetValue(view.Key, out var datagram) && datagram.ExpiresAt <= now)
        {
            Forget(view.Key, datagram);
            datagram = null;
        }

        if (Settings.Count >= Settings.CountMax
            || datagram?.Fragments.Count >= CountPerDatagramMax)
        {
            return Refuse(DropReason.FragmentLimit);
        }

        if (datagram is null)
        {
            datagram = new GatheredDatagram(now + LifeMilliseconds);
            _datagrams.Add(view.Key, datagram);
        }
        else if (!IsFitting(datagram, view))
        {
            family.Overlapping++;
            return Refuse(DropReason.FragmentOverlap);
        }

        datagram.Fragments.Add(new HeldFragment(packet.Bytes.ToArray(), view, inPort));
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

    /// <summary>Drops what has not become whole in time.</summary>
    public void Sweep(long now)
    {
        if (Settings.Count == 0) return;
        foreach (var (key, datagram) in _datagrams)
        {
            if (datagram.ExpiresAt <= now) Forget(key, datagram);
        }
    }

    /// <summary>
    /// It lies beside all others, and within the datagram as far as its end is known.
    /// </summary>
    private static bool IsFitting(GatheredDatagram datagram, in FragmentView view)
    {
        if (datagram.Size >= 0 && (!view.HasMore || view.End > datagram.Size)) return false;
        foreach (var held in datagram.Fragments)
        {
            if (view.Start < held.View.End && held.View.Start < view.End) return false;
            if (!view.HasMore && held.View.End > view.End) return false;
        }

        return true;
    }

    private void Forget(FragmentKey key, GatheredDatagram datagram)
    {
        _datagrams.Remove(key);
        Settings.Count -= datagram.Fragments.Count;
        FamilyOf(key.IsIpv6).Purged += (ulong)datagram.Fragments.Count;
        for (var i = 0; i < datagram.Fragments.Count; i++) refuse(DropReason.FragmentTimeout);
    }

    private bool Refuse(DropReason reason)
    {
        refuse(reason);
        return false;
    }
}
