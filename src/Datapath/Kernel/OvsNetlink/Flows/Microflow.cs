using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One flow in the device: a key without mask, for one kind of packet.</summary>
/// <remarks>Guarded by the lock of <see cref="ExpandedFlows"/>.</remarks>
internal sealed class Microflow
{
    public required byte[] Bytes { get; init; }
    public required Expansion Owner { get; init; }

    /// <summary>What the device counted when it was last asked.</summary>
    public ulong Packets { get; set; }
    public ulong TotalBytes { get; set; }
    public long Used { get; set; }

    /// <summary>Place in the ring that eviction looks through.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Deleted here: whoever is writing it to the device deletes it there.</summary>
    public bool IsDead { get; set; }

    /// <summary>The owner's version that the device has; older ones are written again.</summary>
    public int Version { get; set; }

    /// <summary>The round of the last dump that showed it, or in which it was put.</summary>
    public int Round { get; set; }

    /// <summary>Its actions name upcall handles: a new connection has others.</summary>
    public bool NamesPid { get; set; }

    public void ReadKey(out FlowKey key)
    {
        key = default;
        Bytes.CopyTo(key.Bytes);
    }

    /// <summary>The bytes that tell keys apart: without a tunnel only the core.</summary>
    public static ReadOnlySpan<byte> Significant(in FlowKey key) =>
        MemoryMarshal.AsBytes(new ReadOnlySpan<FlowKey>(in key))[
            ..(key.HasTunnel ? FlowKey.Size : FlowKey.CoreSize)];
}

/// <summary>A megaflow with the microflows that stand for it in the device.</summary>
internal sealed class Expansion(Megaflow megaflow)
{
    public Megaflow Megaflow { get; } = megaflow;
    public HashSet<Microflow> Microflows { get; } = [];

    /// <summary>Counts up when the actions change.</summary>
    public int Version { get; set; }

    /// <summary>Its packets are run by the provider, one by one.</summary>
    public bool IsSlow { get; set; }

    /// <summary>The actions as the slow path runs them; made when first needed.</summary>
    public DatapathAction[]? SlowActions { get; set; }

    // What microflows counted that are gone.
    public ulong RetiredPackets { get; set; }
    public ulong RetiredBytes { get; set; }
    public long Used { get; set; }
    public ushort TcpFlags { get; set; }

    public void Retire(Microflow flow)
    {
        if (!Microflows.Remove(flow)) return;
        RetiredPackets += flow.Packets;
        RetiredBytes += flow.TotalBytes;
        Used = Math.Max(Used, flow.Used);
    }

    public FlowStatistics Statistics()
    {
        var own = Megaflow.Statistics();
        var (packets, bytes) = (own.Packets + RetiredPackets, own.Bytes + RetiredBytes);
        var used = Math.Max(own.UsedMilliseconds, Used);
        foreach (var flow in Microflows)
        {
            packets += flow.Packets;
            bytes += flow.TotalBytes;
            used = Math.Max(used, flow.Used);
        }

        return new FlowStatistics(packets, bytes, used, (ushort)(own.TcpFlags | TcpFlags));
    }
}

/// <summary>Microflows by key, bounded; the ring finds a victim when it is full.</summary>
internal sealed class MicroflowTable(int countMax)
{
    private readonly Dictionary<byte[], Microflow> _byKey = new(KeyComparer.Instance);
    private readonly List<Microflow> _ring = [];
    private int _hand;

    public int Count => _ring.Count;
    public bool IsFull => _ring.Count >= countMax;
    public IReadOnlyList<Microflow> All => _ring;

    public Microflow? Find(ReadOnlySpan<byte> key) =>
        _byKey.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var flow)
            ? flow
            : null;

    public void Add(Microflow flow)
    {
        _byKey.Add(flow.Bytes, flow);
        flow.Slot = _ring.Count;
        _ring.Add(flow);
    }

    public void Remove(Microflow flow)
    {
        if (flow.Slot < 0) return;
        _byKey.Remove(flow.Bytes);
        var last = _ring[^1];
        _ring[flow.Slot] = last;
        last.Slot = flow.Slot;
        _ring.RemoveAt(_ring.Count - 1);
        flow.Slot = -1;
        flow.IsDead = true;
    }

    /// <summary>The longest unused of the next few in the ring; null when there is none.</summary>
    public Microflow? Victim()
    {
        Microflow? victim = null;
        for (var i = 0; i < Math.Min(OvsNetlinkLimits.EvictionLooks, _ring.Count); i++)
        {
            _hand = (_hand + 1) % _ring.Count;
            var flow = _ring[_hand];
            if (victim is null || flow.Used < victim.Used) victim = flow;
        }

        return victim;
    }

    private sealed class KeyComparer
        : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

        public int GetHashCode(byte[] key) => GetHashCode(key.AsSpan());

        public bool Equals(ReadOnlySpan<byte> left, byte[] right) => left.SequenceEqual(right);

        public int GetHashCode(ReadOnlySpan<byte> key)
        {
            var hash = new HashCode();
            hash.AddBytes(key);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> key) => key.ToArray();
    }
}
