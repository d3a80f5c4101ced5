using System.Globalization;
using System.Text;

namespace Fabric.Wire.Ovsdb;

/// <summary>Says what is wrong with a JSON text, and where, in Open vSwitch's words.</summary>
/// <remarks>
/// Only asked about texts that were refused: "line 0, column 4, byte 4: syntax error ...".
/// A place is the number of characters before it; a number or word is judged where it ends.
/// </remarks>
internal ref struct JsonComplaint
{
    private enum Expects : byte
    {
        Beginning,
        KeyOrEnd,
        Key,
        Colon,
        Value,
        ValueOrEnd,
        CommaOrBrace,
        CommaOrBracket,
        Nothing,
    }

    private readonly ReadOnlySpan<byte> _json;
    private readonly Stack<byte> _open = new();
    private Expects _expects = Expects.Beginning;
    private int _at;

    private JsonComplaint(ReadOnlySpan<byte> json) => _json = json;

    /// <returns>Null if nothing is wrong that this knows of.</returns>
    public static string? Of(ReadOnlySpan<byte> json)
    {
        var complaint = new JsonComplaint(json);
        var problem = complaint.Find();
        if (problem is null) return null;
        var before = json[..Math.Min(complaint._at, json.Length)];
        var line = before.Count((byte)'\n');
        var column = complaint._at - 1 - before.LastIndexOf((byte)'\n');
        return string.Create(CultureInfo.InvariantCulture,
            $"line {line}, column {column}, byte {complaint._at}: {problem}");
    }

    private string? Find()
    {
        if (_json.IsEmpty) return "empty input stream";
        while (_at < _json.Length)
        {
            var problem = NextToken();
            if (problem is not null) return problem;
        }

        return _expects == Expects.Nothing ? null : "unexpected end of input";
    }

    private string? NextToken()
    {
        var letter = _json[_at];
        switch (letter)
        {
            case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                _at++;
                return null;
            case (byte)'"':
                var wrong = ReadString() ?? Take((byte)'"');
                if (wrong is null) _at++;
                return wrong;
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                return ReadWord(IsOfNumber, NumberProblem);
            case >= (byte)'a' and <= (byte)'z':
                return ReadWord(IsOfKeyword, KeywordProblem);
            case (byte)'{' or (byte)'}' or (byte)'[' or (byte)']':
            case (byte)':' or (byte)',':
                var problem = Take(letter);
                if (problem is null) _at++;
                return problem;
            default:
                return $"invalid character '{(char)letter}'";
        }
    }

    /// <summary>What may follow; a string counts as its quote, other values as 'v'.</summary>
    private string? Take(byte token)
    {
        switch (_expects)
        {
            case Expects.Beginning:
                return token is (byte)'{' or (byte)'['
                    ? Open(token) : "syntax error at beginning of input";
            case Expects.KeyOrEnd when token == (byte)'}':
            case Expects.CommaOrBrace when token == (byte)'}':
            case Expects.CommaOrBracket when token == (byte)']':
            case Expects.ValueOrEnd when token == (byte)']':
                _open.Pop();
                return Closed();
            case Expects.KeyOrEnd or Expects.Key:
                _expects = Expects.Colon;
                return token == (byte)'"' ? null : "syntax error parsing object expecting string";
            case Expects.Colon:
                _expects = Expects.Value;
                return token == (byte)':' ? null : "syntax error parsing object expecting ':'";
            case Expects.Value or Expects.ValueOrEnd:
                if (token is (byte)'{' or (byte)'[') return Open(token);
                return token is (byte)'"' or (byte)'v' ? Closed() : "syntax error expecting value";
            case Expects.CommaOrBrace:
                _expects = Expects.Key;
                return token == (byte)',' ? null : "syntax error expecting '}' or ','";
            case Expects.CommaOrBracket:
                _expects = Expects.Value;
                return token == (byte)',' ? null : "syntax error expecting ']' or ','";
            default:
                return "trailing garbage at end of input";
        }
    }

    private string? Open(byte token)
    {
        if (_open.Count == OvsdbLimits.JsonDepthMax)
        {
            return $"input exceeds maximum nesting depth {OvsdbLimits.JsonDepthMax}";
        }

        _open.Push(token);
        _expects = token == (byte)'{' ? Expects.KeyOrEnd : Expects.ValueOrEnd;
        return null;
    }

    /// <summary>A value has ended.</summary>
    private string? Closed()
    {
        _expects = _open.Count == 0 ? Expects.Nothing
            : _open.Peek() == (byte)'{' ? Expects.CommaOrBrace : Expects.CommaOrBracket;
        return null;
    }

    private string? ReadWord(
        Func<byte, bool> isPart, Func<ReadOnlySpan<byte>, string?> problemOf)
    {
        var start = _at;
        while (_at < _json.Length && isPart(_json[_at])) _at++;
        var problem = problemOf(_json[start.._at]) ?? Take((byte)'v');

        // At the end of the text a word is ended by what is not there: that counts too.
        if (problem is null && _at == _json.Length) _at++;
        return problem;
    }

    private static bool IsOfKeyword(byte letter) => letter is >= (byte)'a' and <= (byte)'z';

    private static bool IsOfNumber(byte letter) =>
        letter is (>= (byte)'0' and <= (byte)'9') or (byte)'+' or (byte)'-' or (byte)'.'
            or (byte)'e' or (byte)'E';

    private static string? KeywordProblem(ReadOnlySpan<byte> word) =>
        word.SequenceEqual("true"u8) || word.SequenceEqual("false"u8)
        || word.SequenceEqual("null"u8)
            ? null : $"invalid keyword '{Encoding.ASCII.GetString(word)}'";

    private static string? NumberProblem(ReadOnlySpan<byte> word)
    {
        var at = word[0] == (byte)'-' ? 1 : 0;
        var digits = Digits(word[at..]);
        if (digits == 0) return "'-' must be followed by digit";
        if (word[at] == (byte)'0' && digits > 1) return "leading zeros not allowed";
        at += digits;
        if (at < word.Length && word[at] == (byte)'.')
        {
            digits = Digits(word[++at..]);
            if (digits == 0) return "decimal point must be followed by digit";
            at += digits;
        }

        if (at < word.Length && word[at] is (byte)'e' or (byte)'E')
        {
            at++;
            if (at < word.Length && word[at] is (byte)'+' or (byte)'-') at++;
            digits = Digits(word[at..]);
            if (digits == 0) return "exponent must contain at least one digit";
            at += digits;
        }

        if (at < word.Length) return "syntax error in number";
        var isWell = double.TryParse(word, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number);
        return isWell ? null : "number outside valid range";
    }

    private static int Digits(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return end < 0 ? text.Length : end;
    }

    /// <summary>To the closing quote, where what is escaped within is judged.</summary>
    private string? ReadString()
    {
        var start = ++_at;
        for (; _at < _json.Length; _at++)
        {
            var letter = _json[_at];
            if (letter < ' ') return $"U+{(int)letter:X4} must be escaped in quoted string";
            if (letter == (byte)'\\') _at++;
            if (letter != (byte)'"') continue;
            return EscapeProblem(_json[start.._at]);
        }

        _at = _json.Length;
        return "unexpected end of input in quoted string";
    }

    private static string? EscapeProblem(ReadOnlySpan<byte> text)
    {
        for (var at = text.IndexOf((byte)'\\'); at >= 0 && at < text.Length; at++)
        {
            if (text[at] != (byte)'\\') continue;
            var kind = text[++at];
            if (kind != (byte)'u')
            {
                if (!"\"\\/bfnrt"u8.Contains(kind)) return $"bad escape \\{(char)kind}";
                continue;
            }

            if (!TryUnit(text[(at + 1)..], out var unit, out var problem)) return problem;
            at += 4;
            if (unit == 0) return "null bytes not supported in quoted strings";
            if (unit is < 0xD800 or > 0xDBFF) continue;
            if (text.Length < at + 7 || text[at + 1] != (byte)'\\' || text[at + 2] != (byte)'u'
                || !TryUnit(text[(at + 3)..], out unit, out _) || unit is < 0xDC00 or > 0xDFFF)
            {
                return "malformed escaped surrogate pair";
            }

            at += 6;
        }

        return null;
    }

    private static bool TryUnit(ReadOnlySpan<byte> text, out int unit, out string problem)
    {
        unit = 0;
        problem = text.Length < 4
            ? "quoted string ends within \\u escape" : "malformed \\u escape";
        return text.Length >= 4 && int.TryParse(
            text[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out unit);
    }
}
