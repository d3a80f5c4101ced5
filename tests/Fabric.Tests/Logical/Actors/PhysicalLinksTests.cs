using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Logical;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Logical;

public sealed class PhysicalLinksTests
{
    private static readonly ImmutableSortedDictionary<string, string> Wanted =
        ImmutableSortedDictionary<string, string>.Empty.Add("ln", "br-ex");

    private static DatabaseSnapshot Host()
    {
        var database = FakeHost.Database("host1", "vm");
        var bridge = Guid.NewGuid();
        return LogicalLab.Apply(database,
        [
            new Operation.Insert("Bridge", [new ColumnValue("name", "br-ex")], bridge),
            Operation.MutateRow(
                "Open_vSwitch", database.Table("Open_vSwitch").First!.Uuid,
                new Mutation("bridges", Mutator.Insert, Datum.References([bridge]))),
        ]);
    }

    private static Row Bridge(DatabaseSnapshot database, string name) =>
        database.Table("Bridge").Rows.Single(row => row.GetString("name") == name);

    private static ImmutableArray<Operation> Reconcile(
        DatabaseSnapshot database, ImmutableSortedDictionary<string, string> wanted) =>
        PhysicalLinks.Reconcile(database, Bridge(database, "br-int"), wanted);

    [Fact]
    public void A_localnet_port_gets_a_pair_of_patch_ports_and_keeps_it()
    {
        var database = Host();
        database = LogicalLab.Apply(database, Reconcile(database, Wanted));
        var patches = database.Table("Interface").Rows
            .Where(row => row.GetString("type") == "patch")
            .ToDictionary(row => row.GetString("name"), row => row.GetMapValue("options", "peer"));
        Assert.Equal("patch-ln-to-br-int", patches["patch-br-int-to-ln"]);
        Assert.Equal("patch-br-int-to-ln", patches["patch-ln-to-br-int"]);
        Assert.Single(Bridge(database, "br-ex").GetReferences("ports"));
        Assert.Empty(Reconcile(database, Wanted));
    }

    [Fact]
    public void A_pair_that_is_not_wanted_any_more_goes()
    {
        var database = Host();
        database = LogicalLab.Apply(database, Reconcile(database, Wanted));
        database = LogicalLab.Apply(
            database, Reconcile(database, ImmutableSortedDictionary<string, string>.Empty));
        Assert.DoesNotContain(
            database.Table("Interface").Rows, row => row.GetString("type") == "patch");
    }

    [Fact]
    public void A_bridge_that_is_not_there_yet_is_waited_for()
    {
        Assert.Empty(Reconcile(FakeHost.Database("host1", "vm"), Wanted));
    }
}
