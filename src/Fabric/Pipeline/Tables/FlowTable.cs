using System.Runtime.InteropServices;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Pipeline;

/// <summary>One OpenFlow table: a tuple-space classifier with versions.</summary>
/// <remarks>
/// Readers on any thread, without locks: <see cref="Lookup"/> answers for the version it is given.
/// The one writer holds the pipeline's write lock. Subtables are tried in order of their highest
/// priority, and the search ends when none can beat the rule found.
/// </remarks>
internal sealed class FlowTable
{
    private readonly record struct Slot(Subtable Subtable, int PriorityMax);

    private readonly PrefixTrie[] _tries;
    private readonly Dictionary<ulong, List<Subtable>> _byMask = [];
    private Slot[] _order = [];

    /// <summary>The writer's last: flows of one kind often come one after the other.</summary>
    private Subtable? _latest;

    private readonly int _prefixCount;

    /// <summary>Live rules that somebody looks after one by one.</summary>
    private int _particularCount;

    private volatile FlowTable? _before;

    public FlowTable(bool tracksIpv6 = true)
    {
        _prefixCount = tracksIpv6 ? PrefixFields.Count : PrefixFields.Ipv4Count;
        _tries = new PrefixTrie[PrefixFields.Count];
        for (var i = 0; i < _tries.Length; i++) _tries[i] = new PrefixTrie();
    }

    /// <summary>Rules linked in, those that no current version sees included.</summary>
    public int LinkedCount { get; private set; }

    /// <summary>Rules that the newest version, or the transaction under way, sees.</summary>
    public int LiveCount { get; private set; }

    /// <summary>Who goes when the table is full; null: nobody.</summary>
    public EvictionIndex? Eviction { get; set; }

    /// <summary>Readers of earlier versions look into <see cref="Before"/> instead.</summary>
    public long FirstVersion { get; init; }

    /// <summary>
    /// The table that this one took the place of, with all the rules that were dropped at once;
    /// null when there was none, and once no reader in time can want it.
    /// </summary>
    public FlowTable? Before
    {
        get => _before;
        set => _before = value;
    }

    /// <summary>The version, or the transaction under way, that changed it last.</summary>
    public long ChangedVersion { get; set; }

    /// <summary>Nobody needs to know which rules go when all of them go.</summary>
    public bool CanDropRules => _particularCount == 0 && Eviction is null;

    public int SubtableCount => Volatile.Read(ref _order).Length;

    /// <summary>
    /// The rule of highest priority for 'key' in 'version', and the bits looked at.
    /// </summary>
    public ClassifierRule? Lookup(ref PipelineKey key, Span<ulong> wild, long version)
    {
        var hard = Search(ref key, wild, version, int.MaxValue, out var soft);
        while (soft is not null)
        {
            var found = ConjunctiveMatch.Find(soft, hard?.Priority ?? int.MinValue);
            if (found.Id is { } id)
            {
                var before = key.ConjunctionIdWire;
                key.ConjunctionId = id;
                var rule = Search(ref key, wild, version, int.MaxValue, out _);
                key.ConjunctionIdWire = before;
                if (rule is not null && rule.Conjunctions.IsEmpty) return rule;
            }

            if (found.Priority is not { } priority) break;
            hard = Demote(soft, priority, hard, ref key, wild, version);
        }

        return hard;
    }

    /// <summary>A rule is seen from now on.</summary>
    public void Remember(Rule rule)
    {
        if (!rule.IsHidden) LiveCount++;
        if (rule.IsParticular) _particularCount++;
        Eviction?.Add(rule);
    }

    /// <summary>A rule is not seen any more.</summary>
    public void Forget(Rule rule)
    {
        if (!rule.IsHidden) LiveCount--;
        if (rule.IsParticular) _particularCount--;
        Eviction?.Remove(rule);
    }

    /// <summary>Where a rule with this match belongs; nothing is changed.</summary>
    public RulePlace PlaceOf(ReadOnlySpan<ulong> value, ReadOnlySpan<ulong> mask)
    {
        var subtable = SubtableOf(mask) ?? new Subtable(mask, _prefixCount);
        return new RulePlace(subtable, subtable.ValuesOf(value));
    }

    /// <param name="place">Of this table as it is: no rule was unlinked since.</param>
    public void Insert(ClassifierRule rule, in RulePlace place, ReadOnlySpan<ulong> value)
    {
        var subtable = place.Subtable;
        if (subtable.Count == 0) Register(subtable);
        for (var field = 0; field < PrefixFields.Count; field++)
        {
            var length = subtable.PrefixLengths[field];
            if (length > 0) _tries[field].Insert(PrefixFields.ValueOf(field, value), length);
        }

        var before = subtable.PriorityMax;
        subtable.Insert(rule, in place);
        LinkedCount++;
        if (subtable.PriorityMax != before) Reorder();
    }

    /// <summary>Unlinks a rule that no reader of a version still in use can see.</summary>
    public void Unlink(ClassifierRule rule)
    {
        if (rule.Subtable is not { } subtable) return;
        Span<ulong> value = stackalloc ulong[PipelineKey.WordCount];
        value.Clear();
        subtable.CopyTo(rule, value);
        var before = subtable.PriorityMax;
        subtable.Remove(rule);
        LinkedCount--;
        for (var field = 0; field < PrefixFields.Count; field++)
        {
            _tries[field].Remove(
                PrefixFields.ValueOf(field, value), subtable.PrefixLengths[field]);
        }

        if (subtable.Count == 0) Forget(subtable);
        if (subtable.Count == 0 || subtable.PriorityMax != before) Reorder();
    }

