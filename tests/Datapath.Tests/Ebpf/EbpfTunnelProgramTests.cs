using System.Buffers.Binary;
using System.Collections.Immutable;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>The programs of tunnels: a frame in, a verdict and a frame out.</summary>
/// <remarks>
/// Goal: outer headers, and their checksums above all, are what another host expects. Method:
/// BPF_PROG_TEST_RUN; frames leave by a port whose device is a tunnel, and come in by the underlay.
/// </remarks>
public sealed class EbpfTunnelProgramTests
{
    private const int Pass = 0, Drop = 2, Redirect = 7;
    private const string Here = "172.31.0.1", There = "172.31.0.2";
    private const string Here6 = "fd31::1", There6 = "fd31::2";

    /// <summary>Packets whose sum is found in as many ways.</summary>
    private static byte[] Inner(string kind) => kind switch
    {
        "tcp" => TestPacket.Tcp("10.0.0.1", 1000, "10.0.0.2", 80, "PA", 7, 9, payload: 301),
        "tcp6" => TestPacket.Tcp("fd00::1", 1000, "fd00::2", 80, "PA", 7, 9, payload: 300),
        "udp" => TestPacket.Udp("10.0.0.1", 1000, "10.0.0.2", 53, 21),
        "udp6" => TestPacket.Udp("fd00::1", 1000, "fd00::2", 53, 400),
        "icmp" => TestPacket.Icmp("10.0.0.1", "10.0.0.2", 8, 0, 77),
        "icmp6" => TestPacket.Icmp("fd00::1", "fd00::2", 128, 0, 77),
        "udp without" => Without(TestPacket.Udp("10.0.0.1", 1000, "10.0.0.2", 53, 601)),
        "padded" => [.. TestPacket.Udp("10.0.0.1", 1, "10.0.0.2", 2, 1), 9, 8, 7, 6, 5],
        "other" => [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x06, .. new byte[28]],
        _ => throw new ArgumentException($"no such packet: {kind}", nameof(kind)),
    };

    private static byte[] Without(byte[] udp)
    {
        udp[40] = udp[41] = 0;
        return udp;
    }

    [EbpfTheory]
    [InlineData("tcp")]
    [InlineData("tcp6")]
    [InlineData("udp")]
    [InlineData("udp6")]
    [InlineData("icmp")]
    [InlineData("icmp6")]
    [InlineData("udp without")]
    [InlineData("padded")]
    [InlineData("other")]
    public void Tunnel_program_puts_headers_and_a_right_checksum_in_front(string kind)
    {
        var inner = Inner(kind);
        foreach (var isIpv6 in (bool[])[false, true])
        {
            using var lab = Tunnelled(isIpv6, "df|csum|key");
            var (verdict, outer) = lab.Enter(1, inner);
            Assert.Equal(Redirect, verdict);
            Assert.Equal(inner, outer[^inner.Length..]);
            Assert.NotEqual(0, VxlanFrame.ChecksumOf(outer));
            var text = $"{kind}, IPv6 {isIpv6}: {Convert.ToHexString(outer)}";
            Assert.True(TestPacket.IsSound(outer), text);
        }
    }

    [EbpfTheory]
    [InlineData(false)]
    [InlineData(true)] // IPv6 knows no UDP without a checksum.
    public void Tunnel_program_writes_none_where_none_is_asked_for(bool isIpv6)
    {
        using var lab = Tunnelled(isIpv6, "df|key");
        var (verdict, outer) = lab.Enter(1, Inner("udp"));
        Assert.Equal(Redirect, verdict);
        Assert.Equal(isIpv6, VxlanFrame.ChecksumOf(outer) != 0);
    }

    /// <summary>Changed before it is tunnelled, so that what was parsed no longer holds.</summary>
    [EbpfTheory]
    [InlineData("set(ipv4(src=10.99.0.1,ttl=9)),")]
    [InlineData("push_vlan(vid=7,pcp=0),pop_vlan,")]
    public void Tunnel_program_sums_what_earlier_steps_made_of_the_packet(string actions)
    {
        using var lab = Tunnelled(isIpv6: false, "df|csum|key", actions);
        var (verdict, outer) = lab.Enter(1, Inner("tcp"));
        Assert.Equal(Redirect, verdict);
        Assert.True(TestPacket.IsSound(outer));
        Assert.True(TestPacket.IsSound(outer.AsSpan(50)));
    }

    [EbpfTheory]
    [InlineData("csum|key")]
    [InlineData("csum")]
    [InlineData("key")]
    public void Gre_has_a_checksum_if_asked_for(string flags)
    {
        using var lab = new ProgramLab();
        lab.AddTunnel(TunnelKind.Gre, 0);
        var inner = Inner("tcp");
        lab.Put("recirc_id(0),in_port(1)",
            $"set(tunnel(tun_id=0x5,dst={There},ttl=64,flags(df|{flags}))),3");
        var (verdict, outer) = lab.Enter(1, inner);
        Assert.Equal(Redirect, verdict);
        Assert.Equal(inner, outer[^inner.Length..]);
        var gre = outer.AsSpan(34);
        var hasChecksum = flags.StartsWith("csum", StringComparison.Ordinal);
        Assert.Equal(hasChecksum, (gre[0] & 0x80) != 0);
        if (hasChecksum) Assert.Equal(0, InternetChecksum.ComputeWire(gre));
        if (flags.EndsWith("key", StringComparison.Ordinal))
        {
            Assert.Equal(5u, BinaryPrimitives.ReadUInt32BigEndian(gre[(hasChecksum ? 8 : 4)..]));
        }
    }

