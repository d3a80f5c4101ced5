using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>
/// Reads the match expressions of ACLs, policies and QoS rules (ovn-sb(5), "match").
/// </summary>
/// <remarks>
/// Grammar: an expression is a list of terms joined by &amp;&amp; or by ||, never both without
/// parentheses; a term is !term, (expression), 0, 1, a predicate, a one-bit field, a comparison of
/// a field with a constant or {set} on either side, or a range: 1 &lt;= tcp.dst &lt; 1024.
/// </remarks>
public sealed class ExpressionParser
{
    private readonly List<ExpressionToken> _tokens;
    private readonly IReadOnlyDictionary<string, ExpressionSymbol> _symbols;
    private int _index;
    private int _depth;
    private int _constantCount;

    private ExpressionParser(
        string text, IReadOnlyDictionary<string, ExpressionSymbol> symbols)
    {
        _tokens = ExpressionLexer.Tokenize(text);
        _symbols = symbols;
    }

    private ExpressionToken Current => _tokens[_index];

    /// <exception cref="ExpressionException">Where and why the text is no expression.</exception>
    public static Expression Parse(string text) => Parse(text, ExpressionSymbols.All);

    internal static Expression Parse(
        string text, IReadOnlyDictionary<string, ExpressionSymbol> symbols)
    {
        var parser = new ExpressionParser(text, symbols);
        var expression = parser.ParseExpression();
        if (parser.Current.Kind != ExpressionTokenKind.End)
            throw parser.Unexpected("the end of the expression");
        parser.CheckNominal(expression);
        return expression;
    }

    private Expression ParseExpression()
    {
        if (++_depth > LogicalLimits.ExpressionDepthMax)
        {
            throw new ExpressionException(
                $"parentheses are nested deeper than {LogicalLimits.ExpressionDepthMax}",
                Current.Position);
        }

        var first = ParseTerm();
        var joined = first;
        if (Is("&&") || Is("||"))
        {
            var symbol = Current.Text;
            var terms = new List<Expression> { first };
            while (Take(symbol)) terms.Add(ParseTerm());
            if (Is("&&") || Is("||"))
            {
                throw new ExpressionException(
                    "&& and || must be parenthesized when used together", Current.Position);
            }

            joined = symbol == "&&"
                ? Expression.AllOf(terms.ToArray())
                : Expression.AnyOf(terms.ToArray());
        }

        _depth--;
        return joined;
    }

    private Expression ParseTerm()
    {
        var start = Current.Position;
        if (Take("!"))
        {
            if (++_depth > LogicalLimits.ExpressionDepthMax)
                throw new ExpressionException("too many ! in a row", start);
            var negated = ParseTerm().Negated();
            _depth--;
            return negated;
        }

        if (Take("("))
        {
            var inner = ParseExpression();
            Expect(")");
            return inner;
        }

        if (Current.Kind == ExpressionTokenKind.Identifier)
        {
            return Current.Text == "is_chassis_resident" ? ParseResident() : ParseFieldFirst();
        }

        if (Current.Kind == ExpressionTokenKind.Constant && Current.Text is "0" or "1"
            && !IsRelation(_tokens[_index + 1]))
        {
            return Advance().Text == "1" ? Expression.True : Expression.False;
        }

        return ParseConstantFirst();
    }

    private Expression ParseResident()
    {
        Advance();
        Expect("(");
        if (Current.Kind != ExpressionTokenKind.String) throw Unexpected("a quoted port name");
        var port = Advance().Text;
        Expect(")");
        return new Expression.ChassisResident(port, IsPositive: true);
    }

    private Expression ParseFieldFirst()
    {
        var start = Current.Position;
        var (symbol, bits) = ParseField();
        if (!IsRelation(Current)) return Bare(symbol, bits, start);

        var relation = ParseRelation();
        return Compare(symbol, bits, relation, ParseConstants(), start);
    }

