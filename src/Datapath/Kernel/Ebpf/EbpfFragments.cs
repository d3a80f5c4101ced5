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
internal sealed class EbpfFragments(EbpfDatapath datapath, DropCounters drops)
{
    /// <summary>Numbers of datagrams that the kernel has in hand; more must wait for it.</summary>
    public const uint NumberMax = 0x3F_FFFF;

    private readonly Lock _lock = new();
    private readonly FragmentGatherer _gatherer = new(reason => drops.Add(reason));
    private readonly Dictionary<uint, Tracking> _tracking = [];
    private uint _number;

    public ConntrackFragments Settings => _gatherer.Settings;

    /// <summary>A whole datagram that the kernel has in hand.</summary>
    /// <param name="LastKey">Of the fragment that came last.</param>
    /// <param name="Rest">The conntrack action and all behind it.</param>
    private sealed record Tracking(
        GatheredDatagram Datagram, FlowKey LastKey, ImmutableArray<DatapathAction> Rest,
        uint Tunnel, uint Passes);

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
        Tracking? tracking = null;
        uint number = 0;
        if (isSound && _gatherer.FamilyOf(view.Key.IsIpv6).IsEnabled)
        {
            lock (_lock)
            {
                isSound = _gatherer.TryHold(packet, key.InPort, in view, now, out var whole);
                if (whole is not null)
                {
                    tracking = new Tracking(whole, key, rest, tunnel, passes);
                    number = _number = (_number % NumberMax) + 1;
                    _tracking[number] = tracking;
                }
            }
        }
        else
        {
            isSound = false;
        }

        if (!isSound) datapath.RunInvalid(packet, in key, rest, tunnel, passes);
        else if (tracking is not null) Track(tracking, number);
    }

    /// <summary>The kernel has tracked a datagram.</summary>
    /// <param name="packet">As it is now: it may have been translated.</param>
    /// <param name="key">With what the tracker said of it.</param>
    public void Finish(uint number, PacketBuffer packet, in FlowKey key)
    {
        Tracking? tracking;
        lock (_lock)
        {
            if (!_tracking.Remove(number, out tracking)) return;
        }

        var datagram = tracking.Datagram;
        var first = datagram.Fragments[0].View;
        var rest = tracking.Rest.RemoveAt(0);
        if (packet.Size < first.NetworkOffset + datagram.Size) return;
        foreach (var held in datagram.Fragments)
        {
            var fragment = new PacketBuffer(held.Frame.Length);
            fragment.Load(held.Frame);
            Reassembly.CopyBack(packet.Bytes, first, held.View, fragment.Bytes);
            var own = tracking.LastKey;
            Reassembly.CopyState(in key, ref own);
            if (FlowKeyExtractor.TryExtract(fragment.Bytes, ref own, out var reason))
            {
                datapath.Run(fragment, in own, rest, tracking.Tunnel, tracking.Passes);
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
            _gatherer.Sweep(now);
            foreach (var (number, tracking) in _tracking)
            {
                if (tracking.Datagram.ExpiresAt <= now) _tracking.Remove(number);
            }
        }
    }

    private void Track(Tracking tracking, uint number)
    {
        var whole = tracking.Datagram.Join();
        var key = tracking.LastKey;
        key.NetworkFragment = 0;
        if (FlowKeyExtractor.TryExtract(whole.Bytes, ref key, out var reason))
        {
            datapath.RunTracked(
                whole, in key, (ConntrackAction)tracking.Rest[0], number, tracking.Passes);
        }
        else
        {
            drops.Add(reason);
            lock (_lock) _tracking.Remove(number);
        }
    }
}
