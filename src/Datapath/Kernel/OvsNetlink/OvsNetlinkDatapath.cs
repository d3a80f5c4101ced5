using System.Collections.Immutable;
using Fabric.Wire;
using Fabric.Wire.Netlink;
using Fabric.Wire.OpenFlow;

namespace Fabric.Datapath;

/// <summary>
/// A datapath in the kernel that speaks Open vSwitch's netlink messages: OVSEXT on Hyper-V,
/// openvswitch.ko on Linux, the emulator anywhere.
/// </summary>
/// <remarks>
/// The device may be away: at start, while no switch has the extension, after a crash of the
/// driver. Calls then answer at once (ports: an error; flows: kept here), the supervisor opens
/// the device again with growing waits, and ports, meters, limits and flows are put right. What
/// the device lacks, the provider does to each packet itself (<see cref="SlowPath"/>).
/// </remarks>
public sealed partial class OvsNetlinkDatapath : IDatapathProvider
{
    private readonly INetlinkDevice _device;
    private readonly OvsNetlinkOptions _options;
    private readonly SlowPath _slow;
    private readonly ExpandedFlows _flows;
    private readonly KernelPorts _ports;
    private readonly KernelMeters _meters;
    private readonly KernelConntrack _conntrack;
    private readonly Thread _supervisor;
    private readonly AutoResetEvent _wake = new(false);
    private readonly ManualResetEventSlim _opened = new(false);
    private volatile NetlinkConnection? _connection;
    private volatile bool _isReady;
    private KernelFeatures _features = new();
    private int _isDisposed;

    [ThreadStatic] private static NetlinkEndpoint? _worker;

    /// <summary>What the fragments of this thread's upcall were limited to; 0: whole.</summary>
    [ThreadStatic] private static ushort _receiveUnitMax;

    /// <param name="device">Disposed with the provider.</param>
    public OvsNetlinkDatapath(INetlinkDevice device, OvsNetlinkOptions? options = null)
    {
        _device = device;
        _options = options ?? new OvsNetlinkOptions();
        _slow = new SlowPath(_options.Clock)
        {
            Kernel = TryExecute,
            Decide = (packet, key) => _flows!.Decide(null, packet, in key, in key, out _),
        };
        _meters = new KernelMeters(_slow.Core.Meters, () => _connection);
        _flows = new ExpandedFlows(_slow, _options, Counters)
        {
            Connection = () => _connection,
            HasMeter = _meters.IsInDevice,
        };
        _meters.MovedBetween = _flows.WriteAll;
        _ports = new KernelPorts(_options, _slow.Core.Ports, () => _connection, Send);
        _conntrack = new KernelConntrack(_options, () => _connection);
        _supervisor = new Thread(Supervise) { IsBackground = true, Name = "netlink" };
        _supervisor.Start();
        _opened.Wait(TimeSpan.FromSeconds(10)); // The first attempt has ended.
    }

    public string ProviderName => _options.ProviderName;
    public string Name => _options.Name;
    public IDatapathPorts Ports => _ports;
    public IDatapathFlows Flows => _flows;
    public IDatapathConntrack Conntrack => _conntrack;
    public IDatapathMeters Meters => _meters;
    public OvsNetlinkCounters Counters { get; } = new();

    /// <summary>The device is there, answers, and has been put right.</summary>
    public bool IsConnected => _isReady && _connection is { IsLost: false };

    /// <summary>What the device can do by itself, as of the last time that it was there.</summary>
    public KernelFeatures KernelFeatures => _features;

    /// <summary>Microflows that the device has.</summary>
    public int MicroflowCount => _flows.MicroflowCount;

    /// <summary>
    /// What can be asked for: most of what the device lacks is done here. Timeouts of
    /// connections and NAT to address 0 are the device's alone.
    /// </summary>
    public DatapathCapabilities Capabilities
    {
        get
        {
            var features = _features;
            return new DatapathCapabilities
            {
                HasMegaflows = true,
                HasConntrack = features.HasConntrack,
                HasConntrackNat = features.HasConntrackNat,
                HasConntrackTimeout = features.HasConntrackTimeout,
                HasAllZeroSourceNat = _device.Dialect == NetlinkDialect.Linux,
                HashAlgorithmMax = features.HasHash ? 1 : 0,
            };
        }
    }

