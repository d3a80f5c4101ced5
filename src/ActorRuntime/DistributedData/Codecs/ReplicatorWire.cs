using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace Akka.DistributedData;

/// <summary>What replicators of different hosts say to each other.</summary>
internal interface IReplicatorWireMessage : IDeadLetterSuppression;

/// <summary>What the sender has, in a few numbers.</summary>
/// <param name="Groups">A digest of each group of values; see <see cref="ValueGroups"/>.</param>
internal sealed record ReplicaSummary(ImmutableArray<long> Groups) : IReplicatorWireMessage;

/// <summary>What the sender has.</summary>
/// <param name="Digests">By key; 0: it asks for the value.</param>
/// <param name="Chunk">Which part of the keys this is, of 'ChunkCount'.</param>
/// <param name="ChunkCount">0: only a question about these keys.</param>
internal sealed record ReplicaStatus(
    ImmutableSortedDictionary<string, long> Digests, int Chunk, int ChunkCount)
    : IReplicatorWireMessage;

/// <summary>Whole values, as bytes of <see cref="DataCodec"/>.</summary>
internal sealed record ReplicaGossip(
    ImmutableSortedDictionary<string, DataEnvelope> Updated, bool MustAnswer)
    : IReplicatorWireMessage;

/// <param name="Delta">A delta, or a whole value if 'IsWhole'.</param>
/// <param name="FromSequence">Number of the first change in it.</param>
/// <param name="ToSequence">Number of the last one.</param>
/// <param name="IsWhole">It can be merged without knowing what came before.</param>
internal sealed record ReplicaDelta(
    DataEnvelope Delta, long FromSequence, long ToSequence, bool IsWhole);

internal sealed record DeltaPropagation(
    UniqueAddress From, ImmutableSortedDictionary<string, ReplicaDelta> Deltas)
    : IReplicatorWireMessage;

internal sealed record ReplicaWrite(string Key, DataEnvelope Envelope) : IReplicatorWireMessage;

internal sealed record ReplicaWriteAck : IReplicatorWireMessage;

internal sealed record ReplicaRead(string Key) : IReplicatorWireMessage;

internal sealed record ReplicaReadResult(DataEnvelope? Envelope) : IReplicatorWireMessage;
