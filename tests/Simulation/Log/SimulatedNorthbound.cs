using System.Collections.Immutable;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Simulation;

/// <summary>
/// Endpoints, replicas and writers of the northbound with real OVSDB transactions.
/// </summary>
/// <remarks>
/// Every client transaction adds a switch with a port and adds one to nb_cfg: what was done twice
/// shows in nb_cfg, what was lost in the switches. Endpoints send again until they are answered;
/// hosts crash, the writer moves, messages are lost, doubled and late.
/// </remarks>
internal sealed class SimulatedNorthbound
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);
    private static readonly LogTimes Times = LogTimes.Default;

    private readonly Random _random;
    private readonly SimulatedNetwork<SendToHost> _network;
    private readonly SortedDictionary<string, Host> _hosts = new(StringComparer.Ordinal);
    private readonly MembershipView _members;
    private long _nonce;
    private long _name;

    private sealed class Host(string id)
    {
        public SimulatedHost Journal { get; } = new(id);

        public NorthboundWriter? Writer { get; set; }

        public long Above { get; set; }

        public string? WriterHost { get; set; }

        public long WriterTerm { get; set; }

        public PendingTransactions Pending { get; set; } = new(id, Times) { Incarnation = 1 };

        public NorthboundState State { get; set; } =
            NorthboundState.EmptyOf(NorthboundSchema.Schema);

        public long Applied { get; set; }
    }

    public SimulatedNorthbound(int hosts, int seed)
    {
        _random = new Random(seed);
        _network = new SimulatedNetwork<SendToHost>(_random);
        for (var i = 1; i <= hosts; i++) _hosts.Add($"h{i}", new Host($"h{i}"));
        _hosts["h1"].Journal.Found(
            new LogFounded(new Guid(seed, 2, 2, new byte[8]), VoterSet.Of("h1")));
        _members = new MembershipView(
            "h1", "", [.. _hosts.Keys.Select(id => new HostMember(id, id, "up", true, true, []))],
            "h1", true);
    }

    public TimeSpan Now { get; private set; }

    public SimulatedNetwork<SendToHost> Network => _network;

    public IEnumerable<string> Hosts => _hosts.Keys;

    /// <summary>Names of switches that a client was told are there.</summary>
    public SortedSet<string> Acknowledged { get; } = new(StringComparer.Ordinal);

    public long RefusedCount { get; private set; }

    public NorthboundState StateOf(string host) => _hosts[host].State;

    public long AppliedOf(string host) => _hosts[host].Applied;

    public void StartWriter(string id)
    {
        var host = _hosts[id];
        if (!host.Journal.IsAlive) return;
        var around = new WriterSurroundings(NorthboundSchema.Schema, Times, NewUuid, () => 0);
        host.Writer = new NorthboundWriter(
            new WriterId(id, ++_nonce), host.Journal.View(), host.Above, _members, around);
        host.Writer.SetMembers(_members, Now);
    }

    public void StopWriter(string id) => _hosts[id].Writer = null;

    public void Crash(string id)
    {
        if (!_hosts[id].Journal.IsAlive) return;
        _hosts[id].Journal.Crash();
        _hosts[id].Writer = null;
    }

    public void Restart(string id)
    {
        var host = _hosts[id];
        if (host.Journal.IsAlive) return;
        host.Journal.Restart(_random.Next(2) == 0);
        host.Pending = new PendingTransactions(id, Times)
        {
            Incarnation = host.Pending.Incarnation + 1,
        };
        host.State = NorthboundState.EmptyOf(NorthboundSchema.Schema);
        host.Applied = 0;
        host.WriterHost = null;
    }

    /// <summary>A client at the host adds a switch with a port.</summary>
    public void Write(string id)
    {
        var host = _hosts[id];
        if (!host.Journal.IsAlive) return;
        var (name, port) = ($"s{++_name}", NewUuid());
        var transact = new Transact(
            _name,
            [
                new Operation.Mutate("NB_Global", [], [new Mutation("nb_cfg", Mutator.Add, 1L)]),
                new Operation.Insert("Logical_Switch_Port", [new("name", name)], port),
                new Operation.Insert(
                    "Logical_Switch",
                    [new("name", name), new("ports", Datum.References([port]))], NewUuid()),
            ]);
        var json = OvsdbText.ToUtf8(
            writer => OperationWriter.Write(writer, transact.Operations));
        host.Pending.Add(name, transact, json, Now);
    }

    public void RunFor(TimeSpan time)
    {
        for (var end = Now + time; Now < end;)
        {
            Now += Step;
            foreach (var id in _hosts.Keys) Tick(id);
            while (_network.NextAt is { } at && at <= Now) Deliver(_network.Take());
            foreach (var id in _hosts.Keys) Work(id);
        }
    }

    private void Tick(string id)
    {
        var host = _hosts[id];
        if (!host.Journal.IsAlive) return;
        if (host.Writer is { } writer)
        {
            writer.Tick(Now);
            if (writer.Log.Phase == LogWriterPhase.Deposed)
            {
                host.Above = writer.Log.RefusedBy;
                StartWriter(id);
            }

            Flush(host);
        }

        foreach (var (_, _) in host.Pending.TakeExpired(new QuorumView(3, 3), Now)) RefusedCount++;
        if (host.WriterHost is not { } target) return;
        foreach (var due in host.Pending.TakeDue(Now))
        {
            Send(id, new SendToHost(target, Addressee.Writer, new SubmitTransaction(
                host.Pending.IdOf(due.Number), due.Operations, due.Origin)));
        }
    }

    private void Deliver(SimulatedNetwork<SendToHost>.Delivery delivery)
    {
        var host = _hosts[delivery.To];
        if (!host.Journal.IsAlive) return;
        var send = delivery.Message;
        if (send.To == Addressee.Writer)
        {
            host.Writer?.Receive(delivery.From, send.Payload, Now);
            Flush(host);
        }
        else if (send.Payload is ILogMessage message)
        {
            host.Journal.Receive(delivery.From, message);
            if (message is AppendEntries append && append.Term >= host.WriterTerm)
                (host.WriterHost, host.WriterTerm) = (append.Writer.HostId, append.Term);
        }
        else if (send.Payload is SubmissionHeld held)
        {
            host.Pending.Hold(held);
        }
        else if (send.Payload is SubmissionAnswered answer)
        {
            host.Pending.Answer(answer);
        }
    }

    /// <summary>
    /// The journal writes within a step; then the state follows what is committed.
    /// </summary>
    private void Work(string id)
    {
        var host = _hosts[id];
        for (var i = 0; host.Journal.IsAlive && i < 50; i++)
        {
            host.Journal.Work(Now, _random);
            if (host.Journal.WrittenAt is null) break;
            var (to, reply) = host.Journal.Written();
            if (reply is not null) Send(id, new SendToHost(to, Addressee.Writer, reply));
        }

        if (!host.Journal.IsAlive) return;
        while (host.Applied < host.Journal.Replica.Committed)
        {
            var entry = host.Journal.Replica[++host.Applied];
            host.State = host.State.Apply(entry);
            if (entry.Kind != EntryKind.Transaction) continue;
            Assert.True(TransactionEntry.TryRead(
                entry.Body.Span, NorthboundSchema.Schema, out var transaction));
            if (host.Pending.Take(transaction.Request) is { } done)
                Acknowledged.Add((string)done.Client);
        }
    }

    private void Flush(Host host)
    {
        if (host.Writer is null) return;
        foreach (var send in host.Writer.TakeOutbox()) Send(host.Journal.Id, send);
    }

    /// <summary>Between hosts everything is bytes.</summary>
    private void Send(string from, SendToHost send)
    {
        var bytes = HostCodec.Write(send.To, send.Payload);
        Assert.True(HostCodec.TryRead(bytes, out var to, out _, out var payload));
        _network.Send(Now, from, send.Host, new SendToHost(send.Host, to, payload!));
    }

    private Guid NewUuid()
    {
        var bytes = new byte[16];
        _random.NextBytes(bytes);
        return new Guid(bytes);
    }
}
