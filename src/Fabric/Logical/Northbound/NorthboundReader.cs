using System.Collections.Immutable;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>Something that an operator should see: a row that means nothing, a conflict.</summary>
/// <param name="Table">The northbound table.</param>
/// <param name="Row">The row concerned.</param>
public sealed record NetworkCondition(string Table, Guid Row, string Text);

/// <summary>
/// The northbound's rows in their own types, kept up to date snapshot by snapshot.
/// </summary>
public sealed class NorthboundReader
{
    private readonly RowCache<LogicalSwitch> _switches = new("Logical_Switch", LogicalSwitch.Read);
    private readonly RowCache<LogicalSwitchPort> _switchPorts =
        new("Logical_Switch_Port", LogicalSwitchPort.Read);
    private readonly RowCache<LogicalRouter> _routers = new("Logical_Router", LogicalRouter.Read);
    private readonly RowCache<LogicalRouterPort> _routerPorts =
        new("Logical_Router_Port", LogicalRouterPort.Read);
    private readonly RowCache<StaticRoute> _routes =
        new("Logical_Router_Static_Route", StaticRoute.Read);
    private readonly RowCache<RouterPolicy> _policies =
        new("Logical_Router_Policy", RouterPolicy.Read);
    private readonly RowCache<NatRule> _nat = new("NAT", NatRule.Read);
    private readonly RowCache<Acl> _acls = new("ACL", Acl.Read);
    private readonly RowCache<PortGroup> _portGroups = new("Port_Group", PortGroup.Read);
    private readonly RowCache<AddressSet> _addressSets = new("Address_Set", AddressSet.Read);
    private readonly RowCache<QosRule> _qos = new("QoS", QosRule.Read);
    private readonly RowCache<LoadBalancer> _balancers = new("Load_Balancer", LoadBalancer.Read);
    private readonly RowCache<LoadBalancerGroup> _balancerGroups =
        new("Load_Balancer_Group", LoadBalancerGroup.Read);
    private readonly RowCache<DhcpOptions> _dhcp = new("DHCP_Options", DhcpOptions.Read);
    private readonly RowCache<DnsRecords> _dns = new("DNS", DnsRecords.Read);
    private readonly RowCache<StaticMacBinding> _staticMacs =
        new("Static_MAC_Binding", StaticMacBinding.Read);
    private readonly RowCache<GatewayCandidate> _gatewayChassis =
        new("Gateway_Chassis", GatewayCandidate.Read);
    private readonly RowCache<GatewayCandidate> _haChassis =
        new("HA_Chassis", GatewayCandidate.Read);
    private readonly RowCache<HaChassisGroup> _haGroups =
        new("HA_Chassis_Group", HaChassisGroup.Read);

    private readonly RowCache<MeterRow> _meters = new("Meter", MeterRow.Read);
    private readonly RowCache<MeterBandRow> _meterBands = new("Meter_Band", MeterBandRow.Read);
    private readonly RowCache<TemplateVariables> _templates =
        new("Chassis_Template_Var", TemplateVariables.Read);
    private readonly RowCache<HealthCheck> _healthChecks =
        new("Load_Balancer_Health_Check", HealthCheck.Read);
    private readonly RowCache<ControlPlaneProtection> _protections =
        new("Copp", ControlPlaneProtection.Read);
    private readonly RowCache<RouteSession> _routeSessions = new("BFD", RouteSession.Read);
    private readonly LiveBalancers _live = new();

    private readonly List<Action> _begins = [];
    private readonly List<Action<DatabaseSnapshot>> _loads = [];
    private readonly Dictionary<string, Action<RowChange>> _applies =
        new(StringComparer.Ordinal);

    private DatabaseSnapshot? _database;

    public NorthboundReader()
    {
        Register(_switches);
        Register(_switchPorts);
        Register(_routers);
        Register(_routerPorts);
        Register(_routes);
        Register(_policies);
        Register(_nat);
        Register(_acls);
        Register(_portGroups);
        Register(_addressSets);
        Register(_qos);
        Register(_balancers);
        Register(_balancerGroups);
        Register(_dhcp);
        Register(_dns);
        Register(_staticMacs);
        Register(_gatewayChassis, _haChassis);
        Register(_haGroups);
        Register(_meters);
        Register(_meterBands);
        Register(_templates);
        Register(_healthChecks);
        Register(_protections);
        Register(_routeSessions);
    }

