using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>
/// Takes a database to another schema (ovsdb-client convert, ovsdb-tool convert).
/// </summary>
public static class SchemaConversion
{
    /// <summary>
    /// Tables and columns that the new schema lacks are dropped, new columns have their
    /// defaults, and all rows must satisfy the new schema's constraints together.
    /// </summary>
    /// <returns>False, and the error to answer with.</returns>
    public static bool TryConvert(
        DatabaseSnapshot database, DatabaseSchema schema, Guid transactionId,
        [NotNullWhen(true)] out DatabaseSnapshot? converted,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        converted = null;
        var inserts = ImmutableArray.CreateBuilder<Operation>();
        foreach (var table in database.Tables)
        {
            if (!schema.TryTable(table.Schema.Name, out var target)) continue;
            foreach (var row in table.Rows)
            {
                var values = ImmutableArray.CreateBuilder<ColumnValue>();
                foreach (var column in table.Schema.Columns)
                {
                    if (row[column].Equals(column.Type.Default)) continue;
                    if (target.TryColumn(column.Name, out _))
                    {
                        values.Add(new ColumnValue(column.Name, row[column]));
                    }
                }

                inserts.Add(new Operation.Insert(target.Name, values.ToImmutable(), row.Uuid));
            }
        }

        var context = new TransactionContext(transactionId, Guid.NewGuid);
        var outcome = TransactionExecutor.Execute(
            DatabaseSnapshot.EmptyOf(schema), inserts.ToImmutable(), context);
        error = outcome.Error;
        if (error is not null) return false;
        converted = outcome.Snapshot;
        return true;
    }
}
