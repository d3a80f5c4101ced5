using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster;

internal sealed partial class ClusterDaemon
{
    /// <summary>Leader ticks that a downed node waits for the others to have seen it.</summary>
    private const int SelfDownTicksMax = 4;

    private const int ExitingConfirmationCount = 5;

    private readonly Dictionary<UniqueAddress, TimeSpan> _joiningSince = [];
    private int _selfDownTicks;
    private bool _isExiting;

    private void LeaderActions()
    {
        if (!IsMember) return;
        if (_state.IsLeader(Self0))
        {
            if (_state.HasConverged()) ActOnConvergence();
            else if (_settings.AllowWeaklyUpMembers) PromoteToWeaklyUp();
        }

        ShutdownIfDowned();
    }

    /// <summary>Joining to Up, Leaving to Exiting, and removal of those on their way out.</summary>
    private void ActOnConvergence()
    {
        var unreachable = _state.ReachabilityWithoutDowned.AllUnreachableOrTerminated;
        var removed = Latest.Table
            .Where(m => m.UniqueAddress != Self0)
            .Where(m => m.Status is MemberStatus.Down or MemberStatus.Exiting)
            .Where(m => unreachable.Contains(m.UniqueAddress)
                || _state.ExitingConfirmed.Contains(m.UniqueAddress))
            .Select(m => m.UniqueAddress).ToImmutableHashSet();

        var changed = new List<Member>();
        if (HasEnoughMembers())
        {
            var upNumber = Latest.UpNumberMax;
            changed.AddRange(Latest.Table
                .Where(m => m.Status is MemberStatus.Joining or MemberStatus.WeaklyUp)
                .Where(m => !unreachable.Contains(m.UniqueAddress))
                .Select(m => m.CopyUp(++upNumber)));
        }

        changed.AddRange(Latest.Table
            .Where(m => m.Status == MemberStatus.Leaving)
            .Select(m => m.Copy(MemberStatus.Exiting)));
        if (removed.IsEmpty && changed.Count == 0) return;

        foreach (var member in changed)
        {
            _joiningSince.Remove(member.UniqueAddress);
            Info("Leader is moving node [{0}] to [{1}]", member.Address, member.Status);
        }

        foreach (var node in removed)
        {
            Info("Leader is removing node [{0}]", node.Address);
            _detectors.Remove(node);
        }

        Change(Latest.Update(changed).Remove(removed), _state.ExitingConfirmed.Except(removed));
        if (SelfStatus == MemberStatus.Exiting) BeginExiting();
        GossipToSeveral(3);
    }

    private bool HasEnoughMembers()
    {
        var candidates = Latest.Members.Where(m => m.Status is MemberStatus.Joining
            or MemberStatus.WeaklyUp or MemberStatus.Up).ToList();
        return candidates.Count >= _settings.MinNrOfMembers
            && _settings.MinNrOfMembersOfRole.All(
                role => candidates.Count(m => m.HasRole(role.Key)) >= role.Value);
    }

    private void PromoteToWeaklyUp()
    {
        var unreachable = _state.ReachabilityWithoutDowned.AllUnreachableOrTerminated;
        var now = Now;
        var promoted = Latest.Members
            .Where(m => m.Status == MemberStatus.Joining && !unreachable.Contains(m.UniqueAddress))
            .Where(m => now - SinceWhenJoining(m.UniqueAddress) >= _settings.WeaklyUpAfter)
            .Select(m => m.Copy(MemberStatus.WeaklyUp)).ToList();
        if (promoted.Count == 0 || !HasEnoughMembers()) return;
        foreach (var member in promoted)
        {
            Info("Leader is moving node [{0}] to [WeaklyUp]", member.Address);
        }

        Change(Latest.Update(promoted));
        GossipToSeveral(3);
    }

    private TimeSpan SinceWhenJoining(UniqueAddress node)
    {
        if (!_joiningSince.TryGetValue(node, out var since)) _joiningSince[node] = since = Now;
        return since;
    }

    private void BeginLeaving(Address address)
    {
        var target = _cluster.Normalize(address);
        var member = Latest.Members.FirstOrDefault(m => m.Address == target);
        if (member is null || !Member.IsAllowed(member.Status, MemberStatus.Leaving)) return;
        Info("Marked address [{0}] as [Leaving]", target);
        Change(Latest.Update([member.Copy(MemberStatus.Leaving)]));
        LeaderActions();
        GossipToSeveral(3);
    }

    private void BeginDowning(Address address)
    {
        var target = _cluster.Normalize(address);
        // Of two incarnations the one that is gone, and not the one that is down already.
        var member = Latest.Members
            .Where(m => m.Address == target && Member.IsAllowed(m.Status, MemberStatus.Down))
            .OrderBy(m => Latest.Reachability.IsReachable(m.UniqueAddress)).FirstOrDefault();
        if (member is null) return;
        Info("Marking node [{0}] as [Down]", target);

        // Who is down did not see this version: others must not wait for it.
        Change(Latest.Update([member.Copy(MemberStatus.Down)]));
        if (member.UniqueAddress != Self0) SendGossip(member.UniqueAddress);
        GossipToSeveral(3);
    }

    /// <summary>This node was moved to Exiting: the system shuts down in order.</summary>
    private void BeginExiting()
    {
        if (_isExiting) return;
        _isExiting = true;
        _cluster.SelfIsExiting();
        CoordinatedShutdown.Get(Context.System)
            .Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
    }

    /// <summary>What had to be handed over was: the others need not wait any more.</summary>
    private void CompleteExiting()
    {
        _state = _state with { ExitingConfirmed = _state.ExitingConfirmed.Add(Self0) };
        var targets = Latest.Members
            .Where(m => m.UniqueAddress != Self0 && m.Status != MemberStatus.Down)
            .OrderBy(m => m.Status is MemberStatus.Up or MemberStatus.Leaving ? 0 : 1).ToList();
        var leader = _state.LeaderOf(Latest.Members.Where(m => m.UniqueAddress != Self0));
        if (leader is not null) Send(leader.Address, new ExitingConfirmed(Self0));
        foreach (var member in targets.Take(ExitingConfirmationCount))
        {
            if (member.UniqueAddress != leader)
            {
                Send(member.Address, new ExitingConfirmed(Self0));
            }
        }

        Sender.Tell(Done.Instance, Self);
    }

    private void ConfirmExiting(UniqueAddress node)
    {
        if (Latest.Find(node)?.Status != MemberStatus.Exiting)
        {
            // It may know of its exit before this node does.
            if (Latest.HasMember(node))
            {
                _state = _state with { ExitingConfirmed = _state.ExitingConfirmed.Add(node) };
            }

            return;
        }

        _state = _state with { ExitingConfirmed = _state.ExitingConfirmed.Add(node) };
        LeaderActions();
    }

    /// <summary>
    /// A downed node goes when the others that are down have seen it, or after a while.
    /// </summary>
    private void ShutdownIfDowned()
    {
        if (SelfStatus != MemberStatus.Down) return;
        var unreachable = _state.ReachabilityWithoutDowned.AllUnreachableOrTerminated;
        var isSeen = Latest.Members
            .Where(m => m.Status == MemberStatus.Down)
            .All(m => unreachable.Contains(m.UniqueAddress)
                || Latest.Seen.Contains(m.UniqueAddress));
        if (!isSeen && ++_selfDownTicks < SelfDownTicksMax) return;
        Info("Shutting down myself: this node was marked as [Down]");
        Shutdown();
    }
}
