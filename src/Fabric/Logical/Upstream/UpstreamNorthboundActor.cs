using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Logical;

/// <summary>Tunnel keys as the southbound has them.</summary>
/// <param name="Datapaths">By row of Logical_Switch or Logical_Router.</param>
/// <param name="Ports">By logical port; "cr-" ports are among them.</param>
public sealed record SouthboundKeys(
    ImmutableDictionary<Guid, uint> Datapaths, ImmutableSortedDictionary<string, uint> Ports);

/// <summary>The northbound of a mesh that others run: followed and written to.</summary>
/// <remarks>
/// Hears:  <see cref="SubscribeDatabase"/>, <see cref="UnsubscribeDatabase"/>,
///         <see cref="Configuration.Transact"/> and <see cref="CancelTransact"/> of this host's
///         clients, which go through to the server; <see cref="DatabaseChanged"/> of the
///         connection; <see cref="SouthboundKeys"/> of the chassis;
///         <see cref="SubscribeNorthbound"/> and <see cref="NorthboundApplied"/> of the logical
///         room.
/// Says:   <see cref="NorthboundChanged"/>, once rows and keys are known; what was applied, to the
///         chassis.
/// Holds:  nothing that the server does not say again.
/// Fails:  never by the server: while it is away rows stay as they were, writes are "canceled".
/// </remarks>
public sealed class UpstreamNorthboundActor : ReceiveActor
{
    /// <summary>Columns that ovn-northd fills: this host's own answers are not wanted.</summary>
    private static readonly ImmutableArray<string> NorthdColumns =
        ["up", "dynamic_addresses", "tag"];

    private readonly IActorRef _database;
    private readonly WriteThrough _writes;
    private readonly SortedDictionary<string, IActorRef> _subscribers =
        new(StringComparer.Ordinal);

    private DatabaseSnapshot? _rows;
    private SouthboundKeys? _southbound;
    private TunnelKeys _keys = TunnelKeys.Empty;
    private IActorRef? _chassis;
    private long _sequence;

    public UpstreamNorthboundActor(RemoteDatabaseSettings settings)
    {
        _database = Context.ActorOf(RemoteDatabaseActor.Props(settings), "server");
        _writes = new WriteThrough(_database);
        Receive<SubscribeDatabase>(subscribe => _database.Forward(subscribe));
        Receive<UnsubscribeDatabase>(unsubscribe => _database.Forward(unsubscribe));
        Receive<CancelTransact>(cancel => _database.Forward(cancel));
        Receive<Transact>(Submit);
        Receive<TransactCompleted>(completed =>
        {
            if (_writes.Complete(completed, _rows) is { } done) done.Client.Tell(done.Answer);
        });
        Receive<ConvertDatabase>(convert => Sender.Tell(new TransactCompleted(
            convert.RequestId, [], OvsdbError.NotAllowed("convert it at its own server"))));
        Receive<DatabaseChanged>(changed =>
        {
            _rows = changed.After;
            var hasNewPorts = changed.Changes.Any(change =>
                change.Table is "Logical_Switch_Port" or "Logical_Router_Port"
                && (change.IsInsert || change.IsDelete || change.Touches("name")));
            if (hasNewPorts) MatchKeys();
            Publish();
        });
        Receive<SouthboundKeys>(keys =>
        {
            if (!Sender.Equals(_chassis)) _chassis = Sender;
            _southbound = keys;
            MatchKeys();
            Publish();
        });
        Receive<SubscribeNorthbound>(subscribe =>
        {
            Context.Watch(subscribe.Subscriber);
            _subscribers[KeyOf(subscribe.Subscriber)] = subscribe.Subscriber;
            if (IsComplete) subscribe.Subscriber.Tell(Changed());
        });
        Receive<NorthboundApplied>(applied => _chassis?.Tell(applied));
        Receive<ClusterAttached>(_ => { });
        Receive<Terminated>(ended => _subscribers.Remove(KeyOf(ended.ActorRef)));
    }

    public static Props Props(RemoteDatabaseSettings settings) =>
        Akka.Actor.Props.Create(() => new UpstreamNorthboundActor(settings));

    protected override void PreStart() => _database.Tell(new SubscribeDatabase(Self));

    private bool IsComplete => _rows is not null && _southbound is not null;

    private NorthboundChanged Changed() => new(_sequence, _rows!, _keys);

    private void Publish()
    {
        if (!IsComplete) return;
        _sequence++;
        foreach (var subscriber in _subscribers.Values) subscriber.Tell(Changed());
    }

    private void Submit(Transact transact)
    {
        if (IsNorthdsWork(transact.Operations))
        {
            Sender.Tell(new TransactCompleted(transact.RequestId, [], null));
            return;
        }

        _writes.Send(transact, Sender, Self);
    }

    internal static bool IsNorthdsWork(ImmutableArray<Operation> operations) =>
        !operations.IsEmpty && operations.All(operation => operation switch
        {
            Operation.Wait { Table: "Logical_Switch_Port" } => true,
            Operation.Update { Table: "Logical_Switch_Port" } update =>
                update.Row.All(value => NorthdColumns.Contains(value.Column)),
            _ => false,
        });

    /// <summary>Keys by row: the southbound knows ports by name.</summary>
    private void MatchKeys()
    {
        if (_rows is null || _southbound is null) return;
        var ports = ImmutableDictionary.CreateBuilder<Guid, uint>();
        var redirects = ImmutableDictionary.CreateBuilder<Guid, uint>();
        foreach (var row in _rows.Table("Logical_Switch_Port").Rows)
        {
            if (_southbound.Ports.TryGetValue(row.GetString("name"), out var key))
                ports[row.Uuid] = key;
        }

        foreach (var row in _rows.Table("Logical_Router_Port").Rows)
        {
            var name = row.GetString("name");
            if (_southbound.Ports.TryGetValue(name, out var key)) ports[row.Uuid] = key;
            if (_southbound.Ports.TryGetValue($"cr-{name}", out var redirect))
                redirects[row.Uuid] = redirect;
        }

        _keys = new TunnelKeys(_southbound.Datapaths, ports.ToImmutable())
        {
            ChassisRedirects = redirects.ToImmutable(),
        };
    }

    private static string KeyOf(IActorRef actor) => actor.Path.ToStringWithoutAddress();
}
