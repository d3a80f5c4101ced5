using System.Collections.Immutable;
using System.Globalization;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>
/// Forwarding in the kernel by eBPF programs (driver/ebpf), programmed from here.
/// </summary>
/// <remarks>
/// The first packet of a flow comes up, is decided, and goes back with its flow's steps; the rest
/// never leave the kernel. What the kernel's programs cannot do comes up too, for that flow alone.
/// With a pin folder programs, maps, ports and connections outlive the process: the next one takes
/// them over (<see cref="AdoptedFlows"/>), and removes what it does not want
/// (<see cref="Settle"/>).
/// </remarks>
public sealed partial class EbpfDatapath
    : IDatapathProvider, IRestorableDatapath, IDescribedDatapath
{
    private static readonly TimeSpan HousekeepingPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ChangePause = TimeSpan.FromMilliseconds(20);

    /// <summary>After this long without a change of ports, what nobody claimed goes.</summary>
    private const long SettleMilliseconds = 15_000;

    private readonly EbpfOptions _options;
    private readonly KernelObject _kernel;
    private readonly RouteSocket _routes;
    private readonly Attachments _attachments;
    private readonly Injector _injector;
    private readonly RowTable _rows;
    private readonly EbpfFlows _flows;
    private readonly EbpfSlowPath _slowPath;
    private readonly UnderlayNeighbours _neighbours;
    private readonly UserspaceDatapath _managed;
    private readonly MemoryPort _collector;
    private readonly int _injectDevice;
    private readonly ManualResetEvent _stop = new(initialState: false);
    private readonly AutoResetEvent _networkChanged = new(initialState: false);
    private readonly Thread _housekeeping;
    private volatile IUpcallHandler? _handler;
    private volatile bool _isRestoring;
    private ulong _fullCountTold;
    private long _warnedAt;
    private int _isDisposed;
    private bool _isUninstalled;

    [ThreadStatic] private static PacketBuffer? _collected;

    private EbpfDatapath(
        EbpfOptions options, KernelObject kernel, RouteSocket routes, Attachments attachments,
        Injector injector, int injectDevice)
    {
        _options = options;
        _kernel = kernel;
        _routes = routes;
        _attachments = attachments;
        _injector = injector;
        _injectDevice = injectDevice;
        var policies = new ConntrackPolicies(kernel);
        Specs = new StepSpecs(kernel, new TunnelRoutes(routes), policies);
        Tracker = new EbpfConntrack(kernel, policies);
        Meters = new EbpfMeters(kernel);
        _rows = new RowTable(kernel);
        _flows = new EbpfFlows(kernel, _rows, Specs, options.FlowsMax);
        _managed = new UserspaceDatapath(
            "slow", new UserspaceDatapathOptions { IsDummy = true, Clock = options.Clock });
        _managed.Ports.TryAdd(
            new DatapathPortSpec("collector", DatapathPortKind.Memory), out var port, out _);
        _collector = _managed.FindMemoryPort("collector")!;
        CollectorNumber = port.Number;
        _collector.TakesOffloads = true;
        _collector.Transmitted += Collect;
        PortsOf = new EbpfPorts(
            kernel, routes, attachments, _managed.GeneveOptions,
            new PeerShortcuts(kernel, routes, options.IsWithoutShortcuts));
        _neighbours = new UnderlayNeighbours(routes, PortsOf, Specs);
        PortsOf.NetworkChanged += () => _networkChanged.Set();
        _slowPath = new EbpfSlowPath(this, kernel);
        Tracker.Fragments = _slowPath.Fragments.Settings;
        Tracker.Channels = _slowPath.Channels;
        PortsOf.TunnelChanged += OnTunnelChanged;
        _slowPath.Start();
        _housekeeping = new Thread(KeepHouse) { IsBackground = true, Name = "ebpf-house" };
        _housekeeping.Start();
    }

    public string ProviderName => "ebpf";
    public string Name => "system@ovs-system";

    public DatapathCapabilities Capabilities { get; } = new();

    public IDatapathPorts Ports => PortsOf;
    public IDatapathFlows Flows => _flows;
    public IDatapathConntrack Conntrack => Tracker;
    public IDatapathMeters Meters { get; }

    public IUpcallHandler? UpcallHandler
    {
        set => _handler = value;
    }

    /// <summary>
    /// Hears faults of the upcall handler; without a listener they end the process.
    /// </summary>
    public Action<Exception>? Faulted { get; set; }

    /// <summary>Hears of what costs speed, once a minute at most: a table is full.</summary>
    public Action<string>? Warned { get; set; }

    /// <summary>"tcx" or "clsact": how programs are attached.</summary>
    public string AttachKind => _attachments.Kind;

    public bool IsRestoring
    {
        get => _isRestoring;
        set
        {
            if (_isRestoring == value) return;
            _isRestoring = value;
            if (!value) Settle();
        }
    }

    /// <summary>Flows that an earlier process left at work.</summary>
    public int AdoptedFlows => _flows.AdoptedCount;

    /// <summary>Connections that came out of maps of another layout.</summary>
    public int CarriedConnections => _kernel.CarriedCount;

    /// <summary>Flows in the kernel's tables, and flows that had to stay out of them.</summary>
    public (int InKernel, ulong Slow) FlowPlaces => (_flows.KernelCount, _flows.SlowCount);

    /// <summary>Upcalls handled since the start.</summary>
    public long UpcallsHandled => _slowPath.Handled;

    /// <summary>Upcalls that the kernel sent and nobody has handled yet.</summary>
    public long UpcallsPending
    {
        get
        {
            long sent = 0;
            foreach (var number in PortsOf.Numbers)
            {
                ref var port = ref _kernel.Ports[(int)number];
                sent += Volatile.Read(ref port.UpcallsSent) - Volatile.Read(ref port.UpcallsDone);
            }

            return sent;
        }
    }

    internal IUpcallHandler? Handler => _handler;
    internal StepSpecs Specs { get; }
    internal EbpfConntrack Tracker { get; }
    internal EbpfPorts PortsOf { get; }
    internal KernelObject Kernel => _kernel;
    private uint CollectorNumber { get; }

    public ImmutableArray<string> Details()
    {
        var (inKernel, slow) = FlowPlaces;
        var lines = ImmutableArray.CreateBuilder<string>();
        lines.Add($"programs: attached by {AttachKind}, "
            + (_options.PinFolder is { } pins ? $"pinned at {pins}" : "not pinned"));
        lines.Add(string.Create(CultureInfo.InvariantCulture,
            $"flows in the kernel: {inKernel}, of an earlier process: {AdoptedFlows}, "
                + $"kept out since the start: {slow}"));
        var (flowBytes, allBytes) = MapBytes();
        lines.Add(string.Create(CultureInfo.InvariantCulture,
            $"memory of maps: {allBytes / 1e6:F0} MB, of these for flows: {flowBytes / 1e6:F0}"));
        if (IsRestoring) lines.Add("flow-restore-wait: nothing new is decided");
        foreach (var link in PortsOf.Underlay())
        {
            if (TunnelOffloads.Of(link) is { } offload) lines.Add($"underlay {link}: {offload}");
        }

        return lines.ToImmutable();
    }

    /// <summary>What is missing for the programs to be loaded here; null: try it.</summary>
    public static string? ProblemHere()
    {
        if (!OperatingSystem.IsLinux()) return "eBPF programs need Linux";
        return KernelObject.FindProblem();
    }

    /// <summary>
    /// Loads the programs and lets them go again: what the verifier says of each, a line a program.
    /// </summary>
    public static ImmutableArray<string> Verify(out string error) =>
        KernelObject.Verify(out error);

    /// <summary>Loads the programs; on failure 'error' says in one line what is missing.</summary>
    public static bool TryOpen(EbpfOptions options, out EbpfDatapath? datapath, out string error)
    {
        datapath = null;
        if (!OperatingSystem.IsLinux())
        {
            error = "eBPF programs need Linux";
            return false;
        }

        if (KernelObject.TryLoad(options, out error) is not { } kernel) return false;
        var routes = RouteSocket.TryOpen(out error);
        if (routes is not null)
        {
            var attachments = new Attachments(options.PinFolder, options.IsWithoutTcx);
            if (TryMakeInjectDevice(options, kernel, routes, attachments, out var device, out error)
                && Injector.TryOpen(kernel, device, out error) is { } injector)
            {
                datapath = new EbpfDatapath(
                    options, kernel, routes, attachments, injector, device);
                return true;
            }

            attachments.Dispose();
            routes.Dispose();
        }

        kernel.Dispose();
        return false;
    }

    /// <summary>The packet's bytes are as before when this returns.</summary>
    public void Execute(
        PacketBuffer packet, in FlowKey key, ImmutableArray<DatapathAction> actions)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        Run(packet, in key, actions.IsDefault ? [] : actions, tunnel: 0, passes: 0);
    }

    public ImmutableArray<ulong> DropCounts()
    {
        var totals = new ulong[DropReasons.Count];
        for (var slot = 0; slot < KernelAbi.CounterCpus; slot++)
        {
            for (var i = 0; i < totals.Length; i++)
            {
                totals[i] += _kernel.Counters[slot][KernelAbi.CounterFirstDrop + i];
            }
        }

        _slowPath.Drops.AddTo(totals);
        totals[(int)DropReason.ConntrackAlg] += _slowPath.Channels.Refused;
        var managed = _managed.DropCounts();
        for (var i = 0; i < totals.Length; i++) totals[i] += managed[i];
        return [.. totals];
    }

    public DatapathStatistics Statistics()
    {
        Span<ulong> sums = stackalloc ulong[5];
        for (var slot = 0; slot < KernelAbi.CounterCpus; slot++)
        {
            for (var i = 0; i < sums.Length; i++) sums[i] += _kernel.Counters[slot][i];
        }

        return new DatapathStatistics(
            sums[0] + sums[4], sums[1], sums[2], (ulong)_flows.Count, sums[3],
            (uint)_flows.MaskCount, sums[4]);
    }

    /// <summary>Memory of maps in the kernel, in bytes: those that hold flows, and all.</summary>
    public (ulong Flows, ulong All) MapBytes() => (
        _kernel.MapBytes(
            "fabric_rows", "fabric_flow_counts", "fabric_megaflows", "fabric_masks",
            "fabric_orders", "fabric_cache"),
        _kernel.MapBytes());

    /// <summary>Packets that the programs put into a tunnel or took out of it.</summary>
    internal ulong KernelTunnelPackets(uint port) =>
        _kernel.Ports[(int)port].RxPackets + _kernel.Ports[(int)port].TxPackets;

    /// <summary>
    /// Ends the take-over: flows and ports of an earlier process that nobody claimed go away.
    /// Happens by itself a while after ports last changed.
    /// </summary>
    public void Settle()
    {
        _flows.DropAdopted();
        PortsOf.DropUnclaimed();
    }

    /// <summary>Takes programs, pins and made devices away when this is closed.</summary>
    public void Uninstall() => _isUninstalled = true;

    private static void Collect(PacketBuffer packet)
    {
        var copy = new PacketBuffer(packet.Size);
        copy.CopyFrom(packet);
        _collected = copy;
    }

    private void OnTunnelChanged(EbpfPort port, bool isAdded)
    {
        if (isAdded)
        {
            _slowPath.Add(port);
            return;
        }

        _slowPath.Remove(port);
        port.Tunnel!.Dispose();
    }

    private void KeepHouse()
    {
        var due = Environment.TickCount64;
        WaitHandle[] causes = [_stop, _networkChanged];
        while (true)
        {
            var cause = WaitHandle.WaitAny(causes, HousekeepingPeriod);
            if (cause == 0) return;
            PortsOf.Refresh();
            Specs.RefreshTunnels();
            if (cause == 1)
            {
                // Many changes at once are one; what is due each second is due all the same.
                if (_stop.WaitOne(ChangePause)) return;
                if (Environment.TickCount64 < due) continue;
            }

            due = Environment.TickCount64 + (long)HousekeepingPeriod.TotalMilliseconds;
            Tracker.Sweep();
            _slowPath.Sweep(Now());
            _flows.KeepHouse();
            _neighbours.KeepAlive();
            WarnIfFull();
            if (!_isRestoring && _flows.AdoptedCount + PortsOf.UnclaimedCount > 0
                && Environment.TickCount64 - PortsOf.LastAdded > SettleMilliseconds)
            {
                Settle();
            }
        }
    }

    private void WarnIfFull()
    {
        const long WarningMilliseconds = 60_000;

        if (_flows.FullCount == _fullCountTold || Warned is not { } warned) return;
        if (_fullCountTold > 0 && Environment.TickCount64 - _warnedAt < WarningMilliseconds) return;
        _fullCountTold = _flows.FullCount;
        _warnedAt = Environment.TickCount64;
        var count = _fullCountTold.ToString(CultureInfo.InvariantCulture);
        warned($"no room in the kernel's tables for {count} flows since the start: "
            + "their packets take the slow path");
    }

    internal long Now() => Math.Max(
        1, _options.Clock.GetTimestamp() / Math.Max(1, _options.Clock.TimestampFrequency / 1000));

    /// <summary>The veth pair that packets from here go into: one end is enough.</summary>
    private static bool TryMakeInjectDevice(
        EbpfOptions options, KernelObject kernel, RouteSocket routes, Attachments attachments,
        out int device, out string error)
    {
        device = 0;
        var name = InjectName(options);
        var state = NetworkDevice.Read(name + "a");
        if (state is null)
        {
            if (!routes.TryAddPair(name + "b", name + "a", mac: null, out error))
            {
                error = $"no device to send packets from: {error}";
                return false;
            }

            state = NetworkDevice.Read(name + "a");
        }

        if (state is null || NetworkDevice.Read(name + "b") is not { } far)
        {
            error = $"the device {name}a vanished";
            return false;
        }

        device = state.Index;
        foreach (var index in (int[])[far.Index, device])
        {
            routes.TrySetMtu(index, 65_535);
            routes.TrySetFlags(index, 1, 1);
        }

        kernel.Settings[0].InjectDevice = (uint)device;
        return attachments.TryAttach(device, kernel.InjectProgram, isEgress: true, out error);
    }

    private static int _opened;

    private static string InjectName(EbpfOptions options)
    {
        if (options.PinFolder is not { } pins)
        {
            var process = Environment.ProcessId % 10_000_000;
            var number = Interlocked.Increment(ref _opened) % 4096;
            return string.Create(CultureInfo.InvariantCulture, $"fxi{process:x}{number:x}");
        }

        var hash = 2166136261u;
        foreach (var c in pins) hash = (hash ^ c) * 16777619;
        return $"fxi{hash:x8}";
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _stop.Set();
        _housekeeping.Join();
        _slowPath.Dispose();
        if (_isUninstalled || _options.PinFolder is null || !_options.IsKeptOnClose)
        {
            _attachments.DetachAll();
            PortsOf.DeleteDevices();
            _routes.TryDelete(_injectDevice, out _);
            if (_options.PinFolder is { } pins) EbpfPins.Remove(pins);
        }

        PortsOf.Dispose();
        _managed.Dispose();
        _injector.Dispose();
        _attachments.Dispose();
        _routes.Dispose();
        _kernel.Dispose();
        _stop.Dispose();
        _networkChanged.Dispose();
    }
}
