using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.Cluster.SBR;

/// <summary>
/// The view of a split that a downing decision is made from. Pure: no I/O, no clock.
/// </summary>
/// <remarks>
/// The membership is added to by the methods below, then <see cref="Decide"/> says what to do and
/// <see cref="NodesToDown(DowningDecision)"/> whom that means. Joining and WeaklyUp members do not
/// count, Exiting and Down are left out.
/// </remarks>
internal abstract class DowningStrategy(string? role, UniqueAddress self)
{
    private readonly SortedDictionary<UniqueAddress, Member> _members = [];

    public string? Role { get; } = role;
    public UniqueAddress Self { get; } = self;
    public ImmutableHashSet<UniqueAddress> Unreachable { get; private set; } = [];
    public Reachability Reachability { get; private set; } = Reachability.Empty;

    /// <summary>Who is known to hold the present gossip.</summary>
    private Predicate<UniqueAddress> _hasSeen = _ => false;

    /// <summary>Order in which the first member of a side is sought.</summary>
    protected virtual IComparer<Member> Ordering => Comparer<Member>.Default;

    public abstract DowningDecision Decide();

    public IEnumerable<Member> AllMembers => _members.Values;

    public void Add(Member member)
    {
        _members[member.UniqueAddress] = member;
        if (member.Status is MemberStatus.Removed) Remove(member);
    }

    public void Remove(Member member)
    {
        _members.Remove(member.UniqueAddress);
        Unreachable = Unreachable.Remove(member.UniqueAddress);
    }

    public void AddUnreachable(Member member)
    {
        Add(member);
        Unreachable = Unreachable.Add(member.UniqueAddress);
    }

    public void AddReachable(Member member)
    {
        Add(member);
        Unreachable = Unreachable.Remove(member.UniqueAddress);
    }

    /// <summary>Takes the reachability table; returns true if it changed.</summary>
    public bool SetReachability(Reachability reachability)
    {
        // Records about or by members that are no longer there say nothing, and who was found
        // again is no trouble any more, though its record stays while there are others.
        var known = reachability.FilterRecords(r =>
            r.Status != ReachabilityStatus.Reachable
            && _members.ContainsKey(r.Observer) && _members.ContainsKey(r.Subject));
        var hasChanged = !Reachability.Equals(known);
        Reachability = known;
        return hasChanged;
    }

    public void SetSeenBy(ImmutableHashSet<Address> seenBy) =>
        _hasSeen = node => seenBy.Contains(node.Address);

    /// <remarks>It is asked about the few that somebody finds unreachable.</remarks>
    public void SetSeenBy(SeenSet seen) => _hasSeen = seen.Contains;

    public bool IsUnreachable(Member member) => Unreachable.Contains(member.UniqueAddress);

    /// <summary>Members that count, in the strategy's order.</summary>
    public ImmutableSortedSet<Member> Members(
        bool includingPossiblyUp = false, bool excludingPossiblyExiting = false) =>
        _members.Values
            .Where(m => Role is null || m.HasRole(Role))
            .Where(m => m.Status switch
            {
                MemberStatus.Joining or MemberStatus.WeaklyUp => includingPossiblyUp,
                MemberStatus.Leaving => !excludingPossiblyExiting,
                MemberStatus.Up => true,
                _ => false,
            })
            .ToImmutableSortedSet(Ordering);

    public int ReachableCount(bool possiblyUp = false, bool withoutPossiblyExiting = false) =>
        Members(possiblyUp, withoutPossiblyExiting).Count(m => !IsUnreachable(m));

    public int UnreachableCount(bool possiblyUp = false, bool withoutPossiblyExiting = false) =>
        Members(possiblyUp, withoutPossiblyExiting).Count(IsUnreachable);

    /// <summary>Nodes that some cannot reach although they are in touch with others.</summary>
    /// <remarks>
    /// Either an observer is a subject too (a cycle: both sides of the broken link still gossip),
    /// or the subject has seen the present gossip, so that it cannot be cut off.
    /// </remarks>
    public ImmutableHashSet<UniqueAddress> IndirectlyConnected =>
        CyclicObservers.Union(InTouchByGossip);

