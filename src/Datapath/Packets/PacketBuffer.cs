using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// A packet in memory with room in front for headers: mutable, reusable, not shared.
/// </summary>
/// <remarks>
/// Bytes start at the Ethernet header (or at the IP header when the key's packet type says so).
/// A super-packet (GSO) keeps its segment size; a partial checksum is described as by
/// virtio_net_hdr: sum from <see cref="ChecksumStart"/>, stored at <see cref="ChecksumOffset"/>.
/// </remarks>
public sealed class PacketBuffer
{
    /// <summary>Enough for Ethernet, two tags, IPv6, UDP, Geneve with all options.</summary>
    public const int HeadroomDefault = 384;

    /// <summary>
    /// How many holders (a run, an egress queue, a caller) want the bytes as they are. Whoever
    /// writes copies first when there is more than one. Touched by one thread at a time.
    /// </summary>
    internal int References;

    private byte[] _storage;
    private int _start;
    private int _size;

    public PacketBuffer(int capacity = 2048, int headroom = HeadroomDefault)
    {
        _storage = GC.AllocateUninitializedArray<byte>(headroom + capacity, pinned: true);
        _start = headroom;
    }

    /// <summary>Size of one segment's payload in bytes; 0 when this is no super-packet.</summary>
    public ushort SegmentSize { get; set; }
    public GsoKind Gso { get; set; }

    /// <summary>Byte from the packet's start where an unfinished checksum begins, or -1.</summary>
    public int ChecksumStart { get; set; } = -1;

    /// <summary>Where the checksum goes, in bytes from <see cref="ChecksumStart"/>.</summary>
    public int ChecksumOffset { get; set; }

    /// <summary>The receiver already proved the transport checksum.</summary>
    public bool IsChecksumValid { get; set; }

    public int Size => _size;
    public int Headroom => _start;
    public Span<byte> Bytes => _storage.AsSpan(_start, _size);

    /// <summary>The packet's memory from its first byte to the end of the room behind it.</summary>
    public Memory<byte> Storage => _storage.AsMemory(_start);

    /// <summary>Address of the packet's first byte: stays valid while the buffer is held.</summary>
    internal unsafe byte* Address => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(
        ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_storage)) + _start;

    /// <summary>Bytes that fit behind the headroom without new memory.</summary>
    internal int Capacity => _storage.Length - HeadroomDefault;

    /// <summary>Sets the size after the bytes were written from outside.</summary>
    internal void SetSize(int size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, _storage.Length - _start);
        _size = size;
    }

    /// <summary>Makes this buffer hold a copy of 'bytes', without offload state.</summary>
    public void Load(ReadOnlySpan<byte> bytes, int headroom = HeadroomDefault)
    {
        Reserve(bytes.Length, headroom);
        bytes.CopyTo(Bytes);
    }

    /// <summary>Makes room for 'size' bytes whose content the caller writes next.</summary>
    public void Reserve(int size, int headroom = HeadroomDefault)
    {
        if (_storage.Length < headroom + size)
        {
            _storage = GC.AllocateUninitializedArray<byte>(headroom + size, pinned: true);
        }

        _start = headroom;
        _size = size;
        SegmentSize = 0;
        Gso = GsoKind.None;
        ChecksumStart = -1;
        ChecksumOffset = 0;
        IsChecksumValid = false;
    }

    /// <summary>Copies 'other' with its offload state.</summary>
    public void CopyFrom(PacketBuffer other)
    {
        Load(other.Bytes, Math.Max(HeadroomDefault, other.Headroom));
        SegmentSize = other.SegmentSize;
        Gso = other.Gso;
        ChecksumStart = other.ChecksumStart;
        ChecksumOffset = other.ChecksumOffset;
        IsChecksumValid = other.IsChecksumValid;
    }

    /// <summary>
    /// Grows the packet by 'size' bytes in front; false when the headroom is used up.
    /// </summary>
    public bool TryPush(int size, out Span<byte> header)
    {
        if (size > _start)
        {
            header = default;
            return false;
        }

        _start -= size;
        _size += size;
        if (ChecksumStart >= 0) ChecksumStart += size;
        header = _storage.AsSpan(_start, size);
        return true;
    }

    /// <summary>Cuts 'size' bytes off the front; at most <see cref="Size"/>.</summary>
    public void Pull(int size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, _size);
        _start += size;
        _size -= size;
        if (ChecksumStart >= 0) ChecksumStart = ChecksumStart >= size ? ChecksumStart - size : -1;
    }

    /// <summary>Cuts the packet to 'size' bytes, or leaves it when it is shorter.</summary>
    public void Trim(int size) => _size = Math.Min(_size, size);
}

/// <summary>How a super-packet is to be segmented.</summary>
public enum GsoKind : byte { None, TcpIpv4, TcpIpv6, Udp }
