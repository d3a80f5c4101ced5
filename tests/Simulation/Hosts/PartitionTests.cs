using Akka.Cluster;
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
        using var fleet = FleetWithPorts(seed, times);
        SimulatedNode[] minority = [fleet.Node(4), fleet.Node(5)];
        var before = Switches(minority);
        foreach (var one in minority) CutOff(fleet, one);
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(60); passed += Step)
        {
            fleet.RunFor(Step);
            Assert.Equal(before, Switches(minority));
        }

        Assert.DoesNotContain(minority, node => node.Membership?.State.Members.Count == 5);
        fleet.Network.Heal();
        Assert.Null(fleet.RunUntilWhole(TimeSpan.FromSeconds(90)));
        // The log has gone on; none of it concerns them.
        Assert.Equal(WithoutLog(before), WithoutLog(Switches(minority)));
    }

    /// <remarks>
    /// Goal: hosts that were cut off together and come back one after the other keep the tunnel
    /// between them. Method: one of two reaches the other three again, and is a member with them
    /// for a while before the second one does.
    /// </remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Two_that_come_back_one_after_the_other_keep_their_tunnel(int seed)
    {
        using var fleet = FleetWithPorts(seed, FailureTimes.Default);
        var (first, second) = (fleet.Node(4), fleet.Node(5));
        var before = WithoutLog(Switches(first, second));
        foreach (var one in new[] { first, second }) CutOff(fleet, one);
        fleet.RunFor(TimeSpan.FromSeconds(60));

        Reach(fleet, first);
        RunWhileSame(() => first.Membership is { } cluster
            && cluster.State.Members.Count(member => member.Status == MemberStatus.Up) == 4);
        var joined = fleet.Clock.Elapsed;
        RunWhileSame(() => fleet.Clock.Elapsed - joined >= TimeSpan.FromSeconds(2));
        Reach(fleet, second);
        RunWhileSame(() => LivenessChecks.Find(fleet) is null);
        fleet.RunFor(TimeSpan.FromSeconds(15)); // Nothing is carried over any more.
        Assert.Equal(before, WithoutLog(Switches(first, second)));

        void RunWhileSame(Func<bool> isDone)
        {
            var end = fleet.Clock.Elapsed + TimeSpan.FromSeconds(90);
            while (!isDone())
            {
                Assert.True(fleet.Clock.Elapsed < end, LivenessChecks.Find(fleet));
                fleet.RunFor(Step);
                Assert.Equal(before, WithoutLog(Switches(first, second)));
            }
        }
    }

    /// <summary>Five hosts with a bound port each, whole and at rest.</summary>
    private static SimulatedFleet FleetWithPorts(int seed, FailureTimes times)
    {
        var fleet = new SimulatedFleet(5, seed, times);
        foreach (var node in fleet.Nodes) fleet.Start(node);
        fleet.RunFor(TimeSpan.FromSeconds(1)); // Their rooms are there.
        Assert.NotNull(fleet.Write(fleet.Node(1)));
        foreach (var node in fleet.Nodes) fleet.Bind(node, $"port-{node.Id}");
        Assert.Null(fleet.RunUntilWhole(TimeSpan.FromSeconds(60)));
        fleet.RunFor(TimeSpan.FromSeconds(5)); // What follows from it is written.
        return fleet;
    }

    /// <summary>From the first three hosts, in both directions.</summary>
    private static void CutOff(SimulatedFleet fleet, SimulatedNode one)
    {
        foreach (var other in fleet.Nodes.Take(3))
        {
            fleet.Network.Block(one.Id, other.Id);
            fleet.Network.Block(other.Id, one.Id);
        }
    }

    private static void Reach(SimulatedFleet fleet, SimulatedNode one)
    {
        foreach (var other in fleet.Nodes.Take(3))
        {
            fleet.Network.Unblock(one.Id, other.Id);
            fleet.Network.Unblock(other.Id, one.Id);
        }
    }

    private static string WithoutLog(string text) => string.Join('\n', text.Split('\n')
        .Where(line => !line.StartsWith("northbound ", StringComparison.Ordinal)));

    private static string Switches(params SimulatedNode[] nodes) =>
        string.Join('\n', nodes.Select(Switch));

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
