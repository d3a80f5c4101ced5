using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Pipeline;

/// <summary>
/// All rules of a table that match the same bits: one hash table per stage of lookup.
/// </summary>
/// <remarks>
/// One writer (the holder of the pipeline's write lock), any number of readers without locks: rules
/// are linked in front of their bucket and unlinked by one reference write; growing builds new
/// links. Visibility is decided by versions, so a link may appear early or vanish late.
/// </remarks>
internal sealed class Subtable
{
    /// <summary>From so many buckets on they are made four times as many, not twice.</summary>
    private const int FastGrowthCount = 1024;

    private readonly int[] _words;
    private readonly ulong[] _masks;
    private readonly ulong[] _mask;
    private readonly int[] _stageEnds = new int[KeyStages.Count];
    private readonly StageHashes?[] _stageHashes = new StageHashes?[KeyStages.Count];
    private readonly Dictionary<int, int> _priorities = [];
    private readonly bool _hasPrefixes;
    private readonly PrefixTrie? _ports;
    private readonly int _portsWord = -1;
    private readonly int _portsLength;
    private readonly int _lastStage;
    private Link?[] _buckets = new Link?[4];
    private int _liveCount;

    internal sealed class Link(ClassifierRule rule, Link? next)
    {
        public readonly ClassifierRule Rule = rule;
        public volatile Link? Next = next;
    }

    public Subtable(ReadOnlySpan<ulong> mask, int prefixCount = PrefixFields.Count)
    {
        var words = new List<int>();
        for (var stage = 0; stage < KeyStages.Count; stage++)
        {
            for (var word = 0; word < mask.Length; word++)
            {
                if (mask[word] != 0 && KeyStages.Of(word) == stage) words.Add(word);
            }

            _stageEnds[stage] = words.Count;
        }

        _words = [.. words];
        _mask = mask.ToArray();
        _masks = new ulong[_words.Length];
        for (var i = 0; i < _words.Length; i++) _masks[i] = mask[_words[i]];
        _lastStage = KeyStages.Count - 1;
        while (_lastStage > 0 && _stageEnds[_lastStage - 1] == _words.Length) _lastStage--;
        for (var stage = 0; stage < _lastStage; stage++)
        {
            var isEmpty = _stageEnds[stage] == (stage == 0 ? 0 : _stageEnds[stage - 1]);
            if (!isEmpty) _stageHashes[stage] = new();
        }

        for (var field = 0; field < prefixCount; field++)
        {
            PrefixLengths[field] = PrefixFields.LengthOf(field, mask);
            _hasPrefixes |= PrefixLengths[field] > 0;
        }

        _portsLength = PrefixFields.PortsLengthOf(mask);
        if (_portsLength > 0)
        {
            _ports = new PrefixTrie();
            _portsWord = PrefixFields.PortsWord;
        }
    }

    /// <summary>Length of the mask's prefix in each tracked field; 0 = not a prefix.</summary>
    public int[] PrefixLengths { get; } = new int[PrefixFields.Count];
    public ReadOnlySpan<int> Words => _words;
    public ReadOnlySpan<ulong> Masks => _masks;
    public int Count { get; private set; }

    /// <summary>
    /// Readers of this version and later find none of its rules; set by the writer.
    /// </summary>
    public long DeadVersion { get; private set; } = long.MaxValue;
    public int PriorityMax { get; private set; } = int.MinValue;

    /// <summary>The whole mask, a word for each of a key.</summary>
    public ReadOnlySpan<ulong> Mask => _mask;

    public bool HasMask(ReadOnlySpan<ulong> mask) => mask.SequenceEqual(_mask);

    /// <summary>Every bit of 'general' is one of this mask's.</summary>
    public bool Covers(ReadOnlySpan<ulong> general)
    {
        for (var i = 0; i < general.Length; i++)
        {
            if ((general[i] & ~_mask[i]) != 0) return false;
        }

        return true;
    }

