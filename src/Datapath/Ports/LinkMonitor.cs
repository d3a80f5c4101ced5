using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>What became of a network device.</summary>
internal sealed record LinkNotification(int Index, string Name, bool IsGone);

/// <summary>Listens to rtnetlink for devices that appear, change and vanish.</summary>
/// <remarks>
/// Who wants to hears of changed addresses and routes too. On a thread of its own, which sleeps
/// until the kernel speaks.
/// </remarks>
internal sealed unsafe class LinkMonitor : IDisposable
{
    private const int ProtocolRoute = 0;
    private const ulong SocketTag = 1;
    private const ulong WakeTag = 2;

    private readonly int _socket;
    private readonly int _poll;
    private readonly int _wake;
    private readonly Action<LinkNotification> _changed;
    private readonly Action? _networkChanged;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    private LinkMonitor(
        int socket, Action<LinkNotification> changed, Action? networkChanged)
    {
        _socket = socket;
        _changed = changed;
        _networkChanged = networkChanged;
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        _wake = Libc.EventDescriptor(
            0, LinuxNumbers.EventNonBlocking | LinuxNumbers.EventCloseOnExec);
        Libc.PollAdd(_poll, _socket, SocketTag);
        Libc.PollAdd(_poll, _wake, WakeTag);
        _thread = new Thread(Loop) { IsBackground = true, Name = "links" };
        _thread.Start();
    }

    /// <summary>Null when the kernel gives no such socket: devices are then not followed.</summary>
    /// <param name="networkChanged">Devices, addresses or routes changed.</param>
    public static LinkMonitor? TryStart(
        Action<LinkNotification> changed, Action? networkChanged = null)
    {
        // RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, and the same of IPv6.
        const uint AddressesAndRoutes = 0x10 | 0x40 | 0x100 | 0x400;

        var socket = Libc.Socket(
            LinuxNumbers.FamilyNetlink,
            LinuxNumbers.SocketRaw | LinuxNumbers.SocketCloseOnExec
                | LinuxNumbers.SocketNonBlocking,
            ProtocolRoute);
        if (socket < 0) return null;

        // struct sockaddr_nl
        var address = stackalloc byte[12];
        new Span<byte>(address, 12).Clear();
        *(ushort*)address = LinuxNumbers.FamilyNetlink;
        *(uint*)(address + 8) = RouteLink.LinkGroup
            | (networkChanged is null ? 0 : AddressesAndRoutes);
        if (Libc.Bind(socket, address, 12) == 0)
        {
            return new LinkMonitor(socket, changed, networkChanged);
        }

        Libc.Close(socket);
        return null;
    }

    private void Loop()
    {
        var buffer = new byte[65_536];
        Span<ulong> tags = stackalloc ulong[2];
        while (!_isStopping)
        {
            if (Libc.PollWait(_poll, tags, milliseconds: -1) == 0 || _isStopping) continue;
            fixed (byte* bytes = buffer)
            {
                var size = Libc.ReceiveBytes(
                    _socket, bytes, (nuint)buffer.Length, LinuxNumbers.MessageDontWait);
                if (size > 0) Read(buffer.AsSpan(0, (int)size));
            }
        }
    }

    private void Read(ReadOnlySpan<byte> datagram)
    {
        while (NetlinkMessage.TryParse(datagram, out var message, out datagram))
        {
            if (RouteLink.TryParse(message, out var link))
            {
                _changed(new LinkNotification(link.Index, link.Name, link.IsGone));
            }
        }

        _networkChanged?.Invoke();
    }

    public void Dispose()
    {
        _isStopping = true;
        ulong one = 1;
        Libc.Write(_wake, &one, sizeof(ulong));
        if (Thread.CurrentThread != _thread) _thread.Join();
        Libc.Close(_poll);
        Libc.Close(_wake);
        Libc.Close(_socket);
    }
}
