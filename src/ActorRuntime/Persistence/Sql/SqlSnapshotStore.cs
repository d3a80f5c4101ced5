using System.Data.Common;
using Akka.Configuration;
using Akka.Persistence.Snapshot;

namespace Akka.Persistence.Sql.Snapshot;

/// <summary>
/// Snapshots on SQLite or PostgreSQL: <c>akka.persistence.snapshot-store.sql</c>.
/// </summary>
/// <remarks>
/// Hears, Says: as every snapshot store.
/// Holds:  one connection, on a thread of its own.
/// Fails:  a snapshot that does not match its checksum is passed over for an older one: the events
///         after that one say the same.
/// </remarks>
public sealed class SqlSnapshotStore : SnapshotStore
{
    private readonly SqlWorker _worker;
    private readonly Serialization.Serialization _serialization;

    public SqlSnapshotStore(Config config)
    {
        _serialization = Context.System.Serialization;
        _worker = new SqlWorker(
            new SqlDialect(
                config.GetString("provider-name") ?? "SQLite.MS",
                config.GetString("connection-string") ?? "",
                config.GetString("synchronous") ?? "FULL"),
            "sql-snapshots");
    }

    protected override void PostStop()
    {
        _worker.Dispose();
        base.PostStop();
    }

    protected override async Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria)
    {
        var found = await _worker.Read(connection => Find(connection, persistenceId, criteria));
        if (found is not { } row) return null;
        return new SelectedSnapshot(
            row.Metadata, _serialization.Deserialize(row.Payload, row.Identifier, row.Manifest));
    }

    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot)
    {
        var serializer = _serialization.FindSerializerFor(snapshot);
        var manifest = Serialization.Serialization.ManifestFor(serializer, snapshot);
        var payload = serializer.ToBinary(snapshot);
        var checksum = RowChecksum.Of(
            metadata.PersistenceId, metadata.SequenceNr, serializer.Identifier, manifest, payload);
        return _worker.Write((connection, transaction) =>
        {
            using var command = SqlDialect.Command(
                connection, transaction,
                "INSERT INTO snapshot (persistence_id, sequence_number, created, identifier, "
                + "manifest, snapshot, checksum) VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6) "
                + "ON CONFLICT (persistence_id, sequence_number) DO UPDATE SET "
                + "created = excluded.created, identifier = excluded.identifier, "
                + "manifest = excluded.manifest, snapshot = excluded.snapshot, "
                + "checksum = excluded.checksum",
                metadata.PersistenceId, metadata.SequenceNr, metadata.Timestamp.Ticks,
                serializer.Identifier, manifest, payload, checksum);
            command.ExecuteNonQuery();
        });
    }

    protected override Task DeleteAsync(SnapshotMetadata metadata) =>
        _worker.Write((connection, transaction) =>
        {
            using var command = SqlDialect.Command(
                connection, transaction,
                "DELETE FROM snapshot WHERE persistence_id = @p0 AND sequence_number = @p1",
                metadata.PersistenceId, metadata.SequenceNr);
            command.ExecuteNonQuery();
        });

    protected override Task DeleteAsync(
        string persistenceId, SnapshotSelectionCriteria criteria) =>
        _worker.Write((connection, transaction) =>
        {
            using var command = SqlDialect.Command(
                connection, transaction,
                "DELETE FROM snapshot WHERE persistence_id = @p0 AND sequence_number <= @p1 "
                + "AND created <= @p2 AND sequence_number >= @p3 AND created >= @p4",
                Bounds(persistenceId, criteria));
            command.ExecuteNonQuery();
        });

    private static object[] Bounds(string persistenceId, SnapshotSelectionCriteria criteria) =>
    [
        persistenceId, criteria.MaxSequenceNr, criteria.MaxTimeStamp.Ticks, criteria.MinSequenceNr,
        (criteria.MinTimestamp ?? DateTime.MinValue).Ticks,
    ];

    private static (SnapshotMetadata Metadata, int Identifier, string Manifest,
        byte[] Payload)? Find(
        DbConnection connection, string persistenceId, SnapshotSelectionCriteria criteria)
    {
        using var command = SqlDialect.Command(
            connection, null,
            "SELECT sequence_number, created, identifier, manifest, snapshot, checksum "
            + "FROM snapshot WHERE persistence_id = @p0 AND sequence_number <= @p1 "
            + "AND created <= @p2 AND sequence_number >= @p3 AND created >= @p4 "
            + "ORDER BY sequence_number DESC",
            Bounds(persistenceId, criteria));
        using var reader = command.ExecuteReader();
        long? corrupted = null;
        while (reader.Read())
        {
            var sequenceNr = reader.GetInt64(0);
            // A column may be damaged, and be of another type then.
            if (reader.GetValue(4) is byte[] payload && reader.GetValue(3) is string manifest)
            {
                var identifier = reader.GetInt32(2);
                var checksum = RowChecksum.Of(
                    persistenceId, sequenceNr, identifier, manifest, payload);
                if (checksum == reader.GetInt64(5))
                {
                    var created = new DateTime(reader.GetInt64(1), DateTimeKind.Utc);
                    return (
                        new SnapshotMetadata(persistenceId, sequenceNr, created), identifier,
                        manifest, payload);
                }
            }

            corrupted ??= sequenceNr;
        }

        // The events before it may be deleted: to go on without it would be half a state.
        return corrupted is { } number
            ? throw new CorruptedEventException(
                persistenceId, number, "has a snapshot that does not match its checksum")
            : null;
    }
}
