using System.Runtime.InteropServices;
using Fabric.Datapath;

namespace Fabric.Benchmarks.Datapath;

/// <summary>Sends a 64-byte UDP frame as fast as a packet socket takes it.</summary>
internal sealed unsafe class FrameSource : IDisposable
{
    public const int BatchSize = 64;

    private readonly int _socket;
    private readonly Libc.MessageHeader* _messages;
    private readonly Libc.IoVector* _vector;
    private readonly byte* _frame;

    public FrameSource(string device)
    {
        var frame = Convert.FromHexString(
            "027700000002" + "027700000001" + "0800"
            + "4500002E000040004011266B0A4D00010A4D0002" + "000A0009001A0000");
        _frame = (byte*)NativeMemory.AllocZeroed(64);
        frame.CopyTo(new Span<byte>(_frame, 64));
        _vector = (Libc.IoVector*)NativeMemory.AllocZeroed((nuint)sizeof(Libc.IoVector));
        *_vector = new Libc.IoVector { Base = _frame, Size = 60 };
        _messages = (Libc.MessageHeader*)NativeMemory.AllocZeroed(BatchSize * 64);
        for (var i = 0; i < BatchSize; i++)
        {
            _messages[i] = new Libc.MessageHeader { Vectors = _vector, VectorCount = 1 };
        }

        _socket = Libc.Socket(LinuxNumbers.FamilyPacket, LinuxNumbers.SocketRaw, 0);
        var address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = LinuxNumbers.FamilyPacket;
        *(int*)(address + 4) = (int)Libc.InterfaceIndex(device);
        if (Libc.Bind(_socket, address, 20) != 0)
        {
            throw new InvalidOperationException(Libc.LastErrorText());
        }
    }

    /// <summary>As <see cref="SendBatch"/>, each frame of the batch from another address.</summary>
    public void SendFlood(Random random)
    {
        for (var i = 0; i < BatchSize; i++)
        {
            *(int*)(_frame + 8) = random.Next();
            Libc.SendMessages(_socket, _messages, 1, 0);
        }
    }

    public void SendBatch() => Libc.SendMessages(_socket, _messages, BatchSize, 0);

    public void Dispose()
    {
        Libc.Close(_socket);
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vector);
        NativeMemory.Free(_frame);
    }
}
