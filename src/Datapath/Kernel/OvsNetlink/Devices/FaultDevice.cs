using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>What a <see cref="FaultDevice"/> makes of a call.</summary>
public enum DeviceFault : byte
{
    None,
    /// <summary>The call comes back without an answer after the patience.</summary>
    Silence,
    /// <summary>Half of the answer's bytes.</summary>
    ShortRead,
    /// <summary>Bytes that mean nothing.</summary>
    Garbage,
    /// <summary>An attribute that nobody knows is added to each answer.</summary>
    UnknownAttribute,
    /// <summary>An error message with code 5 (EIO) answers each request.</summary>
    Error,
    /// <summary>The handle is dead.</summary>
    Vanished,
    /// <summary>No switch has the extension enabled.</summary>
    NotReady,
}

/// <summary>A device around another one, which misbehaves as it is told.</summary>
/// <remarks>For tests, and for an operator who wants to see what a bad driver does.</remarks>
public sealed class FaultDevice(INetlinkDevice inner, TimeSpan patience) : INetlinkDevice
{
    private readonly ManualResetEventSlim _changed = new(false);
    private volatile DeviceFault _fault;
    private int _calls;

    public string Name => inner.Name + " with faults";
    public NetlinkDialect Dialect => inner.Dialect;

    /// <summary>In force from the next call on; a vanished device kills its handles.</summary>
    public DeviceFault Fault
    {
        get => _fault;
        set => _fault = value;
    }

    /// <summary>Which calls are meant; null: all.</summary>
    public Func<DeviceControl, bool>? Selects { get; set; }

    /// <summary>Calls that the fault changed.</summary>
    public int FaultCount => Volatile.Read(ref _calls);

    public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
    {
        handle = null;
        if (_fault is DeviceFault.Vanished) return new(DeviceStatus.Gone, 0, 2);
        var result = inner.TryOpen(protocol, out var real);
        if (real is not null) handle = new Handle(this, real);
        return result;
    }

    public void Dispose()
    {
        inner.Dispose();
        _changed.Dispose();
    }

    private DeviceFault Apply(DeviceControl code)
    {
        var fault = _fault;
        if (fault == DeviceFault.None || Selects?.Invoke(code) == false) return DeviceFault.None;
        Interlocked.Increment(ref _calls);
        return fault;
    }

    private sealed class Handle(FaultDevice owner, INetlinkHandle real) : INetlinkHandle
    {
        private bool _isDead;

        public DeviceResult Control(
            DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
        {
            if (_isDead) return new(DeviceStatus.Gone, 0, 6);
            var fault = owner.Apply(code);
            switch (fault)
            {
                case DeviceFault.Silence:
                    owner._changed.Wait(owner.Patience);
                    return new(DeviceStatus.TimedOut);
                case DeviceFault.Vanished:
                    _isDead = true;
                    return new(DeviceStatus.Gone, 0, 6);
                case DeviceFault.NotReady:
                    return new(DeviceStatus.NotReady, 0, 1168);
            }

            var result = real.Control(code, request, answer);
            if (!result.IsOk || fault == DeviceFault.None) return result;
            if (code == DeviceControl.GetPid) return result;
            return result with { Size = Spoil(fault, request, answer, result.Size) };
        }

        public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience)
        {
            if (_isDead) return new(DeviceStatus.Gone, 0, 6);
            if (owner._fault is not (DeviceFault.Vanished or DeviceFault.NotReady))
            {
                return real.Pend(request, patience);
            }

            _isDead = owner._fault == DeviceFault.Vanished;
            return new(_isDead ? DeviceStatus.Gone : DeviceStatus.NotReady);
        }

        public void Cancel() => real.Cancel();

        public void Dispose() => real.Dispose();

        private static int Spoil(
            DeviceFault fault, ReadOnlySpan<byte> request, Span<byte> answer, int size)
        {
            switch (fault)
            {
                case DeviceFault.ShortRead: return size / 2;
                case DeviceFault.Garbage:
                    var garbage = answer[..Math.Min(36, answer.Length)];
                    garbage.Fill(0xA5);
                    return garbage.Length;
                case DeviceFault.Error when request.Length >= NetlinkMessage.HeaderSize:
                    var writer = new NetlinkWriter(answer);
                    var sequence = BitConverter.ToUInt32(request[8..]);
                    var pid = BitConverter.ToUInt32(request[12..]);
                    NetlinkReply.WriteError(ref writer, request, 5, sequence, pid);
                    return writer.Size;
                case DeviceFault.UnknownAttribute when size >= OvsHeader.Size:
                    ReadOnlySpan<byte> attribute = [8, 0, 0xE7, 0x03, 1, 2, 3, 4];
                    var total = BitConverter.ToUInt32(answer);
                    if (total != size || total % 4 != 0) return size;
                    attribute.CopyTo(answer[size..]);
                    BitConverter.TryWriteBytes(answer, (uint)(size + attribute.Length));
                    return size + attribute.Length;
                default: return size;
            }
        }
    }

    private TimeSpan Patience => patience;
}
