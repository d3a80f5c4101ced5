using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The megaflows: all of them here, those that it can tell apart in the kernel.</summary>
/// <remarks>
/// A flow whose mask the kernel's key has no place for, or for which the kernel has no room, lives
/// here only: its packets come up, and go back with the flow's steps. Putting a flow writes its
/// rows, which nothing leads to yet, then one element of the kernel's hash: packets see the old
/// flow or the new one, never half of it.
/// </remarks>
internal sealed unsafe class EbpfFlows : IDatapathFlows
{
    private const int AttemptCountMax = 8;

    private readonly Lock _lock = new();
    private readonly KernelObject _kernel;
    private readonly RowTable _rows;
    private readonly StepSpecs _specs;
    private readonly KernelMasks _kernelMasks;
    private readonly Dictionary<FlowKey, FlowMask> _masks = [];
    private readonly int _kernelFlowsMax;

    /// <summary>Rows that wait until the kernel has let their flow go.</summary>
    private readonly List<(ulong Hash, StepProgram Program)> _stranded = [];

    private List<ulong>? _adopted;
    private FlowMask[] _maskList = [];
    private int _count;
    private int _kernelCount;

    public EbpfFlows(KernelObject kernel, RowTable rows, StepSpecs specs, int flowsMax)
    {
        _kernel = kernel;
        _rows = rows;
        _specs = specs;
        _kernelFlowsMax = flowsMax;
        _kernelMasks = new KernelMasks(kernel);
        if (kernel.IsAdopted) _adopted = ListKernel();
        _kernelCount = _adopted?.Count ?? 0;
    }

    public int Count => Volatile.Read(ref _count);
    public int KernelCount => Volatile.Read(ref _kernelCount);

    public int MaskCount
    {
        get
        {
            lock (_lock) return _masks.Count;
        }
    }

    /// <summary>Flows of an earlier process that still forward.</summary>
    public int AdoptedCount
    {
        get
        {
            lock (_lock) return _adopted?.Count ?? 0;
        }
    }

    /// <summary>Flows that the kernel had no room or no word for, since the start.</summary>
    public ulong SlowCount { get; private set; }

    /// <summary>Of these, flows that the kernel had no room for.</summary>
    public ulong FullCount { get; private set; }

    public FlowPutResult Put(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions) =>
        Put(in key, in mask, actions, out _);

    public FlowPutResult Put(
        in FlowKey key, in FlowKey mask, ImmutableArray<DatapathAction> actions,
        out KernelFlow? flow)
    {
        if (actions.IsDefault) actions = [];
        lock (_lock)
        {
            var isKnown = _masks.TryGetValue(mask, out var own);
            if (isKnown && own!.Find(in key) is { } old)
            {
                flow = old;
                Replace(old, actions);
                return FlowPutResult.Replaced;
            }

            flow = null;
            if (_count >= DatapathLimits.FlowsMax) return FlowPutResult.Full;
            if (!isKnown)
            {
                own = new FlowMask(in mask);
                _masks.Add(mask, own);
                _maskList = [.. _maskList, own];
            }

            flow = new KernelFlow(own!, own!.WordsOf(in key)) { Actions = actions };
            flow.Program = Encode(actions);
            own.Flows.Add(flow.Words, flow);
            Volatile.Write(ref _count, _count + 1);
            if (!TryEnter(flow, in key, in mask)) SlowCount++;
            return FlowPutResult.Added;
        }
    }

    public bool Delete(in FlowKey key, in FlowKey mask, out FlowStatistics last)
    {
        lock (_lock)
        {
            last = default;
            if (!_masks.TryGetValue(mask, out var own)) return false;
            if (own.Find(in key) is not { } flow) return false;
            own.Flows.Remove(flow.Words);
            if (own.Flows.Count == 0) Forget(own);
            Volatile.Write(ref _count, _count - 1);
            var isGone = TryLeave(flow);
            last = flow.Statistics(_rows);
            Abandon(flow.KernelHash, flow.Program, isGone);
            return true;
        }
    }

    public void Dump(FlowVisitor visit)
    {
        List<(KernelFlow Flow, ImmutableArray<DatapathAction> Actions, FlowStatistics Now)> all;
        lock (_lock)
        {
            all = new(_count);
            foreach (var mask in _maskList)
            {
                foreach (var flow in mask.Flows.Values)
                {
                    all.Add((flow, flow.Actions, flow.Statistics(_rows)));
                }
            }
        }

        foreach (var (flow, actions, now) in all)
        {
            visit(flow.Key, in flow.Mask.Mask, actions, in now);
        }
    }

    public int Flush()
    {
        lock (_lock)
        {
            var count = _count;
            foreach (var mask in _maskList)
            {
                foreach (var flow in mask.Flows.Values)
                {
                    Abandon(flow.KernelHash, flow.Program, TryLeave(flow));
                }
            }

            _masks.Clear();
            _maskList = [];
            Volatile.Write(ref _count, 0);
            DropAdopted();
            return count;
        }
    }

