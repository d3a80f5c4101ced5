using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Fabric.Logical;

/// <summary>What names in an expression mean on one datapath of one host.</summary>
public interface IExpressionContext
{
    /// <summary>
    /// Key of the logical port within the datapath, or null when it has none there.
    /// </summary>
    uint? PortKey(string port);

    /// <summary>
    /// Members of an address set as constants, or null when there is no such set.
    /// </summary>
    AddressSetMembers? AddressSet(string name);

    /// <summary>Keys of the group's ports within the datapath, or null: no such group.</summary>
    ImmutableArray<uint>? PortGroup(string name);

    /// <summary>
    /// The same for a comparison with one field: members that the field cannot hold where the
    /// expression is evaluated may be left out.
    /// </summary>
    ImmutableArray<uint>? PortGroup(string name, string field) => PortGroup(name);

    /// <summary>The port is bound on this host.</summary>
    bool IsResident(string port);
}

/// <summary>An address set's members by width, parsed once for all expressions.</summary>
public sealed record AddressSetMembers(
    ImmutableArray<MaskedValue> Ipv4, ImmutableArray<MaskedValue> Ipv6,
    ImmutableArray<MaskedValue> Ethernet)
{
    public static AddressSetMembers Empty { get; } = new([], [], []);

    public ImmutableArray<MaskedValue> OfWidth(int width) => width switch
    {
        32 => Ipv4,
        48 => Ethernet,
        128 => Ipv6,
        _ => [],
    };

    /// <summary>
    /// Reads "10.0.0.1", "10.0.0.0/24", "fd00::/64", MACs; skips what is none of these.
    /// </summary>
    public static AddressSetMembers Parse(IEnumerable<string> texts)
    {
        var byWidth = new Dictionary<int, List<MaskedValue>> { [32] = [], [48] = [], [128] = [] };
        foreach (var text in texts)
        {
            if (TryParseMember(text, out var value, out var width)) byWidth[width].Add(value);
        }

        return new AddressSetMembers(
            MatchProduct.Prune(byWidth[32]), MatchProduct.Prune(byWidth[128]),
            MatchProduct.Prune(byWidth[48]));
    }

    /// <summary>Bits of an address beyond its prefix are ignored, as clients write both.</summary>
    public static bool TryParseMember(string text, out MaskedValue value, out int width)
    {
        value = default;
        var slash = text.IndexOf('/');
        var word = slash < 0 ? text : text[..slash];
        if (!ExpressionLexer.TryParseNumber(word.Trim(), out var number, out width)
            || width is not (32 or 48 or 128)
            || (!word.Contains('.') && !word.Contains(':')))
        {
            return false;
        }

        var bits = width;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), out bits) || bits < 0
            || bits > width))
            return false;
        var mask = ExpressionLexer.LowBits(width) & ~ExpressionLexer.LowBits(width - bits);
        value = new MaskedValue(number & mask, mask);
        return true;
    }
}

/// <summary>Turns an expression into products of sets that a flow table can hold.</summary>
public sealed class ExpressionNormalizer
{
    private static readonly string[] AlwaysSplit =
        ["eth_type", "nw_proto", "icmpv6_type", "arp_op"];

    private readonly IExpressionContext _context;

    private ExpressionNormalizer(IExpressionContext context) => _context = context;

    /// <summary>Any of the products; none means that the expression can never hold.</summary>
    /// <exception cref="ExpressionException">Unknown sets, or the result is over a
    /// limit.</exception>
    public static ImmutableArray<MatchProduct> Normalize(
        Expression expression, IExpressionContext context)
    {
        var normalizer = new ExpressionNormalizer(context);
        var products = normalizer.Visit(expression);
        return [.. products.SelectMany(SplitPrerequisites)];
    }

