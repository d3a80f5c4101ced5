using System.Collections.Immutable;
using Fabric.Cluster;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests;

/// <summary>Tunnel keys as OVN would give them.</summary>
public sealed class KeyPlannerTests
{
    private DatabaseSnapshot _database = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
    private KeyState _keys = KeyState.Empty;

    private void Do(params Operation[] operations)
    {
        var outcome = TransactionExecutor.Execute(
            _database, [.. operations], TransactionContext.Random());
        Assert.Null(outcome.Error);
        _keys = _keys.Apply(KeyPlanner.Plan(_keys, outcome.Snapshot, outcome.Changes));
        _database = outcome.Snapshot;
        foreach (var datapath in _database.Table("Logical_Switch").Rows)
        {
            var given = datapath.GetReferences("ports").Select(PortKey).ToList();
            Assert.Equal(given.Count, given.Distinct().Count());
        }

        Assert.Equal(
            _keys.Keys.Datapaths.Count, _keys.Keys.Datapaths.Values.Distinct().Count());
    }

    private uint PortKey(Guid port) => _keys.Keys.Ports.GetValueOrDefault(port);

    private static Datum Request(long key) =>
        Datum.Map([new KeyValuePair<string, string>("requested-tnl-key", key.ToString())]);

    private Guid AddSwitch(string name, long? requested = null)
    {
        var row = Guid.NewGuid();
        ColumnValue[] values = requested is { } key
            ? [new("name", name), new("other_config", Request(key))]
            : [new("name", name)];
        Do(new Operation.Insert("Logical_Switch", [.. values], row));
        return row;
    }

    private Guid AddPort(Guid datapath, string name, long? requested = null)
    {
        var row = Guid.NewGuid();
        ColumnValue[] values = requested is { } key
            ? [new("name", name), new("options", Request(key))]
            : [new("name", name)];
        Do(
            new Operation.Insert("Logical_Switch_Port", [.. values], row),
            Operation.MutateRow("Logical_Switch", datapath, new Mutation(
                "ports", Mutator.Insert, Datum.References([row]))));
        return row;
    }

    [Fact]
    public void Keys_count_up_in_each_key_space()
    {
        var (web, app) = (AddSwitch("web"), AddSwitch("app"));
        Assert.Equal(1u, _keys.Keys.Datapaths[web]);
        Assert.Equal(2u, _keys.Keys.Datapaths[app]);
        Assert.Equal(1u, PortKey(AddPort(web, "w1")));
        Assert.Equal(2u, PortKey(AddPort(web, "w2")));
        Assert.Equal(1u, PortKey(AddPort(app, "a1")));
    }

    [Fact]
    public void A_key_that_was_freed_is_given_last()
    {
        var web = AddSwitch("web");
        var first = AddPort(web, "w1");
        AddPort(web, "w2");
        Do(Operation.MutateRow("Logical_Switch", web, new Mutation(
            "ports", Mutator.Delete, Datum.References([first]))));
        Assert.False(_keys.Keys.Ports.ContainsKey(first));
        Assert.Equal(3u, PortKey(AddPort(web, "w3")));
    }

    [Fact]
    public void A_requested_key_bumps_who_did_not_ask_for_it()
    {
        var web = AddSwitch("web");
        var first = AddPort(web, "w1");
        var second = AddPort(web, "w2", requested: 1);
        Assert.Equal(1u, PortKey(second));
        Assert.Equal(2u, PortKey(first));
        var third = AddPort(web, "w3", requested: 1); // The first that asked keeps it.
        Assert.Equal(1u, PortKey(second));
        Assert.NotEqual(1u, PortKey(third));
    }

    [Fact]
    public void Datapaths_may_request_keys_too()
    {
        var web = AddSwitch("web");
        var app = AddSwitch("app", requested: 1);
        Assert.Equal(1u, _keys.Keys.Datapaths[app]);
        Assert.Equal(2u, _keys.Keys.Datapaths[web]);
        Do(Operation.UpdateRow(
            "Logical_Switch", web, new ColumnValue("other_config", Request(77))));
        Assert.Equal(77u, _keys.Keys.Datapaths[web]);
    }

    [Fact]
    public void A_gateway_port_has_a_second_key_in_its_router()
    {
        var (router, port, chassis) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        Do(
            new Operation.Insert("Gateway_Chassis", [new("name", "g"), new("chassis_name", "h1")],
                chassis),
            new Operation.Insert(
                "Logical_Router_Port",
                [
                    new("name", "rp"), new("mac", "00:00:00:00:00:01"),
                    new("gateway_chassis", Datum.References([chassis])),
                ],
                port),
            new Operation.Insert(
                "Logical_Router", [new("name", "r"), new("ports", Datum.References([port]))],
                router));
        Assert.Equal(1u, PortKey(port));
        Assert.Equal(2u, _keys.Keys.ChassisRedirects[port]);
        Do(Operation.UpdateRow(
            "Logical_Router_Port", port, new ColumnValue("gateway_chassis", Datum.EmptySet)));
        Assert.Empty(_keys.Keys.ChassisRedirects);
        Do(Operation.DeleteRow("Logical_Router", router));
        Assert.Empty(_keys.Keys.Ports);
        Assert.Empty(_keys.Keys.Datapaths);
    }

    [Fact]
    public void A_full_key_space_gives_no_key() => Assert.Null(KeyRange.Next(3, 4, _ => true));
}
