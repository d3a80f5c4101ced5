using System.Collections.Immutable;
using System.Data.Common;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence.Journal;
using Microsoft.Data.Sqlite;

namespace Akka.Persistence.Sql.Journal;

/// <summary>The journal on SQLite or PostgreSQL: <c>akka.persistence.journal.sql</c>.</summary>
/// <remarks>
/// Hears:  writes, replays, deletions.
/// Says:   per event whether it is stored, after the commit that holds it.
/// Holds:  one connection, on a thread of its own; writes that wait share one commit.
/// Fails:  never by itself. A row that was changed, is missing or cannot be read fails the replay
///         that meets it, with its sequence number (<see cref="CorruptedEventException"/>).
/// </remarks>
public sealed class SqlWriteJournal : AsyncWriteJournal
{
    /// <summary>Rows of one replay step; writes of others go between the steps.</summary>
    private const int ReplayChunkSize = 500;

    /// <summary>SQLITE_CORRUPT.</summary>
    private const int DamagedFile = 11;

    private const string Insert =
        "INSERT INTO journal (persistence_id, sequence_number, created, identifier, manifest, "
        + "writer_uuid, tags, message, checksum) "
        + "VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7, @p8)";

    private readonly record struct Row(
        IPersistentRepresentation Event,
        int Identifier,
        string Manifest,
        string? Tags,
        byte[] Payload,
        long Created);

    private readonly SqlWorker _worker;
    private readonly Serialization.Serialization _serialization;
    private readonly ActorSystem _system;

    public SqlWriteJournal(Config config)
    {
        _system = Context.System;
        _serialization = _system.Serialization;
        _worker = new SqlWorker(
            new SqlDialect(
                config.GetString("provider-name") ?? "SQLite.MS",
                config.GetString("connection-string") ?? "",
                config.GetString("synchronous") ?? "FULL"),
            "sql-journal");
    }

