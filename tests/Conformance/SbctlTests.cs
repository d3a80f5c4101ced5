namespace Fabric.Conformance;

/// <summary>ovn-sbctl and other readers against the southbound view of a host.</summary>
public sealed class SbctlTests(OneHost host) : IClassFixture<OneHost>
{
    private static readonly string[] Tables =
    [
        "SB_Global", "Chassis", "Chassis_Private", "Encap", "Address_Set", "Port_Group",
        "Logical_Flow", "Logical_DP_Group", "Multicast_Group", "Mirror", "Meter", "Meter_Band",
        "Datapath_Binding", "Port_Binding", "MAC_Binding", "DHCP_Options", "DHCPv6_Options",
        "Connection", "SSL", "DNS", "RBAC_Role", "RBAC_Permission", "Gateway_Chassis",
        "HA_Chassis", "HA_Chassis_Group", "Controller_Event", "IP_Multicast", "IGMP_Group",
        "Service_Monitor", "Load_Balancer", "BFD", "FDB", "Static_MAC_Binding",
        "Chassis_Template_Var",
    ];

    [Fact]
    public async Task Show_has_this_chassis_with_its_encapsulation_and_bound_ports()
    {
        await host.SaysAsync("ovn-nbctl ls-add show0 -- lsp-add show0 shown "
            + "-- lsp-set-addresses shown '02:00:00:00:01:09 10.8.0.1'");
        await host.SaysAsync("ovs-vsctl add-port br-int showi -- set Interface showi "
            + "type=internal external_ids:iface-id=shown");
        await host.SaysAsync("ovn-nbctl wait-until Logical_Switch_Port shown up=true");
        await host.SaysAsync("ovn-sbctl wait-until Port_Binding shown up=true");

        var show = await host.LinesAsync("ovn-sbctl show");
        var id = (await host.SaysAsync("ovs-vsctl get Open_vSwitch . external_ids:system-id"))
            .Trim('"');
        Assert.StartsWith("Chassis", show[0]);
        Assert.Contains(id, show[0]);
        Assert.Contains("Encap geneve", show);
        Assert.Contains("Port_Binding shown", show);
        Assert.Equal("true", await host.SaysAsync("ovn-sbctl get Port_Binding shown up"));
        var chassis = await host.SaysAsync($"ovn-sbctl get Chassis {id} _uuid");
        Assert.Equal(chassis, await host.SaysAsync("ovn-sbctl get Port_Binding shown chassis"));

        await host.SaysAsync("ovs-vsctl del-port showi");
        await host.SaysAsync("ovn-sbctl wait-until Port_Binding shown chassis=[]");
    }

    [Fact]
    public async Task Flows_are_listed_by_datapath_and_stage()
    {
        await host.SaysAsync("ovn-nbctl ls-add flow0 -- lsp-add flow0 flowp "
            + "-- lsp-set-addresses flowp '02:00:00:00:01:0a 10.9.0.1'");
        await host.SaysAsync("ovn-nbctl acl-add flow0 to-lport 1001 "
            + "'outport == \"flowp\" && ip4 && tcp.dst == 22' allow-related");
        await host.SaysAsync("ovs-vsctl add-port br-int flowi -- set Interface flowi "
            + "type=internal external_ids:iface-id=flowp");
        await host.SaysAsync("ovn-nbctl wait-until Logical_Switch_Port flowp up=true");
        await host.SaysAsync("ovn-nbctl --wait=hv sync");

        var flows = await host.LinesAsync("ovn-sbctl lflow-list flow0");
        Assert.Contains(flows, line => line.StartsWith("Datapath: \"flow0\""));
        Assert.Contains(flows, line => line.EndsWith("Pipeline: egress"));
        var lookup = Assert.Single(flows, line =>
            line.Contains("(ls_in_l2_lkup") && line.Contains("eth.dst == 02:00:00:00:01:0a"));
        Assert.Contains("action=(outport = \"flowp\"; output;)", lookup);
        Assert.Contains(flows, line => line.Contains("(ls_out_acl_eval")
            && line.Contains("priority=2001")
            && line.Contains("outport == \"flowp\"") && line.Contains("tcp.dst == 22"));
        Assert.Contains(flows, line => line.Contains("ct_next;"));
        Assert.DoesNotContain(flows, line => line.Contains("metadata"));
    }