    private List<MatchProduct> Visit(Expression expression) => expression switch
    {
        Expression.Literal literal => literal.Value ? [MatchProduct.Everything] : [],
        Expression.And all => All(all.Terms),
        Expression.Or any => Any(any.Terms),
        Expression.Predicate predicate => Visit(predicate.Meaning),
        Expression.ChassisResident resident =>
            _context.IsResident(resident.Port) == resident.IsPositive
                ? [MatchProduct.Everything]
                : [],
        Expression.Comparison comparison =>
            Cross(Visit(comparison.Prerequisite), Simple(comparison, comparison.Relation)),
        _ => throw new InvalidOperationException($"cannot normalise {expression.GetType().Name}"),
    };

    /// <summary>The comparison alone, without its prerequisite: one field's set.</summary>
    private List<MatchProduct> Simple(Expression.Comparison comparison, Relation relation)
    {
        var bits = comparison.Bits;
        var constants = Resolve(comparison);
        var values = relation switch
        {
            Relation.Equal => constants,
            Relation.NotEqual => NoneOf(constants, bits.Width),
            _ => Range(relation, constants, bits.Width),
        };
        if (values.IsEmpty) return [];
        if (values.Any(value => value.Mask == 0)) return [MatchProduct.Everything];

        var shifted = values
            .Select(v => new MaskedValue(v.Value << bits.Offset, v.Mask << bits.Offset))
            .ToImmutableArray();
        return [MatchProduct.Everything.With(bits.Field, shifted)];
    }

    private ImmutableArray<MaskedValue> Resolve(Expression.Comparison comparison)
    {
        var width = comparison.Bits.Width;
        var all = ExpressionLexer.LowBits(width);
        if (comparison.Constants is [ExpressionConstant.AddressSet only])
            return Members(only.Name, width, comparison.Position);

        var values = new List<MaskedValue>();
        foreach (var constant in comparison.Constants)
        {
            switch (constant)
            {
                case ExpressionConstant.Number number:
                    values.Add(new MaskedValue(number.Value, number.Mask));
                    break;
                case ExpressionConstant.Port port when _context.PortKey(port.Name) is { } key:
                    values.Add(new MaskedValue(key, all));
                    break;
                case ExpressionConstant.PortGroup group:
                    var keys = _context.PortGroup(group.Name, comparison.Bits.Field)
                        ?? throw Unknown("port group @", group.Name, comparison.Position);
                    values.AddRange(keys.Select(member => new MaskedValue(member, all)));
                    break;
                case ExpressionConstant.AddressSet set:
                    values.AddRange(Members(set.Name, width, comparison.Position));
                    break;
            }
        }

        return MatchProduct.Prune(values);
    }

    private ImmutableArray<MaskedValue> Members(string name, int width, int position) =>
        (_context.AddressSet(name) ?? throw Unknown("address set $", name, position))
            .OfWidth(width);

    private static ExpressionException Unknown(string kind, string name, int position) =>
        new($"there is no {kind}{name}", position);

    /// <summary>Everything but the constants, as disjoint prefixes of what they leave.</summary>
    private static ImmutableArray<MaskedValue> NoneOf(
        ImmutableArray<MaskedValue> constants, int width)
    {
        var left = MatchProduct.Everything.With("x", [new MaskedValue(0, 0)]);
        foreach (var constant in constants)
        {
            var others = new List<MaskedValue>();
            UInt128 fixedMask = 0;
            for (var bit = width - 1; bit >= 0; bit--)
            {
                var one = UInt128.One << bit;
                if ((constant.Mask & one) == 0) continue;
                fixedMask |= one;
                others.Add(new MaskedValue((constant.Value ^ one) & fixedMask, fixedMask));
            }

            if (others.Count == 0) return [];
            if (left.Intersect(MatchProduct.Everything.With("x", [.. others])) is not { } next)
                return [];
            left = next;
        }

        return left.Sets["x"];
    }

    /// <summary>The fewest prefixes that cover a one-sided range.</summary>
    private static ImmutableArray<MaskedValue> Range(
        Relation relation, ImmutableArray<MaskedValue> constants, int width)
    {
        if (constants.Length != 1) return [];
        var max = ExpressionLexer.LowBits(width);
        var value = constants[0].Value;
        UInt128 low = 0, high = max;
        switch (relation)
        {
            case Relation.Less when value == 0: return [];
            case Relation.Less: high = value - 1; break;
            case Relation.LessOrEqual: high = value; break;
            case Relation.Greater when value == max: return [];
            case Relation.Greater: low = value + 1; break;
            default: low = value; break;
        }

        return Prefixes(low, high, width);
    }