    /// <summary>The rule with exactly this match and priority.</summary>
    public ClassifierRule? FindStrict(
        ReadOnlySpan<ulong> value, ReadOnlySpan<ulong> mask, int priority, long version) =>
        SubtableOf(mask) is { } subtable
            ? new RulePlace(subtable, subtable.ValuesOf(value)).FindStrict(priority, version)
            : null;

    /// <summary>All rules that 'version' sees, in no particular order.</summary>
    public IEnumerable<ClassifierRule> Rules(long version)
    {
        foreach (var slot in Volatile.Read(ref _order))
        {
            foreach (var rule in slot.Subtable.Rules())
            {
                if (rule.IsVisible(version)) yield return rule;
            }
        }
    }

    /// <summary>
    /// The rules whose match is as specific as this one or more: those that a loose modify,
    /// delete or dump means.
    /// </summary>
    public void CollectLoose(
        ReadOnlySpan<ulong> value, ReadOnlySpan<ulong> mask, long version,
        List<ClassifierRule> into)
    {
        foreach (var slot in Volatile.Read(ref _order))
        {
            if (slot.Subtable.DeadVersion <= version || !slot.Subtable.Covers(mask)) continue;
            slot.Subtable.Collect(value, mask, version, into);
        }
    }

    /// <summary>A rule of the same priority that some packet would match too, or null.</summary>
    public ClassifierRule? FindOverlap(
        ReadOnlySpan<ulong> value, ReadOnlySpan<ulong> mask, int priority, long version)
    {
        Span<ulong> both = stackalloc ulong[PipelineKey.WordCount];
        Span<ulong> other = stackalloc ulong[PipelineKey.WordCount];
        foreach (var slot in Volatile.Read(ref _order))
        {
            for (var i = 0; i < both.Length; i++) both[i] = slot.Subtable.Mask[i] & mask[i];
            foreach (var rule in slot.Subtable.Rules())
            {
                if (rule.Priority != priority || !rule.IsVisible(version)) continue;
                other.Clear();
                slot.Subtable.CopyTo(rule, other);
                if (AreEqual(other, value, both)) return rule;
            }
        }

        return null;
    }

    private ClassifierRule? Search(
        ref PipelineKey key, Span<ulong> wild, long version, int ceiling,
        out List<ClassifierRule>? soft)
    {
        soft = null;
        ClassifierRule? best = null;
        var words = key.Words;
        var prefixes = new PrefixLookups(_tries);
        foreach (var slot in Volatile.Read(ref _order))
        {
            if (best is not null && slot.PriorityMax <= best.Priority) break;
            if (slot.Subtable.DeadVersion <= version) continue;
            var rule = slot.Subtable.Find(words, wild, version, ceiling, ref prefixes);
            if (rule is null) continue;
            if (!rule.Conjunctions.IsEmpty) (soft ??= []).Add(rule);
            else if (best is null || rule.Priority > best.Priority) best = rule;
        }

        return best;
    }

    /// <summary>
    /// Replaces soft matches of 'priority' by what lies below them in their subtable.
    /// </summary>
    private ClassifierRule? Demote(
        List<ClassifierRule> soft, int priority, ClassifierRule? hard, ref PipelineKey key,
        Span<ulong> wild, long version)
    {
        var prefixes = new PrefixLookups(_tries);
        for (var i = soft.Count - 1; i >= 0; i--)
        {
            if (soft[i].Priority < priority) continue;
            var below = soft[i].Subtable!.Find(
                key.Words, wild, version, soft[i].Priority, ref prefixes);
            if (below is { Conjunctions.IsEmpty: false })
            {
                soft[i] = below;
                continue;
            }

            soft.RemoveAt(i);
            if (below is not null && (hard is null || below.Priority > hard.Priority)) hard = below;
        }

        return hard;
    }

    private Subtable? SubtableOf(ReadOnlySpan<ulong> mask)
    {
        if (_latest is { } latest && latest.HasMask(mask)) return latest;
        if (!_byMask.TryGetValue(HashOf(mask), out var list)) return null;
        foreach (var candidate in list)
        {
            if (candidate.HasMask(mask)) return _latest = candidate;
        }

        return null;
    }

    /// <summary>A subtable gets its first rule.</summary>
    private void Register(Subtable subtable)
    {
        var hash = HashOf(subtable.Mask);
        if (!_byMask.TryGetValue(hash, out var list)) _byMask[hash] = list = [];
        list.Add(subtable);
        _latest = subtable;
    }

    private void Forget(Subtable subtable)
    {
        if (ReferenceEquals(_latest, subtable)) _latest = null;
        var hash = HashOf(subtable.Mask);
        if (!_byMask.TryGetValue(hash, out var list)) return;
        list.Remove(subtable);
        if (list.Count == 0) _byMask.Remove(hash);
    }

    private void Reorder()
    {
        var slots = new List<Slot>();
        foreach (var list in _byMask.Values)
        {
            foreach (var subtable in list)
            {
                if (subtable.Count > 0) slots.Add(new Slot(subtable, subtable.PriorityMax));
            }
        }

        slots.Sort((left, right) => right.PriorityMax.CompareTo(left.PriorityMax));
        Volatile.Write(ref _order, [.. slots]);
    }

    private static ulong HashOf(ReadOnlySpan<ulong> mask)
    {
        ulong hash = 0;
        for (var i = 0; i < mask.Length; i++)
        {
            if (mask[i] != 0) hash = KeyStages.Mix(KeyStages.Mix(hash, (ulong)i), mask[i]);
        }

        return hash;
    }

    private static bool AreEqual(
        ReadOnlySpan<ulong> left, ReadOnlySpan<ulong> right, ReadOnlySpan<ulong> mask)
    {
        for (var i = 0; i < mask.Length; i++)
        {
            if (((left[i] ^ right[i]) & mask[i]) != 0) return false;
        }

        return true;
    }
}