    public IUpcallHandler? UpcallHandler
    {
        set => _slow.Handler = value;
    }

    /// <summary>Hears faults of the upcall handler; the packet is lost, the loop goes on.</summary>
    public Action<Exception>? Faulted { get; set; }

    public void Execute(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions)
    {
        if (packet.SegmentSize == 0 && TryExecute(packet, in key, actions)) return;
        var own = key;
        Counters.CountSlowPath();
        _slow.Run(packet, ref own, _slow.Prepare(actions));
    }

    public ImmutableArray<ulong> DropCounts()
    {
        var totals = new ulong[DropReasons.Count];
        _slow.AddDropsTo(totals);
        return [.. totals];
    }

    public DatapathStatistics Statistics()
    {
        var (hit, missed, lost) = (0UL, 0UL, 0UL);
        if (_connection is { } connection)
        {
            var endpoint = connection.Requests;
            lock (endpoint.Gate)
            {
                var writer = endpoint.Writer();
                new OvsDatapathMessage { Name = NetlinkConnection.DatapathName }.Write(
                    ref writer, endpoint.Header(OvsFamily.Datapath, OvsCommand.Get));
                if (endpoint.Transact(ref writer, out var answer).IsOk
                    && OvsMessage.TryParse(answer, out var message, out _, out _)
                    && OvsDatapathMessage.TryParse(message, out var datapath, out _)
                    && datapath.Statistics is { } counted)
                {
                    (hit, missed, lost) = (counted.Hit, counted.Missed, counted.Lost);
                }
            }
        }

        return new DatapathStatistics(
            hit, missed, lost, (ulong)_flows.Count, 0, (uint)_slow.Core.Flows.MaskCount, 0);
    }

    /// <summary>The whole list in the device, or nothing of it.</summary>
    private bool TryExecute(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions)
    {
        if (_connection is not { } connection) return false;
        var translator = new KernelActionTranslator(connection.Features, _meters.IsInDevice);
        var pid = ExpandedFlows.PidOf(connection, in key);
        return translator.TryTranslate(in key, true, actions, pid, out var attributes)
            && Execute(connection, packet, in key, attributes.AsSpan());
    }

    private bool Execute(
        NetlinkConnection connection, PacketBuffer packet, in FlowKey key,
        ReadOnlySpan<OvsActionAttribute> attributes)
    {
        if (attributes.IsEmpty)
        {
            _slow.Drop(DropReason.NoActions);
            return true;
        }

        if (packet.ChecksumStart >= 0) ChecksumCompletion.TryComplete(packet);
        var endpoint = _worker ?? connection.Requests;
        lock (endpoint.Gate)
        {
            var outcome = FeatureProbe.Execute(
                endpoint, packet.Bytes, in key, attributes, _receiveUnitMax);
            if (outcome.Error != NetlinkOutcome.TooBig) return outcome.IsOk;
        }

        _slow.Drop(DropReason.UpcallTooLarge);
        return true;
    }

    /// <summary>A packet that the slow path puts out of a port.</summary>
    private bool Send(PacketBuffer packet, TunnelMetadata? tunnel, uint port)
    {
        if (_connection is not { } connection) return false;
        FlowKey key = default;
        key.InPort = uint.MaxValue;
        FlowKeyExtractor.TryExtract(packet.Bytes, ref key, out _); // A cut packet has half a key.
        if (tunnel is null) return Execute(connection, packet, in key, [new OvsOutput(port)]);
        SegmentClamp.Apply(packet, in key, tunnel, _options.TunnelMtu);
        var translator = new KernelActionTranslator(connection.Features, _meters.IsInDevice);
        return translator.TryTranslate(
                in key, true, [new SetTunnelAction(tunnel), new OutputAction(port)], 0,
                out var attributes)
            && Execute(connection, packet, in key, attributes.AsSpan());
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _wake.Set();
        if (Thread.CurrentThread != _supervisor) _supervisor.Join();
        _device.Dispose();
        _wake.Dispose();
        _opened.Dispose();
    }
}
