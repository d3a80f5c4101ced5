using System.Collections.Immutable;
using Fabric.Switching;
using Fabric.Wire.Control;

namespace Fabric.Tests.Sessions;

/// <summary>Two CFM end points on a wire of numbers.</summary>
public sealed class CfmSessionTests
{
    private long _now;
    private bool _isCut;

    private static CfmSettings Settings(long endPoint, params (string, string)[] config) =>
        CfmSettings.Parse(endPoint, config.ToImmutableSortedDictionary(
            pair => pair.Item1, pair => pair.Item2, StringComparer.Ordinal));

    private void Run(CfmSession one, CfmSession two, long milliseconds)
    {
        for (var end = _now + milliseconds; _now < end; _now++)
        {
            Carry(one, two);
            Carry(two, one);
        }
    }

    private void Carry(CfmSession from, CfmSession to)
    {
        if (from.Advance(_now) is not { } bytes || _isCut) return;
        Assert.True(ContinuityCheckMessage.TryParse(bytes, out var message, out _));
        to.Hear(in message);
    }

    [Fact]
    public void End_points_find_each_other_and_miss_each_other()
    {
        var one = new CfmSession(Settings(1, ("cfm_interval", "100")), 0);
        var two = new CfmSession(Settings(2, ("cfm_interval", "100")), 0);
        Run(one, two, 800);
        Assert.Equal(CfmFaults.None, one.Faults);
        Assert.Equal([2ul], one.RemoteEndPoints.ToArray());
        _isCut = true;
        Run(one, two, 800);
        Assert.Equal(CfmFaults.Receive, one.Faults);
        Assert.Empty(one.RemoteEndPoints);
        Assert.Equal(1, one.FlapCount);
    }

    [Fact]
    public void Who_is_not_heard_is_told_so()
    {
        var one = new CfmSession(Settings(1, ("cfm_interval", "100")), 0);
        var two = new CfmSession(Settings(2, ("cfm_interval", "100")), 0);
        for (; _now < 1500; _now++)
        {
            _ = one.Advance(_now); // Its messages are lost; two's arrive.
            Carry(two, one);
        }

        Assert.Equal(CfmFaults.Receive, two.Faults);
        Assert.Equal(CfmFaults.Remote, one.Faults);
    }

    [Fact]
    public void The_extended_mode_carries_wide_end_points_states_and_any_interval()
    {
        var wide = Settings(
            1L << 40, ("cfm_extended", "true"), ("cfm_interval", "250"), ("cfm_opstate", "down"));
        var one = new CfmSession(wide, 0);
        var two = new CfmSession(
            Settings(9, ("cfm_extended", "true"), ("cfm_interval", "250")), 0);
        Run(one, two, 2000);
        Assert.Equal([1ul << 40], two.RemoteEndPoints.ToArray());
        Assert.False(two.IsRemoteOperational);
        Assert.True(one.IsRemoteOperational);
        Assert.Equal(CfmFaults.None, two.Faults);
    }

    [Fact]
    public void Its_own_messages_and_other_intervals_are_faults()
    {
        var one = new CfmSession(Settings(1, ("cfm_interval", "100")), 0);
        var same = new CfmSession(Settings(1, ("cfm_interval", "10")), 0);
        Run(one, same, 800);
        Assert.Equal(CfmFaults.Loopback, one.Faults & CfmFaults.Loopback);
        var other = new CfmSession(Settings(3, ("cfm_interval", "10")), _now);
        Run(one, other, 800);
        Assert.Equal(CfmFaults.Interval, one.Faults & CfmFaults.Interval);
    }
}
