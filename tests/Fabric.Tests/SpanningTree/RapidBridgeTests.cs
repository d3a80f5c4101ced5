using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire.Control;

namespace Fabric.Tests.SpanningTree;

/// <summary>Bridges of a small network agree quickly, as IEEE 802.1D-2004 wants it.</summary>
public sealed class RapidBridgeTests
{
    private const long Second = 1000;
    private const uint Cost = 2000;

    private static readonly TreeSettings Usual = new(null, TreeSettings.PriorityDefault, 2, 20, 15);

    private readonly List<RapidBridge> _bridges = [];
    private readonly List<((int Bridge, int Port) A, (int Bridge, int Port) B)> _cables = [];
    private long _now;

    [Fact]
    public void A_port_that_nobody_answers_forwards_as_an_edge_after_three_seconds()
    {
        Add(id: 1, portCount: 1);
        var port = _bridges[0].Ports.Single();

        Run(2);
        Assert.Equal(TreePortState.Listening, port.State);
        Run(2);
        Assert.Equal(TreePortState.Forwarding, port.State);
        Assert.Equal(RapidRole.Designated, port.Role);
    }

    [Fact]
    public void Two_bridges_agree_within_a_second()
    {
        Add(id: 1, portCount: 1);
        Add(id: 2, portCount: 1);
        Plug((0, 1), (1, 1));
        Run(1);

        Assert.Equal(RapidRole.Designated, Port(0, 1).Role);
        Assert.Equal(TreePortState.Forwarding, Port(0, 1).State);
        Assert.Equal(RapidRole.Root, Port(1, 1).Role);
        Assert.Equal(TreePortState.Forwarding, Port(1, 1).State);
        Assert.Equal(Cost, _bridges[1].Root.Cost);
    }

    [Fact]
    public void Of_a_ring_one_port_is_alternate_and_takes_over_at_once_when_a_cable_breaks()
    {
        MakeRing();
        Run(4);

        Assert.All(_bridges, bridge => Assert.Equal(1UL, bridge.Root.Root));
        var blocked = Assert.Single(AllPorts(), port => port.State == TreePortState.Listening);
        Assert.Same(Port(2, 2), blocked);
        Assert.Equal(RapidRole.Alternate, blocked.Role);
        Assert.Equal(5, AllPorts().Count(port => port.State == TreePortState.Forwarding));
        foreach (var bridge in _bridges) bridge.TakeFlushed();

        Unplug(0); // Between bridges 1 and 2: 2 now hears of the root by way of 3.
        Run(2);

        Assert.Equal(RapidRole.Designated, blocked.Role);
        Assert.Equal(TreePortState.Forwarding, blocked.State);
        Assert.Equal(RapidRole.Root, Port(1, 2).Role);
        Assert.Equal(2 * Cost, _bridges[1].Root.Cost);
        Assert.Contains(Port(2, 1).Name, _bridges[2].TakeFlushed());
    }

    [Fact]
    public void A_second_cable_between_two_bridges_is_alternate()
    {
        Add(id: 1, portCount: 2);
        Add(id: 2, portCount: 2);
        Plug((0, 1), (1, 1));
        Plug((0, 2), (1, 2));
        Run(3);

        Assert.Equal(RapidRole.Root, Port(1, 1).Role);
        Assert.Equal(RapidRole.Alternate, Port(1, 2).Role);
        Assert.Equal(TreePortState.Forwarding, Port(0, 2).State);
    }

    [Fact]
    public void The_next_best_becomes_root_after_three_hellos_of_silence()
    {
        MakeRing();
        Run(4);
        _bridges[0] = new RapidBridge(99, Usual, _now); // Gone: it has no port any more.
        Run(9);

        Assert.Equal(2UL, _bridges[1].Root.Root);
        Assert.Equal(2UL, _bridges[2].Root.Root);
    }

    [Fact]
    public void A_better_priority_makes_a_bridge_the_root()
    {
        MakeRing();
        Run(4);
        _bridges[2].Configure(0, Usual with { Priority = 0 }, SettingsOf(2));
        Run(3);

        Assert.All(_bridges, bridge => Assert.Equal(0UL, bridge.Root.Root));
        Assert.Equal(5, AllPorts().Count(port => port.State == TreePortState.Forwarding));
    }

