using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One flow as the host node knows it, with what it has in the kernel.</summary>
internal sealed class KernelFlow(FlowMask mask, ulong[] words)
{
    public readonly FlowMask Mask = mask;

    /// <summary>The masked key: the mask's nonzero words only.</summary>
    public readonly ulong[] Words = words;

    public ImmutableArray<DatapathAction> Actions = [];
    public StepProgram? Program;

    /// <summary>Null: not in the kernel's tables, every packet goes up.</summary>
    public KernelMasks.Entry? KernelMask;
    public ulong KernelHash;

    /// <summary>Packets of programs that were replaced, and of the slow path.</summary>
    public FlowStatistics Before;

    public FlowKey Key
    {
        get
        {
            FlowKey key = default;
            var all = key.Words;
            for (var i = 0; i < Words.Length; i++) all[Mask.Indices[i]] = Words[i];
            return key;
        }
    }

    public FlowStatistics Statistics(RowTable rows)
    {
        if (Program is not { Row: not 0 } program) return Before;
        return Sum(Before, rows.Read(program.Row));
    }

    public static FlowStatistics Sum(in FlowStatistics left, in FlowStatistics right) => new(
        left.Packets + right.Packets, left.Bytes + right.Bytes,
        Math.Max(left.UsedMilliseconds, right.UsedMilliseconds),
        (ushort)(left.TcpFlags | right.TcpFlags));
}

/// <summary>Flows that have one mask, found by their masked words.</summary>
internal sealed class FlowMask
{
    public readonly int[] Indices;
    public readonly ulong[] Masks;
    public readonly FlowKey Mask;
    public readonly Dictionary<ulong[], KernelFlow> Flows = new(WordsComparer.Instance);

    public FlowMask(in FlowKey mask)
    {
        Mask = mask;
        var own = mask;
        var words = own.Words;
        var indices = new List<int>();
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] != 0) indices.Add(i);
        }

        Indices = [.. indices];
        Masks = new ulong[Indices.Length];
        for (var i = 0; i < Indices.Length; i++) Masks[i] = words[Indices[i]];
    }

    public ulong[] WordsOf(in FlowKey key)
    {
        var own = key;
        var words = own.Words;
        var masked = new ulong[Indices.Length];
        for (var i = 0; i < masked.Length; i++) masked[i] = words[Indices[i]] & Masks[i];
        return masked;
    }

    public KernelFlow? Find(in FlowKey key) => Flows.GetValueOrDefault(WordsOf(in key));

    private sealed class WordsComparer : IEqualityComparer<ulong[]>
    {
        public static readonly WordsComparer Instance = new();

        public bool Equals(ulong[]? x, ulong[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(ulong[] words)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(words.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
