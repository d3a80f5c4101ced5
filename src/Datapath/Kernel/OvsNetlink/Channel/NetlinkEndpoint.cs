using System.Buffers.Binary;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>How a request ended.</summary>
/// <param name="Error">Linux's error number; 0 when the device did as told.</param>
internal readonly record struct NetlinkOutcome(DeviceStatus Status, int Error, NetlinkFault Fault)
{
    public const int BadMessage = 74;
    public const int TooBig = 7;
    public const int NoDevice = 19;

    public bool IsOk => Status == DeviceStatus.Ok && Error == 0;

    public static NetlinkOutcome Of(int error) => new(DeviceStatus.Ok, error, default);

    public override string ToString() => Status != DeviceStatus.Ok
        ? $"device: {Status}"
        : OvsErrorCatalogue.NameOf(Error, NetlinkDialect.Linux);
}

/// <summary>One handle with its buffers and numbers: requests, dumps and reads.</summary>
/// <remarks>
/// Whoever uses it holds <see cref="Gate"/> from the first byte written to the last byte read.
/// Anything but an answer ends in <see cref="Lost"/>, at most once.
/// </remarks>
internal sealed class NetlinkEndpoint : IDisposable
{
    private readonly INetlinkHandle _handle;
    private readonly OvsNetlinkCounters _counters;
    private readonly byte[] _request = new byte[NetlinkLimits.MessageSizeMax];
    private readonly byte[] _answer = new byte[NetlinkLimits.MessageSizeMax];
    private uint _sequence;
    private int _faultsInRow;
    private int _isLost;

    private NetlinkEndpoint(
        INetlinkHandle handle, NetlinkDialect dialect, OvsNetlinkCounters counters)
    {
        _handle = handle;
        Dialect = dialect;
        _counters = counters;
    }

    public Lock Gate { get; } = new();
    public NetlinkDialect Dialect { get; }
    public uint PortId { get; private set; }
    public OvsFamilyIds Ids { get; set; } = OvsFamilyIds.Ovsext;
    public int DatapathIndex { get; set; }

    /// <summary>Which attributes of a key this device takes.</summary>
    public OvsKeyForm KeyForm => FormOf(Dialect);

    public static OvsKeyForm FormOf(NetlinkDialect dialect) => dialect == NetlinkDialect.Ovsext
        ? OvsKeyForm.Complete | OvsKeyForm.Ovsext
        : OvsKeyForm.Complete;

    /// <summary>Told once, on any thread, when the handle is worth nothing any more.</summary>
    public Action<string>? Lost { get; set; }

    /// <summary>Opens a handle, learns its pid and says what it is for (section 4 of the
    /// contract).</summary>
    public static DeviceResult TryOpen(
        INetlinkDevice device, uint protocol, OvsNetlinkCounters counters,
        out NetlinkEndpoint? endpoint)
    {
        endpoint = null;
        var result = device.TryOpen(protocol, out var handle);
        if (!result.IsOk || handle is null) return result;
        var opened = new NetlinkEndpoint(handle, device.Dialect, counters);
        result = handle.Control(DeviceControl.GetPid, default, opened._answer);
        if (result.IsOk && result.Size != 4) result = new(DeviceStatus.Refused);
        if (result.IsOk)
        {
            opened.PortId = BinaryPrimitives.ReadUInt32LittleEndian(opened._answer);
            if (device.Dialect == NetlinkDialect.Ovsext) result = opened.Introduce(protocol);
        }

        if (result.IsOk) endpoint = opened;
        else handle.Dispose();
        return result;
    }

    /// <summary>SOCK_PROP: the driver echoes what it was told.</summary>
    private DeviceResult Introduce(uint protocol)
    {
        var writer = Writer();
        var wanted = new OvsSocketProperty { Protocol = protocol, Pid = PortId };
        wanted.Write(ref writer, Header(OvsFamily.Control, OvsControlCommand.SocketProperty));
        var outcome = Transact(ref writer, out var answer);
        if (outcome.Status != DeviceStatus.Ok) return new(outcome.Status);
        if (outcome.Error != 0
            || !OvsMessage.TryParse(answer, out var message, out _, out _)
            || !OvsSocketProperty.TryParse(message, out var echo, out _)
            || echo != wanted)
        {
            return new(DeviceStatus.Refused);
        }

        return default;
    }

    public NetlinkWriter Writer() => new(_request);

    /// <summary>The header of the next request; takes the next sequence number.</summary>
    public OvsHeader Header(OvsFamily family, byte command, ushort flags = NetlinkFlags.Request)
    {
        _sequence = _sequence == uint.MaxValue ? 1 : _sequence + 1;
        return OvsHeader.Request(Ids, family, command, _sequence, PortId, flags, DatapathIndex);
    }

    /// <summary>A number for a message that has no Open vSwitch header.</summary>
    public uint NextSequence()
    {
        _sequence = _sequence == uint.MaxValue ? 1 : _sequence + 1;
        return _sequence;
    }

    /// <summary>Linux answers changes only when asked to; OVSEXT always does.</summary>
    public ushort Change => Dialect == NetlinkDialect.Linux
        ? (ushort)(NetlinkFlags.Request | NetlinkFlags.Acknowledge)
        : NetlinkFlags.Request;

