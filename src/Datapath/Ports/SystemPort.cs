using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A network device of the host through a packet socket (packet(7)).</summary>
/// <remarks>
/// Super-packets and unfinished checksums pass both ways in the vnet header. The kernel takes VLAN
/// tags out of received packets; they are put back from the auxiliary data. Packets that the
/// host itself sends through the device are not seen.
/// </remarks>
internal sealed unsafe class SystemPort : PacketPort
{
    private const int ControlSize = 64;
    private const int SocketBufferSize = 8 << 20;
    private const int BatchSizeMin = 4;
    private const int BatchBytesMax = 256 << 10;

    private readonly int _socket;
    private readonly byte* _memory;
    private readonly Libc.MessageHeader* _messages;
    private readonly Libc.IoVector* _vectors;
    private readonly VnetHeader* _headers;
    private readonly byte* _control;
    private DeviceState _state;
    private int _wanted = BatchSizeMin;
    private int _isDisposed;

    private SystemPort(DatapathPortSpec spec, uint number, int socket, DeviceState state)
        : base(spec, number)
    {
        _socket = socket;
        _state = state;
        const int Count = DatapathLimits.BatchSize;
        _memory = (byte*)NativeMemory.AllocZeroed(
            Count * (64 + 32 + 16 + (nuint)ControlSize));
        _messages = (Libc.MessageHeader*)_memory;
        _vectors = (Libc.IoVector*)(_memory + (Count * 64));
        _control = _memory + (Count * 96);
        _headers = (VnetHeader*)(_memory + (Count * (96 + ControlSize)));
    }

    public override string Type => "";
    public int InterfaceIndex => _state.Index;
    internal override int Descriptor => _socket;
    internal override bool TakesSuperPackets => true;

    public static bool TryOpen(
        DatapathPortSpec spec, uint number, out SystemPort? port, out string error)
    {
        port = null;
        if (NetworkDevice.Read(spec.Name) is not { } state)
        {
            error = "No such device";
            return false;
        }

        var socket = Libc.Socket(
            LinuxNumbers.FamilyPacket,
            LinuxNumbers.SocketRaw | LinuxNumbers.SocketNonBlocking
                | LinuxNumbers.SocketCloseOnExec,
            0);
        if (socket < 0 || !TrySetUp(socket, state.Index))
        {
            error = Libc.LastErrorText();
            if (socket >= 0) Libc.Close(socket);
            return false;
        }

        error = "";
        port = new SystemPort(spec, number, socket, state);
        return true;
    }

    private static bool TrySetUp(int socket, int index)
    {
        const int Level = LinuxNumbers.LevelPacket;
        Libc.SetOption(
            socket, LinuxNumbers.LevelSocket, LinuxNumbers.ReceiveBufferForce, SocketBufferSize);
        Libc.SetOption(
            socket, LinuxNumbers.LevelSocket, LinuxNumbers.SendBufferForce, SocketBufferSize);
        if (!Libc.SetOption(socket, Level, LinuxNumbers.PacketVnetHeader, 1)) return false;
        if (!Libc.SetOption(socket, Level, LinuxNumbers.PacketAuxiliaryData, 1)) return false;
        if (!Libc.SetOption(socket, Level, LinuxNumbers.PacketIgnoreOutgoing, 1)) return false;

        // struct packet_mreq: promiscuous for as long as the socket is open.
        var membership = stackalloc byte[16];
        new Span<byte>(membership, 16).Clear();
        *(int*)membership = index;
        *(ushort*)(membership + 4) = 1;
        if (Libc.SetSocketOption(
            socket, Level, LinuxNumbers.PacketAddMembership, membership, 16) != 0)
        {
            return false;
        }

        // struct sockaddr_ll; the protocol (ETH_P_ALL) starts reception.
        var address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = LinuxNumbers.FamilyPacket;
        *(ushort*)(address + 2) = BinaryPrimitives.ReverseEndianness((ushort)3);
        *(int*)(address + 4) = index;
        return Libc.Bind(socket, address, 20) == 0;
    }

    public override DatapathPort Describe()
    {
        if (NetworkDevice.Read(Name) is { } state && state.Index == _state.Index) _state = state;
        return new DatapathPort(
            Number, Name, Spec.Kind, Type, _state.Index, _state.Mac, _state.Mtu,
            _state.IsAdminUp, _state.IsLinkUp, LinkSpeed: 0);
    }

