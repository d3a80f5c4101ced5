using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Fabric.Wire;

namespace Fabric.Logical;

internal enum ExpressionTokenKind
{
    End,
    Identifier,
    String,
    Constant,
    AddressSet,
    PortGroup,
    Symbol,
}

/// <summary>A number, address or masked value as written.</summary>
/// <param name="Value">In the low bits, as a number.</param>
/// <param name="Mask">Meaningful bits, when <paramref name="HasMask"/>.</param>
/// <param name="WidthMin">32, 48, 128 for addresses, else the bits that the number needs.</param>
internal readonly record struct ExpressionNumber(
    UInt128 Value, UInt128 Mask, bool HasMask, int WidthMin);

internal readonly record struct ExpressionToken(
    ExpressionTokenKind Kind, string Text, ExpressionNumber Number, int Position);

/// <summary>
/// Cuts an expression of the OVN language into tokens (ovn-sb(5), "Lexical syntax").
/// </summary>
internal sealed class ExpressionLexer
{
    private static readonly string[] Symbols =
    [
        "..", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "{", "}", "[", "]", ",", "<", ">", "!",
    ];

    private readonly string _text;
    private int _position;

    private ExpressionLexer(string text) => _text = text;

    /// <exception cref="ExpressionException">The text holds something that is no token.</exception>
    public static List<ExpressionToken> Tokenize(string text)
    {
        if (text.Length > LogicalLimits.ExpressionLengthMax)
        {
            throw new ExpressionException(
                $"expression is longer than {LogicalLimits.ExpressionLengthMax} characters", 0);
        }

        var lexer = new ExpressionLexer(text);
        var tokens = new List<ExpressionToken>();
        do
        {
            tokens.Add(lexer.Next());
        }
        while (tokens[^1].Kind != ExpressionTokenKind.End);
        return tokens;
    }

