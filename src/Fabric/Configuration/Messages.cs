using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>One transaction, or (first, with an empty 'Before') everything there is.</summary>
public sealed record DatabaseChanged(
    DatabaseSnapshot Before, DatabaseSnapshot After, ImmutableArray<RowChange> Changes)
{
    /// <summary>Texts that several monitors of this change can share.</summary>
    internal UpdateTexts Texts { get; } = new();
}

/// <summary>
/// Asks a database actor for a transaction; <see cref="TransactCompleted"/> answers.
/// </summary>
/// <remarks>
/// Answers come in the order of requests, except that a request that waits is overtaken. The
/// sender that subscribed hears <see cref="DatabaseChanged"/> of its transaction before the answer.
/// </remarks>
public sealed record Transact(long RequestId, ImmutableArray<Operation> Operations)
{
    /// <summary>Who asks; decides about locks and permissions.</summary>
    public TransactionOrigin Origin { get; init; } = TransactionOrigin.Internal;
}

/// <summary>Withdraws a <see cref="Transact"/> of the same sender that waits.</summary>
public sealed record CancelTransact(long RequestId);

/// <param name="Results">
/// One per operation; if all were well but the commit failed, one more with the error.
/// </param>
/// <param name="Error">Null if the transaction was committed; also the failed result's.</param>
public sealed record TransactCompleted(
    long RequestId, ImmutableArray<OperationResult> Results, OvsdbError? Error);

/// <summary>The client behind a transaction.</summary>
/// <param name="Locks">Locks that it holds, for "assert".</param>
/// <param name="Role">RBAC role of its connection; empty means unrestricted.</param>
/// <param name="ClientId">The name in its certificate, for RBAC.</param>
public sealed record TransactionOrigin(
    ImmutableHashSet<string> Locks, string Role = "", string ClientId = "")
{
    public static TransactionOrigin Internal { get; } = new(ImmutableHashSet<string>.Empty);
}
