using System.Text;
using Fabric.Datapath;
using Fabric.Wire;
using Fabric.Wire.Netlink;

namespace Fabric.Fuzz;

/// <summary>
/// Parsers of packets under random and bent bytes: no exception, no reading outside.
/// </summary>
/// <remarks>
/// Each test runs its inputs from a fixed seed; a failure names the input's number. With
/// FABRIC_FUZZ_COUNT set, that many inputs in place of 50,000 (FABRIC_TEST_FULL: 1,000,000).
/// </remarks>
public sealed class PacketFuzzTests
{
    internal static readonly int Count =
        int.TryParse(Environment.GetEnvironmentVariable("FABRIC_FUZZ_COUNT"), out var count)
            ? count
            : Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 1_000_000 : 50_000;

    private static readonly string[] Flows =
    [
        "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,ttl=64,frag=no),tcp(src=1,dst=2)",
        "eth_type(0x0800),ipv4(proto=17,frag=first),udp(src=1,dst=2)",
        "eth_type(0x0800),ipv4(proto=1,ttl=64,frag=no),icmp(type=3,code=1)",
        "eth_type(0x0800),ipv4(proto=132,ttl=64,frag=no),sctp(src=1,dst=2)",
        "eth_type(0x86dd),ipv6(src=fc00::1,dst=fc00::2,proto=6,frag=no),tcp(src=1,dst=2)",
        "eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=135,code=0),"
            + "nd(target=fc00::1,sll=02:00:00:00:00:01)",
        "eth_type(0x86dd),ipv6(proto=44,frag=later)",
        "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1)",
        "eth_type(0x8847),mpls(label=1,tc=0,ttl=64,bos=0)",
        "eth_type(0x894f),nsh(flags=0,ttl=63,mdtype=1,np=3,spi=1,si=1)",
        "eth_type(0x8100),vlan(vid=1),encap(eth_type(0x0800),ipv4(proto=17,frag=no),udp(src=1))",
    ];

    [Fact]
    public void Flow_key_extraction_takes_anything()
    {
        var random = new Random(1);
        var samples = Samples();
        for (var i = 0; i < Count; i++)
        {
            var bytes = Bent(random, samples);
            FlowKey key = default;
            if (random.Next(8) == 0) key.PacketTypeWire = 0x0008_0100;
            var isRead = FlowKeyExtractor.TryExtract(bytes, ref key, out var layout, out var why);
            Assert.True(isRead == (why == DropReason.None), $"input {i}: {isRead} {why}");
            Assert.True(layout.EndOffset <= bytes.Length, $"input {i}: end {layout.EndOffset}");
            Assert.True(layout.TransportOffset <= bytes.Length, $"input {i}");
            if (isRead) OdpFlowText.Format(key);
        }
    }

    [Fact]
    public void Tunnel_headers_take_anything()
    {
        var random = new Random(2);
        byte[][] samples =
        [
            Convert.FromHexString("0240655800000500" + "0102800100020001" + "FFFF000100000000"),
            Convert.FromHexString("0800000000000100" + "505400000001"),
        ];
        var options = new GeneveOptions();
        foreach (var kind in Enum.GetValues<TunnelKind>())
        {
            var spec = new TunnelPortSpec(kind, 0, HasGbp: true, HasGpe: true);
            for (var i = 0; i < Count; i++)
            {
                var bytes = Bent(random, samples);
                FlowKey key = default;
                var reason = TunnelCodec.Read(spec, options, bytes, ref key, out var size);
                if (reason != DropReason.None) continue;
                Assert.True(size <= bytes.Length, $"{kind} input {i}");
                Assert.True(key.TunnelOptionsSize <= FlowKey.TunnelOptionsSizeMax);
            }
        }
    }

    [Fact]
    public void Segmentation_and_joining_take_anything()
    {
        var random = new Random(3);
        var samples = Samples();
        var packet = new PacketBuffer(4096);
        var segment = new PacketBuffer(4096);
        for (var i = 0; i < Count; i++)
        {
            packet.Load(Bent(random, samples));
            packet.SegmentSize = (ushort)random.Next(1, 200);
            if (Segmenter.TryCreate(packet, 0, out var segmenter))
            {
                var size = 0;
                while (segmenter.MoveNext(segment)) size += segment.Size;
                Assert.True(size >= 34, $"input {i}");
            }

            packet.ChecksumStart = random.Next(-1, 200);
            packet.ChecksumOffset = random.Next(0, 200);
            ChecksumCompletion.TryComplete(packet);
            if (SegmentCoalescer.TryStart(packet, out var state))
            {
                SegmentCoalescer.TryAppend(packet, ref state, Bent(random, samples));
                SegmentCoalescer.Finish(packet, state);
            }
        }
    }

    [Fact]
    public void Netlink_messages_take_anything()
    {
        var random = new Random(4);
        byte[][] samples =
        [
            Convert.FromHexString(
                "2C00000010000000010000000000000000000100020000004310000000000000"
                + "0800030061300000" + "08000400DC050000"),
        ];
        for (var i = 0; i < Count; i++)
        {
            ReadOnlySpan<byte> bytes = Bent(random, samples);
            while (NetlinkMessage.TryParse(bytes, out var message, out bytes))
            {
                RouteLink.TryParse(message, out _);
            }
        }
    }

