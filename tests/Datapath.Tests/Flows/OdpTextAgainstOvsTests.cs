using System.Diagnostics;

namespace Fabric.Datapath.Tests;

/// <summary>Flow and action text beside what Debian's ovs-vswitchd prints for the same.</summary>
public sealed class OdpTextAgainstOvsTests(RealDummyDatapath real)
    : IClassFixture<RealDummyDatapath>
{
    private const string Head = "recirc_id(0),in_port(1),";
    private const string Eth = "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),";

    [RealOvsTheory]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),"
        + "tcp(src=1,dst=2)", "2")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.0/255.255.255.0,frag=no)", "2,3")]
    [InlineData("eth_type(0x0800),ipv4(proto=17,frag=first),udp(dst=0x35/0xff)", "drop")]
    [InlineData("eth_type(0x0800),ipv4(proto=17,frag=later)", "2")]
    [InlineData("eth_type(0x0800),ipv4(proto=1,frag=no),icmp(type=8,code=0)", "set(ipv4(ttl=3)),2")]
    [InlineData("eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=80),tcp_flags(+syn-ack)",
        "set(tcp(dst=81)),2")]
    [InlineData("eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::/ffff::,proto=17,tclass=0,hlimit=64,"
        + "frag=no),udp(src=9)", "set(ipv6(dst=fc00::9)),2")]
    [InlineData("eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=135,code=0),"
        + "nd(target=fc00::1,sll=02:00:00:00:00:01)", "2")]
    [InlineData("eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,"
        + "sha=02:00:00:00:00:01,tha=00:00:00:00:00:00)", "2")]
    [InlineData("eth_type(0x8100),vlan(vid=5,pcp=3),encap(eth_type(0x0800),ipv4(frag=no))",
        "pop_vlan,2")]
    [InlineData("eth_type(0x8847),mpls(label=100,tc=3,ttl=64,bos=1)",
        "2")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)",
        "push_vlan(vid=5,pcp=0),2,pop_vlan,push_vlan(tpid=0x88a8,vid=6,pcp=1),3")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)",
        "ct(commit,zone=5,mark=0x1/0xff,nat(src=10.0.0.1-10.0.0.9)),2")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)",
        "set(tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(df|csum|key))),2")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)", "trunc(100),2,3")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)", "clone(set(ipv4(ttl=9)),2),3")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)", "sample(sample=50.0%,actions(2)),3")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)", "check_pkt_len(size=200,gt(2),le(3))")]
    [InlineData("eth_type(0x0800),ipv4(frag=no)", "meter(3),2")]
    public void What_ovs_prints_of_a_flow_we_read_and_print_the_same(string match, string actions)
    {
        var line = real.FlowLine(Head + Eth + match, actions);
        var (flow, rest) = (line[..line.IndexOf(", packets:", StringComparison.Ordinal)],
            line[(line.IndexOf("actions:", StringComparison.Ordinal) + 8)..]);
        Assert.True(
            OdpFlowText.TryParse(flow, null, out var key, out var mask, out var error),
            $"{flow}: {error}");
        Assert.Equal(flow, OdpFlowText.Format(key, mask));
        Assert.True(
            OdpActionText.TryParse(rest, null, out var list, out error), $"{rest}: {error}");
        Assert.Equal(rest, OdpActionText.Format(list));
    }
}

/// <summary>A real ovs-vswitchd with a dummy datapath, while the tests of a class run.</summary>
public sealed class RealDummyDatapath : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fx-datapath-").FullName;
    private readonly List<Process> _processes = [];

    public RealDummyDatapath()
    {
        if (RealOvsTheoryAttribute.Missing is not null) return;
        Shell($"ovsdb-tool create {_folder}/conf.db /usr/share/openvswitch/vswitch.ovsschema");
        Start($"ovsdb-server {_folder}/conf.db --remote=punix:{_folder}/db.sock "
            + $"--unixctl={_folder}/db.ctl");
        Shell($"ovs-vsctl --timeout=20 --retry --db=unix:{_folder}/db.sock --no-wait init");
        Start($"ovs-vswitchd unix:{_folder}/db.sock --unixctl={_folder}/v.ctl --pidfile "
            + "--enable-dummy=override --disable-system --disable-system-route");
        Shell($"ovs-vsctl --timeout=20 --retry --db=unix:{_folder}/db.sock "
            + "add-br br0 -- set bridge br0 datapath_type=dummy "
            + "-- add-port br0 p1 -- add-port br0 p2 -- add-port br0 p3");
    }

    /// <summary>Installs a flow, dumps it, takes it away.</summary>
    public string FlowLine(string flow, string actions)
    {
        const string Datapath = "dummy@ovs-dummy";
        string? line = null;
        // Its revalidator may take a flow away that no OpenFlow table asked for: then once more.
        for (var attempt = 0; line is null && attempt < 20; attempt++)
        {
            Appctl("dpctl/del-flows " + Datapath);
            var added = Appctl($"dpctl/add-flow {Datapath} '{flow}' '{actions}'");
            Assert.True(added.Trim().Length == 0, added);
            line = Appctl("dpctl/dump-flows " + Datapath).Split('\n')
                .SingleOrDefault(one => one.Contains("actions:", StringComparison.Ordinal));
        }

        Assert.NotNull(line);
        return line;
    }

    private string Appctl(string command) => Shell($"ovs-appctl -t {_folder}/v.ctl {command}");

    private void Start(string command) => _processes.Add(Process.Start(
        new ProcessStartInfo("/bin/sh", ["-c", $"exec {command} >{_folder}/out 2>&1"])
        {
            Environment = { ["OVS_RUNDIR"] = _folder, ["OVS_LOGDIR"] = _folder },
        })!);

    private static string Shell(string command) => NetworkNamespace.Shell(command);

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Needs the Debian package openvswitch-switch; says so when it skips.</summary>
public sealed class RealOvsTheoryAttribute : TheoryAttribute
{
    public RealOvsTheoryAttribute() => Skip = Missing;

    internal static string? Missing => File.Exists("/usr/sbin/ovs-vswitchd")
        ? null
        : "needs the Debian package openvswitch-switch";
}
