using System.Diagnostics;
using System.Text.RegularExpressions;
using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Tests.Windows;

/// <summary>fabric ofctl monitor beside the stock ovs-ofctl monitor.</summary>
/// <remarks>
/// Goal: what a switch tells by itself is printed in the stock tool's words. Method: both listen,
/// each to its own of two bridges that are alike; the same packets and changes happen to both. A
/// removed flow with a cookie that nothing else has marks where the comparison begins and ends.
/// </remarks>
public sealed partial class MonitorOracleTests : StockSwitchTests
{
    private const string Begin = "cookie:0xbe61", End = "cookie:0xe4d";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("monitor @ 65534", 5)]
    [InlineData("-m monitor @ 100", 5)]
    [InlineData("-P nxt_packet_in monitor @ 100", 5)]
    [InlineData("-P standard monitor @ 100 invalid_ttl", 6)]
    [InlineData("-O OpenFlow13 monitor @ 100", 5)]
    [InlineData("-O OpenFlow15 -P standard monitor @ 100", 5)]
    public async Task What_a_switch_tells_is_printed_alike(string line, int packets)
    {
        using var stop = new CancellationTokenSource();
        var ours = new SharedWriter();
        var listening = OfctlTool.RunAsync(
            [.. Words(line, "ours").Select(
                word => word == "br-ours" ? $"unix:{Switch.Folder}/br-ours.mgmt" : word)],
            TextWriter.Null, ours, stop.Token);
        using var stock = Switch.Listen("ovs-ofctl", Words(line, "stock"));

        Mark(Begin, () => stock.Text, "stock");
        Mark(Begin, () => ours.ToString(), "ours");
        foreach (var side in (string[])["stock", "ours"]) Happen(side);
        // Packets come up beside all else.
        Hear(() => stock.Text, packets);
        Hear(() => ours.ToString(), packets);
        Mark(End, () => stock.Text, "stock");
        Mark(End, () => ours.ToString(), "ours");

        await stop.CancelAsync();
        Assert.Equal(1, await listening);
        var expected = Comparable(stock.Text);
        Assert.Contains("PACKET_IN", expected);
        Assert.Contains("FLOW_REMOVED", expected);
        Assert.Equal(expected, Comparable(ours.ToString()));
    }

    private static void Hear(Func<string> heard, int packets)
    {
        var limit = Stopwatch.StartNew();
        while (heard().Split("PACKET_IN").Length <= packets)
            Assert.True(limit.Elapsed < s_patience, heard());
    }

    private static string[] Words(string line, string side) =>
        line.Replace("@", $"br-{side}").Split(' ');

    /// <summary>Until it was heard: nobody says from when on a monitor hears.</summary>
    private void Mark(string cookie, Func<string> heard, string side)
    {
        var limit = Stopwatch.StartNew();
        while (!heard().Contains(cookie))
        {
            Assert.True(limit.Elapsed < s_patience, $"{side}: {heard()}");
            Ofctl("add-flow", $"br-{side}",
                $"cookie=0x{cookie[(cookie.IndexOf('x') + 1)..]},table=9,send_flow_rem,"
                + "actions=drop");
            Ofctl("del-flows", $"br-{side}", "table=9");
        }
    }

    private void Happen(string side)
    {
        const string Ethernet = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),";
        const string Ip = "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=";
        const string Rest = ",tos=0,ttl=64,frag=no),";
        string[] packets =
        [
            $"eth_type(0x0800),{Ip}6{Rest}tcp(src=1000,dst=80),tcp_flags(syn)",
            $"eth_type(0x0800),{Ip}17{Rest}udp(src=1000,dst=53)",
            $"eth_type(0x0800),{Ip}1,tos=0,ttl=1,frag=no),icmp(type=8,code=0)",
            "eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=0,proto=58,tclass=0,hlimit=64,"
                + "frag=no),icmpv6(type=128,code=0)",
            "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=50:54:00:00:00:01,"
                + "tha=00:00:00:00:00:00)",
            $"eth_type(0x8100),vlan(vid=5,pcp=1),encap(eth_type(0x0800),{Ip}17{Rest}"
                + "udp(src=1,dst=2))",
        ];
        string[] flows =
        [
            "priority=5,tcp,tp_dst=80,cookie=0x77,send_flow_rem,idle_timeout=90,"
                + "actions=controller(max_len=30)",
            "priority=4,udp,actions=load:7->NXM_NX_REG0[],set_field:9->metadata,resubmit(,1)",
            "table=1,udp,cookie=5,actions=controller",
            "priority=4,icmp,actions=dec_ttl,controller",
            "priority=4,icmp6,actions=controller(userdata=01.02.0a)",
            "priority=4,arp,actions=controller",
        ];
        foreach (var flow in flows) Ofctl("add-flow", $"br-{side}", flow);
        foreach (var packet in packets)
            Switch.Appctl("netdev-dummy/receive", $"p1-{side}", Ethernet + packet);
        Ofctl("mod-port", $"br-{side}", $"p2-{side}", "no-flood");
        Ofctl("mod-port", $"br-{side}", $"p2-{side}", "flood");
        Ofctl("del-flows", $"br-{side}", "tcp");
        Ofctl("del-flows", $"br-{side}");
    }

    private void Ofctl(params string[] words)
    {
        var (exitCode, _, error) = Switch.Run("ovs-ofctl", words);
        Assert.True(exitCode == 0, error);
    }

    /// <summary>
    /// The messages between the marks, without what differs each time, and sorted: packets are
    /// told by other threads than changes are.
    /// </summary>
    private static string Comparable(string text)
    {
        var messages = Message().Split(
            Varying().Replace(text, "").Replace("p2-ours", "p2-stock")).ToList();
        var first = messages.FindLastIndex(message => message.Contains(Begin)) + 1;
        var last = messages.FindIndex(message => message.Contains(End));
        return string.Concat(messages[first..last].Order(StringComparer.Ordinal));
    }

    [GeneratedRegex("^(?=OFPT_|NXT_)", RegexOptions.Multiline)]
    private static partial Regex Message();

    [GeneratedRegex("xid=0x[0-9a-f]+|duration[0-9.]+s|addr:[0-9a-f:]{17}")]
    private static partial Regex Varying();
}
