using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>The receiving socket of a tunnel port, of one address family.</summary>
internal sealed unsafe class TunnelReceiver : IDisposable
{
    private const int ControlSize = 128;
    private const int NameSize = 32;

    private readonly bool _isIpv6;
    private readonly byte* _memory;
    private readonly Libc.MessageHeader* _messages;
    private readonly Libc.IoVector* _vectors;
    private readonly byte* _names;
    private readonly byte* _control;

    private TunnelReceiver(int socket, bool isIpv6, bool isRaw)
    {
        Socket = socket;
        HasIpHeader = isRaw && !isIpv6;
        _isIpv6 = isIpv6;
        const int Count = DatapathLimits.BatchSize;
        _memory = (byte*)NativeMemory.AllocZeroed(Count * (64 + 16 + NameSize + ControlSize));
        _messages = (Libc.MessageHeader*)_memory;
        _vectors = (Libc.IoVector*)(_memory + (Count * 64));
        _names = _memory + (Count * 80);
        _control = _memory + (Count * (80 + NameSize));
    }

    public int Socket { get; }

    /// <summary>Datagrams begin with the outer IPv4 header.</summary>
    public bool HasIpHeader { get; }

    public static TunnelReceiver? TryOpen(bool isIpv6, TunnelPortSpec tunnel, out string error)
    {
        var socket = TunnelSockets.OpenReceiver(isIpv6, tunnel);
        error = socket < 0 ? Libc.LastErrorText() : "";
        var isRaw = TunnelSockets.IsRaw(tunnel);
        return socket < 0 ? null : new TunnelReceiver(socket, isIpv6, isRaw);
    }

    /// <summary>Fills 'packets' with datagrams, outer headers removed; returns how many.</summary>
    public int Receive(PacketPool pool, PacketBuffer[] packets)
    {
        for (var i = 0; i < DatapathLimits.BatchSize; i++)
        {
            var packet = packets[i] = pool.Rent();
            packet.Reserve(packet.Capacity);
            _vectors[i] = new Libc.IoVector
            {
                Base = packet.Address,
                Size = (nuint)packet.Capacity,
            };
            _messages[i] = new Libc.MessageHeader
            {
                Vectors = _vectors + i,
                VectorCount = 1,
                Name = _names + (i * NameSize),
                NameSize = NameSize,
                Control = _control + (i * ControlSize),
                ControlSize = ControlSize,
            };
        }

        var received = Math.Max(0, Libc.ReceiveMessages(
            Socket, _messages, DatapathLimits.BatchSize, LinuxNumbers.MessageDontWait, null));
        for (var i = 0; i < DatapathLimits.BatchSize; i++)
        {
            if (i < received) packets[i].SetSize((int)_messages[i].Size);
            else pool.Release(packets[i]);
        }

        return received;
    }

    /// <summary>Outer addresses, source port, TTL and TOS of the datagram at 'index'.</summary>
    /// <param name="segmentSize">
    /// When the kernel joined several datagrams: the size of each but the last; else 0.
    /// </param>
    public void ReadOuter(int index, ref FlowKey key, out int segmentSize)
    {
        segmentSize = 0;
        var name = _names + (index * NameSize);
        key.TunnelPortSourceWire = *(ushort*)(name + 2);
        if (_isIpv6) key.TunnelIpv6Source = Read6(name + 8);
        else key.TunnelIpv4SourceWire = *(uint*)(name + 4);

        var control = _control + (index * ControlSize);
        var end = control + Math.Min(_messages[index].ControlSize, ControlSize);
        while (control + 16 <= end)
        {
            var size = *(nuint*)control;
            if (size < 16 || size > (nuint)(end - control)) break;
            ReadControl(
                *(int*)(control + 8), *(int*)(control + 12), control + 16, size - 16, ref key,
                ref segmentSize);
            control += (size + 7) & ~(nuint)7;
        }
    }

    /// <summary>One control message; its numbers are those of ip(7) and ipv6(7).</summary>
    private static void ReadControl(
        int level, int type, byte* data, nuint size, ref FlowKey key, ref int segmentSize)
    {
        switch (level, type)
        {
            case (0, 8) when size >= 12:
                key.TunnelIpv4DestinationWire = *(uint*)(data + 8);
                break;
            case (0, 2) when size >= 4:
                key.TunnelTtl = (byte)*(int*)data;
                break;
            case (0, 1) when size >= 1:
                key.TunnelTos = *data;
                break;
            case (17, 104) when size >= 4:
                segmentSize = *(int*)data;
                break;
            case (41, 50) when size >= 16:
                key.TunnelIpv6Destination = Read6(data);
                break;
            case (41, 52) when size >= 4:
                key.TunnelTtl = (byte)*(int*)data;
                break;
            case (41, 67) when size >= 4:
                key.TunnelTos = (byte)*(int*)data;
                break;
        }
    }

    private static Ipv6Bytes Read6(byte* bytes) =>
        Ipv6Bytes.From(new ReadOnlySpan<byte>(bytes, Ipv6Bytes.Size));

    public void Dispose()
    {
        Libc.Close(Socket);
        NativeMemory.Free(_memory);
    }
}