    internal static ImmutableArray<MaskedValue> Prefixes(UInt128 low, UInt128 high, int width)
    {
        var all = ExpressionLexer.LowBits(width);
        var prefixes = ImmutableArray.CreateBuilder<MaskedValue>();
        while (true)
        {
            var free = low == 0 ? width : Math.Min(width, (int)UInt128.TrailingZeroCount(low));
            while (ExpressionLexer.LowBits(free) > high - low) free--;
            var block = ExpressionLexer.LowBits(free);
            prefixes.Add(new MaskedValue(low, all & ~block));
            if (high - low == block) return prefixes.ToImmutable();
            low += block + 1;
        }
    }

    private List<MatchProduct> All(ImmutableArray<Expression> terms)
    {
        List<MatchProduct> products = [MatchProduct.Everything];
        foreach (var term in terms)
        {
            products = Cross(products, Visit(term));
            if (products.Count == 0) return products;
        }

        return products;
    }

    private List<MatchProduct> Any(ImmutableArray<Expression> terms)
    {
        var products = new List<MatchProduct>();
        foreach (var term in terms)
        {
            products.AddRange(Visit(term));
            CheckCount(products.Count);
        }

        return Merge(products);
    }

    private static List<MatchProduct> Cross(List<MatchProduct> left, List<MatchProduct> right)
    {
        var both = new List<MatchProduct>();
        foreach (var a in left)
        {
            foreach (var b in right)
            {
                if (a.Intersect(b) is not { } product) continue;
                both.Add(product);
                CheckCount(both.Count);
            }
        }

        return both.Count > 1 ? Merge(both) : both;
    }

    private static void CheckCount(int count)
    {
        if (count > LogicalLimits.ProductsMax)
        {
            throw new ExpressionException(
                $"the expression needs more than {LogicalLimits.ProductsMax} alternatives", 0);
        }
    }

    /// <summary>
    /// Joins alternatives that differ in one field only into a set of that field.
    /// </summary>
    private static List<MatchProduct> Merge(List<MatchProduct> products)
    {
        const int mergedPairwiseMax = 256;
        if (products.Exists(product => product.Sets.IsEmpty)) return [MatchProduct.Everything];
        if (products.Count > mergedPairwiseMax) return products;
        for (var i = 0; i < products.Count; i++)
        {
            for (var j = i + 1; j < products.Count; j++)
            {
                if (!TryMerge(products[i], products[j], out var merged)) continue;
                products[i] = merged;
                products.RemoveAt(j);
                j = i;
            }
        }

        return products;
    }

    private static bool TryMerge(
        MatchProduct left, MatchProduct right, [NotNullWhen(true)] out MatchProduct? merged)
    {
        merged = null;
        if (left.OnlyDifference(right) is not { } field)
        {
            if (left.Sets.Count != right.Sets.Count
                || !left.Sets.All(set => right.Sets.TryGetValue(set.Key, out var theirs)
                    && theirs.SequenceEqual(set.Value)))
            {
                return false;
            }

            merged = left;
            return true;
        }

        var union = left.Sets[field].Concat(right.Sets[field]).ToList();
        merged = left.With(field, MatchProduct.Prune(union));
        return true;
    }

    /// <remarks>
    /// A field that others need (eth_type for ip_src) must have one value per flow, else neither a
    /// flow nor a dimension of a conjunctive match could name the dependent field.
    /// </remarks>
    private static IEnumerable<MatchProduct> SplitPrerequisites(MatchProduct product)
    {
        IEnumerable<MatchProduct> split = [product];
        foreach (var field in AlwaysSplit)
        {
            if (!product.Sets.TryGetValue(field, out var values) || values.Length < 2) continue;
            split =
                split.SelectMany(_ => values, (one, value) => one.With(field, [value])).ToList();
        }

        return split;
    }
}
