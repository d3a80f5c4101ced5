using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath;

/// <content>Ports: adding, removing, and what becomes of their devices.</content>
public sealed partial class UserspaceDatapath : IDatapathPorts
{
    private readonly Lock _portsLock = new();
    private ulong _dummyMac = 0xAA55_AA55_0001; // ...00 is ovs-dummy's own device.
    private LinkMonitor? _links;

    public event Action<DatapathPortEvent>? Changed;

    public bool TryAdd(DatapathPortSpec spec, out DatapathPort port, out string error)
    {
        port = null!;
        lock (_portsLock)
        {
            if (FindPort(spec.Name) is not null)
            {
                error = $"could not add network device {spec.Name} to ofproto (File exists)";
                return false;
            }

            if (!TryChooseNumber(spec, out var number))
            {
                error = $"could not add network device {spec.Name} to ofproto "
                    + "(Device or resource busy)";
                return false;
            }

            if (!TryOpen(spec, number, out var opened, out var reason))
            {
                error = $"could not open network device {spec.Name} ({reason})";
                return false;
            }

            Publish(opened!);
            port = opened!.Describe();
            error = "";
            return true;
        }
    }

    /// <summary>
    /// Gives a memory or dummy port another number, as if it was taken away and added again; what
    /// it kept for its reader is gone. False when there is no such port or the number is taken.
    /// </summary>
    public bool TryChangeNumber(string name, uint number)
    {
        DatapathPort before, after;
        lock (_portsLock)
        {
            if (FindPort(name) is not { } port || Innermost(port) is not MemoryPort) return false;
            if (number is 0 or > DatapathLimits.PortNumberMax || _core.Ports[number] is not null)
            {
                return false;
            }

            before = port.Describe();
            var spec = port.Spec with { Number = number, Mac = before.Mac };
            if (!TryOpen(spec, number, out var fresh, out _)) return false;
            Withdraw(port);
            Publish(fresh!);
            after = fresh!.Describe();
        }

        Changed?.Invoke(new DatapathPortEvent(DatapathPortChange.Removed, before));
        Changed?.Invoke(new DatapathPortEvent(DatapathPortChange.Added, after));
        return true;
    }

    public bool Remove(uint number)
    {
        lock (_portsLock)
        {
            if (_core.Ports[number] is not { } port) return false;
            Withdraw(port);
            return true;
        }
    }

    public ImmutableArray<DatapathPort> Dump() =>
        [.. _core.Ports.All.Select(port => port.Describe())];

    public PortStatistics? Statistics(uint number) => _core.Ports[number]?.Statistics();

    /// <summary>
    /// The memory or dummy port of this name, for tests and tools; null when none is.
    /// </summary>
    public MemoryPort? FindMemoryPort(string name) =>
        FindPort(name) is { } port ? Innermost(port) as MemoryPort : null;

    /// <summary>Options of a port that is there: memory and dummy ports take up changes.</summary>
    public void Reconfigure(DatapathPortSpec spec) =>
        FindMemoryPort(spec.Name)?.Reconfigure(spec);

    private static PacketPort Innermost(PacketPort port) =>
        port is FaultPort fault ? fault.Inner : port;

    private PacketPort? FindPort(string name) =>
        _core.Ports.All.FirstOrDefault(port => port.Name == name);

    private bool TryOpen(
        DatapathPortSpec spec, uint number, out PacketPort? port, out string error)
    {
        port = null;
        FaultPlan? plan = null;
        var text = spec.Options?.GetValueOrDefault("fault");
        if (text is not null && !FaultPlan.TryParse(text, out plan, out error)) return false;
        if (!TryOpenPlain(spec, number, out port, out error)) return false;
        if (plan is not null) port = new FaultPort(port!, plan);
        return true;
    }

