using System.Collections.Immutable;
using Npgsql;

namespace Fabric.Cluster;

public sealed partial class SqlLogStore
{
    private async Task<ILogMessage?> AppendAsync(
        NpgsqlConnection connection, Head head, AppendEntries append, CancellationToken stop)
    {
        if (append.LogId != head.LogId) return null;
        if (IsFenced(head, append.Term, append.Writer))
            return new TermRefused(append.Term, head.Term);
        if (append.Term > head.Term)
            await PromiseAsync(connection, append.Term, append.Writer, stop);
        var terms = await TermsAsync(connection, append, stop);
        if (GapOf(head, append.Previous, terms) is { } hint)
            return new AppendGap(append.Term, hint);

        var fresh = append.Entries.SkipWhile(entry => entry.Id.Sequence <= head.Base.Sequence
            || terms.GetValueOrDefault(entry.Id.Sequence) == entry.Id.Term).ToImmutableArray();
        if (!fresh.IsEmpty)
        {
            if (fresh[0].Id.Sequence <= head.Committed)
                throw new InvalidOperationException(
                    $"{fresh[0].Id} would replace a committed entry of the northbound.");
            await ReplaceAsync(connection, head, fresh, stop);
        }

        var matched = append.Previous.Sequence + append.Entries.Length;
        var committed = Math.Min(append.Committed, matched);
        if (committed > head.Committed)
        {
            await RunAsync(
                connection, "UPDATE northbound_log SET committed = $2 WHERE name = $1", stop,
                _name, committed);
        }

        return new EntriesAppended(append.Term, Math.Max(matched, head.Base.Sequence));
    }

    /// <summary>The writer's image stands for entries that then need not be kept.</summary>
    private async Task<ILogMessage?> InstallAsync(
        NpgsqlConnection connection, Head head, InstallImage install, CancellationToken stop)
    {
        if (install.LogId != head.LogId) return null;
        if (IsFenced(head, install.Term, install.Writer))
            return new TermRefused(install.Term, head.Term);
        var id = install.Id;
        if (id.Sequence > head.Base.Sequence)
        {
            await RunAsync(
                connection,
                "UPDATE northbound_log SET term = $2, writer = $3, nonce = $4, base_term = $5, "
                + "base_sequence = $6, image = $7, committed = GREATEST(committed, $6) "
                + "WHERE name = $1",
                stop, _name, install.Term, install.Writer.HostId, install.Writer.Nonce, id.Term,
                id.Sequence, install.Image.ToArray());
            // Later entries stay only where this one is the same.
            await RunAsync(
                connection,
                "DELETE FROM northbound_entry WHERE name = $1 AND (sequence <= $2 OR NOT EXISTS "
                + "(SELECT 1 FROM northbound_entry AS same WHERE same.name = $1 "
                + "AND same.sequence = $2 AND same.term = $3))",
                stop, _name, id.Sequence, id.Term);
        }

        return new EntriesAppended(install.Term, Math.Max(id.Sequence, head.Base.Sequence));
    }

    private static bool IsFenced(Head head, long term, WriterId writer) =>
        term < head.Term || (term == head.Term && writer != head.Writer);

    /// <summary>Terms of the entries that are there, from 'Previous' on.</summary>
    private async Task<Dictionary<long, long>> TermsAsync(
        NpgsqlConnection connection, AppendEntries append, CancellationToken stop)
    {
        var terms = new Dictionary<long, long>();
        var first = append.Previous.Sequence;
        await using var command = Command(
            connection,
            "SELECT sequence, term FROM northbound_entry "
            + "WHERE name = $1 AND sequence BETWEEN $2 AND $3",
            _name, first, first + append.Entries.Length);
        await using var row = await command.ExecuteReaderAsync(stop);
        while (await row.ReadAsync(stop)) terms[row.GetInt64(0)] = row.GetInt64(1);
        return terms;
    }

    /// <returns>Null when 'previous' is held; otherwise after what to try.</returns>
    private static long? GapOf(Head head, EntryId previous, Dictionary<long, long> terms)
    {
        if (previous.Sequence <= head.Base.Sequence) return null;
        if (previous.Sequence > head.Last.Sequence) return head.Last.Sequence;
        return terms.GetValueOrDefault(previous.Sequence) == previous.Term
            ? null
            : Math.Max(head.Committed, previous.Sequence - 1);
    }

    private async Task ReplaceAsync(
        NpgsqlConnection connection, Head head, ImmutableArray<LogEntry> fresh,
        CancellationToken stop)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (fresh[0].Id.Sequence <= head.Last.Sequence)
        {
            Add(
                "DELETE FROM northbound_entry WHERE name = $1 AND sequence >= $2",
                _name, fresh[0].Id.Sequence);
        }

        foreach (var entry in fresh)
        {
            Add(
                "INSERT INTO northbound_entry VALUES ($1, $2, $3, $4, $5, $6)",
                _name, entry.Id.Sequence, entry.Id.Term, (short)entry.Kind, entry.Body.ToArray(),
                DigestOf(entry));
        }

        await batch.ExecuteNonQueryAsync(stop);

        void Add(string text, params object[] values)
        {
            var command = new NpgsqlBatchCommand(text);
            foreach (var value in values)
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            batch.BatchCommands.Add(command);
        }
    }
}
