using System.Collections.Immutable;
using System.Numerics;
using Fabric.Datapath;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>Packets and bytes of one bucket.</summary>
public sealed class GroupBucketCounter
{
    private long _packets;
    private long _bytes;

    public ulong Packets => (ulong)Interlocked.Read(ref _packets);
    public ulong Bytes => (ulong)Interlocked.Read(ref _bytes);

    public void Add(ulong packets, ulong bytes)
    {
        Interlocked.Add(ref _packets, (long)packets);
        Interlocked.Add(ref _bytes, (long)bytes);
    }
}

/// <param name="Actions">In the order in which the bucket's action set runs.</param>
public sealed record GroupBucket(OfBucket Spec, ActionList Actions, GroupBucketCounter Counter)
{
    public static GroupBucket Of(OfBucket spec, GroupBucketCounter? counter = null) =>
        new(spec, ActionSet.InOrder(spec.Actions), counter ?? new GroupBucketCounter());
}

/// <summary>How a select group chooses.</summary>
public enum GroupSelection : byte
{
    /// <summary>By the symmetric hash of the flow, on a miss.</summary>
    Flow,

    /// <summary>By the fields that the controller named, on a miss.</summary>
    Fields,

    /// <summary>By a hash that the datapath computes for every packet.</summary>
    DatapathHash,
}

/// <summary>A group as packet threads see it.</summary>
/// <param name="HashTable">
/// Select groups: which bucket each slot of the datapath's hash belongs to, so that slots are
/// shared in proportion to weights; null when the weights are too uneven for 256 slots.
/// </param>
public sealed record GroupSnapshot(
    uint Id, OfGroupType Type, ImmutableArray<GroupBucket> Buckets, OfSelectionMethod Selection,
    byte[]? HashTable, long CreatedMilliseconds)
{
    /// <summary>Packets that went through it, once each.</summary>
    public GroupBucketCounter Counter { get; } = new();

    private const int SlotCountMin = 16;
    private const int SlotCountMax = 256;

    /// <summary>More slots than this only for a controller that asks for dp_hash.</summary>
    private const int SlotCountUnasked = 64;

    /// <remarks>
    /// Without a method, the datapath's symmetric hash; what cannot be done falls back to the
    /// hash of the flow.
    /// </remarks>
    public GroupSelection Method => Selection.Method switch
    {
        "hash" => Selection.Fields.IsEmpty ? GroupSelection.Flow : GroupSelection.Fields,
        "" when HashTable is { Length: <= SlotCountUnasked } => GroupSelection.DatapathHash,
        "dp_hash" when HashTable is not null => GroupSelection.DatapathHash,
        _ => GroupSelection.Flow,
    };

    public HashAlgorithm HashAlgorithm =>
        Selection.Method == "" || Selection.Parameter >> 32 == 1
            ? HashAlgorithm.SymmetricL4 : HashAlgorithm.L4;

    public uint HashBasis => Selection.Method == "" ? 0 : (uint)Selection.Parameter;

    public static GroupSnapshot Of(
        uint id, OfGroupType type, ImmutableArray<GroupBucket> buckets,
        OfSelectionMethod selection, long created) =>
        new(id, type, buckets, selection,
            type == OfGroupType.Select ? Slots(buckets) : null, created);

    /// <remarks>
    /// Webster's method: each slot goes to the bucket with the highest weight / (2 * slots + 1).
    /// </remarks>
    private static byte[]? Slots(ImmutableArray<GroupBucket> buckets)
    {
        if (buckets.IsEmpty || buckets.Length > SlotCountMax) return null;
        ulong total = 0;
        var least = ulong.MaxValue;
        foreach (var bucket in buckets)
        {
            total += bucket.Spec.Weight;
            if (bucket.Spec.Weight > 0) least = Math.Min(least, bucket.Spec.Weight);
        }

        if (total == 0) return null;
        var wanted = BitOperations.RoundUpToPowerOf2((uint)Math.Min(
            SlotCountMax * 2, Math.Max(SlotCountMin, Math.Max(
                (total + least - 1) / least, (ulong)buckets.Length))));
        if (wanted > SlotCountMax) return null;
        var slots = new byte[wanted];
        var taken = new int[buckets.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            var best = 0;
            for (var j = 1; j < buckets.Length; j++)
            {
                var mine = (long)buckets[j].Spec.Weight * ((2 * taken[best]) + 1);
                var theirs = (long)buckets[best].Spec.Weight * ((2 * taken[j]) + 1);
                if (mine > theirs) best = j;
            }

            taken[best]++;
            slots[i] = (byte)best;
        }

        return slots;
    }
}

/// <param name="DatapathId">The meter's number in the datapath; null when it has none.</param>
public sealed record MeterSnapshot(MeterMod Spec, uint? DatapathId, long CreatedMilliseconds);
