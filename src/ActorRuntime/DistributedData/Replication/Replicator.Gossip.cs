using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;

namespace Akka.DistributedData;

public sealed partial class Replicator
{
    /// <summary>Bytes of values in one message; what remains comes in the next round.</summary>
    private const int GossipSizeMax = 80_000;

    /// <summary>In place of a digest: deltas of the value are still on their way.</summary>
    private const long InFlux = -1;

    /// <summary>In place of a digest: the value is not here.</summary>
    private const long Wanted = 0;

    /// <summary>
    /// So many intervals of gossip after the last time a value is compared in any case. In a large
    /// cluster there is always somebody whose delta is on its way.
    /// </summary>
    private int ComparedAtLeast => 2 + _nodes.Count / 100;

    private readonly Dictionary<string, (long Digest, int Size)> _digests =
        new(StringComparer.Ordinal);

    private readonly Dictionary<string, TimeSpan> _changedAt = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _comparedAt = new(StringComparer.Ordinal);

    private void GossipRound()
    {
        if (_nodes.IsEmpty) return;
        GossipTo(_nodes[_random.Next(_nodes.Count)]);
    }

    private void GossipTo(UniqueAddress node)
    {
        var count = 1 + _values.Count / Math.Max(1, _settings.MaxDeltaElements);
        for (var chunk = 0; chunk < count; chunk++)
        {
            var keys = _values.Keys.Where(key => ChunkOf(key, count) == chunk);
            ReplicaAt(node).Tell(new ReplicaStatus(Digests(keys), chunk, count), Self);
        }
    }

    /// <summary>FNV-1a: the same on every host.</summary>
    private static int ChunkOf(string key, int count)
    {
        var hash = 2166136261u;
        foreach (var c in key) hash = (hash ^ c) * 16777619u;
        return (int)(hash % (uint)count);
    }

    private ImmutableSortedDictionary<string, long> Digests(IEnumerable<string> keys) =>
        keys.ToImmutableSortedDictionary(key => key, DigestOf, StringComparer.Ordinal);

    private long DigestOf(string key)
    {
        if (!_values.TryGetValue(key, out var envelope)) return Wanted;
        return IsInFlux(key) ? InFlux : Measured(key, envelope).Digest;
    }

    /// <summary>
    /// A value that changed a moment ago differs everywhere, and its deltas mend that: whole
    /// values would cost a thousand hosts that come up at once more than all else.
    /// </summary>
    private bool IsInFlux(string key)
    {
        var now = Context.System.Scheduler.MonotonicClock;
        var isQuiet = !_changedAt.TryGetValue(key, out var changed)
            || now - changed >= _settings.GossipInterval;
        var isDue = _comparedAt.TryGetValue(key, out var compared)
            && now - compared >= _settings.GossipInterval * ComparedAtLeast;
        if (isQuiet || isDue) _comparedAt[key] = now;
        else _comparedAt.TryAdd(key, now);
        return !isQuiet && !isDue;
    }

    private (long Digest, int Size) Measured(string key, DataEnvelope envelope)
    {
        if (_digests.TryGetValue(key, out var known)) return known;
        return _digests[key] = DataCodec.Measure(envelope, Context.System);
    }

    /// <summary>
    /// Sends what differs or is missing there, and asks for what is missing here.
    /// </summary>
    private void TakeStatus(ReplicaStatus status)
    {
        var differing = status.Digests
            .Where(e => _values.ContainsKey(e.Key)).Where(e => e.Value switch
            {
                Wanted => true,
                InFlux => false,
                _ => DigestOf(e.Key) is not InFlux and var own && own != e.Value,
            })
            .Select(e => e.Key).ToList();
        var missingThere = status.ChunkCount == 0
            ? []
            : _values.Keys.Where(key => ChunkOf(key, status.ChunkCount) == status.Chunk
                && !status.Digests.ContainsKey(key)).ToList();
        SendValues(differing.Concat(missingThere), mustAnswer: differing.Count > 0);

        var missingHere = status.Digests
            .Where(e => e.Value != Wanted && !_values.ContainsKey(e.Key))
            .Select(e => e.Key).ToList();
        if (missingHere.Count > 0) Sender.Tell(new ReplicaStatus(Digests(missingHere), 0, 0));
    }

    private void SendValues(IEnumerable<string> keys, bool mustAnswer)
    {
        var (batch, size) = (NewBatch(), 0);
        foreach (var key in keys)
        {
            var envelope = _values[key];
            var valueSize = Measured(key, envelope).Size;
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
        SendValues(newer, mustAnswer: false);
    }

    private static ImmutableSortedDictionary<string, DataEnvelope>.Builder NewBatch() =>
        ImmutableSortedDictionary.CreateBuilder<string, DataEnvelope>(StringComparer.Ordinal);
}
