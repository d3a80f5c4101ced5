using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>
/// Several hosts in one process, each with both of its actor systems, on loopback.
/// </summary>
internal sealed class ClusteredHosts : IDisposable
{
    private readonly string _folder =
        Path.Combine(Path.GetTempPath(), "fabric-hosts-" + Guid.NewGuid().ToString("N"));

    private sealed record Running(
        ActorSystem System, FabricSystemSlot Slot, IActorRef Cluster, IActorRef Northbound);

    private readonly SortedDictionary<string, Running> _running = new(StringComparer.Ordinal);

    private readonly ImmutableSortedDictionary<string, int> _ports;

    public ClusteredHosts(params string[] hosts) => _ports = hosts.ToImmutableSortedDictionary(
        host => host, _ => FreePort(), StringComparer.Ordinal);

    /// <summary>Set before the first start: the northbound is in PostgreSQL.</summary>
    public string? NorthboundConnection { get; init; }

    public IActorRef Cluster(string host) => _running[host].Cluster;

    /// <summary>Of the host's clustered system.</summary>
    public string AddressOf(string host) => $"akka.tcp://fabric@127.0.0.1:{_ports[host]}";

    public IActorRef Northbound(string host) => _running[host].Northbound;

    /// <summary>To an actor of the host's clustered system.</summary>
    public void TellFabric(string host, string path, object message) =>
        _running[host].Slot.System!.ActorSelection(path).Tell(message);

    /// <summary>Starts a host; the first of all forms the cluster.</summary>
    public void Start(string host)
    {
        var folder = Path.Combine(_folder, host);
        Directory.CreateDirectory(folder);
        var settings = new FabricSettings(
            host, "127.0.0.1", _ports[host],
            [.. _ports.Values.Select(port => $"127.0.0.1:{port}")], host == _ports.Keys.First(),
            true, folder, null, FailureTimes.Fast, NorthboundSchema.Schema, TimeProvider.System)
        {
            RestartPauseMax = TimeSpan.FromSeconds(1),
            NorthboundConnection = NorthboundConnection,
            // Ending is then like a crash: nobody says goodbye.
            Overrides = """
                akka.loglevel = WARNING
                akka.coordinated-shutdown.run-by-actor-system-terminate = off
                """,
        };
        var system = ActorSystem.Create("host", ConfigurationFactory.ParseString(
            FabricSystem.Serializers + NorthboundStore.Sqlite(Path.Combine(folder, "nb.db"))));
        var northbound = system.ActorOf(
            NorthboundActor.Props(new NorthboundSettings(
                host, NorthboundSchema.Schema, LogTimes.Default, TimeProvider.System)),
            "northbound");
        var slot = FabricSystem.SlotOf(settings);
        var cluster = system.ActorOf(ClusterActor.Props(settings, northbound, slot), "cluster");
        _running[host] = new Running(system, slot, cluster, northbound);
    }

    /// <summary>Ends a host without a word to the others.</summary>
    public async Task KillAsync(string host)
    {
        _running.Remove(host, out var running);
        await running!.Slot.StopAsync();
        await running.System.Terminate();
    }

    public Task<TransactCompleted> TransactAsync(string host, params Operation[] operations) =>
        Northbound(host).Ask<TransactCompleted>(
            new Transact(1, [.. operations]), TimeSpan.FromSeconds(20));

    public async Task<int> SwitchCountAsync(string host) =>
        (await Northbound(host).Ask<NorthboundChanged>(
            probe => new SubscribeNorthbound(probe), TimeSpan.FromSeconds(5),
            CancellationToken.None)).Database.Table("Logical_Switch").Count;

    public async Task<string> QueryAsync(string host, string verb, params string[] arguments) =>
        (await Cluster(host).Ask<ClusterAnswer>(
            new QueryCluster(verb, [.. arguments], false), TimeSpan.FromSeconds(5))).Text;

    public void Dispose()
    {
        Task.WaitAll(
            [
                .. _running.Values.Select(async host =>
                {
                    await host.Slot.StopAsync();
                    await host.System.Terminate();
                }),
            ],
            TimeSpan.FromSeconds(20));
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A free port below those that connections are given.</summary>
    private static int FreePort()
    {
        while (true)
        {
            var port = Random.Shared.Next(20_000, 30_000);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                continue;
            }
        }
    }
}
