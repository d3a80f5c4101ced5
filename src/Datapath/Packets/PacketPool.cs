namespace Fabric.Datapath;

/// <summary>
/// Reusable packet buffers of one packet thread: last in, first out, so they stay cached.
/// </summary>
internal sealed class PacketPool
{
    /// <summary>Room for the largest IP packet with its link headers.</summary>
    public const int CapacityDefault = 65_536 + 64;

    private readonly Stack<PacketBuffer> _free = new(DatapathLimits.PooledPacketsMax);

    /// <summary>A buffer with one reference and no offload state; its bytes are anything.</summary>
    public PacketBuffer Rent()
    {
        if (!_free.TryPop(out var packet)) packet = new PacketBuffer(CapacityDefault);
        packet.References = 1;
        return packet;
    }

    /// <summary>Gives up one reference; the last one returns the buffer.</summary>
    public void Release(PacketBuffer packet)
    {
        if (--packet.References > 0) return;
        if (_free.Count < DatapathLimits.PooledPacketsMax) _free.Push(packet);
    }
}
