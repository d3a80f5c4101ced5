using System.Runtime.InteropServices;

namespace Fabric.Datapath;

/// <summary>The C library's calls that ports are made of (x86-64 and arm64 Linux).</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int descriptor, void* address, int size);

    [LibraryImport(Library, EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int descriptor, int backlog);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSocketOption(
        int descriptor, int level, int name, void* value, int size);

    /// <summary>'which' 0 and 'who' 0: the calling thread's own.</summary>
    [LibraryImport(Library, EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, int who, int priority);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSocketOption(
        int descriptor, int level, int name, void* value, int* size);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint first, void* second, nint third);

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(
        void* address, nuint size, int protection, int flags, int descriptor, long offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* address, nuint size);

    /// <summary>Shared memory of a descriptor, to read and write; null when it cannot be.</summary>
    public static byte* Map(int descriptor, nuint size, ulong offset)
    {
        const int ReadWrite = 3, SharedPopulate = 0x8001;
        var memory = Map(null, size, ReadWrite, SharedPopulate, descriptor, (long)offset);
        return memory == -1 ? null : (byte*)memory;
    }

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int descriptor, nuint request, void* argument);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, void* bytes, nuint size);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, void* bytes, nuint size);

    [LibraryImport(Library, EntryPoint = "readv", SetLastError = true)]
    public static partial nint ReadVector(int descriptor, IoVector* vectors, int count);

    [LibraryImport(Library, EntryPoint = "writev", SetLastError = true)]
    public static partial nint WriteVector(int descriptor, IoVector* vectors, int count);

    [LibraryImport(Library, EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMessages(
        int descriptor, MessageHeader* messages, uint count, int flags, void* timeout);

    [LibraryImport(Library, EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMessages(
        int descriptor, MessageHeader* messages, uint count, int flags);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static partial nint ReceiveBytes(int descriptor, void* bytes, nuint size, int flags);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    public static partial nint SendBytes(int descriptor, void* bytes, nuint size, int flags);

    [LibraryImport(Library, EntryPoint = "if_nametoindex", SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint InterfaceIndex(string name);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int PollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int PollControl(
        int poll, int operation, int descriptor, byte* registration);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int PollWait(int poll, byte* events, int count, int milliseconds);

    /// <summary>Reports 'descriptor' readable under 'tag'.</summary>
    public static bool PollAdd(int poll, int descriptor, ulong tag)
    {
        var registration = stackalloc byte[16];
        *(uint*)registration = 1; // EPOLLIN
        *(ulong*)(registration + PollTagOffset) = tag;
        return PollControl(poll, 1, descriptor, registration) == 0;
    }

    public static void PollRemove(int poll, int descriptor)
    {
        var registration = stackalloc byte[16];
        PollControl(poll, 2, descriptor, registration);
    }

    /// <summary>Waits for readable descriptors; their tags go to 'tags'.</summary>
    /// <returns>How many; 0 on timeout or interruption.</returns>
    public static int PollWait(int poll, Span<ulong> tags, int milliseconds)
    {
        var events = stackalloc byte[16 * tags.Length];
        var count = PollWait(poll, events, tags.Length, milliseconds);
        for (var i = 0; i < count; i++)
        {
            tags[i] = *(ulong*)(events + (i * PollEventSize) + PollTagOffset);
        }

        return Math.Max(0, count);
    }

    public static bool SetOption(int descriptor, int level, int name, int value) =>
        SetSocketOption(descriptor, level, name, &value, sizeof(int)) == 0;

    /// <summary>What the last failed call said, as people read it: "No such device".</summary>
    public static string LastErrorText() => Marshal.GetPInvokeErrorMessage(LastError);

    public static int LastError => Marshal.GetLastPInvokeError();

    // struct epoll_event is packed on x86-64 only.
    private static int PollEventSize =>
        RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private static int PollTagOffset =>
        RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Size;
    }

    /// <summary>struct mmsghdr of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct MessageHeader
    {
        [FieldOffset(0)] public void* Name;
        [FieldOffset(8)] public uint NameSize;
        [FieldOffset(16)] public IoVector* Vectors;
        [FieldOffset(24)] public nuint VectorCount;
        [FieldOffset(32)] public void* Control;
        [FieldOffset(40)] public nuint ControlSize;
        [FieldOffset(48)] public int Flags;

        /// <summary>Bytes received or sent: behind the padding of struct msghdr.</summary>
        [FieldOffset(56)] public uint Size;
    }
}

/// <summary>
/// Numbers of the Linux interface (linux/if_packet.h, if_tun.h, sockios.h, in.h).
/// </summary>
internal static class LinuxNumbers
{
    public const int FamilyInet = 2;
    public const int FamilyInet6 = 10;
    public const int FamilyNetlink = 16;
    public const int FamilyPacket = 17;

    public const int SocketDatagram = 2;
    public const int SocketRaw = 3;
    public const int SocketNonBlocking = 0x800;
    public const int SocketCloseOnExec = 0x80000;

    public const int OpenReadWrite = 2;
    public const int OpenNonBlocking = 0x800;
    public const int OpenCloseOnExec = 0x80000;

    public const int EventNonBlocking = 0x800;
    public const int EventCloseOnExec = 0x80000;
    public const int PollCloseOnExec = 0x80000;

    public const int LevelSocket = 1;
    public const int ReuseAddress = 2;
    public const int NoCheck = 11;
    public const int SendBufferForce = 32;
    public const int ReceiveBufferForce = 33;

    public const int LevelPacket = 263;
    public const int PacketAddMembership = 1;
    public const int PacketAuxiliaryData = 8;
    public const int PacketVnetHeader = 15;
    public const int PacketQdiscBypass = 20;
    public const int PacketIgnoreOutgoing = 23;

    public const int MessageDontWait = 0x40;
    public const int MessageTruncated = 0x20;
    public const int MessageNoSignal = 0x4000;

    public const int ErrorAgain = 11;
    public const int ErrorBadDescriptor = 9;
    public const int ErrorNoDevice = 19;
    public const int ErrorInvalid = 22;
    public const int ErrorMessageSize = 90;
    public const int ErrorNetworkDown = 100;
    public const int ErrorNetworkUnreachable = 101;
    public const int ErrorNoBuffers = 105;
    public const int ErrorHostUnreachable = 113;

    public const nuint TunSetInterface = 0x400454CA;
    public const nuint TunSetOffload = 0x400454D0;
    public const short TunTap = 0x0002;
    public const short TunNoPacketInfo = 0x1000;
    public const short TunVnetHeader = 0x4000;
    public const short TunMultiQueue = 0x0100;

    public const nuint GetFlags = 0x8913;
    public const nuint SetFlags = 0x8914;
    public const nuint GetMtu = 0x8921;
    public const nuint SetMtu = 0x8922;
    public const nuint SetHardwareAddress = 0x8924;
    public const nuint GetHardwareAddress = 0x8927;
    public const nuint GetIndex = 0x8933;

    public const short InterfaceUp = 0x1;
    public const short InterfaceRunning = 0x40;
}
