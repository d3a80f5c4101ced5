namespace Fabric.Wire.OpenFlow;

/// <summary>Group numbers with a meaning of their own (OpenFlow 1.3 section A.3.4.2).</summary>
public static class OfGroupNumber
{
    public const uint Max = 0xFFFF_FF00;
    public const uint All = 0xFFFF_FFFC;
    public const uint Any = 0xFFFF_FFFF;
}

public enum GroupModCommand : ushort
{
    Add = 0, Modify = 1, Delete = 2, InsertBucket = 3, RemoveBucket = 5,
    /// <summary>Nicira: modify, or add what is missing (not in OpenFlow's text).</summary>
    AddOrModify = 0x8000,
}

public enum OfGroupType : byte { All = 0, Select = 1, Indirect = 2, FastFailover = 3 }

/// <param name="BucketId">OpenFlow 1.5; otherwise the position in the group.</param>
/// <param name="WatchPort"><see cref="OfPort.Any"/>: none.</param>
public sealed record OfBucket(
    uint BucketId, ushort Weight, uint WatchPort, uint WatchGroup, ActionList Actions)
{
    /// <summary>A bucket of weight 1 that watches nothing.</summary>
    public OfBucket(uint bucketId, ActionList actions)
        : this(bucketId, 1, OfPort.Any, OfGroupNumber.Any, actions) { }
}

/// <summary>How a select group chooses: Nicira's NTR selection method property.</summary>
/// <param name="Method">"" (default), "hash" or "dp_hash".</param>
/// <param name="Fields">hash: which fields, with masks.</param>
public sealed record OfSelectionMethod(
    string Method, ulong Parameter, EquatableArray<MatchEntry> Fields)
{
    public static OfSelectionMethod Default { get; } = new("", 0, []);
}

public sealed record GroupMod(
    GroupModCommand Command, OfGroupType Type, uint GroupId, EquatableArray<OfBucket> Buckets)
    : OfMessage
{
    public const uint BucketFirst = 0xFFFF_FFFD;
    public const uint BucketLast = 0xFFFF_FFFE;
    public const uint BucketAll = 0xFFFF_FFFF;
    public const uint BucketIdMax = 0xFFFF_FF00;

    /// <summary>Insert after, or remove, this bucket; first, last, all.</summary>
    public uint CommandBucketId { get; init; } = BucketAll;

    public OfSelectionMethod Selection { get; init; } = OfSelectionMethod.Default;
}
