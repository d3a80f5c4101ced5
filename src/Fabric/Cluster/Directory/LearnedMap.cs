using System.Collections.Immutable;
using Akka.Actor;
using Akka.DistributedData;

namespace Fabric.Cluster;

/// <summary>Replicated records of one kind that any host may learn.</summary>
/// <remarks>
/// Belongs to one actor and lives as long. Each record is an element of a replicated map, so that
/// a change costs the bytes of that record and not those of all.
/// </remarks>
internal sealed class LearnedMap<TKey, TRecord>(
    ActorSystem system, string name, string host, int countMax)
    where TKey : IComparable<TKey>
    where TRecord : class, ILearnedRecord<TKey>
{
    private readonly ImmutableArray<LWWDictionaryKey<string, TRecord>> _keys =
        HostShards.KeysOf<TRecord>(name);
    private readonly Akka.Cluster.Cluster _node = Akka.Cluster.Cluster.Get(system);
    private readonly IActorRef _replicator = DistributedData.Get(system).Replicator;
    private readonly SortedDictionary<string, TimeSpan> _absent = new(StringComparer.Ordinal);

    /// <summary>What gossip told last: of a shard only what is new is looked at.</summary>
    private readonly LWWDictionary<string, TRecord>[] _shards =
        [.. Enumerable.Repeat(LWWDictionary<string, TRecord>.Empty, HostShards.Count)];

    public ImmutableSortedDictionary<TKey, TRecord> All { get; private set; } =
        ImmutableSortedDictionary<TKey, TRecord>.Empty;

    /// <summary>Records that were not taken because there are as many as there may be.</summary>
    public long RefusedCount { get; private set; }

    public void Subscribe(IActorRef self)
    {
        foreach (var key in _keys) _replicator.Tell(Dsl.Subscribe(key, self));
    }

    /// <returns>False when the change is of another kind.</returns>
    public bool Adopt(Changed changed)
    {
        if (!changed.Key.Id.StartsWith(name, StringComparison.Ordinal)) return false;
        var shard = HostShards.IndexOf(changed.Key.Id);
        var (before, entries) = (_shards[shard], changed.Get(_keys[shard]));
        foreach (var (text, record) in before)
        {
            if (!entries.ContainsKey(text)) All = All.Remove(record.Key);
        }

        foreach (var (text, record) in entries)
        {
            if (!before.TryGetValue(text, out var old) || !ReferenceEquals(old, record))
                All = All.SetItem(record.Key, record);
        }

        _shards[shard] = entries;
        return true;
    }

    /// <param name="make">The record of this host for a version.</param>
    /// <param name="isSame">Whether a known record says the same.</param>
    /// <returns>True when it was news.</returns>
    public bool Learn(
        TKey key, Func<long, TRecord> make, Predicate<TRecord> isSame, MembershipView members)
    {
        var known = All.GetValueOrDefault(key);
        var isOwned = known is not null
            && (known.HostId == host || members.AliveHosts.Contains(known.HostId));
        if (isOwned && isSame(known!)) return false;
        if (known is null && All.Count >= countMax)
        {
            RefusedCount++;
            return false;
        }

        var record = make((known?.Version ?? 0) + 1);
        All = All.SetItem(key, record);
        Update(key, map => map.SetItem(
            _node, TextOf(key), record, (_, value) => value.Version));
        return true;
    }

    /// <returns>True when it was there and this host's.</returns>
    public bool Forget(TKey key)
    {
        if (All.GetValueOrDefault(key) is not { } known || known.HostId != host) return false;
        Remove(key);
        return true;
    }

    /// <summary>
    /// Removes what hosts have learned that are members no more: nobody lets it expire.
    /// </summary>
    public bool Prune(MembershipView members, TimeSpan now, TimeSpan patience)
    {
        if (!members.IsOldest)
        {
            _absent.Clear();
            return false;
        }

        var owners = All.Values.Select(record => record.HostId).Distinct()
            .Order(StringComparer.Ordinal).ToList();
        foreach (var owner in owners.Where(owner => members.Find(owner) is null))
            _absent.TryAdd(owner, now);
        foreach (var back in _absent.Keys.Where(one => members.Find(one) is not null).ToList())
            _absent.Remove(back);
        var gone = All.Values.Where(record => _absent.TryGetValue(record.HostId, out var since)
            && now - since >= patience).Select(record => record.Key).ToList();
        foreach (var key in gone) Remove(key);
        return gone.Count > 0;
    }

    private void Remove(TKey key)
    {
        All = All.Remove(key);
        Update(key, map => map.Remove(_node, TextOf(key)));
    }

    private void Update(
        TKey key,
        Func<LWWDictionary<string, TRecord>, LWWDictionary<string, TRecord>> change) =>
        _replicator.Tell(Dsl.Update(
            _keys[ShardOf(key)], LWWDictionary<string, TRecord>.Empty,
            WriteLocal.Instance, change));

    private static int ShardOf(TKey key) => HostShards.ShardOf(TextOf(key));

    /// <summary>Addresses first: ports may be named with spaces.</summary>
    private static string TextOf(TKey key) => key switch
    {
        MacBindingKey one => $"{one.Address} {one.LogicalPort}",
        FdbKey one => $"{one.Mac} {one.Datapath}",
        _ => throw new ArgumentException($"{typeof(TKey)} has no text."),
    };
}
