using System.Collections.Immutable;
using System.Net;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Rows of mesh tunnels in the Open_vSwitch database.</summary>
public sealed class TunnelRowsTests
{
    private static readonly ImmutableSortedDictionary<string, string> NoOptions =
        ImmutableSortedDictionary<string, string>.Empty;

    private static Vtep Vtep(string host, string address, string type = "geneve") =>
        new(host, host, type, IPAddress.Parse(address), NoOptions);

    private static DatabaseSnapshot Execute(
        DatabaseSnapshot database, params ReadOnlySpan<Operation> operations)
    {
        var outcome = TransactionExecutor.Execute(
            database, [.. operations], TransactionContext.Random());
        Assert.Null(outcome.Error);
        return outcome.Snapshot;
    }

    private static DatabaseSnapshot WithBridge()
    {
        var bridge = Guid.NewGuid();
        return Execute(
            DatabaseSnapshot.EmptyOf(OpenVSwitchSchema.Schema),
            new Operation.Insert("Bridge", [new("name", "br-int")], bridge),
            new Operation.Insert(
                "Open_vSwitch", [new("bridges", Datum.References([bridge]))], Guid.NewGuid()));
    }

    [Fact]
    public void A_tunnel_is_the_rows_that_ovn_controller_writes()
    {
        var database = WithBridge();
        var vtep = Vtep("host-2", "10.0.0.2");
        var bridge = TunnelRows.BridgeOf(database)!;
        database = Execute(
            database, [.. TunnelRows.Add(bridge, vtep, "ovn-host-2-0", Guid.NewGuid)]);
        var row = Assert.Single(TunnelRows.Read(database, TunnelRows.BridgeOf(database)!));
        Assert.True(TunnelRows.IsFor(row, vtep));
        Assert.Equal("ovn-host-2-0", row.Name);
        Assert.Equal("10.0.0.2", row.Options["remote_ip"]);
        Assert.Equal("flow", row.Options["key"]);
        Assert.Equal("true", row.Options["csum"]);

        database = Execute(database, TunnelRows.Remove(bridge, [row]));
        Assert.Empty(TunnelRows.Read(database, TunnelRows.BridgeOf(database)!));
        Assert.Equal(0, database.Table("Interface").Count);
    }

    [Fact]
    public void Other_hosts_are_reached_by_the_encapsulation_liked_most()
    {
        ImmutableSortedSet<Vtep> vteps =
        [
            Vtep("a", "10.0.0.1"), Vtep("b", "10.0.0.2"), Vtep("b", "10.0.0.2", "vxlan"),
            Vtep("c", "10.0.0.3", "vxlan"), Vtep("b", "10.1.0.2"),
        ];
        var wanted = TunnelRows.Wanted(vteps, "a").Select(v => $"{v.HostId} {v.Type} {v.Address}");
        Assert.Equal(["b geneve 10.0.0.2", "b geneve 10.1.0.2", "c vxlan 10.0.0.3"], wanted);
    }

    [Fact]
    public void Names_are_six_letters_of_the_host_and_a_number()
    {
        Assert.Equal("ovn-host-1-0", TunnelRows.NameFor("host-1", new HashSet<string>()));
        Assert.Equal(
            "ovn-0a1b2c-1",
            TunnelRows.NameFor("0a1b2c3d-4e5f", new HashSet<string> { "ovn-0a1b2c-0" }));
    }

    [Fact]
    public void Local_vteps_are_read_from_the_keys_of_ovn()
    {
        var database = WithBridge();
        var root = database.Table("Open_vSwitch").First!.Uuid;
        KeyValuePair<string, string>[] keys =
        [
            new("ovn-encap-ip", "10.0.0.1, nonsense ,10.1.0.1"),
            new("ovn-encap-type", "stt,geneve"), new("ovn-encap-type-h1", "vxlan,geneve"),
            new("hostname", "one"), new("ovn-encap-csum", "false"),
        ];
        database = Execute(database, Operation.UpdateRow(
            "Open_vSwitch", root, new ColumnValue("external_ids", Datum.Map(keys))));
        var own = LocalVteps.Read("h1", database);
        Assert.Equal("one", own.HostName);
        Assert.Equal(4, own.Vteps.Count);
        Assert.Equal("false", own.Vteps[0].Options["csum"]);
        Assert.Equal(2, LocalVteps.Read("h2", database).Vteps.Count);
    }
}
