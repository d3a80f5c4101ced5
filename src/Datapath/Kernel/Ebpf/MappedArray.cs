using System.Runtime.CompilerServices;

namespace Fabric.Datapath;

/// <summary>An array map as memory that kernel and process share.</summary>
/// <remarks>
/// Reading and writing an element are plain loads and stores; whoever needs an order between two
/// stores makes the second one <see cref="Volatile"/>.
/// </remarks>
internal sealed unsafe class MappedArray<T> : IDisposable
    where T : unmanaged
{
    private readonly nuint _size;
    private byte* _memory;

    private MappedArray(byte* memory, nuint size, int count)
    {
        _memory = memory;
        _size = size;
        Count = count;
    }

    public int Count { get; }

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
        var memory = LibBpf.MapMemory(0, size, protection: 3, flags: 1, map, 0);
        return (nint)memory == -1 ? null : new MappedArray<T>(memory, size, count);
    }

    /// <summary>Elements start at multiples of eight.</summary>
    private static nuint Stride => (nuint)((sizeof(T) + 7) & ~7);

    public ref T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            return ref *(T*)(_memory + ((nuint)index * Stride));
        }
    }

    public void Dispose()
    {
        if (_memory == null) return;
        LibBpf.UnmapMemory(_memory, _size);
        _memory = null;
    }
}
