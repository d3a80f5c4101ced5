using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>Clients of everyday life at logical ports: DHCP, DNS, discovery, VLANs.</summary>
public sealed class RealClientTests(OneHost host) : IClassFixture<OneHost>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private async Task<DemoWorkload> PortAsync(string owner, byte number, string commands = "")
    {
        var port = $"{owner}{number}";
        var workload = await host.PlugAsync("br-int", port, number,
            $"-- set Interface {port} external_ids:iface-id={port}");
        await host.SaysAsync($"ovn-nbctl --wait=hv lsp-add {owner} {port} "
            + $"-- lsp-set-addresses {port} '{workload.Mac} {workload.Address}' {commands}");
        return workload;
    }

    private static Task<ShellResult> InAsync(DemoWorkload where, string script) =>
        where.Namespace.RunAsync(["/bin/sh", "-c", script], Patience);

    [Fact]
    public async Task A_dhcp_client_is_given_its_address_and_all_that_belongs_to_it()
    {
        await host.SaysAsync("ovn-nbctl ls-add dh");
        var options = await host.SaysAsync("ovn-nbctl create DHCP_Options cidr=10.1.0.0/24 "
            + "options:lease_time=3600 options:router=10.1.0.254 options:server_id=10.1.0.254 "
            + "options:server_mac=c0:ff:ee:00:00:01 options:dns_server=10.1.0.53 "
            + "options:mtu=1400");
        var client = await PortAsync("dh", 11, $"-- lsp-set-dhcpv4-options dh11 {options}");
        await client.Namespace.IpAsync("address", "flush", "dev", "eth0");
        var script = host.Write("lease", "#!/bin/sh\n[ \"$1\" = bound ] && "
            + "echo lease $ip/$mask by $serverid route $router dns $dns mtu $mtu for $lease\n"
            + "exit 0\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var said = "";
        Assert.True(await Poll.UntilAsync(async () =>
        {
            var result = await InAsync(
                client, $"udhcpc -i eth0 -n -q -f -t 4 -T 1 -s {script} 2>&1");
            said = result.Output;
            return said.Contains("lease 10.1.0.11");
        }), said);
        Assert.Contains("lease 10.1.0.11/24 by 10.1.0.254 route 10.1.0.254 dns 10.1.0.53 "
            + "mtu 1400 for 3600", said);
    }

    [Fact]
    public async Task Dig_is_answered_and_a_router_is_discovered()
    {
        await host.SaysAsync("ovn-nbctl ls-add dn -- lr-add dnr "
            + "-- lrp-add dnr dnr-dn 00:00:00:00:aa:01 10.1.0.254/24 fd10::1/64 "
            + "-- set Logical_Router_Port dnr-dn ipv6_ra_configs:address_mode=slaac "
            + "ipv6_ra_configs:mtu=1400 "
            + "-- lsp-add dn dn-dnr -- lsp-set-type dn-dnr router "
            + "-- lsp-set-addresses dn-dnr router -- lsp-set-options dn-dnr router-port=dnr-dn");
        var names = await host.SaysAsync(
            "ovn-nbctl create DNS 'records:www.fabric=\"10.1.0.99 fd10::99\"'");
        await host.SaysAsync($"ovn-nbctl set Logical_Switch dn dns_records={names}");
        var client = await PortAsync("dn", 21);
        var said = "";
        Assert.True(await Poll.UntilAsync(async () =>
        {
            said = (await InAsync(client, "dig +short +time=1 +tries=1 @10.1.0.254 www.fabric; "
                + "dig +short +time=1 +tries=1 @10.1.0.254 AAAA www.fabric")).Output;
            return said == "10.1.0.99\nfd10::99\n";
        }), said);
        Assert.True(await Poll.UntilAsync(async () =>
        {
            said = (await InAsync(client, "rdisc6 -1 -r 2 -w 1000 eth0 2>&1")).Output;
            return said.Contains("fd10::/64");
        }), said);
        Assert.Contains("1400", said);
    }

    [Fact]
    public async Task A_rejected_connection_is_refused_and_foreign_addresses_are_not_let_in()
    {
        await host.SaysAsync("ovn-nbctl ls-add rj");
        var client = await PortAsync(
            "rj", 31, "-- lsp-set-port-security rj31 '02:00:00:00:00:1f 10.1.0.31'");
        var server = await PortAsync("rj", 32);
        Assert.True(await Poll.UntilAsync(
            () => Probes.PingAsync(client, server.Address, count: 1)));
        await host.SaysAsync(
            "ovn-nbctl --wait=hv acl-add rj to-lport 1000 'tcp.dst == 81' reject");
        var refused = await InAsync(
            client, $"timeout 5 socat -u OPEN:/dev/null TCP:{server.Address}:81 2>&1");
        Assert.Contains("Connection refused", refused.Output);

        await client.Namespace.IpAsync("address", "add", "10.1.0.77/24", "dev", "eth0");
        Assert.False((await InAsync(
            client, $"ping -I 10.1.0.77 -c 2 -i 0.2 -W 1 {server.Address}")).Succeeded);
        Assert.True(await Probes.PingAsync(client, server.Address, count: 1));
    }

    [Fact]
    public async Task Nested_ports_speak_by_their_vlan_tags()
    {
        await host.SaysAsync("ovn-nbctl ls-add ne");
        var parent = await PortAsync("ne", 41);
        var other = await PortAsync("ne", 42);
        await host.SaysAsync("ovn-nbctl --wait=hv lsp-add ne child ne41 7 "
            + "-- lsp-set-addresses child '02:00:00:00:00:2b 10.1.0.43'");
        // "Who has 10.1.0.42?", tagged: the child asks, and is answered with its tag.
        const string ask = "ffffffffffff02000000002b" + "81000007" + "0806" + "0001080006040001"
            + "02000000002b0a01002b" + "0000000000000a01002a";
        var heard = InAsync(parent,
            "timeout 10 tcpdump -c 1 -nn -e -i eth0 'vlan 7 and ether dst 02:00:00:00:00:2b'");
        while (!heard.IsCompleted) await RawFrames.SendAsync(parent, ask);
        Assert.Contains($"Reply 10.1.0.42 is-at {other.Mac}", (await heard).Output);
        Assert.Contains("vlan 7", (await heard).Output);
    }
}
