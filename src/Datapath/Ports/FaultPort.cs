using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A port around another one that loses, doubles, bends and shuffles packets.</summary>
/// <remarks>
/// For trials of everything above and beyond it: whoever sets the option `fault` on an interface
/// gets one. Lost packets are counted under their own reason.
/// </remarks>
internal sealed class FaultPort : PacketPort
{
    private readonly FaultPlan _plan;
    private readonly PacketPool _pool = new();
    private readonly Lock _transmitting = new();
    private ulong _random;

    public FaultPort(PacketPort inner, FaultPlan plan)
        : base(inner.Spec, inner.Number)
    {
        Inner = inner;
        _plan = plan;
        _random = plan.Seed | 1UL << 63;
    }

    public PacketPort Inner { get; }
    public override string Type => Inner.Type;
    internal override int Descriptor => Inner.Descriptor;
    internal override bool HasMore => Inner.HasMore;
    internal override bool WantsFlowHash => Inner.WantsFlowHash;
    internal override bool TakesSuperPackets => Inner.TakesSuperPackets;
    internal override bool TakesPartialChecksums => Inner.TakesPartialChecksums;

    public override DatapathPort Describe() => Inner.Describe();

    public override PortStatistics Statistics()
    {
        var (own, inner) = (base.Statistics(), Inner.Statistics());
        return new PortStatistics(
            own.RxPackets + inner.RxPackets, own.TxPackets + inner.TxPackets,
            own.RxBytes + inner.RxBytes, own.TxBytes + inner.TxBytes,
            own.RxErrors + inner.RxErrors, own.TxErrors + inner.TxErrors,
            own.RxDropped + inner.RxDropped, own.TxDropped + inner.TxDropped);
    }

    internal override int Receive(PacketBatch batch)
    {
        var count = Inner.Receive(batch);
        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            var packet = batch.Packets[i];
            if (Happens(_plan.Drop))
            {
                batch.Drops.Add(DropReason.FaultInjected);
                batch.Pool.Release(packet);
                continue;
            }

            Bend(packet);
            batch.Packets[kept] = packet;
            if (kept != i) batch.Keys[kept] = batch.Keys[i];
            if (kept > 0 && Happens(_plan.Reorder))
            {
                (batch.Packets[kept - 1], batch.Packets[kept]) =
                    (batch.Packets[kept], batch.Packets[kept - 1]);
                (batch.Keys[kept - 1], batch.Keys[kept]) =
                    (batch.Keys[kept], batch.Keys[kept - 1]);
            }

            kept++;
        }

        return kept;
    }

    /// <summary>For ports whose packets no thread fetches: false when this one is lost.</summary>
    internal bool TryPass(PacketBuffer packet, DropCounters drops)
    {
        if (Happens(_plan.Drop))
        {
            drops.Add(DropReason.FaultInjected);
            return false;
        }

        Bend(packet);
        return true;
    }

    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        // Its faults are a sequence, whichever thread sends.
        lock (_transmitting)
        {
            var faulty = new List<TransmitEntry>(entries.Length);
            foreach (var entry in entries)
            {
                if (Happens(_plan.Drop))
                {
                    drops.Add(DropReason.FaultInjected);
                    continue;
                }

                var copy = _pool.Rent();
                copy.CopyFrom(entry.Packet);
                Bend(copy);
                var own = new TransmitEntry(copy, entry.Egress);
                if (Happens(_plan.Reorder)) faulty.Insert(Math.Max(0, faulty.Count - 1), own);
                else faulty.Add(own);
                if (Happens(_plan.Duplicate)) faulty.Add(own);
            }

            var sent = 0;
            var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(faulty);
            while (!all.IsEmpty)
            {
                var some = all[..Math.Min(all.Length, DatapathLimits.TransmitQueueSize)];
                sent += Inner.Transmit(some, drops);
                all = all[some.Length..];
            }

            foreach (var packet in faulty.Select(entry => entry.Packet).Distinct())
            {
                _pool.Release(packet);
            }

            return Math.Min(sent, entries.Length);
        }
    }

    private void Bend(PacketBuffer packet)
    {
        if (packet.Size > 1 && Happens(_plan.Truncate))
        {
            packet.Trim(packet.Size / 2);
            (packet.Gso, packet.SegmentSize, packet.ChecksumStart) = (GsoKind.None, 0, -1);
        }

        if (packet.Size == 0 || !Happens(_plan.Corrupt)) return;
        var bit = (int)(Next() % (uint)(packet.Size * 8));
        packet.Bytes[bit / 8] ^= (byte)(1 << (bit % 8));
    }

    private bool Happens(double probability) =>
        probability > 0 && Next() < probability * uint.MaxValue;

    private uint Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 7;
        _random ^= _random << 17;
        return (uint)(_random >> 32);
    }

    public override void Dispose() => Inner.Dispose();
}