    internal override int Receive(PacketBatch batch)
    {
        var wanted = _wanted;
        for (var i = 0; i < wanted; i++)
        {
            var packet = batch.Packets[i] = batch.Pool.Rent();
            packet.Reserve(packet.Capacity);
            _vectors[i * 2] = new Libc.IoVector { Base = &_headers[i], Size = VnetHeader.Size };
            _vectors[(i * 2) + 1] = new Libc.IoVector
            {
                Base = packet.Address,
                Size = (nuint)packet.Capacity,
            };
            _messages[i] = new Libc.MessageHeader
            {
                Vectors = _vectors + (i * 2),
                VectorCount = 2,
                Control = _control + (i * ControlSize),
                ControlSize = ControlSize,
            };
        }

        var received = Libc.ReceiveMessages(
            _socket, _messages, (uint)wanted, LinuxNumbers.MessageDontWait, null);
        var kept = 0;
        long bytes = 0;
        for (var i = 0; i < wanted; i++)
        {
            var packet = batch.Packets[i];
            if (i < received && TryTake(packet, i))
            {
                bytes += packet.Size;
                batch.Packets[kept] = packet;
                ClearMetadata(ref batch.Keys[kept++], Number);
                continue;
            }

            if (i < received) CountReceiveDrop();
            batch.Pool.Release(packet);
        }

        Adapt(received, bytes);
        return kept;
    }

    /// <summary>
    /// Asks for more next time when all came, and for fewer when they came few or large: what a
    /// batch holds shall still be in the processor's cache when it is sent.
    /// </summary>
    private void Adapt(int received, long bytes)
    {
        if (received < _wanted / 2) _wanted = Math.Max(BatchSizeMin, _wanted / 2);
        else if (received == _wanted) _wanted = Math.Min(DatapathLimits.BatchSize, _wanted * 2);
        if (bytes > BatchBytesMax) _wanted = Math.Min(_wanted, BatchSizeMin * 2);
    }

    /// <summary>A key that knows nothing but its port.</summary>
    public static void ClearMetadata(ref FlowKey key, uint number)
    {
        Unsafe.InitBlock(ref Unsafe.As<FlowKey, byte>(ref key), 0, FlowKey.LinkOffset);
        if (key.HasTunnel) TunnelMetadataKey.Clear(ref key);
        key.InPort = number;
    }

    private bool TryTake(PacketBuffer packet, int index)
    {
        ref var message = ref _messages[index];
        var size = (int)message.Size - VnetHeader.Size;
        if (size < 0 || (message.Flags & LinuxNumbers.MessageTruncated) != 0) return false;
        packet.SetSize(size);
        return _headers[index].TryApply(packet)
            && TryRestoreTag(packet, _control + (index * ControlSize), message.ControlSize);
    }

    /// <summary>struct tpacket_auxdata: the VLAN tag that the kernel took out.</summary>
    private static bool TryRestoreTag(PacketBuffer packet, byte* control, nuint size)
    {
        const uint HasTag = 0x10;
        const uint HasProtocol = 0x40;

        if (size < 36) return true;
        var status = *(uint*)(control + 16);
        if ((status & HasTag) == 0) return true;
        var tci = *(ushort*)(control + 32);
        var protocol = (status & HasProtocol) != 0 ? *(ushort*)(control + 34) : EtherType.Vlan;
        if (packet.Size < 14 || !packet.TryPush(4, out _)) return false;

        var bytes = packet.Bytes;
        bytes.Slice(4, 12).CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[12..], protocol);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[14..], tci);
        return true;
    }

    [SkipLocalsInit]
    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        const int Count = DatapathLimits.TransmitQueueSize;
        var messages = stackalloc Libc.MessageHeader[Count];
        var vectors = stackalloc Libc.IoVector[Count * 2];
        var headers = stackalloc VnetHeader[Count];
        for (var i = 0; i < entries.Length; i++)
        {
            var packet = entries[i].Packet;
            headers[i] = VnetHeader.From(packet);
            vectors[i * 2] = new Libc.IoVector { Base = headers + i, Size = VnetHeader.Size };
            vectors[(i * 2) + 1] = new Libc.IoVector
            {
                Base = packet.Address,
                Size = (nuint)packet.Size,
            };
            messages[i] = new Libc.MessageHeader { Vectors = vectors + (i * 2), VectorCount = 2 };
        }

        return SocketSender.Send(_socket, messages, entries.Length, drops, this);
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        Libc.Close(_socket);
        NativeMemory.Free(_memory);
    }
}