    public IReadOnlyDictionary<Guid, MeterRow> Meters => _meters.Values;
    public IReadOnlyDictionary<Guid, MeterBandRow> MeterBands => _meterBands.Values;

    public IReadOnlyDictionary<Guid, HealthCheck> HealthChecks => _healthChecks.Values;
    public IReadOnlyDictionary<Guid, ControlPlaneProtection> Protections => _protections.Values;
    public IReadOnlyDictionary<Guid, RouteSession> RouteSessions => _routeSessions.Values;

    /// <summary>
    /// The load balancer as it is for a host: templates filled in, backends that do not answer
    /// left out; the same object while none of that changes.
    /// </summary>
    public LoadBalancer Expanded(LoadBalancer balancer, HostView host) =>
        _live.Of(balancer, VariablesOf(balancer, host), HealthChecks, host.Offline);

    /// <summary>The same with all backends.</summary>
    public LoadBalancer Filled(LoadBalancer balancer, HostView host) =>
        balancer.Template.IsEmpty ? balancer : balancer.Expand(VariablesOf(balancer, host));

    private TemplateVariables? VariablesOf(LoadBalancer balancer, HostView host) =>
        balancer.Template.IsEmpty
            ? null
            : _templates.Values.Values.FirstOrDefault(row => row.Chassis == host.HostId);

    public IReadOnlyDictionary<Guid, LogicalSwitch> Switches => _switches.Values;
    public IReadOnlyDictionary<Guid, LogicalSwitchPort> SwitchPorts => _switchPorts.Values;
    public IReadOnlyDictionary<Guid, LogicalRouter> Routers => _routers.Values;
    public IReadOnlyDictionary<Guid, LogicalRouterPort> RouterPorts => _routerPorts.Values;
    public IReadOnlyDictionary<Guid, StaticRoute> Routes => _routes.Values;
    public IReadOnlyDictionary<Guid, RouterPolicy> Policies => _policies.Values;
    public IReadOnlyDictionary<Guid, NatRule> Nat => _nat.Values;
    public IReadOnlyDictionary<Guid, Acl> Acls => _acls.Values;
    public IReadOnlyDictionary<Guid, PortGroup> PortGroups => _portGroups.Values;
    public IReadOnlyDictionary<Guid, AddressSet> AddressSets => _addressSets.Values;
    public IReadOnlyDictionary<Guid, QosRule> QosRules => _qos.Values;
    public IReadOnlyDictionary<Guid, LoadBalancer> LoadBalancers => _balancers.Values;
    public IReadOnlyDictionary<Guid, LoadBalancerGroup> LoadBalancerGroups =>
        _balancerGroups.Values;
    public IReadOnlyDictionary<Guid, DhcpOptions> Dhcp => _dhcp.Values;
    public IReadOnlyDictionary<Guid, DnsRecords> Dns => _dns.Values;
    public IReadOnlyDictionary<Guid, StaticMacBinding> StaticMacs => _staticMacs.Values;
    public IReadOnlyDictionary<Guid, GatewayCandidate> GatewayChassis => _gatewayChassis.Values;
    public IReadOnlyDictionary<Guid, GatewayCandidate> HaChassis => _haChassis.Values;
    public IReadOnlyDictionary<Guid, HaChassisGroup> HaGroups => _haGroups.Values;

