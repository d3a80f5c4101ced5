using System.Collections.Immutable;
using Akka.Actor;

namespace Akka.DistributedData;

/// <summary>Digests of the values here, and of groups of them.</summary>
/// <remarks>
/// Two replicas first compare a digest of each group, then those of the values of groups that
/// differ: what they agree on costs eight bytes for hundreds of values. Which group a key belongs
/// to is the same on every host.
/// </remarks>
internal sealed class ValueGroups(ActorSystem system)
{
    public const int Count = 32;

    /// <summary>In place of a digest: the group changes, and deltas are on their way.</summary>
    public const long Changing = 0;

    /// <summary>The digest of a group in which there is nothing.</summary>
    public const long Empty = 1;

    private readonly Group[] _groups = [.. Enumerable.Range(0, Count).Select(_ => new Group())];

    private sealed class Group
    {
        public readonly Dictionary<string, (long Digest, int Size)?> Measures =
            new(StringComparer.Ordinal);

        public long? Digest;
        public TimeSpan ChangedAt = TimeSpan.MinValue;
        public TimeSpan ComparedAt;
        public TimeSpan? AskedAt;
    }

    /// <summary>FNV-1a.</summary>
    public static uint HashOf(string key)
    {
        var hash = 2166136261u;
        foreach (var c in key) hash = (hash ^ c) * 16777619u;
        return hash;
    }

    /// <summary>How many values there are of a group.</summary>
    public int SizeOf(int group) => _groups[group].Measures.Count;

    public IEnumerable<string> KeysOf(int group) => _groups[group].Measures.Keys;

    /// <summary>The value is new, or what is known of it has changed.</summary>
    public void Forget(string key)
    {
        var group = GroupOf(key);
        group.Measures[key] = null;
        group.Digest = null;
    }

    /// <summary>The value itself has changed.</summary>
    public void NoteChange(string key, TimeSpan now)
    {
        Forget(key);
        var group = GroupOf(key);
        group.ChangedAt = now;
    }

    /// <summary>Digest (never 0) and size in bytes of a value.</summary>
    public (long Digest, int Size) Measure(string key, DataEnvelope value)
    {
        var measures = GroupOf(key).Measures;
        if (measures.TryGetValue(key, out var known) && known is { } measure) return measure;
        measure = DataCodec.Measure(value, system);
        measures[key] = measure;
        return measure;
    }

    /// <summary>
    /// A digest of each group; of one that changed a moment ago only now and then, for it differs
    /// everywhere until all have their deltas.
    /// </summary>
    public ImmutableArray<long> Digests(
        IReadOnlyDictionary<string, DataEnvelope> values, TimeSpan now, TimeSpan interval)
    {
        var digests = ImmutableArray.CreateBuilder<long>(Count);
        for (var i = 0; i < Count; i++)
            digests.Add(IsChanging(i, now, interval) ? Changing : DigestOf(i, values));
        return digests.MoveToImmutable();
    }

    public bool IsChanging(int index, TimeSpan now, TimeSpan interval)
    {
        var group = _groups[index];
        var isChanging = group.ChangedAt > TimeSpan.MinValue && now - group.ChangedAt < interval
            && now - group.ComparedAt < interval * 2;
        if (!isChanging) group.ComparedAt = now;
        return isChanging;
    }

    public long DigestOf(int index, IReadOnlyDictionary<string, DataEnvelope> values)
    {
        var group = _groups[index];
        if (group.Digest is { } known) return known;
        var digest = 0UL;
        foreach (var key in group.Measures.Keys.ToList())
        {
            // Mixed with the key: who takes one for another must not find them equal.
            var (one, _) = Measure(key, values[key]);
            digest ^= ((ulong)one ^ HashOf(key)) * 0x9e37_79b9_7f4a_7c15;
        }

        return (group.Digest = (long)digest | Empty).Value;
    }

    /// <summary>True once in a while: several tell at once that a group is another one.</summary>
    public bool MayAsk(int index, TimeSpan now, TimeSpan pause)
    {
        var group = _groups[index];
        if (group.AskedAt is { } at && now - at < pause) return false;
        group.AskedAt = now;
        return true;
    }

    private Group GroupOf(string key) => _groups[HashOf(key) % Count];
}
