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
}