    [EbpfTheory]
    [InlineData(4789, true, Drop)]
    [InlineData(4789, false, Pass)] // Another host's address.
    [InlineData(4790, true, Pass)]  // Another service of this host.
    public void Underlay_program_takes_our_tunnels_only(ushort port, bool isOurs, int verdict)
    {
        using var lab = new ProgramLab();
        lab.AddTunnel();
        var inner = Inner("udp");
        var outer = VxlanFrame.Around(inner, There, isOurs ? Here : "172.31.0.9", port);
        var (result, bytes) = lab.Run(lab.Kernel.UnderlayProgram, outer, lab.OtherDevice);
        Assert.Equal(verdict, result);
        Assert.Equal(verdict == Drop ? inner : outer, bytes); // The inner one went up.
        Assert.Equal(verdict == Drop ? 1ul : 0, lab.Datapath.Statistics().Missed);
    }

    /// <summary>
    /// What the kernel has not proved, the program proves; a key says that it was there.
    /// </summary>
    [EbpfTheory]
    [InlineData(false, "udp")]
    [InlineData(true, "udp")]
    [InlineData(false, "udp without")]
    [InlineData(true, "tcp6")]
    public void Underlay_program_proves_checksums(bool isIpv6, string kind)
    {
        using var lab = Tunnelled(isIpv6, "csum|key");
        lab.Put("recirc_id(0),tunnel(tun_id=0x5,flags(+csum+key)),in_port(3)", "2");
        lab.Put("recirc_id(0),tunnel(tun_id=0x5,flags(-csum+key)),in_port(3)", "1");
        var inner = Inner(kind);
        var outer = VxlanFrame.Around(
            inner, isIpv6 ? There6 : There, isIpv6 ? Here6 : Here, hasChecksum: true);
        var (verdict, bytes) = Receive(lab, outer);
        Assert.Equal(Redirect, verdict);
        Assert.Equal(inner, bytes);
        Assert.Equal((1ul, 0ul), (CountOf(lab, "2"), CountOf(lab, "1")));

        var plain = VxlanFrame.Around(inner, isIpv6 ? There6 : There, isIpv6 ? Here6 : Here);
        Assert.Equal(Redirect, Receive(lab, plain).Verdict);
        Assert.Equal((1ul, 1ul), (CountOf(lab, "2"), CountOf(lab, "1")));

        outer[^1] ^= 1;
        Assert.Equal((Drop, 1ul), (Receive(lab, outer).Verdict,
            lab.Dropped(DropReason.TunnelChecksum)));
        outer[^1] ^= 1;
        outer[VxlanFrame.ChecksumAt(outer)] ^= 0x40;
        Assert.Equal((Drop, 2ul), (Receive(lab, outer).Verdict,
            lab.Dropped(DropReason.TunnelChecksum)));
        Assert.Equal(0ul, lab.Missed);
    }

    [EbpfTheory]
    [InlineData(24)] // The checksum itself.
    [InlineData(22)] // The TTL under it.
    public void Underlay_program_drops_a_broken_outer_header(int at)
    {
        using var lab = Tunnelled(isIpv6: false, "key");
        var outer = VxlanFrame.Around(Inner("udp"));
        outer[at] ^= 0x10;
        Assert.Equal(Drop, Receive(lab, outer).Verdict);
        Assert.Equal(1ul, lab.Dropped(DropReason.ChecksumInvalid));
    }

    private static (int Verdict, byte[] Frame) Receive(ProgramLab lab, byte[] outer) =>
        lab.Run(lab.Kernel.UnderlayProgram, outer, lab.OtherDevice);

    /// <summary>Packets of the flows with these actions.</summary>
    private static ulong CountOf(ProgramLab lab, string actions)
    {
        var count = 0ul;
        lab.Datapath.Flows.Dump((in FlowKey _, in FlowKey _, ImmutableArray<DatapathAction> list,
            in FlowStatistics now) =>
        {
            if (OdpActionText.Format(list) == actions) count += now.Packets;
        });
        return count;
    }

    /// <summary>Port 1 leads into a tunnel, which is port 3.</summary>
    private static ProgramLab Tunnelled(bool isIpv6, string flags, string actions = "")
    {
        var lab = new ProgramLab();
        if (isIpv6)
        {
            NetworkNamespace.Shell(
                "sysctl -q net.ipv6.conf.o.disable_ipv6=0; ip link set ox up; "
                + $"ip addr add {Here6}/64 dev o nodad");
        }

        lab.AddTunnel();
        lab.Put("recirc_id(0),in_port(1)", $"{actions}set(tunnel(tun_id=0x5,"
            + (isIpv6 ? $"ipv6_dst={There6}" : $"dst={There}")
            + $",ttl=64,tp_dst=4789,flags({flags}))),3");
        return lab;
    }
}
