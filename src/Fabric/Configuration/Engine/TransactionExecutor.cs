using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Executes transactions (RFC 7047 section 5.2): a pure function.</summary>
/// <remarks>
/// The same snapshot, operations and context give the same outcome anywhere. Only the rows that
/// a transaction touches, and the rows that refer to them, are looked at when it commits.
/// </remarks>
public static class TransactionExecutor
{
    public static TransactionOutcome Execute(
        DatabaseSnapshot snapshot, ImmutableArray<Operation> operations,
        TransactionContext context)
    {
        var transaction = new Transaction(snapshot, context);
        var results = ImmutableArray.CreateBuilder<OperationResult>(operations.Length + 1);
        OvsdbError? error = null;
        string? comment = null;
        foreach (var operation in operations)
        {
            if (error is not null)
            {
                results.Add(OperationResult.Skipped.Instance);
                continue;
            }

            var result = transaction.Execute(operation);
            if (transaction.WaitMilliseconds is { } wait)
            {
                return new TransactionOutcome([], snapshot, null, [], null)
                {
                    WaitMilliseconds = wait,
                };
            }

            results.Add(result);
            error = (result as OperationResult.Failed)?.Error;
            if (operation is Operation.Comment note) comment = Join(comment, note.Text);
        }

        ImmutableArray<RowChange> changes = [];
        if (error is null)
        {
            error = transaction.TryCommit(out changes);
            if (error is not null) results.Add(new OperationResult.Failed(error));
        }

        if (error is not null || changes.IsEmpty)
        {
            return new TransactionOutcome(results.ToImmutable(), snapshot, null, [], error);
        }

        var delta = DeltaOf(snapshot.Schema, changes, context.TransactionId, comment) with
        {
            IsDurable = operations.Any(
                operation => operation is Operation.Commit { IsDurable: true }),
        };
        return new TransactionOutcome(
            results.ToImmutable(), snapshot.WithChanges(changes, context.TransactionId), delta,
            changes, null);
    }

    /// <summary>The changes in the form that is journaled.</summary>
    public static DatabaseDelta DeltaOf(
        DatabaseSchema schema, ImmutableArray<RowChange> changes, Guid transactionId,
        string? comment)
    {
        var rows = ImmutableArray.CreateBuilder<RowDelta>(changes.Length);
        foreach (var change in changes) rows.Add(DeltaOf(schema.Table(change.Table), change));
        return new DatabaseDelta(schema.Name, transactionId, rows.MoveToImmutable(), comment);
    }

    private static RowDelta DeltaOf(TableSchema table, RowChange change)
    {
        if (change.After is not { } after)
        {
            return new RowDelta(table.Name, change.Uuid, RowDeltaKind.Delete, []);
        }

        var values = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var column in table.Columns)
        {
            var before = change.Before?[column] ?? column.Type.Default;
            if (after[column].Equals(before)) continue;
            var isDifference = change.Before is not null && column.Type.CountMax > 1;
            values.Add(new ColumnValue(
                column.Name,
                isDifference ? before.DifferenceTo(after[column]) : after[column]));
        }

        return new RowDelta(
            table.Name, change.Uuid,
            change.Before is null ? RowDeltaKind.Insert : RowDeltaKind.Modify,
            values.ToImmutable());
    }

    private static string Join(string? before, string text) =>
        before is null ? text : before + "\n" + text;
}
