namespace Akka.Cluster;

internal sealed partial class ClusterDaemon
{
    /// <summary>How often a peer is chosen that has not seen the present version.</summary>
    private const double DifferentViewProbability = 0.8;

    /// <summary>Above so many members the preference fades, to spare the newly joined.</summary>
    private const int DifferentViewMembersMax = 400;

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
        var targets = Latest.Members.Where(_state.IsGossipTarget).ToList();
        if (targets.Count == 0) return;
        var probability = Latest.Members.Count <= DifferentViewMembersMax
            ? DifferentViewProbability
            : DifferentViewProbability * DifferentViewMembersMax / Latest.Members.Count;
        if (_random.NextDouble() < probability)
        {
            var unseen = targets.Where(m => !Latest.Seen.Contains(m.UniqueAddress)).ToList();
            if (unseen.Count > 0) targets = unseen;
        }

        GossipTo(targets[_random.Next(targets.Count)].UniqueAddress);
    }

    /// <summary>The whole gossip to who has not seen it, else only its version.</summary>
    private void GossipTo(UniqueAddress node)
    {
        if (node == Self0) return;
        if (Latest.Seen.Contains(node)) Send(node.Address, new GossipStatus(Self0, Latest.Version));
        else SendGossip(node);
    }

    private void SendGossip(UniqueAddress node) =>
        Send(node.Address, new GossipEnvelope(Self0, node, Latest));

    private void ReceiveStatus(GossipStatus status)
    {
        if (!IsMember || !Latest.HasMember(status.From)) return;
        if (!Latest.Reachability.IsReachable(Self0, status.From)) return;
        switch (status.Version.CompareTo(Latest.Version))
        {
            case ClockOrdering.Same:
                if (!Latest.Seen.Contains(status.From)) Adopt(Latest.SeenBy(status.From));
                break;
            case ClockOrdering.After:
                Send(status.From.Address, new GossipStatus(Self0, Latest.Version));
                break;
            default:
                SendGossip(status.From);
                break;
        }
    }

    private void ReceiveGossip(GossipEnvelope envelope)
    {
        var remote = envelope.Gossip.Sharing(Latest);
        if (!IsMember || envelope.To != Self0) return;
        if (!Latest.HasMember(envelope.From)) return;
        if (!Latest.Reachability.IsReachable(Self0, envelope.From)) return;
        if (!remote.HasMember(Self0)) return;

        var order = remote.Version.CompareTo(Latest.Version);
        var (winner, mustAnswer) = order switch
        {
            ClockOrdering.Same => (Latest.MergeSeen(remote), !remote.Seen.Contains(Self0)),
            ClockOrdering.Before => (Latest, true),
            ClockOrdering.After => (remote, !remote.Seen.Contains(Self0)),
            _ => (Latest.Merge(remote), true),
        };
        if (!ReferenceEquals(winner.Members, Latest.Members))
        {
            foreach (var member in winner.Members)
            {
                if (!Latest.Members.Contains(member)) _detectors.Remove(member.UniqueAddress);
            }
        }

        if (order != ClockOrdering.Before) Adopt(winner.SeenBy(Self0));
        if (SelfStatus == MemberStatus.Exiting) BeginExiting();
        if (mustAnswer) GossipBack(envelope.From);
    }

    private void GossipBack(UniqueAddress node)
    {
        if (Latest.Find(node) is { } member && _state.IsGossipTarget(member)) SendGossip(node);
    }
}
