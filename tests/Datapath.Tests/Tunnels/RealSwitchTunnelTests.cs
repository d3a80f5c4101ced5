using Fabric.Wire;

namespace Fabric.Datapath.Tests.Tunnels;

/// <summary>Our tunnels and those of Debian's ovs-vswitchd, over a real wire.</summary>
/// <remarks>
/// Host one is ours: its kernel has the underlay's address. Host two is Open vSwitch's userspace
/// datapath: its tunnels leave through the bridge br-phy, which has the underlay's address. GRE
/// with checksum and sequence number at once is not here: Open vSwitch 3.1 numbers what it has
/// summed already.
/// </remarks>
public sealed class RealSwitchTunnelTests
{
    private const int FileSize = 2 << 20;

    [RealSwitchTheory]
    [InlineData(TunnelKind.Vxlan, 4789, false, "vxlan", "")]
    [InlineData(TunnelKind.Vxlan, 4789, true, "vxlan", "csum")]
    [InlineData(TunnelKind.Geneve, 6081, false, "geneve", "csum")]
    [InlineData(TunnelKind.Geneve, 6081, true, "geneve", "csum")]
    [InlineData(TunnelKind.Gre, 0, false, "gre", "")]
    [InlineData(TunnelKind.Gre, 0, false, "gre", "csum")]
    [InlineData(TunnelKind.Gre, 0, false, "gre", "seq")]
    [InlineData(TunnelKind.Ip6Gre, 0, true, "gre", "csum")]
    [InlineData(TunnelKind.Vxlan, 4790, false, "vxlan", "gpe")]
    public void Pings_and_tcp_pass_both_ways(
        TunnelKind kind, ushort port, bool isIpv6, string type, string extras)
    {
        using var pair = new TunnelPair(isIpv6);
        // Open vSwitch reads frames without their offload state: checksums must be whole.
        foreach (var (host, device) in new[]
        {
            (pair.Right, "eth0"), (pair.One, "u0"), (pair.Two, "w0"), (pair.Two, "u0"),
        })
        {
            host.Exec($"ethtool -K {device} tx off");
        }

        using var real = new RealHost(pair.Two);
        var words = extras.Split(' ');
        SetUp(real, pair, isIpv6, type, words);
        UserspaceDatapath? ours = null;
        var flags = TunnelFlags.Key | (words.Contains("csum") ? TunnelFlags.Checksum : 0)
            | (words.Contains("seq") ? TunnelFlags.Sequence : 0);
        pair.One.Run(() => ours = TunnelPair.Tunnelled(
            new TunnelPortSpec(kind, port, HasGpe: words.Contains("gpe")), pair.AddressTwo, flags,
            toGuest: null));
        using (ours)
        {
            // Until both ends know each other's addresses.
            Assert.True(
                Enumerable.Range(0, 20).Any(_ => IsAnswered(pair.Left, "-c 1 -W 1 10.9.0.2")),
                real.Appctl("dpctl/dump-flows") + real.Appctl("coverage/show"));
            Assert.True(IsAnswered(pair.Left, "-c 10 -i 0.02 -W 2 10.9.0.2"));
            Assert.True(IsAnswered(pair.Right, "-c 10 -i 0.02 -W 2 10.9.0.1"));
            Assert.True(IsAnswered(pair.Left, "-c 3 -i 0.02 -s 3000 -W 2 10.9.0.2"));
            var file = new byte[FileSize];
            new Random(3).NextBytes(file);
            Assert.Equal(file, DeviceLab.Transfer(pair.Left, pair.Right, "10.9.0.2", file));
            Assert.Equal(file, DeviceLab.Transfer(pair.Right, pair.Left, "10.9.0.1", file));
        }
    }

