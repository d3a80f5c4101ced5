using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>
/// Whole clusters over real sockets: forming, gossip, writing, dying, coming back.
/// </summary>
public sealed class ClusteredHostsTests
{
    private static Operation.Insert Switch(string name) => new(
        "Logical_Switch", [new ColumnValue("name", name)], Guid.NewGuid());

    private static PublishVteps Vteps(string host, string address) => new(
        host, [new Vtep(host, host, "geneve", IPAddress.Parse(address),
            ImmutableSortedDictionary<string, string>.Empty)]);

    /// <returns>Null when there is no answer yet.</returns>
    private static async Task<T?> AskAsync<T>(
        IActorRef actor, Func<IActorRef, object> message) where T : class
    {
        try
        {
            return await actor.Ask<T>(
                message, TimeSpan.FromMilliseconds(500), CancellationToken.None);
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    private static Task UntilWritableAsync(ClusteredHosts hosts, string host) =>
        NorthboundHosts.UntilAsync(
            async () => (await hosts.TransactAsync(host, Switch("probe"))).Error is null, 60);

    private static Task UntilUpAsync(ClusteredHosts hosts, string host, int count) =>
        NorthboundHosts.UntilAsync(async () =>
            (await hosts.QueryAsync(host, "show")).Split("| up\n").Length == count + 1, 30);

    [Fact]
    public async Task Three_hosts_gossip_and_write_and_survive_the_writers_death()
    {
        using var hosts = new ClusteredHosts("a", "b", "c");
        foreach (var host in new[] { "a", "b", "c" }) hosts.Start(host);
        foreach (var host in new[] { "a", "b", "c" }) await UntilUpAsync(hosts, host, 3);

        hosts.Cluster("a").Tell(Vteps("a", "10.0.0.1"));
        hosts.Cluster("b").Tell(Vteps("b", "10.0.0.2"));
        hosts.Cluster("c").Tell(Vteps("c", "10.0.0.3"));
        hosts.Cluster("b").Tell(new ClaimPorts(["web1"]));
        await NorthboundHosts.UntilAsync(async () => (await AskAsync<VtepsChanged>(
            hosts.Cluster("c"), probe => new SubscribeVteps(probe)))?.Vteps.Count == 3, 30);
        await NorthboundHosts.UntilAsync(async () => (await AskAsync<PortLocationsChanged>(
            hosts.Cluster("c"), probe => new SubscribePortLocations(probe)))?
            .Locations.GetValueOrDefault("web1")?.HostId == "b", 30);

        await UntilWritableAsync(hosts, "b");
        await NorthboundHosts.UntilAsync(async () =>
            (await hosts.QueryAsync("c", "status")).Contains("voters:            a, b, c"), 30);
        await hosts.KillAsync("a");
        await UntilWritableAsync(hosts, "c");
        var count = await hosts.SwitchCountAsync("c");
        await NorthboundHosts.UntilAsync(
            async () => (await hosts.SwitchCountAsync("b")) == count);

        hosts.Start("a");
        await NorthboundHosts.UntilAsync(
            async () => (await hosts.SwitchCountAsync("a")) == count, 60);
        await UntilUpAsync(hosts, "a", 3);
    }

    [Fact]
    public async Task All_hosts_can_be_down_and_come_back()
    {
        using var hosts = new ClusteredHosts("a", "b");
        hosts.Start("a");
        hosts.Start("b");
        await UntilUpAsync(hosts, "b", 2);
        await UntilWritableAsync(hosts, "b");
        await NorthboundHosts.UntilAsync(async () =>
            (await hosts.QueryAsync("b", "status")).Contains("voters:            a, b"), 30);
        var count = await hosts.SwitchCountAsync("b");
        await hosts.KillAsync("a");
        var alone = await hosts.TransactAsync("b", Switch("alone"));
        Assert.Equal("no quorum: 1 of 2 voters reachable", alone.Error?.Details);
        await hosts.KillAsync("b");

        hosts.Start("b");
        hosts.Start("a");
        await UntilWritableAsync(hosts, "a");
        await NorthboundHosts.UntilAsync(async () => await hosts.SwitchCountAsync("b") > count, 30);
    }
}
