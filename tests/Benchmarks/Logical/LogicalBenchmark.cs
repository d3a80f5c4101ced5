using System.Collections.Immutable;
using System.Diagnostics;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Benchmarks;

/// <summary>What the compiler of logical networks takes for the changes that happen.</summary>
/// <remarks>
/// One host's part: from a new snapshot of the northbound to the difference of its flow table.
/// Transport, journal and the bridge come on top.
/// </remarks>
public sealed class LogicalBenchmark : IBenchmark
{
    /// <summary>Workloads on this host; the others of the switch are elsewhere.</summary>
    private const int HereMax = 50;

    private static readonly Guid Router = Guid.Parse("5e700000-0000-4000-8000-000000000002");

    private static readonly Guid SetRow = Guid.Parse("5e700000-0000-4000-8000-000000000001");

    public string Name => "logical";
    public string Summary => "logical networks: a change to the difference of flows, on one host";

    public void Run(BenchmarkReport report)
    {
        foreach (var ports in (int[])[10, 10_000])
        {
            var network = new BenchmarkNetwork(switches: 1, ports);
            var cold = Timed(network, () => { });
            var goal = ports == 10 ? 20 : 30;
            report.Add(new Figure(
                $"cold start, {ports} ports", "ms", cold, Kind: GoalKind.AtMost,
                Goal: 10_000));
            var change = Enumerable.Range(0, report.Runs * 3)
                .Select(run => Timed(network, () => network.SetMembers(run))).ToList();
            report.Add(new Figure(
                $"address set changed, {ports} ports", "ms", BenchmarkReport.Median(change),
                Kind: GoalKind.AtMost, Goal: goal));
            var added = Enumerable.Range(0, report.Runs)
                .Select(run => Timed(network, () => network.AddPort(run))).ToList();
            report.Add(new Figure(
                $"port added, {ports} ports", "ms", BenchmarkReport.Median(added),
                Kind: GoalKind.AtMost, Goal: 30));
            if (ports > 10)
            {
                report.Add(new Figure(
                    $"memory after that, {ports} ports", "MB",
                    GC.GetTotalMemory(forceFullCollection: true) / 1e6));
            }
        }

        Routed(report);
        var many = new BenchmarkNetwork(switches: 28_000, ports: 28_000);
        many.Compile();
        var made = Enumerable.Range(0, report.Runs)
            .Select(run => Timed(many, () => many.AddSwitch(run))).ToList();
        report.Add(new Figure(
            "ls-add with 28000 switches", "ms", BenchmarkReport.Median(made),
            Kind: GoalKind.AtMost, Goal: 1000));
        var far = Enumerable.Range(0, report.Runs)
            .Select(run => Timed(many, () => many.AddPort(run))).ToList();
        report.Add(new Figure(
            "port added elsewhere, 28000 switches", "ms", BenchmarkReport.Median(far),
            Kind: GoalKind.AtMost, Goal: 30));
    }

    /// <summary>500 hosts with 50 ports each, a switch a host, all on one router.</summary>
    private static void Routed(BenchmarkReport report)
    {
        var network = new BenchmarkNetwork(switches: 500, ports: 25_000, isRouted: true);
        report.Add(new Figure(
            "cold start, 500 x 50 routed", "ms", Timed(network, () => { }),
            Kind: GoalKind.AtMost, Goal: 10_000));
        foreach (var (name, change) in ((string, Action<int>)[])
        [
            ("port added", network.AddPort), ("port removed", network.RemovePort),
            ("ACL added", network.AddAcl), ("VIP added", network.AddVip),
            ("NAT added", network.AddNat), ("port bound here", network.Bind),
            ("port bound elsewhere", network.Locate),
        ])
        {
            var times = Enumerable.Range(0, report.Runs * 3)
                .Select(run => Timed(network, () => change(run))).ToList();
            report.Add(new Figure(
                $"{name}, 500 x 50 routed", "ms", BenchmarkReport.Median(times),
                Kind: GoalKind.AtMost, Goal: 30));
        }
    }

    /// <summary>Milliseconds from the changed database to the difference of flows.</summary>
    private static double Timed(BenchmarkNetwork network, Action change)
    {
        change();
        var clock = Stopwatch.StartNew();
        network.Compile();
        return clock.Elapsed.TotalMilliseconds;
    }