    private Expression ParseConstantFirst()
    {
        var left = ParseConstants();
        var start = Current.Position;
        if (!IsRelation(Current)) throw Unexpected("a comparison operator");
        var leftRelation = ParseRelation();
        if (Current.Kind != ExpressionTokenKind.Identifier) throw Unexpected("a field name");

        var (symbol, bits) = ParseField();
        var lower = Compare(symbol, bits, Mirrored(leftRelation), left, start);
        if (!IsRelation(Current)) return lower;

        var rightPosition = Current.Position;
        var rightRelation = ParseRelation();
        if (!IsRange(leftRelation, rightRelation))
        {
            throw new ExpressionException(
                "a range has two < or <=, or two > or >=", rightPosition);
        }

        var right = ParseConstants();
        return Expression.AllOf(lower, Compare(symbol, bits, rightRelation, right, rightPosition));
    }

    private static bool IsRange(Relation left, Relation right)
    {
        static bool Rises(Relation relation) => relation is Relation.Less or Relation.LessOrEqual;
        static bool Falls(Relation relation) =>
            relation is Relation.Greater or Relation.GreaterOrEqual;
        return (Rises(left) && Rises(right)) || (Falls(left) && Falls(right));
    }

    private (ExpressionSymbol Symbol, FieldBits? Bits) ParseField()
    {
        var name = Advance();
        if (!_symbols.TryGetValue(name.Text, out var symbol))
            throw new ExpressionException($"there is no field {name.Text}", name.Position);
        if (!Take("[")) return (symbol, symbol.Bits);

        var start = Current.Position;
        if (symbol.Bits is null || symbol.IsPort)
            throw new ExpressionException($"{name.Text} has no bits to select", start);
        if (symbol.IsNominal)
        {
            throw new ExpressionException(
                $"{name.Text} can only be compared whole, not by bits", start);
        }

        var low = ParseBit();
        var high = Take("..") ? ParseBit() : low;
        Expect("]");
        if (high < low || high >= symbol.Bits.Width)
        {
            throw new ExpressionException(
                $"{name.Text} has bits 0 to {symbol.Bits.Width - 1}", start);
        }

        return (symbol, symbol.Bits with
        {
            Offset = symbol.Bits.Offset + low,
            Width = high - low + 1,
        });
    }

    private int ParseBit()
    {
        if (Current.Kind != ExpressionTokenKind.Constant || Current.Number.HasMask
            || Current.Number.Value > 127)
        {
            throw Unexpected("a bit number");
        }

        return (int)Advance().Number.Value;
    }

    private static Expression Bare(ExpressionSymbol symbol, FieldBits? bits, int position)
    {
        if (symbol.Predicate is { } meaning)
            return new Expression.Predicate(symbol.Name, meaning, IsPositive: true, position);
        if (bits!.Width != 1)
        {
            throw new ExpressionException(
                $"{symbol.Name} has {bits.Width} bits: compare it with a constant", position);
        }

        return new Expression.Comparison(
            bits, Relation.Equal, [new ExpressionConstant.Number(1, 1)], symbol.Prerequisite,
            position);
    }

    private Expression Compare(
        ExpressionSymbol symbol, FieldBits? bits, Relation relation,
        List<(ExpressionConstant Constant, ExpressionToken Token)> constants, int position)
    {
        if (bits is null)
        {
            throw new ExpressionException(
                $"{symbol.Name} is a condition and cannot be compared", position);
        }

        var isOrder = relation is not (Relation.Equal or Relation.NotEqual);
        if (isOrder && symbol.IsNominal)
        {
            throw new ExpressionException(
                $"only == and != make sense for {symbol.Name}", position);
        }

        if (isOrder && constants.Count != 1)
        {
            throw new ExpressionException(
                "only == and != compare with a set", position);
        }

        var typed = constants.Select(c => Typed(symbol, bits, isOrder, c.Constant, c.Token));
        return new Expression.Comparison(
            bits, relation, typed.ToImmutableArray(), symbol.Prerequisite, position);
    }

    private static ExpressionConstant Typed(
        ExpressionSymbol symbol, FieldBits bits, bool isOrder, ExpressionConstant constant,
        ExpressionToken token)
    {
        if (symbol.IsPort)
        {
            if (constant is ExpressionConstant.Port or ExpressionConstant.PortGroup)
                return constant;
            throw new ExpressionException(
                $"{symbol.Name} is compared with a \"port name\" or a @port_group", token.Position);
        }

        if (constant is ExpressionConstant.AddressSet && !isOrder) return constant;
        if (constant is not ExpressionConstant.Number number)
            throw new ExpressionException(
                $"{symbol.Name} is compared with a number", token.Position);

        if (token.Number.WidthMin > bits.Width)
        {
            throw new ExpressionException(
                $"{token.Text} needs {token.Number.WidthMin} bits, {symbol.Name} has {bits.Width}",
                token.Position);
        }

        if (token.Number.HasMask && (isOrder || symbol.IsNominal))
        {
            throw new ExpressionException(
                $"a mask makes no sense here for {symbol.Name}", token.Position);
        }

        var mask = token.Number.HasMask ? number.Mask : ExpressionLexer.LowBits(bits.Width);
        return number with { Mask = mask };
    }

