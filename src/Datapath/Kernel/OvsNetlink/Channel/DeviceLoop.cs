using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>A thread that empties one queue of the device and waits for more.</summary>
/// <remarks>
/// Read until nothing is left, then pend: the pend comes back at once when something was queued
/// in between. For events OVSEXT pends even then, so that the wait is short and reading comes
/// before and after each.
/// </remarks>
internal sealed class DeviceLoop
{
    private readonly NetlinkEndpoint _endpoint;
    private readonly DeviceControl _queue;
    private readonly byte _pendCommand;
    private readonly TimeSpan _patience;
    private readonly DeviceMessageHandler _handle;
    private readonly Thread _thread;
    private volatile bool _isStopping;

    public DeviceLoop(
        string name, NetlinkEndpoint endpoint, DeviceControl queue, byte pendCommand,
        TimeSpan patience, DeviceMessageHandler handle)
    {
        _endpoint = endpoint;
        _queue = queue;
        _pendCommand = pendCommand;
        _patience = patience;
        _handle = handle;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    /// <summary>Called on the loop's thread before each wait.</summary>
    public Action? Prepare { get; init; }

    public void Start() => _thread.Start();

    public void Stop()
    {
        _isStopping = true;
        _endpoint.Cancel();
        if (Thread.CurrentThread != _thread && _thread.IsAlive) _thread.Join();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            if (!TryDrain()) return;
            Prepare?.Invoke();
            var writer = _endpoint.Writer();
            new OvsSubscribeMessage().Write(
                ref writer, _endpoint.Header(OvsFamily.Control, _pendCommand));
            switch (_endpoint.Pend(ref writer, _patience))
            {
                case DeviceStatus.Ok or DeviceStatus.TimedOut or DeviceStatus.Cancelled
                    or DeviceStatus.Busy:
                    break;
                default:
                    return;
            }
        }
    }

    private bool TryDrain()
    {
        while (!_isStopping)
        {
            for (var i = 0; i < OvsNetlinkLimits.UpcallBurst; i++)
            {
                if (_endpoint.TryRead(_queue, out var bytes) != DeviceStatus.Ok) return false;
                if (bytes.IsEmpty) return true;
                _handle(bytes);
            }
        }

        return false;
    }
}

/// <summary>Takes one message; its bytes are valid until it returns.</summary>
internal delegate void DeviceMessageHandler(ReadOnlySpan<byte> bytes);
