using System.Diagnostics.CodeAnalysis;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>A file that holds a database, open and locked for one writer.</summary>
/// <remarks>
/// What both formats share: records behind each other, the lock file, a tail that is not a whole
/// record and is cut off, and replacing the whole file at once.
/// </remarks>
public abstract class DatabaseFile : IDisposable
{
    private readonly FileStream? _lock;
    private FileStream? _stream;

    /// <param name="shown">The file's name in what is told about it.</param>
    private protected DatabaseFile(string path, string shown, FileStream? lockFile)
    {
        Path = path;
        Shown = shown;
        _lock = lockFile;
    }

    public string Path { get; }

    /// <summary>The path as it was given.</summary>
    public string Shown { get; }

    /// <summary>The database after the last record that was read.</summary>
    public DatabaseSnapshot Snapshot { get; private protected set; } =
        DatabaseSnapshot.EmptyOf(ServerSchema.Schema);

    /// <summary>Bytes of the file.</summary>
    public long Size { get; private protected set; }

    /// <summary>
    /// What is wrong with the file's tail, as ovsdb-server says it; null if it is whole.
    /// </summary>
    public string? TornTail { get; private protected set; }

    /// <summary>How many bytes were cut off.</summary>
    public long CutBytes { get; private set; }

    /// <summary>What was cut off at the end, and why; null if the file was whole.</summary>
    public string? Repair => TornTail is null
        ? null
        : $"{TornTail}; {CutBytes} bytes after the last whole transaction were cut off";

    /// <summary>Opens a file of either format for writing.</summary>
    /// <returns>False, and why, if it cannot be used.</returns>
    public static bool TryOpen(
        string path, string shown, [NotNullWhen(true)] out DatabaseFile? file,
        [NotNullWhen(false)] out string? problem)
    {
        file = null;
        if (!LogReader.TryOpen(path, shown, out var reader, out problem)) return false;
        if (reader.IsClustered)
        {
            if (!ClusterLogFile.TryOpen(path, shown, out var clustered, out problem)) return false;
            file = clustered;
            return true;
        }

        if (!OvsdbLogFile.TryOpen(path, false, out var standalone, out problem, shown))
        {
            return false;
        }

        file = standalone;
        return true;
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _lock?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Null for a file that is not there: opening it tells that better.</summary>
    private protected static FileStream? LockOf(string path, string shown) =>
        File.Exists(path) ? LogLock.Take(path, shown) : null;

    /// <summary>Opens the file behind the last whole record; the rest is cut off.</summary>
    private protected void OpenForWriting(LogReader reader)
    {
        _stream = new FileStream(
            Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        if (_stream.Length != reader.End)
        {
            CutBytes = _stream.Length - reader.End;
            _stream.SetLength(reader.End);
        }

        _stream.Position = reader.End;
    }

    /// <remarks>One write, so that a kill leaves whole records or a torn tail.</remarks>
    private protected void Write(ReadOnlySpan<byte> records, bool isDurable)
    {
        var stream = _stream ?? throw new InvalidOperationException("opened for reading");
        stream.Write(records);
        if (isDurable) stream.Flush(flushToDisk: true);
        Size = stream.Position;
    }

    /// <summary>Puts a new file with these records in the place of the old one.</summary>
    private protected void Replace(ReadOnlySpan<byte> records)
    {
        var target = File.ResolveLinkTarget(Path, returnFinalTarget: true)?.FullName ?? Path;
        var temporary = target + ".tmp";
        var fresh = new FileStream(temporary, NewFile(FileMode.Create));
        try
        {
            fresh.Write(records);
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
    }

    /// <summary>A new file with these records; fails if there is a file already.</summary>
    /// <exception cref="IOException">There is one, or it cannot be written.</exception>
    private protected static void CreateNew(string path, ReadOnlySpan<byte> records)
    {
        using var lockFile = LogLock.Take(path, path);
        if (File.Exists(path))
        {
            throw new IOException($"{path}: create failed (File exists)");
        }

        using var stream = new FileStream(path, NewFile(FileMode.CreateNew));
        stream.Write(records);
        stream.Flush(flushToDisk: true);
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
}
