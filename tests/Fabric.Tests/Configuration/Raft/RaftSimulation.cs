using System.Text.Json;
using Fabric.Configuration;

namespace Fabric.Tests.Configuration;

/// <summary>A whole cluster in one thread: its time, network and crashes under one seed.</summary>
internal sealed class RaftSimulation
{
    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private readonly Dictionary<(int From, int To), long> _lastArrival = [];
    private readonly HashSet<(int, int)> _cut = [];
    private readonly Dictionary<long, Guid> _leaders = [];
    private readonly SortedDictionary<long, (long? Term, Guid? Id)> _applied = [];
    private readonly List<SimulatedServer> _servers = [];
    private long _order;
    private int _entryCount;

    public RaftSimulation(int seed, int serverCount)
    {
        Random = new Random(seed);
        for (var i = 0; i < serverCount; i++) _servers.Add(new SimulatedServer(this, i));
        foreach (var server in _servers) server.Start();
    }

    public Random Random { get; }
    public long Now { get; private set; }
    public IReadOnlyList<SimulatedServer> Servers => _servers;
    public SimulatedServer First => _servers[0];

    public static Guid IdOf(int server) => new(server + 1, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1]);

    public static string AddressOf(int server) => $"tcp:10.0.0.{server + 1}:6644";

    public int IndexOf(Guid id) => _servers.FindIndex(server => IdOf(server.Number) == id);

    public void Run(long milliseconds)
    {
        var end = Now + milliseconds;
        while (Now < end)
        {
            Now++;
            while (_events.TryPeek(out _, out var key) && key.Time <= Now) _events.Dequeue()();
            foreach (var server in _servers) server.Tick();
            CheckLeaders();
        }
    }

    /// <summary>Delivered in order, by way of its bytes, if nothing is in between then.</summary>
    public void Send(int from, int to, RaftEnvelope envelope)
    {
        if (to < 0) return;
        var arrival = Math.Max(
            Now + Random.Next(1, 20), _lastArrival.GetValueOrDefault((from, to)));
        _lastArrival[(from, to)] = arrival;
        var method = RaftMessageWriter.MethodOf(envelope.Message);
        var bytes = RaftMessageWriter.ToJson(envelope);
        _events.Enqueue(
            () =>
            {
                if (_cut.Contains((from, to))) return;
                using var json = JsonDocument.Parse((byte[])[.. "["u8, .. bytes, .. "]"u8]);
                Assert.True(
                    RaftMessageReader.TryRead(method, json.RootElement, out var read, out var why),
                    why);
                _servers[to].Hear(read.From, read.Message);
            },
            (arrival, _order++));
    }

    /// <summary>Nothing gets through between two servers.</summary>
    public void Cut(int one, int other)
    {
        _cut.Add((one, other));
        _cut.Add((other, one));
    }

    public void Isolate(int server)
    {
        for (var i = 0; i < _servers.Count; i++) Cut(server, i);
    }

    public void Heal()
    {
        _cut.Clear();
        foreach (var server in _servers)
        {
            server.Restart();
            for (var i = 0; i < _servers.Count; i++) server.HearConnected(IdOf(i));
        }
    }

    /// <summary>A transaction at whoever believes to lead; perhaps at several.</summary>
    public void Propose()
    {
        foreach (var server in _servers)
        {
            var data = JsonDocument.Parse($"[null,{{\"n\":{_entryCount}}}]").RootElement;
            server.Propose(new ClusterRecord { Data = data, EntryId = EntryId(++_entryCount) });
        }
    }

    public static Guid EntryId(int number) => new(number, 0, 0, [0, 0, 0, 0, 0, 0, 0, 2]);

    /// <summary>All servers' logs agree on what is committed, for ever.</summary>
    public void HearApplied(ClusterRecord entry)
    {
        var what = (entry.Term, entry.EntryId);
        if (!_applied.TryAdd(entry.Index!.Value, what))
        {
            Assert.Equal(_applied[entry.Index.Value], what);
        }
    }

    public long LastApplied => _applied.Count == 0 ? 0 : _applied.Keys.Last();

    private void CheckLeaders()
    {
        foreach (var server in _servers)
        {
            if (server.Member is not { IsLeader: true } member) continue;
            if (!_leaders.TryAdd(member.Term, member.Id))
            {
                Assert.Equal(_leaders[member.Term], member.Id);
            }
        }
    }
}
