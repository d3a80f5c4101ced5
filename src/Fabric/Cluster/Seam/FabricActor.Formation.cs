using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;

namespace Fabric.Cluster;

/// <content>Into a cluster and out of it: all that is decided here, docs/cluster.md.</content>
public sealed partial class FabricActor
{
    private readonly FormationRule _formation;
    private readonly ContactList _contacts;
    private readonly long _startedAt;

    /// <summary>
    /// A member that comes up takes seconds; unreachable others make it weakly up instead.
    /// </summary>
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan AnswerInterval = TimeSpan.FromMilliseconds(800);

    private static readonly TimeSpan JoinThroughInterval = TimeSpan.FromSeconds(5);

    private readonly SortedDictionary<string, TimeSpan> _answeredAt =
        new(StringComparer.Ordinal);
    private TimeSpan _askedAt;
    private TimeSpan? _joiningSince;
    private TimeSpan _joinedThroughAt;

    private TimeSpan Now => _settings.Clock.GetElapsedTime(_startedAt);

    private void Join()
    {
        if (_start.Forms)
        {
            _log.Info("Forms a cluster at {0}", _node.SelfAddress);
            _node.Join(_node.SelfAddress);
            return;
        }

        if (_start.Contacts.IsEmpty)
            _log.Warning("Nobody to join through: no member is known, no seed");
        else
            AskContacts();
    }

    /// <summary>
    /// Who was given up while joining will never be welcomed: only another incarnation will.
    /// </summary>
    private void Refused(ThisActorSystemQuarantinedEvent news)
    {
        var self = _node.SelfUniqueAddress;
        _formation.HearRefusal(Now);
        if (_node.State.Members.Any(member => member.UniqueAddress.Equals(self))) return;
        _log.Warning("{0} gave this incarnation up while it joined: another one begins",
            news.RemoteAddress);
        Context.System.Terminate();
    }

    /// <summary>
    /// While in no cluster, or in one that lacks voters: tells known hosts. Forms a cluster
    /// if it must be, and gives up one that is the smaller part of what it was.
    /// </summary>
    private void LookForOthers()
    {
        if (_members.IsMember)
        {
            if (_formation.With(_members).Count < _formation.Voters.Count) TellStrangers();
            if (!_formation.ShallYield(_members, Now)) return;
            _log.Warning("Most voters are in another cluster: joins anew");
            _node.Down(_node.SelfAddress);
            return;
        }

        if (_start.Forms) return;
        if (_contacts.IsLarge && Now - _askedAt >= JoinPatience) AskContacts();
        Tell(_contacts.Next(_formation.Voters));
        if (!_formation.ShallForm(Now)) return;
        _log.Warning("No voter is in a cluster any more: {0} forms it again", _settings.HostId);
        _node.Join(_node.SelfAddress);
    }

    /// <summary>
    /// Who has a say in forming again: the log's voters, or all hosts if it is in PostgreSQL.
    /// </summary>
    private VoterSet ElectorsOf(LogStatus status) => SqlVoter.Votes(status.Voters)
        ? VoterSet.Of(_start.KnownHosts.Keys.Append(_settings.HostId))
        : status.Voters;

    /// <summary>Those that are in this cluster need not be told of it.</summary>
    private void TellStrangers()
    {
        var here = _members.Members
            .Where(member => !_formation.IsStranger(member.HostId, _members, Now))
            .Select(member => member.Address).ToHashSet(StringComparer.Ordinal);
        Tell(_contacts.Next(_formation.Voters).Where(contact => !here.Contains(contact)));
    }

    private void Tell(IEnumerable<string> contacts)
    {
        var note = Note();
        foreach (var contact in contacts)
            Context.ActorSelection($"{contact}/user/{FabricSystem.RootName}").Tell(note, Self);
    }

    private void AskContacts()
    {
        _askedAt = Now;
        var contacts = _contacts.Next(_formation.Voters);
        _log.Info("Joins through {0}", string.Join(", ", contacts));
        _node.JoinSeedNodes(contacts.Select(Address.Parse).ToImmutableList());
    }

    private FormationNote Note() => _members.IsMember
        ? new FormationNote(_settings.HostId, true, "")
        {
            LogId = _formation.LogId,
            With = _formation.With(_members),
        }
        : new FormationNote(_settings.HostId, false, _formation.Candidate(Now))
        {
            LogId = _formation.LogId,
        };

    /// <summary>
    /// Ends an incarnation that was welcomed by a host that died before it told the others: they
    /// do not know it, ignore its gossip, and would do so for ever. The next one joins anew.
    /// </summary>
    private void GiveUpLostJoin(MembershipView members)
    {
        var isJoining = members.Find(_settings.HostId) is { Status: "joining" };
        _joiningSince = isJoining ? _joiningSince ?? Now : null;
        if (!(Now - _joiningSince >= JoinPatience)) return;
        _joiningSince = null;
        _log.Warning("Joining for {0}, and nobody knows: joins anew", JoinPatience);
        _node.Down(_node.SelfAddress);
    }

    private void Hear(FormationNote note)
    {
        _formation.Hear(note, Now);
        var isStranger = _formation.IsStranger(note.HostId, _members, Now);
        if (!_members.IsMember && note.IsMember) JoinThrough(note);
        if (!_members.IsMember || !isStranger) return;
        // Two members that are strangers would answer each other's answers for ever.
        if (_answeredAt.TryGetValue(note.HostId, out var at) && Now - at < AnswerInterval) return;
        _answeredAt[note.HostId] = Now;
        Sender.Tell(Note(), Self);
    }

    /// <summary>
    /// What is left of the cluster may be a host that this one has forgotten while it was away.
    /// </summary>
    private void JoinThrough(FormationNote note)
    {
        var address = Sender.Path.Address;
        if (note.LogId == Guid.Empty || note.LogId != _formation.LogId
            || _start.Contacts.Contains(address.ToString())
            || Now - _joinedThroughAt < JoinThroughInterval) return;
        _joinedThroughAt = Now;
        _log.Info("Joins through {0}, which is a member", address);
        _node.Join(address);
    }
}
