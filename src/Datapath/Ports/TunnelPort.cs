using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>A tunnel port over the host's own UDP or GRE, routing and neighbours.</summary>
/// <remarks>
/// Geneve, VXLAN and GTP-U are UDP; GRE and ERSPAN raw sockets of their IP protocol.
/// One receiving socket per address family is bound to the tunnel's port; senders are
/// <see cref="TunnelSenders"/>. The remote side is each packet's <see cref="TunnelMetadata"/>.
/// For Geneve and VXLAN super-packets are cut into tunnelled segments that the kernel takes in one
/// message (UDP
/// segmentation offload); segments that arrive in one message become super-packets again.
/// </remarks>
internal sealed unsafe partial class TunnelPort : PacketPort
{
    private readonly TunnelPortSpec _tunnel;
    private readonly GeneveOptions _options;
    private readonly int _poll;
    private readonly TunnelReceiver _receiver4;
    private readonly TunnelReceiver? _receiver6;
    private readonly TunnelSenders _senders;
    private uint _sequence;
    private int _isDisposed;

    private TunnelPort(
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
        _senders = new TunnelSenders(tunnel);
    }

    public override string Type => _tunnel.Kind.ToString().ToLowerInvariant();
    internal override int Descriptor => _poll;
    internal override bool WantsFlowHash => true;
    internal override bool TakesSuperPackets =>
        _tunnel.Kind is TunnelKind.Geneve or TunnelKind.Vxlan;
    internal override bool TakesPartialChecksums => false;

    public static bool TryOpen(
        DatapathPortSpec spec, uint number, GeneveOptions options, out TunnelPort? port,
        out string error)
    {
        port = null;
        if (spec.Tunnel is not { } tunnel)
        {
            error = "Address family not supported by protocol";
            return false;
        }

        var ipv4 = TunnelReceiver.TryOpen(isIpv6: false, tunnel, out error);
        if (ipv4 is null) return false;
        var ipv6 = TunnelReceiver.TryOpen(isIpv6: true, tunnel, out _);
        port = new TunnelPort(spec, tunnel, number, options, ipv4, ipv6);
        return true;
    }

    public override DatapathPort Describe() => new(
        Number, Name, DatapathPortKind.Tunnel, Type, InterfaceIndex: 0, default, Mtu: 65_535,
        IsAdminUp: true, IsLinkUp: true, LinkSpeed: 0);

    [SkipLocalsInit]
    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        const int Count = DatapathLimits.TransmitQueueSize;
        var messages = stackalloc Libc.MessageHeader[Count];
        var vectors = stackalloc Libc.IoVector[Count * 2];
        var outer = stackalloc TunnelSockets.OuterAddress[Count];
        var headers = stackalloc byte[Count * TunnelCodec.HeaderSizeMax];

        // Neighbouring entries that one socket can send go out together, in order.
        int sent = 0, prepared = 0, socket = -1;
        foreach (var entry in entries)
        {
            if (entry.Tunnel is not { } tunnel)
            {
                drops.Add(DropReason.TunnelUnknownPeer);
                continue;
            }

            var isSuper = entry.Packet.SegmentSize != 0;
            var wanted = _senders.SocketFor(tunnel, entry.Egress.Hash, isSuper);
            if (prepared > 0 && (wanted != socket || isSuper))
            {
                sent += SocketSender.Send(socket, messages, prepared, drops, this);
                prepared = 0;
            }

            socket = wanted;
            if (isSuper)
            {
                sent += TransmitSuper(entry, tunnel, socket, drops);
                continue;
            }

            var header = headers + (prepared * TunnelCodec.HeaderSizeMax);
            var size = TunnelCodec.Write(
                _tunnel, tunnel, entry.Packet.Bytes, ref _sequence,
                new Span<byte>(header, TunnelCodec.HeaderSizeMax), entry.Egress.PacketType);
            if (size < 0)
            {
                drops.Add(DropReason.ActionMalformed);
                continue;
            }

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
                tunnel, _tunnel.DestinationPort, entry.Egress.Mark, outer + prepared,
                ref message);
            prepared++;
        }

        if (prepared > 0) sent += SocketSender.Send(socket, messages, prepared, drops, this);
        return sent;
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        Libc.Close(_poll);
        _receiver4.Dispose();
        _receiver6?.Dispose();
        _senders.Dispose();
    }
}
