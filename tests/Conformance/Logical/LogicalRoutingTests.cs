using System.Net;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>Routers, load balancers, dynamic addresses and traces with real packets.</summary>
public sealed class LogicalRoutingTests(OneHost host) : IClassFixture<OneHost>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private async Task<DemoWorkload> PlugAsync(string name, byte subnet)
    {
        var workload = await host.Topology.AddWorkloadAsync(new DemoWorkload(
            name, Host: 1, $"02:00:00:00:{subnet:x2}:0a", new IPAddress([10, 2, subnet, 10]),
            PrefixLength: 24, Gateway: new IPAddress([10, 2, subnet, 1])));
        await host.SaysAsync($"ovs-vsctl add-port br-int {name} "
            + $"-- set Interface {name} external_ids:iface-id={name}");
        return workload;
    }

    /// <summary>Two switches, a port on each, and a router between them.</summary>
    private async Task<(DemoWorkload A, DemoWorkload B)> RouterAsync(string name, byte first)
    {
        var a = await PlugAsync($"{name}a", first);
        var b = await PlugAsync($"{name}b", (byte)(first + 1));
        await host.SaysAsync($"ovn-nbctl lr-add {name}");
        foreach (var workload in (DemoWorkload[])[a, b])
        {
            var (owner, subnet) = ($"{workload.Name}s", workload.Address.GetAddressBytes()[2]);
            await host.SaysAsync($"ovn-nbctl ls-add {owner} -- lsp-add {owner} {workload.Name} "
                + $"-- lsp-set-addresses {workload.Name} '{workload.Mac} {workload.Address}' "
                + $"-- lrp-add {name} {name}-{owner} 02:00:00:00:{subnet:x2}:01 10.2.{subnet}.1/24 "
                + $"-- lsp-add {owner} {owner}-r -- lsp-set-type {owner}-r router "
                + $"-- lsp-set-addresses {owner}-r router "
                + $"-- lsp-set-options {owner}-r router-port={name}-{owner}");
        }

        await host.SaysAsync("ovn-nbctl --wait=hv sync");
        return (a, b);
    }

    private static Task<bool> PingAsync(DemoWorkload from, IPAddress to) =>
        Probes.PingAsync(from, to, count: 1);

    [Fact]
    public async Task A_router_forwards_answers_and_obeys_its_policies()
    {
        var (a, b) = await RouterAsync("rt", 1);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b.Address)));
        Assert.True(await PingAsync(a, a.Gateway!));
        Assert.True(await PingAsync(a, b.Gateway!));

        await host.SaysAsync(
            "ovn-nbctl --wait=hv lr-policy-add rt 100 'ip4.dst == 10.2.2.0/24 && icmp4' drop");
        Assert.True(await Poll.UntilAsync(async () => !await PingAsync(a, b.Address), Patience));
        Assert.True(await Probes.ReachesTcpAsync(a, b.Address, 8080, Patience));

        var trace = await host.SaysAsync(
            "fabric trace --logical rtas 'inport == \"rta\" && eth.src == 02:00:00:00:01:0a && "
            + "eth.dst == 02:00:00:00:01:01 && ip.ttl == 64 && ip4.src == 10.2.1.10 && "
            + "ip4.dst == 10.2.2.10 && tcp.src == 4000 && tcp.dst == 8080'");
        Assert.Contains("[rtas: ls_in_l2_lkup]", trace);
        Assert.Contains("[rt: lr_in_ip_routing]", trace);
        Assert.Contains("[\"rtb\"]", trace);
    }

    [Fact]
    public async Task A_load_balancer_translates_there_and_back_also_for_its_own_backend()
    {
        var (a, b) = await RouterAsync("lb", 11);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b.Address)));
        await host.SaysAsync($"ovn-nbctl lb-add web 10.2.9.9:80 {b.Address}:8080 tcp "
            + "-- ls-lb-add lbas web -- ls-lb-add lbbs web");
        await host.SaysAsync("ovn-nbctl --wait=hv sync");
        var vip = new IPAddress([10, 2, 9, 9]);
        Assert.True(await Poll.UntilAsync(() => Probes.ReachesTcpAsync(a, vip, 80, Patience)));
        Assert.True(await Probes.ReachesTcpAsync(b, vip, 80, Patience));

        await host.SaysAsync("ovn-nbctl --wait=hv lb-del web");
        Assert.True(await Poll.UntilAsync(
            async () => !await Probes.ReachesTcpAsync(a, vip, 80, Patience), Patience * 3));
    }

    [Fact]
    public async Task Ports_that_ask_for_dynamic_addresses_are_given_some()
    {
        await host.SaysAsync("ovn-nbctl ls-add dyn -- set Logical_Switch dyn "
            + "other_config:subnet=10.3.0.0/24 other_config:exclude_ips=10.3.0.2..10.3.0.9 "
            + "-- lsp-add dyn dyn1 -- lsp-set-addresses dyn1 dynamic "
            + "-- lsp-add dyn dyn2 -- lsp-set-addresses dyn2 'dynamic 10.3.0.77'");
        async Task<string> GivenAsync(string port) =>
            await host.SaysAsync($"ovn-nbctl get Logical_Switch_Port {port} dynamic_addresses");
        async Task<bool> HasAsync(string port, string address) =>
            (await GivenAsync(port)).Contains(address, StringComparison.Ordinal);
        Assert.True(await Poll.UntilAsync(() => HasAsync("dyn1", "10.3.0.10")));
        Assert.True(await Poll.UntilAsync(() => HasAsync("dyn2", "10.3.0.77")));
        await host.SaysAsync("ovn-nbctl lsp-set-addresses dyn1 02:00:00:00:33:01");
        Assert.True(await Poll.UntilAsync(async () => await GivenAsync("dyn1") == "[]"));
    }

    [Fact]
    public async Task What_cannot_work_is_named_by_net_status()
    {
        await host.SaysAsync("ovn-nbctl ls-add odd "
            + "-- lsp-add odd odd1 -- lsp-set-addresses odd1 '02:00:00:00:44:01 10.4.0.1' "
            + "-- lsp-add odd odd2 -- lsp-set-addresses odd2 '02:00:00:00:44:02 10.4.0.1' "
            + "-- lsp-add odd odd3 -- lsp-set-type odd3 router "
            + "-- lsp-set-options odd3 router-port=nowhere");
        Assert.True(await Poll.UntilAsync(async () =>
        {
            var status = await host.SaysAsync("fabric net status");
            return status.Contains("10.4.0.1 is also that of port", StringComparison.Ordinal)
                && status.Contains("no router port \"nowhere\"", StringComparison.Ordinal);
        }));
        await host.SaysAsync("ovn-nbctl ls-del odd");
    }
}
