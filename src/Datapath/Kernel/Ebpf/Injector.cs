using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Gives packets to the kernel's programs: with a key's metadata and a row to run.
/// </summary>
/// <remarks>
/// A packet is sent out of the inject device, a veth end that nothing listens to; the program on
/// its egress hook takes it there. The socket mark names the slot that says what to do. The send
/// returns when the steps have run, so slots come free at once.
/// </remarks>
internal sealed unsafe class Injector : IDisposable
{
    private const int SocketMark = 36;
    private const int ControlSize = 24;

    private readonly KernelObject _kernel;
    private readonly int _socket;
    private readonly BlockingCollection<int> _slots = new(new ConcurrentBag<int>());

    private Injector(KernelObject kernel, int socket)
    {
        _kernel = kernel;
        _socket = socket;
        for (var slot = 0; slot < KernelAbi.Executions; slot++) _slots.Add(slot);
    }

    public static Injector? TryOpen(KernelObject kernel, int device, out string error)
    {
        var socket = Libc.Socket(
            LinuxNumbers.FamilyPacket, LinuxNumbers.SocketRaw | LinuxNumbers.SocketCloseOnExec, 0);
        if (socket >= 0)
        {
            Libc.SetOption(socket, LinuxNumbers.LevelSocket, LinuxNumbers.SendBufferForce, 8 << 20);
            var isReady = Libc.SetOption(
                socket, LinuxNumbers.LevelPacket, LinuxNumbers.PacketVnetHeader, 1);
            var address = stackalloc byte[20];
            new Span<byte>(address, 20).Clear();
            *(ushort*)address = LinuxNumbers.FamilyPacket;
            *(int*)(address + 4) = device;
            if (isReady && Libc.Bind(socket, address, 20) == 0)
            {
                error = "";
                return new Injector(kernel, socket);
            }
        }

        error = Libc.LastErrorText();
        if (socket >= 0) Libc.Close(socket);
        return null;
    }

    /// <summary>A slot whose row, of the same number plus one, the caller may write.</summary>
    public int Rent() => _slots.Take();

    public void Return(int slot) => _slots.Add(slot);

    public static uint RowOf(int slot) => (uint)slot + 1;

    /// <param name="row">Row to run; 0: look the packet up instead.</param>
    public bool Send(
        int slot, PacketBuffer packet, in KernelKeyWords key, uint row, uint tunnel, uint passes)
    {
        ref var execution = ref _kernel.Executions[slot];
        execution.Key = key;
        execution.Row = row;
        execution.Tunnel = tunnel;
        execution.Passes = passes;
        execution.IsLookup = row == 0 ? 1u : 0;
        Thread.MemoryBarrier();

        var header = VnetHeader.From(packet);
        var vectors = stackalloc Libc.IoVector[2];
        vectors[0] = new Libc.IoVector { Base = &header, Size = VnetHeader.Size };
        vectors[1] = new Libc.IoVector { Base = packet.Address, Size = (nuint)packet.Size };
        var control = stackalloc byte[ControlSize];
        *(nuint*)control = 20;
        *(int*)(control + 8) = LinuxNumbers.LevelSocket;
        *(int*)(control + 12) = SocketMark;
        *(int*)(control + 16) = slot + 1;
        var message = new Libc.MessageHeader
        {
            Vectors = vectors,
            VectorCount = 2,
            Control = control,
            ControlSize = ControlSize,
        };
        // A program that drops the packet, or sends it up, is told to us as a full queue.
        return Libc.SendMessages(_socket, &message, 1, LinuxNumbers.MessageNoSignal) == 1
            || Libc.LastError == LinuxNumbers.ErrorNoBuffers;
    }

    public void Dispose() => Libc.Close(_socket);
}
