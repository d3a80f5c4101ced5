using System.Globalization;
using System.Text.RegularExpressions;
using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>Packets do what bridges, tags and flows say; counters and tables tell of it.</summary>
public sealed partial class TrafficTests(OneHost host) : IClassFixture<OneHost>
{
    /// <summary>How soon a change of flows acts on packets that flow already.</summary>
    private static readonly TimeSpan ChangePatience = TimeSpan.FromSeconds(2);

    private static Task<bool> PingAsync(DemoWorkload from, DemoWorkload to) =>
        Probes.PingAsync(from, to.Address, count: 1);

    [Fact]
    public async Task Workloads_on_a_normal_bridge_reach_each_other_and_are_learned()
    {
        await host.SaysAsync("ovs-vsctl add-br norm0");
        var a = await host.PlugAsync("norm0", "na", 1);
        var b = await host.PlugAsync("norm0", "nb", 2);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));

        var learned = await host.SaysAsync("ovs-appctl fdb/show norm0");
        Assert.Contains(a.Mac, learned);
        Assert.Contains(b.Mac, learned);
        Assert.Contains($"eth(src={a.Mac},dst={b.Mac})",
            await host.SaysAsync("ovs-appctl dpctl/dump-flows"));
    }

    [Fact]
    public async Task Vlans_are_apart_and_a_trunk_carries_both()
    {
        await host.SaysAsync("ovs-vsctl add-br vlan0");
        var a = await host.PlugAsync("vlan0", "va", 1, "tag=10");
        var b = await host.PlugAsync("vlan0", "vb", 2, "tag=10");
        var c = await host.PlugAsync("vlan0", "vc", 3, "tag=20");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));
        Assert.False(await PingAsync(a, c));

        await host.SaysAsync("ovs-vsctl set Port vc tag=10");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, c), TimeSpan.FromSeconds(5)));
        await host.SaysAsync("ovs-vsctl set Port vc tag=20");
        Assert.True(await Poll.UntilAsync(
            async () => !await PingAsync(a, c), TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task A_drop_rule_acts_on_running_traffic_and_counts_it()
    {
        await host.SaysAsync("ovs-vsctl add-br drop0");
        var a = await host.PlugAsync("drop0", "da", 1);
        var b = await host.PlugAsync("drop0", "db", 2);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));

        await host.SaysAsync("ovs-ofctl add-flow drop0 priority=100,icmp,in_port=da,actions=drop");
        Assert.True(await Poll.UntilAsync(async () => !await PingAsync(a, b), ChangePatience));
        Assert.True(await Poll.UntilAsync(async () =>
            (await host.SaysAsync("ovs-ofctl dump-flows drop0 icmp"))
                .Contains("n_packets=", StringComparison.Ordinal)
            && !(await host.SaysAsync("ovs-ofctl dump-flows drop0 icmp"))
                .Contains("n_packets=0,", StringComparison.Ordinal)));

        await host.SaysAsync("ovs-ofctl del-flows drop0 icmp");
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b), ChangePatience));
    }

    [Fact]
    public async Task A_mirror_copies_to_its_output_port()
    {
        await host.SaysAsync("ovs-vsctl add-br mir0");
        var a = await host.PlugAsync("mir0", "mira", 1);
        var b = await host.PlugAsync("mir0", "mirb", 2);
        await host.PlugAsync("mir0", "mirc", 3);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));
        await host.SaysAsync("ovs-vsctl -- --id=@o get Port mirc -- --id=@m create Mirror name=all "
            + "select-all=true output-port=@o -- set Bridge mir0 mirrors=@m");
        var before = await CountPacketsAsync("mir0", "mirc", SentPattern());
        Assert.True(await Probes.PingAsync(a, b.Address, count: 5));
        Assert.True(await Poll.UntilAsync(async () =>
            await CountPacketsAsync("mir0", "mirc", SentPattern()) >= before + 10));
    }

    [Fact]
    public async Task A_port_counts_its_packets()
    {
        await host.SaysAsync("ovs-vsctl add-br cnt0");
        var a = await host.PlugAsync("cnt0", "ca", 1);
        var b = await host.PlugAsync("cnt0", "cb", 2);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));
        var before = await CountPacketsAsync("cnt0", "ca", ReceivedPattern());
        Assert.True(await Probes.PingAsync(a, b.Address, count: 5));
        Assert.True(await Poll.UntilAsync(
            async () => await CountPacketsAsync("cnt0", "ca", ReceivedPattern()) >= before + 5));
    }

    private async Task<long> CountPacketsAsync(string bridge, string port, Regex pattern)
    {
        var text = await host.SaysAsync($"ovs-ofctl dump-ports {bridge} {port}");
        return long.Parse(pattern.Match(text).Groups[1].Value,
            CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"rx pkts=(\d+)")]
    private static partial Regex ReceivedPattern();

    [GeneratedRegex(@"tx pkts=(\d+)")]
    private static partial Regex SentPattern();

    [Fact]
    public async Task Malformed_frames_are_counted_each_under_its_own_name()
    {
        await host.SaysAsync("ovs-vsctl add-br bad0");
        var a = await host.PlugAsync("bad0", "ba", 1);
        var b = await host.PlugAsync("bad0", "bb", 2);
        Assert.True(await Poll.UntilAsync(() => PingAsync(a, b)));

        (string Counter, string Frame)[] cases =
        [
            ("drop_arp_truncated", "0806" + "0001"),
            ("drop_ipv4_truncated", "0800" + "450000140000"),
            ("drop_ipv4_header_length", "0800" + "4300001400000000401100000101010102020202"),
            ("drop_ipv4_total_length", "0800" + "450000ff00000000401100000101010102020202"),
            ("drop_ipv6_truncated", "86dd" + "6000000000"),
            ("drop_mpls_truncated", "8847" + "000011"),
        ];
        foreach (var (counter, frame) in cases)
        {
            var before = await CountAsync(counter);
            await RawFrames.SendAsync(a, RawFrames.Addresses + frame);
            Assert.True(
                await Poll.UntilAsync(async () => await CountAsync(counter) > before), counter);
        }

        Assert.True(await PingAsync(a, b)); // And nothing broke.
    }

    private async Task<long> CountAsync(string counter)
    {
        var line = (await host.LinesAsync("ovs-appctl coverage/show"))
            .FirstOrDefault(line => line.StartsWith(counter + " ", StringComparison.Ordinal));
        return line is null
            ? 0
            : long.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }
}
