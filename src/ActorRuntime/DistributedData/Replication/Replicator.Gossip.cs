using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;

namespace Akka.DistributedData;

public sealed partial class Replicator
{
    /// <summary>Bytes of values in one message; what remains comes in the next round.</summary>
    private const int GossipSizeMax = 80_000;

    /// <summary>In place of a digest: the value is not here.</summary>
    private const long Wanted = 0;

    /// <summary>Who has asked one replica waits so long for its answer.</summary>
    private static readonly TimeSpan AnswerPause = TimeSpan.FromMilliseconds(200);

    private readonly ValueGroups _groups;

    private void GossipRound()
    {
        if (_nodes.IsEmpty) return;
        GossipTo(_nodes[_random.Next(_nodes.Count)]);
    }

    /// <remarks>
    /// It answers with the digests of the values of what differs (<see cref="TakeSummary"/>), is
    /// sent those that differ (<see cref="TakeStatus"/>), and sends back what is newer there
    /// (<see cref="TakeGossip"/>).
    /// </remarks>
    private void GossipTo(UniqueAddress node) => ReplicaAt(node).Tell(
        new ReplicaSummary(_groups.Digests(_values, Now, _settings.GossipInterval)), Self);

    private TimeSpan Now => Context.System.Scheduler.MonotonicClock;

    private void TakeSummary(ReplicaSummary summary)
    {
        if (summary.Groups.Length != ValueGroups.Count) return; // Of another version.
        for (var i = 0; i < ValueGroups.Count; i++)
        {
            var (here, there) = (_groups.DigestOf(i, _values), summary.Groups[i]);
            if (there == ValueGroups.Changing || there == here) continue;
            // Where one has nothing, it is new: no delta will mend that.
            var isNew = here == ValueGroups.Empty || there == ValueGroups.Empty;
            if (!isNew && _groups.IsChanging(i, Now, _settings.GossipInterval)) continue;
            if (_groups.MayAsk(i, Now, AnswerPause)) TellStatus(i);
        }
    }

    /// <summary>The digests of a group's values, in messages of a limited size.</summary>
    private void TellStatus(int group)
    {
        var parts = 1 + _groups.SizeOf(group) / Math.Max(1, _settings.MaxDeltaElements);
        var count = ValueGroups.Count * parts;
        for (var chunk = group; chunk < count; chunk += ValueGroups.Count)
        {
            var keys = _groups.KeysOf(group).Where(key => ChunkOf(key, count) == chunk);
            Sender.Tell(new ReplicaStatus(Digests(keys), chunk, count), Self);
        }
    }

    private static int ChunkOf(string key, int count) =>
        (int)(ValueGroups.HashOf(key) % (uint)count);

    private ImmutableSortedDictionary<string, long> Digests(IEnumerable<string> keys) =>
        keys.ToList().ToImmutableSortedDictionary(key => key, DigestOf, StringComparer.Ordinal);

    private long DigestOf(string key) => _values.TryGetValue(key, out var envelope)
        ? _groups.Measure(key, envelope).Digest
        : Wanted;

    /// <summary>
    /// Sends what differs or is missing there, and asks for what is missing here.
    /// </summary>
    private void TakeStatus(ReplicaStatus status)
    {
        var differing = status.Digests
            .Where(e => _values.ContainsKey(e.Key) && e.Value != DigestOf(e.Key))
            .Select(e => e.Key).ToList();
        var missingThere = status.ChunkCount == 0
            ? []
            : KeysOf(status).Where(key => !status.Digests.ContainsKey(key)).ToList();
        SendValues(differing.Concat(missingThere), mustAnswer: differing.Count > 0);

        var missingHere = status.Digests
            .Where(e => e.Value != Wanted && !_values.ContainsKey(e.Key))
            .Select(e => e.Key).ToList();
        if (missingHere.Count > 0) Sender.Tell(new ReplicaStatus(Digests(missingHere), 0, 0));
    }

    /// <summary>The keys here of the part that the other one tells of.</summary>
    private IEnumerable<string> KeysOf(ReplicaStatus status)
    {
        var keys = status.ChunkCount % ValueGroups.Count == 0
            ? _groups.KeysOf(status.Chunk % ValueGroups.Count)
            : _values.Keys;
        return keys.Where(key => ChunkOf(key, status.ChunkCount) == status.Chunk);
    }

    private void SendValues(IEnumerable<string> keys, bool mustAnswer)
    {
        var (batch, size) = (NewBatch(), 0);
        foreach (var key in keys)
        {
            var envelope = _values[key];
            var valueSize = _groups.Measure(key, envelope).Size;
            if (batch.Count > 0 && size + valueSize > GossipSizeMax)
            {
                Sender.Tell(new ReplicaGossip(batch.ToImmutable(), mustAnswer));
                (batch, size) = (NewBatch(), 0);
            }

            batch[key] = envelope;
            size += valueSize;
        }

        if (batch.Count > 0) Sender.Tell(new ReplicaGossip(batch.ToImmutable(), mustAnswer));
    }

    private void TakeGossip(ReplicaGossip gossip)
    {
        foreach (var (key, envelope) in gossip.Updated) Merge(key, envelope);
        if (!gossip.MustAnswer) return;
        var newer = gossip.Updated.Keys
            .Where(key => !_values[key].Data.Equals(gossip.Updated[key].Data)
                || !_values[key].Pruning.SequenceEqual(gossip.Updated[key].Pruning));
        SendValues(newer.ToList(), mustAnswer: false);
    }

    private static ImmutableSortedDictionary<string, DataEnvelope>.Builder NewBatch() =>
        ImmutableSortedDictionary.CreateBuilder<string, DataEnvelope>(StringComparer.Ordinal);
}
