using System.Collections.Immutable;
using Fabric.Switching;
using Fabric.Wire.Control;

namespace Fabric.Tests.Sessions;

/// <summary>Two BFD sessions on a wire of numbers: RFC 5880 without a clock.</summary>
public sealed class BfdSessionTests
{
    private readonly BfdSession _one;
    private readonly BfdSession _two;
    private readonly List<(long At, BfdControlPacket Packet)> _sentByOne = [];
    private long _now;
    private bool _isCut;

    public BfdSessionTests()
    {
        _one = new BfdSession(0x11, Settings(("min_tx", "100"), ("min_rx", "100")), 7, 0);
        _two = new BfdSession(0x22, Settings(("min_tx", "100"), ("min_rx", "100")), 8, 0);
    }

    private static BfdSettings Settings(params (string Key, string Value)[] column) =>
        BfdSettings.Parse(column.ToImmutableSortedDictionary(
            pair => pair.Key, pair => pair.Value, StringComparer.Ordinal));

    /// <summary>Lets time pass in steps of a millisecond; packets arrive at once.</summary>
    private void Run(long milliseconds)
    {
        for (var end = _now + milliseconds; _now < end; _now++)
        {
            while (_one.Advance(_now, out var packet))
            {
                _sentByOne.Add((_now, packet));
                if (!_isCut) _two.Hear(in packet, _now);
            }

            while (_two.Advance(_now, out var packet))
            {
                if (!_isCut) _one.Hear(in packet, _now);
            }
        }
    }

    [Fact]
    public void Two_sessions_come_up_and_settle_at_their_interval()
    {
        Run(3000);
        Assert.Equal((BfdState.Up, BfdState.Up), (_one.State, _two.State));
        Assert.True(_one.IsForwarding && _two.IsForwarding);
        Assert.Equal(0x22u, _one.RemoteDiscriminator);
        _sentByOne.Clear();
        Run(10_000);
        // Every 75 to 100 ms: jitter takes up to a quarter off, never adds.
        Assert.InRange(_sentByOne.Count, 100, 134);
        var gaps = _sentByOne.Zip(_sentByOne.Skip(1), (a, b) => b.At - a.At).ToList();
        Assert.All(gaps, gap => Assert.InRange(gap, 75, 100));
        Assert.True(gaps.Distinct().Count() > 5);
        Assert.Equal(1, _one.FlapCount);
    }

    [Fact]
    public void It_is_slow_until_it_is_up()
    {
        _isCut = true;
        Run(10_000);
        Assert.InRange(_sentByOne.Count, 10, 15);
        Assert.All(_sentByOne, sent => Assert.Equal(1_000_000u, sent.Packet.DesiredMinTx));
    }

    [Fact]
    public void Silence_of_three_intervals_is_a_fault_and_healing_brings_it_back()
    {
        Run(3000);
        _isCut = true;
        Run(201);
        Assert.Equal(BfdState.Up, _one.State);
        Run(100);
        Assert.Equal(BfdState.Down, _one.State);
        Assert.Equal(BfdDiagnostic.ControlDetectionTimeExpired, _one.Diagnostic);
        Assert.False(_one.IsForwarding);
        _isCut = false;
        Run(2500);
        Assert.Equal((BfdState.Up, BfdState.Up), (_one.State, _two.State));
        Assert.Equal(3, _one.FlapCount);
    }

    [Fact]
    public void A_peer_that_goes_down_is_believed_at_once()
    {
        Run(3000);
        var down = new BfdControlPacket
        {
            State = BfdState.Down, DetectMultiplier = 3, MyDiscriminator = 0x22,
            YourDiscriminator = 0x11, DesiredMinTx = 1_000_000, RequiredMinRx = 100_000,
        };
        Assert.True(_one.Hear(in down, _now));
        Assert.Equal(BfdState.Down, _one.State);
        Assert.Equal(BfdDiagnostic.NeighborSignaledSessionDown, _one.Diagnostic);
        Assert.True(_one.Deadline <= _now); // And is told at once.
    }

    [Fact]
    public void New_intervals_wait_for_the_peers_final()
    {
        Run(3000);
        _isCut = true;
        _one.Configure(Settings(("min_tx", "50"), ("min_rx", "400")), _now);
        Run(10);
        Assert.True(_one.IsPolling);
        Assert.Equal(100, _one.MinRx);
        Assert.True(_sentByOne[^1].Packet.IsPoll);
        Assert.Equal(400_000u, _sentByOne[^1].Packet.RequiredMinRx);
        _isCut = false;
        Run(200);
        Assert.False(_one.IsPolling);
        Assert.Equal(400, _one.MinRx);
        Assert.Equal(400, _two.TxInterval);
        Assert.Equal(BfdState.Up, _one.State);
    }

    [Fact]
    public void A_lost_path_behind_the_peer_stops_forwarding_but_not_the_session()
    {
        Run(3000);
        _two.Configure(_two.Settings with { IsPathDown = true }, _now);
        Run(150);
        Assert.Equal(BfdState.Up, _one.State);
        Assert.Equal(BfdDiagnostic.ConcatenatedPathDown, _one.RemoteDiagnostic);
        Assert.False(_one.IsForwarding);
        Assert.True(_two.IsForwarding);
    }

    [Fact]
    public void Packets_of_another_session_change_nothing()
    {
        Run(3000);
        var foreign = new BfdControlPacket
        {
            State = BfdState.Down, DetectMultiplier = 3, MyDiscriminator = 0x99,
            YourDiscriminator = 0x98, DesiredMinTx = 1, RequiredMinRx = 1,
        };
        Assert.False(_one.Hear(in foreign, _now));
        Assert.Equal(BfdState.Up, _one.State);
        Assert.Equal(0x22u, _one.RemoteDiscriminator);
    }

    [Fact]
    public void An_operator_has_the_last_word_and_makes_no_flap()
    {
        Run(3000);
        _one.ForwardingOverride = false;
        Run(500);
        Assert.False(_one.IsForwarding);
        _one.ForwardingOverride = null;
        Run(500);
        Assert.True(_one.IsForwarding);
        Assert.Equal(1, _one.FlapCount);
    }

    [Theory]
    [InlineData("mult", "0", 3)]
    [InlineData("mult", "256", 3)]
    [InlineData("mult", "5", 5)]
    [InlineData("mult", "x", 3)]
    public void What_makes_no_sense_is_as_usual(string key, string value, int multiplier) =>
        Assert.Equal(multiplier, Settings((key, value)).Multiplier);
}
