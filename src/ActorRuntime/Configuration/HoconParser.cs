#nullable disable
using System.Text;

namespace Akka.Configuration;

/// <summary>Reads HOCON text into fields, values not yet resolved.</summary>
/// <remarks>
/// The grammar is that of the HOCON specification (lightbend/config, HOCON.md): comments, dotted
/// paths, unquoted and triple-quoted text, lists, joining, substitutions, include, <c>+=</c>.
/// Every error names line and column.
/// </remarks>
internal sealed class HoconParser
{
    private const int DepthMax = 100;
    private const int SizeMax = 16 * 1024 * 1024;
    private const string NotInText = "$\"{}[]:=,+#`^?!@*&\\";

    private readonly string _text;
    private readonly Func<string, string> _read;
    private readonly int _includeDepth;
    private int _at;
    private int _line = 1;
    private int _lineStart;
    private int _depth;

    /// <param name="read">The text of an included file, or null if there is none.</param>
    public HoconParser(string text, Func<string, string> read, int includeDepth = 0)
    {
        _text = text;
        _read = read;
        _includeDepth = includeDepth;
        if (text.Length > SizeMax) throw new ConfigurationException(
            $"HOCON: the text is longer than {SizeMax} characters at line 1, column 1");
        if (text.Length > 0 && text[0] == '\uFEFF') _at = _lineStart = 1;
    }

    private char Current => _at < _text.Length ? _text[_at] : '\0';
    private bool AtEnd => _at >= _text.Length;
    private HoconPosition Here => new(_line, _at - _lineStart + 1);

    public HoconFields Parse()
    {
        SkipSpace(newLines: true);
        var root = new HoconFields(Here);
        if (Current == '[') throw Here.Error("a file must be an object, but a list begins");
        if (Current == '{')
        {
            root = ParseObject();
            SkipSpace(newLines: true);
            if (!AtEnd)
                throw Here.Error($"nothing may follow the closing brace, but [{Current}] does");
            return root;
        }
        ParseFields(root, closed: false);
        return root;
    }

    private HoconFields ParseObject()
    {
        var start = Here;
        if (++_depth > DepthMax) throw start.Error($"nested deeper than {DepthMax}");
        Advance();
        var fields = new HoconFields(start);
        ParseFields(fields, closed: true);
        if (AtEnd) throw start.Error("the brace is never closed: it opens");
        Advance();
        _depth--;
        return fields;
    }

    private void ParseFields(HoconFields fields, bool closed)
    {
        while (true)
        {
            SkipSeparators();
            if (AtEnd) return;
            if (Current == '}')
            {
                if (closed) return;
                throw Here.Error("a closing brace without an opening one");
            }
            if (IsInclude()) ParseInclude(fields);
            else ParseField(fields);
            ExpectEndOfItem('}');
        }
    }

    private void ExpectEndOfItem(char close)
    {
        SkipSpace(newLines: false);
        if (AtEnd || Current == ',' || Current == '\n' || Current == close) return;
        throw Here.Error($"expected a new line, a comma or [{close}], found [{Current}]");
    }

    private void ParseField(HoconFields fields)
    {
        var path = ParseKey();
        SkipSpace(newLines: false);
        var position = Here;
        switch (Current)
        {
            case '{':
                fields.Assign(path, ParseValue());
                return;
            case ':' or '=':
                Advance();
                SkipSpace(newLines: true);
                fields.Assign(path, ParseValue());
                return;
            case '+' when _at + 1 < _text.Length && _text[_at + 1] == '=':
                Advance();
                Advance();
                SkipSpace(newLines: true);
                var added = new HoconList(position, [ParseValue()]);
                fields.Assign(path, new HoconJoined(position,
                    [new HoconSelf(position), added]));
                return;
            default:
                throw position.Error(AtEnd
                    ? $"key [{string.Join('.', path)}] has no value; the text ends"
                    : $"expected [=], [:], [+=] or [{{] after key [{string.Join('.', path)}], " +
                      $"found [{(Current == '\n' ? "end of line" : Current)}]");
        }
    }