    /// <summary>Switches with ports, a group and a set; of the first, 50 ports are here.</summary>
    private sealed class BenchmarkNetwork
    {
        private readonly LogicalCompiler _compiler = new();
        private readonly List<Guid> _switches = [];
        private readonly List<Guid> _ports = [];
        private readonly List<Guid> _routerPorts = [];
        private readonly List<Guid> _plugs = [];
        private DatabaseSnapshot _database;
        private HostView _host;
        private TunnelKeys _keys = TunnelKeys.Empty;

        public BenchmarkNetwork(int switches, int ports, bool isRouted = false)
        {
            var operations = new List<Operation> { new Operation.Insert("NB_Global", []) };
            var faces = ImmutableSortedDictionary.CreateBuilder<string, uint>(
                StringComparer.Ordinal);
            var each = ports / switches;
            for (var i = 0; i < switches; i++)
            {
                var owned = new List<Guid>();
                for (var j = 0; j < each; j++)
                {
                    var number = (i * each) + j;
                    owned.Add(Port(operations, number));
                    if (i == 0 && j < HereMax) faces[$"p{number}"] = (uint)number + 1;
                }

                _ports.AddRange(owned);
                if (isRouted) owned.Add(Plug(operations, i));
                _switches.Add(Switch(operations, $"s{i}", owned));
            }

            if (isRouted)
            {
                operations.Add(new Operation.Insert(
                    "Logical_Router",
                    [new("name", "r"), new("ports", Datum.References(_routerPorts))], Router));
            }

            var acls = new[] { Acl(operations, 1000, "outport == @g && ip4.src == $set") };
            operations.Add(new Operation.Insert(
                "Port_Group",
                [
                    new("name", "g"), new("acls", Datum.References(acls)),
                    new("ports", Datum.References(_ports.Take(each))),
                ]));
            operations.Add(new Operation.Insert(
                "Address_Set", [new("name", "set"), new("addresses", Members(0))], SetRow));
            var empty = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
            _database = Apply(empty, operations);
            _host = HostView.Empty("host1") with { Interfaces = faces.ToImmutable() };
            GiveKeys();
        }

        /// <summary>A router port and the switch port that is plugged into it.</summary>
        private Guid Plug(List<Operation> operations, int number)
        {
            var (port, plug) = (Guid.NewGuid(), Guid.NewGuid());
            operations.Add(new Operation.Insert(
                "Logical_Router_Port",
                [
                    new("name", $"r{number}"),
                    new("mac", $"02:00:01:00:{number >> 8:x2}:{number & 255:x2}"),
                    new("networks", $"172.{16 + (number >> 8)}.{number & 255}.1/24"),
                ],
                port));
            operations.Add(new Operation.Insert(
                "Logical_Switch_Port",
                [
                    new("name", $"s{number}-r"), new("type", "router"), new("addresses", "router"),
                    new("options", Datum.Map(new Dictionary<string, string>
                    {
                        ["router-port"] = $"r{number}",
                    })),
                ],
                plug));
            _routerPorts.Add(port);
            _plugs.Add(plug);
            return plug;
        }

        public void RemovePort(int run)
        {
            var gone = _ports[^(run + 1)];
            _database = Apply(_database, [Operation.MutateRow(
                "Logical_Switch", _switches[^1],
                new Mutation("ports", Mutator.Delete, Datum.References([gone])))]);
            _keys = _keys with { Ports = _keys.Ports.Remove(gone) };
        }

        public void AddAcl(int run)
        {
            var operations = new List<Operation>();
            var acl = Acl(operations, 2000 + run, "outport == \"p1\" && tcp.dst == 22");
            operations.Add(Operation.MutateRow(
                "Logical_Switch", _switches[0],
                new Mutation("acls", Mutator.Insert, Datum.References([acl]))));
            _database = Apply(_database, operations);
        }

        public void AddVip(int run)
        {
            var row = Guid.NewGuid();
            _database = Apply(_database,
            [
                new Operation.Insert(
                    "Load_Balancer",
                    [
                        new("name", $"lb{run}"),
                        new("vips", Datum.Map(new Dictionary<string, string>
                        {
                            [$"10.200.0.{run}:80"] = "10.0.0.1:80,10.0.0.2:80",
                        })),
                    ],
                    row),
                Operation.MutateRow(
                    "Logical_Switch", _switches[0],
                    new Mutation("load_balancer", Mutator.Insert, Datum.References([row]))),
            ]);
        }

