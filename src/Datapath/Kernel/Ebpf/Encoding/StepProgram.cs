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

/// <summary>Rows of the kernel's table, and when a freed one may be used again.</summary>
internal sealed class RowTable
{
    /// <summary>No packet is in the kernel's hands for longer.</summary>
    private const long GraceMilliseconds = 200;

    private readonly KernelObject _kernel;
    private readonly Stack<uint> _free = new();
    private readonly Queue<(uint Row, long Since)> _resting = new();
    private readonly Lock _lock = new();

    public RowTable(KernelObject kernel)
    {
        _kernel = kernel;
        for (var row = (uint)kernel.Rows.Count - 1; row >= EbpfOptions.RowsReserved; row--)
        {
            if ((kernel.Rows[(int)row].Generation & 1) == 0) _free.Push(row);
        }
    }

    /// <summary>A row that nothing leads to; 0 when there is none.</summary>
    public uint Take()
    {
        lock (_lock)
        {
            while (_resting.TryPeek(out var resting)
                && Environment.TickCount64 - resting.Since >= GraceMilliseconds)
            {
                _resting.Dequeue();
                _free.Push(resting.Row);
            }

            return _free.TryPop(out var row) ? row : 0;
        }
    }

    public void Write(uint number, ReadOnlySpan<KernelStep> steps, uint next)
    {
        ref var row = ref _kernel.Rows[(int)number];
        for (var i = 0; i < steps.Length; i++) row.Steps[i] = steps[i];
        if (next != 0)
        {
            row.Steps[steps.Length] = new KernelStep { Kind = StepKind.Continue, C = next };
        }

        for (var slot = 0; slot < 1 << _kernel.CounterShift; slot++)
        {
            _kernel.FlowCounts[((int)number << _kernel.CounterShift) + slot] = default;
        }

        if ((row.Generation & 1) == 0) Volatile.Write(ref row.Generation, row.Generation + 1);
    }

    /// <summary>From now on cached decisions for the row do not hold.</summary>
    public void Free(uint number)
    {
        ref var row = ref _kernel.Rows[(int)number];
        Volatile.Write(ref row.Generation, row.Generation + 1);
        lock (_lock) _resting.Enqueue((number, Environment.TickCount64));
    }

    public FlowStatistics Read(uint number)
    {
        ulong packets = 0, bytes = 0, used = 0, flags = 0;
        for (var slot = 0; slot < 1 << _kernel.CounterShift; slot++)
        {
            ref var counts = ref _kernel.FlowCounts[((int)number << _kernel.CounterShift) + slot];
            packets += Volatile.Read(ref counts.Packets);
            bytes += counts.Bytes;
            used = Math.Max(used, counts.UsedNanoseconds);
            flags |= counts.TcpFlags;
        }

        return new FlowStatistics(
            packets, bytes, (long)(used / 1_000_000),
            System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((ushort)flags));
    }
}
