using System.Collections.Immutable;
using Fabric.Cluster;

namespace Fabric.Simulation;

/// <summary>The replicated log of a whole cluster on one thread, one clock, one seed.</summary>
/// <remarks>
/// What may go wrong does: loss, duplication, reordering, one-way cuts, crashes in the middle of
/// a journal write, writers on two hosts at once, voters that change, tails that are compacted.
/// After every step the invariants are checked: one writer for each term, the same committed entry
/// everywhere, equal digests at equal sequences, and nothing acknowledged is ever missing.
/// </remarks>
internal sealed class SimulatedLog
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly Random _random;
    private readonly SimulatedNetwork<ILogMessage> _network;
    private readonly SortedDictionary<string, SimulatedHost> _hosts = new(StringComparer.Ordinal);
    private readonly Dictionary<long, LogEntry> _committed = [];
    private readonly Dictionary<long, ulong> _digests = [];
    private readonly Dictionary<long, WriterId> _writers = [];
    private TimeSpan _nextTick;
    private long _nonce;
    private long _value;

    public SimulatedLog(int hosts, int seed)
    {
        _random = new Random(seed);
        _network = new SimulatedNetwork<ILogMessage>(_random);
        for (var i = 1; i <= hosts; i++) _hosts.Add($"h{i}", new SimulatedHost($"h{i}"));
        _hosts["h1"].Found(new LogFounded(new Guid(seed, 1, 1, new byte[8]), VoterSet.Of("h1")));
    }

    public TimeSpan Now { get; private set; }

    public SimulatedNetwork<ILogMessage> Network => _network;

    public IEnumerable<SimulatedHost> Hosts => _hosts.Values;

    /// <summary>Acknowledged values with their places.</summary>
    public SortedDictionary<long, long> Acknowledged { get; } = [];

    public long CrashCount { get; private set; }

    public long WriterCount => _writers.Count;

    public ulong TraceHash { get; private set; } = 14_695_981_039_346_656_037;

    public SimulatedHost Host(string id) => _hosts[id];

    /// <summary>The singleton starts on a host; it may still run on another one, too.</summary>
    public void StartWriter(string id)
    {
        var host = _hosts[id];
        if (!host.IsAlive) return;
        host.Writer = new LogWriter(
            new WriterId(id, ++_nonce), host.View(), host.Writer?.RefusedBy ?? 0,
            LogTimes.Default);
        host.Writer.SetPeers(
            _hosts.Keys.ToImmutableSortedSet(StringComparer.Ordinal), Now);
    }

    public void StopWriter(string id) => _hosts[id].Writer = null;

    public void Crash(string id)
    {
        if (!_hosts[id].IsAlive) return;
        _hosts[id].Crash();
        CrashCount++;
    }

    public void Restart(string id)
    {
        if (!_hosts[id].IsAlive) _hosts[id].Restart(_random.Next(2) == 0);
    }

    /// <summary>Writes at whichever host serves.</summary>
    public void Write()
    {
        foreach (var host in _hosts.Values)
        {
            if (host.Writer is { Phase: LogWriterPhase.Serving } writer && writer.HasQuorum(Now))
                writer.Append(EntryKind.Transaction, BitConverter.GetBytes(++_value), Now);
        }
    }

    public void ChangeVoters(string host)
    {
        foreach (var one in _hosts.Values)
        {
            if (one.Writer is not { Phase: LogWriterPhase.Serving } writer) continue;
            var hosts = writer.Voters.Hosts;
            if (!hosts.Contains(host) && (hosts.Count >= LogLimits.VoterCountMax
                || writer.LagOf(host) is not <= LogLimits.VoterLagMax)) continue;
            var set = hosts.Contains(host) ? hosts.Remove(host) : hosts.Add(host);
            writer.TryChangeVoters(new VoterSet(set), Now);
        }
    }

    public void RunFor(TimeSpan time)
    {
        for (var end = Now + time; Now < end;) Advance(end);
    }

    private void Advance(TimeSpan end)
    {
        var next = Min(end, _nextTick);
        if (_network.NextAt is { } at) next = Min(next, at);
        foreach (var host in _hosts.Values)
        {
            if (host.WrittenAt is { } written) next = Min(next, written);
        }

        Now = Max(Now, next);
        if (Now >= _nextTick)
        {
            _nextTick += Step;
            foreach (var host in _hosts.Values) Tick(host);
        }

        while (_network.NextAt <= Now) Deliver(_network.Take());
        foreach (var host in _hosts.Values)
        {
            if (host.WrittenAt <= Now) Finish(host);
            if (host.IsAlive) host.Work(Now, _random);
        }

        foreach (var host in _hosts.Values) Check(host);
    }

    private void Tick(SimulatedHost host)
    {
        if (host.Writer is null) return;
        host.Writer.Tick(Now);
        if (host.Writer.Phase == LogWriterPhase.Deposed) StartWriter(host.Id);
        Send(host);
    }

    private void Deliver(SimulatedNetwork<ILogMessage>.Delivery delivery)
    {
        var host = _hosts[delivery.To];
        if (!host.IsAlive) return;
        Trace(delivery);
        if (IsAnswer(delivery.Message))
        {
            host.Writer?.Receive(delivery.From, delivery.Message, Now);
            Send(host);
        }
        else
        {
            host.Receive(delivery.From, delivery.Message);
            host.Work(Now, _random);
        }
    }

    private void Finish(SimulatedHost host)
    {
        var (to, reply) = host.Written();
        if (reply is not null) _network.Send(Now, host.Id, to, reply);
        if (_random.Next(200) == 0) host.Compact(_random.Next(4));
    }

    private void Send(SimulatedHost host)
    {
        if (host.Writer is not { } writer) return;
        foreach (var send in writer.TakeOutbox())
            _network.Send(Now, host.Id, send.Host, send.Message);
    }

    private void Check(SimulatedHost host)
    {
        if (!host.IsAlive) return;
        for (var s = host.Replica.Base.Sequence + 1; s <= host.Replica.Committed; s++)
            Agree(host.Replica[s]);
        if (_digests.TryGetValue(host.Applied, out var digest))
            Assert.Equal(digest, host.State);
        else _digests.Add(host.Applied, host.State);

        if (host.Writer is not { Phase: LogWriterPhase.Serving } writer) return;
        var id = new WriterId(host.Id, NonceOf(writer));
        if (!_writers.TryAdd(writer.Term, id)) Assert.Equal(_writers[writer.Term], id);
        for (var s = writer.Base.Sequence + 1; s <= writer.Committed; s++)
        {
            Agree(writer[s]);
            if (writer[s].Kind == EntryKind.Transaction)
                Acknowledged[s] = BitConverter.ToInt64(writer[s].Body.Span);
        }
    }

    private void Agree(LogEntry entry)
    {
        if (!_committed.TryAdd(entry.Id.Sequence, entry))
            Assert.Equal(_committed[entry.Id.Sequence], entry);
    }

    private static long NonceOf(LogWriter writer) => writer.Id.Nonce;

    private void Trace(SimulatedNetwork<ILogMessage>.Delivery delivery)
    {
        foreach (var letter in $"{delivery.At.Ticks}{delivery.From}{delivery.To}")
            TraceHash = (TraceHash ^ letter) * 1_099_511_628_211;
    }

    private static bool IsAnswer(ILogMessage message) => message is LogDescribed or TermPromised
        or TermRefused or EntriesFetched or ImageFetched or EntriesAppended or AppendGap;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
