using System.Collections.Immutable;
using Akka.Cluster;

namespace Akka.DistributedData;

public sealed partial class Replicator
{
    /// <summary>
    /// Nodes that are sent deltas at one tick, so that a large cluster is no burst.
    /// </summary>
    private const int DeltaTargetCountMax = 10;

    private sealed class DeltaLog
    {
        public long Sequence;
        public readonly SortedDictionary<long, IReplicatedData> Deltas = [];
        public readonly Dictionary<UniqueAddress, long> SentTo = [];

        /// <summary>
        /// What was sent last: most nodes lack the same, and its bytes are made once.
        /// </summary>
        public ReplicaDelta? Last;
    }

    private readonly SortedDictionary<string, DeltaLog> _deltaLogs = new(StringComparer.Ordinal);
    private int _deltaTurn;

    private DataEnvelope NoteDelta(string key, DataEnvelope envelope, IReplicatedData delta)
    {
        if (!_deltaLogs.TryGetValue(key, out var log)) _deltaLogs[key] = log = new DeltaLog();
        log.Sequence++;
        // Kept also while nobody is there: whoever missed the first one asks for the whole value.
        log.Deltas[log.Sequence] = delta;
        if (_nodes.IsEmpty) KeepFew(log);
        else SendSoon();

        return envelope with
        {
            DeltaVersions = envelope.DeltaVersions.With(Self0, log.Sequence),
        };
    }

    /// <summary>The whole value is to be sent, whatever it was before.</summary>
    private void NoteWhole(string key)
    {
        if (!_deltaLogs.TryGetValue(key, out var log)) _deltaLogs[key] = log = new DeltaLog();
        log.Sequence++;
        log.Deltas.Clear();
        if (_nodes.IsEmpty) return;
        log.Deltas[log.Sequence] = _values[key].Data;
        SendSoon();
    }

    private void SendSoon()
    {
        if (!Timers.IsTimerActive(Tick.Deltas))
            Timers.StartSingleTimer(Tick.Deltas, Tick.Deltas, Soon);
    }

    private void PropagateDeltas()
    {
        if (_nodes.IsEmpty) return;
        var logs = _deltaLogs.Where(pair => pair.Value.Deltas.Count > 0).ToList();
        if (logs.Count == 0) return;
        var count = Math.Min(DeltaTargetCountMax, _nodes.Count);
        for (var i = 0; i < count; i++)
        {
            var node = _nodes[(_deltaTurn + i) % _nodes.Count];
            var deltas = ImmutableSortedDictionary.CreateBuilder<string, ReplicaDelta>(
                StringComparer.Ordinal);
            foreach (var (key, log) in logs)
            {
                if (DeltaFor(node, key, log) is { } delta) deltas[key] = delta;
            }

            if (deltas.Count > 0)
            {
                ReplicaAt(node).Tell(new DeltaPropagation(Self0, deltas.ToImmutable()), Self);
            }
        }

        _deltaTurn = (_deltaTurn + count) % _nodes.Count;
        // Nobody is without it before all had their turn.
        if (_deltaTurn < count)
        {
            foreach (var (_, log) in logs) DropSent(log);
        }

        if (logs.Any(pair => pair.Value.Deltas.Count > 0)) SendSoon();
    }

    private ReplicaDelta? DeltaFor(UniqueAddress node, string key, DeltaLog log)
    {
        var sent = log.SentTo.GetValueOrDefault(node);
        var first = log.Deltas.Keys.FirstOrDefault(sequence => sequence > sent);
        if (first == 0) return null;
        var envelope = _values[key];
        if (log.Last is { IsWhole: false } last && last.FromSequence == first
            && last.ToSequence == log.Sequence
            && ReferenceEquals(last.Delta.Pruning, envelope.Pruning))
        {
            log.SentTo[node] = log.Sequence;
            return last;
        }

        return log.Last = DeltaSince(sent, envelope, node, log);
    }