    private List<string> ParseKey()
    {
        var start = Here;
        var path = new List<string>();
        var element = new StringBuilder();
        var quoted = false;
        while (!AtEnd && Current is not (':' or '=' or '{' or '\n') &&
            !(Current == '+' && _at + 1 < _text.Length && _text[_at + 1] == '='))
        {
            if (Current == '"')
            {
                element.Append(ParseQuoted());
                quoted = true;
            }
            else if (Current == '.')
            {
                AddElement(path, element, ref quoted, Here);
                Advance();
            }
            else if (Current is ' ' or '\t' or '\r')
            {
                if (element.Length > 0 && !quoted) element.Append(Current);
                Advance();
            }
            else if (NotInText.Contains(Current) || IsComment())
            {
                throw Here.Error($"[{Current}] cannot stand in a key unless it is quoted");
            }
            else
            {
                element.Append(Current);
                Advance();
            }
        }
        AddElement(path, element, ref quoted, start);
        return path;
    }

    private static void AddElement(
        List<string> path, StringBuilder element, ref bool quoted, HoconPosition position)
    {
        var text = quoted ? element.ToString() : element.ToString().Trim();
        if (text.Length == 0 && !quoted) throw position.Error("a key is missing");
        path.Add(text);
        element.Clear();
        quoted = false;
    }

    private HoconNode ParseValue()
    {
        var start = Here;
        var parts = new List<HoconNode>();
        while (true)
        {
            var spaces = SkipSpaceCounting();
            if (AtEnd || Current is ',' or '\n' or '}' or ']' || IsComment()) break;
            var position = Here;
            if (spaces.Length > 0 && parts.Count > 0)
            {
                parts.Add(new HoconText(position, spaces, quoted: false));
            }
            parts.Add(ParsePart(position));
        }
        if (parts.Count == 0) throw start.Error("a value is missing");
        return parts.Count == 1 ? parts[0] : new HoconJoined(start, parts);
    }

    private HoconNode ParsePart(HoconPosition position)
    {
        switch (Current)
        {
            case '{': return ParseObject();
            case '[': return ParseList();
            case '"': return new HoconText(position, ParseQuoted(), quoted: true);
            case '$': return ParseSubstitution();
        }
        var text = new StringBuilder();
        while (!AtEnd && !NotInText.Contains(Current) && !char.IsWhiteSpace(Current) &&
            !IsComment())
        {
            text.Append(Current);
            Advance();
        }
        if (text.Length == 0)
        {
            throw position.Error($"[{Current}] cannot stand in a value unless it is quoted");
        }
        return new HoconText(position, text.ToString(), quoted: false);
    }

    private HoconList ParseList()
    {
        var start = Here;
        if (++_depth > DepthMax) throw start.Error($"nested deeper than {DepthMax}");
        Advance();
        var items = new List<HoconNode>();
        while (true)
        {
            SkipSeparators();
            if (AtEnd) throw start.Error("the bracket is never closed: it opens");
            if (Current == ']') break;
            items.Add(ParseValue());
            ExpectEndOfItem(']');
        }
        Advance();
        _depth--;
        return new HoconList(start, items);
    }

    private HoconSubstitution ParseSubstitution()
    {
        var start = Here;
        Advance();
        if (Current != '{') throw start.Error("[$] must be followed by [{]");
        Advance();
        var optional = Current == '?';
        if (optional) Advance();
        var end = _text.IndexOf('}', _at);
        var line = _text.IndexOf('\n', _at);
        if (end < 0 || (line >= 0 && line < end))
            throw start.Error("a substitution is not closed: it opens");
        var path = ConfigPath.Parse(_text[_at..end].Trim());
        if (path.Count == 0) throw start.Error("a substitution names no path");
        while (_at <= end) Advance();
        return new HoconSubstitution(start, path, optional);
    }

    private string ParseQuoted()
    {
        var start = Here;
        if (_text.AsSpan(_at).StartsWith("\"\"\"")) return ParseTripleQuoted(start);
        Advance();
        var text = new StringBuilder();
        while (Current != '"')
        {
            if (AtEnd || Current == '\n') throw start.Error("a quote is never closed: it opens");
            if (Current == '\\') text.Append(ParseEscape());
            else
            {
                text.Append(Current);
                Advance();
            }
        }
        Advance();
        return text.ToString();
    }

