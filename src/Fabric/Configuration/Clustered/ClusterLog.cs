using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What a clustered database file says, read whole.</summary>
internal sealed class ClusterLog
{
    private readonly List<ClusterRecord> _records = [];
    private readonly List<ClusterRecord> _entries = [];

    private ClusterLog(ClusterHeader header)
    {
        Header = header;
        Term = header.Index > 1 ? header.Term : 0; // A new cluster has had no election.
        CommitIndex = header.Index;
        ElectionTimer = header.ElectionTimer ?? RaftSettings.ElectionTimerDefault;
        Servers = header.Servers;
    }

    public ClusterHeader Header { get; }

    /// <summary>All records behind the header.</summary>
    public IReadOnlyList<ClusterRecord> Records => _records;

    /// <summary>Entries of the Raft log; those that a later leader replaced are not here.</summary>
    public IReadOnlyList<ClusterRecord> Entries => _entries;

    public long Term { get; private set; }
    public long CommitIndex { get; private set; }
    public long LastIndex => Header.Index + _entries.Count;

    /// <summary>Milliseconds.</summary>
    public long ElectionTimer { get; private set; }

    public ImmutableSortedDictionary<Guid, string> Servers { get; private set; }

    /// <summary>For whom the server has voted in this term.</summary>
    public Guid? Vote { get; private set; }

    /// <summary>The server has left its cluster for good.</summary>
    public bool HasLeft { get; private set; }

    /// <returns>False, and why, if the first record is none.</returns>
    public static bool TryRead(
        LogReader reader, [NotNullWhen(true)] out ClusterLog? log,
        [NotNullWhen(false)] out string? problem)
    {
        log = null;
        problem = null;
        if (!reader.TryNext(out var first))
        {
            problem = reader.Problem ?? "syntax error: no header record";
            return false;
        }

        if (!ClusterHeader.TryRead(first, out var header, out var error))
        {
            problem = error.ToSentence();
            return false;
        }

        log = new ClusterLog(header);
        while (reader.TryNext(out var json)) log.Add(ClusterRecord.Read(json));
        return true;
    }

    private void Add(ClusterRecord record)
    {
        _records.Add(record);
        if (record.Term > Term)
        {
            Term = record.Term.Value;
            Vote = null;
        }

        if (record.Term == Term) Vote = record.Vote ?? Vote;
        CommitIndex = Math.Max(CommitIndex, record.CommitIndex ?? 0);
        HasLeft |= record.Note == "left";
        if (record.Index is not { } index) return;

        // A new leader's entry takes the place of what was never committed.
        var place = (int)Math.Clamp(index - Header.Index - 1, 0, _entries.Count);
        _entries.RemoveRange(place, _entries.Count - place);
        _entries.Add(record with { Term = record.Term ?? Term, Index = LastIndex + 1 });
        if (record.ElectionTimer is { } timer) ElectionTimer = timer;
        if (record.Servers is { } servers) Servers = servers;
    }

    /// <summary>What a server that starts with this file remembers.</summary>
    public RaftMemory ToMemory()
    {
        var snapshot = new RaftSnapshot(
            Header.Index, Header.Term, Header.EntryId, Header.Servers,
            Header.ElectionTimer ?? RaftSettings.ElectionTimerDefault, Header.Data);
        return new RaftMemory(
            Header.ServerId, Header.LocalAddress, new RaftLog(snapshot, _entries), Term,
            Math.Min(CommitIndex, LastIndex), ElectionTimer)
        {
            Vote = Vote,
            Remotes = Header.RemoteAddresses,
        };
    }

    /// <summary>The database after an entry; without one, after the last entry.</summary>
    /// <returns>False, and why, if the rows are not those of the schema.</returns>
    public bool TryBuild(
        [NotNullWhen(true)] out DatabaseSnapshot? snapshot,
        [NotNullWhen(false)] out string? problem, long upTo = long.MaxValue)
    {
        snapshot = null;
        if (!TryApply(ref snapshot, Header.Data, Header.EntryId, out problem)) return false;
        foreach (var entry in _entries)
        {
            if (entry.Index > upTo) break;
            if (!entry.HasData) continue;
            if (!TryApply(
                ref snapshot, entry.Data, entry.EntryId ?? Guid.Empty, out problem))
            {
                return false;
            }
        }

        problem = snapshot is null ? "syntax error: snapshot without a schema" : null;
        return problem is null;
    }

    /// <summary>What an entry's data makes of a database.</summary>
    /// <returns>False, and why, if it cannot be.</returns>
    public static bool TryApply(
        ref DatabaseSnapshot? snapshot, JsonElement data, Guid entryId,
        [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (data.ValueKind != JsonValueKind.Array || data.GetArrayLength() != 2)
        {
            problem = "syntax error: data is not an array of schema and transaction";
            return false;
        }

        if (data[0].ValueKind != JsonValueKind.Null)
        {
            if (!SchemaReader.TryRead(data[0], out var schema, out var error))
            {
                problem = error.ToSentence();
                return false;
            }

            snapshot = DatabaseSnapshot.EmptyOf(schema);
        }

        if (snapshot is null || data[1].ValueKind == JsonValueKind.Null) return true;
        if (!LogTransaction.TryRead(data[1], snapshot, entryId, out var delta, out problem))
        {
            return false;
        }

        snapshot = snapshot.Apply(delta);
        return true;
    }
}
