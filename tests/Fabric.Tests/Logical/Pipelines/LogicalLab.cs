using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Datapath;
using Fabric.Logical;
using Fabric.Pipeline;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>A packet that came out of an interface.</summary>
internal sealed record Delivery(string Port, FlowKey Packet);

/// <summary>A connection tracker of one host of the lab.</summary>
internal interface ILabConntrack
{
    void Run(ConntrackAction action, ref FlowKey key);
}

/// <summary>
/// Several hosts with the real compiler and the real translation of their flows, joined by
/// tunnels in memory; packets are flow keys.
/// </summary>
internal sealed class LogicalLab
{
    private const uint TunnelDatapathPort = 1000;
    private readonly Dictionary<string, LabHost> _hosts = [];

    private readonly Func<ILabConntrack> _trackers;

    public LogicalLab(DatabaseSnapshot database, params (string Host, string[] Ports)[] placement)
        : this(database, () => new LabConntrack(), placement)
    {
    }

    /// <param name="trackers">Makes the connection tracker of each host.</param>
    /// <param name="keepsConntrack"><see cref="KeepsConntrack"/></param>
    public LogicalLab(
        DatabaseSnapshot database, Func<ILabConntrack> trackers,
        (string Host, string[] Ports)[] placement, bool keepsConntrack = false)
    {
        KeepsConntrack = keepsConntrack;
        _trackers = trackers;
        Database = database;
        Keys = KeysOf(database);
        foreach (var (host, ports) in placement) _hosts[host] = new LabHost(this, host, ports);
        Compile();
    }

    /// <summary>The hosts' ports by the placement hints of a document.</summary>
    public static LogicalLab Of(NetworkDocument document)
    {
        var placement = document.Ports.Where(port => port.Host is not null)
            .GroupBy(port => $"host{port.Host}")
            .Select(host => (host.Key, host.Select(port => port.Name).ToArray()));
        return new LogicalLab(NorthboundOf(document), [.. placement]);
    }

    public DatabaseSnapshot Database { get; private set; }
    public TunnelKeys Keys { get; private set; }
    public IReadOnlyDictionary<string, LabHost> Hosts => _hosts;

    /// <summary>
    /// Conntrack state goes along from datapath to datapath, as ovn-trace has it.
    /// </summary>
    public bool KeepsConntrack { get; }

    /// <summary>Packets that went from host to host.</summary>
    public int TunnelCount { get; private set; }

