using System.Text;

namespace Fabric.Pipeline;

/// <summary>What a line of a trace is; decides how it is set.</summary>
public enum TraceKind : byte { Bridge, Table, Thaw, Action, Bucket, Detail, Warn, Error }

/// <summary>One line of a trace and what happened inside it.</summary>
public sealed record TraceNode(TraceKind Kind, string Text)
{
    public TraceList Children { get; } = new();
}

/// <summary>A walk through the tables as a tree, printed as ofproto/trace prints it.</summary>
public sealed class TraceList
{
    /// <summary>A loop that ends at the translation's limits is cut here.</summary>
    private const int CountMax = 10_000;

    private readonly List<TraceNode> _nodes = [];

    public IReadOnlyList<TraceNode> Nodes => _nodes;

    internal TraceList LastChildren => _nodes[^1].Children;

    internal void Add(TraceKind kind, string text)
    {
        if (_nodes.Count < CountMax) _nodes.Add(new TraceNode(kind, text));
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        Print(text, 0);
        return text.ToString();
    }

    /// <remarks>
    /// The last table of a list stays in the column of its parent, so that a chain of resubmits
    /// reads straight down; one that returns is set inwards (ofproto-dpif-trace.c).
    /// </remarks>
    private void Print(StringBuilder text, int level)
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            var node = _nodes[i];
            if (node.Kind == TraceKind.Bridge) text.Append('\n');
            var more = i + 1 < _nodes.Count || node.Kind >= TraceKind.Action ? 1 : 0;
            text.Append(' ', (level + more) * 4);
            text.Append(node.Kind switch
            {
                TraceKind.Detail => $" -> {node.Text}\n",
                TraceKind.Warn => $" >> {node.Text}\n",
                TraceKind.Error => $" >>>> {node.Text} <<<<\n",
                _ => node.Text + "\n",
            });
            if (node.Kind == TraceKind.Bridge)
            {
                text.Append(' ', (level + more) * 4).Append('-', node.Text.Length).Append('\n');
            }

            node.Children.Print(text, level + more + more);
        }
    }
}
