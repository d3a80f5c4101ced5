using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;

namespace Akka.Cluster;

/// <summary>What the cluster tells its subscribers.</summary>
public static class ClusterEvent
{
    /// <summary>How a new subscriber learns what is already so.</summary>
    public enum SubscriptionInitialStateMode
    {
        /// <summary>As one <see cref="CurrentClusterState"/>.</summary>
        InitialStateAsSnapshot = 0,

        /// <summary>As the events that would have led there.</summary>
        InitialStateAsEvents = 1,
    }

    public static readonly SubscriptionInitialStateMode InitialStateAsSnapshot =
        SubscriptionInitialStateMode.InitialStateAsSnapshot;

    public static readonly SubscriptionInitialStateMode InitialStateAsEvents =
        SubscriptionInitialStateMode.InitialStateAsEvents;

    public interface IClusterDomainEvent : IDeadLetterSuppression;

    /// <summary>The membership at one moment.</summary>
    public sealed class CurrentClusterState : INoSerializationVerificationNeeded
    {
        private readonly Lazy<ImmutableHashSet<Address>> _seenBy;
        private readonly Lazy<ImmutableDictionary<string, Address?>> _roleLeaders;

        public CurrentClusterState()
            : this([], [], [], null, ImmutableDictionary<string, Address?>.Empty)
        {
        }

        public CurrentClusterState(
            ImmutableSortedSet<Member> members,
            ImmutableHashSet<Member> unreachable,
            ImmutableHashSet<Address> seenBy,
            Address? leader,
            ImmutableDictionary<string, Address?> roleLeaderMap)
            : this(
                members, unreachable, new Lazy<ImmutableHashSet<Address>>(() => seenBy), leader,
                new Lazy<ImmutableDictionary<string, Address?>>(() => roleLeaderMap))
        {
        }

        /// <summary>Parts that hardly anybody reads are made when somebody does.</summary>
        internal CurrentClusterState(
            ImmutableSortedSet<Member> members,
            ImmutableHashSet<Member> unreachable,
            Lazy<ImmutableHashSet<Address>> seenBy,
            Address? leader,
            Lazy<ImmutableDictionary<string, Address?>> roleLeaderMap)
        {
            Members = members;
            Unreachable = unreachable;
            _seenBy = seenBy;
            Leader = leader;
            _roleLeaders = roleLeaderMap;
        }

        public ImmutableSortedSet<Member> Members { get; }
        public ImmutableHashSet<Member> Unreachable { get; }
        public ImmutableHashSet<Address> SeenBy => _seenBy.Value;

        /// <summary>Null while there is none.</summary>
        public Address? Leader { get; }

        public ImmutableHashSet<string> AllRoles => _roleLeaders.Value.Keys.ToImmutableHashSet();

        public bool HasMoreThanOneAppVersion =>
            Members.Select(m => m.AppVersion).Distinct().Skip(1).Any();

        public Address? RoleLeader(string role) => _roleLeaders.Value.GetValueOrDefault(role);

        public CurrentClusterState Copy(
            ImmutableSortedSet<Member>? members = null,
            ImmutableHashSet<Member>? unreachable = null,
            ImmutableHashSet<Address>? seenBy = null,
            Address? leader = null,
            ImmutableDictionary<string, Address?>? roleLeaderMap = null) => new(
            members ?? Members, unreachable ?? Unreachable, seenBy ?? SeenBy, leader ?? Leader,
            roleLeaderMap ?? _roleLeaders.Value);
    }

    public interface IMemberEvent : IClusterDomainEvent
    {
        Member Member { get; }
    }

    /// <summary>A member has another status.</summary>
    public abstract record MemberStatusChange(Member Member) : IMemberEvent;

    public sealed record MemberJoined(Member Member) : MemberStatusChange(Member);

    public sealed record MemberWeaklyUp(Member Member) : MemberStatusChange(Member);

    public sealed record MemberUp(Member Member) : MemberStatusChange(Member);

    public sealed record MemberLeft(Member Member) : MemberStatusChange(Member);

    public sealed record MemberExited(Member Member) : MemberStatusChange(Member);

    public sealed record MemberDowned(Member Member) : MemberStatusChange(Member);

    public sealed record MemberRemoved(Member Member, MemberStatus PreviousStatus)
        : MemberStatusChange(Member);

    /// <summary>The leader is another one, or null for none.</summary>
    public sealed record LeaderChanged(Address? Leader) : IClusterDomainEvent;

    public sealed record RoleLeaderChanged(string Role, Address? Leader) : IClusterDomainEvent;

    /// <summary>This node's membership has ended.</summary>
    public sealed class ClusterShuttingDown : IClusterDomainEvent
    {
        public static readonly IClusterDomainEvent Instance = new ClusterShuttingDown();

        private ClusterShuttingDown()
        {
        }
    }

    public interface IReachabilityEvent : IClusterDomainEvent
    {
        Member Member { get; }
    }

    public abstract record ReachabilityEvent(Member Member) : IReachabilityEvent;

    public sealed record UnreachableMember(Member Member) : ReachabilityEvent(Member);

    public sealed record ReachableMember(Member Member) : ReachabilityEvent(Member);

    /// <summary>Who has seen the present gossip.</summary>
    internal sealed record SeenChanged(SeenSet Seen) : IClusterDomainEvent;

    internal sealed record ReachabilityChanged(Reachability Reachability) : IClusterDomainEvent;
}
