using System.Collections.Immutable;
using System.Net;
using Akka.Actor;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Each kind of actor is back after it threw, was killed, or was stopped.</summary>
public sealed class ClusterRecoveryTests
{
    private const string Vteps = "/user/fabric/vteps";
    private const string Ports = "/user/fabric/ports";
    private const string Writer = "/user/fabric/writer/northbound/writer";
    private const string Seam = "/user/fabric";

    /// <summary>A message that the actor cannot handle, by its path.</summary>
    private static object Nonsense(string path) => path switch
    {
        Vteps => new PublishVteps("x", null!),
        Ports => new ClaimPorts(null!),
        Writer => new HostDelivered("a", Addressee.Writer, new ReplicaDescribed(null!)),
        _ => new SendToHost(null!, Addressee.Writer, "x"),
    };

    [Theory]
    [InlineData(Vteps)]
    [InlineData(Ports)]
    [InlineData(Writer)]
    [InlineData(Seam)]
    public async Task It_is_back_and_its_work_with_it(string path)
    {
        using var hosts = new ClusteredHosts("a");
        hosts.Start("a");
        await WorksAsync(hosts, 1);
        hosts.TellFabric("a", path, Nonsense(path));
        await WorksAsync(hosts, 2);
        hosts.TellFabric("a", path, Kill.Instance);
        await WorksAsync(hosts, 3);
        hosts.TellFabric("a", path, PoisonPill.Instance);
        await WorksAsync(hosts, 4);
    }

    [Fact]
    public async Task Replica_and_endpoint_are_back_after_they_threw()
    {
        using var hosts = new ClusteredHosts("a");
        hosts.Start("a");
        await WorksAsync(hosts, 1);
        hosts.Northbound("a").Tell(new SubscribeNorthbound(null!));
        await WorksAsync(hosts, 2);
        hosts.Cluster("a").Tell(new SubscribeVteps(null!));
        await WorksAsync(hosts, 3);
    }

    /// <summary>Until this round's VTEP, port and transaction are known.</summary>
    private static async Task WorksAsync(ClusteredHosts hosts, int round)
    {
        var cluster = hosts.Cluster("a");
        var address = IPAddress.Parse($"10.0.0.{round}");
        var vtep = new Vtep(
            "a", "a", "geneve", address, ImmutableSortedDictionary<string, string>.Empty);
        await NorthboundHosts.UntilAsync(async () =>
        {
            cluster.Tell(new PublishVteps("a", [vtep]));
            cluster.Tell(new ClaimPorts([$"port{round}"]));
            var topology = await hosts.QueryAsync("a", "topology");
            return topology.Contains($"geneve {address}\n", StringComparison.Ordinal)
                && topology.Contains($"port port{round}\n", StringComparison.Ordinal);
        }, 30);

        await NorthboundHosts.UntilAsync(async () =>
        {
            var row = new Operation.Insert(
                "Logical_Switch", [new ColumnValue("name", $"s{round}")], Guid.NewGuid());
            return (await hosts.TransactAsync("a", row)).Error is null;
        }, 30);
    }
}