    public bool HasIndirectlyConnected => !IndirectlyConnected.IsEmpty;

    private ImmutableHashSet<UniqueAddress> CyclicObservers => Reachability.IsAllReachable
        ? []
        : Reachability.AllUnreachableOrTerminated.Intersect(Reachability.AllObservers);

    private ImmutableHashSet<UniqueAddress> InTouchByGossip
    {
        get
        {
            if (Reachability.IsAllReachable) return [];
            var seen = Reachability.AllUnreachableOrTerminated.Where(node => _hasSeen(node))
                .ToHashSet();
            return
            [
                .. seen,
                .. Reachability.Records.Where(r => seen.Contains(r.Subject))
                    .Select(r => r.Observer),
            ];
        }
    }

    public ImmutableHashSet<UniqueAddress> NodesToDown() => NodesToDown(Decide());

    public ImmutableHashSet<UniqueAddress> NodesToDown(DowningDecision decision)
    {
        var downable = _members.Values
            .Where(m => m.Status is not (MemberStatus.Down or MemberStatus.Exiting
                or MemberStatus.Removed))
            .Select(m => m.UniqueAddress).ToImmutableHashSet();
        switch (decision)
        {
            case DowningDecision.DownUnreachable:
            case DowningDecision.AcquireLeaseAndDownUnreachable:
                return downable.Intersect(Unreachable);
            case DowningDecision.DownReachable:
                return downable.Except(Unreachable);
            case DowningDecision.DownAll:
                return downable;
            case DowningDecision.DownIndirectlyConnected:
            case DowningDecision.AcquireLeaseAndDownIndirectlyConnected:
                return downable.Intersect(IndirectlyConnected)
                    .Union(OfCleanPartition(reversed: false)).Intersect(downable);
            case DowningDecision.ReverseDownIndirectlyConnected:
                // The lease went to the other side: this side goes, the indirectly connected too.
                return downable.Intersect(IndirectlyConnected)
                    .Union(OfCleanPartition(reversed: true)).Intersect(downable);
            case DowningDecision.DownSelfQuarantinedByRemote:
                return downable.Intersect([Self]);
            default:
                throw new InvalidOperationException($"No such decision: {decision}");
        }
    }

    /// <summary>The decision of the side that did not get the lease.</summary>
    public static DowningDecision Reverse(DowningDecision decision) => decision switch
    {
        DowningDecision.DownUnreachable or DowningDecision.AcquireLeaseAndDownUnreachable =>
            DowningDecision.DownReachable,
        DowningDecision.DownReachable => DowningDecision.DownUnreachable,
        DowningDecision.DownIndirectlyConnected
            or DowningDecision.AcquireLeaseAndDownIndirectlyConnected =>
            DowningDecision.ReverseDownIndirectlyConnected,
        DowningDecision.ReverseDownIndirectlyConnected => DowningDecision.DownIndirectlyConnected,
        _ => decision,
    };

    /// <summary>
    /// When a clean split and broken links come together: the clean split's part.
    /// </summary>
    private ImmutableHashSet<UniqueAddress> OfCleanPartition(bool reversed)
    {
        if (Unreachable.Except(IndirectlyConnected).IsEmpty)
        {
            return reversed ? NodesToDown(DowningDecision.DownReachable) : [];
        }

        var (unreachable, reachability) = (Unreachable, Reachability);
        var cyclic = CyclicObservers;
        var inTouch = InTouchByGossip;
        Reachability = reachability.FilterRecords(r =>
            !(cyclic.Contains(r.Observer) && cyclic.Contains(r.Subject))
            && !(inTouch.Contains(r.Observer) && inTouch.Contains(r.Subject)));
        Unreachable = Reachability.AllUnreachableOrTerminated;
        try
        {
            if (HasIndirectlyConnected) return NodesToDown(DowningDecision.DownAll);
            var decision = Decide();
            return NodesToDown(reversed ? Reverse(decision) : decision);
        }
        finally
        {
            (Unreachable, Reachability) = (unreachable, reachability);
        }
    }
}
