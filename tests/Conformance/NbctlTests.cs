namespace Fabric.Conformance;

/// <summary>ovn-nbctl against the northbound that this host replicates.</summary>
public sealed class NbctlTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task A_switch_has_ports_with_addresses()
    {
        await host.SaysAsync("ovn-nbctl ls-add sw0");
        await host.SaysAsync("ovn-nbctl lsp-add sw0 p1 -- lsp-add sw0 p2");
        await host.SaysAsync("ovn-nbctl lsp-set-addresses p1 '02:00:00:00:00:01 10.0.0.1'");
        await host.SaysAsync("ovn-nbctl lsp-set-port-security p1 02:00:00:00:00:01");

        Assert.Contains(
            await host.LinesAsync("ovn-nbctl ls-list"), line => line.EndsWith("(sw0)"));
        Assert.Equal("02:00:00:00:00:01 10.0.0.1",
            await host.SaysAsync("ovn-nbctl lsp-get-addresses p1"));
        Assert.Equal("02:00:00:00:00:01",
            await host.SaysAsync("ovn-nbctl lsp-get-port-security p1"));
        Assert.Equal("down", await host.SaysAsync("ovn-nbctl lsp-get-up p1"));
        Assert.Equal(["(p1)", "(p2)"], (await host.LinesAsync("ovn-nbctl lsp-list sw0"))
            .Select(line => line.Split(' ')[1]));

        await host.SaysAsync("ovn-nbctl lsp-del p2");
        Assert.Equal("ovn-nbctl: p2: port name not found",
            await host.RefusesAsync("ovn-nbctl lsp-del p2"));
        await host.SaysAsync("ovn-nbctl --if-exists lsp-del p2");
    }

    [Fact]
    public async Task Names_are_taken_once()
    {
        await host.SaysAsync("ovn-nbctl ls-add once -- lsp-add once onep -- lr-add oncer");
        Assert.Equal("ovn-nbctl: once: a switch with this name already exists",
            await host.RefusesAsync("ovn-nbctl ls-add once"));
        Assert.Equal("ovn-nbctl: onep: a port with this name already exists",
            await host.RefusesAsync("ovn-nbctl lsp-add once onep"));
        Assert.Equal("ovn-nbctl: oncer: a router with this name already exists",
            await host.RefusesAsync("ovn-nbctl lr-add oncer"));
        await host.SaysAsync("ovn-nbctl --may-exist ls-add once");

        // The index of the table, checked by the writer and not by the tool.
        await host.SaysAsync("ovn-nbctl pg-add oncepg");
        var error = await host.RefusesAsync("ovn-nbctl pg-add oncepg");
        Assert.Contains("\"error\":\"constraint violation\"", error);
        Assert.Contains("identical values (oncepg) for index on column \\\"name\\\"", error);
    }

    [Fact]
    public async Task Acls_are_added_listed_by_priority_and_deleted()
    {
        await host.SaysAsync("ovn-nbctl ls-add acl0 -- lsp-add acl0 ap1");
        await host.SaysAsync("ovn-nbctl acl-add acl0 to-lport 900 'ip' drop");
        await host.SaysAsync("ovn-nbctl acl-add acl0 to-lport 1000 "
            + "'outport == \"ap1\" && icmp4' allow-related");
        Assert.Equal("ovn-nbctl: Same ACL already existed on the ls acl0.",
            await host.RefusesAsync("ovn-nbctl acl-add acl0 to-lport 900 'ip' drop"));
        Assert.Equal(
            [
                "to-lport  1000 (outport == \"ap1\" && icmp4) allow-related",
                "to-lport   900 (ip) drop",
            ],
            await host.LinesAsync("ovn-nbctl acl-list acl0"));
        await host.SaysAsync("ovn-nbctl acl-del acl0 to-lport 900 ip");
        Assert.Single(await host.LinesAsync("ovn-nbctl acl-list acl0"));
        await host.SaysAsync("ovn-nbctl acl-del acl0");
        Assert.Empty(await host.LinesAsync("ovn-nbctl acl-list acl0"));
    }

    [Fact]
    public async Task A_router_is_plugged_into_a_switch()
    {
        await host.SaysAsync("ovn-nbctl ls-add rsw -- lr-add r0");
        await host.SaysAsync("ovn-nbctl lrp-add r0 rp0 02:00:00:00:01:01 10.0.0.254/24");
        await host.SaysAsync("ovn-nbctl lsp-add rsw s-r0 -- lsp-set-type s-r0 router "
            + "-- lsp-set-addresses s-r0 router -- lsp-set-options s-r0 router-port=rp0");
        var show = await host.SaysAsync("ovn-nbctl show");
        Assert.Contains("(rsw)\n    port s-r0\n        type: router\n        router-port: rp0",
            show);
        Assert.Contains("port rp0\n        mac: \"02:00:00:00:01:01\"\n"
            + "        networks: [\"10.0.0.254/24\"]", show);

        await host.SaysAsync("ovn-nbctl lr-nat-add r0 snat 192.0.2.1 10.0.0.0/24");
        Assert.Contains("192.0.2.1", await host.SaysAsync("ovn-nbctl lr-nat-list r0"));
        await host.SaysAsync("ovn-nbctl lr-route-add r0 0.0.0.0/0 10.0.0.253");
        Assert.Contains("10.0.0.253", await host.SaysAsync("ovn-nbctl lr-route-list r0"));
        await host.SaysAsync("ovn-nbctl lr-del r0");
        Assert.DoesNotContain("rp0\n        mac", await host.SaysAsync("ovn-nbctl show"));
    }

    [Fact]
    public async Task Port_groups_and_address_sets_serve_acls()
    {
        await host.SaysAsync("ovn-nbctl ls-add gsw -- lsp-add gsw g1 -- lsp-add gsw g2");
        await host.SaysAsync("ovn-nbctl pg-add group g1 g2");
        await host.SaysAsync("ovn-nbctl create Address_Set name=as0 'addresses=10.0.0.1 10.0.0.2'");
        await host.SaysAsync("ovn-nbctl acl-add group from-lport 900 "
            + "'inport == @group && ip4.dst == $as0' drop");
        Assert.Equal(["from-lport   900 (inport == @group && ip4.dst == $as0) drop"],
            await host.LinesAsync("ovn-nbctl acl-list group"));
        await host.SaysAsync("ovn-nbctl pg-set-ports group g1");
        var port = await host.SaysAsync("ovn-nbctl get Logical_Switch_Port g1 _uuid");
        Assert.Equal($"[{port}]", await host.SaysAsync("ovn-nbctl get Port_Group group ports"));
        await host.SaysAsync("ovn-nbctl pg-del group");
    }

    [Fact]
    public async Task Sync_waits_for_the_hypervisors_and_a_bound_port_comes_up()
    {
        await host.SaysAsync("ovn-nbctl ls-add up0 -- lsp-add up0 upp "
            + "-- lsp-set-addresses upp '02:00:00:00:00:09 10.7.0.1'");
        await host.SaysAsync("ovs-vsctl add-port br-int upi -- set Interface upi type=internal "
            + "external_ids:iface-id=upp");
        await host.SaysAsync("ovn-nbctl wait-until Logical_Switch_Port upp up=true");
        Assert.Equal("up", await host.SaysAsync("ovn-nbctl lsp-get-up upp"));

        await host.SaysAsync("ovn-nbctl --wait=sb sync");
        await host.SaysAsync("ovn-nbctl --wait=hv sync");
        var counts = await host.LinesAsync(
            "ovn-nbctl --bare --columns=nb_cfg,sb_cfg,hv_cfg list NB_Global");
        Assert.Equal(3, counts.Length);
        Assert.Single(counts.Distinct());

        await host.SaysAsync("ovs-vsctl del-port upi");
        await host.SaysAsync("ovn-nbctl wait-until Logical_Switch_Port upp up=false");
    }

    [Fact]
    public async Task Load_balancers_and_meters_are_kept()
    {
        await host.SaysAsync("ovn-nbctl ls-add lbs");
        await host.SaysAsync("ovn-nbctl lb-add lb0 10.9.9.9:80 10.0.0.1:80,10.0.0.2:80");
        await host.SaysAsync("ovn-nbctl ls-lb-add lbs lb0");
        Assert.Contains("10.9.9.9:80", await host.SaysAsync("ovn-nbctl ls-lb-list lbs"));
        await host.SaysAsync("ovn-nbctl meter-add m0 drop 10 kbps");
        Assert.Equal(["m0: bands:", "drop: 10 kbps"],
            await host.LinesAsync("ovn-nbctl meter-list"));
    }

    [Theory]
    [InlineData("ls-del nosw", "nosw: switch name not found")]
    [InlineData("lsp-add nosw p", "nosw: switch name not found")]
    [InlineData("lrp-add nor rp 02:00:00:00:00:01 10.0.0.1/24", "nor: router name not found")]
    [InlineData("acl-add nosw to-lport 1 ip drop", "'nosw' is not found for port-group or switch.")]
    [InlineData("get NB_Global . nocol", "NB_Global does not contain a column whose name matches \"nocol\"")]
    public async Task A_refusal_says_what_is_wrong(string command, string complaint) =>
        Assert.Equal($"ovn-nbctl: {complaint}",
            await host.RefusesAsync($"ovn-nbctl {command}"));
}
