namespace Fabric.Logical;

/// <summary>Says whether a packet satisfies an expression, straight from the expression.</summary>
/// <remarks>
/// Shares nothing with the normaliser: it is the oracle that compiled flows are compared with, and
/// what a logical trace uses to say why.
/// </remarks>
public sealed class ExpressionEvaluator
{
    private readonly IExpressionContext _context;
    private readonly Func<string, UInt128> _valueOf;

    /// <param name="valueOf">
    /// A packet's value of an Open vSwitch field; 0 for absent fields.
    /// </param>
    public ExpressionEvaluator(IExpressionContext context, Func<string, UInt128> valueOf)
    {
        _context = context;
        _valueOf = valueOf;
    }

    public bool Evaluate(Expression expression) => expression switch
    {
        Expression.Literal literal => literal.Value,
        Expression.And all => all.Terms.All(Evaluate),
        Expression.Or any => any.Terms.Any(Evaluate),
        Expression.Predicate predicate => Evaluate(predicate.Meaning),
        Expression.ChassisResident resident =>
            _context.IsResident(resident.Port) == resident.IsPositive,
        Expression.Comparison comparison =>
            Evaluate(comparison.Prerequisite) && Compare(comparison),
        _ => false,
    };

    private bool Compare(Expression.Comparison comparison)
    {
        var bits = comparison.Bits;
        var value = (_valueOf(bits.Field) >> bits.Offset) & ExpressionLexer.LowBits(bits.Width);
        return comparison.Relation switch
        {
            Relation.Equal => comparison.Constants.Any(c => IsEqual(value, c, bits.Width)),
            Relation.NotEqual => !comparison.Constants.Any(c => IsEqual(value, c, bits.Width)),
            _ => comparison.Constants is [ExpressionConstant.Number number]
                && IsOrdered(value, comparison.Relation, number.Value),
        };
    }

    private static bool IsOrdered(UInt128 left, Relation relation, UInt128 right) =>
        relation switch
        {
            Relation.Less => left < right,
            Relation.LessOrEqual => left <= right,
            Relation.Greater => left > right,
            _ => left >= right,
        };

    private bool IsEqual(UInt128 value, ExpressionConstant constant, int width) => constant switch
    {
        ExpressionConstant.Number number => ((value ^ number.Value) & number.Mask) == 0,
        ExpressionConstant.Port port => _context.PortKey(port.Name) == value,
        ExpressionConstant.PortGroup group =>
            _context.PortGroup(group.Name) is { } keys && keys.Any(key => key == value),
        ExpressionConstant.AddressSet set =>
            _context.AddressSet(set.Name)?.OfWidth(width).Any(m => m.Accepts(value)) == true,
        _ => false,
    };
}
