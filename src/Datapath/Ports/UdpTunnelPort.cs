using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A Geneve or VXLAN port over the host's own UDP, routing and neighbours.</summary>
/// <remarks>
/// One receiving socket per address family is bound to the tunnel's port; senders are sockets of
/// their own, one for each combination of "don't fragment" and checksum, since those are
/// properties of sockets. The remote side is each packet's <see cref="TunnelMetadata"/>.
/// </remarks>
internal sealed unsafe class UdpTunnelPort : PacketPort
{
    private const int SenderCount = 4;

    private readonly TunnelPortSpec _tunnel;
    private readonly GeneveOptions _options;
    private readonly int _poll;
    private readonly TunnelReceiver _receiver4;
    private readonly TunnelReceiver? _receiver6;
    private readonly int[] _senders4 = new int[SenderCount];
    private readonly int[] _senders6 = new int[SenderCount];
    private int _isDisposed;

    private UdpTunnelPort(
        DatapathPortSpec spec, TunnelPortSpec tunnel, uint number, GeneveOptions options,
        TunnelReceiver receiver4, TunnelReceiver? receiver6)
        : base(spec, number)
    {
        _tunnel = tunnel;
        _options = options;
        _receiver4 = receiver4;
        _receiver6 = receiver6;
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        Libc.PollAdd(_poll, receiver4.Socket, 4);
        if (receiver6 is not null) Libc.PollAdd(_poll, receiver6.Socket, 6);
        for (var i = 0; i < SenderCount; i++)
        {
            _senders4[i] = TunnelSockets.OpenSender(isIpv6: false, (i & 1) != 0, (i & 2) != 0);
            _senders6[i] = TunnelSockets.OpenSender(isIpv6: true, (i & 1) != 0, (i & 2) != 0);
        }
    }

    public override string Type => _tunnel.Kind == TunnelKind.Geneve ? "geneve" : "vxlan";
    internal override int Descriptor => _poll;

    public static bool TryOpen(
        DatapathPortSpec spec, TunnelPortSpec tunnel, uint number, GeneveOptions options,
        out UdpTunnelPort? port, out string error)
    {
        port = null;
        var ipv4 = TunnelReceiver.TryOpen(isIpv6: false, tunnel.DestinationPort, out error);
        if (ipv4 is null) return false;
        var ipv6 = TunnelReceiver.TryOpen(isIpv6: true, tunnel.DestinationPort, out _);
        port = new UdpTunnelPort(spec, tunnel, number, options, ipv4, ipv6);
        return true;
    }

    public override DatapathPort Describe() => new(
        Number, Name, DatapathPortKind.Tunnel, Type, InterfaceIndex: 0, default, Mtu: 65_535,
        IsAdminUp: true, IsLinkUp: true, LinkSpeed: 0);

    internal override int Receive(PacketBatch batch)
    {
        var count = Receive(_receiver4, batch);
        return count > 0 || _receiver6 is null ? count : Receive(_receiver6, batch);
    }

    private int Receive(TunnelReceiver receiver, PacketBatch batch)
    {
        var received = receiver.Receive(batch);
        var kept = 0;
        for (var i = 0; i < received; i++)
        {
            var packet = batch.Packets[i];
            ref var key = ref batch.Keys[kept];
            key = default;
            key.InPort = Number;
            receiver.ReadOuter(i, ref key);
            key.TunnelPortDestinationWire =
                BinaryPrimitives.ReverseEndianness(_tunnel.DestinationPort);
            var reason = TunnelCodec.Read(
                _tunnel, _options, packet.Bytes, ref key, out var headerSize);
            if (reason != DropReason.None)
            {
                batch.Drops.Add(reason);
                CountReceiveDrop();
                batch.Pool.Release(packet);
                continue;
            }

            packet.Pull(headerSize);
            batch.Packets[kept++] = packet;
        }

        return kept;
    }

    [SkipLocalsInit]
    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        const int Count = DatapathLimits.TransmitQueueSize;
        var messages = stackalloc Libc.MessageHeader[Count];
        var vectors = stackalloc Libc.IoVector[Count * 2];
        var outer = stackalloc TunnelSockets.OuterAddress[Count];
        var headers = stackalloc byte[Count * TunnelCodec.HeaderSizeMax];

        // Neighbouring entries that one socket can send go out together.
        int sent = 0, prepared = 0, socket = -1;
        foreach (var entry in entries)
        {
            if (entry.Tunnel is not { } tunnel)
            {
                drops.Add(DropReason.TunnelUnknownPeer);
                continue;
            }

            var header = headers + (prepared * TunnelCodec.HeaderSizeMax);
            var size = TunnelCodec.Write(
                _tunnel, tunnel, new Span<byte>(header, TunnelCodec.HeaderSizeMax));
            if (size < 0)
            {
                drops.Add(DropReason.ActionMalformed);
                continue;
            }

            var wanted = SenderOf(tunnel);
            if (wanted != socket && prepared > 0)
            {
                sent += SocketSender.Send(socket, messages, prepared, drops, this);
                new ReadOnlySpan<byte>(header, size).CopyTo(
                    new Span<byte>(headers, TunnelCodec.HeaderSizeMax));
                header = headers;
                prepared = 0;
            }

            socket = wanted;
            var pair = vectors + (prepared * 2);
            pair[0] = new Libc.IoVector { Base = header, Size = (nuint)size };
            pair[1] = new Libc.IoVector
            {
                Base = entry.Packet.Address,
                Size = (nuint)entry.Packet.Size,
            };
            ref var message = ref messages[prepared];
            message = new Libc.MessageHeader { Vectors = pair, VectorCount = 2 };
            TunnelSockets.Address(
                tunnel, _tunnel.DestinationPort, outer + prepared, ref message);
            prepared++;
        }

        if (prepared > 0) sent += SocketSender.Send(socket, messages, prepared, drops, this);
        return sent;
    }

    private int SenderOf(TunnelMetadata tunnel)
    {
        var index = ((tunnel.Flags & TunnelFlags.DontFragment) != 0 ? 1 : 0)
            | ((tunnel.Flags & TunnelFlags.Checksum) != 0 ? 2 : 0);
        return tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6
            ? _senders6[index]
            : _senders4[index];
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        Libc.Close(_poll);
        _receiver4.Dispose();
        _receiver6?.Dispose();
        foreach (var socket in _senders4) Libc.Close(socket);
        foreach (var socket in _senders6) Libc.Close(socket);
    }
}
