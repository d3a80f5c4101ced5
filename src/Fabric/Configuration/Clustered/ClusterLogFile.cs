using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Akka.Actor;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The file of a cluster's only server, open for serving (ovsdb(7)).</summary>
/// <remarks>
/// A cluster of one needs no messages: its server is elected as soon as it starts, in a new term,
/// and each entry is committed when it is on disk. Clusters of more servers are refused: their
/// servers would have to agree, by a protocol that is not spoken here.
/// </remarks>
internal sealed class ClusterLogFile : DatabaseFile
{
    private ClusterHeader _header;
    private long _term;
    private long _firstIndex;

    private ClusterLogFile(string path, string shown, FileStream? lockFile, ClusterLog log)
        : base(path, shown, lockFile)
    {
        _header = log.Header;
        _term = log.Term;
        _firstIndex = log.Header.Index + 1;
        LastIndex = log.LastIndex;
        ElectionTimer = log.ElectionTimer;
        Servers = log.Servers;
    }

    public Guid ClusterId => _header.ClusterId!.Value;
    public Guid ServerId => _header.ServerId;
    public string Address => _header.LocalAddress;
    public string Name => _header.Name;
    public long Term => _term;

    /// <summary>The oldest entry that the file still has; after the newest one if none.</summary>
    public long FirstIndex => _firstIndex;

    /// <summary>The entry with which this server became leader.</summary>
    public long ElectedIndex { get; private set; }

    public long LastIndex { get; private set; }

    /// <summary>Milliseconds.</summary>
    public long ElectionTimer { get; private set; }

    public ImmutableSortedDictionary<Guid, string> Servers { get; }

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
                && IsServed(log, shown, out problem) && log.TryBuild(out var rows, out problem))
            {
                file = new ClusterLogFile(path, shown, lockFile, log)
                {
                    Snapshot = rows,
                    TornTail = reader.Problem,
                };
                file.OpenForWriting(reader);
                file.StartTerm();
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

        lockFile?.Dispose();
        return false;
    }

    /// <remarks>An entry counts as committed only on disk: each one is flushed.</remarks>
    public override void Append(DatabaseDelta delta, DateTimeOffset date, bool isDurable) =>
        AppendEntry(new ClusterRecord { EntryId = delta.TransactionId }, writer =>
        {
            writer.WriteStartArray();
            writer.WriteNullValue();
            LogTransaction.Write(writer, delta, date);
            writer.WriteEndArray();
        });

    public override void Convert(DatabaseSnapshot snapshot, DateTimeOffset date)
    {
        var rows = RowsOf(snapshot, "converted by ovsdb-server");
        AppendEntry(
            new ClusterRecord { EntryId = snapshot.TransactionId },
            writer => WriteData(
                writer, snapshot.Schema, rest => LogTransaction.Write(rest, rows, date)));
    }

    public override void Compact(DatabaseSnapshot snapshot, DateTimeOffset date, string comment)
    {
        var rows = RowsOf(snapshot, comment);
        _header = _header with
        {
            Term = _term,
            Index = LastIndex,
            Servers = Servers,
            ElectionTimer = ElectionTimer,
            EntryId = snapshot.TransactionId,
        };
        var header = _header.ToJson(writer => WriteData(
            writer, snapshot.Schema, rest => LogTransaction.Write(rest, rows, date)));
        Replace(
        [
            .. LogRecord.Frame(LogRecord.Clustered, header),
            .. new ClusterRecord { Term = _term, Vote = ServerId }.ToFrame(),
        ]);
        _firstIndex = LastIndex + 1;
        Snapshot = snapshot;
    }

    public void SetElectionTimer(long milliseconds)
    {
        AppendEntry(new ClusterRecord { ElectionTimer = milliseconds }, writeData: null);
        ElectionTimer = milliseconds;
    }

    internal override ServedDatabase Serve(DatabaseSchema schema, IActorRef endpoint) =>
        new(schema, endpoint)
        {
            Model = "clustered",
            ClusterId = ClusterId,
            ServerId = ServerId,
            Index = LastIndex,
        };

    private static bool IsServed(
        ClusterLog log, string shown, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (log.Header.IsJoining)
        {
            problem = $"ovsdb error: {shown}: joining a cluster is not supported; clusters of one "
                + "server are";
        }
        else if (log.HasLeft)
        {
            problem = $"ovsdb error: {shown}: server has left its cluster; it cannot be added "
                + "back";
        }
        else if (log.Servers.Count != 1 || !log.Servers.ContainsKey(log.Header.ServerId))
        {
            problem = $"ovsdb error: {shown}: is of a cluster of {log.Servers.Count} servers; only "
                + "clusters of one server are supported";
        }

        return problem is null;
    }

    /// <summary>It votes for itself, which is everybody: it leads.</summary>
    private void StartTerm()
    {
        _term++;
        ElectedIndex = ++LastIndex;
        Write(
        [
            .. new ClusterRecord { Term = _term, Vote = ServerId }.ToFrame(),
            .. new ClusterRecord { Term = _term, Leader = ServerId }.ToFrame(),
            .. new ClusterRecord { Term = _term, Index = LastIndex }.ToFrame(),
            .. new ClusterRecord { CommitIndex = LastIndex }.ToFrame(),
        ], isDurable: true);
    }

    private void AppendEntry(ClusterRecord entry, Action<Utf8JsonWriter>? writeData)
    {
        var index = LastIndex + 1;
        Write(
        [
            .. (entry with { Term = _term, Index = index }).ToFrame(writeData),
            .. new ClusterRecord { CommitIndex = index }.ToFrame(),
        ], isDurable: true);
        LastIndex = index;
    }

    private static DatabaseDelta RowsOf(DatabaseSnapshot snapshot, string comment) =>
        snapshot.ToDelta().WithoutEphemeral(snapshot.Schema) with { Comment = comment };

    private static void WriteData(
        Utf8JsonWriter writer, DatabaseSchema schema, Action<Utf8JsonWriter> writeRows)
    {
        writer.WriteStartArray();
        SchemaWriter.Write(writer, schema);
        writeRows(writer);
        writer.WriteEndArray();
    }
}
