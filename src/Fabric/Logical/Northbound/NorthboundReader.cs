using System.Collections.Immutable;
using Fabric.Configuration;

namespace Fabric.Logical;

/// <summary>Something that an operator should see: a row that means nothing, a conflict.</summary>
/// <param name="Table">The northbound table.</param>
/// <param name="Row">The row concerned.</param>
public sealed record NetworkCondition(string Table, Guid Row, string Text);

/// <summary>Typed rows of one table; a row that did not change keeps its object.</summary>
/// <remarks>
/// Keeping the object is what makes compilation incremental: a block of flows whose inputs are the
/// same objects is not compiled again.
/// </remarks>
internal sealed class RowCache<T>(string table, Func<Row, Action<string>, T?> read)
    where T : class
{
    private Dictionary<Guid, (Row Row, T? Value, ImmutableArray<string> Complaints)> _rows = [];
    private TableSnapshot? _seen;

    public IReadOnlyDictionary<Guid, T> Values { get; private set; } = new Dictionary<Guid, T>();

    private ImmutableArray<NetworkCondition> _conditions = [];

    /// <summary>Takes the table over; false: it is what it was.</summary>
    public bool Update(DatabaseSnapshot database)
    {
        if (!database.Schema.TryTable(table, out var schema)) return false;
        var snapshot = database.Table(schema);
        if (ReferenceEquals(snapshot, _seen)) return false;
        _seen = snapshot;

        var rows = new Dictionary<Guid, (Row, T?, ImmutableArray<string>)>(snapshot.Count);
        var values = new Dictionary<Guid, T>(snapshot.Count);
        foreach (var row in snapshot.Rows)
        {
            if (!_rows.TryGetValue(row.Uuid, out var known) || !ReferenceEquals(known.Row, row))
                known = Read(row);
            rows[row.Uuid] = known;
            if (known.Value is not null) values[row.Uuid] = known.Value;
        }

        _rows = rows;
        Values = values;
        _conditions =
        [
            .. from row in rows
               where !row.Value.Item3.IsEmpty
               orderby row.Key
               from complaint in row.Value.Item3
               select new NetworkCondition(table, row.Key, complaint),
        ];
        return true;
    }

    public IEnumerable<NetworkCondition> Conditions() => _conditions;

    private (Row, T?, ImmutableArray<string>) Read(Row row)
    {
        var complaints = ImmutableArray.CreateBuilder<string>();
        var value = read(row, complaints.Add);
        return (row, value, complaints.ToImmutable());
    }
}

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
    private readonly Dictionary<Guid, (LoadBalancer, TemplateVariables?, LoadBalancer)> _expanded =
        [];

    public IReadOnlyDictionary<Guid, MeterRow> Meters => _meters.Values;
    public IReadOnlyDictionary<Guid, MeterBandRow> MeterBands => _meterBands.Values;

    /// <summary>
    /// The load balancer with its templates filled in for a host; the same object while neither
    /// the row nor the host's variables change.
    /// </summary>
    public LoadBalancer Expanded(LoadBalancer balancer, string host)
    {
        if (balancer.Template.IsEmpty) return balancer;
        var variables = _templates.Values.Values.FirstOrDefault(row => row.Chassis == host);
        if (_expanded.TryGetValue(balancer.Uuid, out var known)
            && ReferenceEquals(known.Item1, balancer) && ReferenceEquals(known.Item2, variables))
        {
            return known.Item3;
        }

        var made = balancer.Expand(variables);
        _expanded[balancer.Uuid] = (balancer, variables, made);
        return made;
    }

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

    /// <summary>What the last update brought was at most members of address sets.</summary>
    public bool OnlySetsChanged { get; private set; }

    public void Update(DatabaseSnapshot database)
    {
        _addressSets.Update(database);
        var others = false;
        others |= _switches.Update(database);
        others |= _switchPorts.Update(database);
        others |= _routers.Update(database);
        others |= _routerPorts.Update(database);
        others |= _routes.Update(database);
        others |= _policies.Update(database);
        others |= _nat.Update(database);
        others |= _acls.Update(database);
        others |= _portGroups.Update(database);
        others |= _qos.Update(database);
        others |= _balancers.Update(database);
        others |= _balancerGroups.Update(database);
        others |= _dhcp.Update(database);
        others |= _dns.Update(database);
        others |= _staticMacs.Update(database);
        others |= _gatewayChassis.Update(database);
        others |= _haChassis.Update(database);
        others |= _haGroups.Update(database);
        others |= _meters.Update(database);
        others |= _meterBands.Update(database);
        others |= _templates.Update(database);
        var global = database.Table("NB_Global").First;
        if (global is not null)
        {
            var options = global.GetMap("options");
            others |= !options.SequenceEqual(GlobalOptions);
            GlobalOptions = options;
            NbCfg = global.GetInteger("nb_cfg");
        }

        OnlySetsChanged = !others;
    }

    /// <summary>Rows that could not be read, wholly or in part.</summary>
    public IEnumerable<NetworkCondition> Conditions() =>
    [
        .. _switchPorts.Conditions(), .. _routerPorts.Conditions(), .. _routes.Conditions(),
        .. _policies.Conditions(), .. _nat.Conditions(), .. _acls.Conditions(),
        .. _addressSets.Conditions(), .. _qos.Conditions(), .. _balancers.Conditions(),
        .. _staticMacs.Conditions(),
    ];
}