    private bool TryOpenPlain(
        DatapathPortSpec spec, uint number, out PacketPort? port, out string error)
    {
        error = "";
        if (_options.IsDummy || spec.Kind is DatapathPortKind.Memory or DatapathPortKind.Dummy)
        {
            var memory = new MemoryPort(
                spec, number, MacBytes.FromUInt64(_dummyMac++), ReceiveInMemory);
            memory.AdminStateChanged += changed => Changed?.Invoke(
                new DatapathPortEvent(DatapathPortChange.Changed, changed.Describe()));
            port = memory;
            return true;
        }

        switch (spec.Kind)
        {
            case DatapathPortKind.System
                when spec.Options?.GetValueOrDefault("xdp-mode") is { } mode:
                var isXdpOpen = XdpPort.TryOpen(spec, number, mode, out var xdp, out error);
                port = xdp;
                return isXdpOpen;
            case DatapathPortKind.System:
                var isOpen = SystemPort.TryOpen(spec, number, out var system, out error);
                port = system;
                return isOpen;
            case DatapathPortKind.Internal or DatapathPortKind.Tap:
                isOpen = TapPort.TryOpen(spec, number, out var tap, out error);
                port = tap;
                return isOpen;
            case DatapathPortKind.Tunnel when spec.Tunnel is { Kind: TunnelKind.Stt }:
                isOpen = SttPort.TryOpen(spec, number, out var stt, out error);
                port = stt;
                return isOpen;
            case DatapathPortKind.Tunnel:
                isOpen = TunnelPort.TryOpen(
                    spec, number, GeneveOptions, out var tunnel, out error);
                port = tunnel;
                return isOpen;
            default:
                port = null;
                error = "Address family not supported by protocol";
                return false;
        }
    }

    /// <remarks>Port 0 is the datapath's own (ovs-netdev) and never given away.</remarks>
    private bool TryChooseNumber(DatapathPortSpec spec, out uint number)
    {
        if (spec.Number is { } wanted)
        {
            number = wanted;
            return wanted is > 0 and <= DatapathLimits.PortNumberMax
                && _core.Ports[wanted] is null;
        }

        if (_options.IsDummy && DummyNumber(spec.Name) is { } byName
            && _core.Ports[byName] is null)
        {
            number = byName;
            return true;
        }

        for (number = 1; number <= DatapathLimits.PortNumberMax; number++)
        {
            if (_core.Ports[number] is null) return true;
        }

        return false;
    }

    /// <summary>OVS's rule: the digits of the name, plus 100 when it starts with "br".</summary>
    private static uint? DummyNumber(string name)
    {
        var start = name.AsSpan().IndexOfAnyInRange('0', '9');
        if (start < 0) return null;
        var digits = name.AsSpan(start);
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        if (end >= 0) digits = digits[..end];
        if (!uint.TryParse(digits, out var number)) return null;
        if (name.StartsWith("br", StringComparison.Ordinal)) number += 100;
        return number is > 0 and <= DatapathLimits.PortNumberMax ? number : null;
    }

    private void Publish(PacketPort port)
    {
        _core.Ports.Set(port.Number, port);
        _placement.Add(port);
    }

    /// <summary>Takes a port away from all threads, then closes it.</summary>
    private void Withdraw(PacketPort port)
    {
        _core.Ports.Set(port.Number, null);
        _placement.Remove(port);

        // A packet thread that removes a port cannot wait for itself.
        if (_insideDepth == 0 && !_threads.Any(t => t.IsCurrent))
        {
            WaitUntilUnseen();
            port.Dispose();
            return;
        }

        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                WaitUntilUnseen();
                port.Dispose();
            },
            null);
    }

    private void StartWatching()
    {
        _links = LinkMonitor.TryStart(OnLinkChanged);
    }

    private void StopWatching() => _links?.Dispose();

    /// <summary>A device changed: tell whoever owns its port; reopen one that came back.</summary>
    private void OnLinkChanged(LinkNotification link)
    {
        DatapathPortEvent? news = null;
        lock (_portsLock)
        {
            if (_isDisposed != 0 || FindPort(link.Name) is not { } port) return;
            if (Innermost(port) is not (SystemPort or TapPort)) return;
            var described = port.Describe();
            if (link.IsGone)
            {
                if (described.InterfaceIndex != link.Index) return;
                news = new DatapathPortEvent(DatapathPortChange.Removed, described);
            }
            else if (Innermost(port) is SystemPort && described.InterfaceIndex != link.Index)
            {
                Withdraw(port);
                if (!TryOpen(port.Spec, port.Number, out var fresh, out _)) return;
                Publish(fresh!);
                news = new DatapathPortEvent(DatapathPortChange.Added, fresh!.Describe());
            }
            else
            {
                news = new DatapathPortEvent(DatapathPortChange.Changed, described);
            }
        }

        Changed?.Invoke(news);
    }
}
