using System.Collections.Immutable;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>What goes wrong around the programs, and what must go on meanwhile.</summary>
public sealed class EbpfFaultTests
{
    /// <summary>More flows than the kernel has room for: the rest takes the slow path.</summary>
    [EbpfTheory]
    [InlineData(8, 20)]
    public void A_full_table_costs_speed_and_says_so(int room, ushort flows)
    {
        using var scope = new NamespaceScope();
        using var in1 = DevicePeer.Make("p1");
        using var in2 = DevicePeer.Make("p2");
        var options = EbpfSupport.SmallOptions with { FlowsMax = room };
        Assert.True(EbpfDatapath.TryOpen(options, out var datapath, out var error), error);
        using (datapath)
        {
            var warnings = new System.Collections.Concurrent.ConcurrentQueue<string>();
            datapath!.Warned = warnings.Enqueue;
            datapath.UpcallHandler = new ByPort();
            foreach (var name in (string[])["p1", "p2"])
            {
                Assert.True(datapath.Ports.TryAdd(
                    new DatapathPortSpec(name, DatapathPortKind.System), out _, out error), error);
            }

            for (var round = 0; round < 2; round++)
            {
                for (ushort port = 0; port < flows; port++)
                {
                    in1.Send(TestPacket.Udp("10.0.0.1", 1000 + port, "10.0.0.2", 53));
                    EbpfSupport.WaitUntilIdle(datapath);
                }
            }

            Assert.True(Poll(() => Drain(in2), 2 * flows), "packets were lost");
            Assert.Equal(flows, datapath.Flows.Count);
            Assert.Equal(room, datapath.FlowPlaces.InKernel);
            Assert.Equal((ulong)(flows - room), datapath.FlowPlaces.Slow);
            Assert.True(Poll(() => warnings.Count, 1));
            Assert.Contains("no room", Assert.Single(warnings));
        }
    }

    /// <summary>The packet goes on as an invalid one; nothing waits, and nothing goes up.</summary>
    [EbpfTheory]
    [InlineData(3u)]
    public void A_full_table_of_connections_is_counted_and_stalls_nothing(uint room)
    {
        using var lab = new ProgramLab();
        lab.Datapath.Conntrack.CountMax = room;
        lab.Put("recirc_id(0),in_port(1)", "ct(commit,zone=5),recirc(0x1)");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+trk-inv)", "2");
        lab.Put("recirc_id(0x1),in_port(1),ct_state(+trk+inv)", "");
        for (uint port = 1; port <= room + 2; port++)
        {
            var (verdict, _) = lab.Enter(1, TestPacket.Udp("10.0.0.1", (int)port, "10.0.0.2", 53));
            Assert.Equal(port <= room ? 7 : 2, verdict);
        }

        Assert.Equal(2ul, lab.Dropped(DropReason.ConntrackFull));
        Assert.Equal(room, lab.Datapath.Conntrack.Totals().Count);
        Assert.Equal(0ul, lab.Missed);
        Assert.Equal((int)room, lab.Datapath.Conntrack.Flush(new ConntrackFilter()));
        Assert.Equal(7, lab.Enter(1, TestPacket.Udp("10.0.0.1", 99, "10.0.0.2", 53)).Verdict);
    }

    [EbpfTheory]
    [InlineData(0u)]
    public void A_full_queue_of_upcalls_drops_and_counts(uint waiting)
    {
        using var lab = new ProgramLab();
        lab.Kernel.Settings[0].UpcallsPerPort = waiting;
        Assert.Equal(2, lab.Enter(1, TestPacket.Udp("10.0.0.1", 1, "10.0.0.2", 53)).Verdict);
        Assert.Equal(1ul, lab.Dropped(DropReason.UpcallQueueFull));
        Assert.Equal(1ul, lab.Datapath.Statistics().Lost);
        Assert.Equal(0, lab.Datapath.UpcallsPending);
    }

    [EbpfTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_port_that_goes_takes_no_packet_of_others_along(bool isNamespaceGone)
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        var c = new NetworkNamespace();
        using var scope = new NamespaceScope();
        Workload(scope.Namespace, a, "va", "10.8.0.1/24");
        Workload(scope.Namespace, b, "vb", "10.8.0.2/24");
        Workload(scope.Namespace, c, "vc", "10.8.0.3/24");
        Assert.True(
            EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out var datapath, out var error), error);
        using (datapath)
        {
            var changes = new System.Collections.Concurrent.ConcurrentQueue<DatapathPortEvent>();
            datapath!.Ports.Changed += changes.Enqueue;
            datapath.UpcallHandler = new Flood(3);
            foreach (var name in (string[])["va", "vb", "vc"])
            {
                Assert.True(datapath.Ports.TryAdd(
                    new DatapathPortSpec(name, DatapathPortKind.System), out _, out error), error);
            }

            Assert.Contains(" 0% packet loss", c.Exec("ping -c 2 -i 0.05 -W 2 10.8.0.2"));
            var output = "";
            var ping = new Thread(() => output = a.Exec("ping -q -c 300 -i 0.005 -W 2 10.8.0.2"));
            ping.Start();
            if (isNamespaceGone) c.Dispose();
            else scope.Namespace.Exec("ip link del vc");
            Assert.True(Poll(() => changes.Count(
                change => change.Change == DatapathPortChange.Removed), 1));
            Assert.True(datapath.Ports.Remove(3));
            Assert.False(datapath.Ports.Remove(3));
            ping.Join();
            Assert.Contains(" 0% packet loss", output);
        }

        if (!isNamespaceGone) c.Dispose();
    }

    private static int Drain(DevicePeer peer)
    {
        _drained += peer.Take().Length;
        return _drained;
    }

    [ThreadStatic] private static int _drained;

    /// <summary>Until the count is reached, for some seconds.</summary>
    private static bool Poll(Func<int> count, int wanted)
    {
        var deadline = Environment.TickCount64 + 6000;
        while (Environment.TickCount64 < deadline)
        {
            if (count() >= wanted) return true;
            Thread.Yield();
        }

        return false;
    }

    private static void Workload(
        NetworkNamespace host, NetworkNamespace workload, string device, string address) =>
        NetworkNamespace.Shell(
            $"ip -n {host.Name} link add {device} type veth peer name eth0 "
            + $"netns {workload.Name}; ip -n {host.Name} link set {device} up; "
            + $"ip -n {workload.Name} link set eth0 mtu 1400 up; "
            + $"ip -n {workload.Name} addr add {address} dev eth0");

    /// <summary>A flow for each UDP source port, from port 1 to port 2.</summary>
    private sealed class ByPort : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            mask.NetworkProtocol = byte.MaxValue;
            mask.PortSourceWire = ushort.MaxValue;
            return new UpcallVerdict([new OutputAction(2)], Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }

    private sealed class Flood(uint ports) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            var actions = ImmutableArray.CreateBuilder<DatapathAction>();
            for (uint port = 1; port <= ports; port++)
            {
                if (port != key.InPort) actions.Add(new OutputAction(port));
            }

            return new UpcallVerdict(actions.ToImmutable(), Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
