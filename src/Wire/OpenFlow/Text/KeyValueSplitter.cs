namespace Fabric.Wire.OpenFlow;

/// <summary>
/// Splits "key=value,key(value),key:value key" as OVS's ofputil_parse_key_value does.
/// </summary>
/// <remarks>
/// Parts are separated by commas and white space. A key ends at '=', ':' or '('; a value in
/// parentheses may hold commas and nested parentheses. Text after a closing parenthesis up to the
/// next separator ("(100)->NXM_NX_REG0[0]") is the <see cref="Suffix"/>.
/// </remarks>
internal ref struct KeyValueSplitter(ReadOnlySpan<char> text)
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _at;

    /// <summary>Not empty when parentheses do not match.</summary>
    public string Error { get; private set; } = "";

    /// <summary>What follows a parenthesised value without a separator.</summary>
    public string Suffix { get; private set; } = "";

    /// <summary>The character after the key: '=', ':', '(' or '\0'.</summary>
    public char Delimiter { get; private set; }

    /// <summary>The next key and its value (null: none); false at the end.</summary>
    public bool Next(out string key, out string? value)
    {
        (key, value, Suffix, Delimiter) = ("", null, "", '\0');
        while (_at < _text.Length && IsSeparator(_text[_at])) _at++;
        if (_at >= _text.Length) return false;
        var start = _at;
        while (_at < _text.Length && !IsSeparator(_text[_at])
            && _text[_at] is not ('=' or ':' or '(')) _at++;
        key = _text[start.._at].ToString();
        if (_at >= _text.Length || IsSeparator(_text[_at])) return true;
        Delimiter = _text[_at++];
        if (Delimiter == '(') return Parenthesised(out value);
        // "key=(value)": the parentheses belong to the value's form, as in packet_type.
        start = _at;
        var depth = 0;
        while (_at < _text.Length && (depth > 0 || !IsSeparator(_text[_at])))
        {
            if (_text[_at] == '(') depth++;
            else if (_text[_at] == ')') depth--;
            _at++;
        }

        value = _text[start.._at].ToString();
        return true;
    }

    private bool Parenthesised(out string? value)
    {
        var start = _at;
        var depth = 1;
        while (_at < _text.Length && depth > 0)
        {
            if (_text[_at] == '(') depth++;
            else if (_text[_at] == ')') depth--;
            _at++;
        }

        value = null;
        if (depth > 0)
        {
            Error = "unmatched parenthesis";
            return false;
        }

        value = _text[start..(_at - 1)].ToString();
        start = _at;
        while (_at < _text.Length && !IsSeparator(_text[_at])) _at++;
        Suffix = _text[start.._at].ToString();
        return true;
    }

    private static bool IsSeparator(char c) => c is ',' or ' ' or '\t' or '\r' or '\n';
}