    /// <summary>A change whose answer says what came of it.</summary>
    public ushort ChangeAndTell => Dialect == NetlinkDialect.Linux
        ? (ushort)(NetlinkFlags.Request | NetlinkFlags.Acknowledge | NetlinkFlags.Echo)
        : NetlinkFlags.Request;

    /// <param name="answer">
    /// The answering message, valid until the next use; empty when the answer was none.
    /// </param>
    public NetlinkOutcome Transact(ref NetlinkWriter writer, out ReadOnlySpan<byte> answer)
    {
        answer = default;
        if (writer.HasOverflowed) return NetlinkOutcome.Of(NetlinkOutcome.TooBig);
        if (Volatile.Read(ref _isLost) != 0) return new(DeviceStatus.Gone, 0, default);
        var result = _handle.Control(DeviceControl.Transact, writer.Written, _answer);
        if (!result.IsOk) return Failed(result);

        ReadOnlySpan<byte> rest = _answer.AsSpan(0, Math.Min(result.Size, _answer.Length));
        while (true)
        {
            if (!NetlinkReply.TryParse(rest, _sequence, out var reply, out var fault))
            {
                return Malformed(fault);
            }

            if (reply.Kind == NetlinkReplyKind.Foreign)
            {
                if (NetlinkMessage.TryParse(rest, out _, out rest) && !rest.IsEmpty) continue;
                return Malformed(new NetlinkFault(NetlinkFaultKind.Value, "sequence"));
            }

            _faultsInRow = 0;
            if (reply.Kind == NetlinkReplyKind.Message) answer = rest;
            if (reply.Kind != NetlinkReplyKind.Error) return default;
            _counters.CountRefusal();
            return NetlinkOutcome.Of(OvsErrorCatalogue.ToLinux(reply.Code, Dialect));
        }
    }

    /// <summary>Begins a dump, and gives each of its messages to 'visit'.</summary>
    public NetlinkOutcome Dump(ref NetlinkWriter writer, NetlinkVisitor visit)
    {
        if (writer.HasOverflowed) return NetlinkOutcome.Of(NetlinkOutcome.TooBig);
        if (Volatile.Read(ref _isLost) != 0) return new(DeviceStatus.Gone, 0, default);
        var result = _handle.Control(DeviceControl.Write, writer.Written, default);
        if (!result.IsOk) return Failed(result);

        var dump = new NetlinkDump(_sequence);
        for (var reads = 0; reads < OvsNetlinkLimits.DumpReadsMax; reads++)
        {
            result = _handle.Control(DeviceControl.Read, default, _answer);
            if (!result.IsOk) return Failed(result);
            var bytes = _answer.AsSpan(0, Math.Min(result.Size, _answer.Length));
            if (!dump.Accept(bytes, visit)) break;
        }

        for (var i = 0; i < dump.RefusedCount; i++) _counters.CountMalformed();
        switch (dump.State)
        {
            case NetlinkDumpState.Ended:
                _faultsInRow = 0;
                return default;
            case NetlinkDumpState.Failed when dump.ErrorCode != 0:
                _counters.CountRefusal();
                return NetlinkOutcome.Of(OvsErrorCatalogue.ToLinux(dump.ErrorCode, Dialect));
            case NetlinkDumpState.Failed:
                return Malformed(dump.Fault);
            default:
                GiveUp("a dump without an end");
                return new(DeviceStatus.Gone, 0, default);
        }
    }

    /// <summary>WRITE of a subscription.</summary>
    public NetlinkOutcome Write(ref NetlinkWriter writer)
    {
        var result = _handle.Control(DeviceControl.Write, writer.Written, default);
        return result.IsOk ? default : Failed(result);
    }

    /// <summary>The next queued event or packet; Ok with no bytes: none is queued.</summary>
    public DeviceStatus TryRead(DeviceControl queue, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        var result = _handle.Control(queue, default, _answer);
        if (!result.IsOk)
        {
            Failed(result);
            return result.Status;
        }

        bytes = _answer.AsSpan(0, Math.Min(result.Size, _answer.Length));
        return DeviceStatus.Ok;
    }

    /// <summary>Waits until something is queued; Busy and TimedOut are no losses.</summary>
    public DeviceStatus Pend(ref NetlinkWriter writer, TimeSpan patience)
    {
        var result = _handle.Pend(writer.Written, patience);
        if (result.Status is DeviceStatus.Gone or DeviceStatus.NotReady or DeviceStatus.Refused)
        {
            Failed(result);
        }

        return result.Status;
    }

    public void Cancel() => _handle.Cancel();

    public void CountMalformed() => _counters.CountMalformed();

    private NetlinkOutcome Failed(DeviceResult result)
    {
        if (result.Status == DeviceStatus.TimedOut) _counters.CountTimeout();
        GiveUp(result.ToString());
        return new(result.Status, 0, default);
    }

    private NetlinkOutcome Malformed(NetlinkFault fault)
    {
        _counters.CountMalformed();
        if (++_faultsInRow >= OvsNetlinkLimits.FaultsInRowMax)
        {
            GiveUp($"answers that cannot be read ({fault})");
        }

        return new(DeviceStatus.Ok, NetlinkOutcome.BadMessage, fault);
    }

    private void GiveUp(string reason)
    {
        if (Interlocked.Exchange(ref _isLost, 1) == 0) Lost?.Invoke(reason);
    }

    public void Dispose()
    {
        Interlocked.Exchange(ref _isLost, 1);
        _handle.Dispose();
    }
}
