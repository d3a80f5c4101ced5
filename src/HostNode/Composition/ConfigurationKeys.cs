namespace Fabric.HostNode.Composition;

/// <summary>Which keys a HOCON text sets, and on which lines; values are skipped.</summary>
/// <remarks>
/// For telling a mistyped key, which HOCON itself takes for one that nobody asks about. It reads
/// text that the HOCON parser has accepted; includes and what substitutions bring are not seen.
/// </remarks>
internal sealed class ConfigurationKeys
{
    private readonly string _text;
    /// <summary>One key that a text sets.</summary>
    /// <param name="Path">With all the objects that it stands in.</param>
    /// <param name="Line">From 1.</param>
    /// <param name="IsGroup">Its value is an object; a substitution may be either.</param>
    public sealed record Key(string Path, int Line, bool? IsGroup);

    private readonly List<Key> _found = [];
    private int _at;
    private int _line = 1;

    private ConfigurationKeys(string text) => _text = text;

    /// <summary>Every key, in the order of the text.</summary>
    public static IReadOnlyList<Key> Read(string text)
    {
        var reader = new ConfigurationKeys(text);
        reader.ReadObject("");
        return reader._found;
    }

    /// <summary>
    /// The complaint about the first key under 'root' that 'reference' has not, or null.
    /// </summary>
    public static string? FindUnknown(string text, string reference, string root)
    {
        var known = Read(reference).GroupBy(key => key.Path, StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => same.First().IsGroup);
        foreach (var (path, line, isGroup) in Read(text))
        {
            if (path != root && !path.StartsWith(root + ".", StringComparison.Ordinal)) continue;
            if (!known.TryGetValue(path, out var isKnownGroup))
            {
                var nearest = known.Keys.MinBy(other => Distance(path, other));
                return $"line {line}: {path} is no key of this version; did you mean {nearest}?";
            }

            if (isGroup is null || isGroup == isKnownGroup) continue;
            return isKnownGroup == true
                ? $"line {line}: {path} is no object: write {path} {{ }}"
                : $"line {line}: {path} is an object: write {path} = VALUE";
        }

        return null;
    }

    private void ReadObject(string prefix)
    {
        while (true)
        {
            SkipBlank();
            if (_at >= _text.Length) return;
            if (_text[_at] is '}')
            {
                _at++;
                return;
            }

            if (_text[_at] is '{') // The braces around a whole file.
            {
                _at++;
                ReadObject(prefix);
                continue;
            }

            var line = _line;
            var key = ReadKey();
            if (key is null) continue;
            ReadValue(prefix.Length == 0 ? key : $"{prefix}.{key}", line);
        }
    }

    /// <summary>Up to, and not with, the '=', ':', '+=' or '{'; null for an include.</summary>
    private string? ReadKey()
    {
        var start = _at;
        while (_at < _text.Length && _text[_at] is not ('=' or ':' or '{' or '\n' or '}' or ','))
        {
            if (_text[_at] == '"') SkipString();
            else _at++;
        }

        var key = _text[start.._at].TrimEnd('+', ' ', '\t').Replace("\"", "");
        var isInclude = key.StartsWith("include", StringComparison.Ordinal)
            && (_at >= _text.Length || _text[_at] is '\n' or '}' or ',');
        if (!isInclude && key.Length > 0) return key;
        if (_at < _text.Length && _text[_at] is '=' or ':') _at++;
        return null;
    }

    private void ReadValue(string path, int line)
    {
        // Dotted keys name the objects on their way, too.
        for (var dot = path.IndexOf('.'); dot > 0; dot = path.IndexOf('.', dot + 1))
        {
            var parent = path[..dot];
            if (!_found.Exists(key => key.Path == parent)) _found.Add(new(parent, line, true));
        }

        var place = _found.Count;
        _found.Add(new Key(path, line, false));
        if (_at < _text.Length && _text[_at] is '=' or ':') _at++;
        while (_at < _text.Length)
        {
            switch (_text[_at])
            {
                case '{':
                    _found[place] = new Key(path, line, true);
                    _at++;
                    ReadObject(path);
                    return;
                case '[': SkipList(); break;
                case '"': SkipString(); break;
                case '$':
                    _found[place] = new Key(path, line, null);
                    SkipSubstitution();
                    break;
                case '\n' or ',' or '}' or '#': return;
                case '/' when _text.AsSpan(_at).StartsWith("//"): return;
                default: _at++; break;
            }
        }
    }

    private void SkipList()
    {
        for (var depth = 0; _at < _text.Length;)
        {
            SkipBlank();
            if (_at >= _text.Length) return;
            var c = _text[_at];
            if (c == '"')
            {
                SkipString();
                continue;
            }

            _at++;
            if (c is '[' or '{') depth++;
            else if (c is ']' or '}' && --depth == 0) return;
        }
    }

    private void SkipSubstitution()
    {
        while (_at < _text.Length && _text[_at] is not ('}' or '\n')) _at++;
        if (_at < _text.Length && _text[_at] == '}') _at++;
    }

    private void SkipString()
    {
        var isLong = _text.AsSpan(_at).StartsWith("\"\"\"");
        _at += isLong ? 3 : 1;
        while (_at < _text.Length)
        {
            if (_text[_at] == '\n') _line++;
            if (isLong ? _text.AsSpan(_at).StartsWith("\"\"\"") : _text[_at] == '"') break;
            _at += !isLong && _text[_at] == '\\' ? 2 : 1;
        }

        _at = Math.Min(_text.Length, _at + (isLong ? 3 : 1));
    }

    private void SkipBlank()
    {
        while (_at < _text.Length)
        {
            var c = _text[_at];
            if (c == '\n') _line++;
            if (c == '#' || _text.AsSpan(_at).StartsWith("//"))
            {
                while (_at < _text.Length && _text[_at] != '\n') _at++;
            }
            else if (char.IsWhiteSpace(c) || c is ',' or '\uFEFF')
            {
                _at++;
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Levenshtein's distance: insertions, removals and changes.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(
                    Math.Min(above, row[j - 1]) + 1,
                    diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
