using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Logical;

/// <summary>What a change touches: datapaths, their ports, names in expressions.</summary>
/// <remarks>
/// Each Note method says false when the change may touch anything; then everything is looked at,
/// which is always right and only slower.
/// </remarks>
internal sealed partial class TouchedDatapaths(
    LogicalTopology topology, IReadOnlyDictionary<Guid, SwitchView> switches,
    IReadOnlyDictionary<Guid, RouterView> routers)
{
    /// <summary>Above this many rows it is cheaper not to ask what each touches.</summary>
    private const int RowsMax = 2_000;

    private const string RequestedKey = "requested-tnl-key";

    // Ports of a switch, or of switches at a router; null: all.
    private readonly SortedDictionary<Guid, HashSet<Guid>?> _ports = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, Guid> _ownersBefore = [];

    /// <summary>Ports by datapath; null: all of them.</summary>
    public IReadOnlyDictionary<Guid, HashSet<Guid>?> Ports => _ports;

    /// <summary>Address sets and port groups that mean something else now.</summary>
    public IReadOnlyCollection<string> Names => _names;

    /// <summary>Residents of expressions may have moved.</summary>
    public bool HasResidentsMoved { get; private set; }

    /// <summary>Which datapaths are local may be another answer now.</summary>
    public bool HasReachChanged { get; private set; }

    private NorthboundReader Rows => topology.Rows;

    private void Touch(Guid datapath)
    {
        if (!_ports.ContainsKey(datapath)) _ports[datapath] = [];
    }

    private void TouchPort(Guid datapath, Guid port)
    {
        Touch(datapath);
        _ports[datapath]?.Add(port);
    }

    private void TouchWhole(Guid datapath) => _ports[datapath] = null;

    /// <summary>The router, and where switches are plugged into it.</summary>
    private void TouchWithLinks(Guid router)
    {
        Touch(router);
        if (!Rows.Routers.TryGetValue(router, out var row)) return;
        foreach (var port in topology.PortsOf(row))
        {
            if (topology.PeerOf(port) is { } plug && topology.SwitchOf(plug) is { } owner)
                TouchPort(owner.Uuid, plug.Uuid);
        }
    }

    /// <summary>
    /// The router, and switches where it answers for addresses besides its ports': at gateway
    /// ports, and everywhere on a gateway router.
    /// </summary>
    private void TouchWithServices(Guid router)
    {
        Touch(router);
        if (!Rows.Routers.TryGetValue(router, out var row)) return;
        foreach (var port in topology.PortsOf(row))
        {
            if ((row.Chassis is not null || port.IsGateway)
                && topology.PeerOf(port) is { } plug && topology.SwitchOf(plug) is { } owner)
            {
                TouchPort(owner.Uuid, plug.Uuid);
            }
        }
    }

    /// <summary>Before the topology follows: where ports were that may be gone then.</summary>
    public void NoteBefore()
    {
        foreach (var change in Rows.SwitchPortRows.Changes)
        {
            if (topology.SwitchIdOf(change.Uuid) is { } owner)
                _ownersBefore[change.Uuid] = owner;
            NameGroupsOf(change);
        }

        foreach (var change in Rows.PortGroupRows.Changes)
        {
            foreach (var owner in topology.SwitchesOf(change.Uuid)) Touch(owner);
        }
    }

    /// <summary>Keys are those of before, but for rows that changed.</summary>
    public bool NoteKeys(TunnelKeys before, TunnelKeys now)
    {
        if (ReferenceEquals(before, now)) return true;
        if (before.ChassisRedirects.Count != now.ChassisRedirects.Count
            || now.ChassisRedirects.Any(pair =>
                before.ChassisRedirects.GetValueOrDefault(pair.Key) != pair.Value))
        {
            return false;
        }

        if (Rows.SwitchPortRows.Changes.Any(change => IsOther(
                change.Before?.Options, change.After?.Options, RequestedKey))
            || Rows.SwitchRows.Changes.Any(change => IsOther(
                change.Before?.OtherConfig, change.After?.OtherConfig, RequestedKey)))
        {
            return false;
        }

        var datapaths = Rows.SwitchRows.Changes.Select(change => change.Uuid)
            .Concat(Rows.RouterRows.Changes.Select(change => change.Uuid));
        var ports = Rows.SwitchPortRows.Changes.Select(change => change.Uuid);
        return IsExplained(before.Datapaths, now.Datapaths, datapaths)
            && IsExplained(before.Ports, now.Ports, ports);
    }

    private static bool IsExplained(
        ImmutableDictionary<Guid, uint> before, ImmutableDictionary<Guid, uint> now,
        IEnumerable<Guid> changed)
    {
        if (ReferenceEquals(before, now)) return true;
        var difference = 0;
        foreach (var row in changed.Distinct())
        {
            difference += (now.ContainsKey(row) ? 1 : 0) - (before.ContainsKey(row) ? 1 : 0);
        }

        return now.Count - before.Count == difference;
    }

    private static bool IsOther(
        ImmutableSortedDictionary<string, string>? before,
        ImmutableSortedDictionary<string, string>? after, string key) =>
        before?.GetValueOrDefault(key) != after?.GetValueOrDefault(key);

    /// <summary>Rows have changed, and the topology has followed them.</summary>
    public bool NoteRows(HostView host)
    {
        if (Rows.SwitchPortRows.Changes.Count + Rows.AclRows.Changes.Count
            + Rows.NatRows.Changes.Count + Rows.BalancerRows.Changes.Count
            + Rows.PortGroupRows.Changes.Count + Rows.QosRows.Changes.Count > RowsMax)
        {
            return false;
        }

        NotePorts(host);
        NoteSwitches();
        if (!NoteRouters()) return false;
        if (Rows.DhcpRows.Changes.Any(change => change is { Before: not null, After: not null }))
            return false;
        NoteSets();
        NoteRules();
        NoteBalancers();
        return true;
    }

    private void NotePorts(HostView host)
    {
        foreach (var change in Rows.SwitchPortRows.Changes)
        {
            if (_ownersBefore.TryGetValue(change.Uuid, out var before))
                TouchSwitchPort(before, change.Uuid);
            if (topology.SwitchIdOf(change.Uuid) is { } after && after != before)
                TouchSwitchPort(after, change.Uuid);
            NameGroupsOf(change);
            HasReachChanged |= IsHere(host, change.Before) || IsHere(host, change.After);
        }
    }

    private static bool IsHere(HostView host, LogicalSwitchPort? port) =>
        port is not null && host.Interfaces.ContainsKey(port.Name);

    private void TouchSwitchPort(Guid owner, Guid port)
    {
        TouchPort(owner, port);
        foreach (var link in topology.LinksOf(owner))
        {
            if (topology.PeerOf(link) is { } peer && topology.RouterOf(peer) is { } router)
                TouchPort(router.Uuid, port);
        }
    }

    /// <summary>Groups whose keys or addresses are others because of the port.</summary>
    private void NameGroupsOf(TypedChange<LogicalSwitchPort> change)
    {
        var isSame = change is { Before: { } before, After: { } after }
            && before.Name == after.Name && HaveSameAddresses(before, after);
        if (isSame) return;
        foreach (var group in topology.GroupsOfPort(change.Uuid)) NameGroup(group);
    }

    private static bool HaveSameAddresses(LogicalSwitchPort before, LogicalSwitchPort after) =>
        before.Addresses.Length == after.Addresses.Length
        && before.Addresses.Zip(after.Addresses).All(pair =>
            pair.Item1.Mac == pair.Item2.Mac
            && pair.Item1.Ips.AsSpan().SequenceEqual(pair.Item2.Ips.AsSpan()));

    private void NameGroup(string group)
    {
        _names.Add(group);
        _names.Add($"{group}_ip4");
        _names.Add($"{group}_ip6");
    }

    private void NoteSwitches()
    {
        foreach (var change in Rows.SwitchRows.Changes)
        {
            Touch(change.Uuid);
            if (change.After is null) HasReachChanged |= switches.ContainsKey(change.Uuid);
            else if (!change.After.OtherConfig.SequenceEqual(
                change.Before?.OtherConfig ?? change.After.OtherConfig)
                || change.After.Copp != change.Before?.Copp)
                TouchWhole(change.Uuid);
        }
    }

    /// <remarks>Routers that came, went or got other ports are not seen here.</remarks>
    private bool NoteRouters()
    {
        foreach (var change in Rows.RouterRows.Changes)
        {
            if (change is not { Before: { } before, After: { } after }
                || before.IsEnabled != after.IsEnabled || before.Copp != after.Copp
                || !before.Options.SequenceEqual(after.Options))
            {
                return false;
            }

            TouchWithServices(change.Uuid);
        }

        foreach (var change in Rows.RouteRows.Changes)
            TouchRouters(router => router.Row.StaticRoutes.Contains(change.Uuid));
        foreach (var change in Rows.PolicyRows.Changes)
            TouchRouters(router => router.Row.Policies.Contains(change.Uuid));
        foreach (var change in Rows.StaticMacRows.Changes)
        {
            TouchRouterAt(change.Before?.LogicalPort);
            TouchRouterAt(change.After?.LogicalPort);
        }

        foreach (var change in Rows.NatRows.Changes)
        {
            foreach (var (uuid, router) in routers)
            {
                if (router.Row.Nat.Contains(change.Uuid)) TouchWithServices(uuid);
            }
        }

        return true;
    }

    private void TouchRouters(Predicate<RouterView> uses)
    {
        foreach (var (uuid, router) in routers)
        {
            if (uses(router)) Touch(uuid);
        }
    }

    private void TouchRouterAt(string? port)
    {
        if (port is not null && topology.RouterPort(port) is { } row
            && topology.RouterOf(row) is { } router)
        {
            Touch(router.Uuid);
        }
    }

    private void NoteSets()
    {
        foreach (var change in Rows.AddressSetRows.Changes)
        {
            if (change.Before is { } before) _names.Add(before.Name);
            if (change.After is { } after) _names.Add(after.Name);
        }

        foreach (var change in Rows.PortGroupRows.Changes)
        {
            if (change.Before is { } before) NameGroup(before.Name);
            if (change.After is { } after) NameGroup(after.Name);
            foreach (var owner in topology.SwitchesOf(change.Uuid)) Touch(owner);
        }
    }

    private void NoteRules()
    {
        foreach (var change in Rows.AclRows.Changes)
        {
            TouchSwitches(owner => owner.Row.Acls.Contains(change.Uuid)
                || topology.GroupsOn(owner.Row).Any(group => group.Acls.Contains(change.Uuid)));
        }

        foreach (var change in Rows.QosRows.Changes)
            TouchSwitches(owner => owner.Row.QosRules.Contains(change.Uuid));
    }

    private void TouchSwitches(Predicate<SwitchView> uses)
    {
        foreach (var (uuid, owner) in switches)
        {
            if (uses(owner)) Touch(uuid);
        }
    }

    private void NoteBalancers()
    {
        foreach (var change in Rows.BalancerRows.Changes) TouchBalancer(change.Uuid);

        foreach (var change in Rows.BalancerGroupRows.Changes)
            TouchUsers(Guid.Empty, [change.Uuid]);
    }

    private void TouchBalancer(Guid balancer)
    {
        var groups = Rows.LoadBalancerGroups.Values
            .Where(group => group.Members.Contains(balancer))
            .Select(group => group.Uuid).ToHashSet();
        TouchUsers(balancer, groups);
    }

    private void TouchUsers(Guid balancer, HashSet<Guid> groups)
    {
        TouchSwitches(owner => owner.Row.LoadBalancers.Contains(balancer)
            || owner.Row.LoadBalancerGroups.Any(groups.Contains));
        foreach (var (uuid, router) in routers)
        {
            if (router.Row.LoadBalancers.Contains(balancer)
                || router.Row.LoadBalancerGroups.Any(groups.Contains))
            {
                TouchWithServices(uuid);
            }
        }
    }
}
