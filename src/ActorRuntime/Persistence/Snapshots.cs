#nullable disable
using Akka.Actor;
using Akka.Event;

namespace Akka.Persistence;

/// <summary>Names one snapshot.</summary>
public sealed class SnapshotMetadata(string persistenceId, long sequenceNr, DateTime timestamp)
    : IEquatable<SnapshotMetadata>
{
    public SnapshotMetadata(string persistenceId, long sequenceNr)
        : this(persistenceId, sequenceNr, default)
    {
    }

    public string PersistenceId { get; } = persistenceId;
    public long SequenceNr { get; } = sequenceNr;
    public DateTime Timestamp { get; } = timestamp;

    public bool Equals(SnapshotMetadata other) =>
        other is not null && PersistenceId == other.PersistenceId
        && SequenceNr == other.SequenceNr && Timestamp == other.Timestamp;

    public override bool Equals(object obj) => Equals(obj as SnapshotMetadata);

    public override int GetHashCode() => HashCode.Combine(PersistenceId, SequenceNr);

    public override string ToString() => $"SnapshotMetadata<{PersistenceId}, {SequenceNr}>";
}

/// <summary>Selects snapshots by sequence number and age.</summary>
public sealed class SnapshotSelectionCriteria
{
    public SnapshotSelectionCriteria(
        long maxSequenceNr,
        DateTime maxTimeStamp,
        long minSequenceNr = 0L,
        DateTime? minTimestamp = null)
    {
        MaxSequenceNr = maxSequenceNr;
        MaxTimeStamp = maxTimeStamp;
        MinSequenceNr = minSequenceNr;
        MinTimestamp = minTimestamp ?? DateTime.MinValue;
    }

    public SnapshotSelectionCriteria(long maxSequenceNr)
        : this(maxSequenceNr, DateTime.MaxValue)
    {
    }

    public static SnapshotSelectionCriteria Latest { get; } = new(long.MaxValue);
    public static SnapshotSelectionCriteria None { get; } = new(0L, DateTime.MinValue);

    public long MaxSequenceNr { get; }
    public DateTime MaxTimeStamp { get; }
    public long MinSequenceNr { get; }
    public DateTime? MinTimestamp { get; }

    internal bool IsMatch(SnapshotMetadata metadata) =>
        metadata.SequenceNr <= MaxSequenceNr && metadata.Timestamp <= MaxTimeStamp
        && metadata.SequenceNr >= MinSequenceNr && metadata.Timestamp >= MinTimestamp;

    internal SnapshotSelectionCriteria Limit(long toSequenceNr) =>
        toSequenceNr < MaxSequenceNr
            ? new SnapshotSelectionCriteria(toSequenceNr, MaxTimeStamp, MinSequenceNr, MinTimestamp)
            : this;
}

/// <summary>A snapshot as its store gives it back.</summary>
public sealed record SelectedSnapshot(SnapshotMetadata Metadata, object Snapshot);

/// <summary>Offers a snapshot to a recovering actor before the events that follow it.</summary>
public sealed record SnapshotOffer(SnapshotMetadata Metadata, object Snapshot);

public sealed record SaveSnapshotSuccess(SnapshotMetadata Metadata)
    : INoSerializationVerificationNeeded;

public sealed record SaveSnapshotFailure(SnapshotMetadata Metadata, Exception Cause)
    : INoSerializationVerificationNeeded;

public sealed record DeleteSnapshotSuccess(SnapshotMetadata Metadata)
    : INoSerializationVerificationNeeded;

public sealed record DeleteSnapshotFailure(SnapshotMetadata Metadata, Exception Cause)
    : INoSerializationVerificationNeeded;

public sealed record DeleteSnapshotsSuccess(SnapshotSelectionCriteria Criteria)
    : INoSerializationVerificationNeeded;

public sealed record DeleteSnapshotsFailure(SnapshotSelectionCriteria Criteria, Exception Cause)
    : INoSerializationVerificationNeeded;

internal sealed record LoadSnapshot(
    string PersistenceId, SnapshotSelectionCriteria Criteria, long ToSequenceNr)
    : INoSerializationVerificationNeeded;

internal sealed record LoadSnapshotResult(SelectedSnapshot Snapshot, long ToSequenceNr)
    : INoSerializationVerificationNeeded;

internal sealed record LoadSnapshotFailed(Exception Cause) : INoSerializationVerificationNeeded;

internal sealed record SaveSnapshot(SnapshotMetadata Metadata, object Snapshot)
    : INoSerializationVerificationNeeded;

internal sealed record DeleteSnapshot(SnapshotMetadata Metadata)
    : INoSerializationVerificationNeeded;

internal sealed record DeleteSnapshots(string PersistenceId, SnapshotSelectionCriteria Criteria)
    : INoSerializationVerificationNeeded;
