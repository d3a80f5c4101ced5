using System.Text.Json;

namespace Fabric.Conformance;

/// <summary>ovs-vsctl's bridges and ports, as scripts of operators rely on them.</summary>
public sealed class VsctlTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task A_bridge_comes_and_goes()
    {
        await host.SaysAsync("ovs-vsctl add-br come0");
        Assert.Contains("come0", await host.LinesAsync("ovs-vsctl list-br"));
        await host.SaysAsync("ovs-vsctl br-exists come0");
        Assert.Contains("come0", await host.SaysAsync($"ip -n {host.Node.Namespace.Name} link"));

        await host.SaysAsync("ovs-vsctl del-br come0");
        Assert.DoesNotContain("come0", await host.LinesAsync("ovs-vsctl list-br"));
        await host.RefusesAsync("ovs-vsctl br-exists come0", exitCode: 2);
        Assert.DoesNotContain(
            "come0", await host.SaysAsync($"ip -n {host.Node.Namespace.Name} link"));
    }

    [Fact]
    public async Task A_bridge_is_not_made_twice_unless_it_may_exist()
    {
        await host.SaysAsync("ovs-vsctl add-br twice0");
        Assert.Equal(
            "ovs-vsctl: cannot create a bridge named twice0 because a bridge named twice0 "
            + "already exists",
            await host.RefusesAsync("ovs-vsctl add-br twice0"));
        await host.SaysAsync("ovs-vsctl --may-exist add-br twice0");
        await host.SaysAsync("ovs-vsctl del-br twice0");
        Assert.Equal("ovs-vsctl: no bridge named twice0",
            await host.RefusesAsync("ovs-vsctl del-br twice0"));
        await host.SaysAsync("ovs-vsctl --if-exists del-br twice0");
    }

    [Fact]
    public async Task Ports_are_listed_found_and_numbered()
    {
        await host.SaysAsync("ovs-vsctl add-br port0");
        await host.SaysAsync(
            "ovs-vsctl add-port port0 pa tag=10 -- set Interface pa type=internal");
        await host.SaysAsync("ovs-vsctl add-port port0 pb -- set Interface pb type=internal "
            + "ofport_request=77");

        Assert.Equal(["pa", "pb"], await host.LinesAsync("ovs-vsctl list-ports port0"));
        Assert.Equal("port0", await host.SaysAsync("ovs-vsctl port-to-br pa"));
        Assert.Equal("port0", await host.SaysAsync("ovs-vsctl iface-to-br pb"));
        Assert.Equal("1", await host.SaysAsync("ovs-vsctl get Interface pa ofport"));
        Assert.Equal("77", await host.SaysAsync("ovs-vsctl get Interface pb ofport"));
        Assert.Equal("10", await host.SaysAsync("ovs-vsctl get Port pa tag"));

        await host.SaysAsync("ovs-vsctl del-port port0 pa");
        Assert.Equal(["pb"], await host.LinesAsync("ovs-vsctl list-ports port0"));
        Assert.Equal("ovs-vsctl: no port named pa",
            await host.RefusesAsync("ovs-vsctl del-port pa"));
        await host.SaysAsync("ovs-vsctl --if-exists del-port pa");
        await host.RefusesAsync("ovs-vsctl port-to-br pa");
    }

    [Fact]
    public async Task A_port_stays_with_its_bridge()
    {
        await host.SaysAsync("ovs-vsctl add-br own0 -- add-br own1");
        await host.SaysAsync("ovs-vsctl add-port own0 po -- set Interface po type=internal");
        await host.SaysAsync("ovs-vsctl --may-exist add-port own0 po");
        Assert.Contains("already exists on bridge own0",
            await host.RefusesAsync("ovs-vsctl add-port own1 po"));
        Assert.Contains("po is actually attached to bridge own0",
            await host.RefusesAsync("ovs-vsctl --may-exist add-port own1 po"));
    }

    [Fact]
    public async Task A_device_that_does_not_exist_is_named_at_the_row_and_at_the_terminal()
    {
        await host.SaysAsync("ovs-vsctl add-br dev0");
        var result = await host.RunAsync("ovs-vsctl add-port dev0 nodev");
        Assert.Equal(0, result.ExitCode); // The row is there; only the device is missing.
        Assert.Contains("Error detected while setting up 'nodev'", result.Error);
        Assert.Contains("could not open network device nodev (No such device)",
            await host.SaysAsync("ovs-vsctl get Interface nodev error"));
        Assert.Equal("-1", await host.SaysAsync("ovs-vsctl get Interface nodev ofport"));
        Assert.Contains("error: \"could not open network device nodev (No such device)\"",
            await host.SaysAsync("ovs-vsctl show"));
    }

    [Fact]
    public async Task A_bond_is_one_port_with_its_interfaces()
    {
        await host.SaysAsync("ovs-vsctl add-br bond");
        await host.SaysAsync("ovs-vsctl add-bond bond bo0 b1 b2 -- set Interface b1 type=internal "
            + "-- set Interface b2 type=internal");
        Assert.Equal(["bo0"], await host.LinesAsync("ovs-vsctl list-ports bond"));
        Assert.Equal(["b1", "b2"], await host.LinesAsync("ovs-vsctl list-ifaces bond"));
        await host.SaysAsync("ovs-vsctl del-port bo0");
        Assert.Empty(await host.LinesAsync("ovs-vsctl list-ifaces bond"));
    }

    [Fact]
    public async Task A_fake_bridge_is_a_vlan_of_its_parent()
    {
        await host.SaysAsync("ovs-vsctl add-br real0 -- add-br fake0 real0 30");
        Assert.Equal("30", await host.SaysAsync("ovs-vsctl br-to-vlan fake0"));
        Assert.Equal("real0", await host.SaysAsync("ovs-vsctl br-to-parent fake0"));
        await host.SaysAsync("ovs-vsctl del-br fake0");
        Assert.DoesNotContain("fake0", await host.LinesAsync("ovs-vsctl list-br"));
    }

    [Fact]
    public async Task Controllers_managers_and_fail_modes_are_kept()
    {
        await host.SaysAsync("ovs-vsctl add-br ctl0");
        await host.SaysAsync("ovs-vsctl set-controller ctl0 tcp:127.0.0.1:6653");
        Assert.Equal("tcp:127.0.0.1:6653", await host.SaysAsync("ovs-vsctl get-controller ctl0"));
        await host.SaysAsync("ovs-vsctl del-controller ctl0");
        Assert.Equal("", await host.SaysAsync("ovs-vsctl get-controller ctl0"));

        await host.SaysAsync("ovs-vsctl set-fail-mode ctl0 secure");
        Assert.Equal("secure", await host.SaysAsync("ovs-vsctl get-fail-mode ctl0"));
        await host.SaysAsync("ovs-vsctl del-fail-mode ctl0");
        Assert.Equal("", await host.SaysAsync("ovs-vsctl get-fail-mode ctl0"));

        await host.SaysAsync("ovs-vsctl set-manager ptcp:6640:127.0.0.1");
        Assert.Equal("ptcp:6640:127.0.0.1", await host.SaysAsync("ovs-vsctl get-manager"));
        await host.SaysAsync("ovs-vsctl del-manager");
        Assert.Equal("", await host.SaysAsync("ovs-vsctl get-manager"));
    }

    [Fact]
    public async Task Show_tells_bridges_ports_and_tags()
    {
        await host.SaysAsync("ovs-vsctl add-br show0 -- add-port show0 sh tag=12 "
            + "-- set Interface sh type=internal");
        var show = await host.SaysAsync("ovs-vsctl show");
        Assert.Contains("Bridge show0", show);
        Assert.Contains("Port sh\n            tag: 12\n            Interface sh\n", show);
        Assert.Contains("ovs_version: ", show);
    }

    [Fact]
    public async Task A_list_as_json_has_headings_and_rows()
    {
        await host.SaysAsync("ovs-vsctl add-br json0 -- set Bridge json0 external_ids:k=v");
        using var json = JsonDocument.Parse(await host.SaysAsync(
            "ovs-vsctl --format=json --columns=name,external_ids list Bridge json0"));
        Assert.Equal("""["name","external_ids"]""",
            json.RootElement.GetProperty("headings").GetRawText());
        Assert.Equal("""[["json0",["map",[["k","v"]]]]]""",
            json.RootElement.GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Every_change_is_waited_for()
    {
        await host.SaysAsync("ovs-vsctl add-br wait0");
        Assert.Equal(await host.SaysAsync("ovs-vsctl get Open_vSwitch . next_cfg"),
            await host.SaysAsync("ovs-vsctl get Open_vSwitch . cur_cfg"));
        await host.SaysAsync("ovs-vsctl --no-wait set Bridge wait0 external_ids:late=yes");
        await host.SaysAsync("ovs-vsctl wait-until Bridge wait0 external_ids:late=yes");
    }
}
