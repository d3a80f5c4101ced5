using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>What one thread has for one port until the end of the batch.</summary>
internal sealed class TransmitQueue(PacketPort port)
{
    private readonly TransmitEntry[] _entries = new TransmitEntry[DatapathLimits.TransmitQueueSize];
    private int _count;

    public PacketPort Port { get; } = port;
    public bool IsEmpty => _count == 0;

    /// <summary>Takes one reference of 'packet'.</summary>
    public void Add(
        PacketBuffer packet, in EgressMetadata egress, PacketPool pool, DropCounters drops)
    {
        _entries[_count++] = new TransmitEntry(packet, egress);
        if (_count == _entries.Length) Flush(pool, drops);
    }

    public void Flush(PacketPool pool, DropCounters drops)
    {
        var entries = _entries.AsSpan(0, _count);
        _count = 0;
        long bytes = 0;
        foreach (ref var entry in entries) bytes += entry.Packet.Size;

        var sent = Port.Transmit(entries, drops);
        Port.CountTransmitted(sent, bytes, entries.Length - sent);
        foreach (ref var entry in entries) pool.Release(entry.Packet);
        entries.Clear();
    }
}
