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
public sealed class OvsdbLogFile : IDisposable
{
    private readonly FileStream? _lock;
    private FileStream? _stream;

    private OvsdbLogFile(string path, FileStream? stream, FileStream? lockFile)
    {
        Path = path;
        _stream = stream;
        _lock = lockFile;
    }

    public string Path { get; }

    /// <summary>The database after the last record.</summary>
    public DatabaseSnapshot Snapshot { get; private set; } =
        DatabaseSnapshot.EmptyOf(ServerSchema.Schema);

    /// <summary>Transactions in the file.</summary>
    public int TransactionCount { get; private set; }

    /// <summary>Bytes of the file.</summary>
    public long Size { get; private set; }

    /// <summary>What was cut off at the end, and why; null if the file was whole.</summary>
    public string? Repair { get; private set; }

    /// <summary>A new file with just the schema; fails if there is a file already.</summary>
    /// <exception cref="IOException">There is one, or it cannot be written.</exception>
    public static void Create(string path, DatabaseSchema schema)
    {
        using var stream = new FileStream(path, NewFile(FileMode.CreateNew));
        LogRecord.Write(stream, schema.Utf8.Span);
        stream.Flush(flushToDisk: true);
    }

    /// <param name="isReadOnly">Neither locks nor repairs.</param>
    /// <returns>False, and why, if the file cannot be used.</returns>
    public static bool TryOpen(
        string path, bool isReadOnly, [NotNullWhen(true)] out OvsdbLogFile? file,
        [NotNullWhen(false)] out string? problem)
    {
        file = null;
        FileStream? lockFile = null;
        FileStream? stream = null;
        try
        {
            if (!File.Exists(path))
            {
                throw new FileNotFoundException(
                    $"I/O error: {path}: open failed (No such file or directory)");
            }

            if (!isReadOnly)
            {
                lockFile = LockOf(path);
                stream = new FileStream(
                    path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            }

            var opened = new OvsdbLogFile(path, stream, lockFile);
            if (opened.TryLoad(out problem))
            {
                file = opened;
                return true;
            }
        }
        catch (IOException exception)
        {
            problem = exception.Message;
        }
        catch (UnauthorizedAccessException exception)
        {
            problem = exception.Message;
        }

        stream?.Dispose();
        lockFile?.Dispose();
        return false;
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _lock?.Dispose();
    }

    /// <summary>Writes a transaction behind the others.</summary>
    /// <param name="isDurable">Not only a kill but a power failure shall not lose it.</param>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void Append(DatabaseDelta delta, DateTimeOffset date, bool isDurable)
    {
        var stream = _stream ?? throw new InvalidOperationException("opened for reading");
        LogRecord.Write(stream, LogTransaction.ToJson(delta, date));
        if (isDurable) stream.Flush(flushToDisk: true);
        Size = stream.Position;
        TransactionCount++;
    }

    /// <summary>Replaces the file by one that holds 'snapshot' as a single transaction.</summary>
    /// <exception cref="IOException">It cannot be written; the old file is as it was.</exception>
    public void Compact(DatabaseSnapshot snapshot, DateTimeOffset date, string comment)
    {
        var target = File.ResolveLinkTarget(Path, returnFinalTarget: true)?.FullName ?? Path;
        var temporary = target + ".tmp";
        var fresh = new FileStream(temporary, NewFile(FileMode.Create));
        try
        {
            LogRecord.Write(fresh, snapshot.Schema.Utf8.Span);
            var rows = snapshot.ToDelta().WithoutEphemeral(snapshot.Schema) with
            {
                Comment = comment,
            };
            if (!rows.IsEmpty) LogRecord.Write(fresh, LogTransaction.ToJson(rows, date));
            fresh.Flush(flushToDisk: true);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            fresh.Dispose();
            throw;
        }

        _stream?.Dispose();
        _stream = fresh;
        Size = fresh.Position;
        TransactionCount = 1;
        Snapshot = snapshot;
    }

    /// <summary>Records of a file, one by one: the schema first. Ends before a torn tail.</summary>
    public static IEnumerable<JsonElement> Records(string path)
    {
        ReadOnlyMemory<byte> bytes = File.ReadAllBytes(path);
        for (var at = 0; at < bytes.Length;)
        {
            if (!LogRecord.TryRead(bytes, at, out var json, out at, out _)) yield break;
            if (!JsonText.TryParse(json, out var document, out _)) yield break;
            yield return document.RootElement;
        }
    }

    private bool TryLoad([NotNullWhen(false)] out string? problem)
    {
        ReadOnlyMemory<byte> bytes = File.ReadAllBytes(Path);
        if (bytes.Span.StartsWith("OVSDB CLUSTER"u8))
        {
            problem = $"{Path}: is a clustered database, not a standalone one";
            return false;
        }

        if (!LogRecord.TryRead(bytes, 0, out var json, out var at, out problem)
            || !JsonText.TryParse(json, out var document, out problem!))
        {
            problem = $"{Path}: {problem}";
            return false;
        }

        if (!SchemaReader.TryRead(document.RootElement, out var schema, out var error))
        {
            problem = $"{Path}: {error.Details}";
            return false;
        }

        document.Dispose();
        Snapshot = DatabaseSnapshot.EmptyOf(schema);
        while (at < bytes.Length)
        {
            var start = at;
            if (TryLoadOne(bytes, ref at, out var wrong)) continue;
            var text = wrong.StartsWith("syntax ", StringComparison.Ordinal)
                ? wrong
                : $"syntax error: {System.IO.Path.GetFileName(Path)}: {wrong}";
            Repair = $"{text}; {bytes.Length - start} bytes after the last whole transaction at "
                + $"offset {start} were cut off";
            at = start;
            break;
        }

        Size = at;
        if (_stream is not null)
        {
            if (_stream.Length != at) _stream.SetLength(at);
            _stream.Position = at;
        }

        problem = null;
        return true;
    }

    private bool TryLoadOne(ReadOnlyMemory<byte> bytes, ref int at, out string problem)
    {
        if (!LogRecord.TryRead(bytes, at, out var json, out var next, out problem)) return false;
        if (!JsonText.TryParse(json, out var document, out var wrong))
        {
            problem = wrong;
            return false;
        }

        using (document)
        {
            if (!LogTransaction.TryRead(
                document.RootElement, Snapshot, Guid.NewGuid(), out var delta, out wrong))
            {
                problem = wrong;
                return false;
            }

            Snapshot = Snapshot.Apply(delta);
        }

        TransactionCount++;
        at = next;
        return true;
    }

    private static FileStreamOptions NewFile(FileMode mode)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode =
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        }

        return options;
    }

    private static FileStream LockOf(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        var name = $".{System.IO.Path.GetFileName(full)}.~lock~";
        var directory = System.IO.Path.GetDirectoryName(full)!;
        var lockFile = new FileStream(
            System.IO.Path.Combine(directory, name), FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite);
        try
        {
            if (!OperatingSystem.IsMacOS()) lockFile.Lock(0, 0);
            return lockFile;
        }
        catch (IOException)
        {
            lockFile.Dispose();
            throw new IOException($"I/O error: {path}: failed to lock lockfile "
                + "(Resource temporarily unavailable)");
        }
    }
}
