using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What a transaction may depend on besides the database and its operations.</summary>
/// <param name="TransactionId">Becomes the id of the result, and the version of its rows.</param>
/// <param name="NewUuid">For inserts that do not bring a UUID.</param>
public sealed record TransactionContext(Guid TransactionId, Func<Guid> NewUuid)
{
    public TransactionOrigin Origin { get; init; } = TransactionOrigin.Internal;

    /// <summary>How long the transaction has waited already.</summary>
    public long WaitedMilliseconds { get; init; }

    public bool IsReadOnly { get; init; }

    /// <summary>Random UUIDs; for where nobody needs the same ones again.</summary>
    public static TransactionContext Random(TransactionOrigin? origin = null) =>
        new(Guid.NewGuid(), Guid.NewGuid) { Origin = origin ?? TransactionOrigin.Internal };
}

/// <summary>What came of a transaction.</summary>
/// <param name="Results">One per operation, one more if the commit itself failed.</param>
/// <param name="Snapshot">The database after it; as before if it failed or changed nothing.</param>
/// <param name="Delta">What to journal and replicate; null if nothing changed.</param>
/// <param name="Changes">The same for subscribers.</param>
/// <param name="Error">Why it failed, or null.</param>
public sealed record TransactionOutcome(
    ImmutableArray<OperationResult> Results, DatabaseSnapshot Snapshot, DatabaseDelta? Delta,
    ImmutableArray<RowChange> Changes, OvsdbError? Error)
{
    /// <summary>A "wait" does not hold yet: execute again after a change, or when this many
    /// milliseconds of waiting in all are over. Null: it is finished.</summary>
    public long? WaitMilliseconds { get; init; }

    public bool IsBlocked => WaitMilliseconds is not null;
}
