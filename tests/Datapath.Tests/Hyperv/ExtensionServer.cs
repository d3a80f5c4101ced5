using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath.Tests.Hyperv;

/// <summary>
/// The Hyper-V extension in a process of its own, under the sanitizers, as a netlink device.
/// </summary>
/// <remarks>
/// driver/hyperv/tests/serve.c: a connection is a handle of the device, and what goes over it are
/// the device's calls, byte for byte; packets go in and out at the switch's ports.
/// </remarks>
internal sealed class ExtensionServer : INetlinkDevice
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fx-hyperv-").FullName;
    private readonly Process _process;
    private readonly Task<string> _errors;
    private readonly ExtensionLink _switch;
    private uint _lastPort;

    public ExtensionServer(string program)
    {
        var path = Path.Combine(_folder, "s");
        _process = Process.Start(new ProcessStartInfo(program, [path])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        _errors = _process.StandardError.ReadToEndAsync();
        Assert.Equal("ready", _process.StandardOutput.ReadLine());
        _switch = new ExtensionLink(path);
    }

    public string Name => "the extension in user mode";
    public NetlinkDialect Dialect => NetlinkDialect.Ovsext;

    public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
    {
        var link = new ExtensionLink(Path.Combine(_folder, "s"));
        var status = link.Ask(ExtensionCode.Open, default, default, out _);
        handle = status == 0 ? link : null;
        if (status != 0) link.Dispose();
        return status == 0 ? default : new(DeviceStatus.Refused, 0, (int)status);
    }

    /// <summary>Connects a NIC; the switch's port number.</summary>
    public uint ConnectNic(string name, ExtensionNic type = ExtensionNic.Synthetic)
    {
        var body = new byte[8 + name.Length];
        var id = ++_lastPort;
        BinaryPrimitives.WriteUInt32LittleEndian(body, id);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(4), (uint)type);
        Encoding.ASCII.GetBytes(name, body.AsSpan(8));
        Ask(ExtensionCode.Nic, body);
        return id;
    }

    public void DisconnectNic(uint id) => Ask(ExtensionCode.Disconnect, Number(id));

    /// <summary>Where packets to a tunnel's end leave: by the switch's port 1.</summary>
    public void AddHop(byte[] remote) => Ask(ExtensionCode.Hop, remote);

    public void Send(uint id, byte[] packet) => Ask(ExtensionCode.Send, [.. Number(id), .. packet]);

    /// <summary>Until every reader of upcalls waits for more.</summary>
    public void Settle() => Ask(ExtensionCode.WaitIdle, default);

    public void Advance(TimeSpan time) =>
        Ask(ExtensionCode.Advance, Number((uint)time.TotalMilliseconds));

    /// <summary>Whether any switch has the extension; without, the device serves nobody.</summary>
    public void SetSwitch(bool isOn) =>
        Ask(isOn ? ExtensionCode.SwitchOn : ExtensionCode.SwitchOff, default);

    /// <summary>All that left since the last call, by the switch's port.</summary>
    public ILookup<uint, byte[]> Take()
    {
        var room = new byte[1 << 20];
        Assert.Equal(0u, _switch.Ask(ExtensionCode.Take, default, room, out var size));
        var all = new List<(uint Port, byte[] Bytes)>();
        for (var at = 0; at < size;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(room.AsSpan(at + 4));
            all.Add((
                BinaryPrimitives.ReadUInt32LittleEndian(room.AsSpan(at)),
                room.AsSpan(at + 8, length).ToArray()));
            at += 8 + length;
        }

        return all.ToLookup(one => one.Port, one => one.Bytes);
    }

    public ImmutableArray<ulong> Drops()
    {
        var room = new byte[4096];
        Assert.Equal(0u, _switch.Ask(ExtensionCode.Counters, default, room, out var size));
        return [.. Enumerable.Range(0, size / 8).Select(
            i => BinaryPrimitives.ReadUInt64LittleEndian(room.AsSpan(8 * i)))];
    }

    /// <summary>Stops the extension, which then has nothing left.</summary>
    public void Dispose()
    {
        Ask(ExtensionCode.Stop, default);
        _switch.Dispose();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(60))) _process.Kill(true);
        var output = _process.StandardOutput.ReadToEnd();
        Assert.True(_process.ExitCode == 0, output + _errors.Result);
        Assert.Contains("nothing is left", output);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Ask(ExtensionCode code, ReadOnlySpan<byte> body) =>
        Assert.Equal(0u, _switch.Ask(code, body, default, out _));

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}

