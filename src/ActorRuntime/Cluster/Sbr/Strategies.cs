namespace Akka.Cluster.SBR;

/// <summary>The side with at least 'quorumSize' members stays.</summary>
/// <remarks>
/// With more than 2 * quorumSize - 1 members two sides could stay, so that all go.
/// </remarks>
internal sealed class StaticQuorum(string? role, int quorumSize, UniqueAddress self)
    : DowningStrategy(role, self)
{
    public bool HasTooManyMembers => Members().Count > quorumSize * 2 - 1;

    public override DowningDecision Decide()
    {
        if (HasTooManyMembers) return DowningDecision.DownAll;
        if (HasIndirectlyConnected) return DowningDecision.DownIndirectlyConnected;
        return ReachableCount() >= quorumSize
            ? DowningDecision.DownUnreachable
            : DowningDecision.DownReachable;
    }
}

/// <summary>The larger side stays; of equal halves the one with the lowest address.</summary>
internal sealed class KeepMajority(string? role, UniqueAddress self) : DowningStrategy(role, self)
{
    public override DowningDecision Decide()
    {
        if (HasIndirectlyConnected) return DowningDecision.DownIndirectlyConnected;
        var members = Members();
        if (members.IsEmpty) return DowningDecision.DownAll;
        var decision = Majority(ReachableCount(), UnreachableCount(), members[0]);
        if (decision != DowningDecision.DownUnreachable) return decision;

        // The other side may have moved members to Up, or to Exiting, unseen. Counting as few
        // here and as many there as can be, the conclusion must be the same.
        return WhenChangesWentUnseen() == DowningDecision.DownUnreachable
            ? DowningDecision.DownUnreachable
            : DowningDecision.DownAll;
    }

    private DowningDecision WhenChangesWentUnseen()
    {
        var members = Members(excludingPossiblyExiting: true);
        if (members.IsEmpty) return DowningDecision.DownAll;
        return Majority(
            ReachableCount(withoutPossiblyExiting: true),
            UnreachableCount(possiblyUp: true),
            members[0]);
    }

    private DowningDecision Majority(int here, int there, Member lowest)
    {
        var isKept = here == there ? !IsUnreachable(lowest) : here > there;
        return isKept ? DowningDecision.DownUnreachable : DowningDecision.DownReachable;
    }
}

/// <summary>The side with the oldest member stays, unless the oldest is alone.</summary>
internal sealed class KeepOldest(string? role, bool downIfAlone, UniqueAddress self)
    : DowningStrategy(role, self)
{
    protected override IComparer<Member> Ordering => Member.AgeOrdering;

    public override DowningDecision Decide()
    {
        if (HasIndirectlyConnected) return DowningDecision.DownIndirectlyConnected;
        var members = Members();
        if (members.IsEmpty) return DowningDecision.DownAll;
        var decision = Oldest(!IsUnreachable(members[0]), ReachableCount(), UnreachableCount());
        if (decision != DowningDecision.DownUnreachable) return decision;
        return WhenChangesWentUnseen() == DowningDecision.DownUnreachable
            ? DowningDecision.DownUnreachable
            : DowningDecision.DownAll;
    }

    private DowningDecision WhenChangesWentUnseen()
    {
        var members = Members(excludingPossiblyExiting: true);
        if (members.IsEmpty) return DowningDecision.DownAll;
        return Oldest(
            !IsUnreachable(members[0]),
            ReachableCount(withoutPossiblyExiting: true),
            UnreachableCount(possiblyUp: true));
    }

    private DowningDecision Oldest(bool isHere, int here, int there)
    {
        // Two nodes, one each: the oldest stays though it is alone, the other one is no better.
        var isKept = isHere
            ? !(downIfAlone && here == 1 && there > 1)
            : downIfAlone && there == 1 && here > 1;
        return isKept ? DowningDecision.DownUnreachable : DowningDecision.DownReachable;
    }
}

/// <summary>Whatever is unreachable: everybody goes and comes back as a new cluster.</summary>
internal sealed class DownAllNodes(UniqueAddress self) : DowningStrategy(null, self)
{
    public override DowningDecision Decide() => DowningDecision.DownAll;
}

/// <summary>Whoever gets the lease stays; the minority tries later.</summary>
internal sealed class LeaseMajority(
    string? role, TimeSpan acquireLeaseDelayForMinority, UniqueAddress self)
    : DowningStrategy(role, self)
{
    /// <summary>How long this side waits before it asks for the lease.</summary>
    public TimeSpan AcquireLeaseDelay =>
        IsInMinority ? acquireLeaseDelayForMinority : TimeSpan.Zero;

    public override DowningDecision Decide() => HasIndirectlyConnected
        ? DowningDecision.AcquireLeaseAndDownIndirectlyConnected
        : DowningDecision.AcquireLeaseAndDownUnreachable;

    private bool IsInMinority
    {
        get
        {
            var members = Members();
            if (members.IsEmpty) return false;
            var (here, there) = (ReachableCount(), UnreachableCount());
            return here == there ? IsUnreachable(members[0]) : here < there;
        }
    }
}
