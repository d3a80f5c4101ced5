namespace Fabric.Datapath;

/// <summary>Splits "a(b=1,c(d=2)),e" at the commas that are not inside brackets.</summary>
internal ref struct OdpItems
{
    /// <summary>Nesting beyond this is refused: no real text has it.</summary>
    public const int DepthMax = 32;

    private ReadOnlySpan<char> _rest;

    public OdpItems(ReadOnlySpan<char> text)
    {
        _rest = text;
        Item = default;
        Name = default;
        Arguments = default;
    }

    /// <summary>The whole item, trimmed.</summary>
    public ReadOnlySpan<char> Item { get; private set; }

    /// <summary>
    /// What stands before the bracket or '='; all of the item when there is neither.
    /// </summary>
    public ReadOnlySpan<char> Name { get; private set; }

    /// <summary>What stands inside the outermost brackets or after '='.</summary>
    public ReadOnlySpan<char> Arguments { get; private set; }

    public bool HasArguments { get; private set; }

    /// <summary>False at the end, or at unbalanced brackets ('isBroken').</summary>
    public bool MoveNext(out bool isBroken)
    {
        isBroken = false;
        _rest = _rest.TrimStart(" ,\t\r\n");
        if (_rest.IsEmpty) return false;

        int depth = 0, end = 0;
        for (; end < _rest.Length; end++)
        {
            var c = _rest[end];
            if (c is '(' or '{' or '[') depth++;
            else if (c is ')' or '}' or ']') depth--;
            else if (c == ',' && depth == 0) break;
            if (depth is < 0 or > DepthMax) break;
        }

        if (depth != 0)
        {
            isBroken = true;
            return false;
        }

        Item = _rest[..end].Trim();
        _rest = _rest[end..];
        isBroken = !TrySplit();
        return !isBroken;
    }

    private bool TrySplit()
    {
        var mark = Item.IndexOfAny('(', '=');
        HasArguments = mark >= 0;
        if (mark < 0)
        {
            Name = Item;
            Arguments = default;
        }
        else if (Item[mark] == '=')
        {
            Name = Item[..mark].Trim();
            Arguments = Item[(mark + 1)..].Trim();
        }
        else
        {
            Name = Item[..mark].Trim();
            var close = Item.LastIndexOf(')');
            if (close < mark) return false;
            Arguments = Item[(mark + 1)..close];
        }

        return true;
    }
}
