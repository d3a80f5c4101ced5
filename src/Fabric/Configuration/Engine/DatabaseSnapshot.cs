using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A whole database as of one transaction; immutable, shared by all who read it.</summary>
public sealed partial class DatabaseSnapshot
{
    private readonly ImmutableArray<TableSnapshot> _tables;

    private DatabaseSnapshot(
        DatabaseSchema schema, ImmutableArray<TableSnapshot> tables, Guid transactionId,
        TransactionHistory history)
    {
        Schema = schema;
        _tables = tables;
        TransactionId = transactionId;
        History = history;
    }

    public DatabaseSchema Schema { get; }

    /// <summary>The transaction that led here; zeros for a database without any.</summary>
    public Guid TransactionId { get; }

    /// <summary>The last transactions, for clients that come back.</summary>
    public TransactionHistory History { get; }

    /// <summary>By <see cref="TableSchema.Index"/>.</summary>
    public ImmutableArray<TableSnapshot> Tables => _tables;

    public static DatabaseSnapshot EmptyOf(DatabaseSchema schema) => new(
        schema, [.. schema.Tables.Select(TableSnapshot.EmptyOf)], Guid.Empty,
        TransactionHistory.Empty);

    /// <exception cref="KeyNotFoundException">The database has no such table.</exception>
    public TableSnapshot Table(string name) => _tables[Schema.Table(name).Index];

    public TableSnapshot Table(TableSchema table) => _tables[table.Index];

    /// <summary>The row, or null.</summary>
    public Row? Find(string table, Guid uuid) => Table(table)[uuid];
}
