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
        using var hosts = new TwoHosts();
        var (a, b, d) = (hosts.Left, hosts.Right, hosts.Switch);
        d.Run(() =>
        {
            using var datapath = TwoHosts.CrossConnected();
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 2 -i 0.05 -s 8000 -W 2 10.9.0.2"));

            var threads = datapath.ThreadStatistics();
            Assert.Equal(2, threads.Length);
            Assert.Equal([1u, 2u], threads.SelectMany(thread => thread.Ports).Order());
            Assert.True(threads.Sum(thread => (long)thread.Received) >= 10);
            Assert.True(threads.Sum(thread => (long)thread.CacheHit) >= 1);

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
        DeviceLab.Wire(d, "a0", a, "10.9.0.1/24");
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
            Assert.True(DeviceLab.Eventually(() => near!.FindMemoryPort("m")!.TryTake(out seen)
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
        var datapath = DeviceLab.NewDatapath();
        Assert.True(datapath.Ports.TryAdd(
            new DatapathPortSpec(device, DatapathPortKind.System), out _, out var error), error);
        Assert.True(datapath.Ports.TryAdd(
            new DatapathPortSpec("m", DatapathPortKind.Memory), out _, out error), error);
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out error), error);
        datapath.UpcallHandler = new DeviceLab.Switching(_ => list);
        return datapath;
    }

    [DeviceFact]
    public void An_internal_port_is_a_device_of_the_host()
    {
        using var a = new NetworkNamespace();
        using var d = new NetworkNamespace();
        DeviceLab.Wire(d, "a0", a, "10.9.0.1/24");
        d.Run(() =>
        {
            var mac = MacBytes.FromUInt64(0x0200_0000_0077);
            using (var datapath = DeviceLab.CrossConnected(
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

    /// <remarks>
    /// TCP's checksums come unfinished from the host's stack. In generic mode super-packets come
    /// too, which no frame of AF_XDP can hold.
    /// </remarks>
    [DeviceTheory]
    [InlineData("best-effort")]
    [InlineData("native")]
    [InlineData("native-with-zerocopy")]
    [InlineData("generic")]
    public void Two_hosts_on_af_xdp_ports_reach_each_other(string mode)
    {
        using var hosts = new TwoHosts();
        var options = ImmutableSortedDictionary<string, string>.Empty.Add("xdp-mode", mode);
        hosts.Switch.Run(() =>
        {
            using (var datapath = DeviceLab.CrossConnected(
                new DatapathPortSpec("a0", DatapathPortKind.System, Options: options),
                new DatapathPortSpec("b0", DatapathPortKind.System, Options: options)))
            {
                Assert.Contains(
                    " 0% packet loss", hosts.Left.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
                Assert.Contains(
                    " 0% packet loss", hosts.Left.Exec("ping -c 3 -i 0.01 -s 1300 -W 2 10.9.0.2"));
                Assert.Equal("afxdp", datapath.Ports.Dump()[0].Type);
                Assert.True(datapath.Ports.Statistics(1)!.RxPackets >= 6);
                if (mode != "generic")
                {
                    var file = new byte[1 << 20];
                    new Random(8).NextBytes(file);
                    Assert.Equal(
                        file, DeviceLab.Transfer(hosts.Left, hosts.Right, "10.9.0.2", file));
                }
            }

            // Gone with the port: the host sees its device again.
            Assert.DoesNotContain("xdp", hosts.Switch.Exec("ip link show a0"));
        });
    }

    /// <remarks>So the tracker saw the datagram whole, and what left has the old sizes.</remarks>
    [DeviceFact]
    public void Fragments_pass_the_connection_tracker_and_leave_in_the_sizes_they_came_in()
    {
        using var hosts = new TwoHosts();
        hosts.Switch.Run(() =>
        {
            using var datapath = TwoHosts.CrossConnected();
            datapath.UpcallHandler = new DeviceLab.Switching(key =>
            {
                var actions = $"ct(commit,zone=3),{3 - key.InPort}";
                Assert.True(OdpActionText.TryParse(actions, null, out var list, out var error));
                Assert.Equal("", error);
                return list;
            });
            Assert.Contains(
                " 0% packet loss", hosts.Left.Exec("ping -c 3 -i 0.05 -s 4000 -W 2 10.9.0.2"));
            Assert.True(datapath.Conntrack.Totals().Count >= 1);
            var statistics = datapath.Ports.Statistics(1)!;
            Assert.True(statistics.RxPackets >= 9, $"{statistics}");
            Assert.Equal(statistics.RxBytes, datapath.Ports.Statistics(2)!.TxBytes);
        });
    }

    [DeviceFact]
    public void A_device_that_vanishes_and_comes_back_is_reported_and_works_again()
    {
        using var hosts = new TwoHosts();
        var (a, b, d) = (hosts.Left, hosts.Right, hosts.Switch);
        d.Run(() =>
        {
            using var datapath = TwoHosts.CrossConnected();
            var events = new ConcurrentQueue<DatapathPortEvent>();
            datapath.Ports.Changed += events.Enqueue;

            d.Exec("ip link del a0");
            Assert.True(DeviceLab.Eventually(() => events.Any(e =>
                e is { Change: DatapathPortChange.Removed, Port.Name: "a0" })));
            DeviceLab.Wire(d, "a0", a, "10.9.0.1/24");
            Assert.True(DeviceLab.Eventually(() => events.Any(e =>
                e is { Change: DatapathPortChange.Added, Port: { Name: "a0", Number: 1 } })));
            Assert.Contains(" 0% packet loss", a.Exec("ping -c 3 -i 0.05 -W 2 10.9.0.2"));
        });
    }

    [DeviceFact]
    public void Ports_come_and_go_while_others_carry_traffic()
    {
        using var hosts = new TwoHosts();
        var (a, b, d) = (hosts.Left, hosts.Right, hosts.Switch);
        d.Run(() =>
        {
            using var datapath = TwoHosts.CrossConnected();
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
        using var datapath = DeviceLab.NewDatapath();
        Assert.False(datapath.Ports.TryAdd(
            new DatapathPortSpec("fx-none", DatapathPortKind.System), out _, out var error));
        Assert.Equal("could not open network device fx-none (No such device)", error);
    }
}
