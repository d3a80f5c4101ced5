using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>How a field is compared with a constant.</summary>
public enum Relation
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>Some bits of a match field, the thing that an expression compares.</summary>
/// <param name="Symbol">As the expression names it, for messages.</param>
/// <param name="Field">Open vSwitch's name of the whole field, "ip_src".</param>
/// <param name="Offset">Lowest bit, from zero.</param>
/// <param name="Width">Count of bits.</param>
public sealed record FieldBits(string Symbol, string Field, int Offset, int Width);

/// <summary>One constant of a comparison, resolved or still a reference to a set.</summary>
public abstract record ExpressionConstant
{
    /// <param name="Mask">All bits of the field when no mask was written.</param>
    public sealed record Number(UInt128 Value, UInt128 Mask) : ExpressionConstant;

    /// <summary>A logical port's name.</summary>
    public sealed record Port(string Name) : ExpressionConstant;

    /// <summary>$name: members of an address set.</summary>
    public sealed record AddressSet(string Name) : ExpressionConstant;

    /// <summary>@name: ports of a port group.</summary>
    public sealed record PortGroup(string Name) : ExpressionConstant;
}

/// <summary>
/// A parsed expression. Negation has been pushed down to comparisons and predicates.
/// </summary>
public abstract record Expression
{
    public static Expression True { get; } = new Literal(true);
    public static Expression False { get; } = new Literal(false);

    public sealed record Literal(bool Value) : Expression;

    public sealed record And(ImmutableArray<Expression> Terms) : Expression;

    public sealed record Or(ImmutableArray<Expression> Terms) : Expression;

    /// <param name="Prerequisite">Must hold as well, whichever way the comparison goes.</param>
    /// <param name="Position">Where in the text, for messages of later steps.</param>
    public sealed record Comparison(
        FieldBits Bits, Relation Relation, ImmutableArray<ExpressionConstant> Constants,
        Expression Prerequisite, int Position) : Expression;

    /// <summary>A named condition ("ip4.mcast") or its complement.</summary>
    /// <param name="Expansion">What the positive condition stands for.</param>
    /// <remarks>
    /// The complement keeps the prerequisites of the fields in it: !ip4.mcast is IPv4 to another
    /// address. OpenFlow cannot match "not IPv4", so nothing wider could be compiled.
    /// </remarks>
    public sealed record Predicate(
        string Name, Expression Expansion, bool IsPositive, int Position) : Expression
    {
        public Expression Meaning => IsPositive ? Expansion : Expansion.Negated();
    }

    /// <summary>is_chassis_resident("port"), or its complement.</summary>
    public sealed record ChassisResident(string Port, bool IsPositive) : Expression;

    /// <summary>All of them; flattens and folds literals.</summary>
    public static Expression AllOf(params ReadOnlySpan<Expression> terms) =>
        Join(terms, isAnd: true);

    /// <summary>Any of them; flattens and folds literals.</summary>
    public static Expression AnyOf(params ReadOnlySpan<Expression> terms) =>
        Join(terms, isAnd: false);

    private static Expression Join(ReadOnlySpan<Expression> terms, bool isAnd)
    {
        var flat = ImmutableArray.CreateBuilder<Expression>();
        foreach (var term in terms)
        {
            switch (term)
            {
                case Literal literal when literal.Value == isAnd: break;
                case Literal: return term;
                case And all when isAnd: flat.AddRange(all.Terms); break;
                case Or any when !isAnd: flat.AddRange(any.Terms); break;
                default: flat.Add(term); break;
            }
        }

        return flat.Count switch
        {
            0 => isAnd ? True : False,
            1 => flat[0],
            _ => isAnd ? new And(flat.ToImmutable()) : new Or(flat.ToImmutable()),
        };
    }

    /// <summary>
    /// The complement as the language has it: prerequisites of a comparison still must hold, so
    /// that !(tcp.dst == 80) is TCP to another port, not "anything but".
    /// </summary>
    public Expression Negated() => this switch
    {
        Literal literal => new Literal(!literal.Value),
        And all => AnyOf(all.Terms.Select(term => term.Negated()).ToArray()),
        Or any => AllOf(any.Terms.Select(term => term.Negated()).ToArray()),
        Comparison comparison => comparison with { Relation = Opposite(comparison.Relation) },
        Predicate predicate => predicate with { IsPositive = !predicate.IsPositive },
        ChassisResident resident => resident with { IsPositive = !resident.IsPositive },
        _ => throw new InvalidOperationException($"no complement of {GetType().Name}"),
    };

    /// <summary>a &lt; b is the opposite of a &gt;= b.</summary>
    public static Relation Opposite(Relation relation) => relation switch
    {
        Relation.Equal => Relation.NotEqual,
        Relation.NotEqual => Relation.Equal,
        Relation.Less => Relation.GreaterOrEqual,
        Relation.LessOrEqual => Relation.Greater,
        Relation.Greater => Relation.LessOrEqual,
        _ => Relation.Less,
    };

    /// <summary>Names of the address sets that the expression refers to, without the $.</summary>
    public IEnumerable<string> AddressSets() =>
        AllConstants().OfType<ExpressionConstant.AddressSet>().Select(set => set.Name).Distinct();

    /// <summary>Names of the port groups that the expression refers to, without the @.</summary>
    public IEnumerable<string> PortGroups() =>
        AllConstants().OfType<ExpressionConstant.PortGroup>().Select(
            group => group.Name).Distinct();

    /// <summary>The same with the field that each is compared with.</summary>
    public IEnumerable<(string Field, string Name)> PortGroupUses() => this switch
    {
        And all => all.Terms.SelectMany(term => term.PortGroupUses()).Distinct(),
        Or any => any.Terms.SelectMany(term => term.PortGroupUses()).Distinct(),
        Comparison comparison => comparison.Constants
            .OfType<ExpressionConstant.PortGroup>()
            .Select(group => (comparison.Bits.Field, group.Name)).Distinct(),
        _ => [],
    };

    /// <summary>Names of the logical ports that the expression compares with.</summary>
    public IEnumerable<string> Ports() =>
        AllConstants().OfType<ExpressionConstant.Port>().Select(port => port.Name).Distinct();

    /// <summary>Ports whose residence the expression asks for.</summary>
    public IEnumerable<string> Residents() => this switch
    {
        And all => all.Terms.SelectMany(term => term.Residents()),
        Or any => any.Terms.SelectMany(term => term.Residents()),
        ChassisResident resident => [resident.Port],
        _ => [],
    };

    /// <summary>The expression reads connection tracking state.</summary>
    public bool ReadsConntrack() => this switch
    {
        And all => all.Terms.Any(term => term.ReadsConntrack()),
        Or any => any.Terms.Any(term => term.ReadsConntrack()),
        Predicate predicate => predicate.Expansion.ReadsConntrack(),
        Comparison comparison => comparison.Bits.Field.StartsWith("ct_", StringComparison.Ordinal),
        _ => false,
    };

    private IEnumerable<ExpressionConstant> AllConstants() => this switch
    {
        And all => all.Terms.SelectMany(term => term.AllConstants()),
        Or any => any.Terms.SelectMany(term => term.AllConstants()),
        Comparison comparison => comparison.Constants,
        _ => [],
    };
}
