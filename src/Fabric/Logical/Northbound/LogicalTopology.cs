using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Logical;

/// <summary>
/// How rows of the northbound hang together: who owns, peers with and lists whom.
/// </summary>
/// <remarks>
/// Follows its rows: a change of plain ports, groups and sets costs what it touches; links between
/// datapaths are looked through anew, which costs one pass over the ports.
/// </remarks>
public sealed partial class LogicalTopology
{
    private readonly Dictionary<Guid, Guid> _switchOfPort = [];
    private readonly Dictionary<Guid, Guid> _routerOfPort = [];
    private readonly Dictionary<string, LogicalSwitchPort> _switchPortByName =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, LogicalRouterPort> _routerPortByName =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, LogicalSwitchPort> _peerOfRouterPort =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<LogicalSwitchPort>> _childrenOfPort =
        new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, List<LogicalSwitchPort>> _physicalOfSwitch = [];
    private readonly Dictionary<Guid, List<LogicalSwitchPort>> _linksOfSwitch = [];
    private readonly List<LogicalSwitchPort> _l2Gateways = [];

    public LogicalTopology(NorthboundReader rows, TunnelKeys keys)
    {
        Rows = rows;
        Keys = keys;
        IndexSwitches();
        IndexRouters();
        foreach (var set in Rows.AddressSets.Values) _setByName[set.Name] = set;
        IndexGroups();
    }

    public NorthboundReader Rows { get; }
    public TunnelKeys Keys { get; private set; }

    /// <summary>Ports of type l2gateway.</summary>
    public IReadOnlyList<LogicalSwitchPort> L2Gateways => _l2Gateways;

    public LogicalSwitch? SwitchOf(LogicalSwitchPort port) =>
        _switchOfPort.TryGetValue(port.Uuid, out var owner)
            ? Rows.Switches.GetValueOrDefault(owner)
            : null;

    /// <summary>The switch that the port is listed in, or was until it went.</summary>
    internal Guid? SwitchIdOf(Guid port) =>
        _switchOfPort.TryGetValue(port, out var owner) ? owner : null;

    public LogicalRouter? RouterOf(LogicalRouterPort port) =>
        _routerOfPort.TryGetValue(port.Uuid, out var owner)
            ? Rows.Routers.GetValueOrDefault(owner)
            : null;

    public LogicalSwitchPort? SwitchPort(string name) => _switchPortByName.GetValueOrDefault(name);

    public LogicalRouterPort? RouterPort(string name) => _routerPortByName.GetValueOrDefault(name);

    public MeterRow? MeterNamed(string name) =>
        Rows.Meters.Values.FirstOrDefault(row => row.Name == name);

    /// <summary>The meter's rows, or null.</summary>
    internal object? MeterInputs(string? name) =>
        name is not null && MeterNamed(name) is { } row
            ? (row, row.Band is { } band ? Rows.MeterBands.GetValueOrDefault(band) : null)
            : null;

    /// <summary>Ports nested in another one: its tagged frames.</summary>
    public IReadOnlyList<LogicalSwitchPort> ChildrenOf(string parent) =>
        _childrenOfPort.TryGetValue(parent, out var children) ? children : [];

    /// <summary>Ports of the switch that lead to physical networks: localnet, l2gateway.</summary>
    public IReadOnlyList<LogicalSwitchPort> PhysicalPortsOf(Guid owner) =>
        _physicalOfSwitch.TryGetValue(owner, out var ports) ? ports : [];

    /// <summary>Ports of the switch that are plugged into routers.</summary>
    public IReadOnlyList<LogicalSwitchPort> LinksOf(Guid owner) =>
        _linksOfSwitch.TryGetValue(owner, out var ports) ? ports : [];

    /// <summary>The router port that a switch port of type router is plugged into.</summary>
    public LogicalRouterPort? PeerOf(LogicalSwitchPort port) =>
        port.RouterPort is { } name ? RouterPort(name) : null;

    /// <summary>The switch port that is plugged into a router port.</summary>
    public LogicalSwitchPort? PeerOf(LogicalRouterPort port) =>
        _peerOfRouterPort.GetValueOrDefault(port.Name);

    /// <summary>The datapath's tunnel key, or null: not allocated yet.</summary>
    public uint? DatapathKey(Guid datapath) =>
        Keys.Datapaths.TryGetValue(datapath, out var key) ? key : null;

    public uint? PortKey(Guid port) => Keys.Ports.TryGetValue(port, out var key) ? key : null;

    public IEnumerable<LogicalSwitchPort> PortsOf(LogicalSwitch owner)
    {
        foreach (var uuid in owner.Ports)
        {
            if (Rows.SwitchPorts.TryGetValue(uuid, out var port)) yield return port;
        }
    }

    public IEnumerable<LogicalRouterPort> PortsOf(LogicalRouter owner)
    {
        foreach (var uuid in owner.Ports)
        {
            if (Rows.RouterPorts.TryGetValue(uuid, out var port)) yield return port;
        }
    }

