using System.Collections.Immutable;
using Fabric.Pipeline;
using Fabric.Switching;
using Fabric.Wire;
using Fabric.Wire.OpenFlow;

namespace Fabric.Tests.Switching;

/// <summary>A bond's members over time: delays, the active one, hashes that move.</summary>
public sealed class BondTests
{
    private readonly BondState _bond = new("bond0");

    private static PortSpec Row(string mode, int up = 0, int down = 0, string? primary = null)
    {
        var other = ImmutableSortedDictionary<string, string>.Empty;
        if (primary is not null) other = other.Add("bond-primary", primary);
        return new PortSpec(
            "bond0", null, null, [], [], mode, null, up, down, other,
            ImmutableSortedDictionary<string, InterfaceSpec>.Empty);
    }

    private static PortSnapshot Member(uint number, bool isUp = true) => new(
        "br0", $"p{number}", number, number, MacBytes.FromUInt64(number), 1500,
        OfPortConfig.None, isUp, "bond0", null, null);

    [Fact]
    public void A_member_waits_its_delays_unless_nobody_else_can_send()
    {
        var row = Row("active-backup", up: 1000, down: 500);
        var first = _bond.Update(row, [Member(1), Member(2, isUp: false)], 0);
        Assert.Equal(new uint[] { 1 }, first.Enabled.ToArray());
        Assert.Equal(
            new uint[] { 1 }, _bond.Update(row, [Member(1), Member(2)], 100).Enabled.ToArray());
        Assert.False(_bond.IsDue(1099));
        Assert.True(_bond.IsDue(1100));
        Assert.Equal(
            new uint[] { 1, 2 },
            _bond.Update(row, [Member(1), Member(2)], 1100).Enabled.ToArray());

        var failing = _bond.Update(row, [Member(1, isUp: false), Member(2)], 2000);
        Assert.Equal(1u, failing.Active);
        Assert.Equal(2u, _bond.Update(row, [Member(1, isUp: false), Member(2)], 2500).Active);
    }

    [Fact]
    public void The_primary_is_active_whenever_it_can_send()
    {
        var row = Row("active-backup", primary: "p2");
        Assert.Equal(2u, _bond.Update(row, [Member(1), Member(2)], 0).Active);
        Assert.Equal(1u, _bond.Update(row, [Member(1), Member(2, isUp: false)], 1).Active);
        Assert.Equal(2u, _bond.Update(row, [Member(1), Member(2)], 2).Active);
    }

    [Fact]
    public void An_operator_chooses_the_active_member_and_moves_hashes()
    {
        var row = Row("balance-slb");
        PortSnapshot[] members = [Member(1), Member(2)];
        Assert.Equal(1u, _bond.Update(row, members, 0).Active);
        Assert.True(_bond.TryActivate("p2", 0));
        Assert.True(_bond.TryMigrate(6, "p2"));
        var after = _bond.Update(row, members, 1);
        Assert.Equal(2u, after.Active);
        Assert.Equal(2u, after.Owners[6]);
    }

    [Fact]
    public void Rebalancing_moves_load_from_the_busiest_member_to_the_idlest()
    {
        var row = Row("balance-slb");
        PortSnapshot[] members = [Member(1), Member(2)];
        var bond = _bond.Update(row, members, 0);
        int[] busy = [.. Enumerable.Range(0, 256).Where(hash => bond.Owners[hash] == 1).Take(4)];
        foreach (var hash in busy) bond.Loads[hash].Add(100, 1_000_000);
        var after = _bond.Update(row, members, 10_000);
        Assert.Equal(2, busy.Count(hash => after.Owners[hash] == 2));

        // Nothing moves back and forth.
        var later = _bond.Update(row, members, 20_000);
        Assert.Equal(after.Owners.ToArray(), later.Owners.ToArray());
    }

    [Fact]
    public void A_hash_whose_member_is_gone_is_given_to_another()
    {
        var row = Row("balance-tcp");
        _bond.Update(row, [Member(1), Member(2)], 0);
        var after = _bond.Update(row, [Member(1), Member(2, isUp: false)], 1);
        Assert.All(after.Owners, owner => Assert.Equal(1u, owner));
        Assert.Empty(_bond.Update(
            row, [Member(1, isUp: false), Member(2, isUp: false)], 2).Owners);
    }

    [Theory]
    [InlineData(0, 0, 218)]
    [InlineData(7, 3, 244)]
    [InlineData(7000, 3, 53)]
    public void Stations_hash_as_in_ovs_vswitchd(int vlan, uint basis, uint expected)
    {
        Assert.True(MacBytes.TryParse("50:54:00:00:00:05", out var mac));
        Assert.Equal(expected, FlowHash.Station(mac, (ushort)vlan, basis) & 255);
    }
}
