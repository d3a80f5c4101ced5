using Fabric.Cluster;
using Fabric.Switching;

namespace Fabric.Simulation;

/// <summary>What a host that is cut off does to its own switch: nothing.</summary>
public sealed class PartitionTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    /// <remarks>
    /// Goal: no bridge, port or flow of the minority changes in a minute of partition, nor when it
    /// is over. Method: two of five hosts with bound ports are cut off; the Open_vSwitch database,
    /// the northbound, the locations and the VTEPs of either are compared four times a second: all
    /// that flows are made of.
    /// </remarks>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void A_minority_keeps_its_switch_as_it_is_for_a_minute(int seed, bool isFast)
    {
        var times = isFast ? FailureTimes.Fast : FailureTimes.Default;
        using var fleet = new SimulatedFleet(5, seed, times);
        foreach (var node in fleet.Nodes) fleet.Start(node);
        fleet.RunFor(TimeSpan.FromSeconds(1)); // Their rooms are there.
        Assert.NotNull(fleet.Write(fleet.Node(1)));
        foreach (var node in fleet.Nodes) fleet.Bind(node, $"port-{node.Id}");
        Assert.Null(fleet.RunUntilWhole(TimeSpan.FromSeconds(60)));
        fleet.RunFor(TimeSpan.FromSeconds(5)); // What follows from it is written.

        var minority = fleet.Nodes.Skip(3).ToList();
        var before = string.Join('\n', minority.Select(Switch));
        foreach (var one in minority)
        {
            foreach (var other in fleet.Nodes.Take(3))
            {
                fleet.Network.Block(one.Id, other.Id);
                fleet.Network.Block(other.Id, one.Id);
            }
        }

        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(60); passed += Step)
        {
            fleet.RunFor(Step);
            Assert.Equal(before, string.Join('\n', minority.Select(Switch)));
        }

        Assert.DoesNotContain(minority, node => node.Membership?.State.Members.Count == 5);
        fleet.Network.Heal();
        Assert.Null(fleet.RunUntilWhole(TimeSpan.FromSeconds(90)));
        // The log has gone on; none of it concerns them.
        Assert.Equal(
            WithoutLog(before), WithoutLog(string.Join('\n', minority.Select(Switch))));
    }

    private static string WithoutLog(string text) => string.Join('\n', text.Split('\n')
        .Where(line => !line.StartsWith("northbound ", StringComparison.Ordinal)));

    /// <summary>All that flows are made of, as text.</summary>
    private static string Switch(SimulatedNode node)
    {
        var observer = node.Observer!;
        var bridge = TunnelRows.BridgeOf(observer.Configuration!)!;
        var tunnels = TunnelRows.Read(observer.Configuration!, bridge);
        return string.Join(
            '\n',
            [
                $"database {observer.Configuration!.TransactionId}",
                $"northbound {observer.Northbound!.Sequence}",
                .. tunnels.Select(tunnel => tunnel.ToString()!),
                .. observer.Locations!.Locations.Values.Select(location => location.ToString()),
                .. observer.Vteps!.Vteps.Select(vtep => $"{vtep.HostId} {vtep.Address}"),
            ]);
    }
}
