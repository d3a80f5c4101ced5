using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Fabric.Configuration;

/// <summary>A short wait for the next request of a client that has just been answered.</summary>
/// <remarks>
/// A client that works alone asks on as soon as it is answered. Sleeping in poll for that moment
/// spares the way over the thread that watches all sockets. Clients that take turns are not
/// waited for: who was not the last one to be answered goes the usual way.
/// </remarks>
internal sealed partial class SocketLinger
{
    private const int Nanoseconds = 60_000;
    private const short Readable = 1;

    private Socket? _last;

    public void WaitFor(Socket socket)
    {
        if (!ReferenceEquals(_last, socket))
        {
            _last = socket;
            return;
        }

        if (!OperatingSystem.IsLinux()) return;
        var poll = new PollDescriptor { Descriptor = (int)socket.Handle, Events = Readable };
        var time = new TimeSpec { Nanoseconds = Nanoseconds };
        _ = Poll(ref poll, 1, in time, 0);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Found;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    // Socket.Poll counts whole milliseconds only.
    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int Poll(
        ref PollDescriptor descriptors, nuint count, in TimeSpec timeout, nint signals);
}
