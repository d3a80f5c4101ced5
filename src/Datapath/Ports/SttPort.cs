using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>An STT tunnel port: frames of up to 64 KiB in segments that look like TCP's.</summary>
/// <remarks>
/// Raw sockets of the TCP protocol send and receive; the kernel's own TCP is kept silent about the
/// port (<see cref="SttSockets"/>). Super-packets and unfinished checksums travel as they are: the
/// frame's header describes them. Segments that the kernel joined (GRO) are taken as one.
/// </remarks>
internal sealed unsafe partial class SttPort : PacketPort
{
    private const int MessagesMax = 48;
    private const ushort PortSourceMin = 49_152;
    private const int Ipv4HeaderSize = 20;
    private const int Ipv6HeaderSize = 40;

    private readonly TunnelPortSpec _tunnel;
    private readonly int _poll;
    private readonly TunnelReceiver _receiver4;
    private readonly TunnelReceiver? _receiver6;
    private readonly int[] _silencers;
    private readonly TunnelSenders _senders;
    private readonly OuterPaths _paths = new();
    private uint _frameId;
    private int _isDisposed;

    private SttPort(
        DatapathPortSpec spec, TunnelPortSpec tunnel, uint number, TunnelReceiver receiver4,
        TunnelReceiver? receiver6, int[] silencers)
        : base(spec, number)
    {
        _tunnel = tunnel;
        _receiver4 = receiver4;
        _receiver6 = receiver6;
        _silencers = silencers;
        _senders = new TunnelSenders(tunnel);
        _frameId = (uint)System.Security.Cryptography.RandomNumberGenerator.GetInt32(int.MaxValue);
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        Libc.PollAdd(_poll, receiver4.Socket, 4);
        if (receiver6 is not null) Libc.PollAdd(_poll, receiver6.Socket, 6);
    }

    public override string Type => "stt";
    internal override int Descriptor => _poll;
    internal override bool WantsFlowHash => true;
    internal override bool TakesSuperPackets => true;

    public static bool TryOpen(
        DatapathPortSpec spec, uint number, out SttPort? port, out string error)
    {
        port = null;
        var tunnel = spec.Tunnel!;
        var silencer4 = SttSockets.OpenSilencer(isIpv6: false, tunnel);
        if (silencer4 < 0)
        {
            error = Libc.LastErrorText();
            return false;
        }

        var ipv4 = TunnelReceiver.TryOpen(isIpv6: false, tunnel, out error);
        if (ipv4 is null)
        {
            Libc.Close(silencer4);
            return false;
        }

        var silencer6 = SttSockets.OpenSilencer(isIpv6: true, tunnel);
        var ipv6 = silencer6 < 0 ? null : TunnelReceiver.TryOpen(isIpv6: true, tunnel, out _);
        port = new SttPort(spec, tunnel, number, ipv4, ipv6, [silencer4, silencer6]);
        return true;
    }

    public override DatapathPort Describe() => new(
        Number, Name, DatapathPortKind.Tunnel, Type, InterfaceIndex: 0, default, Mtu: 65_535,
        IsAdminUp: true, IsLinkUp: true, LinkSpeed: 0);

    internal override int Transmit(ReadOnlySpan<TransmitEntry> entries, DropCounters drops)
    {
        var sent = 0;
        foreach (var entry in entries)
        {
            var reason = TransmitOne(entry, drops);
            if (reason == DropReason.None) sent++;
            else drops.Add(reason);
        }

        return sent;
    }

    [SkipLocalsInit]
    private DropReason TransmitOne(in TransmitEntry entry, DropCounters drops)
    {
        if (entry.Tunnel is not { } tunnel) return DropReason.TunnelUnknownPeer;
        var path = _paths.Find(tunnel.Destination, tunnel.Source, Environment.TickCount64);
        if (path is null) return DropReason.TunnelNoRoute;

        var isIpv6 = tunnel.Destination.AddressFamily == AddressFamily.InterNetworkV6;
        var dataSizeMax = Math.Min(path.Mtu, ushort.MaxValue) - SttSegment.Size
            - (isIpv6 ? Ipv6HeaderSize : Ipv4HeaderSize);
        var source = (ushort)(PortSourceMin + (entry.Egress.Hash & 0x3FFF));
        var destination = tunnel.PortDestination != 0
            ? tunnel.PortDestination
            : _tunnel.DestinationPort;
        var frameId = Interlocked.Increment(ref _frameId);
        if (!SttFramer.TryCreate(
            entry.Packet, tunnel.Id, frameId, (source, destination), dataSizeMax, out var framer))
        {
            return DropReason.MtuExceeded;
        }

        Span<byte> addresses = stackalloc byte[8];
        if (!isIpv6)
        {
            path.Source.TryWriteBytes(addresses, out _);
            tunnel.Destination.TryWriteBytes(addresses[4..], out _);
        }

        var socket = _senders.SocketFor(tunnel, hash: 0, isSuper: false);
        return TransmitFrame(
            ref framer, tunnel, entry.Egress.Mark, socket, isIpv6 ? default : addresses, drops);
    }

    [SkipLocalsInit]
    private DropReason TransmitFrame(
        ref SttFramer framer, TunnelMetadata tunnel, uint mark, int socket,
        scoped ReadOnlySpan<byte> addresses, DropCounters drops)
    {
        var messages = stackalloc Libc.MessageHeader[MessagesMax];
        var vectors = stackalloc Libc.IoVector[MessagesMax * 2];
        var headers = stackalloc byte[MessagesMax * SttFramer.HeaderSizeMax];
        TunnelSockets.OuterAddress outer;
        Libc.MessageHeader message = default;
        TunnelSockets.Address(tunnel, port: 0, mark, &outer, ref message);
        *(ushort*)(outer.Name + 2) = 0; // Raw IPv6 sockets take no port; others ignore it.
        while (true)
        {
            var count = 0;
            for (; count < MessagesMax; count++)
            {
                var header = headers + (count * SttFramer.HeaderSizeMax);
                var room = new Span<byte>(header, SttFramer.HeaderSizeMax);
                if (!framer.MoveNext(room, out var size, out var payload)) break;
                if (!addresses.IsEmpty)
                {
                    SttFramer.WriteChecksum(room[..size], payload, addresses);
                }

                var pair = vectors + (count * 2);
                pair[0] = new Libc.IoVector { Base = header, Size = (nuint)size };
                pair[1] = new Libc.IoVector
                {
                    Base = Unsafe.AsPointer(ref Unsafe.AsRef(in payload.GetPinnableReference())),
                    Size = (nuint)payload.Length,
                };
                messages[count] = message;
                messages[count].Vectors = pair;
                messages[count].VectorCount = 2;
            }

            if (count == 0) return DropReason.None;
            // What could not be sent is counted there, and the frame is lost anyway.
            if (SocketSender.Send(socket, messages, count, drops, this) < count)
            {
                return DropReason.None;
            }
        }
    }

    public override void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        Libc.Close(_poll);
        _receiver4.Dispose();
        _receiver6?.Dispose();
        _senders.Dispose();
        foreach (var socket in _silencers)
        {
            if (socket >= 0) Libc.Close(socket);
        }
    }
}
