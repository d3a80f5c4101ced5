namespace Fabric.Conformance;

/// <summary>What survives a host node that is killed without a farewell.</summary>
public sealed class RestartTests(OneHost host) : IClassFixture<OneHost>
{
    [Fact]
    public async Task Bridges_port_numbers_and_the_northbound_survive_a_kill()
    {
        await host.SaysAsync("ovs-vsctl add-br stay0 -- add-port stay0 s1 "
            + "-- set Interface s1 type=internal -- add-port stay0 s2 "
            + "-- set Interface s2 type=internal ofport_request=42");
        await host.SaysAsync("ovn-nbctl --wait=sb ls-add stay -- lsp-add stay stayp");
        await host.SaysAsync("ovs-vsctl set Bridge stay0 other_config:hwaddr=02:00:00:00:00:77");

        await host.Node.KillAsync();
        host.Node.Start();
        Assert.True(await Poll.UntilAsync(
            async () => (await host.RunAsync("ovs-vsctl br-exists stay0")).Succeeded,
            TimeSpan.FromSeconds(60)), host.Node.LastLogLines(10));

        // cur_cfg tells that the host node made of the rows what they ask for.
        await host.SaysAsync("ovs-vsctl set Bridge stay0 external_ids:back=yes");
        Assert.Equal("1", await host.SaysAsync("ovs-vsctl get Interface s1 ofport"));
        Assert.Equal("42", await host.SaysAsync("ovs-vsctl get Interface s2 ofport"));
        Assert.Equal("\"0000020000000077\"",
            await host.SaysAsync("ovs-vsctl get Bridge stay0 datapath_id"));
        Assert.Equal(["priority=0 actions=NORMAL"], await host.FlowsAsync("stay0"));
        await host.SaysAsync("ovn-nbctl --wait=sb sync");
        Assert.Contains("(stayp)", await host.SaysAsync("ovn-nbctl lsp-list stay"));
        await host.SaysAsync("ovn-nbctl ls-del stay"); // And it takes writes again.
    }

    [Fact]
    public async Task A_second_host_node_in_the_same_folders_is_refused()
    {
        var second = await host.Node.Namespace.RunAsync(
        [
            "env", .. host.Node.Environment.Select(one => $"{one.Key}={one.Value}"),
            "dotnet", Path.Combine(AppContext.BaseDirectory, "Fabric.HostNode.dll"), "host",
            "--config", host.Write("second.conf", "fabric.host.id = second\n"),
        ]);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("ovs-vswitchd.pid", second.Output + second.Error);
        await host.SaysAsync("ovs-vsctl show"); // The first one goes on.
    }
}
