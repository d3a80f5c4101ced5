using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire.Control;

namespace Fabric.Tests.SpanningTree;

/// <summary>Bridges of a small network agree on a tree, as IEEE 802.1D wants it.</summary>
public sealed class StpBridgeTests
{
    private const long Second = 1000;
    private const uint Cost = 19;

    private static readonly TreeSettings Usual = new(null, TreeSettings.PriorityDefault, 2, 20, 15);

    private readonly List<StpBridge> _bridges = [];
    private readonly List<((int Bridge, int Port) A, (int Bridge, int Port) B)> _cables = [];
    private long _now;

    [Fact]
    public void A_port_listens_and_learns_before_it_forwards()
    {
        Add(id: 1, portCount: 1);
        var port = _bridges[0].Ports.Single();

        Assert.Equal(TreePortState.Listening, port.State);
        Run(14);
        Assert.Equal(TreePortState.Listening, port.State);
        Run(2);
        Assert.Equal(TreePortState.Learning, port.State);
        Run(15);
        Assert.Equal(TreePortState.Forwarding, port.State);
        Assert.Equal(StpRole.Designated, _bridges[0].RoleOf(port));
        Assert.Equal(15, port.SentCount);
    }

    [Fact]
    public void Of_a_ring_of_three_one_port_is_blocked_and_takes_over_when_a_cable_breaks()
    {
        MakeRing();
        Run(40);

        Assert.All(_bridges, bridge => Assert.Equal(1UL, bridge.DesignatedRoot));
        Assert.True(_bridges[0].IsRoot);
        var blocked = Assert.Single(AllPorts(), port => port.State == TreePortState.Blocking);
        Assert.Same(Port(2, 2), blocked); // Of bridges 2 and 3 the worse one.
        Assert.Equal(StpRole.Alternate, _bridges[2].RoleOf(blocked));
        Assert.Equal(5, AllPorts().Count(port => port.State == TreePortState.Forwarding));
        foreach (var bridge in _bridges) bridge.TakeFlush();

        Unplug(0);
        Run(60);

        Assert.Equal(TreePortState.Forwarding, blocked.State);
        Assert.Equal(1UL, _bridges[1].DesignatedRoot);
        Assert.Equal(2 * Cost, _bridges[1].RootPathCost);
        Assert.True(_bridges[1].TakeFlush());
    }

    [Fact]
    public void The_next_best_becomes_root_when_nothing_is_heard_of_the_root()
    {
        MakeRing();
        Run(40);
        _bridges[0] = new StpBridge(99, Usual, _now); // Gone: it has no port any more.
        Run(25);

        Assert.True(_bridges[1].IsRoot);
        Assert.Equal(2UL, _bridges[2].DesignatedRoot);
    }

    [Fact]
    public void A_better_priority_makes_a_bridge_the_root_at_once()
    {
        MakeRing();
        Run(40);
        _bridges[2].Configure(0, Usual with { Priority = 0 }, SettingsOf(2), _now);
        Run(10);

        Assert.All(_bridges, bridge => Assert.Equal(0UL, bridge.DesignatedRoot));
    }

    [Fact]
    public void A_change_is_told_to_the_root_which_tells_everybody()
    {
        MakeRing();
        Run(80);
        foreach (var bridge in _bridges) bridge.TakeFlush();

        _bridges[2].ForceChange(_now);
        Run(5);

        Assert.All(_bridges, bridge => Assert.True(bridge.TakeFlush()));
    }

    [Fact]
    public void Numbers_that_rows_ask_for_are_given_and_others_are_the_lowest_free_ones()
    {
        var bridge = new StpBridge(1, Usual, 0);
        bridge.Configure(1, Usual, ImmutableSortedDictionary<string, TreePortSettings>.Empty
            .Add("a", PortOf("a", 0)).Add("b", PortOf("b", 1)).Add("c", PortOf("c", 0)), 0);

        Assert.Equal([("b", 1), ("a", 2), ("c", 3)], bridge.Ports.Select(
            port => (port.Name, port.Number)));
    }

    private static TreePortSettings PortOf(string name, int number) => new(
        Guid.Empty, name, name, number, TreePortSettings.PriorityDefault, 0);

    private static ImmutableSortedDictionary<string, TreePortSettings> SettingsOf(int count) =>
        Enumerable.Range(1, count).ToImmutableSortedDictionary(
            number => $"p{number}", number => PortOf($"p{number}", number));

    private void Add(ulong id, int portCount)
    {
        var bridge = new StpBridge(id, Usual, _now);
        bridge.Configure(id, Usual, SettingsOf(portCount), _now);
        foreach (var port in bridge.Ports) bridge.SetLink(port, true, Cost, _now);
        _bridges.Add(bridge);
    }

    private void MakeRing()
    {
        for (var i = 0; i < 3; i++) Add((ulong)i + 1, portCount: 2);
        _cables.Add(((0, 1), (1, 1)));
        _cables.Add(((0, 2), (2, 1)));
        _cables.Add(((1, 2), (2, 2)));
    }

    private StpPort Port(int bridge, int number) =>
        _bridges[bridge].Ports.Single(port => port.Number == number);

    private IEnumerable<StpPort> AllPorts() => _bridges.SelectMany(bridge => bridge.Ports);

    private void Unplug(int cable)
    {
        var (a, b) = _cables[cable];
        _cables.RemoveAt(cable);
        foreach (var (bridge, number) in new[] { a, b })
        {
            _bridges[bridge].SetLink(Port(bridge, number), false, Cost, _now);
        }
    }

    private void Run(int seconds)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            _now += Second / 10;
            for (var at = 0; at < _bridges.Count; at++)
            {
                foreach (var (port, bpdu) in _bridges[at].Advance(_now)) Carry(at, port, in bpdu);
            }
        }
    }

    /// <summary>As bytes, so that what is written can be read.</summary>
    private void Carry(int from, StpPort port, in SpanningTreeBpdu bpdu)
    {
        var bytes = new byte[bpdu.Size];
        bpdu.Write(bytes);
        foreach (var (a, b) in _cables)
        {
            var there = a == (from, port.Number) ? b : b == (from, port.Number) ? a : (-1, 0);
            if (there.Item1 < 0 || !_bridges[there.Item1].Ports.Any()) continue;
            if (SpanningTreeBpdu.TryParse(bytes, out var heard, out _))
            {
                _bridges[there.Item1].Hear(Port(there.Item1, there.Item2), in heard, _now);
            }
        }
    }
}
