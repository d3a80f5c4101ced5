using System.Collections.Immutable;
using Akka.Actor;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>
/// Life of a member: Joining, (WeaklyUp,) Up, Leaving, Exiting, Removed; Down from any.
/// </summary>
public enum MemberStatus
{
    Joining = 0,
    Up = 1,
    Leaving = 2,
    Exiting = 3,
    Down = 4,
    Removed = 5,
    WeaklyUp = 6,
}

/// <summary>One member as the gossip tells it. Equal by unique address only.</summary>
public sealed class Member : IComparable<Member>, IComparable, IEquatable<Member>
{
    /// <summary>Up number of members that are not up yet: older than nobody.</summary>
    internal const int NotUp = int.MaxValue;

    internal static readonly IComparer<Member> AgeOrdering =
        Comparer<Member>.Create((a, b) => a.Equals(b) ? 0 : a.IsOlderThan(b) ? -1 : 1);

    /// <summary>Leader election order: address order, but the going and the coming last.</summary>
    internal static readonly IComparer<Member> LeaderStatusOrdering =
        Comparer<Member>.Create(CompareForLeadership);

    private Member(
        UniqueAddress uniqueAddress,
        int upNumber,
        MemberStatus status,
        ImmutableHashSet<string> roles,
        AppVersion appVersion)
    {
        UniqueAddress = uniqueAddress;
        UpNumber = upNumber;
        Status = status;
        Roles = roles;
        AppVersion = appVersion;
    }

    public UniqueAddress UniqueAddress { get; }
    public Address Address => UniqueAddress.Address;
    public MemberStatus Status { get; }
    public ImmutableHashSet<string> Roles { get; }
    public AppVersion AppVersion { get; }

    /// <summary>Grows with each member that the leader moves to Up: age without a clock.</summary>
    internal int UpNumber { get; }

    /// <summary>Equal in all that can change; roles never do.</summary>
    internal bool IsSameAs(Member other) => ReferenceEquals(this, other)
        || (UniqueAddress == other.UniqueAddress
            && Status == other.Status && UpNumber == other.UpNumber);

    internal static Member Create(
        UniqueAddress node, ImmutableHashSet<string> roles, AppVersion appVersion) =>
        new(node, NotUp, MemberStatus.Joining, roles, appVersion);

    internal static Member Create(
        UniqueAddress node,
        int upNumber,
        MemberStatus status,
        ImmutableHashSet<string> roles,
        AppVersion appVersion) => new(node, upNumber, status, roles, appVersion);

    public bool HasRole(string role) => Roles.Contains(role);

    /// <summary>True if this one became Up before 'other'; addresses decide among equals.</summary>
    public bool IsOlderThan(Member other) =>
        UpNumber == other.UpNumber
            ? AddressOrdering.Compare(Address, other.Address) < 0
            : UpNumber < other.UpNumber;

    /// <summary>The same member with another status.</summary>
    /// <exception cref="InvalidOperationException">A member's life has no such step.</exception>
    public Member Copy(MemberStatus status)
    {
        if (status == Status) return this;
        if (!IsAllowed(Status, status))
        {
            throw new InvalidOperationException(
                $"Invalid member status transition for {this}: {Status} -> {status}");
        }

        return new Member(UniqueAddress, UpNumber, status, Roles, AppVersion);
    }

    public Member CopyUp(int upNumber) =>
        new Member(UniqueAddress, upNumber, Status, Roles, AppVersion).Copy(MemberStatus.Up);

    internal static bool IsAllowed(MemberStatus from, MemberStatus to) => (from, to) switch
    {
        (MemberStatus.Joining, MemberStatus.WeaklyUp or MemberStatus.Up or MemberStatus.Leaving
            or MemberStatus.Down or MemberStatus.Removed) => true,
        (MemberStatus.WeaklyUp, MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Down
            or MemberStatus.Removed) => true,
        (MemberStatus.Up, MemberStatus.Leaving or MemberStatus.Down or MemberStatus.Removed) =>
            true,
        (MemberStatus.Leaving, MemberStatus.Exiting or MemberStatus.Down or MemberStatus.Removed)
            => true,
        (MemberStatus.Exiting, MemberStatus.Down or MemberStatus.Removed) => true,
        (MemberStatus.Down, MemberStatus.Removed) => true,
        _ => false,
    };

    /// <summary>Of two tellings about one member, the one that is further on its way.</summary>
    public static Member HighestPriorityOf(Member m1, Member m2)
    {
        if (m1.Status == m2.Status) return m1.IsOlderThan(m2) ? m1 : m2;
        return Priority(m1.Status) >= Priority(m2.Status) ? m1 : m2;
    }

    private static int Priority(MemberStatus status) => status switch
    {
        MemberStatus.Removed => 6,
        MemberStatus.Down => 5,
        MemberStatus.Exiting => 4,
        MemberStatus.Leaving => 3,
        MemberStatus.Up => 2,
        MemberStatus.WeaklyUp => 1,
        _ => 0,
    };

    private static int CompareForLeadership(Member a, Member b)
    {
        var order = Rank(a.Status).CompareTo(Rank(b.Status));
        return order != 0 ? order : a.CompareTo(b);

        static int Rank(MemberStatus status) => status switch
        {
            MemberStatus.Down => 4,
            MemberStatus.Exiting => 3,
            MemberStatus.Joining => 2,
            MemberStatus.WeaklyUp => 1,
            _ => 0,
        };
    }

    public int CompareTo(Member? other) => UniqueAddress.CompareTo(other?.UniqueAddress);

    int IComparable.CompareTo(object? obj) => CompareTo(obj as Member);

    public bool Equals(Member? other) =>
        other is not null && UniqueAddress.Equals(other.UniqueAddress);

    public override bool Equals(object? obj) => Equals(obj as Member);

    public override int GetHashCode() => UniqueAddress.GetHashCode();

    public override string ToString() =>
        $"Member(address = {Address}, Uid={UniqueAddress.Uid} status = {Status}, " +
        $"role=[{string.Join(",", Roles.Order(StringComparer.Ordinal))}], " +
        $"upNumber={UpNumber}, version={AppVersion})";
}
