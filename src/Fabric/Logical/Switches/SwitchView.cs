using System.Collections.Immutable;

namespace Fabric.Logical;

/// <summary>A switch as this host compiles it; follows its rows port by port.</summary>
internal sealed class SwitchView
{
    private const int SingleChangesMax = 64;

    private readonly LogicalTopology _topology;
    private readonly Dictionary<Guid, SwitchPortView> _ports = [];
    private readonly Dictionary<string, uint> _keys = new(StringComparer.Ordinal);
    private readonly HashSet<uint> _keysHere = [];
    private readonly SortedSet<Guid> _virtual = [];
    private readonly SortedSet<Guid> _external = [];
    private ImmutableArray<SwitchPortView> _sorted = [];

    public SwitchView(LogicalTopology topology, HostView host, LogicalSwitch row, uint key)
    {
        _topology = topology;
        Key = key;
        Names = new DatapathContext(topology, host, _keys) { KeysHere = _keysHere };
        Row = row;
        Traits = null!;
        Update(host, row, null);
    }

    /// <summary>Tunnel key of the datapath.</summary>
    public uint Key { get; }

    public LogicalSwitch Row { get; private set; }

    /// <summary>What names in expressions mean here.</summary>
    public DatapathContext Names { get; }

    /// <summary>By key.</summary>
    public ImmutableArray<SwitchPortView> Ports => _sorted;

    /// <summary>Ports of type virtual.</summary>
    public IEnumerable<SwitchPortView> VirtualPorts => _virtual.Select(row => _ports[row]);

    /// <summary>Ports of type external.</summary>
    public IEnumerable<SwitchPortView> ExternalPorts => _external.Select(row => _ports[row]);

    public ImmutableArray<Acl> Acls { get; private set; }
    public ImmutableArray<LoadBalancer> Balancers { get; private set; }
    public SwitchTraits Traits { get; private set; }

    /// <summary>Its ports between OpenFlow and logical ports, by row.</summary>
    public Dictionary<Guid, PhysicalPort> Physical { get; } = [];

    /// <summary>Key of the port to a physical network that is reached here.</summary>
    public uint? LocalnetKey { get; set; }

    public SwitchPortView? Port(Guid row) => _ports.GetValueOrDefault(row);

    /// <summary>Takes over what changed.</summary>
    /// <param name="changed">Ports that came, went or changed; null: any may have.</param>
    /// <returns>
    /// True when the traits are what they were, so that other ports' flows are, too.
    /// </returns>
    public bool Update(HostView host, LogicalSwitch row, IReadOnlySet<Guid>? changed)
    {
        Row = row;
        Names.Host = host;
        if (changed is null || changed.Count > SingleChangesMax) ReadPorts(host, changed);
        else foreach (var port in changed) Place(port, ViewOf(host, port));
        Acls = [.. _topology.AclsOf(row)];
        Balancers =
        [
            .. _topology.BalancersOf(row.LoadBalancers, row.LoadBalancerGroups)
                .Select(balancer => _topology.Rows.Expanded(balancer, host)),
        ];
        var before = Traits;
        Traits = TraitsOf(_topology.Rows.GlobalOptions);
        return Traits.Equals(before);
    }

    private void ReadPorts(HostView host, IReadOnlySet<Guid>? changed)
    {
        if (changed is null)
        {
            foreach (var gone in _ports.Keys.ToList()) Forget(gone);
            changed = Row.Ports.ToHashSet();
        }

        foreach (var port in changed)
        {
            Forget(port);
            if (ViewOf(host, port) is { } view) Remember(view);
        }

        _sorted = [.. _ports.Values.OrderBy(port => port.Key)];
    }

    private void Place(Guid row, SwitchPortView? view)
    {
        if (Forget(row) is { } before) _sorted = _sorted.RemoveAt(IndexOf(before.Key));
        if (view is null) return;
        Remember(view);
        var index = IndexOf(view.Key);
        _sorted = _sorted.Insert(index < 0 ? ~index : index, view);
    }

