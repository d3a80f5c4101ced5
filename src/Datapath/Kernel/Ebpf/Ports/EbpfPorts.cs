using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <summary>Ports: devices with a program on them, veth pairs for the host, tunnels.</summary>
/// <remarks>
/// An internal port is a veth pair: its near end has the port's name and is the host's, the program
/// sits on the far end, which nobody else uses. Both outlive the process. Where a tunnel port is,
/// every device that is no port itself has the underlay program, which takes this host's tunnel
/// packets out and lets all others pass.
/// </remarks>
internal sealed class EbpfPorts : IDatapathPorts, IDisposable
{
    private readonly Lock _lock = new();
    private readonly KernelObject _kernel;
    private readonly RouteSocket _routes;
    private readonly Attachments _attachments;
    private readonly GeneveOptions _geneve;
    private readonly SortedDictionary<uint, EbpfPort> _ports = [];
    private readonly HashSet<int> _underlay = [];
    private readonly LinkMonitor? _links;
    private readonly LocalAddresses _locals;
    private readonly PeerShortcuts _shortcuts;
    private HashSet<uint> _unclaimed;
    private bool _isDisposed;

    public EbpfPorts(
        KernelObject kernel, RouteSocket routes, Attachments attachments, GeneveOptions geneve,
        PeerShortcuts shortcuts)
    {
        _kernel = kernel;
        _routes = routes;
        _attachments = attachments;
        _geneve = geneve;
        _shortcuts = shortcuts;
        _locals = new LocalAddresses(kernel, routes);
        _unclaimed = kernel.IsAdopted ? FindAdopted() : [];
        _links = LinkMonitor.TryStart(
            OnLinkChanged, () => NetworkChanged?.Invoke());
    }

    public event Action<DatapathPortEvent>? Changed;

    /// <summary>
    /// A tunnel's sockets were opened, or will be closed: their reader must know.
    /// </summary>
    public event Action<EbpfPort, bool>? TunnelChanged;

    /// <summary>Devices, addresses or routes of the host changed: refresh what is known.</summary>
    public event Action? NetworkChanged;

    /// <summary>When a port was last added, in milliseconds of the system's uptime.</summary>
    public long LastAdded { get; private set; } = Environment.TickCount64;

    /// <summary>Ports of an earlier process that nobody has asked for yet.</summary>
    public int UnclaimedCount
    {
        get
        {
            lock (_lock) return _unclaimed.Count;
        }
    }

    public bool TryAdd(DatapathPortSpec spec, out DatapathPort port, out string error)
    {
        port = null!;
        lock (_lock)
        {
            if (_ports.Values.Any(each => each.Name == spec.Name))
            {
                error = $"could not add network device {spec.Name} to ofproto (File exists)";
                return false;
            }

            EbpfPort? added;
            string reason;
            var isOpen = spec.Kind switch
            {
                DatapathPortKind.System => TryDevice(spec, out added, out reason),
                DatapathPortKind.Internal => TryInternal(spec, out added, out reason),
                DatapathPortKind.Tunnel => TryTunnel(spec, out added, out reason),
                _ => Refuse(out added, out reason),
            };
            if (!isOpen)
            {
                error = reason.Length == 0
                    ? $"could not add network device {spec.Name} to ofproto "
                        + "(Device or resource busy)"
                    : $"could not open network device {spec.Name} ({reason})";
                return false;
            }

            _ports[added!.Number] = added;
            LastAdded = Environment.TickCount64;
            _unclaimed.Remove(added.Number);
            if (added.Tunnel is not null) TunnelChanged?.Invoke(added, true);
            AttachUnderlay();
            port = Describe(added);
            error = "";
            return true;
        }
    }

    public bool Remove(uint number)
    {
        lock (_lock)
        {
            if (!_ports.Remove(number, out var port)) return false;
            Withdraw(number);
            if (port.Tunnel is not null)
            {
                TunnelChanged?.Invoke(port, false);
                if (!_ports.Values.Any(each => each.Tunnel is not null)) DetachUnderlay();
                return true;
            }

            _attachments.Detach(port.Device);
            if (port.Spec.Kind == DatapathPortKind.Internal) _routes.TryDelete(port.Device, out _);
            else AttachUnderlay();
            return true;
        }
    }

