using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>Linux's netlink sockets behind the device's calls: openvswitch.ko.</summary>
[SupportedOSPlatform("linux")]
public sealed class GenericNetlinkDevice : INetlinkDevice
{
    private readonly TimeSpan _patience;

    /// <param name="patience">How long one call may wait for the kernel.</param>
    public GenericNetlinkDevice(TimeSpan patience) => _patience = patience;

    public string Name => "generic netlink";
    public NetlinkDialect Dialect => NetlinkDialect.Linux;

    public unsafe DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
    {
        handle = null;
        var socket = Libc.Socket(
            LinuxNumbers.FamilyNetlink,
            LinuxNumbers.SocketRaw | LinuxNumbers.SocketCloseOnExec
                | LinuxNumbers.SocketNonBlocking,
            (int)protocol);
        if (socket < 0) return Failed();

        // struct sockaddr_nl: the kernel chooses the port id.
        var address = stackalloc byte[GenericNetlinkHandle.AddressSize];
        new Span<byte>(address, GenericNetlinkHandle.AddressSize).Clear();
        *(ushort*)address = LinuxNumbers.FamilyNetlink;
        if (Libc.Bind(socket, address, GenericNetlinkHandle.AddressSize) != 0)
        {
            var failed = Failed();
            Libc.Close(socket);
            return failed;
        }

        handle = new GenericNetlinkHandle(socket, _patience);
        return default;
    }

    public void Dispose()
    {
    }

    internal static DeviceResult Failed()
    {
        var error = Marshal.GetLastPInvokeError();
        return new DeviceResult(DeviceStatus.Refused, 0, error);
    }
}

/// <summary>One socket. Reads of events and packets never wait; others wait for patience.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class GenericNetlinkHandle : INetlinkHandle
{
    public const int AddressSize = 12;
    private const int Again = 11;
    private const int Interrupted = 4;
    private const int NoBuffers = 105;
    private const ulong SocketTag = 1;
    private const ulong WakeTag = 2;

    private readonly Lock _closing = new();
    private readonly int _socket;
    private readonly int _poll;
    private readonly int _wake;
    private readonly TimeSpan _patience;
    private bool _isClosed;

    public GenericNetlinkHandle(int socket, TimeSpan patience)
    {
        _socket = socket;
        _patience = patience;
        _poll = Libc.PollCreate(LinuxNumbers.PollCloseOnExec);
        _wake = Libc.EventDescriptor(
            0, LinuxNumbers.EventNonBlocking | LinuxNumbers.EventCloseOnExec);
        Libc.PollAdd(_poll, _socket, SocketTag);
        Libc.PollAdd(_poll, _wake, WakeTag);
    }

    public DeviceResult Control(
        DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
    {
        if (_isClosed) return new(DeviceStatus.Gone);
        switch (code)
        {
            case DeviceControl.GetPid: return PortId(answer);
            case DeviceControl.Write: return Send(request);
            case DeviceControl.Read: return Receive(answer, waits: true);
            case DeviceControl.ReadEvent or DeviceControl.ReadPacket:
                return Receive(answer, waits: false);
            case DeviceControl.Transact:
                var sent = Send(request);
                return sent.IsOk ? ReceiveAnswer(request, answer) : sent;
            default: return new(DeviceStatus.Refused);
        }
    }

    public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience)
    {
        if (_isClosed) return new(DeviceStatus.Gone);
        return Wait(patience);
    }

    public void Cancel()
    {
        lock (_closing)
        {
            ulong one = 1;
            if (!_isClosed) Libc.Write(_wake, &one, sizeof(ulong));
        }
    }

    public void Dispose()
    {
        lock (_closing)
        {
            if (_isClosed) return;
            _isClosed = true;
            Libc.Close(_poll);
            Libc.Close(_wake);
            Libc.Close(_socket);
        }
    }

    private DeviceResult PortId(Span<byte> answer)
    {
        var address = stackalloc byte[AddressSize];
        var size = AddressSize;
        if (SocketNative.Name(_socket, address, &size) != 0) return GenericNetlinkDevice.Failed();
        BinaryPrimitives.WriteUInt32LittleEndian(answer, *(uint*)(address + 4));
        return new(DeviceStatus.Ok, 4);
    }

    private DeviceResult Send(ReadOnlySpan<byte> request)
    {
        fixed (byte* bytes = request)
        {
            return Libc.SendBytes(_socket, bytes, (nuint)request.Length, 0) == request.Length
                ? default
                : GenericNetlinkDevice.Failed();
        }
    }

    /// <summary>Skips what answers an older request: an acknowledgement left behind.</summary>
    private DeviceResult ReceiveAnswer(ReadOnlySpan<byte> request, Span<byte> answer)
    {
        const int SequenceOffset = 8;
        var wanted = request[SequenceOffset..(SequenceOffset + 4)];
        while (true)
        {
            var result = Receive(answer, waits: true);
            if (!result.IsOk || result.Size < NetlinkMessage.HeaderSize) return result;
            if (answer.Slice(SequenceOffset, 4).SequenceEqual(wanted)) return result;
        }
    }

    private DeviceResult Receive(Span<byte> answer, bool waits)
    {
        while (true)
        {
            nint size;
            fixed (byte* bytes = answer)
            {
                size = Libc.ReceiveBytes(
                    _socket, bytes, (nuint)answer.Length, LinuxNumbers.MessageDontWait);
            }

            if (size >= 0) return new(DeviceStatus.Ok, (int)size);
            var error = Marshal.GetLastPInvokeError();
            if (error == Interrupted || error == NoBuffers) continue; // Lost some; go on.
            if (error != Again) return new(DeviceStatus.Refused, 0, error);
            if (!waits) return default;
            var waited = Wait(_patience);
            if (!waited.IsOk) return waited;
        }
    }

    private DeviceResult Wait(TimeSpan patience)
    {
        Span<ulong> tags = stackalloc ulong[2];
        var count = Libc.PollWait(_poll, tags, (int)Math.Max(1, patience.TotalMilliseconds));
        if (count == 0) return new(DeviceStatus.TimedOut);
        if (_isClosed) return new(DeviceStatus.Gone);
        if (!tags[..count].Contains(WakeTag)) return default;
        ulong value;
        Libc.Read(_wake, &value, sizeof(ulong));
        return new(DeviceStatus.Cancelled);
    }
}

/// <summary>The one call of sockets that ports do not need.</summary>
internal static unsafe partial class SocketNative
{
    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    public static partial int Name(int descriptor, void* address, int* size);
}
