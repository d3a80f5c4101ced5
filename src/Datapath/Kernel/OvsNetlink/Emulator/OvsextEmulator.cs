using System.Collections.Concurrent;
using Fabric.Wire.Netlink;

namespace Fabric.Datapath;

/// <summary>Which driver the emulator is.</summary>
/// <param name="Driver">2.0 to 3.7: meters from 3.1 on, STT up to 3.4.</param>
/// <param name="HasMegaflows">
/// A driver with the same contract that also keeps masks and knows all actions.
/// </param>
/// <param name="UsesDevices">
/// Ports are this machine's network devices; else NICs in memory that are connected by
/// <see cref="OvsextEmulator.ConnectNic"/>.
/// </param>
public sealed record EmulatorProfile(
    Version? Driver = null, bool HasMegaflows = false, bool UsesDevices = false)
{
    public Version Version { get; } = Driver ?? new Version(3, 7);
    public bool HasMeters => Version >= new Version(3, 1);
    public bool HasStt => Version <= new Version(3, 4);
}

/// <summary>A double of the OVSEXT device: its messages, byte for byte, and its traps.</summary>
/// <remarks>
/// Below the messages a managed datapath moves the packets. Traps that it keeps: masks are
/// ignored and flows match exactly; actions are not looked at before a packet meets them, and
/// unknown ones are passed over (only EXECUTE says so); sets of fields that the driver lacks do
/// nothing; dumps of vports, connections and datapaths end with 0 bytes; errors have MSVC's
/// numbers; only links that go down are told; a second tunnel on a port is "done" and is not
/// there; flushing zone 0 flushes all; a pend for events waits though events are queued.
/// An operator tries a configuration with it; tests run the provider against it.
/// </remarks>
public sealed partial class OvsextEmulator : INetlinkDevice
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<uint, EmulatorHandle> _handles = new();
    private readonly TimeProvider _clock;
    private uint _nextPid = 1;
    private volatile bool _hasSwitch = true;

    public OvsextEmulator(EmulatorProfile? profile = null, TimeProvider? clock = null)
    {
        Profile = profile ?? new EmulatorProfile();
        _clock = clock ?? TimeProvider.System;
        Packets = new UserspaceDatapath("emulator@ovs-system", new UserspaceDatapathOptions
        {
            ProviderName = "emulator",
            Clock = _clock,
            ThreadCount = Profile.UsesDevices ? 0 : 1,
            WatchesDevices = Profile.UsesDevices,
        })
        {
            UpcallHandler = new EmulatorUpcalls(this),
        };
        Packets.Conntrack.Changed += OnConnection;
    }

    public string Name => "emulator";
    public NetlinkDialect Dialect => NetlinkDialect.Ovsext;
    public EmulatorProfile Profile { get; }

    /// <summary>What moves the packets behind the messages; for tests of the emulator.</summary>
    internal UserspaceDatapath Packets { get; }

    private readonly object _resting = new();
    private int _watchers;

    /// <summary>
    /// False: no virtual switch has the extension enabled, and every call fails with
    /// ERROR_NOT_FOUND (1168). The driver forgets vports and flows with the switch.
    /// </summary>
    public bool HasSwitch
    {
        get => _hasSwitch;
        set
        {
            _hasSwitch = value;
            lock (_gate)
            {
                if (value) return;
                foreach (var vport in _vports.Values) Packets.Ports.Remove(vport.Number);
                _vports.Clear();
                _pids.Clear();
                _flowActions.Clear();
                Packets.Flows.Flush();
            }

            foreach (var handle in _handles.Values) handle.Wake();
        }
    }

    /// <summary>Handles that are open now.</summary>
    public int OpenHandles => _handles.Count;

    /// <summary>Hears each request and answer; for golden bytes and tracing.</summary>
    public Action<DeviceControl, ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? Traced { get; set; }

    public DeviceResult TryOpen(uint protocol, out INetlinkHandle? handle)
    {
        lock (_gate)
        {
            handle = null;
            if (_handles.Count >= OvsNetlinkLimits.EmulatorHandlesMax)
            {
                return new(DeviceStatus.Refused, 0, 1450); // ERROR_NO_SYSTEM_RESOURCES
            }

            var opened = new EmulatorHandle(this, _nextPid++);
            _handles[opened.Pid] = opened;
            handle = opened;
            return default;
        }
    }

    internal void Closed(EmulatorHandle handle) => _handles.TryRemove(handle.Pid, out _);

    /// <summary>
    /// Waits until every packet that came up was taken and the takers wait for more.
    /// </summary>
    public bool WaitUntilIdle(TimeSpan patience)
    {
        var end = _clock.GetTimestamp() + (long)(patience.TotalSeconds * _clock.TimestampFrequency);
        Interlocked.Increment(ref _watchers);
        try
        {
            lock (_resting)
            {
                while (true)
                {
                    if (_handles.Values.All(handle => handle.IsIdle)) return true;
                    if (_clock.GetTimestamp() > end) return false;
                    Monitor.Wait(_resting, TimeSpan.FromMilliseconds(20));
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _watchers);
        }
    }

    /// <summary>A reader waits for more.</summary>
    internal void Rests()
    {
        if (Volatile.Read(ref _watchers) == 0) return;
        lock (_resting) Monitor.PulseAll(_resting);
    }

    public void Dispose()
    {
        Packets.Dispose();
    }

    /// <summary>TRANSACT: one request, one answer or none.</summary>
    internal DeviceResult Transact(
        EmulatorHandle handle, ReadOnlySpan<byte> request, Span<byte> answer)
    {
        if (answer.Length < NetlinkReply.ErrorSize) return InvalidParameter;
        if (!TryAdmit(handle, request, out var message, out var isConntrack))
        {
            return InvalidParameter;
        }

        var writer = new NetlinkWriter(answer);
        int error;
        lock (_gate)
        {
            error = isConntrack
                ? Conntrack(request)
                : Request(handle, in message, ref writer);
        }

        if (error != 0)
        {
            var number = OvsErrorCatalogue.FromLinux(error, NetlinkDialect.Ovsext);
            writer = new NetlinkWriter(answer);
            NetlinkMessage.TryParse(request, out var header, out _);
            NetlinkReply.WriteError(
                ref writer, request, number, header.Sequence, handle.Pid);
        }

        return new(DeviceStatus.Ok, writer.HasOverflowed ? 0 : writer.Size);
    }

    /// <summary>WRITE: begins a dump, or a control request.</summary>
    internal DeviceResult Write(EmulatorHandle handle, ReadOnlySpan<byte> request)
    {
        if (!TryAdmit(handle, request, out var message, out var isConntrack))
        {
            return InvalidParameter;
        }

        NetlinkMessage.TryParse(request, out var header, out _);
        lock (_gate)
        {
            if (isConntrack)
            {
                handle.Begin(
                    DumpConnections(header.Sequence, handle.Pid), isPacked: false, default);
                return default;
            }

            if (message.Header.Type == OvsFamilyIds.Ovsext.Control)
            {
                return Subscribe(handle, in message);
            }

            if ((message.Header.Flags & NetlinkFlags.Dump) != NetlinkFlags.Dump)
            {
                return InvalidParameter;
            }

            return Dump(handle, in message);
        }
    }

    /// <summary>What the driver checks before it looks at a message.</summary>
    private static bool TryAdmit(
        EmulatorHandle handle, ReadOnlySpan<byte> request, out OvsMessage message,
        out bool isConntrack)
    {
        message = default;
        isConntrack = false;
        if (!NetlinkMessage.TryParse(request, out var netlink, out _)) return false;
        isConntrack = netlink.Type >> 8 == 1;
        if (isConntrack) return true;
        return OvsMessage.TryParse(request, out message, out _, out _)
            && message.Header.PortId == handle.Pid
            && message.Header.DatapathIndex == 0
            && OvsFamilyIds.Ovsext.TryFind(message.Header.Type, out var family)
            && message.Header.Version >= OvsFamilyIds.VersionOf(family)
            && message.HasSoundAttributes(out _);
    }

    private static DeviceResult InvalidParameter => new(DeviceStatus.Refused, 0, 87);

    /// <returns>Linux's error number, or 0.</returns>
    private int Request(EmulatorHandle handle, in OvsMessage message, ref NetlinkWriter answer)
    {
        OvsFamilyIds.Ovsext.TryFind(message.Header.Type, out var family);
        return family switch
        {
            OvsFamily.Control => SocketProperty(handle, in message, ref answer),
            OvsFamily.Datapath => Datapath(in message, ref answer),
            OvsFamily.Vport => Vport(in message, ref answer),
            OvsFamily.Flow => Flow(in message, ref answer),
            OvsFamily.Packet => Execute(in message),
            OvsFamily.Netdev => Netdev(in message, ref answer),
            OvsFamily.ConntrackLimit => Limit(in message, ref answer),
            _ => Meter(in message, ref answer),
        };
    }

    /// <summary>The header of an answer: the request's, without its flags.</summary>
    private static OvsHeader Answer(in OvsMessage message) => message.Header with { Flags = 0 };

    private static int SocketProperty(
        EmulatorHandle handle, in OvsMessage message, ref NetlinkWriter answer)
    {
        if (message.Header.Command != OvsControlCommand.SocketProperty
            || !OvsSocketProperty.TryParse(message, out var wanted, out _)
            || wanted.Pid != handle.Pid)
        {
            return OvsErrorCatalogue.Invalid;
        }

        wanted.Write(ref answer, Answer(in message));
        return 0;
    }

    private static DeviceResult Subscribe(EmulatorHandle handle, in OvsMessage message)
    {
        if (!OvsSubscribeMessage.TryParse(message, out var wanted, out _)) return InvalidParameter;
        switch (message.Header.Command)
        {
            case OvsControlCommand.SubscribeGroup when wanted.Group is { } group:
                handle.Join(group, wanted.Join != 0);
                return default;
            case OvsControlCommand.SubscribePackets when wanted.PacketPid == handle.Pid:
                handle.TakesPackets = wanted.SubscribePackets != 0;
                return default;
            default:
                return InvalidParameter;
        }
    }

    private int Datapath(in OvsMessage message, ref NetlinkWriter answer)
    {
        if (!OvsDatapathMessage.TryParse(message, out var wanted, out _))
        {
            return OvsErrorCatalogue.Invalid;
        }

        switch (message.Header.Command)
        {
            case OvsCommand.New:
                return wanted.Name == NetlinkConnection.DatapathName
                    ? OvsErrorCatalogue.Exists
                    : OvsErrorCatalogue.NoDevice;
            case OvsCommand.Get:
                if (wanted.Name is not (null or NetlinkConnection.DatapathName))
                {
                    return OvsErrorCatalogue.NoDevice;
                }

                DatapathMessage().Write(ref answer, Answer(in message));
                return 0;
            case OvsCommand.Set:
                return wanted.Name == NetlinkConnection.DatapathName
                    ? 0
                    : OvsErrorCatalogue.Invalid;
            default:
                return OvsErrorCatalogue.Invalid;
        }
    }

    private OvsDatapathMessage DatapathMessage()
    {
        var statistics = Packets.Statistics();
        return new OvsDatapathMessage
        {
            Name = NetlinkConnection.DatapathName,
            Statistics = new OvsDatapathStatistics(
                statistics.Hit, statistics.Missed, _lost, statistics.Flows),
        };
    }

    private DeviceResult Dump(EmulatorHandle handle, in OvsMessage message)
    {
        var header = message.Header;
        OvsFamilyIds.Ovsext.TryFind(header.Type, out var family);
        switch (family, header.Command)
        {
            case (OvsFamily.Flow, OvsCommand.Get):
                handle.Begin(DumpFlows(header), isPacked: true, header);
                return default;
            case (OvsFamily.Vport, OvsCommand.Get):
                handle.Begin(DumpVports(header), isPacked: false, header);
                return default;
            case (OvsFamily.Datapath, OvsCommand.Get):
                var bytes = new byte[256];
                var writer = new NetlinkWriter(bytes);
                DatapathMessage().Write(ref writer, header with { Flags = NetlinkFlags.Multi });
                handle.Begin([writer.Written.ToArray()], isPacked: false, header);
                return default;
            default:
                return InvalidParameter;
        }
    }
}
