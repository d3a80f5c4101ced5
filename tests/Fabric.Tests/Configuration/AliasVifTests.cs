using Fabric.Configuration;

namespace Fabric.Tests.Configuration;

/// <summary>Devices with an alias become ports by themselves, and go by themselves.</summary>
public sealed class AliasVifTests
{
    private readonly DatabaseFixture _database = new(OpenVSwitchSchema.Schema);

    public AliasVifTests() => _database.Transact("""
        {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"],
          "other_config":["map",[["auto-vif","true"]]]}},
        {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br-int",
          "ports":["set",[["named-uuid","p0"],["named-uuid","p1"]]]}},
        {"op":"insert","table":"Port","uuid-name":"p0","row":{"name":"br-int",
          "interfaces":["named-uuid","i0"]}},
        {"op":"insert","table":"Interface","uuid-name":"i0","row":{"name":"br-int"}},
        {"op":"insert","table":"Port","uuid-name":"p1","row":{"name":"vm1",
          "interfaces":["named-uuid","i1"]}},
        {"op":"insert","table":"Interface","uuid-name":"i1","row":{"name":"vm1"}}
        """);

    [Theory]
    [InlineData("iface-id=lsp1\n", "lsp1")]
    [InlineData("vm seven iface-id=7b-2, owner=x", "7b-2")]
    [InlineData("iface-id=", null)]
    [InlineData("my-iface-id=4", null)]
    [InlineData("", null)]
    public void The_id_is_one_word_of_the_alias(string alias, string? id) =>
        Assert.Equal(id, AliasVifRows.IdOf(alias));

    [Fact]
    public void A_device_comes_is_renamed_in_the_network_and_goes()
    {
        Look(new NamedDevice("tap7", "lsp7"));
        Assert.Equal(["br-int", "tap7", "vm1"], Ports());
        var face = _database.Snapshot.Table("Interface").Find("name", "tap7")!;
        Assert.Equal("lsp7", face.GetMapValue("external_ids", "iface-id"));

        // Another id: the old port goes, and with the next look the new one comes.
        Look(new NamedDevice("tap7", "lsp8"));
        Look(new NamedDevice("tap7", "lsp8"));
        face = _database.Snapshot.Table("Interface").Find("name", "tap7")!;
        Assert.Equal("lsp8", face.GetMapValue("external_ids", "iface-id"));

        Look();
        Assert.Equal(["br-int", "vm1"], Ports());
        Assert.Null(_database.Snapshot.Table("Interface").Find("name", "tap7"));
    }

    [Fact]
    public void Ports_that_somebody_made_by_hand_are_left_alone()
    {
        Look(new NamedDevice("vm1", "lsp1"));
        Look();
        Assert.Equal(["br-int", "vm1"], Ports());
    }

    [Fact]
    public void Without_the_setting_nothing_comes_and_what_came_goes()
    {
        Look(new NamedDevice("tap7", "lsp7"));
        _database.Transact("""
            {"op":"update","table":"Open_vSwitch","where":[],"row":{"other_config":["map",[]]}}
            """);
        Look(new NamedDevice("tap7", "lsp7"));
        Assert.Equal(["br-int", "vm1"], Ports());
    }

    private void Look(params NamedDevice[] devices)
    {
        var operations = AliasVifRows.Reconcile(_database.Snapshot, devices, _database.NewUuid);
        _database.Transact(operations);
        Assert.Null(_database.Last!.Error);
    }

    private string[] Ports() =>
    [
        .. _database.Snapshot.Table("Port").Rows.Select(row => row.GetString("name"))
            .Order(StringComparer.Ordinal),
    ];
}