    private static void SetUp(
        RealHost real, TunnelPair pair, bool isIpv6, string type, string[] words)
    {
        var prefix = isIpv6 ? 64 : 24;
        pair.Two.Exec("ip addr flush dev u0");
        real.Vsctl("add-br br-phy -- set bridge br-phy datapath_type=netdev "
            + "-- add-port br-phy u0");
        Assert.True(DeviceLab.Eventually(() => pair.Two.Exec(
            $"ip addr add {pair.AddressTwo}/{prefix} dev br-phy{(isIpv6 ? " nodad" : "")}")
                .Length == 0));
        pair.Two.Exec("ip link set br-phy up");
        real.Vsctl("add-br br0 -- set bridge br0 datapath_type=netdev "
            + "-- add-port br0 w0 -- set interface w0 ofport_request=1 "
            + $"-- add-port br0 tun -- set interface tun ofport_request=2 type={type} options:remote_ip={pair.AddressOne} options:key=5 "
            + $"options:csum={(words.Contains("csum") ? "true" : "false")}"
            + (words.Contains("seq") ? " options:seq=true" : "")
            + (words.Contains("gpe") ? " options:exts=gpe options:dst_port=4790" : "")
            + (words.Contains("layer3") ? " options:packet_type=legacy_l3" : ""));

        // Ours sends a critical option, which Open vSwitch takes only if a table names it.
        if (type == "geneve")
        {
            real.Ofctl("add-tlv-map br0 {class=0x102,type=0x80,len=4}->tun_metadata0");
        }
    }

    /// <summary>Packets without an Ethernet header: Open vSwitch turns pings around.</summary>
    /// <remarks>
    /// Of GTP-U only what it reads is seen: it sums its UDP datagrams before it has written the
    /// GTP-U header's length, so that every kernel refuses them.
    /// </remarks>
    [RealSwitchTheory]
    [InlineData(TunnelKind.Gre, 0, "gre", "layer3")]
    [InlineData(TunnelKind.Gre, 0, "gre", "layer3 csum")]
    [InlineData(TunnelKind.Vxlan, 4790, "vxlan", "layer3 gpe")]
    [InlineData(TunnelKind.Gtpu, 2152, "gtpu", "")]
    public void Routed_pings_come_back(TunnelKind kind, ushort port, string type, string extras)
    {
        using var pair = new TunnelPair(isIpv6: false);
        pair.One.Exec("ethtool -K u0 tx off");
        pair.Two.Exec("ethtool -K u0 tx off");
        using var real = new RealHost(pair.Two);
        var words = extras.Split(' ');
        SetUp(real, pair, isIpv6: false, type, words);
        real.Ofctl("add-flow br0 in_port=2,icmp,actions=mod_nw_src:10.9.0.2,mod_nw_dst:10.9.0.1,"
            + "load:0->NXM_OF_ICMP_TYPE[],in_port");
        var (left, right) = (MacBytes.FromUInt64(0x0200_0000_0001), MacBytes.FromUInt64(2));
        pair.Left.Exec($"ip link set eth0 address {left}");
        pair.Left.Exec("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev eth0");
        UserspaceDatapath? ours = null;
        pair.One.Run(() => ours = TunnelPair.Tunnelled(
            new TunnelPortSpec(kind, port, HasGpe: words.Contains("gpe")), pair.AddressTwo,
            TunnelFlags.Key | (words.Contains("csum") ? TunnelFlags.Checksum : 0),
            new PushEthernetAction(right, left)));
        using (ours)
        {
            Assert.True(
                Enumerable.Range(0, 20).Any(_ => IsAnswered(pair.Left, "-c 1 -W 1 10.9.0.2")
                    || (kind == TunnelKind.Gtpu && IsRead(real))),
                real.Appctl("dpctl/dump-flows"));
            Assert.True(kind == TunnelKind.Gtpu
                || IsAnswered(pair.Left, "-c 10 -i 0.02 -W 2 10.9.0.2"));
        }
    }

    private static bool IsRead(RealHost real) => real.Appctl("dpctl/dump-flows").Contains(
        "packet_type(ns=1,id=0x800),eth_type(0x0800),ipv4(src=10.9.0.1,dst=10.9.0.2,proto=1",
        StringComparison.Ordinal);

    private static bool IsAnswered(NetworkNamespace from, string words) =>
        from.Exec($"ping -q {words}").Contains(" 0% packet loss", StringComparison.Ordinal);
}

/// <summary>Needs what devices need, and Open vSwitch; says so when it skips.</summary>
internal sealed class RealSwitchTheoryAttribute : TheoryAttribute
{
    public RealSwitchTheoryAttribute() => Skip = RealHost.Missing;
}