/// <summary>NDIS_SWITCH_NIC_TYPE.</summary>
internal enum ExtensionNic : uint
{
    External,
    Synthetic,
    Emulated,
    Internal,
}

/// <summary>What the server understands beside the device's own codes.</summary>
internal enum ExtensionCode : uint
{
    Cancel = 1, Nic, Send, Take, WaitIdle, Advance, Stop, Pend, Disconnect, Open, Hop, Counters,
    SwitchOff, SwitchOn,
}

/// <summary>One connection to the server.</summary>
internal sealed class ExtensionLink : INetlinkHandle
{
    private const uint NotFound = 0xC0000225;
    private const uint Cancelled = 0xC0000120;
    private const uint Busy = 0x80000011;

    private readonly Socket _socket = new(
        AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private readonly Lock _cancelLock = new();
    private readonly Lock _askLock = new();
    private bool _isPending;
    private bool _isCancelled;
    private bool _isClosed;

    public ExtensionLink(string path) => _socket.Connect(new UnixDomainSocketEndPoint(path));

    public uint Ask(ExtensionCode code, ReadOnlySpan<byte> body, Span<byte> answer, out int size) =>
        Ask((uint)code, body, answer, out size);

    public DeviceResult Control(
        DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
    {
        if (_isClosed) return new(DeviceStatus.Gone, 0, 6);
        var status = Ask((uint)code, request, answer, out var size);
        return Result(status, size);
    }

    public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience)
    {
        lock (_cancelLock)
        {
            if (_isCancelled)
            {
                _isCancelled = false;
                return new(DeviceStatus.Cancelled, 0, 995);
            }

            Tell((uint)ExtensionCode.Pend, request, 0);
            _isPending = true;
        }

        var isTimedOut = !_socket.Poll(patience, SelectMode.SelectRead);
        if (isTimedOut) Cancel();
        var status = Hear(default, out _);
        lock (_cancelLock)
        {
            _isPending = false;
            _isCancelled = false;
        }

        return status == Cancelled && isTimedOut ? new(DeviceStatus.TimedOut) : Result(status, 0);
    }

    public void Cancel()
    {
        lock (_cancelLock)
        {
            if (_isClosed) return;
            if (_isPending && !_isCancelled) Tell((uint)ExtensionCode.Cancel, default, 0);
            _isCancelled = true;
        }
    }

    public void Dispose()
    {
        lock (_cancelLock) _isClosed = true;
        _socket.Dispose();
    }

    private static DeviceResult Result(uint status, int size) => status switch
    {
        0 => new(DeviceStatus.Ok, size),
        NotFound => new(DeviceStatus.NotReady, 0, 1168),
        Cancelled => new(DeviceStatus.Cancelled, 0, 995),
        Busy => new(DeviceStatus.Busy, 0, 170),
        _ => new(DeviceStatus.Refused, 0, (int)status),
    };

    private uint Ask(uint code, ReadOnlySpan<byte> body, Span<byte> answer, out int size)
    {
        lock (_askLock)
        {
            Tell(code, body, answer.Length);
            return Hear(answer, out size);
        }
    }

    private void Tell(uint code, ReadOnlySpan<byte> body, int room)
    {
        var bytes = new byte[12 + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, code);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), body.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), room);
        body.CopyTo(bytes.AsSpan(12));
        for (var at = 0; at < bytes.Length;) at += _socket.Send(bytes.AsSpan(at));
    }

    private uint Hear(Span<byte> answer, out int size)
    {
        Span<byte> head = stackalloc byte[8];
        Read(head);
        size = BinaryPrimitives.ReadInt32LittleEndian(head[4..]);
        Read(answer[..size]);
        return BinaryPrimitives.ReadUInt32LittleEndian(head);
    }

    private void Read(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = _socket.Receive(bytes);
            if (count == 0) throw new EndOfStreamException("the extension's process has ended");
            bytes = bytes[count..];
        }
    }
}
