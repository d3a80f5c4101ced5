namespace Fabric.Pipeline;

/// <summary>
/// The prefix lengths that rules use in one field, found by walking a value's bits.
/// </summary>
/// <remarks>
/// A path-compressed binary tree, replaced node by node on change, so that packet threads read it
/// while the table's writer changes it. A lookup says two things: which lengths have a prefix of
/// the value, and how many of the value's bits prove that there is no other. With it a packet to
/// 10.1.2.3 need not be known to the last bit because some rule matches 192.168.0.1/32.
/// Values are left-aligned in 128 bits; an IPv4 address uses the upper 32.
/// </remarks>
internal sealed class PrefixTrie
{
    private volatile Node? _root;

    private sealed record Node(UInt128 Label, int Length, int RuleCount, Node? Zero, Node? One)
    {
        public bool IsLeaf => Zero is null && One is null;
    }

    public bool IsEmpty => _root is null;

    /// <summary>
    /// Walks 'value'; bit (n - 1) of 'lengths' says that a rule has its first n bits.
    /// </summary>
    /// <returns>How many leading bits were needed to find out: 0 when the trie is empty.</returns>
    public int Lookup(UInt128 value, int width, out UInt128 lengths)
    {
        lengths = 0;
        var matched = 0;
        Node? previous = null;
        for (var node = _root; node is not null; node = Next(node, value, matched))
        {
            var equal = Math.Min(node.Length, LeadingEqual(node.Label, value << matched));
            matched += equal;
            if (equal < node.Length) return matched + 1;
            if (node.RuleCount > 0 && matched > 0) lengths |= UInt128.One << (matched - 1);
            if (matched >= width) return width;
            previous = node;
        }

        return previous is null || previous.IsLeaf ? matched : matched + 1;
    }

    public void Insert(UInt128 value, int length)
    {
        if (length > 0) _root = Insert(_root, Cut(value, length), length);
    }

    public void Remove(UInt128 value, int length)
    {
        if (length > 0 && _root is not null) _root = Remove(_root, Cut(value, length), length);
    }

    private static Node? Next(Node node, UInt128 value, int matched) =>
        Bit(value, matched) ? node.One : node.Zero;

    private static Node Insert(Node? node, UInt128 value, int length)
    {
        if (node is null) return new Node(value, length, 1, null, null);
        var equal = Math.Min(Math.Min(node.Length, length), LeadingEqual(node.Label, value));
        if (equal < node.Length)
        {
            var rest = node with { Label = node.Label << equal, Length = node.Length - equal };
            var upper = Bit(node.Label, equal)
                ? new Node(Cut(node.Label, equal), equal, 0, null, rest)
                : new Node(Cut(node.Label, equal), equal, 0, rest, null);
            return equal == length ? upper with { RuleCount = 1 } : InsertBelow(upper);
        }

        return equal == length ? node with { RuleCount = node.RuleCount + 1 } : InsertBelow(node);

        Node InsertBelow(Node parent) => Bit(value, equal)
            ? parent with { One = Insert(parent.One, value << equal, length - equal) }
            : parent with { Zero = Insert(parent.Zero, value << equal, length - equal) };
    }

    private static Node? Remove(Node node, UInt128 value, int length)
    {
        var equal = Math.Min(Math.Min(node.Length, length), LeadingEqual(node.Label, value));
        if (equal < node.Length) return node;
        if (equal == length)
        {
            return node.RuleCount == 0 ? node : Tidy(node with { RuleCount = node.RuleCount - 1 });
        }

        var isOne = Bit(value, equal);
        var below = isOne ? node.One : node.Zero;
        if (below is null) return node;
        below = Remove(below, value << equal, length - equal);
        return Tidy(isOne ? node with { One = below } : node with { Zero = below });
    }

    private static Node? Tidy(Node node)
    {
        if (node.RuleCount > 0 || (node.Zero is not null && node.One is not null)) return node;
        var only = node.Zero ?? node.One;
        return only is null ? null : only with
        {
            Label = node.Label | (only.Label >> node.Length),
            Length = node.Length + only.Length,
        };
    }

    private static int LeadingEqual(UInt128 left, UInt128 right) =>
        (int)UInt128.LeadingZeroCount(left ^ right);

    private static bool Bit(UInt128 value, int index) =>
        index < 128 && ((value >> (127 - index)) & UInt128.One) != 0;

    private static UInt128 Cut(UInt128 value, int length) =>
        length == 0 ? 0 : value & (UInt128.MaxValue << (128 - length));
}
