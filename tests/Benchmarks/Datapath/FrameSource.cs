using System.Runtime.InteropServices;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Datapath;

/// <summary>Sends 64-byte frames as fast as a packet socket takes them.</summary>
internal sealed unsafe class FrameSource : IDisposable
{
    public const int BatchSize = 64;

    private const int FrameSize = 60;
    private const int Stride = 64;
    private const int NetworkOffset = 14;
    private const int TransportOffset = 34;
    private const int TcpChecksumOffset = TransportOffset + 16;

    private const int PortHttpWire = 0x5000_0000; // Port 80 behind another port, network order.

    private const string Ethernet = "027700000002" + "027700000001" + "0800";

    private readonly int _socket;
    private readonly Libc.MessageHeader* _messages;
    private readonly Libc.IoVector* _vectors;
    private readonly byte* _frames;

    private FrameSource(string device, byte[] frame)
    {
        _frames = (byte*)NativeMemory.AllocZeroed(BatchSize * Stride);
        _vectors = (Libc.IoVector*)NativeMemory.AllocZeroed(
            BatchSize * (nuint)sizeof(Libc.IoVector));
        _messages = (Libc.MessageHeader*)NativeMemory.AllocZeroed(BatchSize * 64);
        for (var i = 0; i < BatchSize; i++)
        {
            frame.CopyTo(Frame(i));
            _vectors[i] = new Libc.IoVector { Base = _frames + (i * Stride), Size = FrameSize };
            _messages[i] = new Libc.MessageHeader { Vectors = _vectors + i, VectorCount = 1 };
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

    /// <summary>UDP from 10.77.0.1 to 10.77.0.2.</summary>
    public FrameSource(string device)
        : this(device, Udp("0A4D0001", "0A4D0002", "000A0009"))
    {
    }

    /// <summary>The answers to what <see cref="FrameSource(string)"/> sends.</summary>
    public static FrameSource Answering(string device) =>
        new(device, Udp("0A4D0002", "0A4D0001", "0009000A"));

    /// <summary>TCP SYNs to 10.77.0.2, port 80.</summary>
    public static FrameSource Opening(string device) => new(device, Syn());

    /// <summary>As <see cref="SendBatch"/>, each frame of the batch from another MAC.</summary>
    public void SendFlood(Random random)
    {
        for (var i = 0; i < BatchSize; i++) *(int*)(_frames + (i * Stride) + 8) = random.Next();
        SendBatch();
    }

    /// <summary>Each segment of the batch opens another connection.</summary>
    public void SendOpenings(Random random)
    {
        for (var i = 0; i < BatchSize; i++)
        {
            var frame = Frame(i);
            var fresh = 0x0C00_0000u | (uint)random.Next(1 << 24);
            Change(frame, NetworkOffset + 12, System.Net.IPAddress.HostToNetworkOrder((int)fresh));
            Change(frame, TransportOffset, random.Next(1, 1 << 16) | PortHttpWire);
        }

        SendBatch();
    }

    public void SendBatch() => Libc.SendMessages(_socket, _messages, BatchSize, 0);

    private Span<byte> Frame(int index) => new(_frames + (index * Stride), FrameSize);

    /// <summary>Changes four bytes, of an address or of ports, and the sums over them.</summary>
    private static void Change(Span<byte> frame, int offset, int valueWire)
    {
        var before = MemoryMarshal.Read<uint>(frame[offset..]);
        MemoryMarshal.Write(frame[offset..], in valueWire);
        foreach (var sum in offset == TransportOffset
            ? (ReadOnlySpan<int>)[TcpChecksumOffset]
            : [NetworkOffset + 10, TcpChecksumOffset])
        {
            var updated = InternetChecksum.Update(
                MemoryMarshal.Read<ushort>(frame[sum..]), before, (uint)valueWire);
            MemoryMarshal.Write(frame[sum..], in updated);
        }
    }

    private static byte[] Udp(string source, string destination, string ports)
    {
        var frame = new byte[FrameSize];
        Convert.FromHexString(Ethernet + "4500002E0000400040110000" + source + destination
            + ports + "001A0000").CopyTo(frame, 0);
        Seal(frame);
        return frame;
    }

    private static byte[] Syn()
    {
        var frame = new byte[FrameSize];
        Convert.FromHexString(Ethernet + "4500002800004000400600000C000001" + "0A4D0002"
            + "00010050" + "00000001" + "00000000" + "5002FFFF00000000").CopyTo(frame, 0);
        Seal(frame);
        var tcp = frame.AsSpan(TransportOffset, 20);
        var sum = (ushort)~InternetChecksum.Fold(InternetChecksum.Add(tcp,
            InternetChecksum.PseudoHeader(
                frame.AsSpan(NetworkOffset + 12, 8), IpProtocol.Tcp, tcp.Length)));
        MemoryMarshal.Write(tcp[16..], in sum);
        return frame;
    }

    private static void Seal(byte[] frame)
    {
        var sum = InternetChecksum.ComputeWire(frame.AsSpan(NetworkOffset, 20));
        MemoryMarshal.Write(frame.AsSpan(NetworkOffset + 10), in sum);
    }

    public void Dispose()
    {
        Libc.Close(_socket);
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_frames);
    }
}