    [Fact]
    public void Flow_and_action_text_take_anything()
    {
        var random = new Random(5);
        byte[][] samples =
        [
            .. Flows.Select(Encoding.ASCII.GetBytes),
            Encoding.ASCII.GetBytes("tunnel(tun_id=0x1,src=1.1.1.1,geneve({class=1,type=2,len=4,"
                + "0x3/0x4}),flags(-df+key)),ct_state(+new-est),in_port(3)"),
            Encoding.ASCII.GetBytes("ct(commit,zone=5,nat(src=10.0.0.1-10.0.0.9:1-2)),recirc(0x1),"
                + "clone(set(ipv4(ttl=1)),2),sample(sample=5.0%,actions(1)),push_vlan(vid=3)"),
        ];
        for (var i = 0; i < Count; i++)
        {
            var text = Encoding.Latin1.GetString(Bent(random, samples));
            if (OdpFlowText.TryParse(text, null, out var key, out var mask, out var error))
            {
                OdpFlowText.Format(key, mask);
            }
            else
            {
                Assert.NotEmpty(error);
            }

            if (OdpActionText.TryParse(text, null, out var actions, out error))
            {
                OdpActionText.Format(actions);
            }
            else
            {
                Assert.NotEmpty(error);
            }
        }
    }

    /// <remarks>
    /// Whole datapath: bent packets, every kind of action, tracked and recirculated.
    /// </remarks>
    [Fact]
    public void The_datapath_takes_anything()
    {
        var random = new Random(6);
        var samples = Samples();
        string[] parts =
        [
            "2", "set(ipv4(src=1.2.3.4,ttl=3))", "set(ipv6(src=fc00::9))", "set(tcp(dst=9))",
            "set(udp(dst=9))", "set(sctp(dst=9))", "set(arp(sip=1.1.1.1))", "dec_ttl",
            "set(nd(target=fc00::7,sll=02:00:00:00:00:07))", "set(icmp(type=1,code=2))",
            "push_vlan(vid=1)", "pop_vlan", "push_mpls(label=1,tc=1,ttl=1,bos=1,eth_type=0x8847)",
            "pop_mpls(eth_type=0x800)", "set(mpls(label=3))", "pop_eth",
            "push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)",
            "push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=1,si=1)", "pop_nsh()", "set(nsh(ttl=3))",
            "ct(commit,zone=1,nat(src=9.9.9.9))", "ct(zone=1,nat)", "ct_clear", "trunc(20)",
            "clone(dec_ttl,2)", "check_pkt_len(size=60,gt(2),le(pop_vlan,2))", "hash(sym_l4(1))",
            "sample(sample=50.0%,actions(2,3))", "recirc(0x1)", "meter(1)", "userspace(pid=0)",
        ];
        using var datapath = new UserspaceDatapath(
            "dummy@ovs-dummy", new UserspaceDatapathOptions { IsDummy = true });
        datapath.Ports.TryAdd(new DatapathPortSpec("p1", DatapathPortKind.Dummy), out _, out _);
        datapath.Ports.TryAdd(new DatapathPortSpec("p2", DatapathPortKind.Dummy), out _, out _);
        datapath.UpcallHandler = new RandomHandler(random, parts);
        var port = datapath.FindMemoryPort("p1")!;
        var packet = new PacketBuffer(4096);
        for (var i = 0; i < Count; i++)
        {
            packet.Load(Bent(random, samples));
            if (random.Next(4) == 0)
            {
                packet.SegmentSize = (ushort)random.Next(1, 100);
                packet.ChecksumStart = random.Next(0, 100);
                packet.ChecksumOffset = random.Next(0, 30);
            }

            port.Inject(packet);
            if (i % 64 == 0) datapath.Flows.Flush();
        }

        Assert.True(datapath.Statistics().Missed > 0);
    }

    internal static byte[][] Samples() => [.. Flows.Select(text =>
    {
        Assert.True(OdpFlowText.TryParse(text, null, out var key, out _, out var error), error);
        return PacketBuilder.Compose(key);
    })];

    /// <summary>
    /// A sample with bits turned, bytes at extremes, ends cut or added; or plain noise.
    /// </summary>
    internal static byte[] Bent(Random random, byte[][] samples)
    {
        if (random.Next(16) == 0)
        {
            var noise = new byte[random.Next(0, 200)];
            random.NextBytes(noise);
            return noise;
        }

        var bytes = samples[random.Next(samples.Length)].ToArray();
        var changes = random.Next(0, 6);
        for (var i = 0; i < changes && bytes.Length > 0; i++)
        {
            ref var at = ref bytes[random.Next(bytes.Length)];
            at = random.Next(5) switch
            {
                0 => 0,
                1 => 0xFF,
                2 => 1,
                3 => (byte)(at ^ (1 << random.Next(8))),
                _ => (byte)random.Next(256),
            };
        }

        return random.Next(4) switch
        {
            0 => bytes[..random.Next(bytes.Length + 1)],
            1 => [.. bytes, .. new byte[random.Next(300)]],
            _ => bytes,
        };
    }

    private sealed class RandomHandler(Random random, string[] parts) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            mask.PacketTypeWire = uint.MaxValue;
            var count = random.Next(1, 5);
            var text = string.Join(
                ',', Enumerable.Range(0, count).Select(_ => parts[random.Next(parts.Length)]));
            Assert.True(OdpActionText.TryParse(text, null, out var actions, out var error), error);
            return new UpcallVerdict(actions, Install: random.Next(2) == 0);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