    /// <summary>NB_Global.options of the last snapshot.</summary>
    public ImmutableSortedDictionary<string, string> GlobalOptions { get; private set; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>NB_Global.nb_cfg of the last snapshot.</summary>
    public long NbCfg { get; private set; }

    /// <summary>The last update took everything over: what it changed is not known.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>NB_Global.options are others than before the last update.</summary>
    internal bool HasGlobalChanged { get; private set; }

    internal RowCache<LogicalSwitch> SwitchRows => _switches;
    internal RowCache<LogicalSwitchPort> SwitchPortRows => _switchPorts;
    internal RowCache<LogicalRouter> RouterRows => _routers;
    internal RowCache<LogicalRouterPort> RouterPortRows => _routerPorts;
    internal RowCache<StaticRoute> RouteRows => _routes;
    internal RowCache<RouterPolicy> PolicyRows => _policies;
    internal RowCache<NatRule> NatRows => _nat;
    internal RowCache<Acl> AclRows => _acls;
    internal RowCache<QosRule> QosRows => _qos;
    internal RowCache<PortGroup> PortGroupRows => _portGroups;
    internal RowCache<AddressSet> AddressSetRows => _addressSets;
    internal RowCache<LoadBalancer> BalancerRows => _balancers;
    internal RowCache<LoadBalancerGroup> BalancerGroupRows => _balancerGroups;
    internal RowCache<DhcpOptions> DhcpRows => _dhcp;
    internal RowCache<DnsRecords> DnsRows => _dns;
    internal RowCache<StaticMacBinding> StaticMacRows => _staticMacs;

    /// <summary>
    /// Tables that decide who serves, or what texts mean: a change of them may touch anything.
    /// </summary>
    internal bool HasFarReachingChange =>
        _routerPorts.Changes.Count + _gatewayChassis.Changes.Count + _haChassis.Changes.Count
        + _haGroups.Changes.Count + _meters.Changes.Count + _meterBands.Changes.Count
        + _templates.Changes.Count + _healthChecks.Changes.Count + _protections.Changes.Count
        + _routeSessions.Changes.Count > 0 || HasGlobalChanged;

    /// <summary>Versions of what dynamic addresses depend on.</summary>
    internal (long, long, long) AddressingVersion =>
        (_switches.Version, _switchPorts.Version, _routerPorts.Version);

    /// <summary>
    /// Takes over what happened since the last snapshot; all rows when that is not known.
    /// </summary>
    public void Update(DatabaseSnapshot database)
    {
        foreach (var begin in _begins) begin();
        var before = _database;
        _database = database;
        HasGlobalChanged = false;
        IsWhole = !TryMissed(before, database, out var missed);
        if (IsWhole) foreach (var load in _loads) load(database);
        else foreach (var change in missed.SelectMany(entry => entry.Changes)) Apply(change);
        ReadGlobal(database);
    }

    private static bool TryMissed(
        DatabaseSnapshot? before, DatabaseSnapshot now,
        out ImmutableArray<TransactionHistory.Entry> missed)
    {
        missed = [];
        if (before is null || !ReferenceEquals(before.Schema, now.Schema)
            || now.TransactionId == Guid.Empty)
        {
            return false; // Servers without transaction ids do not say what came before.
        }

        return before.TransactionId == now.TransactionId
            || (now.History.TrySince(before.TransactionId, out missed)
                && missed[^1].TransactionId == now.TransactionId);
    }

    private void Apply(RowChange change)
    {
        if (_applies.TryGetValue(change.Table, out var apply)) apply(change);
    }

    private void ReadGlobal(DatabaseSnapshot database)
    {
        if (database.Table("NB_Global").First is not { } global) return;
        var options = global.GetMap("options");
        HasGlobalChanged = !options.SequenceEqual(GlobalOptions);
        GlobalOptions = options;
        NbCfg = global.GetInteger("nb_cfg");
    }

    private void Register<T>(params ReadOnlySpan<RowCache<T>> caches)
        where T : class
    {
        foreach (var cache in caches)
        {
            _begins.Add(cache.Begin);
            _loads.Add(cache.Load);
            _applies[cache.Table] = cache.Apply;
        }
    }

    /// <summary>Rows that could not be read, wholly or in part.</summary>
    public IEnumerable<NetworkCondition> Conditions() =>
    [
        .. _switchPorts.Conditions(), .. _routerPorts.Conditions(), .. _routes.Conditions(),
        .. _policies.Conditions(), .. _nat.Conditions(), .. _acls.Conditions(),
        .. _addressSets.Conditions(), .. _qos.Conditions(), .. _balancers.Conditions(),
        .. _staticMacs.Conditions(), .. _healthChecks.Conditions(), .. _routeSessions.Conditions(),
    ];
}
