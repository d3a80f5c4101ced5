using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Tunnels between real devices: both ends ours, the kernel's, or a wire tap.</summary>
public sealed class TunnelDeviceTests
{
    private const TunnelFlags Usual = TunnelFlags.Key | TunnelFlags.Checksum;

    [DeviceTheory]
    [InlineData(TunnelKind.Geneve, 6081, false)]
    [InlineData(TunnelKind.Geneve, 6081, true)]
    [InlineData(TunnelKind.Vxlan, 4789, false)]
    [InlineData(TunnelKind.Vxlan, 4789, true)]
    [InlineData(TunnelKind.Gre, 0, false)]
    [InlineData(TunnelKind.Ip6Gre, 0, true)]
    [InlineData(TunnelKind.Erspan, 0, false)]
    [InlineData(TunnelKind.Stt, 7471, false)]
    [InlineData(TunnelKind.Stt, 7471, true)]
    public void Two_hosts_reach_each_other_through_a_tunnel(
        TunnelKind kind, ushort port, bool isIpv6)
    {
        using var pair = new TunnelPair(isIpv6);
        UserspaceDatapath? first = null, second = null;
        pair.One.Run(() => first = TunnelPair.Tunnelled(kind, port, pair.AddressTwo));
        pair.Two.Run(() => second = TunnelPair.Tunnelled(kind, port, pair.AddressOne));
        using (first)
        using (second)
        {
            Assert.Contains(" 0% packet loss", pair.Left.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            var key = default(FlowKey);
            second!.Flows.Dump((in FlowKey seen, in FlowKey _,
                ImmutableArray<DatapathAction> _, in FlowStatistics _) =>
            {
                if (seen.HasTunnel) key = seen;
            });
            Assert.Equal(5UL, key.TunnelId);
            Assert.Equal(kind == TunnelKind.Geneve ? 8 : 0, key.TunnelOptionsSize);
            Assert.Equal(isIpv6, key.TunnelIpv6Source != default);
        }
    }

    /// <remarks>With super-packets, software segmentation and every checksum on the way.</remarks>
    [DeviceTheory]
    [InlineData(TunnelKind.Geneve, 6081, Usual)]
    [InlineData(TunnelKind.Vxlan, 4789, TunnelFlags.Key)]
    [InlineData(TunnelKind.Gre, 0, Usual)]
    [InlineData(TunnelKind.Gre, 0, TunnelFlags.Key | TunnelFlags.Sequence)]
    [InlineData(TunnelKind.Stt, 7471, TunnelFlags.Key)]
    public void A_file_comes_through_a_tunnel_as_it_was(
        TunnelKind kind, ushort port, TunnelFlags flags)
    {
        using var pair = new TunnelPair(isIpv6: false);
        UserspaceDatapath? first = null, second = null;
        pair.One.Run(() => first = TunnelPair.Tunnelled(kind, port, pair.AddressTwo, flags));
        pair.Two.Run(() => second = TunnelPair.Tunnelled(kind, port, pair.AddressOne, flags));
        using (first)
        using (second)
        {
            var file = new byte[8 << 20];
            new Random(7).NextBytes(file);
            var received = DeviceLab.Transfer(pair.Left, pair.Right, "10.9.0.2", file);
            Assert.True(file.AsSpan().SequenceEqual(received), $"{received.Length} bytes");
        }
    }

    /// <remarks>The far side is the kernel's own VXLAN device.</remarks>
    [DeviceFact]
    public void Our_tunnel_and_the_kernels_reach_each_other()
    {
        using var pair = new TunnelPair(isIpv6: false);
        var made = pair.Two.Exec("ip link add vx0 type vxlan id 5 dstport 4789 remote 172.31.0.1");
        Assert.True(made.Length == 0, $"the kernel's vxlan module is missing: {made}");
        pair.Two.Exec("ip addr add 10.9.0.3/24 dev vx0");
        pair.Two.Exec("ip link set vx0 mtu 1400 up");
        UserspaceDatapath? datapath = null;
        pair.One.Run(
            () => datapath = TunnelPair.Tunnelled(TunnelKind.Vxlan, 4789, pair.AddressTwo));
        using (datapath)
        {
            Assert.Contains(" 0% packet loss", pair.Left.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.3"));
            Assert.Contains(
                " 0% packet loss", pair.Two.Exec("ping -c 2 -i 0.05 -s 5000 -W 2 10.9.0.1"));
        }
    }

    [DeviceTheory]
    [InlineData(Usual, 0x28, 33)]
    [InlineData(TunnelFlags.Key | TunnelFlags.DontFragment, 0, 64)]
    public void The_outer_header_is_what_the_flow_says(TunnelFlags flags, byte tos, byte ttl)
    {
        using var tap = new WireTap();
        var outer = TunnelPair.Outer(TunnelKind.Vxlan, tap.Pair.AddressTwo, flags)
            with { Tos = tos, Ttl = ttl };
        tap.Send(TunnelKind.Vxlan, 4789, outer, [tap.Inner(1)]);
        var frame = Assert.Single(tap.Take(1));
        var ip = frame.AsSpan(14);
        Assert.Equal(tos, ip[1]);
        Assert.Equal(ttl, ip[8]);
        Assert.Equal((flags & TunnelFlags.DontFragment) != 0, (ip[6] & 0x40) != 0);
        Assert.Equal(4789, BinaryPrimitives.ReadUInt16BigEndian(ip[22..]));
        Assert.Equal(
            (flags & TunnelFlags.Checksum) != 0,
            BinaryPrimitives.ReadUInt16BigEndian(ip[26..]) != 0);
    }

    [DeviceFact]
    public void Inner_flows_spread_over_outer_source_ports_and_each_keeps_its_own()
    {
        using var tap = new WireTap();
        var outer = TunnelPair.Outer(TunnelKind.Geneve, tap.Pair.AddressTwo, Usual);
        var inner = Enumerable.Range(0, 200).Select(i => tap.Inner((ushort)(i % 100))).ToArray();
        tap.Send(TunnelKind.Geneve, 6081, outer, inner);
        var frames = tap.Take(inner.Length);
        Assert.Equal(inner.Length, frames.Length);
        var ports = new Dictionary<ushort, ushort>();
        foreach (var frame in frames)
        {
            var udp = frame.AsSpan(34);
            var port = BinaryPrimitives.ReadUInt16BigEndian(udp);
            var innerPort = BinaryPrimitives.ReadUInt16BigEndian(udp[(8 + 16 + 34)..]);
            Assert.True(ports.TryAdd(innerPort, port) || ports[innerPort] == port);
        }

        Assert.InRange(ports.Values.Distinct().Count(), 8, TunnelSendersPortCount);
        Assert.All(ports.Values, port => Assert.True(port >= 32_768));
    }

    private const int TunnelSendersPortCount = 16; // TunnelSenders.PortCount

    /// <remarks>As options:egress_pkt_mark: the host routes the outer packet by it.</remarks>
    [DeviceFact]
    public void The_packets_mark_goes_with_the_outer_packet()
    {
        using var tap = new WireTap();
        tap.Pair.One.Exec("ip rule add fwmark 7 unreachable");
        var outer = TunnelPair.Outer(TunnelKind.Vxlan, tap.Pair.AddressTwo, Usual);
        tap.Send(TunnelKind.Vxlan, 4789, outer, [tap.Inner(1)], new SetPacketMarkAction(7, ~0u));
        tap.Send(TunnelKind.Vxlan, 4789, outer, [tap.Inner(2)], new SetPacketMarkAction(8, ~0u));
        var frame = Assert.Single(tap.Take(1));
        Assert.Equal(2, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(34 + 8 + 8 + 34)));
    }

    [DeviceFact]
    public void Several_local_addresses_of_a_host_can_be_the_outer_source()
    {
        using var tap = new WireTap();
        tap.Pair.One.Exec("ip addr add 172.31.0.77/24 dev u0");
        var outer = TunnelPair.Outer(TunnelKind.Geneve, tap.Pair.AddressTwo, Usual);
        foreach (var source in new[] { "172.31.0.77", "172.31.0.1" })
        {
            var local = outer with { Source = IPAddress.Parse(source) };
            tap.Send(TunnelKind.Geneve, 6081, local, [tap.Inner(1)]);
            var frame = Assert.Single(tap.Take(1));
            Assert.Equal(IPAddress.Parse(source), new IPAddress(frame.AsSpan(26, 4)));
        }
    }

    /// <summary>A host that sends into a tunnel, and a tap on its underlay.</summary>
    private sealed class WireTap : IDisposable
    {
        private readonly UserspaceDatapath _tap;

        public WireTap()
        {
            UserspaceDatapath? tap = null;
            Pair.Two.Run(() =>
            {
                tap = DeviceLab.CrossConnected(
                    new DatapathPortSpec("u0", DatapathPortKind.System),
                    new DatapathPortSpec("m", DatapathPortKind.Memory));
            });
            _tap = tap!;
            Pair.One.Exec(
                "ip neigh add 172.31.0.2 lladdr 02:00:00:00:00:99 nud permanent dev u0");
        }

        public TunnelPair Pair { get; } = new(isIpv6: false);

        public byte[] Inner(ushort portSource)
        {
            FlowKey key = default, mask = default;
            Assert.True(OdpFlowText.TryParse(
                "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),"
                + "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),"
                + $"udp(src={portSource},dst=9)", null, out key, out mask, out var error), error);
            return PacketBuilder.Compose(key);
        }

        public void Send(
            TunnelKind kind, ushort port, TunnelMetadata outer, byte[][] inner,
            params DatapathAction[] before)
        {
            UserspaceDatapath? sender = null;
            Pair.One.Run(() =>
            {
                sender = DeviceLab.CrossConnected(
                    new DatapathPortSpec("in", DatapathPortKind.Memory),
                    new DatapathPortSpec(
                        "tun", DatapathPortKind.Tunnel, Tunnel: new TunnelPortSpec(kind, port)));
                sender.UpcallHandler = new DeviceLab.Switching(_ =>
                    [.. before, new SetTunnelAction(outer), new OutputAction(2)]);
                foreach (var packet in inner) sender.FindMemoryPort("in")!.Inject(packet);
            });
            sender!.Dispose();
        }

        /// <summary>The next 'count' tunnelled frames, as they were on the wire.</summary>
        public byte[][] Take(int count)
        {
            var frames = new List<byte[]>();
            DeviceLab.Eventually(() =>
            {
                while (_tap.FindMemoryPort("m")!.TryTake(out var frame))
                {
                    if (frame.Length > 42 && frame[12] == 8 && frame[23] == 17)
                    {
                        frames.Add(frame);
                    }
                }

                return frames.Count >= count;
            });
            return [.. frames];
        }

        public void Dispose()
        {
            _tap.Dispose();
            Pair.Dispose();
        }
    }
}
