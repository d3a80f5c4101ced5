using System.Collections.Immutable;
using System.Security.Cryptography;
using Npgsql;

namespace Fabric.Cluster;

/// <summary>The replicated log in PostgreSQL, as the replica that votes alone.</summary>
/// <remarks>
/// Each message is one SQL transaction. It begins by locking the log's row, in which the term is:
/// a writer whose term is not the newest changes nothing, however late its words come. What was
/// committed with an unknown result (the connection broke) may be said again.
/// Tables: northbound_log, a row for each log with its term, writer, image and what is committed;
/// northbound_entry, a row for each entry after the image, with a digest.
/// </remarks>
public sealed partial class SqlLogStore : IAsyncDisposable
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS northbound_log (
            name TEXT PRIMARY KEY, log_id UUID NOT NULL, term BIGINT NOT NULL,
            writer TEXT NOT NULL, nonce BIGINT NOT NULL, base_term BIGINT NOT NULL,
            base_sequence BIGINT NOT NULL, image BYTEA NOT NULL, committed BIGINT NOT NULL);
        CREATE TABLE IF NOT EXISTS northbound_entry (
            name TEXT NOT NULL REFERENCES northbound_log, sequence BIGINT NOT NULL,
            term BIGINT NOT NULL, kind SMALLINT NOT NULL, body BYTEA NOT NULL,
            digest BYTEA NOT NULL, PRIMARY KEY (name, sequence));
        """;

    private readonly NpgsqlDataSource _source;
    private readonly string _name;
    private readonly Func<Guid> _newUuid;
    private bool _isThere;

    /// <param name="name">Of the log; several clusters may share a database.</param>
    public SqlLogStore(string connection, string name, Func<Guid> newUuid)
    {
        _source = NpgsqlDataSource.Create(connection);
        _name = name;
        _newUuid = newUuid;
    }

    private sealed record Head(
        Guid LogId, long Term, WriterId Writer, EntryId Base, long Committed, EntryId Last);

    /// <summary>What the replica answers; null to what is not for it.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached; say it again.</exception>
    /// <exception cref="DamagedLogException">An entry is not what was written.</exception>
    public async Task<ILogMessage?> DecideAsync(ILogMessage message, CancellationToken stop)
    {
        await using var connection = await _source.OpenConnectionAsync(stop);
        if (!_isThere) await CreateAsync(connection, stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        var head = await ReadHeadAsync(connection, stop);
        var answer = message switch
        {
            DescribeLog => new LogDescribed(
                head.LogId, head.Term, head.Last, head.Committed, SqlVoter.Alone),
            PrepareTerm prepare => await PrepareAsync(connection, head, prepare, stop),
            FetchEntries fetch => await FetchAsync(connection, head, fetch, stop),
            AppendEntries append => await AppendAsync(connection, head, append, stop),
            InstallImage install => await InstallAsync(connection, head, install, stop),
            _ => null,
        };
        await transaction.CommitAsync(stop);
        return answer;
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task CreateAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        // Two hosts may be the first at once; the lock lets one of them be.
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await RunAsync(connection, "SELECT pg_advisory_xact_lock(2552)", stop);
        await RunAsync(connection, Schema, stop);
        await RunAsync(
            connection,
            "INSERT INTO northbound_log VALUES ($1, $2, 0, '', 0, 0, 0, '', 0) "
            + "ON CONFLICT DO NOTHING",
            stop, _name, _newUuid());
        await transaction.CommitAsync(stop);
        _isThere = true;
    }

    private async Task<Head> ReadHeadAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        Head head;
        await using (var command = Command(
            connection,
            "SELECT log_id, term, writer, nonce, base_term, base_sequence, committed "
            + "FROM northbound_log WHERE name = $1 FOR UPDATE", _name))
        await using (var row = await command.ExecuteReaderAsync(stop))
        {
            if (!await row.ReadAsync(stop))
                throw new InvalidOperationException($"northbound_log has no row '{_name}'.");
            var basis = new EntryId(row.GetInt64(4), row.GetInt64(5));
            head = new Head(
                row.GetGuid(0), row.GetInt64(1), new WriterId(row.GetString(2), row.GetInt64(3)),
                basis, row.GetInt64(6), basis);
        }

        await using var last = Command(
            connection,
            "SELECT term, sequence FROM northbound_entry WHERE name = $1 "
            + "ORDER BY sequence DESC LIMIT 1", _name);
        await using var entry = await last.ExecuteReaderAsync(stop);
        return await entry.ReadAsync(stop)
            ? head with { Last = new EntryId(entry.GetInt64(0), entry.GetInt64(1)) }
            : head;
    }

    private async Task<ILogMessage?> PrepareAsync(
        NpgsqlConnection connection, Head head, PrepareTerm prepare, CancellationToken stop)
    {
        if (prepare.LogId != head.LogId) return null;
        var isNew = prepare.Term > head.Term;
        if (!isNew && (prepare.Term != head.Term || prepare.Writer != head.Writer))
            return new TermRefused(prepare.Term, head.Term);
        if (isNew) await PromiseAsync(connection, prepare.Term, prepare.Writer, stop);
        return new TermPromised(prepare.Term, head.Last, head.Committed, SqlVoter.Alone);
    }

    private Task PromiseAsync(
        NpgsqlConnection connection, long term, WriterId writer, CancellationToken stop) =>
        RunAsync(
            connection,
            "UPDATE northbound_log SET term = $2, writer = $3, nonce = $4 WHERE name = $1", stop,
            _name, term, writer.HostId, writer.Nonce);

    private async Task<ILogMessage?> FetchAsync(
        NpgsqlConnection connection, Head head, FetchEntries fetch, CancellationToken stop)
    {
        if (fetch.Term != head.Term) return new TermRefused(fetch.Term, head.Term);
        if (fetch.After < head.Base.Sequence)
        {
            await using var image = Command(
                connection, "SELECT image FROM northbound_log WHERE name = $1", _name);
            var bytes = (byte[])(await image.ExecuteScalarAsync(stop))!;
            return new ImageFetched(fetch.Term, head.Base, SqlVoter.Alone, bytes);
        }

        var entries = ImmutableArray.CreateBuilder<LogEntry>();
        var size = 0;
        await using var command = Command(
            connection,
            "SELECT sequence, term, kind, body, digest FROM northbound_entry "
            + "WHERE name = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
            _name, fetch.After, (long)LogLimits.BatchEntryCountMax);
        await using var row = await command.ExecuteReaderAsync(stop);
        while (size <= LogLimits.BatchSizeMax && await row.ReadAsync(stop))
        {
            var id = new EntryId(row.GetInt64(1), row.GetInt64(0));
            var entry = new LogEntry(
                id, (EntryKind)row.GetInt16(2), row.GetFieldValue<byte[]>(3));
            var isWhole = id.Sequence == fetch.After + entries.Count + 1
                && DigestOf(entry).AsSpan().SequenceEqual(row.GetFieldValue<byte[]>(4));
            if (!isWhole) throw new DamagedLogException(_name, fetch.After + entries.Count + 1);
            entries.Add(entry);
            size += entry.Body.Length;
        }

        return new EntriesFetched(fetch.Term, fetch.After, entries.ToImmutable(), head.Last);
    }

    private static byte[] DigestOf(LogEntry entry)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BitConverter.GetBytes(entry.Id.Term));
        hash.AppendData(BitConverter.GetBytes(entry.Id.Sequence));
        hash.AppendData([(byte)entry.Kind]);
        hash.AppendData(entry.Body.Span);
        return hash.GetHashAndReset()[..16];
    }

    private static async Task RunAsync(
        NpgsqlConnection connection, string text, CancellationToken stop,
        params object[] values)
    {
        await using var command = Command(connection, text, values);
        await command.ExecuteNonQueryAsync(stop);
    }

    private static NpgsqlCommand Command(
        NpgsqlConnection connection, string text, params object[] values)
    {
        var command = new NpgsqlCommand(text, connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