    /// <summary>The rules that 'version' sees and that agree with 'value' under 'mask'.</summary>
    /// <param name="mask">Covered by this mask.</param>
    public void Collect(
        ReadOnlySpan<ulong> value, ReadOnlySpan<ulong> mask, long version,
        List<ClassifierRule> into)
    {
        Span<ulong> bits = stackalloc ulong[_words.Length];
        Span<ulong> wanted = stackalloc ulong[_words.Length];
        for (var i = 0; i < _words.Length; i++)
        {
            (bits[i], wanted[i]) = (mask[_words[i]], value[_words[i]]);
        }

        into.EnsureCapacity(into.Count + _liveCount);
        foreach (var head in Volatile.Read(ref _buckets))
        {
            for (var link = head; link is not null; link = link.Next)
            {
                var rule = link.Rule;
                if (rule.IsVisible(version) && Agrees(rule.Values, wanted, bits)) into.Add(rule);
            }
        }
    }

    private static bool Agrees(
        ReadOnlySpan<ulong> values, ReadOnlySpan<ulong> wanted, ReadOnlySpan<ulong> bits)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (((values[i] ^ wanted[i]) & bits[i]) != 0) return false;
        }

        return true;
    }

    /// <summary>The values of 'key' under this mask, in the order of <see cref="Words"/>.</summary>
    public ulong[] ValuesOf(ReadOnlySpan<ulong> key)
    {
        var values = new ulong[_words.Length];
        for (var i = 0; i < values.Length; i++) values[i] = key[_words[i]] & _masks[i];
        return values;
    }

    /// <summary>Writes the masked value of a rule of this subtable into an all-zero key.</summary>
    public void CopyTo(ClassifierRule rule, Span<ulong> key)
    {
        for (var i = 0; i < _words.Length; i++) key[_words[i]] = rule.Values[i];
    }

    /// <summary>The rule with exactly these values and this priority.</summary>
    public ClassifierRule? FindStrict(
        ulong[] values, ulong hash, int priority, long version)
    {
        var buckets = Volatile.Read(ref _buckets);
        for (var link = buckets[(int)(hash & (ulong)(buckets.Length - 1))]; link is not null;
            link = link.Next)
        {
            var rule = link.Rule;
            if (rule.Hash == hash && rule.Priority == priority && rule.IsVisible(version)
                && rule.Values.AsSpan().SequenceEqual(values))
            {
                return rule;
            }
        }

        return null;
    }

    /// <summary>
    /// The visible rule of highest priority below 'ceiling' that matches 'key', or null; adds the
    /// bits that were needed to know to 'wild'.
    /// </summary>
    public ClassifierRule? Find(
        ReadOnlySpan<ulong> key, Span<ulong> wild, long version, int ceiling,
        ref PrefixLookups prefixes)
    {
        ulong hash = 0;
        var start = 0;
        for (var stage = 0; stage <= _lastStage; stage++)
        {
            var end = _stageEnds[stage];
            if (end == start) continue;
            if (_hasPrefixes && prefixes.Excludes(this, stage, key, wild))
            {
                Fold(wild, start);
                return null;
            }

            for (; start < end; start++)
            {
                hash = KeyStages.Mix(hash, key[_words[start]] & _masks[start]);
            }

            var seen = _stageHashes[stage];
            if (seen is not null && !seen.Contains(hash))
            {
                Fold(wild, end);
                return null;
            }
        }

        var best = Search(key, hash, version, ceiling);
        if (best is null && _ports is not null) FoldMissedPorts(key, wild);
        else Fold(wild, _words.Length);
        return best;
    }

    public void Insert(ClassifierRule rule, in RulePlace place)
    {
        var hash = place.Hash;
        (rule.Subtable, rule.Values, rule.Hash) = (this, place.Values, hash);
        CountStages(rule.Values, +1);
        _ports?.Insert(PortsOf(rule.Values), _portsLength);
        if (Count >= _buckets.Length) Grow();
        var index = (int)(hash & (ulong)(_buckets.Length - 1));
        Volatile.Write(ref _buckets[index], new Link(rule, _buckets[index]));
        Count++;
        MarkRestored();
        CollectionsMarshal.GetValueRefOrAddDefault(_priorities, rule.Priority, out _)++;
        PriorityMax = Math.Max(PriorityMax, rule.Priority);
    }

    /// <summary>A rule will be invisible from 'version' on.</summary>
    public void MarkRemoved(long version)
    {
        if (--_liveCount == 0) DeadVersion = version;
    }

    /// <summary>Takes back <see cref="MarkRemoved"/>.</summary>
    public void MarkRestored()
    {
        _liveCount++;
        DeadVersion = long.MaxValue;
    }

    public void Remove(ClassifierRule rule)
    {
        var index = (int)(rule.Hash & (ulong)(_buckets.Length - 1));
        Link? previous = null;
        var link = _buckets[index];
        while (link is not null && link.Rule != rule) (previous, link) = (link, link.Next);
        if (link is null) return;
        if (previous is null) Volatile.Write(ref _buckets[index], link.Next);
        else previous.Next = link.Next;
        CountStages(rule.Values, -1);
        _ports?.Remove(PortsOf(rule.Values), _portsLength);
        Count--;
        if (rule.RemovedVersion == long.MaxValue) _liveCount--;
        if (--CollectionsMarshal.GetValueRefOrNullRef(_priorities, rule.Priority) > 0) return;
        _priorities.Remove(rule.Priority);
        if (rule.Priority < PriorityMax) return;
        PriorityMax = int.MinValue;
        foreach (var priority in _priorities.Keys) PriorityMax = Math.Max(PriorityMax, priority);
    }

    public IEnumerable<ClassifierRule> Rules()
    {
        foreach (var head in Volatile.Read(ref _buckets))
        {
            for (var link = head; link is not null; link = link.Next) yield return link.Rule;
        }
    }

    private ClassifierRule? Search(ReadOnlySpan<ulong> key, ulong hash, long version, int ceiling)
    {
        ClassifierRule? best = null;
        var buckets = Volatile.Read(ref _buckets);
        for (var link = buckets[(int)(hash & (ulong)(buckets.Length - 1))]; link is not null;
            link = link.Next)
        {
            var rule = link.Rule;
            if (rule.Hash != hash || rule.Priority >= ceiling) continue;
            if (best is not null && best.Priority >= rule.Priority) continue;
            if (rule.IsVisible(version) && Matches(rule, key)) best = rule;
        }

        return best;
    }

    private bool Matches(ClassifierRule rule, ReadOnlySpan<ulong> key)
    {
        var values = rule.Values;
        for (var i = 0; i < values.Length; i++)
        {
            if ((key[_words[i]] & _masks[i]) != values[i]) return false;
        }

        return true;
    }

    private void Fold(Span<ulong> wild, int count)
    {
        for (var i = 0; i < count; i++) wild[_words[i]] |= _masks[i];
    }

    private void FoldMissedPorts(ReadOnlySpan<ulong> key, Span<ulong> wild)
    {
        var before = wild[_portsWord];
        Fold(wild, _words.Length);
        var needed = _ports!.Lookup(
            PrefixFields.Ports(key[_portsWord] & MaskOf(_portsWord)), 32, out _);
        needed = Math.Min(needed, _portsLength);
        var others = MaskOf(_portsWord) & ~PrefixFields.PortsMask(32);
        wild[_portsWord] = before | others | (PrefixFields.PortsMask(needed) & MaskOf(_portsWord));
    }

    private ulong MaskOf(int word) => _mask[word];

    private UInt128 PortsOf(ulong[] values) =>
        PrefixFields.Ports(values[Array.IndexOf(_words, _portsWord)]);

    private void CountStages(ulong[] values, int change)
    {
        ulong hash = 0;
        var start = 0;
        for (var stage = 0; stage < _lastStage; stage++)
        {
            for (; start < _stageEnds[stage]; start++) hash = KeyStages.Mix(hash, values[start]);
            var seen = _stageHashes[stage];
            if (seen is null) continue;
            if (change > 0) seen.Add(hash);
            else seen.Remove(hash);
        }
    }

    private void Grow()
    {
        var old = _buckets;
        var size = old.Length < FastGrowthCount ? old.Length * 2 : old.Length * 4;
        var grown = new Link?[size];
        foreach (var head in old)
        {
            for (var link = head; link is not null; link = link.Next)
            {
                var index = (int)(link.Rule.Hash & (ulong)(size - 1));
                grown[index] = new Link(link.Rule, grown[index]);
            }
        }

        Volatile.Write(ref _buckets, grown);
    }
}