    protected override void PostStop()
    {
        _worker.Dispose();
        base.PostStop();
    }

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages)
    {
        var rows = new List<Row>();
        var rejections = ImmutableList.CreateBuilder<Exception?>();
        foreach (var write in messages) rejections.Add(TrySerialize(write, rows));
        if (rows.Count > 0) await _worker.Write((c, t) => Store(c, t, rows));
        return rejections.TrueForAll(r => r is null)
            ? null!
            : (IImmutableList<Exception>)rejections.ToImmutable()!;
    }

    /// <returns>Null, or why the write is rejected: a payload without serializer.</returns>
    private Exception? TrySerialize(AtomicWrite write, List<Row> rows)
    {
        var first = rows.Count;
        foreach (var @event in write.Events)
        {
            var (payload, tags) = @event.Payload is Tagged tagged
                ? (tagged.Payload, string.Join(";", tagged.Tags.Order(StringComparer.Ordinal)))
                : (@event.Payload, null);
            try
            {
                var serializer = _serialization.FindSerializerFor(payload);
                var manifest = Serialization.Serialization.ManifestFor(serializer, payload);
                rows.Add(new Row(
                    @event, serializer.Identifier, manifest, tags, serializer.ToBinary(payload),
                    _system.Scheduler.Now.ToUnixTimeMilliseconds()));
            }
            catch (Exception cause) when (cause is not OutOfMemoryException)
            {
                // All events of one atomic write, or none.
                rows.RemoveRange(first, rows.Count - first);
                return cause;
            }
        }

        return null;
    }

    private static void Store(DbConnection connection, DbTransaction? transaction, List<Row> rows)
    {
        using var command = SqlDialect.Command(
            connection, transaction, Insert, "", 0L, 0L, 0, "", "", null, Array.Empty<byte>(), 0L);
        foreach (var row in rows)
        {
            var id = row.Event.PersistenceId;
            var checksum = RowChecksum.Of(
                id, row.Event.SequenceNr, row.Identifier, row.Manifest, row.Payload);
            command.Parameters[0].Value = id;
            command.Parameters[1].Value = row.Event.SequenceNr;
            command.Parameters[2].Value = row.Created;
            command.Parameters[3].Value = row.Identifier;
            command.Parameters[4].Value = row.Manifest;
            command.Parameters[5].Value = row.Event.WriterGuid;
            command.Parameters[6].Value = (object?)row.Tags ?? DBNull.Value;
            command.Parameters[7].Value = row.Payload;
            command.Parameters[8].Value = checksum;
            command.ExecuteNonQuery();
        }
    }

    public override Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr) => _worker.Read(connection =>
    {
        using var command = SqlDialect.Command(
            connection, null,
            "SELECT MAX(sequence_number) FROM ("
            + "SELECT MAX(sequence_number) AS sequence_number FROM journal "
            + "WHERE persistence_id = @p0 UNION ALL "
            + "SELECT sequence_number FROM journal_metadata WHERE persistence_id = @p0) AS highest",
            persistenceId);
        return command.ExecuteScalar() is long highest ? highest : 0L;
    });

    public override async Task ReplayMessagesAsync(
        IActorContext context,
        string persistenceId,
        long fromSequenceNr,
        long toSequenceNr,
        long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        var deletedTo = await _worker.Read(connection => DeletedTo(connection, persistenceId));
        if (fromSequenceNr > 1 && fromSequenceNr <= deletedTo)
        {
            // The snapshot that replaced these events is not the one that was loaded.
            throw new CorruptedEventException(
                persistenceId, fromSequenceNr, "was deleted, and no snapshot that has it is left");
        }

        var next = Math.Max(fromSequenceNr, deletedTo + 1);
        while (max > 0 && next <= toSequenceNr)
        {
            var count = (int)Math.Min(max, ReplayChunkSize);
            var from = next;
            var rows = await ReadChunk(persistenceId, from, toSequenceNr, count);
            foreach (var row in rows)
            {
                if (row.Event.SequenceNr != next)
                {
                    throw new CorruptedEventException(persistenceId, next, "is missing");
                }

                recoveryCallback(Verified(row));
                next++;
            }

            max -= rows.Count;
            if (rows.Count == 0)
            {
                throw new CorruptedEventException(persistenceId, next, "is missing");
            }
        }
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr) =>
        _worker.Write((connection, transaction) =>
        {
            // The highest number outlives its event, so that it is never given out again.
            using var note = SqlDialect.Command(
                connection, transaction,
                "INSERT INTO journal_metadata (persistence_id, sequence_number) "
                + "SELECT @p0, MAX(sequence_number) FROM journal WHERE persistence_id = @p0 "
                + "AND sequence_number <= @p1 HAVING MAX(sequence_number) IS NOT NULL "
                + "ON CONFLICT (persistence_id) DO UPDATE SET "
                + "sequence_number = excluded.sequence_number",
                persistenceId, toSequenceNr);
            note.ExecuteNonQuery();
            using var delete = SqlDialect.Command(
                connection, transaction,
                "DELETE FROM journal WHERE persistence_id = @p0 AND sequence_number <= @p1",
                persistenceId, toSequenceNr);
            delete.ExecuteNonQuery();
        });

    private static long DeletedTo(DbConnection connection, string persistenceId)
    {
        using var command = SqlDialect.Command(
            connection, null,
            "SELECT sequence_number FROM journal_metadata WHERE persistence_id = @p0",
            persistenceId);
        return command.ExecuteScalar() is long deletedTo ? deletedTo : 0L;
    }

    private static List<(Row Row, long Checksum)> ReadRowsRaw(DbCommand command)
    {
        var rows = new List<(Row, long)>();
        using var reader = command.ExecuteReader();
        while (reader.Read()) rows.Add(ReadRowRaw(reader));
        return rows;
    }

    /// <remarks>A column of another type than was written is damage like any other.</remarks>
    private static (Row Row, long Checksum) ReadRowRaw(DbDataReader reader)
    {
        var (id, sequenceNr) = (reader.GetString(0), reader.GetInt64(1));
        try
        {
            var @event = new Persistent(
                null!, sequenceNr, id, WriterGuid: reader.GetString(5),
                Timestamp: reader.GetInt64(2));
            return (
                new Row(
                    @event, reader.GetInt32(3), reader.GetString(4), null,
                    (byte[])reader.GetValue(6), reader.GetInt64(2)),
                reader.GetInt64(7));
        }
        catch (Exception cause) when (cause is InvalidCastException or FormatException
            or OverflowException or InvalidOperationException)
        {
            return (new Row(new Persistent(null!, sequenceNr, id), 0, "", null, null!, 0), 0);
        }
    }

    /// <summary>
    /// Reads rows; where the file itself is damaged, as many as stand before the damage.
    /// </summary>
    private async Task<List<Row>> ReadChunk(string persistenceId, long from, long to, int count)
    {
        try
        {
            return await _worker.Read(
                connection => ReadRows(connection, persistenceId, from, to, count));
        }
        catch (SqliteException cause) when (cause.SqliteErrorCode == DamagedFile)
        {
            if (count > 1) return await ReadChunk(persistenceId, from, to, count / 2);
            throw new CorruptedEventException(persistenceId, from, "cannot be read", cause);
        }
    }

    private static List<Row> ReadRows(
        DbConnection connection, string persistenceId, long from, long to, int count)
    {
        using var command = SqlDialect.Command(
            connection, null,
            "SELECT persistence_id, sequence_number, created, identifier, manifest, writer_uuid, "
            + "message, checksum FROM journal WHERE persistence_id = @p0 "
            + "AND sequence_number >= @p1 AND sequence_number <= @p2 "
            + "ORDER BY sequence_number LIMIT @p3",
            persistenceId, from, to, count);
        var rows = new List<Row>();
        foreach (var (row, checksum) in ReadRowsRaw(command))
        {
            var expected = row.Payload is null ? checksum + 1 : RowChecksum.Of(
                persistenceId, row.Event.SequenceNr, row.Identifier, row.Manifest, row.Payload);
            // A marker: the row fails when its turn comes, so that those before it are replayed.
            rows.Add(expected == checksum ? row : row with { Payload = null! });
        }

        return rows;
    }

    private IPersistentRepresentation Verified(Row row)
    {
        var (id, sequenceNr) = (row.Event.PersistenceId, row.Event.SequenceNr);
        if (row.Payload is null)
        {
            throw new CorruptedEventException(id, sequenceNr, "does not match its checksum");
        }

        try
        {
            var payload = _serialization.Deserialize(row.Payload, row.Identifier, row.Manifest);
            return row.Event.WithPayload(payload).WithManifest(row.Manifest);
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            throw new CorruptedEventException(
                id, sequenceNr, $"of type \"{row.Manifest}\" cannot be deserialised", cause);
        }
    }
}