    /// <summary>The flow that a packet with this key follows.</summary>
    public KernelFlow? Find(in FlowKey key)
    {
        lock (_lock)
        {
            foreach (var mask in _maskList)
            {
                if (mask.Find(in key) is { } flow) return flow;
            }

            return null;
        }
    }

    /// <summary>A packet of the flow that went through the host node.</summary>
    public void CountSlow(KernelFlow flow, int size, long now, ushort tcpFlags)
    {
        lock (_lock)
        {
            flow.Before = KernelFlow.Sum(
                flow.Before, new FlowStatistics(1, (ulong)size, now, tcpFlags));
        }
    }

    /// <summary>What is to be done now and then: most used masks first, removals again.</summary>
    public void KeepHouse()
    {
        lock (_lock)
        {
            _kernelMasks.Rank();
            var stranded = _stranded.ToArray();
            _stranded.Clear();
            foreach (var (hash, program) in stranded)
            {
                Abandon(hash, program, IsRemoved(hash));
            }
        }
    }

    /// <summary>
    /// Removes the flows of an earlier process; their packets come up from now on.
    /// </summary>
    public int DropAdopted()
    {
        lock (_lock)
        {
            if (_adopted is not { } adopted) return 0;
            _adopted = null;
            var dropped = 0;
            var ours = _maskList.SelectMany(mask => mask.Flows.Values)
                .Where(flow => flow.KernelMask is not null).Select(flow => flow.KernelHash)
                .ToHashSet();
            foreach (var hash in adopted)
            {
                var key = hash;
                KernelMegaflow value;
                if (LibBpf.Lookup(_kernel.Megaflows, &key, &value) != 0) continue;
                if (ours.Contains(hash)) continue;
                LibBpf.Delete(_kernel.Megaflows, &key);
                FreeChain(value.Row);
                dropped++;
            }

            _kernelMasks.DropAdopted();
            Volatile.Write(ref _kernelCount, _kernelCount - dropped);
            return dropped;
        }
    }

    public StepProgram Encode(
        ImmutableArray<DatapathAction> actions, uint? row = null, bool hasConntrackRest = true)
    {
        var program = new StepProgram(_rows) { HasConntrackRest = hasConntrackRest };
        if (actions.IsEmpty)
        {
            program.Add(new KernelStep
            {
                Kind = StepKind.Drop,
                B = (ushort)DropReason.NoActions,
            });
        }

        StepEncoder.Encode(actions.AsSpan(), program, _specs);
        program.Write(row);
        return program;
    }

    /// <summary>Tracks a packet and brings it up again under a number.</summary>
    public StepProgram Encode(ConntrackAction action, uint slow, uint row)
    {
        var program = new StepProgram(_rows) { HasConntrackRest = false };
        program.Add(StepKind.Conntrack, _specs.Conntrack(action, program));
        program.Add(StepKind.Slow, slow);
        program.Write(row);
        return program;
    }

    public void Free(StepProgram? program)
    {
        if (program is null) return;
        foreach (var row in program.Rows) _rows.Free(row);
        _specs.Release(program.Specs);
    }

    private void Replace(KernelFlow flow, ImmutableArray<DatapathAction> actions)
    {
        var old = flow.Program;
        var fresh = Encode(actions);
        flow.Actions = actions;
        flow.Before = flow.Statistics(_rows);
        flow.Program = fresh;
        var isGone = true;
        if (flow.KernelMask is not null && !(fresh.IsWhole && TryLead(flow)))
        {
            isGone = TryLeave(flow);
        }

        Abandon(flow.KernelHash, old, isGone);
    }

    /// <summary>Gives the rows back, unless the kernel may still lead packets to them.</summary>
    private void Abandon(ulong hash, StepProgram? program, bool isGone)
    {
        if (isGone) Free(program);
        else if (program is not null) _stranded.Add((hash, program));
    }

    private bool TryEnter(KernelFlow flow, in FlowKey key, in FlowKey mask)
    {
        if (!flow.Program!.IsWhole || _kernelCount >= _kernelFlowsMax)
        {
            FullCount++;
            return false;
        }

        if (!KernelKey.TryConvert(in key, in mask, _specs.Epoch, out var words, out var bits))
        {
            return false;
        }

        if (_kernelMasks.Acquire(in key, in mask, in bits) is not { } entry)
        {
            FullCount++;
            return false;
        }

        flow.KernelHash = KernelKey.Hash(_kernel.Seed, entry.Number, words, entry.Indices);
        flow.KernelMask = entry;
        var value = ValueOf(flow, in words);
        var hash = flow.KernelHash;
        var result = Write(hash, in value, LibBpf.UpdateNoExist);
        if (result == -17 && TryOverwriteAdopted(hash, in value)) result = 0;
        if (result == 0)
        {
            Volatile.Write(ref _kernelCount, _kernelCount + 1);
            return true;
        }

        // Another flow has the same hash, or the memory ran out.
        flow.KernelMask = null;
        _kernelMasks.Release(entry, in key, in mask);
        return false;
    }

