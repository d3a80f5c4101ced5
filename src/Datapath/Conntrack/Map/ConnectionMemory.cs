using System.Numerics;
using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>Where connections live: numbered records in pinned blocks.</summary>
/// <remarks>
/// The garbage collector neither moves the records nor follows them one by one. Found by number
/// without a lock. What a connection leaves is used again when no reader can hold it any more,
/// in the order of addresses, which processors fetch ahead. Blocks of which nothing is in use are
/// given back when most of the memory lies idle.
/// </remarks>
internal sealed class ConnectionMemory
{
    private const int SizeBits = 7;

    /// <summary>Records of one block.</summary>
    private const int Size = 1 << SizeBits;

    /// <summary>So many retired records are worth the question whether they are free.</summary>
    private const int RetiredMin = 2_048;

    private readonly Lock _gate = new();
    private readonly Stack<int> _vacant = new();
    private readonly Stack<Block> _listed = new(); // With free records; without the current one.
    private Block?[] _blocks = new Block?[16];
    private nint[] _starts = new nint[16];
    private Block? _current;
    private List<uint> _retired = [];
    private List<uint> _leaving = [];
    private long _leavingSince;
    private int _blockCount;
    private int _freeCount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Connection At(uint number) => Connection.At(
        Volatile.Read(ref _starts)[number >> SizeBits]
            + (nint)((number & (Size - 1)) * (uint)Unsafe.SizeOf<ConnectionRecord>()));

    /// <summary>A record whose contents are anything but its number.</summary>
    public Connection Rent()
    {
        lock (_gate)
        {
            while (_current is null || _current.Free == 0)
            {
                if (_listed.TryPop(out _current)) _current.IsListed = false;
                else if (!TryReclaim()) _current = Grow();
            }

            var free = (ulong)_current.Free;
            var index = free != 0
                ? BitOperations.TrailingZeroCount(free)
                : 64 + BitOperations.TrailingZeroCount((ulong)(_current.Free >> 64));
            _current.Free &= ~(UInt128.One << index);
            _freeCount--;
            return Connection.At(ref _current.Records[index]);
        }
    }

    /// <summary>Nobody finds it any more, but some thread may still look at it.</summary>
    public void Retire(Connection connection)
    {
        lock (_gate) _retired.Add(connection.Record.Number);
    }

    /// <summary>Now and then: gives back what a flood left behind.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            if (_retired.Count + _leaving.Count != 0) Reclaim();
            var capacity = (_blockCount - _vacant.Count) * Size;
            if (capacity > 8 * Size && _freeCount > capacity - (capacity / 4)) DropBlocks();
        }
    }

    private bool TryReclaim()
    {
        if (_retired.Count + _leaving.Count < RetiredMin) return false;
        Reclaim();
        return _listed.Count != 0 || (_current is not null && _current.Free != 0);
    }

    private void Reclaim()
    {
        if (_leaving.Count == 0)
        {
            (_leaving, _retired) = (_retired, _leaving);
            _leavingSince = ReaderEpoch.Next();
        }

        if (!ReaderEpoch.IsOver(_leavingSince)) return;
        foreach (var number in _leaving)
        {
            var block = _blocks[number >> SizeBits]!;
            block.Free |= UInt128.One << (int)(number & (Size - 1));
            block.Records[number & (Size - 1)].Extra = null;
            if (!block.IsListed && block != _current) List(block);
        }

        _freeCount += _leaving.Count;
        _leaving.Clear();
        if (_leaving.Capacity > 2 * RetiredMin) _leaving.TrimExcess();
    }

    private void List(Block block)
    {
        block.IsListed = true;
        _listed.Push(block);
    }

    private Block Grow()
    {
        if (!_vacant.TryPop(out var index)) index = _blockCount++;
        if (index == _blocks.Length)
        {
            Array.Resize(ref _blocks, index * 2);
            var starts = _starts;
            Array.Resize(ref starts, index * 2);
            Volatile.Write(ref _starts, starts);
        }

        var block = new Block(index);
        for (var i = 0; i < Size; i++) block.Records[i].Number = (uint)((index << SizeBits) + i);
        _blocks[index] = block;
        _starts[index] = Connection.At(ref block.Records[0]).Address;
        _freeCount += Size;
        return block;
    }

    private void DropBlocks()
    {
        var listed = _listed.ToArray();
        _listed.Clear();
        foreach (var block in listed)
        {
            if (block.Free != UInt128.MaxValue)
            {
                _listed.Push(block);
                continue;
            }

            _blocks[block.Index] = null;
            _starts[block.Index] = 0;
            _vacant.Push(block.Index);
            _freeCount -= Size;
        }
    }

    private sealed class Block(int index)
    {
        public readonly ConnectionRecord[] Records =
            GC.AllocateArray<ConnectionRecord>(Size, pinned: true);
        public readonly int Index = index;

        /// <summary>One bit for each record.</summary>
        public UInt128 Free = UInt128.MaxValue;
        public bool IsListed;
    }
}