    /// <summary>ACLs of the switch and of port groups with members on it, by UUID.</summary>
    public IEnumerable<Acl> AclsOf(LogicalSwitch owner) =>
        owner.Acls.Concat(GroupsOn(owner).SelectMany(group => group.Acls)).Distinct().Order()
            .Select(uuid => Rows.Acls.GetValueOrDefault(uuid)).OfType<Acl>();

    /// <summary>Load balancers attached directly or by group.</summary>
    public IEnumerable<LoadBalancer> BalancersOf(
        ImmutableArray<Guid> direct, ImmutableArray<Guid> groups) =>
        direct.Concat(groups.SelectMany(group =>
                Rows.LoadBalancerGroups.TryGetValue(group, out var row) ? row.Members : []))
            .Distinct().Order()
            .Select(uuid => Rows.LoadBalancers.GetValueOrDefault(uuid)).OfType<LoadBalancer>();

    /// <summary>Rows have been updated change by change: follows them.</summary>
    /// <returns>False: links changed, and everything was indexed anew.</returns>
    internal bool Follow(TunnelKeys keys)
    {
        Keys = keys;
        FollowSets();
        var isPlain = Rows.RouterPortRows.Changes.Count == 0
            && Rows.RouterRows.Changes.All(change =>
                change is { Before: { } before, After: { } after }
                && before.Ports.AsSpan().SequenceEqual(after.Ports.AsSpan()))
            && Rows.SwitchPortRows.Changes.All(IsPlain);
        if (isPlain)
        {
            foreach (var change in Rows.SwitchPortRows.Changes) FollowPort(change);
            foreach (var change in Rows.SwitchRows.Changes) FollowSwitch(change);
            foreach (var change in Rows.PortGroupRows.Changes) FollowGroup(change);
            return true;
        }

        IndexSwitches();
        IndexRouters();
        IndexGroups();
        return false;
    }

    /// <summary>Neither before nor after more than a workload's own port.</summary>
    internal static bool IsPlain(TypedChange<LogicalSwitchPort> change) =>
        IsPlain(change.Before) && IsPlain(change.After);

    private static bool IsPlain(LogicalSwitchPort? port) =>
        port is null or { Type: "" or "localport" or "virtual", Parent: null or "" };

    private void FollowPort(TypedChange<LogicalSwitchPort> change)
    {
        if (change.Before is { } before
            && _switchPortByName.TryGetValue(before.Name, out var known)
            && known.Uuid == change.Uuid)
        {
            _switchPortByName.Remove(before.Name);
        }

        if (change.After is { } after) _switchPortByName[after.Name] = after;
        else _switchOfPort.Remove(change.Uuid);
    }

    private void FollowSwitch(TypedChange<LogicalSwitch> change)
    {
        foreach (var port in change.After?.Ports ?? [])
        {
            if (!_switchOfPort.TryGetValue(port, out var owner) || owner != change.Uuid)
                _switchOfPort[port] = change.Uuid;
        }
    }

    private void IndexSwitches()
    {
        _switchOfPort.Clear();
        _switchPortByName.Clear();
        _peerOfRouterPort.Clear();
        _childrenOfPort.Clear();
        _physicalOfSwitch.Clear();
        _linksOfSwitch.Clear();
        _l2Gateways.Clear();
        foreach (var owner in Rows.Switches.Values)
        {
            foreach (var uuid in owner.Ports)
            {
                _switchOfPort[uuid] = owner.Uuid;
                if (Rows.SwitchPorts.TryGetValue(uuid, out var port)) Index(owner.Uuid, port);
            }
        }
    }

    private void Index(Guid owner, LogicalSwitchPort port)
    {
        _switchPortByName[port.Name] = port;
        if (port.IsL2Gateway) _l2Gateways.Add(port);
        if (port.IsL2Gateway || port.IsLocalnet) ListOf(_physicalOfSwitch, owner).Add(port);
        if (port.IsRouter) ListOf(_linksOfSwitch, owner).Add(port);
        if (port.RouterPort is { } peer) _peerOfRouterPort[peer] = port;
        if (port.Parent is { Length: > 0 } parent) ListOf(_childrenOfPort, parent).Add(port);
    }

    private static List<LogicalSwitchPort> ListOf<TKey>(
        Dictionary<TKey, List<LogicalSwitchPort>> lists, TKey key)
        where TKey : notnull
    {
        if (!lists.TryGetValue(key, out var list)) lists[key] = list = [];
        return list;
    }

    private void IndexRouters()
    {
        _routerOfPort.Clear();
        _routerPortByName.Clear();
        foreach (var owner in Rows.Routers.Values)
        {
            foreach (var uuid in owner.Ports)
            {
                _routerOfPort[uuid] = owner.Uuid;
                if (Rows.RouterPorts.TryGetValue(uuid, out var port))
                    _routerPortByName[port.Name] = port;
            }
        }
    }
}