        public void AddNat(int run)
        {
            var row = Guid.NewGuid();
            _database = Apply(_database,
            [
                new Operation.Insert(
                    "NAT",
                    [
                        new("type", "snat"), new("external_ip", $"198.51.100.{run}"),
                        new("logical_ip", $"10.0.{run}.0/24"),
                    ],
                    row),
                Operation.MutateRow(
                    "Logical_Router", Router,
                    new Mutation("nat", Mutator.Insert, Datum.References([row]))),
            ]);
        }

        public void Bind(int run) => _host = _host with
        {
            Interfaces = _host.Interfaces.SetItem($"p{1000 + run}", (uint)(2000 + run)),
        };

        public void Locate(int run) => _host = _host with
        {
            Locations = _host.Locations.SetItem($"p{3000 + run}", "elsewhere"),
        };

        public void Compile() => _compiler.Compile(_database, _keys, _host);

        public void SetMembers(int run)
        {
            _database = Apply(_database, [Operation.UpdateRow(
                "Address_Set", SetRow, new ColumnValue("addresses", Members(run + 1)))]);
        }

        public void AddPort(int run)
        {
            var operations = new List<Operation>();
            var port = Port(operations, 1_000_000 + run);
            operations.Add(Operation.MutateRow(
                "Logical_Switch", _switches[^1],
                new Mutation("ports", Mutator.Insert, Datum.References([port]))));
            _database = Apply(_database, operations);
            _keys = _keys with { Ports = _keys.Ports.Add(port, 20_000 + (uint)run) };
        }

        public void AddSwitch(int run)
        {
            var operations = new List<Operation>();
            var row = Switch(operations, $"new{run}", []);
            _database = Apply(_database, operations);
            _keys = _keys with { Datapaths = _keys.Datapaths.Add(row, 100_000 + (uint)run) };
        }

        private void GiveKeys()
        {
            var datapaths = _switches.Append(Router)
                .Select((row, i) => KeyValuePair.Create(row, (uint)i + 1));
            var ports = _ports.Concat(_routerPorts).Concat(_plugs)
                .Select((row, i) => KeyValuePair.Create(row, (uint)i + 1));
            _keys = new TunnelKeys(
                datapaths.ToImmutableDictionary(), ports.ToImmutableDictionary());
        }

        private static Datum Members(int run) => Datum.Strings(
            Enumerable.Range(0, 50).Select(i => $"10.9.{run % 200}.{i + 1}"));

        private static Guid Port(List<Operation> operations, int number)
        {
            var row = Guid.NewGuid();
            var address = $"02:00:{number >> 24 & 255:x2}:{number >> 16 & 255:x2}:"
                + $"{number >> 8 & 255:x2}:{number & 255:x2} "
                + $"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}";
            operations.Add(new Operation.Insert(
                "Logical_Switch_Port",
                [
                    new("name", $"p{number}"), new("addresses", address),
                    new("port_security", address),
                ],
                row));
            return row;
        }

        private static Guid Switch(List<Operation> operations, string name, List<Guid> ports)
        {
            var row = Guid.NewGuid();
            operations.Add(new Operation.Insert(
                "Logical_Switch", [new("name", name), new("ports", Datum.References(ports))],
                row));
            return row;
        }

        private static Guid Acl(List<Operation> operations, int priority, string match)
        {
            var row = Guid.NewGuid();
            operations.Add(new Operation.Insert(
                "ACL",
                [
                    new("direction", "to-lport"), new("priority", priority),
                    new("match", match), new("action", "allow-related"),
                ],
                row));
            return row;
        }

        private static DatabaseSnapshot Apply(
            DatabaseSnapshot database, List<Operation> operations)
        {
            var outcome = TransactionExecutor.Execute(
                database, [.. operations], TransactionContext.Random());
            return outcome.Error is null
                ? outcome.Snapshot
                : throw new InvalidOperationException($"{outcome.Error}");
        }
    }
}
