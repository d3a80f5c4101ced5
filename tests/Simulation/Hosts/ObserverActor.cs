using System.Collections.Immutable;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Simulation;

/// <summary>What the simulation is told of a host, as a client of it would be.</summary>
internal interface IObserver
{
    void Observe(string host, NorthboundChanged changed);

    void Observe(string host, TransactCompleted completed);
}

/// <summary>To the observer: a client at this host sends a transaction.</summary>
internal sealed record ClientTransact(long Number, ImmutableArray<Operation> Operations);

/// <summary>Stands for the rooms that a simulated host lacks, and for its clients.</summary>
/// <remarks>
/// Hears:  what host/northbound, host/cluster and host/configuration publish;
///         <see cref="ClientTransact"/>.
/// Says:   <see cref="NorthboundApplied"/> at once, as if all flows were installed;
///         <see cref="Transact"/>; the row of br-int if it is missing.
/// Holds:  the newest of each.
/// Fails:  when a room that it watches is gone: it is made anew and subscribes again.
/// </remarks>
internal sealed class ObserverActor : ReceiveActor
{
    private readonly IActorRef _northbound;
    private readonly IActorRef _cluster;
    private readonly IActorRef _configuration;

    public ObserverActor(
        string host, IObserver world, IActorRef northbound, IActorRef cluster,
        IActorRef configuration, Func<Guid> newUuid)
    {
        _northbound = northbound;
        _cluster = cluster;
        _configuration = configuration;
        Receive<NorthboundChanged>(changed =>
        {
            Northbound = changed;
            world.Observe(host, changed);
            var done = changed.Database.Table("NB_Global").First?.GetInteger("nb_cfg") ?? 0;
            _northbound.Tell(new NorthboundApplied(changed.Sequence, done));
        });
        Receive<TransactCompleted>(completed =>
        {
            if (completed.RequestId > 0) world.Observe(host, completed);
        });
        Receive<ClientTransact>(client =>
            _northbound.Tell(new Transact(client.Number, client.Operations)));
        Receive<DatabaseChanged>(changed =>
        {
            Configuration = changed.After;
            if (changed.After.Table("Bridge").Find("name", "br-int") is null)
                _configuration.Tell(new Transact(0, Bridge(changed.After, newUuid)));
        });
        Receive<VtepsChanged>(changed => Vteps = changed);
        Receive<PortLocationsChanged>(changed => Locations = changed);
        Receive<LearnedAddressesChanged>(changed => Learned = changed);
        Receive<GatewaysElected>(changed => Gateways = changed);
        Receive<HostLoadsChanged>(changed => Loads = changed);
    }

    public NorthboundChanged? Northbound { get; private set; }

    public DatabaseSnapshot? Configuration { get; private set; }

    public VtepsChanged? Vteps { get; private set; }

    public PortLocationsChanged? Locations { get; private set; }

    public LearnedAddressesChanged? Learned { get; private set; }

    public GatewaysElected? Gateways { get; private set; }

    public HostLoadsChanged? Loads { get; private set; }

    public static Props Props(
        string host, IObserver world, IActorRef northbound, IActorRef cluster,
        IActorRef configuration, Func<Guid> newUuid) =>
        Akka.Actor.Props.Create(() => new ObserverActor(
            host, world, northbound, cluster, configuration, newUuid));

    protected override void PreStart()
    {
        foreach (var room in new[] { _northbound, _cluster, _configuration })
        {
            if (!room.IsNobody()) Context.Watch(room);
        }

        _northbound.Tell(new SubscribeNorthbound(Self));
        _configuration.Tell(new SubscribeDatabase(Self));
        _cluster.Tell(new SubscribeVteps(Self));
        _cluster.Tell(new SubscribePortLocations(Self));
        _cluster.Tell(new SubscribeLearnedAddresses(Self));
        _cluster.Tell(new SubscribeGateways(Self));
        _cluster.Tell(new SubscribeHostLoads(Self));
    }

    private static ImmutableArray<Operation> Bridge(DatabaseSnapshot database, Func<Guid> newUuid)
    {
        var bridge = newUuid();
        var root = database.Table("Open_vSwitch").First;
        return root is null
            ? []
            :
            [
                new Operation.Insert("Bridge", [new("name", "br-int")], bridge),
                Operation.MutateRow("Open_vSwitch", root.Uuid, new Mutation(
                    "bridges", Mutator.Insert, Datum.References([bridge]))),
            ];
    }
}