    private ReplicaDelta? DeltaSince(
        long sent, DataEnvelope envelope, UniqueAddress node, DeltaLog log)
    {
        IReplicatedData? merged = null;
        var from = 0L;
        foreach (var (sequence, delta) in log.Deltas)
        {
            if (sequence <= sent) continue;
            if (merged is null) (merged, from) = (delta, sequence);
            else merged = merged.Merge(delta);
        }

        if (merged is null) return null;
        log.SentTo[node] = log.Sequence;
        var isTooLarge = merged is IReplicatedDeltaSize sized
            && sized.DeltaSize >= _settings.MaxDeltaSize;
        if (merged is not IReplicatedDelta || isTooLarge)
        {
            return new ReplicaDelta(envelope, from, log.Sequence, IsWhole: true);
        }

        return new ReplicaDelta(
            DataEnvelope.Of(merged) with { Pruning = envelope.Pruning }, from, log.Sequence, false);
    }

    private void DropSent(DeltaLog log)
    {
        var least = _nodes.Min(node => log.SentTo.GetValueOrDefault(node));
        foreach (var sequence in log.Deltas.Keys.TakeWhile(s => s <= least).ToList())
        {
            log.Deltas.Remove(sequence);
        }

        KeepFew(log);
    }

    /// <summary>Too many for a slow round: the gossip of whole values will do.</summary>
    private void KeepFew(DeltaLog log)
    {
        while (log.Deltas.Count > _settings.MaxDeltaElements)
        {
            log.Deltas.Remove(log.Deltas.Keys.First());
        }
    }

    private void ForgetDeltasFor(UniqueAddress node)
    {
        foreach (var log in _deltaLogs.Values)
        {
            log.SentTo.Remove(node);
            if (_nodes.IsEmpty) log.Deltas.Clear();
        }
    }

    private void TakeDeltas(DeltaPropagation propagation)
    {
        var from = propagation.From;
        foreach (var (key, delta) in propagation.Deltas)
        {
            if (delta.IsWhole)
            {
                Merge(key, delta.Delta);
                continue;
            }

            var envelope = _values.GetValueOrDefault(key);
            if (envelope is { IsDeleted: true }) continue;
            var known = envelope?.DeltaVersions.VersionAt(from) ?? 0;
            if (delta.ToSequence <= known) continue;
            if (delta.FromSequence > known + 1
                && delta.Delta.Data is IRequireCausalDeliveryOfDeltas)
            {
                // One before it was lost: the whole value will come by gossip.
                var wanted = ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal)
                    .Add(key, Wanted);
                ReplicaAt(from).Tell(new ReplicaStatus(wanted, 0, 0), Self);
                continue;
            }

            Apply(key, envelope, from, delta);
        }
    }

    private void Apply(string key, DataEnvelope? envelope, UniqueAddress from, ReplicaDelta delta)
    {
        if (delta.Delta.Data is not IReplicatedDelta change) return;
        var basis = envelope?.Data as IDeltaReplicatedData ?? change.Zero;
        if (basis.GetType() != change.Zero.GetType()) return;
        var data = basis.MergeDelta(change);
        if (data is IDeltaReplicatedData tracked) data = tracked.ResetDelta();
        if (envelope is { Pruning.IsEmpty: true } && delta.Delta.Pruning.IsEmpty)
        {
            // The rule: what the delta adds is added, and there is nothing else to merge.
            _values[key] = envelope with
            {
                Data = data,
                DeltaVersions = envelope.DeltaVersions.With(from, delta.ToSequence),
            };
            if (!envelope.Data.Equals(data)) MarkChanged(key);
            return;
        }

        var updated = DataEnvelope.Of(data) with
        {
            Pruning = delta.Delta.Pruning,
            DeltaVersions = VersionVector.Dot(from, delta.ToSequence),
        };
        Merge(key, updated);
    }
}