    public static DatabaseSnapshot EmptyNorthbound() => Apply(
        DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema),
        [new Operation.Insert("NB_Global", [])]);

    public static DatabaseSnapshot NorthboundOf(NetworkDocument document)
    {
        var empty = EmptyNorthbound();
        return Apply(empty, NetworkPlan.Of(document, empty).Operations);
    }

    public static DatabaseSnapshot Apply(
        DatabaseSnapshot database, ImmutableArray<Operation> operations)
    {
        var outcome = TransactionExecutor.Execute(
            database, operations, TransactionContext.Random());
        Assert.Null(outcome.Error);
        return outcome.Snapshot;
    }

    public void Change(params Operation[] operations)
    {
        Database = Apply(Database, [.. operations]);
        Keys = KeysOf(Database);
        Compile();
    }

    /// <summary>
    /// Where the packet goes that a workload sends; hosts are asked until nothing moves.
    /// </summary>
    public List<Delivery> Send(string port, FlowKey packet)
    {
        var host = _hosts.Values.Single(each => each.Ports.ContainsKey(port));
        packet.InPort = host.Ports[port];
        var deliveries = new List<Delivery>();
        var moving = new Queue<(LabHost Host, FlowKey Packet)>();
        moving.Enqueue((host, packet));
        for (var steps = 0; moving.TryDequeue(out var next); steps++)
        {
            Assert.True(steps < 1000, "the packet goes round in circles");
            next.Host.Receive(next.Packet, deliveries, moving);
        }

        return deliveries;
    }

    /// <summary>Gossip tells all hosts this.</summary>
    public void See(Sightings sightings)
    {
        Sightings = sightings;
        Compile();
    }

    /// <summary>What hosts have seen of workloads.</summary>
    public Sightings Sightings { get; private set; } = Sightings.None;

    private void Compile()
    {
        foreach (var host in _hosts.Values) host.Compile();
    }

    private ImmutableSortedDictionary<string, string> Locations() => _hosts.Values
        .SelectMany(host => host.Ports.Keys.Select(port => (port, host.Name)))
        .ToImmutableSortedDictionary(pair => pair.port, pair => pair.Name);

    public static TunnelKeys KeysOf(DatabaseSnapshot database)
    {
        var datapaths = ImmutableDictionary.CreateBuilder<Guid, uint>();
        var ports = ImmutableDictionary.CreateBuilder<Guid, uint>();
        var redirects = ImmutableDictionary.CreateBuilder<Guid, uint>();
        foreach (var table in (string[])["Logical_Switch", "Logical_Router"])
        {
            var portTable = $"{table}_Port";
            foreach (var row in database.Table(table).Rows.OrderBy(row => row.GetString("name")))
            {
                datapaths[row.Uuid] = (uint)datapaths.Count + 1;
                var owned = row.GetReferences("ports")
                    .Select(uuid => database.Find(portTable, uuid)!)
                    .OrderBy(port => port.GetString("name"));
                uint key = 0;
                foreach (var port in owned)
                {
                    ports[port.Uuid] = ++key;
                    if (table == "Logical_Router") redirects[port.Uuid] = key + 1000;
                }
            }
        }

        return new TunnelKeys(datapaths.ToImmutable(), ports.ToImmutable())
        {
            ChassisRedirects = redirects.ToImmutable(),
        };
    }

    /// <summary>One host: its compiler, its bridge, its connections.</summary>
    internal sealed class LabHost
    {
        private readonly LogicalLab _lab;
        private readonly int _index;
        private readonly BridgePipeline _bridge = new("br-int");
        private readonly RecirculationTable _recirculation = new();
        private readonly ILabConntrack _conntrack;
        private readonly Translation _translation = new();
        private readonly TranslationResult _result = new();
        private SwitchSnapshot _switch = SwitchSnapshot.Empty;

        public LabHost(LogicalLab lab, string name, string[] ports)
        {
            (_lab, Name, _conntrack) = (lab, name, lab._trackers());
            _index = lab._hosts.Count + 1;
            Ports = ports.Select((port, index) => (port, (uint)index + 1))
                .ToImmutableSortedDictionary(pair => pair.port, pair => pair.Item2);
            var options = new OfTlvTableMod(TlvTableCommand.Add, TlvTable.Ovn.Mappings);
            Assert.Equal(OfErrorCode.None, _bridge.ChangeTlvTable(options, 0));
        }

        public string Name { get; }
        public ImmutableSortedDictionary<string, uint> Ports { get; }
        public LogicalCompiler Compiler { get; } = new();
        public CompileResult? Last { get; private set; }

        /// <summary>Packets handed to the control plane.</summary>
        public List<FlowKey> Punts { get; } = [];

        /// <summary>What the control plane was asked to do with them.</summary>
        public List<ControllerOpcode> Asked { get; } = [];

        private IPAddress Address => new([192, 0, 2, (byte)_index]);

        public void Compile()
        {
            var tunnels = _lab._hosts.Values.Where(host => host != this)
                .ToImmutableSortedDictionary(host => host.Name, host => 100 + (uint)host._index);
            var physical = _lab.Database.Table("Logical_Switch_Port").Rows
                .Where(row => row.GetString("type") == "localnet")
                .Select(row => row.GetString("name")).Where(Ports.ContainsKey).ToList();
            var view = HostView.Empty(Name) with
            {
                Interfaces = Ports.RemoveRange(physical),
                PhysicalNetworks = physical.ToImmutableSortedDictionary(
                    name => name, name => Ports[name]),
                Tunnels = tunnels,
                Locations = _lab.Locations(),
                Sightings = _lab.Sightings,
            };
            var first = Compiler.Compile(_lab.Database, _lab.Keys, view);
            Install(first);
            var zones = ConntrackZones.Allocate(
                ImmutableSortedDictionary<string, ushort>.Empty, first.Zones);
            Last = Compiler.Compile(_lab.Database, _lab.Keys, view with { Zones = zones });
            Install(Last);
            _switch = SwitchSnapshot.Of(1, [Bridge(tunnels)]);
        }

        private void Install(CompileResult result)
        {
            var changes = new List<PipelineChange>();
            foreach (var identity in result.Changes.Removed)
            {
                changes.Add(new PipelineChange(new FlowMod(
                    FlowModCommand.DeleteStrict, identity.Match, identity.Priority,
                    ActionList.Empty)
                { TableId = identity.Table }));
            }

            foreach (var meter in result.Changes.MetersPut)
            {
                changes.Add(new PipelineChange(new MeterMod(
                    MeterModCommand.Add, meter.Id, MeterFlags.PacketsPerSecond,
                    [new Wire.OpenFlow.MeterBand(MeterBandType.Drop, meter.Rate, 0, 0)])));
            }

            foreach (var group in result.Changes.GroupsPut)
            {
                changes.Add(new PipelineChange(new GroupMod(
                    GroupModCommand.AddOrModify, OfGroupType.Select, group.Id, group.Buckets)
                {
                    Selection = group.Selection,
                }));
            }

            foreach (var flow in result.Changes.Added)
            {
                changes.Add(new PipelineChange(FlowMod.Add(
                    flow.Identity.Table, flow.Identity.Priority, flow.Identity.Match,
                    _lab.KeepsConntrack ? WithState(flow) : flow.Actions) with
                { Cookie = flow.Cookie }));
            }

            Apply([.. changes]);
        }

        /// <summary>A link to another datapath that does not forget the state.</summary>
        private static ActionList WithState(LogicalFlow flow) =>
            flow.Identity.Table != PhysicalTables.LogicalToPhysical
                ? flow.Actions
                : ActionList.From(flow.Actions.Select(action => action is OfClone clone
                    ? new OfClone(ActionList.From(
                        clone.Actions.Where(inner => inner is not OfConntrackClear)))
                    : action));

        private void Apply(PipelineChange[] changes)
        {
            var outcome = _bridge.Apply(changes, isAtomic: true, 0);
            foreach (var refused in outcome.Refused)
                Assert.Fail($"{refused.Error}: {changes[refused.Index].Message}");
        }

        private BridgeSnapshot Bridge(ImmutableSortedDictionary<string, uint> tunnels)
        {
            var ports = new Dictionary<uint, PortSnapshot>();
            foreach (var (name, number) in Ports)
                ports[number] = PortOf(name, number, number, null);
            foreach (var (host, number) in tunnels)
            {
                var config = new TunnelConfig(
                    TunnelKind.Geneve, 6081, _lab._hosts[host].Address, false, Address, false, null,
                    true, null, true, 0, false, 64, false, true, true);
                ports[number] = PortOf($"ovn-{host}", number, TunnelDatapathPort, config);
            }

            return new BridgeSnapshot(
                "br-int", default, _bridge, ports.ToFrozenDictionary(),
                FrozenDictionary<string, BundleSnapshot>.Empty, [], false);
        }

        private static PortSnapshot PortOf(
            string name, uint number, uint datapathPort, TunnelConfig? tunnel) =>
            new("br-int", name, number, datapathPort, default, 1500, default, true, name, null,
                tunnel);

        public void Receive(
            FlowKey key, List<Delivery> deliveries, Queue<(LabHost, FlowKey)> moving)
        {
            var request = new TranslationRequest(_switch, _recirculation, 0, true, 100, null, null);
            _translation.Run(in request, in key, _result);
            Assert.True(
                _result.Error is DropReason.None, $"{Name}: translation failed: {_result.Error}");
            Execute(_result.Actions, key, deliveries, moving);
        }

        private void Execute(
            ImmutableArray<DatapathAction> actions, FlowKey key, List<Delivery> deliveries,
            Queue<(LabHost, FlowKey)> moving)
        {
            TunnelMetadata? outer = null;
            foreach (var action in actions)
            {
                switch (action)
                {
                    case OutputAction { Port: TunnelDatapathPort }:
                        _lab.TunnelCount++;
                        var peer = _lab._hosts.Values.Single(
                            host => host.Address.Equals(outer!.Destination));
                        moving.Enqueue((peer, LabActions.Decapsulate(
                            key, outer! with { Source = Address }, TunnelDatapathPort)));
                        break;
                    case OutputAction output:
                        deliveries.Add(new Delivery(
                            Ports.Single(port => port.Value == output.Port).Key, key));
                        break;
                    case RecirculateAction recirculate:
                        var again = key;
                        again.RecirculationId = recirculate.RecirculationId;
                        moving.Enqueue((this, again));
                        break;
                    case CloneAction clone:
                        Execute(clone.Actions, key, deliveries, moving);
                        break;
                    case UserspaceAction punt: Punt(punt, key); break;
                    case SetTunnelAction tunnel: outer = tunnel.Tunnel; break;
                    case ConntrackAction track: _conntrack.Run(track, ref key); break;
                    case ConntrackClearAction: ClearConntrack(ref key); break;
                    case SetEthernetAction set: LabActions.SetEthernet(set, ref key); break;
                    case SetIpv4Action set: LabActions.SetIpv4(set, ref key); break;
                    case SetPortsAction set: LabActions.SetPorts(set, ref key); break;
                    case SetIcmpAction set: LabActions.SetIcmp(set, ref key); break;
                    case SetIpv6Action set: LabActions.SetIpv6(set, ref key); break;
                    case SetArpAction set: LabActions.SetArp(set, ref key); break;
                    case HashAction:
                        key.DatapathHashWire = 1 + (uint)key.PortSource + key.Ipv4Source;
                        break;
                    case PushVlanAction push:
                        (key.VlanTci0, key.VlanTpid0Wire) = (push.Tci, 0x0081);
                        break;
                    case PopVlanAction: (key.VlanTci0, key.VlanTpid0Wire) = (0, 0); break;
                    case DropAction: break;
                    default: throw new NotSupportedException(action.ToString());
                }
            }
        }

        private void Punt(UserspaceAction punt, FlowKey key)
        {
            Punts.Add(key);
            if (PacketInCookie.TryParse(punt.Userdata.Data, out var cookie)
                && ControllerAction.TryDecode(cookie.Userdata.AsSpan(), out var opcode, out _))
            {
                Asked.Add(opcode);
            }
        }

        private static void ClearConntrack(ref FlowKey key)
        {
            key.ConntrackState = ConntrackState.None;
            key.ConntrackZone = 0;
            key.ConntrackMark = 0;
        }
    }
}
