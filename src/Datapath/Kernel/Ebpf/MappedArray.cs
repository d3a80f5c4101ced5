using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>An array map as memory that kernel and process share.</summary>
/// <remarks>
/// Reading and writing an element are plain loads and stores; whoever needs an order between two
/// stores makes the second one <see cref="Volatile"/>. All of the map has its place among the
/// process's addresses from the start, but pieces are mapped when they are first used: mapped pages
/// count as the process's memory, whether anybody looks at them or not.
/// </remarks>
internal sealed unsafe class MappedArray<T> : IDisposable
    where T : unmanaged
{
    private const int PieceShift = 18; // 256 KiB: a multiple of every page size.
    private const int Read = 1, Write = 2, Shared = 1, Private = 2, Fixed = 0x10;
    private const int Anonymous = 0x20, NoReserve = 0x4000;

    private readonly Lock _lock = new();
    private readonly int _map;
    private readonly nuint _size;
    private readonly bool[] _isMapped;
    private byte* _memory;

    private MappedArray(int map, byte* memory, nuint size, int count)
    {
        _map = map;
        _memory = memory;
        _size = size;
        _isMapped = new bool[(int)((size + (1u << PieceShift) - 1) >> PieceShift)];
        Count = count;
    }

    public int Count { get; }

    /// <summary>Null: the kernel does not share the map's memory.</summary>
    /// <exception cref="InvalidOperationException">The element sizes differ.</exception>
    public static MappedArray<T>? TryMap(int map, int count, uint valueSize)
    {
        if (valueSize != Unsafe.SizeOf<T>())
        {
            throw new InvalidOperationException(
                $"{typeof(T).Name} has {Unsafe.SizeOf<T>()} bytes, the kernel's has {valueSize}");
        }

        var page = (nuint)Environment.SystemPageSize;
        var size = ((Stride * (nuint)count) + page - 1) / page * page;
        var memory = LibBpf.MapMemory(
            0, size, protection: 0, Private | Anonymous | NoReserve, descriptor: -1, 0);
        if ((nint)memory == -1) return null;
        var own = LibBpf.Control(map, LibBpf.DuplicateCloseOnExec, 0);
        var array = new MappedArray<T>(own, memory, size, count);
        if (array.TryMapPiece(0)) return array;
        array.Dispose();
        return null;
    }

    /// <summary>Elements start at multiples of eight.</summary>
    private static nuint Stride => (nuint)((sizeof(T) + 7) & ~7);

    public ref T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            var at = (nuint)index * Stride;
            var first = (int)(at >> PieceShift);
            var last = (int)((at + (nuint)sizeof(T) - 1) >> PieceShift);
            if (!Volatile.Read(ref _isMapped[first])) MapPiece(first);
            if (last != first && !Volatile.Read(ref _isMapped[last])) MapPiece(last);
            return ref *(T*)(_memory + at);
        }
    }

    private void MapPiece(int piece)
    {
        if (!TryMapPiece(piece))
        {
            throw new InsufficientMemoryException(
                $"a kernel map cannot be mapped: {Libc.LastErrorText()}");
        }
    }

    private bool TryMapPiece(int piece)
    {
        lock (_lock)
        {
            if (_isMapped[piece]) return true;
            var start = (nuint)piece << PieceShift;
            var size = Math.Min((nuint)1 << PieceShift, _size - start);
            var memory = LibBpf.MapMemory(
                (nint)(_memory + start), size, Read | Write, Shared | Fixed, _map, (long)start);
            if ((nint)memory == -1) return false;
            Volatile.Write(ref _isMapped[piece], true);
            return true;
        }
    }

    public void Dispose()
    {
        if (_memory == null) return;
        LibBpf.UnmapMemory(_memory, _size);
        Libc.Close(_map);
        _memory = null;
    }
}
