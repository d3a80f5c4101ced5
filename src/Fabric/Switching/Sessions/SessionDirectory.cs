using System.Collections.Frozen;
using System.Collections.Immutable;
using Fabric.Pipeline;

namespace Fabric.Switching;

/// <summary>Where packet threads and the actors of sessions meet.</summary>
/// <remarks>
/// Packet threads read <see cref="Ports"/> by way of their snapshots and hand packets to
/// <see cref="Hear"/>; the actors' work is bounded by <see cref="WaitingCountMax"/>.
/// </remarks>
public sealed class SessionDirectory
{
    /// <summary>
    /// Packets that wait for their session. More: they are dropped and counted, as if lost.
    /// </summary>
    public const int WaitingCountMax = 4096;

    private ImmutableHashSet<string> _faulty = [];
    private Action<SessionPacket>? _listener;
    private long _dropped;
    private int _waiting;

    /// <summary>Ports whose sessions take packets, by interface.</summary>
    public FrozenDictionary<string, SessionPort> Ports { get; private set; } =
        FrozenDictionary<string, SessionPort>.Empty;

    /// <summary>Packets that nobody had time for.</summary>
    public long DroppedCount => Interlocked.Read(ref _dropped);

    /// <summary>A packet from a packet thread.</summary>
    public void Hear(SessionPacket packet)
    {
        if (Volatile.Read(ref _listener) is { } listener
            && Interlocked.Increment(ref _waiting) <= WaitingCountMax)
        {
            listener(packet);
            return;
        }

        Interlocked.Increment(ref _dropped);
    }

    /// <summary>The listener has taken a packet from its mailbox.</summary>
    public void Taken() => Interlocked.Decrement(ref _waiting);

    /// <summary>Who gets the packets from now on; null: nobody.</summary>
    public void ListenWith(Action<SessionPacket>? listener)
    {
        Volatile.Write(ref _listener, listener);
        Interlocked.Exchange(ref _waiting, 0);
    }

    public bool IsFaulty(string port) => Volatile.Read(ref _faulty).Contains(port);

    /// <summary>Ports that carry nothing, all of them.</summary>
    /// <returns>False when they are the same as before.</returns>
    public bool SetFaulty(ImmutableHashSet<string> ports)
    {
        if (_faulty.SetEquals(ports)) return false;
        Volatile.Write(ref _faulty, ports);
        return true;
    }

    /// <summary>Tells all datapaths on which ports sessions are.</summary>
    public void Publish(
        FrozenDictionary<string, SessionPort> ports, IEnumerable<SwitchedDatapath> datapaths)
    {
        Ports = ports;
        foreach (var datapath in datapaths) datapath.Watch(ports);
    }
}
