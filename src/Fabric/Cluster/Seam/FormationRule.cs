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

    /// <summary>Longer than remoting pauses between two attempts.</summary>
    private static readonly TimeSpan RefusalLife = TimeSpan.FromSeconds(8);

    private readonly SortedDictionary<string, (FormationNote Note, TimeSpan At)> _heard =
        new(StringComparer.Ordinal);
    private TimeSpan? _agreedSince;
    private TimeSpan? _weakerSince;
    private TimeSpan? _refusedAt;

    /// <summary>Of the northbound log, as far as this host knows.</summary>
    public VoterSet Voters { get; set; } = VoterSet.None;

    /// <summary>Of the log; zeros while this host knows none.</summary>
    public Guid LogId { get; set; }

    /// <summary>
    /// Lowest id of the voters that were heard lately, this host and those that other voters name
    /// included: logs that end in different places may disagree on who votes.
    /// </summary>
    public string Candidate(TimeSpan now)
    {
        var notes = Fresh(now);
        var heard = notes.Select(note => note.HostId).Append(host).ToHashSet();
        var named = notes.Where(note => Voters.Contains(note.HostId))
            .Select(note => note.Candidate);
        return heard.Where(id => Voters.Contains(id)).Concat(named.Where(heard.Contains))
            .Order(StringComparer.Ordinal).FirstOrDefault() ?? "";
    }

    public void Hear(FormationNote note, TimeSpan now)
    {
        var isForeign = note.LogId != LogId && note.LogId != Guid.Empty && LogId != Guid.Empty;
        if (!isForeign) _heard[note.HostId] = (note, now);
    }

    /// <summary>A host has quarantined this incarnation: its notes cannot be heard.</summary>
    public void HearRefusal(TimeSpan now) => _refusedAt = now;

    /// <summary>To be called every second; true when this host shall form the cluster.</summary>
    public bool ShallForm(TimeSpan now)
    {
        var notes = Fresh(now);
        var agreeing = notes.Count(note => Voters.Contains(note.HostId)
            && note.HostId != host && note.Candidate == host);

        // It may not know yet that it is a voter; a majority of those that are may.
        var own = Voters.Contains(host) && Candidate(now) == host ? 1 : 0;
        var isAgreed = agreeing + own >= Voters.Majority && notes.All(note => !note.IsMember);
        _agreedSince = isAgreed ? _agreedSince ?? now : null;
        return _agreedSince is { } since && now - since >= Unanimity;
    }

    /// <summary>The log's voters that are members and reachable, as 'members' says.</summary>
    public VoterSet With(MembershipView members) => VoterSet.Of(
        Voters.Hosts.Where(voter => IsHere(voter, members)));

    /// <summary>
    /// Not a member here, or one that does not know this voter: who welcomed both may have died
    /// before it told them of each other. They ignore each other's gossip, and would for ever.
    /// </summary>
    public bool IsStranger(string other, MembershipView members, TimeSpan now) =>
        !IsHere(other, members)
        || (Voters.Contains(host) && _heard.TryGetValue(other, out var heard)
            && now - heard.At <= NoteLife && heard.Note.IsMember
            && !heard.Note.With.Contains(host));

    /// <summary>
    /// To be called every second; true when another cluster of the same log has more of its
    /// voters (of as many: has the lowest one) and this host's shall give up. So shall one
    /// without a majority that others have quarantined, which cannot be compared with theirs.
    /// </summary>
    public bool ShallYield(MembershipView members, TimeSpan now)
    {
        var own = VoterSet.Of(
            Voters.Hosts.Where(voter => !IsStranger(voter, members, now)));
        var isRefused = now - _refusedAt <= RefusalLife && own.Count < Voters.Majority;
        var isWeaker = members.IsMember && (isRefused || Fresh(now).Any(note => note.IsMember
            && IsStranger(note.HostId, members, now) && IsStronger(Without(note.With), own)));
        _weakerSince = isWeaker ? _weakerSince ?? now : null;
        return _weakerSince is { } since && now - since >= Coexistence;
    }

    private static bool IsHere(string other, MembershipView members) =>
        members.Find(other) is { IsAlive: true, IsReachable: true };

    /// <summary>Strangers that count this host among theirs are wrong about it.</summary>
    private VoterSet Without(VoterSet voters) =>
        VoterSet.Of(voters.Hosts.Where(voter => voter != host));

    private static bool IsStronger(VoterSet one, VoterSet other) => one.Count != other.Count
        ? one.Count > other.Count
        : one.Count > 0 && string.CompareOrdinal(one.Hosts[0], other.Hosts[0]) < 0;

    private ImmutableArray<FormationNote> Fresh(TimeSpan now)
    {
        var old = _heard.Where(heard => now - heard.Value.At > NoteLife)
            .Select(heard => heard.Key).ToList();
        foreach (var host in old) _heard.Remove(host);
        return [.. _heard.Values.Select(heard => heard.Note)];
    }
}
