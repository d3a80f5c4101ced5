using Akka.Actor;
using Akka.Configuration;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Controllers;
using Fabric.Datapath;
using Fabric.Host;
using Fabric.HostNode.Composition;
using Fabric.HostNode.Demo;
using Fabric.Switching;

namespace Fabric.SystemTests;

/// <summary>
/// A whole host node in this process, whose rooms throw, are killed and are stopped one by one.
/// </summary>
/// <remarks>
/// Goal: each room is back within a second, packets pass meanwhile, and what operators ask of the
/// host works again. Method: the dummy datapath, whose ports are in memory, and the stock
/// ovs-vsctl on the host's own socket.
/// </remarks>
public sealed class RoomSupervisionTests : IAsyncLifetime
{
    private static readonly TimeSpan BackWithin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("fabric-rooms-").FullName;
    private readonly ActorSystem _system;
    private readonly HostRooms _rooms;
    private readonly Vlog _log;

    public RoomSupervisionTests()
    {
        var config = ConfigurationFactory.ParseString("fabric.host.id = host1")
            .WithFallback(ConfigurationFile.Reference());
        var settings = HostSettings.Read(config, name => name == "FABRIC_STATEDIR"
            ? Path.Combine(_folder, "state") : _folder);
        Directory.CreateDirectory(settings.StateFolder);
        _log = new Vlog(TimeProvider.System, null, null, VlogLevel.Off);
        _system = ActorSystem.Create("host", HostProcess.SystemConfig(settings));
        _rooms = new HostRooms(settings, _system, _log, () => { });
        _system.ActorOf(HostActor.Props(_rooms.All), "host");
    }

    public async Task InitializeAsync()
    {
        await UntilAsync(
            () => Task.FromResult(ListeningSocket.IsAt(Path.Combine(_folder, "db.sock"))));
        await VsctlAsync(
            "add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy", "--",
            "add-port", "br0", "p1", "--", "set", "Interface", "p1", "type=dummy", "--",
            "add-port", "br0", "p2", "--", "set", "Interface", "p2", "type=dummy");
    }

    public async Task DisposeAsync()
    {
        await _rooms.LeaveAsync();
        await _system.Terminate();
        _rooms.Dispose();
        _log.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("datapath")]
    [InlineData("bridges")]
    [InlineData("bridges/br0")]
    [InlineData("conntrack")]
    [InlineData("tunnels")]
    [InlineData("configuration")]
    [InlineData("northbound")]
    [InlineData("cluster")]
    [InlineData("logical")]
    [InlineData("management")]
    [InlineData("appctl")]
    public async Task A_room_that_throws_is_killed_or_stopped_is_back_and_packets_never_wait(
        string room)
    {
        var number = 3;
        foreach (var fate in Fates(room))
        {
            AssertTraffic();
            var path = $"{HostRooms.Root}/{room}";
            _system.ActorSelection(path).Tell(fate);
            AssertTraffic();
            await UntilAsync(() => IsThereAsync(path), BackWithin);
            AssertTraffic();

            var port = $"p{number++}";
            await UntilAsync(async () => (await RunAsync(
                "--timeout=3", "--may-exist", "add-port", "br0", port, "--", "set", "Interface",
                port, "type=dummy")).Succeeded);
            await UntilAsync(async () => int.TryParse(
                (await RunAsync("--timeout=3", "get", "Interface", port, "ofport")).Output,
                out var number) && number > 0);
        }
    }

    /// <summary>Messages that end an actor: one that it cannot bear, and the usual two.</summary>
    private static IEnumerable<object> Fates(string room)
    {
        object? poison = room switch
        {
            "datapath" => new OpenInterface(0, "br0", "dummy", null!),
            "bridges" => new WantsState(null!),
            "bridges/br0" => new ApplyChanges(0, [new SwitchChange(null!, 0), default], true),
            "conntrack" => new ZonesWanted(null!),
            "tunnels" => new VtepsChanged(null!),
            "configuration" => new UseBridges(null!),
            "northbound" => new SubscribeDatabase(null!),
            "cluster" => new SubscribeVteps(null!),
            "logical" => new NorthboundChanged(0, null!, null!),
            "management" => new StopOpenFlow(null!),
            _ => null, // It hears of nothing but its sockets.
        };
        if (poison is not null) yield return poison;
        yield return Kill.Instance;
        yield return PoisonPill.Instance;
    }

    /// <summary>A broadcast into p1 comes out of p2.</summary>
    private void AssertTraffic()
    {
        var datapath = _rooms.Providers.OfType<UserspaceDatapath>()
            .Single(provider => provider.Name.StartsWith("dummy", StringComparison.Ordinal));
        var (from, to) = (datapath.FindMemoryPort("p1")!, datapath.FindMemoryPort("p2")!);
        to.TakeAll();
        from.Inject(Convert.FromHexString(
            "ffffffffffff02000000000108060001080006040001020000000001"
            + "0a0000010000000000000a000002"));
        Assert.NotEmpty(to.TakeAll());
    }

    private async Task VsctlAsync(params string[] arguments)
    {
        var result = await RunAsync(["--timeout=20", .. arguments]);
        Assert.True(result.Succeeded, result.Error);
    }

    private Task<ShellResult> RunAsync(params string[] arguments) => Shell.RunAsync(
        "ovs-vsctl", arguments, new Dictionary<string, string> { ["OVS_RUNDIR"] = _folder });

    private async Task<bool> IsThereAsync(string path)
    {
        try
        {
            await _system.ActorSelection(path).ResolveOne(BackWithin);
            return true;
        }
        catch (ActorNotFoundException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? Patience);
        while (!await condition()) await Task.Delay(20, limit.Token);
    }
}
