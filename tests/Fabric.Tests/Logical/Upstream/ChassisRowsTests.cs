using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>What a chassis writes into a southbound that ovn-northd keeps.</summary>
public sealed class ChassisRowsTests
{
    private static readonly Guid Datapath = Guid.NewGuid();

    private static readonly PublishVteps Own = new("name1", [new Vtep(
        "hv1", "name1", "geneve", IPAddress.Parse("192.0.2.1"),
        ImmutableSortedDictionary<string, string>.Empty)]);

    private static DatabaseSnapshot Southbound()
    {
        var rows = LogicalLab.Apply(
            DatabaseSnapshot.EmptyOf(SouthboundSchema.Schema),
            [
                new Operation.Insert("Datapath_Binding", [new("tunnel_key", 1)], Datapath),
                Binding("p1", 1), Binding("p2", 2),
            ]);
        return LogicalLab.Apply(rows, ChassisRows.Register(rows, "hv1", Own));
    }

    private static Operation Binding(string port, int key) => new Operation.Insert(
        "Port_Binding",
        [
            new("logical_port", port), new("tunnel_key", key),
            new("datapath", Datum.References([Datapath])),
        ]);

    [Fact]
    public void It_registers_once_and_others_hear_of_its_encapsulation()
    {
        var rows = Southbound();
        Assert.Empty(ChassisRows.Register(rows, "hv1", Own));
        Assert.Equal(["192.0.2.1"], ChassisRows.Vteps(rows).Select(vtep => $"{vtep.Address}"));
        Assert.Equal(1, rows.Table("Chassis_Private").Count);

        var moved = Own with
        {
            Vteps = [Own.Vteps.First() with { Address = IPAddress.Parse("192.0.2.9") }],
        };
        rows = LogicalLab.Apply(rows, ChassisRows.Register(rows, "hv1", moved));
        Assert.Equal(["192.0.2.9"], ChassisRows.Vteps(rows).Select(vtep => $"{vtep.Address}"));
        Assert.Equal(1, rows.Table("Encap").Count);
    }

    [Fact]
    public void A_port_is_claimed_then_up_then_let_go()
    {
        var rows = Southbound();
        var chassis = ChassisRows.ChassisOf(rows, "hv1")!;
        DatabaseSnapshot Bound(ImmutableSortedSet<string> claims, bool isApplied) =>
            LogicalLab.Apply(rows, ChassisRows.Bind(
                rows, chassis, claims, claims.ToHashSet(), isApplied));

        rows = Bound(["p1"], isApplied: false);
        Assert.Equal("hv1", ChassisOf(rows, "p1"));
        Assert.Null(ChassisOf(rows, "p2"));
        rows = Bound(["p1"], isApplied: true);
        Assert.True(Port(rows, "p1").GetBoolean("up"));
        Assert.Empty(ChassisRows.Bind(rows, chassis, ["p1"], new HashSet<string>(), true));
        rows = Bound([], isApplied: true);
        Assert.Null(ChassisOf(rows, "p1"));
        Assert.False(Port(rows, "p1").GetBoolean("up"));
    }

    [Fact]
    public void A_port_of_another_chassis_is_taken_by_a_new_claim_only()
    {
        var rows = Southbound();
        var other = new PublishVteps("name2", [new Vtep(
            "hv2", "name2", "geneve", IPAddress.Parse("192.0.2.2"),
            ImmutableSortedDictionary<string, string>.Empty)]);
        rows = LogicalLab.Apply(rows, ChassisRows.Register(rows, "hv2", other));
        var (one, two) = (ChassisRows.ChassisOf(rows, "hv1")!, ChassisRows.ChassisOf(rows, "hv2")!);
        ImmutableSortedSet<string> claims = ["p1"];
        rows = LogicalLab.Apply(
            rows, ChassisRows.Bind(rows, two, claims, claims.ToHashSet(), false));
        Assert.Empty(ChassisRows.Bind(rows, one, claims, new HashSet<string>(), false));
        Assert.Single(ChassisRows.Bind(rows, one, claims, claims.ToHashSet(), false));
    }

    private static Row Port(DatabaseSnapshot rows, string name) =>
        rows.Table("Port_Binding").Find("logical_port", name)!;

    private static string? ChassisOf(DatabaseSnapshot rows, string name) =>
        ChassisRows.ChassisName(rows, Port(rows, name), "chassis");
}
