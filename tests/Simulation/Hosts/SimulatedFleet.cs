using System.Collections.Immutable;
using System.Net;
using Akka.Dispatch;
using Akka.Remote.Transport;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire;
using Fabric.Wire.Ovsdb;

namespace Fabric.Simulation;

/// <summary>Whole host nodes on one thread, one virtual clock and one seed.</summary>
/// <remarks>
/// After every instant at which anything happened the invariants are checked; a run that breaks
/// one stops there with an exception that says which. Everything that differs from run to run is
/// drawn from the seed, and what hosts said to each other and wrote is hashed: the same seed
/// gives the same hash in every process.
/// </remarks>
internal sealed class SimulatedFleet : IObserver, IDisposable
{
    private const long TurnsPerInstantMax = 500_000;

    private readonly string _folder;
    private readonly SortedDictionary<int, SimulatedNode> _nodes = [];
    private readonly Dictionary<long, string> _asked = [];
    private readonly SafetyChecks _checks = new();
    private long _number;

    /// <param name="log">Hears what hosts log, in a run that is looked into.</param>
    /// <param name="voters">Hosts with the role, from the first one.</param>
    public SimulatedFleet(
        int hosts, int seed, FailureTimes times, Action<string>? log = null,
        int voters = int.MaxValue, bool hasSwitches = true)
    {
        var memory = OperatingSystem.IsLinux() && Directory.Exists("/dev/shm");
        _folder = Path.Combine(
            memory ? "/dev/shm" : Path.GetTempPath(),
            $"fabric-sim-{Environment.ProcessId}-{seed}-{Guid.NewGuid():N}");
        Random = new Random(seed);
        Clock = new VirtualTimeProvider();
        Dispatcher = new DeterministicDispatcher(new Random(seed + 1));
        Network = new InMemoryNetwork(Clock, new Random(seed + 2))
        {
            Delivered = (from, to, frame) => Trace.Frame(Clock.Elapsed, from, to, frame.Span),
        };
        var around = new NodeSurroundings(
            Dispatcher, Clock, Network, Random, this, log, _folder, times);
        for (var i = 1; i <= hosts; i++)
        {
            var node = new SimulatedNode(around, i, isVoter: i <= voters, hasSwitches);
            node.Disk.Stored = row => Stored(node.Id, row);
            _nodes.Add(i, node);
        }
    }

    public Random Random { get; }

    public VirtualTimeProvider Clock { get; }

    public DeterministicDispatcher Dispatcher { get; }

    public InMemoryNetwork Network { get; }

    public RunTrace Trace { get; } = new();

    /// <summary>
    /// Writers are looked at at every instant, or, in a fleet of many, only between steps.
    /// </summary>
    public bool IsCheckedAlways { get; init; } = true;

    public IReadOnlyCollection<SimulatedNode> Nodes => _nodes.Values;

    /// <summary>Names of switches that a client was told are there.</summary>
    public SortedSet<string> Acknowledged { get; } = new(StringComparer.Ordinal);

    public long RefusedCount { get; private set; }

    public long CrashCount { get; private set; }

    /// <summary>Terms in which a writer served.</summary>
    public int TermCount => _checks.TermCount;

    public SimulatedNode Node(int index) => _nodes[index];

    public void Start(SimulatedNode node) => node.Start("h1:2552", "h2:2552");

    public void Crash(SimulatedNode node)
    {
        if (!node.IsAlive) return;
        CrashCount++;
        node.Crash();
    }

    /// <summary>A client at the host adds a switch with a port, and counts in nb_cfg.</summary>
    /// <returns>The switch's name, or null if nobody can be asked there.</returns>
    public string? Write(SimulatedNode node)
    {
        if (node is not { IsAlive: true, Observer: not null }) return null;
        var (number, port) = (++_number, NewUuid());
        var name = $"s{number}";
        _asked[number] = name;
        node.Tell("observer", new ClientTransact(
            number,
            [
                new Operation.Mutate("NB_Global", [], [new Mutation("nb_cfg", Mutator.Add, 1L)]),
                new Operation.Insert("Logical_Switch_Port", [new("name", name)], port),
                new Operation.Insert(
                    "Logical_Switch",
                    [new("name", name), new("ports", Datum.References([port]))], NewUuid()),
            ]));
        return name;
    }

    /// <summary>The host binds ports, and hears an address behind one of them.</summary>
    public void Bind(SimulatedNode node, params ImmutableSortedSet<string> ports)
    {
        if (!node.IsAlive) return;
        node.Tell("cluster", new ClaimPorts(ports));
        if (ports.IsEmpty) return;
        var mac = MacBytes.FromUInt64((ulong)Random.NextInt64(1L << 40));
        node.Tell("cluster", new LearnAddresses(
            [new MacBinding("rp1", new IPAddress(Random.Next(1, 50) + 10L), mac, "")],
            [new FdbEntry(Guid.Empty, mac, ports[0], "")]));
    }

    public void RunFor(TimeSpan time)
    {
        var end = Clock.Elapsed + time;
        do
        {
            if (Dispatcher.ReadyCount == 0) continue;
            if (Dispatcher.RunUntilIdle(TurnsPerInstantMax) == TurnsPerInstantMax)
                throw new SimulationException("The hosts do not come to rest.");
            if (IsCheckedAlways) CheckWriters();
        }
        while (Clock.FireNext(end));
        CheckWriters();
    }

    private void CheckWriters()
    {
        foreach (var node in _nodes.Values)
        {
            if (node is { IsAlive: true, Writer.Writer: { } writer })
                _checks.Writer(node.Id, writer.Log);
        }
    }

    /// <summary>Runs until the fleet is whole and agrees, or for so long at most.</summary>
    /// <returns>Null, or what is still wrong.</returns>
    public string? RunUntilWhole(TimeSpan patience)
    {
        var end = Clock.Elapsed + patience;
        while (true)
        {
            RunFor(TimeSpan.FromMilliseconds(500));
            var problem = LivenessChecks.Find(this);
            if (problem is null || Clock.Elapsed >= end) return problem;
        }
    }

    public void Observe(string host, NorthboundChanged changed) => _checks.Applied(host, changed);

    public void Observe(string host, TransactCompleted completed)
    {
        if (completed.Error is null && completed.Results.All(r => r is not OperationResult.Failed))
            Acknowledged.Add(_asked[completed.RequestId]);
        else RefusedCount++;
        Trace.Number(completed.RequestId);
    }

    public void Dispose()
    {
        foreach (var node in _nodes.Values)
        {
            if (node.IsAlive) node.Crash();
            Akka.DistributedData.VersionVector.ForgetCounters(node.Incarnations);
        }

        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private void Stored(string host, DiskRow row)
    {
        if (!row.PersistenceId.StartsWith("northbound", StringComparison.Ordinal)) return;
        Trace.Text(row.PersistenceId);
        Trace.Bytes(row.Bytes);
        if (LogCodec.TryRead(row.Manifest, row.Bytes, out var change))
            _checks.Stored(host, change!);
    }

    private Guid NewUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.NextBytes(bytes);
        return new Guid(bytes);
    }
}

/// <summary>An invariant does not hold.</summary>
internal sealed class SimulationException(string message) : Exception(message);
