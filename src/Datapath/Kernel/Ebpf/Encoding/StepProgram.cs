using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>What one flow, or one packet in hand, has in the kernel: rows and numbers.</summary>
internal sealed class StepProgram(RowTable rows)
{
    private readonly List<KernelStep> _steps = [];

    /// <summary>First row; 0 when the rows ran out.</summary>
    public uint Row { get; private set; }

    /// <summary>The kernel hands every such packet up.</summary>
    public bool HasSlowSteps { get; private set; }

    public List<uint> Rows { get; } = [];

    /// <summary>Numbers that <see cref="StepSpecs"/> gave out for it.</summary>
    public List<(SpecKind Kind, uint Number)> Specs { get; } = [];

    public bool IsWhole { get; private set; } = true;

    /// <summary>Its steps "conntrack" send fragments up; else those are invalid.</summary>
    public bool HasConntrackRest { get; init; } = true;

    public void Add(KernelStep step)
    {
        HasSlowSteps |= step.Kind == StepKind.Slow;
        _steps.Add(step);
    }

    public void Add(StepKind kind, uint number) =>
        Add(new KernelStep { Kind = kind, C = number });

    /// <summary>A specification or row could not be had: the program must not run.</summary>
    public void MarkIncomplete() => IsWhole = false;

    /// <summary>Encodes a list of its own; the row where it starts, 0 when it is empty.</summary>
    public uint Branch(ReadOnlySpan<DatapathAction> actions, StepSpecs specs)
    {
        if (actions.IsEmpty) return 0;
        var branch = new StepProgram(rows) { HasConntrackRest = HasConntrackRest };
        StepEncoder.Encode(actions, branch, specs);
        branch.Write(fixedRow: null);
        Rows.AddRange(branch.Rows);
        Specs.AddRange(branch.Specs);
        HasSlowSteps |= branch.HasSlowSteps;
        IsWhole &= branch.IsWhole;
        return branch.Row;
    }

    public uint Branch(ImmutableArray<DatapathAction> actions, StepSpecs specs) =>
        actions.IsDefaultOrEmpty ? 0 : Branch(actions.AsSpan(), specs);

    /// <summary>
    /// Puts the steps into rows, the last ones first, so that none leads nowhere.
    /// </summary>
    /// <param name="fixedRow">The first row, when it is given.</param>
    public void Write(uint? fixedRow)
    {
        const int PerRow = KernelAbi.StepsMax - 1;
        var steps = CollectionsMarshal.AsSpan(_steps);
        var count = steps.Length <= KernelAbi.StepsMax ? 1 : (steps.Length + PerRow - 1) / PerRow;
        uint next = 0;
        for (var i = count - 1; i >= 0; i--)
        {
            var size = count == 1 ? steps.Length : Math.Min(PerRow, steps.Length - (i * PerRow));
            var part = steps.Slice(i * PerRow, size);
            var row = i == 0 && fixedRow is { } given ? given : rows.Take();
            if (row == 0)
            {
                IsWhole = false;
                return;
            }

            if (i != 0 || fixedRow is null) Rows.Add(row);
            rows.Write(row, part, next);
            next = row;
        }

        Row = next;
    }
}