    private string ParseTripleQuoted(HoconPosition start)
    {
        var from = _at + 3;
        var end = _text.IndexOf("\"\"\"", from, StringComparison.Ordinal);
        if (end < 0) throw start.Error("a triple quote is never closed: it opens");
        while (end + 3 < _text.Length && _text[end + 3] == '"') end++;
        while (_at < end + 3) Advance();
        return _text[from..end];
    }

    private char ParseEscape()
    {
        var position = Here;
        Advance();
        var c = Current;
        Advance();
        switch (c)
        {
            case '"' or '\\' or '/': return c;
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _at + 4 <= _text.Length && ushort.TryParse(_text.AsSpan(_at, 4),
                System.Globalization.NumberStyles.AllowHexSpecifier, null, out var code):
                for (var i = 0; i < 4; i++) Advance();
                return (char)code;
            default:
                throw position.Error($"[\\{c}] is no escape");
        }
    }

    private bool IsInclude()
    {
        if (!_text.AsSpan(_at).StartsWith("include")) return false;
        var next = _at + "include".Length;
        while (next < _text.Length && _text[next] is ' ' or '\t') next++;
        var rest = _text.AsSpan(Math.Min(next, _text.Length));
        return rest.StartsWith("\"") || rest.StartsWith("file(") || rest.StartsWith("required(");
    }

    private void ParseInclude(HoconFields fields)
    {
        var start = Here;
        for (var i = 0; i < "include".Length; i++) Advance();
        SkipSpace(newLines: false);
        var (required, open) = (false, 0);
        while (Current != '"')
        {
            if (_text.AsSpan(_at).StartsWith("required(")) required = true;
            else if (!_text.AsSpan(_at).StartsWith("file(")) throw Here.Error(
                "include needs a quoted file name");
            while (Current != '(') Advance();
            Advance();
            open++;
            SkipSpace(newLines: false);
        }
        var name = ParseQuoted();
        for (; open > 0; open--)
        {
            SkipSpace(newLines: false);
            if (Current != ')') throw Here.Error("expected [)] after the file name");
            Advance();
        }
        if (_includeDepth >= 10) throw start.Error("files are included deeper than 10");
        var text = _read?.Invoke(name);
        if (text is null)
        {
            if (required) throw start.Error($"the included file [{name}] cannot be read: included");
            return;
        }
        try
        {
            fields.Include(new HoconParser(text, _read, _includeDepth + 1).Parse());
        }
        catch (ConfigurationException inside)
        {
            throw new ConfigurationException($"{inside.Message} of [{name}]", inside);
        }
    }

    private bool IsComment() =>
        Current == '#' || (Current == '/' && _at + 1 < _text.Length && _text[_at + 1] == '/');

    private void SkipSeparators()
    {
        do
        {
            SkipSpace(newLines: true);
            if (Current == ',') Advance();
            else return;
        }
        while (!AtEnd);
    }

    private void SkipSpace(bool newLines)
    {
        while (!AtEnd)
        {
            if (IsComment())
            {
                while (!AtEnd && Current != '\n') Advance();
            }
            else if (Current == '\n' ? newLines : char.IsWhiteSpace(Current))
            {
                Advance();
            }
            else
            {
                return;
            }
        }
    }

    private string SkipSpaceCounting()
    {
        var from = _at;
        while (!AtEnd && Current != '\n' && char.IsWhiteSpace(Current)) Advance();
        return _text[from.._at];
    }

    private void Advance()
    {
        if (_at < _text.Length && _text[_at] == '\n')
        {
            _line++;
            _lineStart = _at + 1;
        }
        _at++;
    }
}

/// <summary>What a field held before: the left side of <c>+=</c>.</summary>
internal sealed class HoconSelf(HoconPosition position) : HoconNode(position);

/// <summary>Paths: elements between dots, quoted where they contain dots.</summary>
internal static class ConfigPath
{
    public static IReadOnlyList<string> Parse(string path)
    {
        if (!path.Contains('"')) return path.Split('.', StringSplitOptions.RemoveEmptyEntries);
        var elements = new List<string>();
        var element = new StringBuilder();
        var quoted = false;
        foreach (var c in path)
        {
            if (c == '"') quoted = !quoted;
            else if (c == '.' && !quoted)
            {
                elements.Add(element.ToString());
                element.Clear();
            }
            else element.Append(c);
        }
        elements.Add(element.ToString());
        return elements;
    }
}
