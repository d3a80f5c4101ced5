using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Akka.Util;

namespace Akka.Cluster;

/// <summary>What nodes of a cluster say to each other.</summary>
internal interface IClusterMessage : IDeadLetterSuppression;

internal sealed record InitJoin : IClusterMessage;

internal sealed record InitJoinAck(Address Address) : IClusterMessage;

internal sealed record InitJoinNack(Address Address) : IClusterMessage;

internal sealed record Join(
    UniqueAddress Node, ImmutableHashSet<string> Roles, AppVersion AppVersion) : IClusterMessage;

internal sealed record Welcome(UniqueAddress From, Gossip Gossip) : IClusterMessage;

internal sealed record Leave(Address Address) : IClusterMessage;

internal sealed record Down(Address Address) : IClusterMessage;

internal sealed record Heartbeat(Address From, long Sequence) : IClusterMessage;

internal sealed record HeartbeatRsp(UniqueAddress From, long Sequence) : IClusterMessage;

internal sealed record GossipEnvelope(UniqueAddress From, UniqueAddress To, Gossip Gossip)
    : IClusterMessage;

/// <summary>Only the version, of hosts that know no <see cref="GossipVersions"/>.</summary>
internal sealed record GossipStatus(UniqueAddress From, VectorClock Version) : IClusterMessage;

/// <summary>Which version of the gossip the sender holds, and which it held before.</summary>
/// <param name="Digests">The present one first.</param>
/// <param name="Seen">Who has seen the present one; see <see cref="SeenSet.ToBytes"/>.</param>
/// <param name="IsAnswer">Not answered in kind.</param>
internal sealed record GossipVersions(
    UniqueAddress From, UniqueAddress To, ImmutableArray<ulong> Digests,
    ImmutableArray<byte> Seen, bool IsAnswer) : IClusterMessage;

/// <summary>What has changed since a version that the recipient has.</summary>
internal sealed record GossipDelta(UniqueAddress From, UniqueAddress To, GossipChange Change)
    : IClusterMessage;

internal sealed record ExitingConfirmed(UniqueAddress Node) : IClusterMessage;

/// <summary>What the extension says to the daemon; never leaves the process.</summary>
internal interface IDaemonCommand : INoSerializationVerificationNeeded, IDeadLetterSuppression;

internal sealed record JoinTo(Address Address) : IDaemonCommand;

internal sealed record JoinSeedNodes(ImmutableList<Address> SeedNodes) : IDaemonCommand;

internal sealed record Subscribe(
    IActorRef Subscriber,
    ClusterEvent.SubscriptionInitialStateMode InitialState,
    ImmutableHashSet<Type> To) : IDaemonCommand;

internal sealed record Unsubscribe(IActorRef Subscriber, Type? To) : IDaemonCommand;

internal sealed record SendCurrentState(IActorRef Receiver) : IDaemonCommand;

internal sealed class ExitingCompleted : IDaemonCommand
{
    public static readonly ExitingCompleted Instance = new();
}
