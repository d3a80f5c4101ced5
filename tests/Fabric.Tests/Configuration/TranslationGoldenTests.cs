using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Switching;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

public sealed class TranslationGoldenTests
{
    private readonly DatabaseFixture _database = new(OpenVSwitchSchema.Schema);

    public TranslationGoldenTests() => _database.Transact("""
        {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"],"next_cfg":7}},
        {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0","datapath_type":"netdev",
          "fail_mode":"secure","protocols":["set",["OpenFlow13","OpenFlow10"]],
          "ports":["set",[["named-uuid","p0"],["named-uuid","p1"]]],
          "controller":["named-uuid","c"],"mirrors":["named-uuid","m"],
          "other_config":["map",[["hwaddr","aa:bb:cc:00:00:01"]]]}},
        {"op":"insert","table":"Port","uuid-name":"p0","row":{"name":"br0","interfaces":["named-uuid","i0"]}},
        {"op":"insert","table":"Interface","uuid-name":"i0","row":{"name":"br0","type":"internal"}},
        {"op":"insert","table":"Port","uuid-name":"p1","row":{"name":"p1","tag":5,"trunks":["set",[1,2]],
          "interfaces":["named-uuid","i1"]}},
        {"op":"insert","table":"Interface","uuid-name":"i1","row":{"name":"p1","type":"geneve",
          "ofport_request":9,"ofport":4,"mac":"aa:bb:cc:dd:ee:ff","mtu_request":1400,
          "options":["map",[["remote_ip","10.0.0.2"]]]}},
        {"op":"insert","table":"Controller","uuid-name":"c","row":{"target":"tcp:127.0.0.1:6653"}},
        {"op":"insert","table":"Mirror","uuid-name":"m","row":{"name":"m","output_port":["named-uuid","p1"],
          "select_src_port":["set",[["named-uuid","p0"]]]}}
        """);

    [Fact]
    public void Rows_become_the_bridges_that_shall_exist()
    {
        var wanted = BridgeTranslation.Translate(_database.Snapshot);

        Assert.Equal(7, wanted.Revision);
        var bridge = Assert.Single(wanted.Bridges).Value;
        Assert.Equal("br0", bridge.Name);
        Assert.Equal(("netdev", "secure"), (bridge.DatapathType, bridge.FailMode));
        Assert.Equal(["OpenFlow10", "OpenFlow13"], bridge.Protocols);
        Assert.Equal(["br0", "p1"], bridge.Ports.Keys);
        var port = bridge.Ports["p1"];
        Assert.Equal(5, port.Tag);
        Assert.Equal([1, 2], port.Trunks);
        var one = port.Interfaces["p1"];
        Assert.Equal(("geneve", 9, 4, 1400), (
            one.Type, one.OpenFlowPortRequest!.Value, one.OpenFlowPortLast!.Value,
            one.MtuRequest!.Value));
        Assert.Equal("aa:bb:cc:dd:ee:ff", one.Mac.ToString());
        Assert.Equal("10.0.0.2", one.Options["remote_ip"]);
        Assert.Equal("primary", bridge.Controllers["tcp:127.0.0.1:6653"].Type);
        var mirror = Assert.Single(bridge.Mirrors).Value;
        Assert.Equal("p1", mirror.OutputPort);
        Assert.Equal(["br0"], mirror.SelectSourcePorts);
    }

    [Fact]
    public void Results_become_rows_and_then_nothing_is_left_to_write()
    {
        var row = _database.Snapshot.Table("Interface").Find("name", "p1")!.Uuid;
        var none = ImmutableSortedDictionary<string, BridgeStatus>.Empty;
        var status = new BridgeStatus("br0", 0xabc, Empty<string>(),
            [
                new InterfaceStatus(row, "p1", -1, "no such device", null, null, 1500, true, false,
                    null, Empty<string>(), Empty<long>().Add("rx_packets", 3)),
            ]);
        var reconciled = new BridgesReconciled(7, none.Add("br0", status));

        var operations = StatusTranslation.Translate(
            _database.Snapshot, reconciled, new InterfaceFacts());
        _database.Transact(operations);

        Assert.Null(_database.Last!.Error);
        var after = _database.Snapshot.Find("Interface", row)!;
        Assert.Equal(-1, after.GetInteger("ofport"));
        Assert.Equal("no such device", after.GetString("error"));
        Assert.Equal("up", after.GetString("admin_state"));
        Assert.Equal("down", after.GetString("link_state"));
        Assert.Equal("{rx_packets=3}", after["statistics"].ToString());
        Assert.Equal(7, _database.Snapshot.Table("Open_vSwitch").First!.GetInteger("cur_cfg"));
        Assert.Equal(
            "0000000000000abc", _database.Snapshot.Table("Bridge").First!.GetString("datapath_id"));
        Assert.Empty(StatusTranslation.Translate(
            _database.Snapshot, reconciled, new InterfaceFacts()));
        Assert.DoesNotContain(_database.Last.Changes, BridgeTranslation.IsRelevant);
    }

    [Fact]
    public void The_first_rows_are_written_once_and_what_the_operator_set_stays()
    {
        var settings = new ConfigurationSettings([])
        {
            ExternalIds = Empty<string>().Add("ovn-encap-ip", "10.0.0.1").Add("hostname", "h"),
        };
        var database = new DatabaseFixture(OpenVSwitchSchema.Schema);
        database.Insert("Open_vSwitch", """{"external_ids":["map",[["hostname","mine"]]]}""");

        database.Transact(InitialRows.For(database.Snapshot, settings, database.NewUuid));

        var root = database.Snapshot.Table("Open_vSwitch").First!;
        Assert.Equal("mine", root.GetMapValue("external_ids", "hostname"));
        Assert.Equal("10.0.0.1", root.GetMapValue("external_ids", "ovn-encap-ip"));
        Assert.True(Guid.TryParse(root.GetMapValue("external_ids", "system-id"), out _));
        Assert.Empty(InitialRows.For(database.Snapshot, settings, database.NewUuid));
    }

    private static ImmutableSortedDictionary<string, T> Empty<T>() =>
        ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);
}