    [Fact]
    public void A_neighbour_that_speaks_stp_gets_configuration_bpdus_and_old_delays()
    {
        Add(id: 1, portCount: 1);
        var old = new StpBridge(2, Usual, _now);
        old.Configure(2, Usual, SettingsOf(1), _now);
        old.SetLink(old.Ports.Single(), isUp: true, Cost, _now);
        var port = Port(0, 1);
        for (var i = 0; i < 45; i++)
        {
            _now += Second;
            foreach (var (_, bpdu) in old.Advance(_now)) _bridges[0].Hear(port, in bpdu);

            foreach (var (_, bpdu) in _bridges[0].Advance(_now))
            {
                old.Hear(old.Ports.Single(), in bpdu, _now);
                if (i > 10) Assert.NotEqual(BpduType.Rapid, bpdu.Type);
            }

            if (i == 10) Assert.NotEqual(TreePortState.Forwarding, port.State);
        }

        Assert.Equal(RapidRole.Designated, port.Role);
        Assert.Equal(TreePortState.Forwarding, port.State);
        Assert.Equal(1UL, old.DesignatedRoot);
        Assert.Equal(TreePortState.Forwarding, old.Ports.Single().State);
    }

    [Fact]
    public void Not_more_than_the_hold_count_leaves_a_port_within_a_second()
    {
        Add(id: 2, portCount: 1);
        var sent = 0;
        for (ulong root = 200; root > 100; root--)
        {
            _bridges[0].Configure(root, Usual, SettingsOf(1));
            sent += _bridges[0].Advance(_now).Length;
        }

        Assert.InRange(sent, 1, TreeSettings.HoldCountDefault);
    }

    private void MakeRing()
    {
        for (ulong id = 1; id <= 3; id++) Add(id, portCount: 2);
        Plug((0, 1), (1, 1));
        Plug((1, 2), (2, 2));
        Plug((2, 1), (0, 2));
    }

    private void Add(ulong id, int portCount)
    {
        var bridge = new RapidBridge(id, Usual, _now);
        bridge.Configure(id, Usual, SettingsOf(portCount));
        foreach (var port in bridge.Ports.ToList()) bridge.SetLink(port, isUp: true, Cost);
        _bridges.Add(bridge);
    }

    private static ImmutableSortedDictionary<string, TreePortSettings> SettingsOf(int count) =>
        Enumerable.Range(1, count).ToImmutableSortedDictionary(
            number => $"p{number}",
            number => new TreePortSettings(
                Guid.Empty, $"p{number}", $"p{number}", number,
                TreePortSettings.PriorityDefault, 0),
            StringComparer.Ordinal);

    private RapidPort Port(int bridge, int number) =>
        _bridges[bridge].Ports.Single(port => port.Number == number);

    private IEnumerable<RapidPort> AllPorts() => _bridges.SelectMany(bridge => bridge.Ports);

    private void Plug((int, int) a, (int, int) b) => _cables.Add((a, b));

    private void Unplug(int index)
    {
        var (a, b) = _cables[index];
        _cables.RemoveAt(index);
        foreach (var (bridge, port) in new[] { a, b })
        {
            _bridges[bridge].SetLink(Port(bridge, port), isUp: false, Cost);
        }
    }

    /// <summary>Tenths of seconds; what is sent arrives a tenth later.</summary>
    private void Run(int seconds)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            _now += Second / 10;
            var sent = Enumerable.Range(0, _bridges.Count).SelectMany(bridge =>
                _bridges[bridge].Advance(_now).Select(
                    each => (bridge, each.Port.Number, each.Bpdu))).ToList();
            foreach (var (bridge, number, bpdu) in sent) Deliver((bridge, number), bpdu);
        }
    }

    private void Deliver((int Bridge, int Port) from, SpanningTreeBpdu bpdu)
    {
        foreach (var (a, b) in _cables)
        {
            if (from != a && from != b) continue;
            var (bridge, number) = from == a ? b : a;
            if (_bridges[bridge].Ports.FirstOrDefault(port => port.Number == number) is { } port)
            {
                _bridges[bridge].Hear(port, in bpdu);
            }
        }
    }
}
