using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>What goes on with a packet that the kernel has tracked.</summary>
/// <param name="packet">As it is now: it may have been translated.</param>
/// <param name="key">With what the tracker said of it.</param>
internal delegate void TrackedContinuation(PacketBuffer packet, in FlowKey key);

/// <summary>
/// Packets that the host node has in hand and the kernel tracks: down, and up again by number.
/// </summary>
/// <remarks>
/// Connections live in the kernel only, so what the host node does before and behind a step
/// "conntrack" (gathering fragments, reading control channels) has a trip in between. One that does
/// not come back, because its packet was dropped on the way, is forgotten after its time.
/// </remarks>
internal sealed class TrackedTrips(EbpfDatapath datapath)
{
    /// <summary>Numbers of trips; see <see cref="StepSpecs.OfTrip"/>.</summary>
    public const uint NumberMax = 0x3F_FFFF;

    /// <summary>Beyond, packets are not sent.</summary>
    private const int CountMax = 16_384;

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, (TrackedContinuation Then, long ExpiresAt)> _underway = [];
    private uint _number;

    /// <returns>False: too many are under way.</returns>
    public bool TryStart(
        PacketBuffer packet, in FlowKey key, ConntrackAction action, uint passes, long expiresAt,
        TrackedContinuation then)
    {
        uint number;
        lock (_lock)
        {
            if (_underway.Count >= CountMax) return false;
            number = _number = (_number % NumberMax) + 1;
            _underway[number] = (then, expiresAt);
        }

        datapath.RunTracked(packet, in key, action, number, passes);
        return true;
    }

    public void Finish(uint number, PacketBuffer packet, in FlowKey key)
    {
        (TrackedContinuation Then, long) trip;
        lock (_lock)
        {
            if (!_underway.Remove(number, out trip)) return;
        }

        trip.Then(packet, in key);
    }

    public void Sweep(long now)
    {
        lock (_lock)
        {
            foreach (var (number, (_, expiresAt)) in _underway)
            {
                if (expiresAt <= now) _underway.Remove(number);
            }
        }
    }
}
