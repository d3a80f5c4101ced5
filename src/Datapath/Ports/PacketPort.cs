using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One port of the managed datapath.</summary>
/// <remarks>
/// <see cref="Receive"/> is called by one packet thread at a time; <see cref="Transmit"/> by any,
/// each with its own entries. Statistics are counted here, per batch.
/// </remarks>
public abstract class PacketPort : IDisposable
{
    private long _rxPackets, _rxBytes, _rxDropped, _txPackets, _txBytes, _txDropped, _txErrors;

    protected PacketPort(DatapathPortSpec spec, uint number)
    {
        Spec = spec;
        Number = number;
    }

    public DatapathPortSpec Spec { get; }
    public uint Number { get; }
    public string Name => Spec.Name;

    /// <summary>As dpctl/show prints it in brackets; empty for system devices.</summary>
    public abstract string Type { get; }

    /// <summary>The only thread that may call <see cref="Receive"/> now.</summary>
    internal volatile PacketThread? Owner;

    /// <summary>
    /// What its packets cost its thread so far, in Stopwatch ticks; the owner writes.
    /// </summary>
    internal long CostTicks;

    /// <summary>Tunnel ports: the number of the next packet whose header is pushed.</summary>
    internal uint PushSequence;

    /// <summary>What a packet thread waits on, or -1 when nobody needs to.</summary>
    internal virtual int Descriptor => -1;

    /// <summary>The hash and the mark of the packet's flow matter to it.</summary>
    internal virtual bool WantsFlowHash => false;

    /// <summary>Whole super-packets may be given to <see cref="Transmit"/>.</summary>
    internal virtual bool TakesSuperPackets => false;

    /// <summary>Unfinished checksums may be given to <see cref="Transmit"/>.</summary>
    internal virtual bool TakesPartialChecksums => TakesSuperPackets;

    public abstract DatapathPort Describe();

    public virtual PortStatistics Statistics() => new(
        Get(ref _rxPackets), Get(ref _txPackets), Get(ref _rxBytes), Get(ref _txBytes), 0,
        Get(ref _txErrors), Get(ref _rxDropped), Get(ref _txDropped));

    /// <summary>
    /// Takes waiting packets without blocking; returns how many were put in 'batch'.
    /// </summary>
    internal virtual int Receive(PacketBatch batch) => 0;

    /// <summary>
    /// The last <see cref="Receive"/> left packets behind that nobody will report.
    /// </summary>
    internal virtual bool HasMore => false;

    /// <summary>Sends; the entries' buffers stay the caller's. Returns how many went out.</summary>
    internal abstract int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops);

    internal void CountReceived(int packets, long bytes)
    {
        Interlocked.Add(ref _rxPackets, packets);
        Interlocked.Add(ref _rxBytes, bytes);
    }

    internal void CountReceiveDrop(long packets = 1) => Interlocked.Add(ref _rxDropped, packets);

    internal void CountTransmitted(int packets, long bytes, int dropped)
    {
        Interlocked.Add(ref _txPackets, packets);
        Interlocked.Add(ref _txBytes, bytes);
        if (dropped != 0) Interlocked.Add(ref _txDropped, dropped);
    }

    internal void CountTransmitError() => Interlocked.Increment(ref _txErrors);

    public abstract void Dispose();

    private static ulong Get(ref long counter) => (ulong)Interlocked.Read(ref counter);
}

/// <summary>A packet on its way out.</summary>
internal readonly record struct TransmitEntry(PacketBuffer Packet, EgressMetadata Egress)
{
    /// <summary>The outer header, for tunnel ports.</summary>
    public TunnelMetadata? Tunnel => Egress.Tunnel;
}

/// <summary>What goes with a packet to its port besides its bytes.</summary>
/// <param name="Hash">
/// Of the inner flow, for the outer source port; 0 where the port wants none.
/// </param>
/// <param name="Mark">The packet's mark (skb_mark), host order.</param>
/// <param name="PacketType">0 is Ethernet (host order).</param>
internal readonly record struct EgressMetadata(
    TunnelMetadata? Tunnel, uint Hash, uint Mark, uint PacketType = 0);

/// <summary>Received packets with what only their port knows of them.</summary>
internal sealed class PacketBatch(PacketPool pool)
{
    public readonly PacketBuffer[] Packets = new PacketBuffer[DatapathLimits.BatchSize];

    /// <summary>
    /// Keys whose metadata and tunnel areas the port fills; the rest is undefined.
    /// </summary>
    public readonly FlowKey[] Keys = new FlowKey[DatapathLimits.BatchSize];

    /// <summary>Where ports count what they cannot receive.</summary>
    public DropCounters Drops { get; } = new();

    public PacketPool Pool { get; } = pool;
}

/// <summary>Drops of one thread by reason; read by others without precision.</summary>
internal sealed class DropCounters
{
    private readonly ulong[] _counts = new ulong[DropReasons.Count];

    public void Add(DropReason reason, ulong count = 1) => _counts[(int)reason] += count;

    public void AddTo(Span<ulong> totals)
    {
        for (var i = 0; i < _counts.Length; i++) totals[i] += Volatile.Read(ref _counts[i]);
    }
}
