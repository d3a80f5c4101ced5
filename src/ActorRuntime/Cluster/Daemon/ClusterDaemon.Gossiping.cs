using System.Collections.Immutable;

namespace Akka.Cluster;

/// <remarks>
/// Who gossips says which versions it has held. Whoever has one of them sends what has changed
/// since, so that a change costs bytes for what it concerns, and not for all members; who has the
/// same version only adds up who has seen it. The whole gossip goes to strangers only.
/// </remarks>
internal sealed partial class ClusterDaemon
{
    /// <summary>How often a peer is chosen that has not seen the present version.</summary>
    private const double DifferentViewProbability = 0.8;

    /// <summary>Above so many members the preference fades, to spare the newly joined.</summary>
    private const int DifferentViewMembersMax = 400;

    private const int AttemptCountMax = 8;

    private readonly GossipHistory _history = new();

    private void GossipRound()
    {
        if (!IsMember) return;
        GossipToSomeone();

        // While most have not seen the version, three times as often.
        var isSlow = Latest.Seen.Count < Latest.Members.Count / 2;
        if (!isSlow || !Latest.IsMultiNode) return;
        Timers.StartSingleTimer("speedup-1", Tick.GossipSpeedup, _settings.GossipInterval / 3);
        Timers.StartSingleTimer("speedup-2", Tick.GossipSpeedup, _settings.GossipInterval * 2 / 3);
    }

    private void GossipToSomeone()
    {
        if (!IsMember || !Latest.IsMultiNode) return;
        var probability = Latest.Members.Count <= DifferentViewMembersMax
            ? DifferentViewProbability
            : DifferentViewProbability * DifferentViewMembersMax / Latest.Members.Count;
        var table = Latest.Table;
        if (_random.NextDouble() < probability)
        {
            var unseen = Latest.Seen.On(table).Unseen().ToArray();
            if (unseen.Length > 0
                && Choose(unseen.Length, index => table[unseen[index]]) is { } one)
            {
                GossipTo(one);
                return;
            }
        }

        if (Choose(table.Count, index => table[index]) is { } any) GossipTo(any);
    }

    /// <summary>A random one of those that this node can gossip with.</summary>
    private UniqueAddress? Choose(int count, Func<int, Member> memberAt)
    {
        for (var attempt = 0; attempt < AttemptCountMax; attempt++)
        {
            var member = memberAt(_random.Next(count));
            if (_state.IsGossipTarget(member)) return member.UniqueAddress;
        }

        var targets = Enumerable.Range(0, count).Select(memberAt)
            .Where(_state.IsGossipTarget).ToArray();
        return targets.Length == 0 ? null : targets[_random.Next(targets.Length)].UniqueAddress;
    }

    private void GossipTo(UniqueAddress node)
    {
        if (node != Self0) SendVersions(node, isAnswer: false);
    }

    private void SendVersions(UniqueAddress node, bool isAnswer) => Send(
        node.Address, new GossipVersions(
            Self0, node, _history.Digests(Latest),
            ImmutableArray.Create(Latest.Seen.On(Latest.Table).ToBytes()), isAnswer));

    /// <summary>The whole of it, for who may have nothing that leads to it.</summary>
    private void SendGossip(UniqueAddress node) =>
        Send(node.Address, new GossipEnvelope(Self0, node, Latest));

    /// <summary>
    /// What has changed since a version that the other is known or thought to have.
    /// </summary>
    private void SendSince(Gossip? known, UniqueAddress node)
    {
        if (known is null) SendGossip(node);
        else Send(node.Address, new GossipDelta(Self0, node, GossipChange.Between(known, Latest)));
    }

    private bool IsWelcome(UniqueAddress from) => IsMember && Latest.HasMember(from)
        && Latest.Reachability.IsReachable(Self0, from);

    private void ReceiveVersions(GossipVersions versions)
    {
        if (versions.To != Self0 || !IsWelcome(versions.From)) return;
        if (versions.Digests.IsEmpty)
        {
            SendGossip(versions.From); // What it was sent did not fit.
            return;
        }

        if (versions.Digests[0] == Latest.Version.Digest)
        {
            ReceiveSeen(versions);
            return;
        }

        if (_history.Find(versions.Digests[0]) is { } older) SendSince(older, versions.From);
        else if (!versions.IsAnswer) SendVersions(versions.From, isAnswer: true);
        else SendSince(CommonWith(versions), versions.From);
    }

