using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Logical;

/// <summary>
/// How rows of the northbound hang together: who owns, peers with and lists whom.
/// </summary>
/// <remarks>Made anew for each compilation from typed rows; costs one pass over the rows.</remarks>
public sealed class LogicalTopology
{
    private readonly Dictionary<Guid, Guid> _switchOfPort = [];
    private readonly Dictionary<Guid, Guid> _routerOfPort = [];
    private readonly Dictionary<string, LogicalSwitchPort> _switchPortByName =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, LogicalRouterPort> _routerPortByName =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, AddressSet> _setByName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PortGroup> _groupByName = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, List<PortGroup>> _groupsOfSwitch = [];
    private readonly Dictionary<string, LogicalSwitchPort> _peerOfRouterPort =
        new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<LogicalSwitchPort>> _childrenOfPort =
        new(StringComparer.Ordinal);
    private readonly List<LogicalSwitchPort> _l2Gateways = [];

    public LogicalTopology(NorthboundReader rows, TunnelKeys keys)
    {
        Rows = rows;
        Keys = keys;
        IndexSwitches();
        IndexRouters();
        IndexSets();
        IndexGroups();
    }

    /// <summary>Takes over the address sets of the rows; all else is as it was.</summary>
    public void IndexSets()
    {
        _setByName.Clear();
        foreach (var set in Rows.AddressSets.Values) _setByName[set.Name] = set;
    }

    public NorthboundReader Rows { get; }
    public TunnelKeys Keys { get; }

    /// <summary>Ports of type l2gateway.</summary>
    public IReadOnlyList<LogicalSwitchPort> L2Gateways => _l2Gateways;

    public LogicalSwitch? SwitchOf(LogicalSwitchPort port) =>
        _switchOfPort.TryGetValue(port.Uuid, out var owner) ? Rows.Switches[owner] : null;

    public LogicalRouter? RouterOf(LogicalRouterPort port) =>
        _routerOfPort.TryGetValue(port.Uuid, out var owner) ? Rows.Routers[owner] : null;

    public LogicalSwitchPort? SwitchPort(string name) => _switchPortByName.GetValueOrDefault(name);

    public LogicalRouterPort? RouterPort(string name) => _routerPortByName.GetValueOrDefault(name);

    public AddressSet? AddressSetNamed(string name) => _setByName.GetValueOrDefault(name);

    public MeterRow? MeterNamed(string name) =>
        Rows.Meters.Values.FirstOrDefault(row => row.Name == name);

    /// <summary>The meter's rows, or null.</summary>
    internal object? MeterInputs(string? name) =>
        name is not null && MeterNamed(name) is { } row
            ? (row, row.Band is { } band ? Rows.MeterBands.GetValueOrDefault(band) : null)
            : null;

    public PortGroup? PortGroupNamed(string name) => _groupByName.GetValueOrDefault(name);

    /// <summary>Ports nested in another one: its tagged frames.</summary>
    public IReadOnlyList<LogicalSwitchPort> ChildrenOf(string parent) =>
        _childrenOfPort.TryGetValue(parent, out var children) ? children : [];

    /// <summary>Groups with a member on the switch, by name.</summary>
    public IReadOnlyList<PortGroup> GroupsOn(LogicalSwitch owner) =>
        _groupsOfSwitch.TryGetValue(owner.Uuid, out var groups) ? groups : [];

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

    private void IndexSwitches()
    {
        foreach (var owner in Rows.Switches.Values)
        {
            foreach (var uuid in owner.Ports)
            {
                _switchOfPort[uuid] = owner.Uuid;
                if (!Rows.SwitchPorts.TryGetValue(uuid, out var port)) continue;
                _switchPortByName[port.Name] = port;
                if (port.IsL2Gateway) _l2Gateways.Add(port);
                if (port.RouterPort is { } peer) _peerOfRouterPort[peer] = port;
                if (port.Parent is not { Length: > 0 } parent) continue;
                if (!_childrenOfPort.TryGetValue(parent, out var children))
                    _childrenOfPort[parent] = children = [];
                children.Add(port);
            }
        }
    }

    private void IndexRouters()
    {
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

    private void IndexGroups()
    {
        foreach (var group in Rows.PortGroups.Values.OrderBy(g => g.Name, StringComparer.Ordinal))
        {
            _groupByName[group.Name] = group;
            var owners = group.Ports
                .Select(port => _switchOfPort.GetValueOrDefault(port))
                .Where(owner => owner != Guid.Empty)
                .Distinct();
            foreach (var owner in owners)
            {
                if (!_groupsOfSwitch.TryGetValue(owner, out var groups))
                    _groupsOfSwitch[owner] = groups = [];
                groups.Add(group);
            }
        }
    }
}
