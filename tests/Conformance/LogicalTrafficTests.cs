using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>ovn-nbctl's rows act on packets of workloads bound by iface-id.</summary>
public sealed class LogicalTrafficTests(OneHost host) : IClassFixture<OneHost>
{
    private async Task<(DemoWorkload A, DemoWorkload B)> SwitchAsync(string name)
    {
        await host.SaysAsync($"ovn-nbctl ls-add {name}");
        var pair = new List<DemoWorkload>();
        foreach (var number in (byte[])[1, 2])
        {
            var port = $"{name}{number}";
            var workload = await host.PlugAsync("br-int", port, number,
                $"-- set Interface {port} external_ids:iface-id={port}");
            await host.SaysAsync($"ovn-nbctl lsp-add {name} {port} -- lsp-set-addresses {port} "
                + $"'{workload.Mac} {workload.Address}'");
            pair.Add(workload);
        }

        await host.SaysAsync("ovn-nbctl --wait=hv sync");
        return (pair[0], pair[1]);
    }

    private static Task<bool> PingAsync(DemoWorkload from, DemoWorkload to) =>
        Probes.PingAsync(from, to.Address, count: 1);

    [Fact]
    public async Task Ports_of_a_logical_switch_reach_each_other_until_an_acl_denies()
    {
        var (a, b) = await SwitchAsync("lt");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));

        await host.SaysAsync(
            "ovn-nbctl --wait=hv acl-add lt to-lport 1000 'outport == \"lt2\" && icmp4' drop");
        Assert.True(await Poll.UntilAsync(
            async () => !await PingAsync(a, b), TimeSpan.FromSeconds(2)));
        await host.SaysAsync("ovn-nbctl --wait=hv acl-del lt");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b), TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task A_stateful_acl_lets_answers_back_and_its_connection_is_shown()
    {
        var (a, b) = await SwitchAsync("st");
        await host.SaysAsync("ovn-nbctl acl-add st to-lport 900 ip drop");
        await host.SaysAsync(
            "ovn-nbctl acl-add st from-lport 1000 'inport == \"st1\" && ip4' allow-related");
        await host.SaysAsync("ovn-nbctl --wait=hv acl-add st to-lport 1000 "
            + "'outport == \"st2\" && icmp4' allow-related");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));
        Assert.False(await PingAsync(b, a));
        Assert.Contains($"src={a.Address},dst={b.Address}",
            await host.SaysAsync("ovs-appctl dpctl/dump-conntrack"));
    }

    [Fact]
    public async Task A_disabled_port_is_silent()
    {
        var (a, b) = await SwitchAsync("di");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));
        await host.SaysAsync("ovn-nbctl --wait=hv lsp-set-enabled di2 disabled");
        Assert.True(await Poll.UntilAsync(
            async () => !await PingAsync(a, b), TimeSpan.FromSeconds(2)));
        await host.SaysAsync("ovn-nbctl --wait=hv lsp-set-enabled di2 enabled");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b), TimeSpan.FromSeconds(2)));
    }
}
