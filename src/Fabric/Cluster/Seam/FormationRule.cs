using System.Collections.Immutable;
using Akka.Event;

namespace Fabric.Cluster;

/// <summary>What a host that looks for its cluster tells the others it knows.</summary>
/// <param name="Candidate">The host that should form it again, in the sender's view.</param>
public sealed record FormationNote(string HostId, bool IsMember, string Candidate)
    : IDeadLetterSuppression
{
    /// <summary>Of the northbound log; notes about another one are not heard.</summary>
    public Guid LogId { get; init; }

    /// <summary>Of a member: the log's voters that are with it and reachable.</summary>
    public VoterSet With { get; init; } = VoterSet.None;
}

/// <summary>When all hosts were down together, who forms the cluster again?</summary>
/// <remarks>
/// Normally nobody: a host that was ever in a cluster joins. Only when a majority of the voters of
/// the northbound log hear each other, none of them is in a cluster, and all of them name the same
/// host for some seconds, that host forms it. A host that they do not hear may be in what is left
/// of the old cluster: once they meet, the smaller one gives up and its hosts join the other. The
/// log's own terms keep a mistake here harmless.
/// </remarks>
public sealed class FormationRule(string host)
{
    private static readonly TimeSpan NoteLife = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Unanimity = TimeSpan.FromSeconds(3);

    /// <summary>Longer than the resolver of partitions takes for its own decision.</summary>
    private static readonly TimeSpan Coexistence = TimeSpan.FromSeconds(10);

    private readonly SortedDictionary<string, (FormationNote Note, TimeSpan At)> _heard =
        new(StringComparer.Ordinal);
    private TimeSpan? _agreedSince;
    private TimeSpan? _weakerSince;

    /// <summary>Of the northbound log, as far as this host knows.</summary>
    public VoterSet Voters { get; set; } = VoterSet.None;

    /// <summary>Of the log; zeros while this host knows none.</summary>
    public Guid LogId { get; set; }

    /// <summary>Lowest id of the voters that were heard of lately, this host included.</summary>
    public string Candidate(TimeSpan now) => Fresh(now)
        .Select(note => note.HostId).Append(host)
        .Where(id => Voters.Contains(id)).Order(StringComparer.Ordinal).FirstOrDefault() ?? "";

    public void Hear(FormationNote note, TimeSpan now)
    {
        var isForeign = note.LogId != LogId && note.LogId != Guid.Empty && LogId != Guid.Empty;
        if (!isForeign) _heard[note.HostId] = (note, now);
    }

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

    /// <summary>The log's voters that are members and reachable, as 'members' says.</summary>
    public VoterSet With(MembershipView members) => VoterSet.Of(Voters.Hosts.Where(
        voter => members.Find(voter) is { IsAlive: true, IsReachable: true }));

    /// <summary>
    /// To be called every second; true when another cluster of the same log has more of its
    /// voters (of as many: has the lowest one) and this host's shall give up.
    /// </summary>
    public bool ShallYield(MembershipView members, TimeSpan now)
    {
        var own = With(members);
        var isWeaker = members.IsMember && Fresh(now).Any(note => note.IsMember
            && members.Find(note.HostId) is not { IsAlive: true, IsReachable: true }
            && IsStronger(note.With, own));
        _weakerSince = isWeaker ? _weakerSince ?? now : null;
        return _weakerSince is { } since && now - since >= Coexistence;
    }

    private static bool IsStronger(VoterSet one, VoterSet other) => one.Count != other.Count
        ? one.Count > other.Count
        : one.Count > 0 && string.CompareOrdinal(one.Hosts[0], other.Hosts[0]) < 0;

    private ImmutableArray<FormationNote> Fresh(TimeSpan now) =>
    [
        .. _heard.Values.Where(heard => now - heard.At <= NoteLife).Select(heard => heard.Note),
    ];
}
