using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Real devices in network namespaces, real packets.</summary>
public sealed class DevicePortTests
{
    [DeviceFact]
    public void Two_hosts_on_system_ports_ping_each_other_with_any_size()
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var d = new NetworkNamespace();
        Wire(d, "a0", a, "10.9.0.1/24");
        Wire(d, "b0", b, "10.9.0.2/24");
        d.Run(() =>
        {
            using var datapath = CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System),
                new DatapathPortSpec("b0", DatapathPortKind.System));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 2 -i 0.05 -s 8000 -W 2 10.9.0.2"));

            var received = datapath.Ports.Statistics(1)!;
            Assert.True(received.RxPackets >= 5 && received.TxPackets >= 5, $"{received}");
        });
    }

    [DeviceTheory]
    [InlineData("push_vlan(vid=5,pcp=3)")]
    [InlineData("push_vlan(tpid=0x88a8,vid=6,pcp=0)")]
    [InlineData("push_vlan(vid=5,pcp=0),push_vlan(tpid=0x88a8,vid=6,pcp=1)")]
    public void Vlan_tags_that_the_kernel_takes_out_are_put_back(string push)
    {
        using var a = new NetworkNamespace();
        using var d = new NetworkNamespace();
        Wire(d, "a0", a, "10.9.0.1/24");
        UserspaceDatapath? far = null, near = null;
        a.Run(() => far = WithMemory("eth0", push + ",1"));
        d.Run(() => near = WithMemory("a0", "2"));
        try
        {
            var frame = new byte[60];
            frame.AsSpan(0, 6).Fill(0xFF);
            (frame[6], frame[12], frame[13]) = (2, 0x99, 0x99);
            byte[] seen = [];
            far!.FindMemoryPort("m")!.Inject(frame);
            Assert.True(Eventually(() => near!.FindMemoryPort("m")!.TryTake(out seen)
                && seen.AsSpan().EndsWith(frame.AsSpan(12))));
            FlowKey key = default, mask = default;
            Assert.True(FlowKeyExtractor.TryExtract(seen, ref key, out _));
            mask.Bytes[FlowKey.LinkOffset..FlowKey.NetworkOffset].Fill(0xFF);
            var text = OdpFlowText.Format(key, mask);
            foreach (var tag in push.Split("push_vlan(", StringSplitOptions.RemoveEmptyEntries))
            {
                var start = tag.IndexOf("vid", StringComparison.Ordinal);
                Assert.Contains(tag[start..].TrimEnd(','), text);
            }
        }
        finally
        {
            far?.Dispose();
            near?.Dispose();
        }
    }

    /// <summary>
    /// Port 1: the device, whose packets get 'actions'; port 2: memory, to port 1.
    /// </summary>
    private static UserspaceDatapath WithMemory(string device, string actions)
    {
        var datapath = NewDatapath();
        Assert.True(datapath.Ports.TryAdd(
            new DatapathPortSpec(device, DatapathPortKind.System), out _, out var error), error);
        Assert.True(datapath.Ports.TryAdd(
            new DatapathPortSpec("m", DatapathPortKind.Memory), out _, out error), error);
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
        datapath.UpcallHandler = new Switching(_ => list);
        return datapath;
    }

    [DeviceFact]
    public void An_internal_port_is_a_device_of_the_host()
    {
        using var a = new NetworkNamespace();
        using var d = new NetworkNamespace();
        Wire(d, "a0", a, "10.9.0.1/24");
        d.Run(() =>
        {
            var mac = MacBytes.FromUInt64(0x0200_0000_0077);
            using (var datapath = CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System),
                new DatapathPortSpec("br0", DatapathPortKind.Internal, Mac: mac, Mtu: 1300)))
            {
                d.Exec("ip addr add 10.9.0.2/24 dev br0");
                Assert.Contains("02:00:00:00:00:77", d.Exec("ip link show br0"));
                Assert.Contains("mtu 1300", d.Exec("ip link show br0"));
                Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            }

            Assert.Contains("does not exist", d.Exec("ip link show br0"));
        });
    }

    [DeviceTheory]
    [InlineData(TunnelKind.Geneve, 6081, false)]
    [InlineData(TunnelKind.Geneve, 6081, true)]
    [InlineData(TunnelKind.Vxlan, 4789, false)]
    [InlineData(TunnelKind.Vxlan, 4789, true)]
    [InlineData(TunnelKind.Gre, 0, false)]
    [InlineData(TunnelKind.Ip6Gre, 0, true)]
    [InlineData(TunnelKind.Erspan, 0, false)]
    public void Two_hosts_reach_each_other_through_a_tunnel(
        TunnelKind kind, ushort port, bool isIpv6)
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var one = new NetworkNamespace();
        using var two = new NetworkNamespace();
        Wire(one, "w0", a, "10.9.0.1/24");
        Wire(two, "w0", b, "10.9.0.2/24");
        NetworkNamespace.Shell(
            $"ip -n {one.Name} link add u0 type veth peer name u0 netns {two.Name}");
        var prefix = isIpv6 ? "fd00::" : "172.31.0.";
        for (var i = 0; i < 2; i++)
        {
            var host = i == 0 ? one : two;
            NetworkNamespace.Shell(
                $"ip -n {host.Name} addr add {prefix}{i + 1}/{(isIpv6 ? 64 : 24)} dev u0 "
                + (isIpv6 ? "nodad" : ""));
            NetworkNamespace.Shell($"ip -n {host.Name} link set u0 up");
        }

        UserspaceDatapath? first = null, second = null;
        one.Run(() => first = Tunnelled(kind, port, IPAddress.Parse(prefix + "2")));
        two.Run(() => second = Tunnelled(kind, port, IPAddress.Parse(prefix + "1")));
        try
        {
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
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
        finally
        {
            first?.Dispose();
            second?.Dispose();
        }
    }

    /// <remarks>The far side is the kernel's own VXLAN device.</remarks>
    [DeviceFact]
    public void Our_tunnel_and_the_kernels_reach_each_other()
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var one = new NetworkNamespace();
        Wire(one, "w0", a, "10.9.0.1/24");
        NetworkNamespace.Shell(
            $"ip -n {one.Name} link add u0 type veth peer name u0 netns {b.Name}; "
            + $"ip -n {one.Name} addr add 172.31.0.1/24 dev u0; ip -n {one.Name} link set u0 up; "
            + $"ip -n {b.Name} addr add 172.31.0.2/24 dev u0; ip -n {b.Name} link set u0 up");
        var made = b.Exec("ip link add vx0 type vxlan id 5 dstport 4789 remote 172.31.0.1");
        Assert.True(made.Length == 0, $"the kernel's vxlan module is missing: {made}");
        b.Exec("ip addr add 10.9.0.2/24 dev vx0");
        b.Exec("ip link set vx0 mtu 1400 up");
        UserspaceDatapath? datapath = null;
        one.Run(() => datapath = Tunnelled(TunnelKind.Vxlan, 4789, IPAddress.Parse("172.31.0.2")));
        using (datapath)
        {
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            Assert.Contains(" 0% packet loss", b.Exec("ping -c 2 -i 0.05 -s 5000 -W 2 10.9.0.1"));
        }
    }

    [DeviceFact]
    public void A_device_that_vanishes_and_comes_back_is_reported_and_works_again()
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var d = new NetworkNamespace();
        Wire(d, "a0", a, "10.9.0.1/24");
        Wire(d, "b0", b, "10.9.0.2/24");
        d.Run(() =>
        {
            using var datapath = CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System),
                new DatapathPortSpec("b0", DatapathPortKind.System));
            var events = new ConcurrentQueue<DatapathPortEvent>();
            datapath.Ports.Changed += events.Enqueue;

            d.Exec("ip link del a0");
            Assert.True(Eventually(() => events.Any(e =>
                e is { Change: DatapathPortChange.Removed, Port.Name: "a0" })));
            Wire(d, "a0", a, "10.9.0.1/24");
            Assert.True(Eventually(() => events.Any(e =>
                e is { Change: DatapathPortChange.Added, Port: { Name: "a0", Number: 1 } })));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
        });
    }

    [DeviceFact]
    public void Ports_come_and_go_while_others_carry_traffic()
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var d = new NetworkNamespace();
        Wire(d, "a0", a, "10.9.0.1/24");
        Wire(d, "b0", b, "10.9.0.2/24");
        d.Run(() =>
        {
            using var datapath = CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System),
                new DatapathPortSpec("b0", DatapathPortKind.System));
            var output = "";
            var ping = new Thread(() => output = a.Exec("ping -c 100 -i 0.01 -W 2 10.9.0.2"));
            ping.Start();
            for (var i = 0; i < 20; i++)
            {
                Assert.True(datapath.Ports.TryAdd(
                    new DatapathPortSpec($"t{i}", DatapathPortKind.Tap), out var tap, out _));
                Assert.True(datapath.Ports.Remove(tap.Number));
            }

            ping.Join();
            Assert.Contains(" 0% packet loss", output);
        });
    }

    [DeviceFact]
    public void A_device_that_is_not_there_is_refused_as_the_tools_expect()
    {
        using var datapath = NewDatapath();
        Assert.False(datapath.Ports.TryAdd(
            new DatapathPortSpec("fx-none", DatapathPortKind.System), out _, out var error));
        Assert.Equal("could not open network device fx-none (No such device)", error);
    }

    private static UserspaceDatapath NewDatapath() =>
        new(options: new UserspaceDatapathOptions { ThreadCount = 2 });

    private static UserspaceDatapath CrossConnected(DatapathPortSpec left, DatapathPortSpec right)
    {
        var datapath = NewDatapath();
        Assert.True(datapath.Ports.TryAdd(left, out var one, out var error), error);
        Assert.True(datapath.Ports.TryAdd(right, out var two, out error), error);
        datapath.UpcallHandler = new Switching(key =>
            [new OutputAction(key.InPort == one.Number ? two.Number : one.Number)]);
        return datapath;
    }

    private static UserspaceDatapath Tunnelled(TunnelKind kind, ushort port, IPAddress remote)
    {
        var datapath = CrossConnected(
            new DatapathPortSpec("w0", DatapathPortKind.System),
            new DatapathPortSpec(
                "tun", DatapathPortKind.Tunnel, Tunnel: new TunnelPortSpec(kind, port)));
        var outer = new TunnelMetadata(
            5, IPAddress.Any, remote, 0, 64, TunnelFlags.Key | TunnelFlags.Checksum, 0, 0,
            kind == TunnelKind.Geneve ? [1, 2, 0x80, 1, 0, 2, 0, 1] : [],
            Erspan: kind == TunnelKind.Erspan ? new ErspanMetadata(1, 7, 0, 0) : null);
        datapath.UpcallHandler = new Switching(key => key.InPort == 1
            ? [new SetTunnelAction(outer), new OutputAction(2)]
            : [new OutputAction(1)]);
        return datapath;
    }

    /// <summary>A veth pair: 'device' in the datapath's namespace, eth0 in the host's.</summary>
    private static void Wire(
        NetworkNamespace datapath, string device, NetworkNamespace host, string address)
    {
        NetworkNamespace.Shell(
            $"ip -n {datapath.Name} link add {device} type veth peer name eth0 "
            + $"netns {host.Name}; ip -n {datapath.Name} link set {device} up; "
            + $"ip -n {host.Name} link set eth0 mtu 1400 up; "
            + $"ip -n {host.Name} addr add {address} dev eth0");
    }

    private static bool Eventually(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 5000;
        while (!condition())
        {
            if (Environment.TickCount64 > deadline) return false;
            Thread.Yield();
        }

        return true;
    }

    private sealed class Switching(Func<FlowKey, ImmutableArray<DatapathAction>> decide)
        : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            if (key.HasTunnel) mask.Bytes[FlowKey.TunnelOffset..].Fill(0xFF);
            return new UpcallVerdict(decide(key), Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}

/// <summary>Needs root and /dev/net/tun; says so when it skips.</summary>
public sealed class DeviceFactAttribute : FactAttribute
{
    public DeviceFactAttribute() => Skip = NetworkNamespace.Missing;
}

/// <summary>Needs root and /dev/net/tun; says so when it skips.</summary>
public sealed class DeviceTheoryAttribute : TheoryAttribute
{
    public DeviceTheoryAttribute() => Skip = NetworkNamespace.Missing;
}
