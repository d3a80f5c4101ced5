using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>Bits that a field must have: 'Value' where 'Mask' is one, anything elsewhere.</summary>
public readonly record struct MaskedValue(UInt128 Value, UInt128 Mask)
{
    /// <summary>The values that satisfy both, or false when there are none.</summary>
    public bool TryIntersect(MaskedValue other, out MaskedValue both)
    {
        both = new MaskedValue(Value | other.Value, Mask | other.Mask);
        return ((Value ^ other.Value) & Mask & other.Mask) == 0;
    }

    /// <summary>Everything that satisfies 'other' satisfies this.</summary>
    public bool Includes(MaskedValue other) =>
        (Mask & ~other.Mask) == 0 && ((Value ^ other.Value) & Mask) == 0;

    public bool Accepts(UInt128 value) => ((Value ^ value) & Mask) == 0;
}

/// <summary>
/// A conjunction of sets: for each named field, any one of its values. A normalised expression is
/// a list of these, any one of which must hold.
/// </summary>
/// <remarks>
/// Keeping sets factorised instead of multiplying them out is what lets an address set of ten
/// thousand members times a port set cost their sum in flows, by a conjunctive match.
/// </remarks>
public sealed class MatchProduct
{
    public static MatchProduct Everything { get; } =
        new(ImmutableSortedDictionary.Create<string, ImmutableArray<MaskedValue>>(
            StringComparer.Ordinal));

    public MatchProduct(ImmutableSortedDictionary<string, ImmutableArray<MaskedValue>> sets) =>
        Sets = sets;

    /// <summary>By Open vSwitch field name; a field that is absent may be anything.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<MaskedValue>> Sets { get; }

    public MatchProduct With(string field, ImmutableArray<MaskedValue> values) =>
        new(Sets.SetItem(field, values));

    /// <summary>Both at once; null when nothing satisfies both.</summary>
    /// <exception cref="ExpressionException">The result is over the limit.</exception>
    public MatchProduct? Intersect(MatchProduct other)
    {
        var sets = Sets;
        foreach (var (field, values) in other.Sets)
        {
            if (!sets.TryGetValue(field, out var mine))
            {
                sets = sets.Add(field, values);
                continue;
            }

            var both = IntersectSets(mine, values);
            if (both.IsEmpty) return null;
            sets = sets.SetItem(field, both);
        }

        return new MatchProduct(sets);
    }

    private static ImmutableArray<MaskedValue> IntersectSets(
        ImmutableArray<MaskedValue> left, ImmutableArray<MaskedValue> right)
    {
        var both = new List<MaskedValue>();
        foreach (var a in left)
        {
            foreach (var b in right)
            {
                if (!a.TryIntersect(b, out var common)) continue;
                both.Add(common);
                if (both.Count > LogicalLimits.FieldValuesMax)
                {
                    throw new ExpressionException(
                        $"a field has more than {LogicalLimits.FieldValuesMax} values", 0);
                }
            }
        }

        return Prune(both);
    }

    /// <summary>
    /// Without duplicates and, in small sets, without what another value includes.
    /// </summary>
    public static ImmutableArray<MaskedValue> Prune(IReadOnlyList<MaskedValue> values)
    {
        const int comparedPairwiseMax = 256;
        var distinct = values.Distinct().ToList();
        if (distinct.Count <= comparedPairwiseMax)
        {
            distinct = distinct
                .Where(value => !distinct.Exists(
                    other => other != value && other.Includes(value)))
                .ToList();
        }

        distinct.Sort((a, b) => a.Mask != b.Mask
            ? b.Mask.CompareTo(a.Mask)
            : a.Value.CompareTo(b.Value));
        return [.. distinct];
    }

    /// <summary>The same fields and values in all but one field: that field; else null.</summary>
    public string? OnlyDifference(MatchProduct other)
    {
        if (Sets.Count != other.Sets.Count) return null;
        string? difference = null;
        foreach (var (field, values) in Sets)
        {
            if (!other.Sets.TryGetValue(field, out var theirs)) return null;
            if (values.SequenceEqual(theirs)) continue;
            if (difference is not null) return null;
            difference = field;
        }

        return difference;
    }

    /// <summary>Whether a packet with these field values is in the product.</summary>
    public bool Accepts(Func<string, UInt128> valueOf) =>
        Sets.All(set => set.Value.Any(value => value.Accepts(valueOf(set.Key))));
}
