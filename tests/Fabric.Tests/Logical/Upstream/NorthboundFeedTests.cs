using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

/// <summary>A northbound that follows another one, transaction by transaction.</summary>
public sealed class NorthboundFeedTests
{
    private static readonly Guid Switch = Guid.Parse("5e700000-0000-4000-8000-000000000011");
    private static readonly Guid Port = Guid.Parse("5e700000-0000-4000-8000-000000000012");

    private static DatabaseSnapshot Upstream() => LogicalLab.Apply(
        LogicalLab.EmptyNorthbound(),
        [
            new Operation.Insert(
                "Logical_Switch_Port",
                [new("name", "p"), new("addresses", "dynamic"), new("tag_request", 7)], Port),
            new Operation.Insert(
                "Logical_Switch",
                [new("name", "s"), new("ports", Datum.References([Port]))], Switch),
        ]);

    private static DatabaseSnapshot Followed(DatabaseSnapshot upstream, DatabaseSnapshot local)
    {
        var next = LogicalLab.Apply(local, NorthboundFeed.Down(upstream, local));
        Assert.Empty(NorthboundFeed.Down(upstream, next));
        return next;
    }

    [Fact]
    public void Rows_come_with_their_uuids_and_go()
    {
        var upstream = Upstream();
        var local = Followed(upstream, LogicalLab.EmptyNorthbound());
        Assert.Equal("p", local.Find("Logical_Switch_Port", Port)!.GetString("name"));
        Assert.Equal(
            upstream.Table("NB_Global").First!.Uuid, local.Table("NB_Global").First!.Uuid);

        upstream = LogicalLab.Apply(upstream, [Operation.DeleteRow("Logical_Switch", Switch)]);
        local = Followed(upstream, local);
        Assert.Equal(0, local.Table("Logical_Switch_Port").Count);
    }

    [Fact]
    public void What_northd_would_write_goes_the_other_way()
    {
        var upstream = Upstream();
        var local = Followed(upstream, LogicalLab.EmptyNorthbound());
        local = LogicalLab.Apply(local, [Operation.UpdateRow(
            "Logical_Switch_Port", Port, new ColumnValue("up", true),
            new ColumnValue("tag", 7), new ColumnValue("dynamic_addresses", "02:00:00:00:00:01"))]);
        Assert.Empty(NorthboundFeed.Down(upstream, local));

        upstream = LogicalLab.Apply(upstream, NorthboundFeed.Up(upstream, local));
        var row = upstream.Find("Logical_Switch_Port", Port)!;
        Assert.True(row.GetBoolean("up"));
        Assert.Equal(7, row.GetInteger("tag"));
        Assert.Equal("02:00:00:00:00:01", row.GetString("dynamic_addresses"));
        Assert.Empty(NorthboundFeed.Up(upstream, local));
    }

    [Fact]
    public void A_server_without_a_northbound_takes_nothing_away()
    {
        var local = Upstream();
        var empty = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
        Assert.Empty(NorthboundFeed.Down(empty, local));
    }

    [Fact]
    public void Only_what_changes_rows_is_written_through()
    {
        Assert.True(NorthboundFeed.IsReadOnly([new Operation.Select("NB_Global", [])]));
        Assert.False(NorthboundFeed.IsReadOnly(
            [new Operation.Select("NB_Global", []), Operation.DeleteRow("ACL", Port)]));
    }
}
