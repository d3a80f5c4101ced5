using System.Collections.Immutable;

namespace Fabric.Cluster;

/// <summary>What a host that looks for its cluster tells the others it knows.</summary>
/// <param name="Candidate">The host that should form it again, in the sender's view.</param>
public sealed record FormationNote(string HostId, bool IsMember, string Candidate);

/// <summary>When all hosts were down together, who forms the cluster again?</summary>
/// <remarks>
/// Normally nobody: a host that was ever in a cluster joins. Only when a majority of the voters of
/// the northbound log hear each other, none of them is in a cluster, and all of them name the same
/// host for some seconds, that host forms it. The log's own terms keep a mistake here harmless.
/// </remarks>
public sealed class FormationRule(string host)
{
    private static readonly TimeSpan NoteLife = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Unanimity = TimeSpan.FromSeconds(3);

    private readonly SortedDictionary<string, (FormationNote Note, TimeSpan At)> _heard =
        new(StringComparer.Ordinal);
    private TimeSpan? _agreedSince;

    /// <summary>Of the northbound log, as far as this host knows.</summary>
    public VoterSet Voters { get; set; } = VoterSet.None;

    /// <summary>Lowest id of the voters that were heard of lately, this host included.</summary>
    public string Candidate(TimeSpan now) => Fresh(now)
        .Select(note => note.HostId).Append(host)
        .Where(id => Voters.Contains(id)).Order(StringComparer.Ordinal).FirstOrDefault() ?? "";

    public void Hear(FormationNote note, TimeSpan now) => _heard[note.HostId] = (note, now);

    /// <summary>To be called every second; true when this host shall form the cluster.</summary>
    public bool ShallForm(TimeSpan now)
    {
        var notes = Fresh(now);
        var agreeing = notes.Count(note => Voters.Contains(note.HostId)
            && note.HostId != host && note.Candidate == host);
        var isAgreed = Voters.Contains(host) && Candidate(now) == host
            && agreeing + 1 >= Voters.Majority && notes.All(note => !note.IsMember);
        _agreedSince = isAgreed ? _agreedSince ?? now : null;
        return _agreedSince is { } since && now - since >= Unanimity;
    }

    private ImmutableArray<FormationNote> Fresh(TimeSpan now) =>
    [
        .. _heard.Values.Where(heard => now - heard.At <= NoteLife).Select(heard => heard.Note),
    ];
}