    [Fact]
    public async Task Datapaths_ports_sets_and_services_are_rows()
    {
        await host.SaysAsync("ovn-nbctl ls-add rows0 -- lr-add rowsr "
            + "-- lrp-add rowsr rows-lrp 02:00:00:00:02:01 10.10.0.254/24 "
            + "-- lsp-add rows0 rows-lsp -- lsp-set-type rows-lsp router "
            + "-- lsp-set-addresses rows-lsp router "
            + "-- lsp-set-options rows-lsp router-port=rows-lrp -- lsp-add rows0 rowsp "
            + "-- lsp-set-addresses rowsp '02:00:00:00:02:02 10.10.0.1 fd10::1'");
        await host.SaysAsync("ovn-nbctl pg-add rowspg rowsp "
            + "-- create Address_Set name=rowsas addresses=10.10.0.7");
        await host.SaysAsync("ovn-nbctl lb-add rowslb 10.10.9.9:80 10.10.0.1:80 "
            + "-- ls-lb-add rows0 rowslb");
        await host.SaysAsync("ovn-nbctl static-mac-binding-add rows-lrp 10.10.0.77 "
            + "02:00:00:00:02:77");
        await host.SaysAsync("ovn-nbctl lrp-set-gateway-chassis rows-lrp elsewhere 20");
        await host.SaysAsync("ovn-sbctl wait-until Port_Binding cr-rows-lrp type=chassisredirect");

        var uuid = await host.SaysAsync("ovn-nbctl get Logical_Switch rows0 _uuid");
        Assert.Contains($"logical-switch={uuid}", await host.SaysAsync(
            "ovn-sbctl --bare --columns=external_ids find Datapath_Binding "
            + "external_ids:name=rows0"));
        Assert.Contains("02:00:00:00:02:77", await host.SaysAsync(
            "ovn-sbctl --bare --columns=mac find Static_MAC_Binding logical_port=rows-lrp"));
        Assert.Equal("patch", await host.SaysAsync("ovn-sbctl get Port_Binding rows-lsp type"));
        Assert.Equal("rows-lsp",
            await host.SaysAsync("ovn-sbctl get Port_Binding rows-lrp options:peer"));
        Assert.Equal("chassisredirect",
            await host.SaysAsync("ovn-sbctl get Port_Binding cr-rows-lrp type"));
        Assert.Equal("[\"10.10.0.1\"]",
            await host.SaysAsync("ovn-sbctl get Address_Set rowspg_ip4 addresses"));
        Assert.Equal("[\"10.10.0.7\"]",
            await host.SaysAsync("ovn-sbctl get Address_Set rowsas addresses"));
        Assert.Equal("10.10.9.9:80=10.10.0.1:80", await host.SaysAsync(
            "ovn-sbctl --bare --columns=vips find Load_Balancer name=rowslb"));
        Assert.Contains("_MC_flood", await host.SaysAsync(
            "ovn-sbctl --bare --columns=name list Multicast_Group"));
    }

    [Fact]
    public async Task Every_table_can_be_listed()
    {
        foreach (var table in Tables) await host.SaysAsync($"ovn-sbctl list {table}");
        Assert.Contains("OVN_Southbound",
            await host.LinesAsync($"ovsdb-client list-dbs {Socket}"));
        var dump = await host.SaysAsync($"ovsdb-client dump {Socket} OVN_Southbound SB_Global");
        Assert.Contains("SB_Global table", dump);
    }

    [Theory]
    [InlineData("lsp-bind refused here")]
    [InlineData("chassis-add intruder geneve 192.0.2.1")]
    [InlineData("create DNS records:a=b")]
    public async Task Nobody_writes(string command)
    {
        await host.SaysAsync("ovn-nbctl --may-exist ls-add refuse0 "
            + "-- --may-exist lsp-add refuse0 refused");
        if (command.StartsWith("lsp-bind"))
        {
            var id = await host.SaysAsync("ovs-vsctl get Open_vSwitch . external_ids:system-id");
            command = $"lsp-bind refused {id.Trim('"')}";
        }

        var error = await host.RefusesAsync($"ovn-sbctl {command}");
        Assert.Contains("not allowed when database server is in read only mode", error);
    }

    private string Socket => $"unix:{host.Node.RunFolder}/ovnsb_db.sock";
}
