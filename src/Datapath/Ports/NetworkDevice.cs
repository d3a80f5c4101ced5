using System.Text;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Reads and sets a network device by ioctl (netdevice(7)).</summary>
internal static unsafe class NetworkDevice
{
    public const int NameSizeMax = 15;
    private const int RequestSize = 40;
    private const int ValueOffset = 16;

    /// <summary>
    /// What the kernel says of a device now; null when there is none of that name.
    /// </summary>
    public static DeviceState? Read(string name)
    {
        var socket = OpenSocket();
        if (socket < 0) return null;
        try
        {
            var request = stackalloc byte[RequestSize];
            if (!TryName(name, request)) return null;
            if (Libc.Control(socket, LinuxNumbers.GetIndex, request) != 0) return null;
            var index = *(int*)(request + ValueOffset);

            if (Libc.Control(socket, LinuxNumbers.GetFlags, request) != 0) return null;
            var flags = *(short*)(request + ValueOffset);
            var mtu = Libc.Control(socket, LinuxNumbers.GetMtu, request) == 0
                ? *(int*)(request + ValueOffset)
                : 1500;
            var mac = Libc.Control(socket, LinuxNumbers.GetHardwareAddress, request) == 0
                ? MacBytes.From(new ReadOnlySpan<byte>(request + ValueOffset + 2, MacBytes.Size))
                : default;
            return new DeviceState(
                index, mac, mtu, (flags & LinuxNumbers.InterfaceUp) != 0,
                (flags & LinuxNumbers.InterfaceRunning) != 0);
        }
        finally
        {
            Libc.Close(socket);
        }
    }

    public static bool TrySetMac(string name, MacBytes mac) => TrySet(
        name, LinuxNumbers.SetHardwareAddress, value =>
        {
            var bytes = new Span<byte>((void*)value, 16);
            bytes.Clear();
            bytes[0] = 1; // ARPHRD_ETHER
            mac.CopyTo(bytes[2..]);
        });

    public static bool TrySetMtu(string name, int mtu) =>
        TrySet(name, LinuxNumbers.SetMtu, value => *(int*)value = mtu);

    public static bool TrySetUp(string name)
    {
        var socket = OpenSocket();
        if (socket < 0) return false;
        try
        {
            var request = stackalloc byte[RequestSize];
            if (!TryName(name, request)) return false;
            if (Libc.Control(socket, LinuxNumbers.GetFlags, request) != 0) return false;
            *(short*)(request + ValueOffset) |= LinuxNumbers.InterfaceUp;
            return Libc.Control(socket, LinuxNumbers.SetFlags, request) == 0;
        }
        finally
        {
            Libc.Close(socket);
        }
    }

    /// <summary>Writes a device name, zero-terminated; false when it is too long.</summary>
    public static bool TryName(string name, byte* request)
    {
        new Span<byte>(request, RequestSize).Clear();
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > NameSizeMax) return false;
        Encoding.UTF8.GetBytes(name, new Span<byte>(request, NameSizeMax));
        return true;
    }

    private static bool TrySet(string name, nuint operation, Action<nint> write)
    {
        var socket = OpenSocket();
        if (socket < 0) return false;
        try
        {
            var request = stackalloc byte[RequestSize];
            if (!TryName(name, request)) return false;
            write((nint)(request + ValueOffset));
            return Libc.Control(socket, operation, request) == 0;
        }
        finally
        {
            Libc.Close(socket);
        }
    }

    private static int OpenSocket() => Libc.Socket(
        LinuxNumbers.FamilyInet, LinuxNumbers.SocketDatagram | LinuxNumbers.SocketCloseOnExec, 0);
}

internal sealed record DeviceState(
    int Index, MacBytes Mac, int Mtu, bool IsAdminUp, bool IsLinkUp);
