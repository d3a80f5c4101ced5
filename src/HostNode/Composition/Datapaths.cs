using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.HostNode.Windows;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.HostNode.Composition;

/// <summary>Opens datapaths by type: what "system" means is the settings' word.</summary>
internal sealed class Datapaths(
    HostSettings settings, Vlog log, TimeProvider time, Action<ConntrackAttached> attach)
{
    private ImmutableArray<IDatapathProvider> _open = [];

    private bool _isRestoring;

    public ImmutableArray<IDatapathProvider> Open => _open;

    /// <summary>Says to all datapaths, later ones too, whether flows are restored now.</summary>
    public void Restore(bool isRestoring)
    {
        _isRestoring = isRestoring;
        foreach (var provider in _open.OfType<IRestorableDatapath>())
        {
            provider.IsRestoring = isRestoring;
        }
    }

    /// <summary>
    /// Why the provider that the settings name for "system" cannot be used here; null: it can.
    /// </summary>
    public static string? ProblemOf(HostSettings settings) => settings.SystemDatapath switch
    {
        "" or "userspace" => null,
        "ebpf" => EbpfDatapath.ProblemHere() is { } problem
            ? $"datapath provider ebpf cannot be used here: {problem}"
            : null,
        "ovsext" when OperatingSystem.IsWindows() => null,
        "genetlink" when OperatingSystem.IsLinux() => null,
        "emulator" => null,
        var other => $"datapath provider {other} is not for this system: "
            + "use ebpf, userspace or emulator, or leave fabric.datapath.system empty",
    };

    /// <summary>The tracker of the datapath that was opened first.</summary>
    public IDatapathConntrack? Tracker =>
        _open is [var first, ..] ? first.Conntrack : null;

    public IEnumerable<ConntrackAttached> Attached =>
        _open.Take(1).Select(provider => new ConntrackAttached(provider.Conntrack));

    public bool TryOpen(string type, out IDatapathProvider provider, out string error)
    {
        provider = null!;
        error = "";
        switch (type)
        {
            case "system" when ProblemOf(settings) is null:
                if (!TryOpenSystem(out provider, out error)) return false;
                break;
            case "netdev":
                provider = Managed("netdev@ovs-netdev", isDummy: false);
                break;
            case "dummy":
                provider = Managed("dummy@ovs-dummy", isDummy: true);
                break;
            default:
                error = type == "system"
                    ? ProblemOf(settings)!
                    : $"unknown datapath type {type}";
                return false;
        }

        if (provider is IRestorableDatapath restorable) restorable.IsRestoring = _isRestoring;
        _open = _open.Add(provider);
        if (_open.Length == 1) attach(new ConntrackAttached(provider.Conntrack));
        return true;
    }

    /// <summary>The provider that was named, else the best that can be had.</summary>
    private bool TryOpenSystem(out IDatapathProvider provider, out string error)
    {
        error = "";
        if (settings.SystemDatapath == "ebpf")
        {
            if (TryOpenEbpf(out provider, out error)) return true;
            error = $"datapath provider ebpf cannot be used here: {error}";
            log.Write("datapath", VlogLevel.Emer, error);
            return false;
        }

        var kind = settings.SystemDatapath;
        if (kind == "" && OperatingSystem.IsWindows()) kind = "ovsext";
        if (OvsNetlinkProviders.IsKnown(kind)) return TryOpenNetlink(kind, out provider, out error);

        if (kind == "" && OperatingSystem.IsLinux())
        {
            if (EbpfDatapath.ProblemHere() is not { } problem)
            {
                if (TryOpenEbpf(out provider, out problem)) return true;
            }

            log.Write("datapath", VlogLevel.Warn,
                $"datapath provider ebpf cannot be used here: {problem}");
        }

        provider = Managed("system@ovs-system", isDummy: false);
        log.Write("datapath", VlogLevel.Info,
            "datapath type system is the managed datapath (userspace)");
        error = "";
        return true;
    }

    private bool TryOpenEbpf(out IDatapathProvider provider, out string error)
    {
        var options = new EbpfOptions
        {
            PinFolder = EbpfPins.FolderOf(settings.HostId),
            IsKeptOnClose = settings.Config.GetBoolean("fabric.datapath.keep", true),
            IsWithoutShortcuts = !settings.Config.GetBoolean("fabric.datapath.direct", true),
            Clock = time,
        };
        provider = null!;
        if (!EbpfDatapath.TryOpen(options, out var datapath, out error)) return false;
        datapath!.Faulted = fault => log.Write("datapath", VlogLevel.Err, $"upcall: {fault}");
        datapath.Warned = text => log.Write("datapath", VlogLevel.Warn, text);
        log.Write("datapath", VlogLevel.Info,
            "datapath type system is the kernel's eBPF programs "
                + $"({datapath.AttachKind}, pinned at {options.PinFolder}); "
                + $"{datapath.AdoptedFlows} flows taken over");
        if (datapath.CarriedConnections > 0)
        {
            log.Write("datapath", VlogLevel.Info,
                "pinned maps were of another version: flows begin afresh, "
                    + $"{datapath.CarriedConnections} connections go on");
        }

        provider = datapath;
        return true;
    }

    private bool TryOpenNetlink(string kind, out IDatapathProvider provider, out string error)
    {
        var isOpen = OvsNetlinkProviders.TryOpen(
            kind, "system@ovs-system", time,
            text => log.Write(
                "datapath", text == "connected" ? VlogLevel.Info : VlogLevel.Warn,
                $"{kind}: {text}"),
            WindowsRooms.MakeInternalPort, out provider, out error);
        if (isOpen) log.Write("datapath", VlogLevel.Info, $"datapath type system is {kind}");
        else log.Write("datapath", VlogLevel.Emer, error);
        return isOpen;
    }

    private UserspaceDatapath Managed(string name, bool isDummy) => new(
        name, new UserspaceDatapathOptions { IsDummy = isDummy, Clock = time })
    {
        // A fault while a miss is translated costs that packet, not the host's network.
        Faulted = error => log.Write("datapath", VlogLevel.Err, $"upcall: {error}"),
    };

    /// <summary>Every drop reason as a coverage counter, over all datapaths.</summary>
    public void RegisterCounters(Coverage coverage)
    {
        for (var index = 1; index < DropReasons.Count; index++)
        {
            var reason = (DropReason)index;
            coverage.Add($"drop_{DropReasons.CounterOf(reason)}", () =>
            {
                ulong sum = 0;
                foreach (var provider in _open) sum += provider.DropCounts()[(int)reason];
                return sum;
            });
        }

        coverage.Add("dpif_flow_hit", () => Sum(statistics => statistics.Hit));
        coverage.Add("dpif_upcall", () => Sum(statistics => statistics.Missed));
        coverage.Add("dpif_upcall_lost", () => Sum(statistics => statistics.Lost));
    }

    private ulong Sum(Func<DatapathStatistics, ulong> figure)
    {
        ulong sum = 0;
        foreach (var provider in _open) sum += figure(provider.Statistics());
        return sum;
    }
}
