using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Tunnels follow the VTEP directory, whatever happens to their actors.</summary>
public sealed class TunnelsActorTests : IDisposable
{
    private static readonly ImmutableSortedDictionary<string, string> NoOptions =
        ImmutableSortedDictionary<string, string>.Empty;

    private readonly ActorSystem _system = ActorSystem.Create("tunnels");
    private readonly IActorRef _database;
    private readonly IActorRef _directory;
    private readonly IActorRef _tunnels;

    public TunnelsActorTests()
    {
        _database = _system.ActorOf(MemoryDatabaseActor.Props(
            OpenVSwitchSchema.Schema, TimeProvider.System, Guid.NewGuid, false));
        _directory = _system.ActorOf(Props.Create(() => new Directory()));
        _tunnels = _system.ActorOf(TunnelsActor.Props("a", _directory, _database), "tunnels");
    }

    public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(10));

    private static Vtep Vtep(string host, string address) =>
        new(host, host, "geneve", IPAddress.Parse(address), NoOptions);

    private async Task MakeBridgeAsync()
    {
        var bridge = Guid.NewGuid();
        var done = await _database.Ask<TransactCompleted>(
            new Transact(1,
            [
                new Operation.Insert("Bridge", [new("name", "br-int")], bridge),
                new Operation.Insert("Open_vSwitch",
                    [new("bridges", Datum.References([bridge]))], Guid.NewGuid()),
            ]),
            TimeSpan.FromSeconds(5));
        Assert.Null(done.Error);
    }

    private async Task<DatabaseSnapshot> ReadAsync() => (await _database.Ask<DatabaseChanged>(
        probe => new SubscribeDatabase(probe), TimeSpan.FromSeconds(5),
        CancellationToken.None)).After;

    private Task UntilRemotesAre(params string[] addresses) =>
        NorthboundHosts.UntilAsync(async () =>
        {
            var database = await ReadAsync();
            if (TunnelRows.BridgeOf(database) is not { } bridge) return false;
            return TunnelRows.Read(database, bridge).Select(row => row.RemoteAddress)
                .Order(StringComparer.Ordinal).SequenceEqual(addresses);
        });

    [Fact]
    public async Task Tunnels_equal_the_other_hosts()
    {
        _directory.Tell(new VtepsChanged(
            [Vtep("a", "10.0.0.1"), Vtep("b", "10.0.0.2"), Vtep("c", "10.0.0.3")]));
        await MakeBridgeAsync();
        await UntilRemotesAre("10.0.0.2", "10.0.0.3");
        _directory.Tell(new VtepsChanged(
            [Vtep("a", "10.0.0.1"), Vtep("c", "10.0.0.3"), Vtep("d", "10.0.0.4")]));
        await UntilRemotesAre("10.0.0.3", "10.0.0.4");
    }

    [Fact]
    public async Task A_row_that_someone_removed_comes_back()
    {
        await MakeBridgeAsync();
        _directory.Tell(new VtepsChanged([Vtep("b", "10.0.0.2")]));
        await UntilRemotesAre("10.0.0.2");
        var database = await ReadAsync();
        var bridge = TunnelRows.BridgeOf(database)!;
        _database.Tell(new Transact(
            2, [TunnelRows.Remove(bridge, TunnelRows.Read(database, bridge))]));
        await UntilRemotesAre("10.0.0.2");
    }

    [Fact]
    public async Task What_was_there_before_a_start_is_kept_or_removed()
    {
        await MakeBridgeAsync();
        var bridge = TunnelRows.BridgeOf(await ReadAsync())!;
        foreach (var vtep in new[] { Vtep("b", "10.0.0.2"), Vtep("old", "10.0.0.9") })
        {
            _database.Tell(new Transact(
                3, TunnelRows.Add(bridge, vtep, $"ovn-{vtep.HostId}-0", Guid.NewGuid)));
        }

        var before = await InterfaceOfAsync("b");
        _directory.Tell(new VtepsChanged([Vtep("b", "10.0.0.2"), Vtep("c", "10.0.0.3")]));
        await UntilRemotesAre("10.0.0.2", "10.0.0.3");
        Assert.Equal(before, await InterfaceOfAsync("b"));
    }

    private async Task<Guid> InterfaceOfAsync(string host)
    {
        var database = await ReadAsync();
        return TunnelRows.Read(database, TunnelRows.BridgeOf(database)!)
            .Single(row => row.HostId == host).Interface;
    }

    /// <remarks>Whoever is made anew subscribes again and reads what is.</remarks>
    [Fact]
    public async Task Another_actor_in_its_place_goes_on()
    {
        await MakeBridgeAsync();
        _directory.Tell(new VtepsChanged([Vtep("b", "10.0.0.2")]));
        await UntilRemotesAre("10.0.0.2");
        await _tunnels.GracefulStop(TimeSpan.FromSeconds(5));
        _system.ActorOf(TunnelsActor.Props("a", _directory, _database), "successor");
        _directory.Tell(new VtepsChanged([Vtep("c", "10.0.0.3")]));
        await UntilRemotesAre("10.0.0.3");
    }

    /// <remarks>
    /// Its rows are the tunnel: packets pass while it is away, and what changes reaches it after.
    /// </remarks>
    [Theory]
    [InlineData("", "throws")]
    [InlineData("/b", "throws")]
    [InlineData("/b", "is killed")]
    [InlineData("/b", "is stopped")]
    public async Task A_tunnel_whose_actor_ends_stays_and_follows_again(string child, string fate)
    {
        await MakeBridgeAsync();
        _directory.Tell(new VtepsChanged([Vtep("b", "10.0.0.2")]));
        await UntilRemotesAre("10.0.0.2");
        var before = await InterfaceOfAsync("b");
        var path = child == "" ? "/user/tunnels"
            : "/user/tunnels/" + TunnelActor.NameOf(Vtep("b", "10.0.0.2"));
        _system.ActorSelection(path).Tell(fate switch
        {
            "throws" when child == "" => new VtepsChanged(null!),
            "throws" => new TunnelObserved(null!, null, null!),
            "is killed" => Kill.Instance,
            _ => PoisonPill.Instance,
        });
        Assert.Equal(before, await InterfaceOfAsync("b"));

        // Back, and at work: a row that someone removes is written anew, and so is another host's.
        var database = await ReadAsync();
        var bridge = TunnelRows.BridgeOf(database)!;
        _database.Tell(new Transact(
            4, [TunnelRows.Remove(bridge, TunnelRows.Read(database, bridge))]));
        await UntilRemotesAre("10.0.0.2");
        _directory.Tell(new VtepsChanged([Vtep("b", "10.0.0.2"), Vtep("c", "10.0.0.3")]));
        await UntilRemotesAre("10.0.0.2", "10.0.0.3");
    }

    private sealed class Directory : ReceiveActor
    {
        private VtepsChanged? _last;
        private IActorRef _subscriber = ActorRefs.Nobody;

        public Directory()
        {
            Receive<SubscribeVteps>(subscribe =>
            {
                _subscriber = subscribe.Subscriber;
                if (_last is not null) _subscriber.Tell(_last);
            });
            Receive<VtepsChanged>(changed => _subscriber.Tell(_last = changed));
        }
    }
}
