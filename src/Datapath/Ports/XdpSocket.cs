using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>One AF_XDP socket: its packet memory and four rings (linux/if_xdp.h).</summary>
/// <remarks>
/// Half of the frames wait for packets, half send. Receiving is one thread's; sending is locked.
/// </remarks>
internal sealed unsafe class XdpSocket : IDisposable
{
    public const int FrameSize = 4096;
    private const int FrameCount = 2048;
    private const int RingSize = FrameCount / 2;
    private const int FamilyXdp = 44;
    private const int LevelXdp = 283;
    private const int MapOffsets = 1, ReceiveRing = 2, TransmitRing = 3;
    private const int MemoryRegister = 4, FillRing = 5, CompletionRing = 6;
    private const ushort BindCopy = 2, BindZeroCopy = 4, BindNeedsWake = 8;
    private const ulong PageReceive = 0, PageTransmit = 0x8000_0000;
    private const ulong PageFill = 0x1_0000_0000, PageCompletion = 0x1_8000_0000;

    private readonly byte* _memory;
    private readonly Lock _sending = new();
    private readonly Stack<ulong> _free = new(RingSize);
    private Ring _receive, _transmit, _fill, _completion;

    private XdpSocket(int socket, byte* memory)
    {
        Descriptor = socket;
        _memory = memory;
    }

    public int Descriptor { get; }

    /// <summary>The driver writes packets straight into this socket's memory.</summary>
    public bool IsZeroCopy { get; private set; }

    public static XdpSocket? TryOpen(
        int interfaceIndex, uint queue, bool mayZeroCopy, out string error)
    {
        error = "";
        var socket = Libc.Socket(
            FamilyXdp, LinuxNumbers.SocketRaw | LinuxNumbers.SocketCloseOnExec, 0);
        if (socket < 0)
        {
            error = Libc.LastErrorText();
            return null;
        }

        var memory = (byte*)NativeMemory.AlignedAlloc(FrameCount * FrameSize, FrameSize);
        var opened = new XdpSocket(socket, memory);
        if (opened.TrySetUp() && opened.TryBind(interfaceIndex, queue, mayZeroCopy)) return opened;
        error = Libc.LastErrorText();
        opened.Dispose();
        return null;
    }

    private bool TrySetUp()
    {
        // struct xdp_umem_reg
        var registration = stackalloc ulong[4];
        registration[0] = (ulong)_memory;
        registration[1] = FrameCount * FrameSize;
        registration[2] = FrameSize;
        registration[3] = 0;
        if (Libc.SetSocketOption(Descriptor, LevelXdp, MemoryRegister, registration, 32) != 0)
        {
            return false;
        }

        foreach (var ring in stackalloc[] { FillRing, CompletionRing, ReceiveRing, TransmitRing })
        {
            if (!Libc.SetOption(Descriptor, LevelXdp, ring, RingSize)) return false;
        }

        // struct xdp_mmap_offsets: receive, transmit, fill, completion.
        var offsets = stackalloc ulong[16];
        var size = 128;
        if (Libc.GetSocketOption(Descriptor, LevelXdp, MapOffsets, offsets, &size) != 0)
        {
            return false;
        }

        const int Descriptor16 = 16, Address8 = 8;
        if (!TryMap(offsets, PageReceive, Descriptor16, out _receive)
            || !TryMap(offsets + 4, PageTransmit, Descriptor16, out _transmit)
            || !TryMap(offsets + 8, PageFill, Address8, out _fill)
            || !TryMap(offsets + 12, PageCompletion, Address8, out _completion))
        {
            return false;
        }

        for (ulong i = 0; i < RingSize; i++)
        {
            ((ulong*)_fill.Entries)[i] = i * FrameSize;
            _free.Push((RingSize + i) * FrameSize);
        }

        Volatile.Write(ref *_fill.Producer, RingSize);
        return true;
    }

