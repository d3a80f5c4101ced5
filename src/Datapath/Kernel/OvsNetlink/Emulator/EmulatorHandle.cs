using System.Buffers.Binary;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>One handle of the emulated device: its pid, queues and the dump under way.</summary>
internal sealed class EmulatorHandle(OvsextEmulator owner, uint pid) : INetlinkHandle
{
    private readonly object _queues = new();
    private readonly Queue<byte[]> _packets = new();
    private readonly Queue<byte[]> _events = new();
    private readonly HashSet<uint> _groups = [];
    private Queue<byte[]> _dump = new();
    private bool _isPacked;
    private bool _isPending;
    private bool _isCompleted;
    private bool _isCancelled;
    private bool _isClosed;

    public uint Pid { get; } = pid;
    public bool TakesPackets { get; set; }

    /// <summary>Nothing is queued, and the reader waits.</summary>
    public bool IsIdle => !TakesPackets || (_packets.Count == 0 && _isPending);

    public DeviceResult Control(
        DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
    {
        if (_isClosed) return new(DeviceStatus.Gone, 0, 6);
        if (!owner.HasSwitch) return new(DeviceStatus.NotReady, 0, 1168);
        var result = code switch
        {
            DeviceControl.GetPid => WritePid(answer),
            DeviceControl.Transact => owner.Transact(this, request, answer),
            DeviceControl.Write => owner.Write(this, request),
            DeviceControl.Read => ReadDump(answer),
            DeviceControl.ReadEvent => ReadQueue(_events, answer),
            DeviceControl.ReadPacket => ReadQueue(_packets, answer),
            _ => new(DeviceStatus.Refused, 0, 1),
        };
        owner.Traced?.Invoke(code, request.ToArray(), answer[..result.Size].ToArray());
        return result;
    }

    public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience)
    {
        if (!OvsMessage.TryParse(request, out var message, out _, out _)
            || message.Header.Type != OvsFamilyIds.Ovsext.Control
            || message.Header.PortId != Pid
            || message.Header.Command > OvsControlCommand.PendPackets)
        {
            return new(DeviceStatus.Refused, 0, 87);
        }

        var isPackets = message.Header.Command == OvsControlCommand.PendPackets;
        lock (_queues)
        {
            if (_isClosed) return new(DeviceStatus.Gone, 0, 6);
            if (_isPending) return new(DeviceStatus.Busy, 0, 170);
            // For packets it returns at once; for events it waits all the same.
            if (isPackets && _packets.Count > 0) return default;
            _isPending = true;
            _isCompleted = false;
            owner.Rests();
            var end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
            while (!_isCompleted && !_isCancelled && !_isClosed && owner.HasSwitch)
            {
                var left = end - Environment.TickCount64;
                if (left <= 0) break;
                Monitor.Wait(_queues, TimeSpan.FromMilliseconds(left));
            }

            _isPending = false;
            if (_isClosed) return new(DeviceStatus.Gone, 0, 6);
            if (!owner.HasSwitch) return new(DeviceStatus.NotReady, 0, 1168);
            if (_isCompleted) return default;
            if (!_isCancelled) return new(DeviceStatus.TimedOut);
            _isCancelled = false;
            return new(DeviceStatus.Cancelled, 0, 995);
        }
    }

    public void Cancel()
    {
        lock (_queues)
        {
            _isCancelled = true;
            Monitor.PulseAll(_queues);
        }
    }

    public void Dispose()
    {
        lock (_queues)
        {
            _isClosed = true;
            Monitor.PulseAll(_queues);
        }

        owner.Closed(this);
    }

    /// <summary>The switch went away: whoever waits learns of it.</summary>
    public void Wake()
    {
        lock (_queues) Monitor.PulseAll(_queues);
    }

    public void Join(uint group, bool isIn)
    {
        lock (_queues)
        {
            if (isIn) _groups.Add(group);
            else _groups.Remove(group);
        }
    }

    public bool IsIn(uint group) => _groups.Contains(group);

    /// <summary>False when the queue is full: the packet is lost.</summary>
    public bool QueuePacket(byte[] message)
    {
        lock (_queues)
        {
            if (!TakesPackets || _packets.Count >= OvsNetlinkLimits.EmulatorQueueMax) return false;
            _packets.Enqueue(message);
            Complete();
            return true;
        }
    }

    public void QueueEvent(byte[] message)
    {
        lock (_queues)
        {
            if (_events.Count >= OvsNetlinkLimits.EmulatorQueueMax) _events.Dequeue();
            _events.Enqueue(message);
            Complete();
        }
    }

    /// <param name="isPacked">
    /// Many messages a read and DONE at the end (flows); else one a read, then 0 bytes.
    /// </param>
    public void Begin(IEnumerable<byte[]> messages, bool isPacked, OvsHeader header)
    {
        _dump = new Queue<byte[]>(messages);
        _isPacked = isPacked;
        if (!isPacked) return;
        var bytes = new byte[32];
        var writer = new NetlinkWriter(bytes);
        NetlinkReply.WriteDone(ref writer, header.Sequence, Pid);
        _dump.Enqueue(writer.Written.ToArray());
    }

    private void Complete()
    {
        if (_isPending) _isCompleted = true;
        Monitor.PulseAll(_queues);
    }

    private DeviceResult WritePid(Span<byte> answer)
    {
        if (answer.Length < 4) return new(DeviceStatus.Refused, 0, 122);
        BinaryPrimitives.WriteUInt32LittleEndian(answer, Pid);
        return new(DeviceStatus.Ok, 4);
    }

    private DeviceResult ReadDump(Span<byte> answer)
    {
        if (answer.Length < NetlinkReply.ErrorSize) return new(DeviceStatus.Refused, 0, 122);
        var size = 0;
        while (_dump.TryPeek(out var message) && message.Length <= answer.Length - size)
        {
            _dump.Dequeue();
            message.CopyTo(answer[size..]);
            size += NetlinkAttribute.Align(message.Length);
            if (!_isPacked) break;
        }

        return new(DeviceStatus.Ok, Math.Min(size, answer.Length));
    }

    private DeviceResult ReadQueue(Queue<byte[]> queue, Span<byte> answer)
    {
        if (answer.Length < NetlinkReply.ErrorSize) return new(DeviceStatus.Refused, 0, 122);
        lock (_queues)
        {
            if (!queue.TryPeek(out var message)) return default;
            queue.Dequeue();
            if (message.Length > answer.Length) return default; // Lost, as in the driver.
            message.CopyTo(answer);
            return new(DeviceStatus.Ok, message.Length);
        }
    }
}
