using System.Buffers.Binary;

namespace Fabric.Datapath;

/// <summary>
/// A packet socket for every class of a device's queueing discipline that packets choose: the
/// kernel takes a packet's priority from its socket (socket(7), SO_PRIORITY).
/// </summary>
/// <remarks>Any thread. Classes beyond the limit share the port's own socket.</remarks>
internal sealed unsafe class ClassSockets(int main, int device) : IDisposable
{
    private const int CountMax = 256;
    private const int SocketPriority = 12; // asm-generic/socket.h
    private const int SendBufferSize = 8 << 20;

    /// <summary>The discipline that a device sends by: 1:0 (linux/pkt_sched.h).</summary>
    private const uint Root = 0x1_0000;

    private readonly Lock _opening = new();
    private Dictionary<uint, int> _sockets = [];

    /// <param name="priority">A class, or the number of a queue, which is class number + 1.</param>
    public int Of(uint priority)
    {
        if (priority == 0) return main;
        var minor = priority < Root ? Root + priority + 1 : priority;
        return Volatile.Read(ref _sockets).TryGetValue(minor, out var socket)
            ? socket : Open(minor);
    }

    private int Open(uint minor)
    {
        lock (_opening)
        {
            if (_sockets.TryGetValue(minor, out var present)) return present;
            if (_sockets.Count == CountMax) return main;
            var socket = Libc.Socket(
                LinuxNumbers.FamilyPacket,
                LinuxNumbers.SocketRaw | LinuxNumbers.SocketNonBlocking
                    | LinuxNumbers.SocketCloseOnExec,
                0);
            var isOpen = socket >= 0 && TrySetUp(socket) && TryBind(socket, device, protocol: 0)
                && Libc.SetOption(
                    socket, LinuxNumbers.LevelSocket, SocketPriority, (int)minor);
            if (!isOpen)
            {
                if (socket >= 0) Libc.Close(socket);
                socket = main;
            }

            Volatile.Write(
                ref _sockets, new Dictionary<uint, int>(_sockets) { [minor] = socket });
            return socket;
        }
    }

    /// <summary>What every socket that sends has.</summary>
    public static bool TrySetUp(int socket)
    {
        Libc.SetOption(
            socket, LinuxNumbers.LevelSocket, LinuxNumbers.SendBufferForce, SendBufferSize);
        return Libc.SetOption(
            socket, LinuxNumbers.LevelPacket, LinuxNumbers.PacketVnetHeader, 1);
    }

    /// <param name="protocol">Ethertypes that are received: 3 all, 0 none.</param>
    public static bool TryBind(int socket, int device, ushort protocol)
    {
        // struct sockaddr_ll
        var address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = LinuxNumbers.FamilyPacket;
        *(ushort*)(address + 2) = BinaryPrimitives.ReverseEndianness(protocol);
        *(int*)(address + 4) = device;
        return Libc.Bind(socket, address, 20) == 0;
    }

    public void Dispose()
    {
        foreach (var socket in _sockets.Values)
        {
            if (socket != main) Libc.Close(socket);
        }
    }
}