    private ExpressionToken Next()
    {
        SkipBlanks();
        var start = _position;
        if (start == _text.Length) return Token(ExpressionTokenKind.End, "end of input", start);

        var first = _text[start];
        if (first == '"') return QuotedString();
        if (first is '$' or '@')
        {
            _position++;
            var name = Name();
            if (name.Length == 0)
                throw new ExpressionException($"expected a name after {first}", start);
            var kind = first == '$'
                ? ExpressionTokenKind.AddressSet
                : ExpressionTokenKind.PortGroup;
            return Token(kind, name, start);
        }

        if (char.IsAsciiDigit(first) || StartsAddress(start)) return Constant();
        if (IsNameStart(first) && !IsRange(start))
            return Token(ExpressionTokenKind.Identifier, Name(), start);

        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(_text, start, symbol, 0, symbol.Length) != 0) continue;
            _position += symbol.Length;
            return Token(ExpressionTokenKind.Symbol, symbol, start);
        }

        throw new ExpressionException(
            $"character '{first}' is not part of the expression language", start);
    }

    private static ExpressionToken Token(ExpressionTokenKind kind, string text, int position) =>
        new(kind, text, default, position);

    private static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c is '_' or '.';
    private bool IsRange(int start) =>
        string.CompareOrdinal(_text, start, "..", 0, 2) == 0;

    private static bool IsNamePart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.';

    private void SkipBlanks()
    {
        while (_position < _text.Length)
        {
            var rest = _text.AsSpan(_position);
            if (char.IsWhiteSpace(rest[0])) _position++;
            else if (rest.StartsWith("//")) SkipTo("\n", "//");
            else if (rest.StartsWith("/*")) SkipTo("*/", "/*");
            else return;
        }
    }

    private void SkipTo(string end, string begin)
    {
        var found = _text.IndexOf(end, _position + begin.Length, StringComparison.Ordinal);
        _position = found < 0 ? _text.Length : found + end.Length;
    }

    private string Name()
    {
        var start = _position;
        while (_position < _text.Length && IsNamePart(_text[_position])) _position++;
        return _text[start.._position];
    }

    /// <summary>
    /// A colon before anything that no address holds: this is a MAC or IPv6 address.
    /// </summary>
    private bool StartsAddress(int start)
    {
        for (var i = start; i < _text.Length; i++)
        {
            if (_text[i] == ':') return true;
            if (!char.IsAsciiHexDigit(_text[i])) return false;
        }

        return false;
    }

    private ExpressionToken QuotedString()
    {
        var start = _position++;
        var text = new StringBuilder();
        while (_position < _text.Length)
        {
            var c = _text[_position++];
            if (c == '"') return Token(ExpressionTokenKind.String, text.ToString(), start);
            if (c == '\\' && _position < _text.Length) c = Unescape(_text[_position++]);
            text.Append(c);
        }

        throw new ExpressionException("the string has no closing quote", start);
    }

    private char Unescape(char c) => c switch
    {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\b',
        'f' => '\f',
        'u' when _position + 4 <= _text.Length && ushort.TryParse(
            _text.AsSpan(_position, 4), NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture, out var code) => TakeCode(code),
        _ => c,
    };

    private char TakeCode(ushort code)
    {
        _position += 4;
        return (char)code;
    }

    private string Word()
    {
        var start = _position;
        while (_position < _text.Length)
        {
            var c = _text[_position];
            var isRange = c == '.' && _position + 1 < _text.Length && _text[_position + 1] == '.';
            if (isRange || !(char.IsAsciiLetterOrDigit(c) || c is '.' or ':')) break;
            _position++;
        }

        return _text[start.._position];
    }

    private ExpressionToken Constant()
    {
        var start = _position;
        var word = Word();
        if (!TryParseNumber(word, out var value, out var width))
            throw new ExpressionException($"'{word}' is no number or address", start);

        var number = new ExpressionNumber(value, 0, HasMask: false, width);
        if (_position < _text.Length && _text[_position] == '/'
            && _position + 1 < _text.Length && _text[_position + 1] is not ('/' or '*'))
        {
            _position++;
            number = WithMask(word, value, width);
        }

        var text = _text[start.._position];
        return new ExpressionToken(ExpressionTokenKind.Constant, text, number, start);
    }

    private ExpressionNumber WithMask(string word, UInt128 value, int width)
    {
        var start = _position;
        var maskWord = Word();
        UInt128 mask;
        var isAddress = word.Contains('.') || word.Contains(':');
        if (isAddress && width is 32 or 128
            && int.TryParse(
                maskWord, NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
        {
            if (bits > width)
                throw new ExpressionException($"a prefix of {bits} bits is too long", start);
            mask = LowBits(width) & ~LowBits(width - bits);
        }
        else if (!TryParseNumber(maskWord, out mask, out var maskWidth)
            || (isAddress && maskWidth != width))
        {
            throw new ExpressionException($"'{maskWord}' is no mask for '{word}'", start);
        }
        else
        {
            width = Math.Max(width, maskWidth);
        }

        if ((value & ~mask) != 0)
        {
            throw new ExpressionException(
                $"'{word}/{maskWord}' has 1-bits outside its mask", start);
        }

        return new ExpressionNumber(value, mask, HasMask: true, width);
    }

    /// <summary>One bits in the lowest 'count' places, count 0..128.</summary>
    internal static UInt128 LowBits(int count) =>
        count >= 128 ? UInt128.MaxValue : (UInt128.One << count) - 1;

    /// <summary>Decimal, 0x..., dotted IPv4, IPv6 or MAC text as a number and its width.</summary>
    internal static bool TryParseNumber(string word, out UInt128 value, out int width)
    {
        value = 0;
        width = 0;
        if (word.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            if (!UInt128.TryParse(word.AsSpan(2), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out value))
            {
                return false;
            }
        }
        else if (MacBytes.TryParse(word, out var mac))
        {
            value = mac.ToUInt64();
            width = 48;
            return true;
        }
        else if (word.Contains(':') || word.Contains('.'))
        {
            return TryParseAddress(word, out value, out width);
        }
        else if (
            !UInt128.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out value))
        {
            return false;
        }

        width = 128 - (int)UInt128.LeadingZeroCount(value);
        return true;
    }

    private static bool TryParseAddress(string word, out UInt128 value, out int width)
    {
        value = 0;
        width = 0;
        if (!IPAddress.TryParse(word, out var address)) return false;
        if (address.AddressFamily == AddressFamily.InterNetwork && word.Count(c => c == '.') != 3)
            return false;
        foreach (var part in address.GetAddressBytes()) value = (value << 8) | part;
        width = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        return true;
    }
}
