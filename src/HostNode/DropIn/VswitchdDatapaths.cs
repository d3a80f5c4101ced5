using System.Collections.Immutable;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.HostNode.Composition;
using Fabric.Switching;

namespace Fabric.HostNode.DropIn;

/// <summary>Opens datapaths by type, dummies where the command line says so.</summary>
internal sealed class VswitchdDatapaths(
    VswitchdOptions options, Vlog log, TimeProvider time, Action<ConntrackAttached> attach)
{
    private static readonly string[] Devices =
        ["internal", "patch", "system", "tap", .. TunnelOptions.Kinds.Keys];

    private readonly Datapaths _real = new(DropInSettings.Create(), log, time, attach);
    private ImmutableArray<IDatapathProvider> _dummies = [];

    /// <summary>The tracker of the datapath that was opened first.</summary>
    public IDatapathConntrack? Tracker => Attached.FirstOrDefault()?.Conntrack;

    public IEnumerable<ConntrackAttached> Attached => _real.Attached.Concat(
        _dummies.Select(each => new ConntrackAttached(each.Conntrack))).Take(1);

    /// <summary>Values of Bridge.datapath_type.</summary>
    public ImmutableSortedSet<string> Types => ImmutableSortedSet.CreateRange(
        StringComparer.Ordinal,
        new[] { "netdev", "system", "dummy" }.Where(type => type switch
        {
            "dummy" => options.Dummies != DummyWorld.None,
            "system" => options.HasSystem,
            _ => true,
        }));

    /// <summary>Values of Interface.type.</summary>
    public ImmutableSortedSet<string> InterfaceTypes => ImmutableSortedSet.CreateRange(
        StringComparer.Ordinal,
        options.Dummies == DummyWorld.None
            ? Devices
            : Devices.Concat(["dummy", "dummy-internal", "dummy-pmd"]));

    public bool TryOpen(string type, out IDatapathProvider provider, out string error)
    {
        if (!Types.Contains(type))
        {
            provider = null!;
            error = $"unknown datapath type {type}";
            return false;
        }

        if (!options.IsDummy(type)) return _real.TryOpen(type, out provider, out error);
        provider = new UserspaceDatapath($"{type}@ovs-{type}", new UserspaceDatapathOptions
        {
            IsDummy = true,
            Clock = time,
        })
        {
            Faulted = fault => log.Write("datapath", VlogLevel.Err, $"upcall: {fault}"),
        };
        _dummies = _dummies.Add(provider);
        if (_real.Open.IsEmpty && _dummies.Length == 1)
        {
            attach(new ConntrackAttached(provider.Conntrack));
        }

        error = "";
        return true;
    }

    /// <summary>Drops by reason and look-ups, as coverage counters.</summary>
    public void RegisterCounters(Coverage coverage) => DatapathCounters.Register(
        coverage, () => [.. _real.Open, .. _dummies]);
}