    private int IndexOf(uint key)
    {
        var (low, high) = (0, _sorted.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = _sorted[middle].Key.CompareTo(key);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return ~low;
    }

    private SwitchPortView? Forget(Guid row)
    {
        if (!_ports.Remove(row, out var before)) return null;
        if (_keys.TryGetValue(before.Row.Name, out var key) && key == before.Key)
            _keys.Remove(before.Row.Name);
        _keysHere.Remove(before.Key);
        _virtual.Remove(row);
        _external.Remove(row);
        return before;
    }

    private void Remember(SwitchPortView view)
    {
        _ports[view.Row.Uuid] = view;
        _keys[view.Row.Name] = view.Key;
        if (view.IsHere || !view.Row.IsVif) _keysHere.Add(view.Key);
        if (view.Row.IsVirtual) _virtual.Add(view.Row.Uuid);
        if (view.Row.IsExternal) _external.Add(view.Row.Uuid);
    }

    /// <summary>Null: the port is not, or no longer, of this switch, or has no key yet.</summary>
    private SwitchPortView? ViewOf(HostView host, Guid uuid)
    {
        if (_topology.SwitchIdOf(uuid) != Row.Uuid
            || !_topology.Rows.SwitchPorts.TryGetValue(uuid, out var port)
            || _topology.PortKey(uuid) is not { } key)
        {
            return null;
        }

        var isHere = host.Interfaces.ContainsKey(
            port.Parent is { Length: > 0 } parent ? parent : port.Name);
        if (_topology.PeerOf(port) is not { } peer)
        {
            return new SwitchPortView(port, key, port.Addresses, null, true, [])
            {
                IsHere = isHere,
            };
        }

        var wholeAt = _topology.RouterOf(peer)?.Chassis;
        var gateway = wholeAt
            ?? (peer.IsGateway ? GatewayHost.Of(_topology, host, peer) : host.HostId);
        var isResident = gateway == host.HostId;
        var hasLocalnet = _topology.PhysicalPortsOf(Row.Uuid).Any(each => each.IsLocalnet);
        var isServed = isResident || !hasLocalnet || wholeAt is not null;
        var services = RouterServices.Of(_topology, host, peer, isServed);
        return new SwitchPortView(port, key, AddressesOf(port, peer), peer, isServed, services)
        {
            Gateway = isResident ? null : gateway ?? "",
            IsOfGatewayRouter = wholeAt is not null,
            IsHere = isHere,
        };
    }

    private SwitchTraits TraitsOf(ImmutableSortedDictionary<string, string> global)
    {
        var hasBalancers = Balancers.Any(balancer => !balancer.Services.IsEmpty);
        return new SwitchTraits(
            Key,
            hasBalancers || Acls.Any(acl => acl.IsStateful),
            Acls.Any(acl => !acl.IsEgress && !acl.IsAfterLoadBalancing),
            Acls.Any(acl => acl.IsAfterLoadBalancing),
            Acls.Any(acl => acl.IsEgress),
            hasBalancers,
            Ports.Any(port => port.Row.HasUnknown || port.Row.IsLocalnet),
            Ports.Any(port => !port.Row.PortSecurity.IsEmpty),
            Row.IsVlanTransparent,
            global.GetValueOrDefault("default_acl_drop") == "true",
            global.GetValueOrDefault("use_ct_inv_match") != "false",
            Acls.Select(acl => acl.Tier).DefaultIfEmpty(0).Max())
        {
            StationAge = StationAge.Of(Row),
            ProbeMac = ServiceChecks.ProbeMac(_topology.Rows),
            HasStatefulAcls = Acls.Any(acl => acl.IsStateful),
            HidesArpFromRouters =
                Row.OtherConfig.GetValueOrDefault("broadcast-arps-to-all-routers") == "false",
        };
    }

    private static ImmutableArray<LinkAddresses> AddressesOf(
        LogicalSwitchPort port, LogicalRouterPort peer)
    {
        if (!port.HasRouterAddresses) return port.Addresses;
        var own = new LinkAddresses(peer.Mac, [.. peer.Networks.Select(network => network.Host)]);
        return port.Addresses.Add(own);
    }
}