    private Gossip? CommonWith(GossipVersions versions) => versions.Digests
        .Select(digest => digest == Latest.Version.Digest ? Latest : _history.Find(digest))
        .FirstOrDefault(version => version is not null);

    private void ReceiveSeen(GossipVersions versions)
    {
        if (SeenSet.Of(Latest.Table, versions.Seen.AsSpan()) is not { } seen) return;
        var united = Latest.SeenAlsoBy(seen).SeenBy(versions.From);
        if (!ReferenceEquals(united, Latest)) Adopt(united);
        if (!versions.IsAnswer && Latest.Seen.Count > seen.Count)
            SendVersions(versions.From, isAnswer: true);
    }

    private void ReceiveStatus(GossipStatus status)
    {
        if (!IsWelcome(status.From)) return;
        if (status.Version.CompareTo(Latest.Version) == ClockOrdering.Same)
            Adopt(Latest.SeenBy(status.From));
        else SendGossip(status.From);
    }

    private void ReceiveGossip(GossipEnvelope envelope)
    {
        if (envelope.To != Self0 || !IsWelcome(envelope.From)) return;
        Take(envelope.From, envelope.Gossip.Sharing(Latest), isDescendant: false);
    }

    private void ReceiveDelta(GossipDelta delta)
    {
        if (delta.To != Self0 || !IsWelcome(delta.From)) return;
        var isDescendant = delta.Change.Base == Latest.Version.Digest;
        var known = isDescendant ? Latest : _history.Find(delta.Change.Base);
        if (known is null) SendVersions(delta.From, isAnswer: true);
        else if (delta.Change.ApplyTo(known) is { } remote) Take(delta.From, remote, isDescendant);
        else Send(delta.From.Address, new GossipVersions(Self0, delta.From, [], [], true));
    }

    /// <param name="isDescendant">It came of the very version that this node holds.</param>
    private void Take(UniqueAddress from, Gossip remote, bool isDescendant)
    {
        if (!remote.HasMember(Self0)) return;
        var order = isDescendant && remote.Version.Digest != Latest.Version.Digest
            ? ClockOrdering.After
            : _history.Find(remote.Version.Digest) is not null
                ? ClockOrdering.Before
                : remote.Version.CompareTo(Latest.Version);
        var (winner, mustAnswer) = order switch
        {
            ClockOrdering.Same =>
                (Latest.SeenAlsoBy(remote.Seen), !remote.Seen.Contains(Self0)),
            ClockOrdering.Before => (Latest, true),
            ClockOrdering.After => (remote, !remote.Seen.Contains(Self0)),
            _ => (Merged(remote), true),
        };
        if (!ReferenceEquals(winner.Members, Latest.Members))
        {
            var (changed, _) = Latest.Table.DifferenceTo(winner.Table);
            foreach (var member in changed)
            {
                if (Latest.HasMember(member.UniqueAddress)) continue;
                _detectors.Remove(member.UniqueAddress);
                _cluster.Retry(member.Address);
            }
        }

        if (order != ClockOrdering.Before) Adopt(winner.SeenBy(Self0));
        if (SelfStatus == MemberStatus.Exiting) BeginExiting();
        if (mustAnswer) GossipBack(from, remote);
    }

    private Gossip Merged(Gossip remote)
    {
        var merged = Latest.Merge(remote);
        return merged.Version.Digest == remote.Version.Digest
            ? merged.SeenAlsoBy(remote.Seen)
            : merged;
    }

    private void GossipBack(UniqueAddress node, Gossip known)
    {
        if (Latest.Find(node) is not { } member || !_state.IsGossipTarget(member)) return;
        if (known.Version.Digest == Latest.Version.Digest) SendVersions(node, isAnswer: true);
        else SendSince(known, node);
    }

    /// <summary>News of this node's making, to a few at once.</summary>
    private void GossipToSeveral(int count)
    {
        var targets = Latest.Table.Where(_state.IsGossipTarget).ToList();
        for (var i = 0; i < count && targets.Count > 0; i++)
        {
            var index = _random.Next(targets.Count);
            SendSince(_history.Latest, targets[index].UniqueAddress);
            targets.RemoveAt(index);
        }
    }
}
