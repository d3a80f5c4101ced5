using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>
/// The northbound actors of several hosts in one process, joined by a network double.
/// </summary>
/// <remarks>
/// Every message between hosts passes through its bytes. Hosts can be cut off; the writer runs
/// where the test starts it. Membership is what the test says.
/// </remarks>
internal sealed class NorthboundHosts : IDisposable
{
    private readonly ActorSystem _system;
    private readonly ConcurrentDictionary<string, IActorRef> _replicas = new();
    private readonly ConcurrentDictionary<string, IActorRef> _writers = new();
    private readonly ConcurrentDictionary<string, bool> _cut = new();
    private readonly ConcurrentDictionary<string, LogStatus> _statuses = new();
    private readonly ImmutableArray<string> _hosts;
    private readonly IActorRef _network;
    private int _incarnation;

    public NorthboundHosts(params string[] hosts)
    {
        _hosts = [.. hosts];
        var config = FabricSystem.Serializers + """

            akka.loglevel = WARNING
            akka.persistence.journal.plugin = "akka.persistence.journal.inmem"
            """;
        _system = ActorSystem.Create("hosts", ConfigurationFactory.ParseString(config));
        _network = _system.ActorOf(
            Props.Create(() => new Network(this)), "network");
        foreach (var host in hosts) Start(host);
        _replicas[hosts[0]].Tell(new FoundLog(Guid.NewGuid()));
    }

    public static LogTimes Times { get; } = new(
        Heartbeat: TimeSpan.FromMilliseconds(100), Retry: TimeSpan.FromMilliseconds(100),
        Silence: TimeSpan.FromMilliseconds(500), NoQuorum: TimeSpan.FromSeconds(1),
        NoWriter: TimeSpan.FromSeconds(3));

    public void Start(string host)
    {
        var settings = new NorthboundSettings(
            host, NorthboundSchema.Schema, Times, TimeProvider.System);
        Interlocked.Increment(ref _incarnation);
        var replica = _system.ActorOf(
            NorthboundActor.Props(settings), $"northbound-{host}-{_incarnation}");
        replica.Tell(new ClusterAttached(SeamOf(host)));
        _replicas[host] = replica;
        replica.Tell(View(host));
    }

    public async Task StopAsync(string host)
    {
        await _replicas[host].GracefulStop(TimeSpan.FromSeconds(5));
        if (_writers.TryRemove(host, out var writer))
            await writer.GracefulStop(TimeSpan.FromSeconds(5));
    }

    public void StartWriter(string host)
    {
        var around = new WriterSurroundings(
            NorthboundSchema.Schema, Times, Guid.NewGuid, () => 1_000);
        var writer = _system.ActorOf(
            NorthboundWriterActor.Props(host, SeamOf(host), around, TimeProvider.System));
        _writers[host] = writer;
        writer.Tell(View(host));
    }

    public void StopWriter(string host)
    {
        if (_writers.TryRemove(host, out var writer)) _system.Stop(writer);
    }

    public void Cut(string host)
    {
        _cut[host] = true;
        TellMembers();
    }

    public void Heal()
    {
        _cut.Clear();
        TellMembers();
    }

    public Task<TransactCompleted> TransactAsync(string host, params Operation[] operations) =>
        _replicas[host].Ask<TransactCompleted>(
            new Transact(1, [.. operations]), TimeSpan.FromSeconds(10));

    public Task<NorthboundChanged> ReadAsync(string host) =>
        _replicas[host].Ask<NorthboundChanged>(
            probe => new SubscribeNorthbound(probe), TimeSpan.FromSeconds(5),
            CancellationToken.None);

    public void Tell(string host, object message) => _replicas[host].Tell(message);

    public void TellWriter(string host, object payload) => _writers[host].Tell(
        new HostDelivered(host, Addressee.Writer, payload));

    public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(10));

    /// <summary>Until the replica of 'host' knows so many voters.</summary>
    public Task UntilVotersAsync(string host, int count) => UntilAsync(() =>
        Task.FromResult(_statuses.GetValueOrDefault(host)?.Voters.Count == count));

    /// <summary>Polls until the condition holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, int seconds = 15)
    {
        var deadline = DateTime.UtcNow.AddSeconds(seconds);
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "The condition did not come true in time.");
            await Task.Delay(20);
        }
    }

    private void TellMembers()
    {
        foreach (var (host, replica) in _replicas) replica.Tell(View(host));
        foreach (var (host, writer) in _writers) writer.Tell(View(host));
    }

    private MembershipView View(string self) => new(
        self, "", [
            .. _hosts.Select(host => new HostMember(
                host, $"akka.tcp://fabric@{host}:2552", "up",
                host == self || (!_cut.ContainsKey(host) && !_cut.ContainsKey(self)), true,
                [])),
        ], _hosts[0], true);

    private IActorRef SeamOf(string host) =>
        _system.ActorOf(Props.Create(() => new Seam(this, host, _network)));

    private void Carry(string from, SendToHost send)
    {
        if (from != send.Host && (_cut.ContainsKey(from) || _cut.ContainsKey(send.Host))) return;
        var payload = send.Payload;
        if (from != send.Host)
        {
            var bytes = HostCodec.Write(send.To, payload);
            Assert.True(HostCodec.TryRead(bytes, out _, out _, out payload!));
        }

        var target = send.To == Addressee.Northbound ? _replicas : _writers;
        if (target.TryGetValue(send.Host, out var actor))
            actor.Tell(new HostDelivered(from, send.To, payload!));
    }

    private sealed record Carried(string From, SendToHost Send);

    private sealed class Seam : ReceiveActor
    {
        public Seam(NorthboundHosts hosts, string host, IActorRef network)
        {
            Receive<LogStatus>(status => hosts._statuses[host] = status);
            Receive<SendToHost>(send => network.Tell(new Carried(host, send)));
            ReceiveAny(_ => { });
        }
    }

    private sealed class Network : ReceiveActor
    {
        public Network(NorthboundHosts hosts) =>
            Receive<Carried>(carried => hosts.Carry(carried.From, carried.Send));
    }
}
