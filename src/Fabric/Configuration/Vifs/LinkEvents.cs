using System.Runtime.InteropServices;
using Fabric.Wire.Netlink;

namespace Fabric.Configuration;

/// <summary>Calls when rtnetlink says that some device came, changed or went.</summary>
/// <remarks>On a thread of its own that sleeps in the kernel; several changes may be one call.
/// </remarks>
public sealed unsafe partial class LinkEvents : IDisposable
{
    private const int FamilyNetlink = 16;
    private const int SocketRaw = 3;
    private const int SocketCloseOnExec = 0x80000;
    private const int ProtocolRoute = 0;
    private const int LevelSocket = 1;
    private const int OptionReceiveTimeout = 20;

    private readonly int _socket;
    private readonly Action _changed;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    private LinkEvents(int socket, Action changed)
    {
        _socket = socket;
        _changed = changed;
        _thread = new Thread(Listen) { IsBackground = true, Name = "vifs" };
        _thread.Start();
    }

    /// <summary>Null where there is no rtnetlink.</summary>
    public static LinkEvents? TryStart(Action changed)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var socket = Open(FamilyNetlink, SocketRaw | SocketCloseOnExec, ProtocolRoute);
        if (socket < 0) return null;
        // struct sockaddr_nl: family, padding, port, groups.
        uint* address = stackalloc uint[3] { FamilyNetlink, 0, RouteLink.LinkGroup };
        // struct timeval: the thread looks once a second whether it shall end.
        long* second = stackalloc long[2] { 1, 0 };
        if (Bind(socket, address, 12) == 0
            && SetOption(socket, LevelSocket, OptionReceiveTimeout, second, 16) == 0)
        {
            return new LinkEvents(socket, changed);
        }

        Close(socket);
        return null;
    }

    private void Listen()
    {
        // What the messages say is read from the devices themselves; one that is cut will do.
        var buffer = stackalloc byte[8192];
        while (!_isStopping)
        {
            if (Receive(_socket, buffer, 8192, 0) > 0) _changed();
        }

        Close(_socket);
    }

    /// <summary>The thread ends within a second.</summary>
    public void Dispose() => _isStopping = true;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Open(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int Bind(int socket, void* address, uint size);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(
        int socket, int level, int option, void* value, uint size);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int socket, void* buffer, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int socket);
}
