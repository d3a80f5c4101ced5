using Akka.Cluster;

namespace Akka.DistributedData;

public sealed partial class Replicator
{
    private readonly SortedDictionary<UniqueAddress, TimeSpan> _removedNodes = [];

    /// <remarks>
    /// One host, the oldest, prunes. A removed node is first marked in each value that names it;
    /// when every replica has the mark, and therefore the node's last contribution, the owner
    /// takes the contribution over; the others clean theirs as the pruned value reaches them.
    /// </remarks>
    private void PruneRemovedNodes()
    {
        var scheduler = Context.System.Scheduler;
        var wallClock = scheduler.Now.UtcTicks;
        foreach (var key in _values.Keys.ToList())
        {
            var envelope = _values[key].ForgetMarks(wallClock);
            if (!ReferenceEquals(envelope, _values[key])) Replace(key, envelope);
        }

        if (!IsPruner) return;
        var now = scheduler.MonotonicClock;
        foreach (var (removed, since) in _removedNodes.ToList())
        {
            if (now - since < _settings.MaxPruningDissemination) continue;
            var isNamed = false;
            foreach (var key in _values.Keys.ToList()) isNamed |= Prune(key, removed, wallClock);
            if (!isNamed) _removedNodes.Remove(removed);
        }
    }

    private bool IsPruner =>
        _upNumbers.All(e => e.Value > SelfUpNumber
            || (e.Value == SelfUpNumber && e.Key.CompareTo(Self0) > 0));

    private int SelfUpNumber => _cluster.SelfMember.UpNumber;

    /// <returns>True while the value still names the removed node.</returns>
    private bool Prune(string key, UniqueAddress removed, long wallClock)
    {
        var envelope = _values[key];
        if (envelope.Pruning.TryGetValue(removed, out var state))
        {
            if (state.IsPerformed) return false;
            if (state.Owner != Self0 || !_nodes.All(state.Seen.Contains)) return true;
            Replace(key, envelope.Prune(
                removed, Self0, wallClock + _settings.PruningMarkerTimeToLive.Ticks));
            return true;
        }

        if (!envelope.NeedsPruningFrom(removed)) return false;
        Replace(key, envelope.InitPruning(removed, Self0));
        return true;
    }

    private void Replace(string key, DataEnvelope envelope)
    {
        _values[key] = envelope;
        _groups.Forget(key);
    }
}
