using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Tunnels between two eBPF datapaths, and to the kernel's own VXLAN device.</summary>
/// <remarks>
/// Goal: what the programs put around packets, they and others take off again. Method: two hosts
/// in namespaces with a veth underlay; ping with small and with fragmented packets, and a TCP
/// stream whose super-packets must arrive whole or segmented, never broken.
/// </remarks>
public sealed class EbpfTunnelTests
{
    [EbpfTheory]
    [InlineData(TunnelKind.Geneve, 6081, false, false)]
    [InlineData(TunnelKind.Geneve, 6081, true, false)]
    [InlineData(TunnelKind.Geneve, 6081, false, true)]
    [InlineData(TunnelKind.Vxlan, 4789, false, false)]
    [InlineData(TunnelKind.Vxlan, 4789, true, true)]
    [InlineData(TunnelKind.Gre, 0, false, false)]
    public void Two_hosts_reach_each_other(
        TunnelKind kind, ushort port, bool isIpv6, bool isOldest)
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var one = new NetworkNamespace();
        using var two = new NetworkNamespace();
        Wire(one, a, "10.9.0.1/24");
        Wire(two, b, "10.9.0.2/24");
        var prefix = isIpv6 ? "fd00::" : "172.31.0.";
        Underlay(one, two, prefix, isIpv6 ? "/64 nodad" : "/24");
        EbpfDatapath? first = null, second = null;
        var options = isOldest ? EbpfSupport.OldestOptions : EbpfSupport.SmallOptions;
        one.Run(() => first = Tunnelled(kind, port, IPAddress.Parse(prefix + "2"), options));
        two.Run(() => second = Tunnelled(kind, port, IPAddress.Parse(prefix + "1"), options));
        using (first)
        using (second)
        {
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 5 -i 0.05 -W 2 10.9.0.2"));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -s 4000 -W 2 10.9.0.2"));
            var sent = second!.Ports.Statistics(2)!;
            Assert.True(sent.RxPackets >= 8 && sent.TxPackets >= 8, $"{sent}");
            Assert.True(second.KernelTunnelPackets(2) >= 10, "the programs took no part");
        }
    }

    /// <summary>
    /// An underlay that cuts super-packets and finishes checksums in software: what arrives has no
    /// voucher, so that each end proves the other's outer checksums, byte by byte.
    /// </summary>
    [EbpfTheory]
    [InlineData(4789)]
    public void Outer_checksums_of_streams_are_right_in_both_directions(ushort port)
    {
        const int Size = 4 << 20;

        using var a = new NetworkNamespace();
        using var one = new NetworkNamespace();
        using var two = new NetworkNamespace();
        Wire(one, a, "10.9.0.1/24");
        Underlay(one, two, "172.31.0.", "/24");
        foreach (var host in (NetworkNamespace[])[one, two])
        {
            host.Exec("ethtool -K u0 tx off tso off gso off");
        }

        two.Exec($"ip link add vx0 type vxlan id 5 dstport {port} remote 172.31.0.1 udpcsum");
        two.Exec("ip addr add 10.9.0.2/24 dev vx0");
        two.Exec("ip link set vx0 mtu 1400 up");
        EbpfDatapath? datapath = null;
        one.Run(() => datapath = Tunnelled(
            TunnelKind.Vxlan, port, IPAddress.Parse("172.31.0.2"), EbpfSupport.SmallOptions,
            TunnelFlags.Key | TunnelFlags.Checksum));
        using (datapath)
        {
            foreach (var (from, to, target) in new[]
            {
                (a, two, "10.9.0.2"), (two, a, "10.9.0.1"),
            })
            {
                Assert.Equal(Size, Stream.Send(from, to, IPAddress.Parse(target), Size));
            }

            Assert.Equal(0ul, datapath!.DropCounts()[(int)DropReason.TunnelChecksum]);
            Assert.True(datapath.KernelTunnelPackets(2) > Size / 65536);
            Assert.Equal("0", two.Exec("nstat -asz UdpInCsumErrors").Split(
                (char[]?)null, StringSplitOptions.RemoveEmptyEntries)[^2]);
            var flows = 0;
            datapath.Flows.Dump((in FlowKey key, in FlowKey _, ImmutableArray<DatapathAction> _,
                in FlowStatistics _) =>
            {
                if (!key.HasTunnel) return;
                flows++;
                Assert.True(TunnelFlagsOf(in key).HasFlag(TunnelFlags.Checksum));
            });
            Assert.True(flows > 0);
        }
    }

    private static TunnelFlags TunnelFlagsOf(in FlowKey key) =>
        (TunnelFlags)System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(key.TunnelFlagsWire);

    [EbpfTheory]
    [InlineData(4789)]
    public void The_kernels_own_device_understands_us(ushort port)
    {
        using var a = new NetworkNamespace();
        using var one = new NetworkNamespace();
        using var two = new NetworkNamespace();
        Wire(one, a, "10.9.0.1/24");
        Underlay(one, two, "172.31.0.", "/24");
        var made = two.Exec(
            $"ip link add vx0 type vxlan id 5 dstport {port} remote 172.31.0.1");
        Assert.True(made.Length == 0, $"the kernel's vxlan module is missing: {made}");
        two.Exec("ip addr add 10.9.0.2/24 dev vx0");
        two.Exec("ip link set vx0 mtu 1400 up");
        EbpfDatapath? datapath = null;
        one.Run(() => datapath = Tunnelled(
            TunnelKind.Vxlan, port, IPAddress.Parse("172.31.0.2"), EbpfSupport.SmallOptions));
        using (datapath)
        {
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            Assert.Contains(" 0% packet loss", two.Exec("ping -c 2 -s 5000 -W 2 10.9.0.1"));
        }
    }

    [EbpfTheory]
    [InlineData(11)]
    public void Every_program_passes_the_verifier(int count)
    {
        var lines = EbpfDatapath.Verify(out var error);
        Assert.Equal("", error);
        Assert.Equal(count, lines.Length);
        Assert.All(lines, line => Assert.Contains("processed ", line));
    }

    private static EbpfDatapath Tunnelled(
        TunnelKind kind, ushort port, IPAddress remote, EbpfOptions options,
        TunnelFlags flags = TunnelFlags.Key)
    {
        Assert.True(EbpfDatapath.TryOpen(options, out var datapath, out var error), error);
        Assert.True(datapath!.Ports.TryAdd(
            new DatapathPortSpec("w0", DatapathPortKind.System), out _, out error), error);
        Assert.True(datapath.Ports.TryAdd(
            new DatapathPortSpec(
                "tun", DatapathPortKind.Tunnel, Tunnel: new TunnelPortSpec(kind, port)),
            out _, out error), error);
        datapath.UpcallHandler = new Tunnelling(new TunnelMetadata(
            5, IPAddress.Any, remote, 0, 64, flags, 0, 0,
            kind == TunnelKind.Geneve ? [1, 2, 0x80, 1, 0, 2, 0, 1] : []));
        return datapath;
    }

    private static void Wire(NetworkNamespace host, NetworkNamespace workload, string address) =>
        NetworkNamespace.Shell(
            $"ip -n {host.Name} link add w0 type veth peer name eth0 netns {workload.Name}; "
            + $"ip -n {host.Name} link set w0 up; "
            + $"ip -n {workload.Name} link set eth0 mtu 1400 up; "
            + $"ip -n {workload.Name} addr add {address} dev eth0");

    private static void Underlay(
        NetworkNamespace one, NetworkNamespace two, string prefix, string suffix)
    {
        NetworkNamespace.Shell(
            $"ip -n {one.Name} link add u0 type veth peer name u0 netns {two.Name}");
        foreach (var (host, number) in new[] { (one, 1), (two, 2) })
        {
            NetworkNamespace.Shell(
                $"ip -n {host.Name} link set u0 up; "
                + $"ip -n {host.Name} addr add {prefix}{number}{suffix} dev u0");
        }
    }

    /// <summary>One TCP connection between two namespaces.</summary>
    private static class Stream
    {
        /// <returns>Bytes that arrived as they were sent.</returns>
        public static int Send(
            NetworkNamespace from, NetworkNamespace to, IPAddress target, int size)
        {
            var data = new byte[size];
            new Random(size).NextBytes(data);
            TcpListener? listener = null;
            to.Run(() =>
            {
                listener = new TcpListener(IPAddress.Any, 0);
                listener.Start();
            });
            using (listener)
            {
                TcpClient? client = null;
                from.Run(() => client = new TcpClient(AddressFamily.InterNetwork));
                using (client)
                {
                    client!.Connect(target, ((IPEndPoint)listener!.LocalEndpoint).Port);
                    using var server = listener.AcceptTcpClient();
                    server.ReceiveTimeout = client.SendTimeout = 20_000;
                    var sender = new Thread(() => client.GetStream().Write(data));
                    sender.Start();
                    var received = new byte[size];
                    server.GetStream().ReadExactly(received);
                    sender.Join();
                    return received.AsSpan().CommonPrefixLength(data);
                }
            }
        }
    }

    private sealed class Tunnelling(TunnelMetadata outer) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            if (key.HasTunnel) mask.Bytes[FlowKey.TunnelOffset..].Fill(0xFF);
            ImmutableArray<DatapathAction> actions = key.InPort == 1
                ? [new SetTunnelAction(outer), new OutputAction(2)]
                : [new OutputAction(1)];
            return new UpcallVerdict(actions, Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
