using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>Clients' transactions on their way to a server that others run.</summary>
/// <remarks>
/// What a transaction selects is answered from the replica, which has heard of the transaction
/// before its answer.
/// </remarks>
internal sealed class WriteThrough(IActorRef server)
{
    private readonly Dictionary<long, (IActorRef Client, Transact Request)> _asked = [];
    private long _requests;

    /// <summary>A number for a transaction of the owner's own.</summary>
    public long NextRequest() => ++_requests;

    public void Send(Transact transact, IActorRef client, IActorRef owner)
    {
        var id = NextRequest();
        _asked[id] = (client, transact);
        server.Tell(transact with { RequestId = id }, owner);
    }

    /// <returns>The client and its answer; null: it was no client's transaction.</returns>
    public (IActorRef Client, TransactCompleted Answer)? Complete(
        TransactCompleted completed, DatabaseSnapshot? rows)
    {
        if (!_asked.Remove(completed.RequestId, out var asked)) return null;
        var (client, request) = asked;
        var results = completed.Results;
        if (completed.Error is null && rows is not null
            && results.Length == request.Operations.Length)
        {
            results = [.. results.Zip(request.Operations, (result, operation) =>
                operation is Operation.Select ? Select(rows, operation) ?? result : result)];
        }

        return (client, completed with { RequestId = request.RequestId, Results = results });
    }

    private static OperationResult? Select(DatabaseSnapshot rows, Operation operation)
    {
        var outcome = TransactionExecutor.Execute(
            rows, [operation], TransactionContext.Random());
        return outcome.Error is null ? outcome.Results.FirstOrDefault() : null;
    }
}
