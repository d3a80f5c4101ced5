using System.Collections.Concurrent;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath.Tests.OvsNetlink;

/// <summary>One call to a device.</summary>
/// <param name="Room">Bytes that the caller offered for the answer.</param>
internal sealed record DeviceCall(
    uint Handle, DeviceControl Code, byte[] Request, int Room, byte[] Answer)
{
    public bool Is(OvsFamily family, byte command) => OvsMessage.TryParse(
        Request, out var message, out _, out _)
        && OvsFamilyIds.Ovsext.TryFind(message.Header.Type, out var found)
        && found == family && message.Header.Command == command;
}

/// <summary>Passes all on, and remembers what was asked, what for, and what was against rules.
/// </summary>
internal sealed class RecordingDevice(INetlinkDevice inner) : INetlinkDevice
{
    private int _next;

    public ConcurrentQueue<DeviceCall> Calls { get; } = [];

    /// <summary>Handles that were closed while a request waited that nobody took back.</summary>
    public ConcurrentQueue<uint> Abandoned { get; } = [];

    public int Closed { get; private set; }
    public string Name => inner.Name;
    public NetlinkDialect Dialect => inner.Dialect;

    public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
    {
        var result = inner.TryOpen(protocol, out handle);
        if (handle is { } real)
            handle = new Handle(this, real, (uint)Interlocked.Increment(ref _next));
        return result;
    }

    public void Dispose() => inner.Dispose();

    private sealed class Handle(RecordingDevice owner, INetlinkHandle real, uint number)
        : INetlinkHandle
    {
        private int _waiting;
        private bool _isCancelled;

        public DeviceResult Control(
            DeviceControl code, ReadOnlySpan<byte> request, Span<byte> answer)
        {
            var result = real.Control(code, request, answer);
            if (result.IsOk || code == DeviceControl.Read)
            {
                owner.Calls.Enqueue(new DeviceCall(
                    number, code, request.ToArray(), answer.Length,
                    answer[..result.Size].ToArray()));
            }

            return result;
        }

        public DeviceResult Pend(ReadOnlySpan<byte> request, TimeSpan patience)
        {
            owner.Calls.Enqueue(new DeviceCall(
                number, DeviceControl.Write, request.ToArray(), 0, []));
            Interlocked.Increment(ref _waiting);
            var result = real.Pend(request, patience);
            Interlocked.Decrement(ref _waiting);
            return result;
        }

        public void Cancel()
        {
            _isCancelled = true;
            real.Cancel();
        }

        public void Dispose()
        {
            if (Volatile.Read(ref _waiting) > 0 && !_isCancelled) owner.Abandoned.Enqueue(number);
            lock (owner) owner.Closed++;
            real.Dispose();
        }
    }
}
