using System.Collections.Immutable;

namespace Fabric.Configuration;

/// <summary>A server's log: a snapshot and the entries behind it.</summary>
internal sealed class RaftLog
{
    private readonly List<ClusterRecord> _entries;

    public RaftLog(RaftSnapshot snapshot, IEnumerable<ClusterRecord> entries)
    {
        Snapshot = snapshot;
        _entries = [.. entries];
        Servers = ServersAt(Last);
    }

    public RaftSnapshot Snapshot { get; private set; }

    /// <summary>Index of the first entry; behind the last one if there is none.</summary>
    public long First => Snapshot.Index + 1;

    public long Last => Snapshot.Index + _entries.Count;
    public long LastTerm => TermOf(Last)!.Value;

    /// <summary>The cluster as the newest entry about it says, committed or not.</summary>
    public ImmutableSortedDictionary<Guid, string> Servers { get; private set; }

    /// <summary>The last transaction.</summary>
    public Guid EntryId => EntryIdAt(Last);

    public ClusterRecord this[long index] => _entries[(int)(index - First)];

    /// <summary>Null for what is not in the log any more, or not yet.</summary>
    public long? TermOf(long index) =>
        index == Snapshot.Index ? Snapshot.Term
        : index >= First && index <= Last ? this[index].Term
        : null;

    /// <summary>At most <see cref="RaftSettings.EntryCountMax"/> from an index on.</summary>
    public ImmutableArray<ClusterRecord> From(long index)
    {
        var count = (int)Math.Clamp(Last - index + 1, 0, RaftSettings.EntryCountMax);
        return count == 0 ? [] : [.. _entries.GetRange((int)(index - First), count)];
    }

    public void Append(ClusterRecord entry)
    {
        _entries.Add(entry);
        if (entry.Servers is { } servers) Servers = servers;
    }

    /// <summary>Takes entries back that a new leader does not have.</summary>
    public void CutFrom(long index)
    {
        _entries.RemoveRange((int)(index - First), (int)(Last - index + 1));
        Servers = ServersAt(Last);
    }

    /// <summary>Takes 'snapshot' in the place of the entries up to its own.</summary>
    public void Replace(RaftSnapshot snapshot)
    {
        if (TermOf(snapshot.Index) == snapshot.Term)
        {
            _entries.RemoveRange(0, (int)(snapshot.Index - Snapshot.Index));
        }
        else
        {
            _entries.Clear();
        }

        Snapshot = snapshot;
        Servers = ServersAt(Last);
    }

    public ImmutableSortedDictionary<Guid, string> ServersAt(long index) =>
        Newest(index, entry => entry.Servers is not null)?.Servers ?? Snapshot.Servers;

    public Guid EntryIdAt(long index) =>
        Newest(index, entry => entry.HasData)?.EntryId ?? Snapshot.EntryId;

    private ClusterRecord? Newest(long index, Func<ClusterRecord, bool> isWanted)
    {
        for (var i = index; i >= First; i--)
        {
            if (isWanted(this[i])) return this[i];
        }

        return null;
    }
}
