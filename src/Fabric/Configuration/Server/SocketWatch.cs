using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Fabric.Configuration;

/// <summary>Tells when sockets can be read or written: one thread for all, on Linux.</summary>
/// <remarks>
/// The runtime's own watch hears of each byte that a client takes, asked or not; with a hundred
/// monitors these wake-ups cost more than the updates. Here a socket is watched only while
/// somebody waits for it, and only for what is waited for.
/// </remarks>
internal sealed partial class SocketWatch
{
    private const int EventCount = 64;
    private const int Add = 1;
    private const int Modify = 3;
    private const uint In = 0x001;
    private const uint Out = 0x004;
    private const uint Broken = 0x018; // EPOLLERR, EPOLLHUP
    private const uint PeerClosed = 0x2000;
    private const uint Once = 1u << 30;
    private const int Interrupted = 4;

    // The kernel packs the structure on x86-64 only.
    private static readonly bool IsPacked =
        RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static readonly int EventSize = IsPacked ? 12 : 16;
    private static readonly int DataOffset = IsPacked ? 4 : 8;
    private static readonly Lazy<SocketWatch> Lazy = new(() => new SocketWatch());

    private readonly int _epoll;
    private readonly ConcurrentDictionary<long, WatchedSocket> _sockets = new();
    private long _lastToken;

    private SocketWatch()
    {
        _epoll = EpollCreate(0x80000); // Closed in programs that we start.
        if (_epoll < 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        new Thread(Work) { IsBackground = true, Name = "ovsdb sockets" }.Start();
    }

    /// <summary>The watch of this process.</summary>
    public static SocketWatch Shared => Lazy.Value;

    /// <param name="descriptor">Stays open until <see cref="WatchedSocket.Close"/>.</param>
    public WatchedSocket Join(int descriptor)
    {
        var socket = new WatchedSocket(this, Interlocked.Increment(ref _lastToken), descriptor);
        _sockets[socket.Token] = socket;
        return socket;
    }

    private void Leave(WatchedSocket socket) => _sockets.TryRemove(socket.Token, out _);

    private bool TryArm(WatchedSocket socket, bool isNew, bool reads, bool writes)
    {
        Span<byte> interest = stackalloc byte[EventSize];
        var events = Once | (reads ? In | PeerClosed : 0) | (writes ? Out : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(interest, events);
        BinaryPrimitives.WriteInt64LittleEndian(interest[DataOffset..], socket.Token);
        var operation = isNew ? Add : Modify;
        return EpollControl(
            _epoll, operation, socket.Descriptor, ref MemoryMarshal.GetReference(interest)) == 0;
    }

    private void Work()
    {
        var events = new byte[EventCount * EventSize];
        while (true)
        {
            var count = EpollWait(_epoll, events, EventCount, -1);
            if (count < 0 && Marshal.GetLastPInvokeError() != Interrupted) return;
            for (var i = 0; i < count; i++)
            {
                var one = events.AsSpan(i * EventSize, EventSize);
                var found = BinaryPrimitives.ReadUInt32LittleEndian(one);
                var token = BinaryPrimitives.ReadInt64LittleEndian(one[DataOffset..]);
                if (!_sockets.TryGetValue(token, out var socket)) continue;
                socket.Wake(
                    (found & (In | PeerClosed | Broken)) != 0, (found & (Out | Broken)) != 0);
            }
        }
    }

    /// <summary>One socket: at most one waits to read, and one to write.</summary>
    internal sealed class WatchedSocket(SocketWatch watch, long token, int descriptor)
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource<bool>? _reader;
        private TaskCompletionSource<bool>? _writer;
        private bool _isKnown;
        private bool _isClosed;

        public long Token { get; } = token;
        public int Descriptor { get; } = descriptor;

        /// <summary>True when there is something to read, or the end; false once closed.</summary>
        public Task<bool> WhenReadable() => Wait(ref _reader);

        /// <summary>True when there is room to write, or an error; false once closed.</summary>
        public Task<bool> WhenWritable() => Wait(ref _writer);

        private Task<bool> Wait(ref TaskCompletionSource<bool>? place)
        {
            lock (_gate)
            {
                if (_isClosed) return Task.FromResult(false);
                var source = place = new TaskCompletionSource<bool>();
                if (TryArm()) return source.Task;
                place = null;
                return Task.FromException<bool>(
                    new IOException(new Win32Exception(Marshal.GetLastPInvokeError()).Message));
            }
        }

        private bool TryArm()
        {
            if (_reader is null && _writer is null) return true;
            if (!watch.TryArm(this, !_isKnown, _reader is not null, _writer is not null))
            {
                return false;
            }

            _isKnown = true;
            return true;
        }

        /// <summary>Who waited goes on at once, on the thread of the watch.</summary>
        public void Wake(bool canRead, bool canWrite)
        {
            TaskCompletionSource<bool>? reader = null, writer = null;
            lock (_gate)
            {
                if (_isClosed) return;
                if (canRead) (reader, _reader) = (_reader, null);
                if (canWrite) (writer, _writer) = (_writer, null);
                if (!TryArm())
                {
                    // Who waits still finds out by trying again.
                    (reader, _reader) = (reader ?? _reader, null);
                    (writer, _writer) = (writer ?? _writer, null);
                }
            }

            reader?.SetResult(true);
            writer?.SetResult(true);
        }

        /// <summary>To be called before the descriptor is closed.</summary>
        public void Close()
        {
            TaskCompletionSource<bool>? reader, writer;
            lock (_gate)
            {
                _isClosed = true;
                (reader, writer) = (_reader, _writer);
                (_reader, _writer) = (null, null);
            }

            watch.Leave(this);
            reader?.SetResult(false);
            writer?.SetResult(false);
        }
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(
        int epoll, int operation, int descriptor, ref byte interest);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int EpollWait(int epoll, byte[] events, int count, int milliseconds);
}
