using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>How a trace is told; ovn-trace's words, in the order in which they are told.</summary>
public enum TraceForm
{
    Detailed,
    Summary,
    Minimal,
}

/// <summary>ovn-trace's options, and the words that are none.</summary>
/// <param name="Forms">At least one.</param>
/// <param name="States">Conntrack states of recirculations, in order: "trk,est".</param>
/// <param name="Error">Which option cannot be meant; null: none.</param>
public sealed record LogicalTraceOptions(
    ImmutableSortedSet<TraceForm> Forms, ImmutableArray<string> States,
    ImmutableArray<string> Words, string? Error)
{
    /// <remarks>
    /// --ovs, --db and the like choose where ovn-trace reads: here flows are OpenFlow's always,
    /// and read in the host that is asked.
    /// </remarks>
    public static LogicalTraceOptions Parse(IEnumerable<string> arguments)
    {
        var forms = ImmutableSortedSet.CreateBuilder<TraceForm>();
        var states = ImmutableArray.CreateBuilder<string>();
        var words = ImmutableArray.CreateBuilder<string>();
        string? error = null;
        foreach (var word in arguments)
        {
            var (name, value) = word.Split('=', 2) is [var left, var right] && word[0] == '-'
                ? (left, right) : (word, "");
            if (!word.StartsWith("--", StringComparison.Ordinal)) words.Add(word);
            else if (name == "--all") forms.UnionWith(Enum.GetValues<TraceForm>());
            else if (FormOf(name) is { } form) forms.Add(form);
            else if (name == "--ct") states.Add($"trk,{value.Replace(' ', ',')}");
            else if (name is "--lb-dst" or "--select-id")
                error ??= $"{name}: the packet's hash selects, as it does on the wire";
            else if (name is not ("--ovs" or "--db" or "--friendly-names" or "--no-friendly-names"))
                error ??= $"{name}: unknown option";
        }

        if (forms.Count == 0) forms.Add(TraceForm.Detailed);
        return new LogicalTraceOptions(
            forms.ToImmutable(), states.ToImmutable(), words.ToImmutable(), error);
    }

    private static TraceForm? FormOf(string name) => name switch
    {
        "--detailed" => TraceForm.Detailed,
        "--summary" => TraceForm.Summary,
        "--minimal" => TraceForm.Minimal,
        _ => null,
    };
}
