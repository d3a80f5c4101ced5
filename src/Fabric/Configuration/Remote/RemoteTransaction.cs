using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Transactions as a remote server is asked for them, and its answers.</summary>
internal static class RemoteTransaction
{
    /// <summary>The operations as transact takes them behind the database's name.</summary>
    /// <remarks>
    /// Columns that the server does not have are left out, and operations of which nothing is
    /// left. Inserted rows get names, since older servers do not take UUIDs for them. With a
    /// lock, the first operation asserts it: who lost it must not write.
    /// </remarks>
    public static byte[][] ToJson(
        ImmutableArray<Operation> operations, RemoteSchema schema, string? lockName)
    {
        var kept = new List<Operation>();
        if (lockName is not null) kept.Add(new Operation.Assert(lockName));
        foreach (var operation in operations)
        {
            if (Fit(operation, schema) is { } fitting) kept.Add(fitting);
        }

        var texts = kept.Select(operation =>
            OvsdbText.ToText(writer => OperationWriter.Write(writer, operation))).ToArray();
        foreach (var insert in kept.OfType<Operation.Insert>())
        {
            if (insert.Uuid is { } uuid) Name(texts, uuid);
        }

        return [.. texts.Select(Encoding.UTF8.GetBytes)];
    }

    private static void Name(string[] texts, Guid uuid)
    {
        var name = "row" + uuid.ToString("D").Replace('-', '_');
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = texts[i]
                .Replace($"\"uuid\":\"{uuid:D}\"", $"\"uuid-name\":\"{name}\"",
                    StringComparison.Ordinal)
                .Replace($"[\"uuid\",\"{uuid:D}\"]", $"[\"named-uuid\",\"{name}\"]",
                    StringComparison.Ordinal);
        }
    }

    private static Operation? Fit(Operation operation, RemoteSchema schema) => operation switch
    {
        Operation.Insert insert when schema.Has(insert.Table) =>
            insert with { Row = Fit(insert.Row, insert.Table, schema) },
        Operation.Update update when Fit(update.Row, update.Table, schema) is { Length: > 0 } row =>
            update with { Row = row },
        Operation.Mutate mutate when mutate.Mutations.Any(
            each => schema.Has(mutate.Table, each.Column)) =>
            mutate with
            {
                Mutations =
                [
                    .. mutate.Mutations.Where(each => schema.Has(mutate.Table, each.Column)),
                ],
            },
        Operation.Insert or Operation.Update or Operation.Mutate => null,
        Operation.Delete delete => schema.Has(delete.Table) ? delete : null,
        _ => operation,
    };

    private static ImmutableArray<ColumnValue> Fit(
        ImmutableArray<ColumnValue> row, string table, RemoteSchema schema) =>
        row.RemoveAll(value => !schema.Has(table, value.Column));

    /// <summary>What a reply to transact says.</summary>
    /// <param name="skipped">Results at the front that nobody asked for.</param>
    public static TransactCompleted Read(long requestId, JsonElement result, int skipped)
    {
        if (result.ValueKind != JsonValueKind.Array)
        {
            return new TransactCompleted(
                requestId, [], new OvsdbError("ovsdb error", "result is not an array"));
        }

        var results = ImmutableArray.CreateBuilder<OperationResult>();
        OvsdbError? failure = null;
        foreach (var item in result.EnumerateArray())
        {
            var read = ResultOf(item);
            if (read is OperationResult.Failed failed) failure ??= failed.Error;
            if (skipped-- > 0) continue;
            results.Add(read);
        }

        return new TransactCompleted(requestId, results.ToImmutable(), failure);
    }

    private static OperationResult ResultOf(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object) return OperationResult.Skipped.Instance;
        if (item.TryGetProperty("error", out _))
        {
            return new OperationResult.Failed(OvsdbError.Read(item));
        }

        if (item.TryGetProperty("count", out var count) && count.TryGetInt32(out var number))
        {
            return new OperationResult.Counted(number);
        }

        return item.TryGetProperty("uuid", out var uuid)
            && uuid.ValueKind == JsonValueKind.Array && uuid.GetArrayLength() == 2
            && Guid.TryParse(uuid[1].ToString(), out var row)
                ? new OperationResult.Inserted(row)
                : OperationResult.Done.Instance;
    }
}
