using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Logical;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Logical;

/// <summary>A database actor in memory; as a northbound it also numbers its states.</summary>
internal sealed class FakeDatabase : ReceiveActor
{
    private readonly HashSet<IActorRef> _subscribers = [];
    private readonly HashSet<IActorRef> _followers = [];
    private DatabaseSnapshot _database;
    private long _sequence = 1;

    /// <param name="watcher">Hears what the actor under test says besides.</param>
    public FakeDatabase(DatabaseSnapshot database, IActorRef watcher)
    {
        _database = database;
        Receive<SubscribeDatabase>(subscribe =>
        {
            _subscribers.Add(subscribe.Subscriber);
            subscribe.Subscriber.Tell(new DatabaseChanged(
                DatabaseSnapshot.EmptyOf(_database.Schema), _database, []));
        });
        Receive<SubscribeNorthbound>(subscribe =>
        {
            _followers.Add(subscribe.Subscriber);
            TellFollower(subscribe.Subscriber);
        });
        Receive<Transact>(transact =>
        {
            var before = _database;
            var outcome = TransactionExecutor.Execute(
                before, transact.Operations, TransactionContext.Random());
            _database = outcome.Snapshot;
            if (!ReferenceEquals(before, _database))
            {
                _sequence++;
                foreach (var subscriber in _subscribers)
                    subscriber.Tell(new DatabaseChanged(before, _database, outcome.Changes));
                foreach (var follower in _followers) TellFollower(follower);
            }

            Sender.Tell(new TransactCompleted(
                transact.RequestId, outcome.Results, outcome.Error));
            watcher.Tell(transact);
        });
        Receive<GetSnapshot>(_ => Sender.Tell(_database));
        ReceiveAny(watcher.Tell);
    }

    internal sealed record GetSnapshot;

    private void TellFollower(IActorRef follower) => follower.Tell(
        new NorthboundChanged(_sequence, _database, LogicalLab.KeysOf(_database)));
}

/// <summary>A bridge that keeps flows in a dictionary.</summary>
internal sealed class FakeSwitch : ReceiveActor
{
    public FakeSwitch(Dictionary<FlowIdentity, FlowMod> flows, IActorRef watcher)
    {
        Receive<ApplyChanges>(changes =>
        {
            lock (flows)
            {
                foreach (var change in changes.Changes) Apply(flows, (FlowMod)change.Message);
            }

            Sender.Tell(new ChangesApplied(changes.RequestId, []));
            watcher.Tell(changes);
        });
        Receive<AskSwitch>(ask =>
        {
            OfMessage? reply = ask.Request switch
            {
                OfFlowStatsRequest => Dump(flows),
                OfGroupDescriptionRequest => new OfGroupDescriptionReply([]),
                _ => null,
            };
            Sender.Tell(new SwitchAnswered(ask.RequestId, reply, OfErrorCode.None));
        });
        ReceiveAny(watcher.Tell);
    }

    private static void Apply(Dictionary<FlowIdentity, FlowMod> flows, FlowMod mod)
    {
        var identity = new FlowIdentity(mod.TableId, mod.Priority, mod.Match);
        if (mod.Command == FlowModCommand.Add) flows[identity] = mod;
        else flows.Remove(identity);
    }

    private static OfFlowStatsReply Dump(Dictionary<FlowIdentity, FlowMod> flows)
    {
        lock (flows)
        {
            var stats = flows.Select(flow => new OfFlowStats(
                flow.Key.Table, flow.Key.Match, flow.Key.Priority, flow.Value.Cookie,
                flow.Value.Actions, TimeSpan.Zero, 0, 0, null, null, 0, 0, FlowModFlags.None, 0));
            return new OfFlowStatsReply(stats.ToEquatableArray(), false);
        }
    }
}

/// <summary>Open_vSwitch databases as a host has them.</summary>
internal static class FakeHost
{
    public static DatabaseSnapshot Database(string hostId, params string[] ports)
    {
        var faces = new List<Guid>();
        var operations = new List<Fabric.Wire.Ovsdb.Operation>();
        foreach (var (port, index) in ports.Select((port, index) => (port, index)))
        {
            var (face, row) = (Guid.NewGuid(), Guid.NewGuid());
            operations.Add(new Fabric.Wire.Ovsdb.Operation.Insert(
                "Interface",
                [
                    new("name", $"veth-{port}"), new("ofport", (long)index + 1),
                    new("external_ids", Fabric.Wire.Ovsdb.Datum.Map(
                        new Dictionary<string, string> { ["iface-id"] = port })),
                ],
                face));
            operations.Add(new Fabric.Wire.Ovsdb.Operation.Insert(
                "Port",
                [
                    new("name", $"veth-{port}"),
                    new("interfaces", Fabric.Wire.Ovsdb.Datum.References([face])),
                ],
                row));
            faces.Add(row);
        }

        var bridge = Guid.NewGuid();
        if (ports.Length > 0)
        {
            operations.Add(new Fabric.Wire.Ovsdb.Operation.Insert(
                "Bridge",
                [new("name", "br-int"), new("ports", Fabric.Wire.Ovsdb.Datum.References(faces))],
                bridge));
        }

        operations.Add(new Fabric.Wire.Ovsdb.Operation.Insert(
            "Open_vSwitch",
            [
                new(
                    "bridges", Fabric.Wire.Ovsdb.Datum.References(
                        ports.Length > 0 ? [bridge] : [])),
                new("external_ids", Fabric.Wire.Ovsdb.Datum.Map(
                    new Dictionary<string, string> { ["system-id"] = hostId })),
            ]));
        return LogicalLab.Apply(
            DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema), [.. operations]);
    }
}