    private List<(ExpressionConstant Constant, ExpressionToken Token)> ParseConstants()
    {
        var constants = new List<(ExpressionConstant, ExpressionToken)>();
        if (!Take("{"))
        {
            constants.Add(ParseConstant());
            return constants;
        }

        while (!Take("}"))
        {
            constants.Add(ParseConstant());
            Take(",");
        }

        return constants;
    }

    private (ExpressionConstant Constant, ExpressionToken Token) ParseConstant()
    {
        if (++_constantCount > LogicalLimits.ExpressionConstantsMax)
        {
            throw new ExpressionException(
                $"more than {LogicalLimits.ExpressionConstantsMax} constants", Current.Position);
        }

        ExpressionConstant constant = Current.Kind switch
        {
            ExpressionTokenKind.Constant =>
                new ExpressionConstant.Number(Current.Number.Value, Current.Number.Mask),
            ExpressionTokenKind.String => new ExpressionConstant.Port(Current.Text),
            ExpressionTokenKind.AddressSet => new ExpressionConstant.AddressSet(Current.Text),
            ExpressionTokenKind.PortGroup => new ExpressionConstant.PortGroup(Current.Text),
            _ => throw Unexpected("a constant"),
        };
        return (constant, Advance());
    }

    /// <remarks>
    /// What OpenFlow cannot mask, no flow can match negatively; saying so here, with the place, is
    /// better than a rule that silently matches nothing.
    /// </remarks>
    private void CheckNominal(Expression expression)
    {
        switch (expression)
        {
            case Expression.And all:
                foreach (var term in all.Terms) CheckNominal(term);
                break;
            case Expression.Or any:
                foreach (var term in any.Terms) CheckNominal(term);
                break;
            case Expression.Predicate { IsPositive: false } predicate
                when _symbols[predicate.Name].IsNominal:
                throw new ExpressionException(
                    $"{predicate.Name} can only be tested positively, not !{predicate.Name}",
                    predicate.Position);
            case Expression.Comparison { Relation: Relation.NotEqual } comparison
                when _symbols[comparison.Bits.Symbol].IsNominal:
                throw new ExpressionException(
                    $"{comparison.Bits.Symbol} can only be tested for equality "
                    + "(a ! around it counts)", comparison.Position);
        }
    }

    private Relation ParseRelation() => Advance().Text switch
    {
        "==" => Relation.Equal,
        "!=" => Relation.NotEqual,
        "<" => Relation.Less,
        "<=" => Relation.LessOrEqual,
        ">" => Relation.Greater,
        _ => Relation.GreaterOrEqual,
    };

    private static Relation Mirrored(Relation relation) => relation switch
    {
        Relation.Less => Relation.Greater,
        Relation.LessOrEqual => Relation.GreaterOrEqual,
        Relation.Greater => Relation.Less,
        Relation.GreaterOrEqual => Relation.LessOrEqual,
        _ => relation,
    };

    private static bool IsRelation(ExpressionToken token) =>
        token.Kind == ExpressionTokenKind.Symbol
        && token.Text is "==" or "!=" or "<" or "<=" or ">" or ">=";

    private bool Is(string symbol) =>
        Current.Kind == ExpressionTokenKind.Symbol && Current.Text == symbol;

    private ExpressionToken Advance()
    {
        var token = Current;
        if (token.Kind != ExpressionTokenKind.End) _index++;
        return token;
    }

    private bool Take(string symbol)
    {
        if (!Is(symbol)) return false;
        _index++;
        return true;
    }

    private void Expect(string symbol)
    {
        if (!Take(symbol)) throw Unexpected($"'{symbol}'");
    }

    private ExpressionException Unexpected(string wanted) =>
        new($"expected {wanted}, found '{Current.Text}'", Current.Position);
}
