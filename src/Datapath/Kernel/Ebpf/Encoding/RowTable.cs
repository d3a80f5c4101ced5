namespace Fabric.Datapath;

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
        ref var settings = ref kernel.Settings[0];
        settings.RowsBegun = Math.Max(settings.RowsBegun, EbpfOptions.RowsReserved);
        for (var row = settings.RowsBegun - 1; row >= EbpfOptions.RowsReserved; row--)
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

            if (_free.TryPop(out var row)) return row;
            // Rows that were never used lie behind all others, in memory that nobody touched.
            ref var begun = ref _kernel.Settings[0].RowsBegun;
            return begun < _kernel.Rows.Count ? begun++ : 0;
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