    public ImmutableArray<DatapathPort> Dump()
    {
        lock (_lock) return [.. _ports.Values.Select(Describe)];
    }

    public PortStatistics? Statistics(uint number)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out var port)) return null;
            // Of a device the programs count only what never went through it.
            ref var counts = ref _kernel.Ports[(int)number];
            var slow = port.Tunnel is { } tunnel
                ? tunnel.Statistics()
                : _routes.FindLink(port.Device)?.Statistics
                    ?? new PortStatistics(0, 0, 0, 0, 0, 0, 0, 0);
            return slow with
            {
                RxPackets = slow.RxPackets + counts.RxPackets,
                RxBytes = slow.RxBytes + counts.RxBytes,
                TxPackets = slow.TxPackets + counts.TxPackets,
                TxBytes = slow.TxBytes + counts.TxBytes,
            };
        }
    }

    /// <summary>Devices where tunnel packets are taken out, hidden ones aside.</summary>
    public ImmutableArray<string> Underlay()
    {
        lock (_lock)
        {
            return
            [
                .. _underlay.Select(index => _routes.FindLink(index)).OfType<LinkState>()
                    .Where(link => !HiddenDevice.Is(link.Name))
                    .Select(link => link.Name).Order(StringComparer.Ordinal),
            ];
        }
    }

    /// <summary>The host's own ends of internal ports.</summary>
    public HashSet<int> InternalDevices()
    {
        lock (_lock)
        {
            return
            [
                .. _ports.Values.Where(port => port.Spec.Kind == DatapathPortKind.Internal)
                    .Select(port => NetworkDevice.Read(port.Name)?.Index ?? 0),
            ];
        }
    }

    public EbpfPort? Find(uint number)
    {
        lock (_lock) return _ports.GetValueOrDefault(number);
    }

    public ImmutableArray<uint> Numbers
    {
        get
        {
            lock (_lock) return [.. _ports.Keys];
        }
    }

    /// <summary>Removes what an earlier process left and nobody has claimed.</summary>
    public int DropUnclaimed()
    {
        lock (_lock)
        {
            var count = _unclaimed.Count;
            foreach (var number in _unclaimed)
            {
                var device = (int)_kernel.Ports[(int)number].Device;
                Withdraw(number);
                if (device == 0 || _routes.FindLink(device) is not { } link) continue;
                _attachments.TryAttach(device, _kernel.UnderlayProgram, false, out _);
                _attachments.Detach(device);
                if (IsHidden(link)) _routes.TryDelete(device, out _);
            }

            _unclaimed = [];
            return count;
        }
    }

    /// <summary>The host's own addresses and the ports' far ends: once a second.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            if (_ports.Values.Any(each => each.Tunnel is not null)) _locals.Refresh();
            _shortcuts.Refresh(_ports.Values);
        }
    }

    private static bool Refuse(out EbpfPort? port, out string error)
    {
        (port, error) = (null, "Address family not supported by protocol");
        return false;
    }

    private bool TryDevice(DatapathPortSpec spec, out EbpfPort? port, out string error)
    {
        port = null;
        if (NetworkDevice.Read(spec.Name) is not { } state)
        {
            error = "No such device";
            return false;
        }

        error = "";
        if (!TryChooseNumber(spec, AdoptedNumber(state.Index), out var number)) return false;
        _routes.TrySetFlags(state.Index, flags: 0x100, which: 0x100);
        if (!TryPublish(number, state.Index, out error)) return false;
        port = new EbpfPort(spec, number, state.Index);
        _shortcuts.Refresh(port);
        return true;
    }

    private bool TryInternal(DatapathPortSpec spec, out EbpfPort? port, out string error)
    {
        port = null;
        error = "";
        var near = NetworkDevice.Read(spec.Name);
        if (near is null)
        {
            if (spec.Name.Length is 0 or > NetworkDevice.NameSizeMax)
            {
                error = $"{spec.Name}: a device name has 1 to {NetworkDevice.NameSizeMax} bytes";
                return false;
            }

            if (!_routes.TryAddPair(
                    spec.Name, HiddenDevice.NameOf(spec.Name), spec.Mac, out error))
            {
                return false;
            }

            near = NetworkDevice.Read(spec.Name);
        }

        var far = NetworkDevice.Read(HiddenDevice.NameOf(spec.Name));
        if (near is null || far is null)
        {
            error = "File exists";
            return false;
        }

        if (spec.Mac is { } mac && near.Mac != mac) _routes.TrySetMac(near.Index, mac);
        if (spec.Mtu is { } mtu && near.Mtu != mtu) _routes.TrySetMtu(near.Index, mtu);
        _routes.TrySetMtu(far.Index, 65_535);
        _routes.TrySetFlags(near.Index, 1, 1);
        _routes.TrySetFlags(far.Index, 1, 1);
        if (!TryChooseNumber(spec, AdoptedNumber(far.Index), out var number)) return false;
        if (!TryPublish(number, far.Index, out error)) return false;
        port = new EbpfPort(spec, number, far.Index);
        return true;
    }

    private bool TryTunnel(DatapathPortSpec spec, out EbpfPort? port, out string error)
    {
        port = null;
        error = "";
        var tunnel = spec.Tunnel;
        uint? adopted = null;
        var slot = tunnel?.Kind == TunnelKind.Gre ? 0 : tunnel?.DestinationPort ?? 0;
        if (_kernel.TunnelPorts[slot] is not 0 and var old && _unclaimed.Contains(old))
        {
            adopted = old;
        }

        if (!TryChooseNumber(spec, adopted, out var number)) return false;
        if (!TunnelPort.TryOpen(spec, number, _geneve, out var sockets, out error)) return false;
        var kind = tunnel switch
        {
            { Kind: TunnelKind.Geneve } => KernelPortKind.Geneve,
            { Kind: TunnelKind.Vxlan, HasGbp: false, HasGpe: false } => KernelPortKind.Vxlan,
            { Kind: TunnelKind.Gre } => KernelPortKind.Gre,
            _ => KernelPortKind.Slow,
        };
        ref var entry = ref _kernel.Ports[(int)number];
        if (adopted is null) entry = default;
        entry.TunnelPortWire = BinaryPrimitives.ReverseEndianness(tunnel!.DestinationPort);
        entry.Kind = kind;
        if (kind != KernelPortKind.Slow) _kernel.TunnelPorts[slot] = number;
        port = new EbpfPort(spec, number, 0) { Tunnel = sockets };
        return true;
    }

    private bool TryPublish(uint number, int device, out string error)
    {
        _underlay.Remove(device);
        ref var entry = ref _kernel.Ports[(int)number];
        if (entry.Device != (uint)device || entry.Kind != KernelPortKind.Device) entry = default;
        entry.Device = (uint)device;
        entry.Kind = KernelPortKind.Device;
        _kernel.Devices[device & 0xFFFF] = new KernelDevicePort
        {
            Device = (uint)device,
            Port = number,
        };
        if (_attachments.TryAttach(device, _kernel.PortProgram, isEgress: false, out error))
        {
            return true;
        }

        Withdraw(number);
        return false;
    }

    private void Withdraw(uint number)
    {
        ref var entry = ref _kernel.Ports[(int)number];
        ref var device = ref _kernel.Devices[(int)(entry.Device & 0xFFFF)];
        if (device.Port == number) device = default;
        for (var slot = 0; slot < _kernel.TunnelPorts.Count; slot++)
        {
            if (_kernel.TunnelPorts[slot] == number) _kernel.TunnelPorts[slot] = 0;
        }

        entry = default;
    }

    private uint? AdoptedNumber(int device)
    {
        var entry = _kernel.Devices[device & 0xFFFF];
        return entry.Device == (uint)device && _unclaimed.Contains(entry.Port)
            ? entry.Port
            : null;
    }

    private HashSet<uint> FindAdopted()
    {
        var found = new HashSet<uint>();
        for (var number = 1; number < _kernel.Ports.Count; number++)
        {
            if (_kernel.Ports[number].Kind != KernelPortKind.None) found.Add((uint)number);
        }

        return found;
    }

    private bool TryChooseNumber(DatapathPortSpec spec, uint? adopted, out uint number)
    {
        number = adopted ?? 0;
        if (spec.Number is { } wanted)
        {
            number = wanted;
            if (wanted == adopted) return true;
            return wanted is > 0 and <= DatapathLimits.PortNumberMax && IsFree(wanted);
        }

        if (adopted is not null) return true;
        for (number = 1; number <= DatapathLimits.PortNumberMax; number++)
        {
            if (IsFree(number)) return true;
        }

        return false;
    }

    private bool IsFree(uint number) =>
        !_ports.ContainsKey(number) && !_unclaimed.Contains(number);

    private bool IsHidden(LinkState link) =>
        link.Peer != 0 && _routes.FindLink(link.Peer) is { } near
        && link.Name == HiddenDevice.NameOf(near.Name);

    private void AttachUnderlay()
    {
        if (!_ports.Values.Any(port => port.Tunnel is not null)) return;
        foreach (var link in _routes.Links()) AttachUnderlay(link);
        _locals.Refresh();
    }

    private void AttachUnderlay(LinkState link)
    {
        if (link.IsLoopback || link.Name.StartsWith("fxi", StringComparison.Ordinal)) return;
        if (_underlay.Contains(link.Index)) return;
        if (_kernel.Devices[link.Index & 0xFFFF].Device == (uint)link.Index) return;
        if (_attachments.TryAttach(link.Index, _kernel.UnderlayProgram, false, out _))
        {
            _underlay.Add(link.Index);
        }
    }

    private void DetachUnderlay()
    {
        foreach (var device in _underlay) _attachments.Detach(device);
        _underlay.Clear();
    }

    private DatapathPort Describe(EbpfPort port)
    {
        if (port.Tunnel is { } tunnel) return tunnel.Describe();
        var state = NetworkDevice.Read(port.Name);
        var index = state?.Index ?? port.Device;
        return new DatapathPort(
            port.Number, port.Name, port.Spec.Kind,
            port.Spec.Kind == DatapathPortKind.Internal ? "internal" : "system", index,
            state?.Mac ?? default, state?.Mtu ?? 0, state?.IsAdminUp ?? false,
            state?.IsLinkUp ?? false, LinkSpeed: 0);
    }

    private void OnLinkChanged(LinkNotification link)
    {
        DatapathPortEvent? news = null;
        lock (_lock)
        {
            if (_isDisposed) return;
            if (link.IsGone) _underlay.Remove(link.Index);
            var port = _ports.Values.FirstOrDefault(
                each => each.Tunnel is null && each.Name == link.Name);
            if (port is null)
            {
                if (!link.IsGone) AttachUnderlay();
                return;
            }

            news = link.IsGone ? Lose(port, link.Index) : Regain(port, link.Index);
        }

        if (news is not null) Changed?.Invoke(news);
    }

    private DatapathPortEvent? Lose(EbpfPort port, int index)
    {
        if (port.Spec.Kind == DatapathPortKind.System && port.Device != index) return null;
        var described = Describe(port);
        _attachments.Detach(port.Device);
        return new DatapathPortEvent(DatapathPortChange.Removed, described);
    }

    private DatapathPortEvent? Regain(EbpfPort port, int index)
    {
        if (port.Spec.Kind != DatapathPortKind.System || port.Device == index)
        {
            return new DatapathPortEvent(DatapathPortChange.Changed, Describe(port));
        }

        Withdraw(port.Number);
        _attachments.Detach(port.Device);
        _attachments.Detach(index);
        port.Device = index;
        _routes.TrySetFlags(index, flags: 0x100, which: 0x100);
        if (!TryPublish(port.Number, index, out _)) return null;
        _shortcuts.Refresh(port);
        return new DatapathPortEvent(DatapathPortChange.Added, Describe(port));
    }

    /// <summary>Takes the devices away that were made for ports.</summary>
    public void DeleteDevices()
    {
        lock (_lock)
        {
            foreach (var port in _ports.Values)
            {
                if (port.Spec.Kind == DatapathPortKind.Internal)
                {
                    _routes.TryDelete(port.Device, out _);
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_lock) _isDisposed = true;
        _links?.Dispose();
        foreach (var port in _ports.Values) port.Tunnel?.Dispose();
    }
}
