using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>What one host says of itself by gossip.</summary>
public interface IGossipedRecord
{
    string HostId { get; }

    /// <summary>Rises with every change and every start of the host; no clock.</summary>
    long Version { get; }

    IGossipedRecord At(long version);
}

/// <summary>One record for each host in replicated maps; a host writes only its own.</summary>
/// <remarks>
/// Belongs to one actor and lives as long. Gossip may remember this host from a life whose state
/// was lost, or have forgotten it while it was cut off: either way it says its record again,
/// above whatever is known.
/// </remarks>
internal sealed class GossipedRecords<TRecord>(
    ActorSystem system, string name, string host, long version)
    where TRecord : class, IGossipedRecord
{
    private readonly ImmutableArray<LWWDictionaryKey<string, TRecord>> _keys =
        HostShards.KeysOf<TRecord>(name);
    private readonly Akka.Cluster.Cluster _node = Akka.Cluster.Cluster.Get(system);
    private readonly IActorRef _replicator = DistributedData.Get(system).Replicator;
    private readonly SortedDictionary<string, TimeSpan> _absent = new(StringComparer.Ordinal);

    /// <summary>Nobody waits for the answer: gossip tells those that are away.</summary>
    private static readonly TimeSpan UrgentPatience = TimeSpan.FromSeconds(1);

    private long _version = version;

    /// <summary>
    /// What gossip told last, by shard: most of it is told again with each change.
    /// </summary>
    private readonly LWWDictionary<string, TRecord>[] _shards =
        [.. Enumerable.Repeat(LWWDictionary<string, TRecord>.Empty, HostShards.Count)];

    private HashSet<string> _changed = new(StringComparer.Ordinal);

    public ImmutableSortedDictionary<string, TRecord> All { get; private set; } =
        Ordinal.EmptyMap<TRecord>();

    /// <summary>Null until this host has said something.</summary>
    public TRecord? Own { get; private set; }

    /// <summary>Hosts whose record changed since this was asked last.</summary>
    public IReadOnlyCollection<string> TakeChanged()
    {
        var changed = _changed;
        if (changed.Count > 0) _changed = new HashSet<string>(StringComparer.Ordinal);
        return changed;
    }

    public void Subscribe(IActorRef self)
    {
        foreach (var key in _keys) _replicator.Tell(Dsl.Subscribe(key, self));
    }

    /// <summary>Takes over what gossip has brought.</summary>
    public void Adopt(Changed changed)
    {
        var shard = HostShards.IndexOf(changed.Key.Id);
        var entries = changed.Get(_keys[shard]);
        var before = _shards[shard];
        foreach (var (one, _) in before)
        {
            if (!entries.ContainsKey(one)) Set(one, null);
        }

        foreach (var (one, record) in entries)
        {
            if (!before.TryGetValue(one, out var old) || !ReferenceEquals(old, record))
                Set(one, record);
        }

        _shards[shard] = entries;
        if (Own is null || HostShards.ShardOf(host) != shard) return;
        if (!entries.TryGetValue(host, out var known) || known.Version > Own.Version)
        {
            _version = Math.Max(_version, known?.Version ?? 0);
            Write(Own);
        }
        else
        {
            Set(host, Own); // Gossip may have told an older one.
        }
    }

    /// <summary>Says this host's record, under the next version.</summary>
    /// <param name="isUrgent">All members are told now, not by and by.</param>
    public void Write(TRecord record, bool isUrgent = false)
    {
        Own = (TRecord)record.At(++_version);
        Set(host, Own);
        var own = Own;
        Update(
            host, map => map.SetItem(_node, host, own, (_, value) => value.Version),
            isUrgent ? new WriteAll(UrgentPatience) : WriteLocal.Instance);
    }

    /// <summary>
    /// Removes what hosts have said that are members no more; they may say it again.
    /// </summary>
    /// <remarks>
    /// One host does it, the oldest, and only after 'patience': a host that is started anew soon
    /// finds its record as it was.
    /// </remarks>
    public void Prune(MembershipView members, TimeSpan now, TimeSpan patience)
    {
        if (!members.IsOldest)
        {
            _absent.Clear();
            return;
        }

        foreach (var one in All.Keys)
        {
            if (members.Find(one) is not null) _absent.Remove(one);
            else if (!_absent.TryGetValue(one, out var since)) _absent[one] = now;
            else if (now - since >= patience) Remove(one);
        }
    }

    private void Remove(string one)
    {
        _absent.Remove(one);
        Set(one, null);
        Update(one, map => map.Remove(_node, one));
    }

    private void Set(string one, TRecord? record)
    {
        if (ReferenceEquals(All.GetValueOrDefault(one), record)) return;
        All = record is null ? All.Remove(one) : All.SetItem(one, record);
        _changed.Add(one);
    }

    private void Update(
        string one,
        Func<LWWDictionary<string, TRecord>, LWWDictionary<string, TRecord>> change,
        IWriteConsistency? consistency = null) =>
        _replicator.Tell(Dsl.Update(
            _keys[HostShards.ShardOf(one)], LWWDictionary<string, TRecord>.Empty,
            consistency ?? WriteLocal.Instance, change));
}

/// <summary>How long what a removed host has said is kept.</summary>
internal static class GossipTimes
{
    /// <summary>Longer than a rolling restart takes a host away.</summary>
    public static readonly TimeSpan PruneAfter = TimeSpan.FromMinutes(10);

    public static readonly TimeSpan PruneInterval = TimeSpan.FromSeconds(15);

    /// <summary>Between a change that gossip brought and the word of it.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
}

/// <summary>A timer: what has changed meanwhile is told.</summary>
internal sealed record TellChanges
{
    public static readonly TellChanges Instance = new();
}

/// <summary>A timer: records of hosts that are gone are looked for.</summary>
internal sealed record PruneRecords
{
    public static readonly PruneRecords Instance = new();
}