    /// <summary>The same flow, as an earlier process had it, gives way.</summary>
    private bool TryOverwriteAdopted(ulong hash, in KernelMegaflow value)
    {
        if (_adopted is null || !_adopted.Remove(hash)) return false;
        KernelMegaflow old;
        if (LibBpf.Lookup(_kernel.Megaflows, &hash, &old) != 0) return false;
        if (Write(hash, in value, LibBpf.UpdateAny) != 0) return false;
        Volatile.Write(ref _kernelCount, _kernelCount - 1);
        FreeChain(old.Row);
        return true;
    }

    private static KernelMegaflow ValueOf(KernelFlow flow, in KernelKeyWords words)
    {
        var value = new KernelMegaflow
        {
            Row = flow.Program!.Row,
            Mask = flow.KernelMask!.Number,
        };
        var indices = flow.KernelMask.Indices;
        for (var i = 0; i < indices.Length; i++) value.Word[i] = words[indices[i]];
        return value;
    }

    /// <summary>Leads the kernel to the flow's present program.</summary>
    private bool TryLead(KernelFlow flow)
    {
        var key = flow.Key;
        ref readonly var mask = ref flow.Mask.Mask;
        return KernelKey.TryConvert(in key, in mask, _specs.Epoch, out var words, out _)
            && Write(flow.KernelHash, ValueOf(flow, in words), LibBpf.UpdateAny) == 0;
    }

    /// <returns>False: the kernel still has the flow, and leads to its rows.</returns>
    private bool TryLeave(KernelFlow flow)
    {
        if (flow.KernelMask is not { } entry) return true;
        flow.KernelMask = null;
        _kernelMasks.Release(entry, flow.Key, in flow.Mask.Mask);
        Volatile.Write(ref _kernelCount, _kernelCount - 1);
        return IsRemoved(flow.KernelHash);
    }

    private int Write(ulong hash, in KernelMegaflow value, ulong flags)
    {
        var copy = value;
        var result = 0;
        for (var attempt = 0; attempt < AttemptCountMax; attempt++)
        {
            result = LibBpf.Update(_kernel.Megaflows, &hash, &copy, flags);
            if (!IsPassing(result)) break;
            Thread.Yield();
        }

        return result;
    }

    private bool IsRemoved(ulong hash)
    {
        for (var attempt = 0; attempt < AttemptCountMax; attempt++)
        {
            if (!IsPassing(LibBpf.Delete(_kernel.Megaflows, &hash))) return true;
            Thread.Yield();
        }

        return false;
    }

    /// <summary>The kernel was short of memory, or of a bucket's lock, for a moment.</summary>
    private static bool IsPassing(int result)
    {
        const int TryAgain = -11, NoMemory = -12, Busy = -16, Deadlock = -35, TimedOut = -110;

        return result is TryAgain or NoMemory or Busy or Deadlock or TimedOut;
    }

    private void Forget(FlowMask mask)
    {
        _masks.Remove(mask.Mask);
        _maskList = Array.FindAll(_maskList, other => other != mask);
    }

    private void FreeChain(uint row)
    {
        // Rows of branches are found by what leads to them.
        if (row < EbpfOptions.RowsReserved || row >= _kernel.Rows.Count) return;
        ref var content = ref _kernel.Rows[(int)row];
        if ((content.Generation & 1) == 0) return;
        _rows.Free(row);
        for (var i = 0; i < KernelAbi.StepsMax; i++)
        {
            var step = content.Steps[i];
            if (step.Kind is StepKind.Continue or StepKind.Clone or StepKind.Sample
                or StepKind.Length)
            {
                FreeChain(step.C);
            }

            if (step.Kind == StepKind.Length) FreeChain((uint)step.Value);
            if (step.Kind is StepKind.End or StepKind.Continue) break;
        }
    }

    private List<ulong> ListKernel()
    {
        const int Batch = 512;

        var all = new List<ulong>();
        var keys = stackalloc ulong[Batch];
        var values = (KernelMegaflow*)NativeMemory.Alloc(Batch, (nuint)sizeof(KernelMegaflow));
        ulong from = 0, next = 0;
        var isFirst = true;
        while (true)
        {
            uint count = Batch;
            var result = LibBpf.LookupBatch(
                _kernel.Megaflows, isFirst ? null : &from, &next, keys, values, &count, null);
            if (result == 0 || result == -2)
            {
                for (uint i = 0; i < count; i++) all.Add(keys[i]);
            }

            if (result != 0) break;
            isFirst = false;
            from = next;
        }

        NativeMemory.Free(values);
        return all;
    }
}
