using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

internal sealed partial class ClusterDaemon
{
    /// <summary>Between two rounds of asking seed nodes.</summary>
    private static readonly TimeSpan AskIntervalMax = TimeSpan.FromSeconds(1);

    private ImmutableList<Address> _seeds = [];
    private ImmutableSortedSet<Address> _silentSeeds = [];
    private Address? _joinWith;
    private readonly HashSet<string> _warned = [];
    private TimeSpan _askSince;
    private TimeSpan _joinSince;

    private TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private TimeSpan AskInterval
    {
        get
        {
            var tenth = _settings.SeedNodeTimeout / 10;
            return tenth < AskIntervalMax ? tenth : AskIntervalMax;
        }
    }

    private bool IsFirstSeed => !_seeds.IsEmpty && _seeds[0] == Self0.Address;

    private void JoinSeeds(ImmutableList<Address> seeds)
    {
        if (IsMember || seeds.IsEmpty) return;
        _seeds = [.. seeds.Select(_cluster.Normalize)];
        _joinWith = null;
        _askSince = Now;
        _silentSeeds = _seeds.Where(seed => seed != Self0.Address)
            .ToImmutableSortedSet(AddressOrdering.Instance);
        if (IsFirstSeed && _silentSeeds.IsEmpty)
        {
            JoinTo(Self0.Address);
            return;
        }

        AskSeeds();
        Every(Tick.Join, AskInterval);
    }

    private void AskSeeds()
    {
        foreach (var seed in _seeds)
        {
            if (seed != Self0.Address) Send(seed, new InitJoin());
        }
    }

    private void JoinTick()
    {
        if (IsMember)
        {
            Timers.Cancel(Tick.Join);
            return;
        }

        if (_settings.ShutdownAfterUnsuccessfulJoinSeedNodes is { } limit && Now - _askSince > limit
            && !_seeds.IsEmpty)
        {
            _log.Warning("Joining the seed nodes {0} failed for {1}: shutting down",
                string.Join(", ", _seeds), limit);
            CoordinatedShutdown.Get(Context.System)
                .Run(CoordinatedShutdown.ClusterJoinUnsuccessfulReason.Instance);
            Timers.Cancel(Tick.Join);
            return;
        }

        if (_joinWith is { } target)
        {
            var patience = _settings.RetryUnsuccessfulJoinAfter ?? TimeSpan.FromSeconds(10);
            if (!_seeds.IsEmpty && Now - _joinSince > patience)
            {
                _joinWith = null;
                _askSince = Now;
                AskSeeds();
            }
            else
            {
                SendJoin(target);
            }

            return;
        }

        if (IsFirstSeed && Now - _askSince >= _settings.SeedNodeTimeout) FormAlone();
        else if (!_seeds.IsEmpty) AskSeeds();
    }

    /// <summary>
    /// Only the first seed node may found a cluster, and only if no other has one.
    /// </summary>
    private void FormAlone()
    {
        Info("No seed node is in a cluster yet, forming a new one");
        JoinTo(Self0.Address);
    }

    private void AnswerInitJoin()
    {
        var caller = Sender.Path.Address;
        if (caller == Self0.Address || caller.HasLocalScope) return;
        if (caller.System != Self0.Address.System)
        {
            WarnOnce($"Ignored [{caller}], which wants to join: its actor system has another name");
            return;
        }

        var isUsable = IsMember && SelfStatus is not (MemberStatus.Down or MemberStatus.Exiting);
        Sender.Tell(
            isUsable ? new InitJoinAck(Self0.Address) : new InitJoinNack(Self0.Address), Self);
    }

    private void SeedAnswered(Address seed)
    {
        if (!IsMember && _joinWith is null) JoinTo(seed);
    }

    private void SeedRefused(Address seed)
    {
        if (IsMember || _joinWith is not null || !IsFirstSeed) return;
        _silentSeeds = _silentSeeds.Remove(seed);
        if (_silentSeeds.IsEmpty) FormAlone();
    }

    private void JoinTo(Address address)
    {
        var target = _cluster.Normalize(address);
        if (IsMember)
        {
            if (target != Self0.Address && !Latest.Members.Any(m => m.Address == target))
            {
                _log.Warning("Cannot join [{0}]: this node is a member of a cluster", target);
            }

            return;
        }

        if (target.System != Self0.Address.System || target.Protocol != Self0.Address.Protocol)
        {
            WarnOnce(
                $"Cannot join [{target}]: member of another system or protocol than "
                + $"[{Self0.Address}]");
            return;
        }

        _joinWith = target;
        _joinSince = Now;
        if (target == Self0.Address)
        {
            Admit(new Join(Self0, _settings.Roles, _settings.AppVersion));
            return;
        }

        SendJoin(target);
        Every(Tick.Join, AskInterval);
    }

    private void WarnOnce(string text)
    {
        if (_warned.Count > 1000) _warned.Clear();
        if (_warned.Add(text)) _log.Warning("{0}", text);
    }

    private void SendJoin(Address target) =>
        Send(target, new Join(Self0, _settings.Roles, _settings.AppVersion));

    private void Admit(Join join)
    {
        var node = join.Node;
        var isFounding = node == Self0 && !IsMember && _joinWith == Self0.Address;
        if (!isFounding && !IsMember) return;
        if (SelfStatus is MemberStatus.Down or MemberStatus.Exiting && !isFounding)
        {
            Info("Trying to join [{0}] to [{1}] member, ignoring. Use a member that is Up instead.",
                node.Address, SelfStatus);
            return;
        }

        if (node.Address.System != Self0.Address.System) return;
        var known = Latest.Table.FirstOrDefault(m => m.Address == node.Address);
        if (known is not null && known.UniqueAddress == node)
        {
            Info("Existing member [{0}] is joining again.", node.Address);
            if (node != Self0) Send(node.Address, new Welcome(Self0, Latest));
            return;
        }

        if (known is not null)
        {
            // The old incarnation goes first; the new one keeps asking until it is gone.
            Info("New incarnation of existing member [{0}] is trying to join. Existing will be "
                + "removed from the cluster and then new member will be allowed to join.", known);
            if (known.Status != MemberStatus.Down) BeginDowning(known.Address);
            MarkTerminated(known.UniqueAddress);
            return;
        }

        _detectors.Remove(node);
        var member = Member.Create(node, join.Roles, join.AppVersion);
        Info("Node [{0}] is JOINING, roles [{1}]", node.Address, string.Join(
            ", ", join.Roles.Order(StringComparer.Ordinal)));
        _joiningSince[node] = Now;
        Change(Latest with { Members = Latest.Members.Add(member) });
        if (node == Self0)
        {
            Timers.Cancel(Tick.Join);
            LeaderActions();
        }
        else
        {
            Send(node.Address, new Welcome(Self0, Latest));
        }
    }

    private void TakeWelcome(Welcome welcome)
    {
        if (IsMember || welcome.From.Address != _joinWith) return;
        if (!welcome.Gossip.HasMember(Self0)) return;
        Info("Welcome from [{0}]", welcome.From.Address);
        Timers.Cancel(Tick.Join);
        Adopt(welcome.Gossip.SeenBy(Self0));
        GossipTo(welcome.From);
    }

    /// <summary>A restarted system proves that its predecessor is gone.</summary>
    private void MarkTerminated(UniqueAddress node)
    {
        if (!Latest.HasMember(node)) return;
        if (Latest.Reachability.Status(Self0, node) == ReachabilityStatus.Terminated) return;
        Change(Latest with { Reachability = Latest.Reachability.Terminated(Self0, node) });
        GossipToSomeone();
    }
}
