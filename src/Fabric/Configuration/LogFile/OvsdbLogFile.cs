using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A standalone database file as ovsdb-server writes it: conf.db and its like.</summary>
/// <remarks>
/// The first record is the schema, each further one a transaction. While it is open for writing
/// the lock file ".NAME.~lock~" beside it is locked as OVS locks it, so that no ovsdb-server
/// writes too. A tail that is not a whole record, as a crash or a full disk leaves it, is cut
/// off when the file is opened for writing.
/// </remarks>
public sealed class OvsdbLogFile : DatabaseFile
{
    private OvsdbLogFile(string path, string shown, FileStream? lockFile)
        : base(path, shown, lockFile)
    {
    }

    /// <summary>Transactions in the file.</summary>
    public int TransactionCount { get; private set; }

    /// <summary>A new file with just the schema; fails if there is a file already.</summary>
    /// <exception cref="IOException">There is one, or it cannot be written.</exception>
    public static void Create(string path, DatabaseSchema schema) =>
        CreateNew(path, LogRecord.Frame(LogRecord.Standalone, schema.Utf8.Span));

    /// <param name="isReadOnly">Neither locks nor repairs.</param>
    /// <param name="shown">The file's name in problems, if it is not 'path'.</param>
    /// <returns>False, and why, if the file cannot be used.</returns>
    public static bool TryOpen(
        string path, bool isReadOnly, [NotNullWhen(true)] out OvsdbLogFile? file,
        [NotNullWhen(false)] out string? problem, string? shown = null)
    {
        file = null;
        OvsdbLogFile? opened = null;
        try
        {
            shown ??= path;
            opened = new OvsdbLogFile(path, shown, isReadOnly ? null : LockOf(path, shown));
            if (LogReader.TryOpen(path, shown, out var reader, out problem)
                && opened.TryLoad(reader, out problem))
            {
                if (!isReadOnly) opened.OpenForWriting(reader);
                file = opened;
                return true;
            }
        }
        catch (IOException exception)
        {
            problem = $"I/O error: {exception.Message}";
        }
        catch (UnauthorizedAccessException exception)
        {
            problem = $"I/O error: {exception.Message}";
        }

        opened?.Dispose();
        return false;
    }

    /// <summary>Writes a transaction behind the others.</summary>
    /// <param name="isDurable">Not only a kill but a power failure shall not lose it.</param>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void Append(DatabaseDelta delta, DateTimeOffset date, bool isDurable)
    {
        Write(
            LogRecord.Frame(LogRecord.Standalone, LogTransaction.ToJson(delta, date)), isDurable);
        TransactionCount++;
    }

    /// <summary>Writes a transaction that comes as its JSON text.</summary>
    internal void AppendRaw(JsonElement transaction) => Write(
        LogRecord.Frame(LogRecord.Standalone, OvsdbText.ToUtf8(transaction.WriteTo)),
        isDurable: true);

    /// <summary>Rewrites the file so that it holds 'snapshot' without how it came to be.</summary>
    /// <exception cref="IOException">It cannot be written; the old file is as it was.</exception>
    public void Compact(DatabaseSnapshot snapshot, DateTimeOffset date, string comment)
    {
        var rows = snapshot.ToDelta().WithoutEphemeral(snapshot.Schema) with { Comment = comment };
        Replace(
        [
            .. LogRecord.Frame(LogRecord.Standalone, snapshot.Schema.Utf8.Span),
            .. LogRecord.Frame(LogRecord.Standalone, LogTransaction.ToJson(rows, date)),
        ]);
        TransactionCount = 1;
        Snapshot = snapshot;
    }

    private bool TryLoad(LogReader reader, [NotNullWhen(false)] out string? problem)
    {
        if (reader.IsClustered)
        {
            problem = $"ovsdb error: {Shown}: cannot apply this operation to clustered "
                + "database file";
            return false;
        }

        problem = reader.TryNext(out var first)
            ? TryLoadSchema(first) : reader.Problem;
        if (problem is not null) return false;
        while (reader.TryNext(out var record))
        {
            if (TryApply(record, out var wrong)) continue;
            reader.Reject(wrong);
        }

        TornTail = reader.Problem;
        Size = reader.End;
        return true;
    }

    private string? TryLoadSchema(JsonElement json)
    {
        if (!SchemaReader.TryRead(json, out var schema, out var error)) return error.ToSentence();
        Snapshot = DatabaseSnapshot.EmptyOf(schema);
        return null;
    }

    private bool TryApply(JsonElement record, [NotNullWhen(false)] out string? problem)
    {
        if (!LogTransaction.TryRead(record, Snapshot, Guid.NewGuid(), out var delta, out problem))
        {
            return false;
        }

        Snapshot = Snapshot.Apply(delta);
        TransactionCount++;
        return true;
    }
}
