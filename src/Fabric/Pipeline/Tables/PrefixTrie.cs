namespace Fabric.Pipeline;

/// <summary>
/// The prefix lengths that rules use in one field, found by walking a value's bits.
/// </summary>
/// <remarks>
/// A path-compressed binary tree that packet threads read while the table's one writer changes it:
/// a change is one write of a reference or a count, and what it replaces stays whole. A lookup says
/// two things: which lengths have a prefix of the value, and how many of the value's bits prove
/// that there is no other. With it a packet to 10.1.2.3 need not be known to the last bit because
/// some rule matches 192.168.0.1/32. Values are left-aligned in 128 bits; an IPv4 address uses the
/// upper 32.
/// </remarks>
internal sealed class PrefixTrie
{
    private volatile Node? _root;

    private sealed class Node(UInt128 label, int length, int ruleCount)
    {
        public readonly UInt128 Label = label;
        public readonly int Length = length;
        public volatile int RuleCount = ruleCount;
        public volatile Node? Zero;
        public volatile Node? One;

        public bool IsLeaf => Zero is null && One is null;

        public void SetChild(bool isOne, Node? child)
        {
            if (isOne) One = child;
            else Zero = child;
        }
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
        if (length <= 0) return;
        value = Cut(value, length);
        Node? parent = null;
        var isOne = false;
        for (var node = _root; node is not null;)
        {
            var equal = Math.Min(Math.Min(node.Length, length), LeadingEqual(node.Label, value));
            if (equal < node.Length)
            {
                Link(parent, isOne, Split(node, equal, value, length));
                return;
            }

            if (equal == length)
            {
                node.RuleCount++;
                return;
            }

            (parent, isOne) = (node, Bit(value, equal));
            (value, length) = (value << equal, length - equal);
            node = isOne ? node.One : node.Zero;
        }

        Link(parent, isOne, new Node(value, length, 1));
    }

    public void Remove(UInt128 value, int length)
    {
        if (length <= 0) return;
        value = Cut(value, length);
        Node? above = null, parent = null;
        bool aboveIsOne = false, isOne = false;
        for (var node = _root; node is not null;)
        {
            var equal = Math.Min(Math.Min(node.Length, length), LeadingEqual(node.Label, value));
            if (equal < node.Length) return;
            if (equal == length)
            {
                if (node.RuleCount > 0) node.RuleCount--;
                if (Tidy(node) is var tidy && ReferenceEquals(tidy, node)) return;
                Link(parent, isOne, tidy);
                if (parent is null || tidy is not null) return;
                var left = Tidy(parent);
                if (!ReferenceEquals(left, parent)) Link(above, aboveIsOne, left);
                return;
            }

            (above, aboveIsOne) = (parent, isOne);
            (parent, isOne) = (node, Bit(value, equal));
            (value, length) = (value << equal, length - equal);
            node = isOne ? node.One : node.Zero;
        }
    }

    private void Link(Node? parent, bool isOne, Node? child)
    {
        if (parent is null) _root = child;
        else parent.SetChild(isOne, child);
    }

    /// <summary>What takes the place of a node that a prefix leaves early.</summary>
    private static Node Split(Node node, int equal, UInt128 value, int length)
    {
        var rest = new Node(node.Label << equal, node.Length - equal, node.RuleCount)
        {
            Zero = node.Zero, One = node.One,
        };
        var upper = new Node(Cut(node.Label, equal), equal, equal == length ? 1 : 0);
        upper.SetChild(Bit(node.Label, equal), rest);
        if (equal < length)
        {
            upper.SetChild(Bit(value, equal), new Node(value << equal, length - equal, 1));
        }

        return upper;
    }

    private static Node? Next(Node node, UInt128 value, int matched) =>
        Bit(value, matched) ? node.One : node.Zero;

    /// <summary>Itself; nothing if it is of no use; or itself and its only child in one.</summary>
    private static Node? Tidy(Node node)
    {
        if (node.RuleCount > 0 || (node.Zero is not null && node.One is not null)) return node;
        var only = node.Zero ?? node.One;
        return only is null ? null : new Node(
            node.Label | (only.Label >> node.Length), node.Length + only.Length, only.RuleCount)
        {
            Zero = only.Zero, One = only.One,
        };
    }

    private static int LeadingEqual(UInt128 left, UInt128 right) =>
        (int)UInt128.LeadingZeroCount(left ^ right);

    private static bool Bit(UInt128 value, int index) =>
        index < 128 && ((value >> (127 - index)) & UInt128.One) != 0;

    private static UInt128 Cut(UInt128 value, int length) =>
        length == 0 ? 0 : value & (UInt128.MaxValue << (128 - length));
}
