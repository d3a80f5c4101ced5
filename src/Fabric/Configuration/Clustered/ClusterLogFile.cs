using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The file of a cluster's server, open for serving (ovsdb(7)).</summary>
internal sealed class ClusterLogFile : DatabaseFile
{
    private ClusterHeader _header;

    private ClusterLogFile(string path, string shown, FileStream? lockFile, ClusterLog log)
        : base(path, shown, lockFile)
    {
        _header = log.Header;
        Memory = log.ToMemory();
        Snapshot = DatabaseSnapshot.EmptyOf(new DatabaseSchema(Name, "", []));
    }

    /// <summary>Null until the cluster is known, which a server that joins learns.</summary>
    public Guid? ClusterId => _header.ClusterId;

    public Guid ServerId => _header.ServerId;
    public string Name => _header.Name;

    /// <summary>What the file says of the server, as it was opened.</summary>
    public RaftMemory Memory { get; }

    /// <summary>The file of a new cluster's first server.</summary>
    /// <param name="writeRows">Writes the transaction that the database starts with.</param>
    /// <exception cref="IOException">There is a file, or it cannot be written.</exception>
    public static void Create(
        string path, ClusterHeader header, DatabaseSchema schema,
        Action<Utf8JsonWriter> writeRows, long? electionTimer)
    {
        var records = LogRecord.Frame(
            LogRecord.Clustered, header.ToJson(writer => WriteData(writer, schema, writeRows)));
        byte[] timer = electionTimer is null ? [] : new ClusterRecord
        {
            Term = header.Term,
            Index = header.Index + 1,
            ElectionTimer = electionTimer,
        }.ToFrame();
        CreateNew(path, [.. records, .. timer]);
    }

    /// <summary>The file of a server that has yet to join its cluster.</summary>
    /// <exception cref="IOException">There is a file, or it cannot be written.</exception>
    public static void CreateJoining(string path, ClusterHeader header) =>
        CreateNew(path, LogRecord.Frame(LogRecord.Clustered, header.ToJson()));

    /// <returns>False, and why, if the file cannot be served.</returns>
    public static bool TryOpen(
        string path, string shown, [NotNullWhen(true)] out ClusterLogFile? file,
        [NotNullWhen(false)] out string? problem)
    {
        file = null;
        FileStream? lockFile = null;
        try
        {
            lockFile = LockOf(path, shown);
            if (LogReader.TryOpen(path, shown, out var reader, out problem)
                && ClusterLog.TryRead(reader, out var log, out problem)
                && IsServed(log, shown, out problem))
            {
                DatabaseSnapshot? rows = null;
                if (log.Header.IsJoining
                    || log.TryBuild(out rows, out problem, log.CommitIndex))
                {
                    file = new ClusterLogFile(path, shown, lockFile, log)
                    {
                        TornTail = reader.Problem,
                    };
                    file.Snapshot = rows ?? file.Snapshot;
                    file.OpenForWriting(reader);
                    return true;
                }
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

        lockFile?.Dispose();
        return false;
    }

    /// <summary>Writes records behind the others.</summary>
    /// <exception cref="IOException">The disk is full or gone.</exception>
    public void Keep(ReadOnlySpan<ClusterRecord> records, bool isDurable)
    {
        if (records.Length == 1)
        {
            Write(records[0].ToFrame(), isDurable);
            return;
        }

        var frames = new List<byte>();
        foreach (var record in records) frames.AddRange(record.ToFrame());
        Write(frames.ToArray(), isDurable);
    }

    /// <summary>Rewrites the file: the log's snapshot, some records, the log's entries.</summary>
    /// <exception cref="IOException">It cannot be written; the old file is as it was.</exception>
    public void KeepSnapshot(RaftLog log, ReadOnlySpan<ClusterRecord> records)
    {
        var snapshot = log.Snapshot;
        _header = _header with
        {
            RemoteAddresses = [],
            Term = snapshot.Term,
            Index = snapshot.Index,
            Servers = snapshot.Servers,
            ElectionTimer = snapshot.ElectionTimer,
            Data = snapshot.Data,
            EntryId = snapshot.EntryId,
        };
        var frames = new List<byte>(LogRecord.Frame(LogRecord.Clustered, _header.ToJson()));
        foreach (var record in records) frames.AddRange(record.ToFrame());
        for (var index = log.First; index <= log.Last; index++)
        {
            frames.AddRange(log[index].ToFrame());
        }

        Replace(frames.ToArray());
    }

    /// <summary>A server that joins has heard of its cluster; written with the snapshot.</summary>
    public void LearnCluster(Guid cluster) => _header = _header with { ClusterId = cluster };

    /// <summary>[schema, transaction] of all of a database.</summary>
    public static JsonElement DataOf(DatabaseSnapshot snapshot, DateTimeOffset date, string comment)
    {
        var rows = snapshot.ToDelta().WithoutEphemeral(snapshot.Schema) with { Comment = comment };
        return ElementOf(writer => WriteData(
            writer, snapshot.Schema, rest => LogTransaction.Write(rest, rows, date)));
    }

    /// <summary>[null, transaction].</summary>
    public static JsonElement DataOf(DatabaseDelta delta, DateTimeOffset date) =>
        ElementOf(writer =>
        {
            writer.WriteStartArray();
            writer.WriteNullValue();
            LogTransaction.Write(writer, delta, date);
            writer.WriteEndArray();
        });

    private static JsonElement ElementOf(Action<Utf8JsonWriter> write) =>
        JsonDocument.Parse(OvsdbText.ToUtf8(write), OvsdbText.ReaderOptions).RootElement;

    private static bool IsServed(
        ClusterLog log, string shown, [NotNullWhen(false)] out string? problem)
    {
        problem = log.HasLeft
            ? $"ovsdb error: {shown}: server has left its cluster; it cannot be added back"
            : OvsdbRemote.TryParse(log.Header.LocalAddress, out var address)
                && !address.IsPassive && !address.IsUnix
                ? null
                : $"ovsdb error: {shown}: {log.Header.LocalAddress}: no address to listen on";
        return problem is null;
    }

    private static void WriteData(
        Utf8JsonWriter writer, DatabaseSchema schema, Action<Utf8JsonWriter> writeRows)
    {
        writer.WriteStartArray();
        SchemaWriter.Write(writer, schema);
        writeRows(writer);
        writer.WriteEndArray();
    }
}
