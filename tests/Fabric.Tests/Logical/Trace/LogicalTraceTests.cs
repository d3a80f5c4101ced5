using Fabric.Logical;
using static Fabric.Tests.Logical.WorkloadNetwork;

namespace Fabric.Tests.Logical;

public sealed class LogicalTraceTests
{
    private static HostView Host(string name, params (string Host, uint Port)[] tunnels)
    {
        var host = HostView.Empty(name);
        foreach (var (peer, port) in tunnels)
            host = host with { Tunnels = host.Tunnels.Add(peer, port) };
        return host;
    }

    private static LogicalMicroflow Read(HostView host, string datapath, string microflow)
    {
        var lab = Lab();
        var compiler = new LogicalCompiler();
        compiler.Compile(lab.Database, lab.Keys, host);
        return LogicalTrace.Read(
            compiler.Topology!, host, "br-int", new TraceLogical(datapath, microflow));
    }

    [Fact]
    public void The_senders_half_ends_with_the_words_for_the_receivers_half()
    {
        var host = Host("host1", ("host2", 9)) with
        {
            Interfaces = Host("host1").Interfaces.Add("a", 3),
        };
        var packet = Read(host, "s", "inport == \"a\" && ip4.dst == 10.0.0.11");
        Assert.Null(packet.Error);
        Assert.Contains("in_port=3", packet.Flow);

        const string trace = """
            54. reg15=0x2,metadata=0x1, priority 100
                output:9
            Final flow: ip,reg0=0x1,metadata=0x1,tun_id=0x1,tun_dst=10.1.1.2,in_port=3,nw_ttl=64
            """;
        var text = LogicalTrace.Explain(trace, packet);
        Assert.Contains("output:9    [to host2]", text);
        Assert.EndsWith(
            "continues on host2: fabric trace --logical from:host1 'ip,tun_id=0x1,nw_ttl=64'\n",
            text);
    }

    [Fact]
    public void The_receivers_half_begins_at_the_tunnel()
    {
        var packet = Read(Host("host2", ("host1", 7)), "from:host1", "ip,tun_id=0x1,nw_ttl=64");
        Assert.Equal("in_port=7,ip,tun_id=0x1,nw_ttl=64", packet.Flow);
        Assert.NotNull(Read(Host("host2"), "from:host1", "ip").Error);
    }

    [Fact]
    public void What_stays_here_continues_nowhere() => Assert.DoesNotContain(
        "continues", LogicalTrace.Explain(
            "    output:4\nFinal flow: unchanged", Read(Host("host1"), "from:host2", "ip")));

    private const string Routed = """
         0. in_port=3, priority 100
            load:0x1->NXM_NX_REG14[]    ["a"]
            resubmit(,8)
         8. metadata=0x1, priority 50    [sw0: ls_in_check_port_sec]
            resubmit(,9)
        41. metadata=0x1,dl_dst=02:00:00:00:00:01, priority 50    [sw0: ls_in_l2_lkup]
            load:0x2->NXM_NX_REG15[]    ["sw0-r"]
            load:0x3->NXM_NX_REG14[]    ["r-sw0"]
         8. metadata=0x2, priority 50    [r: lr_in_admission]
            resubmit(,9)
        24. ip,metadata=0x2, priority 74    [r: lr_in_ip_routing]
            dec_ttl
            load:0x2000000fe->NXM_OF_ETH_SRC[]
            move:NXM_NX_REG0[]->NXM_OF_IP_DST[]
             -> NXM_OF_IP_DST[] is now 0xa00010a
            load:0x4->NXM_NX_REG15[]    ["b"]
            output:9    [to host2]
        Megaflow: eth
        continues on host2: fabric trace --logical from:host1 'ip'

        """;

    [Fact]
    public void A_summary_has_the_pipelines_and_what_they_do() => Assert.Equal(
        """
        ingress(dp="sw0", inport="a") {
            outport = "sw0-r";
        };
        ingress(dp="r", inport="r-sw0") {
            ip.ttl--;
            eth.src = 00:02:00:00:00:fe;
            ip4.dst = 10.0.1.10;
            outport = "b";
            output("b"); /* to host2 */
        };
        continues on host2: fabric trace --logical from:host1 'ip'

        """, TraceSummary.Of(Routed, TraceForm.Summary));

    [Fact]
    public void The_least_of_it_is_what_is_seen_from_outside() => Assert.Equal(
        """
        ip.ttl--;
        eth.src = 00:02:00:00:00:fe;
        ip4.dst = 10.0.1.10;
        output("b"); /* to host2 */
        continues on host2: fabric trace --logical from:host1 'ip'

        """, TraceSummary.Of(Routed, TraceForm.Minimal));

    [Fact]
    public void Options_are_those_of_ovn_trace()
    {
        var options = LogicalTraceOptions.Parse(
            ["--minimal", "--ovs=unix:x", "--summary", "--ct=new", "--ct=est rpl", "sw0", "ip"]);
        Assert.Null(options.Error);
        Assert.Equal([TraceForm.Summary, TraceForm.Minimal], options.Forms);
        Assert.Equal("trk,new trk,est,rpl", string.Join(' ', options.States));
        Assert.Equal("sw0 ip", string.Join(' ', options.Words));
        Assert.Equal(3, LogicalTraceOptions.Parse(["--all", "ip"]).Forms.Count);
        Assert.Equal([TraceForm.Detailed], LogicalTraceOptions.Parse(["ip"]).Forms);
        Assert.StartsWith("--lb-dst", LogicalTraceOptions.Parse(["--lb-dst=1.2.3.4", "ip"]).Error);
        Assert.NotNull(LogicalTraceOptions.Parse(["--sumary", "ip"]).Error);
    }
}