    private bool TryMap(ulong* offsets, ulong page, int entrySize, out Ring ring)
    {
        ring = default;
        var size = (nuint)offsets[2] + (nuint)(RingSize * entrySize);
        var memory = Libc.Map(Descriptor, size, page);
        if (memory is null) return false;
        ring = new Ring
        {
            Memory = memory,
            Size = size,
            Producer = (uint*)(memory + offsets[0]),
            Consumer = (uint*)(memory + offsets[1]),
            Entries = memory + offsets[2],
        };
        return true;
    }

    private bool TryBind(int interfaceIndex, uint queue, bool mayZeroCopy)
    {
        // struct sockaddr_xdp
        var address = stackalloc byte[16];
        new Span<byte>(address, 16).Clear();
        *(ushort*)address = FamilyXdp;
        *(int*)(address + 4) = interfaceIndex;
        *(uint*)(address + 8) = queue;
        *(ushort*)(address + 2) = BindZeroCopy | BindNeedsWake;
        if (mayZeroCopy && Libc.Bind(Descriptor, address, 16) == 0)
        {
            IsZeroCopy = true;
            return true;
        }

        *(ushort*)(address + 2) = BindCopy | BindNeedsWake;
        return Libc.Bind(Descriptor, address, 16) == 0;
    }

    /// <summary>Copies waiting packets into the batch from 'count' on; the new count.</summary>
    public int Receive(PacketBatch batch, int count, uint number)
    {
        var consumer = *_receive.Consumer;
        var producer = Volatile.Read(ref *_receive.Producer);
        var fill = *_fill.Producer;
        for (; consumer != producer && count < DatapathLimits.BatchSize; consumer++)
        {
            var entry = (Entry*)_receive.Entries + (consumer % RingSize);
            var packet = batch.Pool.Rent();
            packet.Load(new ReadOnlySpan<byte>(_memory + entry->Address, (int)entry->Size));
            PartialChecksum.Mark(packet);
            batch.Packets[count] = packet;
            SystemPort.ClearMetadata(ref batch.Keys[count++], number);
            var frame = entry->Address & ~(ulong)(FrameSize - 1);
            ((ulong*)_fill.Entries)[fill++ % RingSize] = frame;
        }

        Volatile.Write(ref *_receive.Consumer, consumer);
        Volatile.Write(ref *_fill.Producer, fill);
        return count;
    }

    /// <summary>Sends; returns how many went into the ring.</summary>
    public int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        lock (_sending)
        {
            Reclaim();
            var sent = 0;
            var producer = *_transmit.Producer;
            foreach (var entry in entries)
            {
                if (entry.Packet.Size > FrameSize)
                {
                    drops.Add(DropReason.MtuExceeded);
                    continue;
                }

                if (!_free.TryPop(out var frame))
                {
                    drops.Add(DropReason.PortQueueFull);
                    continue;
                }

                entry.Packet.Bytes.CopyTo(new Span<byte>(_memory + frame, FrameSize));
                var slot = (Entry*)_transmit.Entries + (producer++ % RingSize);
                *slot = new Entry { Address = frame, Size = (uint)entry.Packet.Size };
                sent++;
            }

            Volatile.Write(ref *_transmit.Producer, producer);
            if (sent > 0)
            {
                Libc.SendBytes(Descriptor, null, 0, LinuxNumbers.MessageDontWait);
            }

            return sent;
        }
    }

    private void Reclaim()
    {
        var consumer = *_completion.Consumer;
        var producer = Volatile.Read(ref *_completion.Producer);
        for (; consumer != producer; consumer++)
        {
            _free.Push(((ulong*)_completion.Entries)[consumer % RingSize]);
        }

        Volatile.Write(ref *_completion.Consumer, consumer);
    }

    public void Dispose()
    {
        Libc.Close(Descriptor);
        foreach (var ring in new[] { _receive, _transmit, _fill, _completion })
        {
            if (ring.Memory is not null) Libc.Unmap(ring.Memory, ring.Size);
        }

        NativeMemory.AlignedFree(_memory);
    }

    private struct Ring
    {
        public byte* Memory;
        public nuint Size;
        public uint* Producer;
        public uint* Consumer;
        public byte* Entries;
    }

    /// <summary>struct xdp_desc.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public ulong Address;
        public uint Size;
        public uint Options;
    }
}
