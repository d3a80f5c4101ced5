using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.Switching;
using Fabric.Wire;

namespace Fabric.HostNode.Composition;

/// <summary>Opens datapaths by type: what "system" means is the settings' word.</summary>
internal sealed class Datapaths(
    HostSettings settings, Vlog log, TimeProvider time, Action<ConntrackAttached> attach)
{
    private ImmutableArray<IDatapathProvider> _open = [];

    public ImmutableArray<IDatapathProvider> Open => _open;

    /// <summary>
    /// Why the provider that the settings name for "system" cannot be used here; null: it can.
    /// </summary>
    public static string? ProblemOf(HostSettings settings) =>
        settings.SystemDatapath is "" or "userspace"
            ? null
            : $"datapath provider {settings.SystemDatapath} is not in this version: "
                + "use userspace, or leave fabric.datapath.system empty";

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
                provider = Managed("system@ovs-system", isDummy: false);
                log.Write("datapath", VlogLevel.Info,
                    "datapath type system is the managed datapath (userspace)");
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

        _open = _open.Add(provider);
        if (_open.Length == 1) attach(new ConntrackAttached(provider.Conntrack));
        return true;
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
