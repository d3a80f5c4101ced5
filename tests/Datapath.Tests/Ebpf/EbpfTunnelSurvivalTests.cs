using System.Collections.Immutable;
using System.Net;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Tunnels without their host nodes, and host nodes that crash over and over.</summary>
/// <remarks>
/// Goal: a host node that is away, or comes and goes, costs no packet between two hosts, whatever
/// they have to ask anew of each other meanwhile. Method: two hosts with a workload each; datapaths
/// are closed without being uninstalled, which the kernel cannot tell from SIGKILL. Neighbours
/// expire after half a second instead of thirty, so that link addresses are asked for all the time:
/// by the hosts on the underlay, by the workloads through the tunnel. Nobody has a static one.
/// </remarks>
public sealed class EbpfTunnelSurvivalTests
{
    private static readonly int CrashSeconds =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 20 : 4;

    [EbpfTheory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Link_addresses_are_found_without_a_host_node(bool isWithoutTcx, bool isInternal)
    {
        using var lab = new Lab(isWithoutTcx, isInternal);
        lab.Open(0);
        lab.Open(1);
        lab.AwaitTraffic();
        lab.Crash(0);
        lab.Crash(1);
        foreach (var space in lab.All) space.Exec("ip neigh flush all");
        lab.AssertNothingLost("ping -q -c 40 -i 0.05 -W 2 10.9.0.2");
    }

    [EbpfTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_crash_loop_costs_no_packet(bool isInternal)
    {
        using var lab = new Lab(isWithoutTcx: false, isInternal);
        lab.Open(0);
        lab.Open(1);
        lab.AwaitTraffic();
        var output = "";
        var ping = new Thread(() => output = lab.A.Exec(
            $"ping -q -c {CrashSeconds * 100} -i 0.01 -W 2 10.9.0.2"));
        ping.Start();
        for (var crashes = 0; ping.IsAlive; crashes++)
        {
            lab.Crash(crashes % 2);
            lab.AssertNothingLost("ping -q -c 10 -i 0.05 -W 2 10.9.0.2");
            lab.Open(crashes % 2);
            lab.AssertNothingLost("ping -q -c 4 -i 0.05 -W 2 10.9.0.2");
        }

        Assert.True(output.Contains(" 0% packet loss"), output);
    }

    /// <summary>
    /// The flow of the underlay's own questions is used though no packet calls for it: it never
    /// rests for so long that it would be removed, and is there when the host node is not.
    /// </summary>
    [EbpfTheory]
    [InlineData(3)]
    public void Neighbours_behind_an_internal_port_are_asked_all_the_time(ulong times)
    {
        using var lab = new Lab(isWithoutTcx: false, isInternal: true, isHurried: false);
        lab.Open(0);
        lab.Open(1);
        lab.AwaitTraffic();
        var before = lab.QuestionsOfUnderlay();
        Assert.True(DeviceLab.Eventually(
            () => lab.QuestionsOfUnderlay() >= before + times));
    }

    /// <summary>
    /// An address that comes after the tunnel, as an internal port's does, is known at once: no
    /// packet of an established flow goes by way of the host node.
    /// </summary>
    [EbpfTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_tunnel_is_the_kernels_from_its_first_second_on(bool isInternal)
    {
        using var lab = new Lab(isWithoutTcx: false, isInternal);
        lab.Open(0);
        lab.Open(1);
        lab.AwaitTraffic();
        var before = lab.SlowPackets();
        lab.AssertNothingLost("ping -q -c 50 -i 0.02 -W 2 10.9.0.2");
        Assert.InRange(lab.SlowPackets() - before, 0ul, 4ul);
    }

    /// <summary>Workload at 1, tunnel at 2; between 3 and 4 the underlay where one is.</summary>
    private sealed class Lab : IDisposable
    {
        private readonly NetworkNamespace _one = new();
        private readonly NetworkNamespace _two = new();
        private readonly NetworkNamespace _b = new();
        private readonly EbpfDatapath?[] _datapaths = new EbpfDatapath?[2];
        private readonly string[] _pins = ["", ""];
        private readonly bool _isWithoutTcx;
        private readonly bool _isInternal;

        public Lab(bool isWithoutTcx, bool isInternal, bool isHurried = true)
        {
            (_isWithoutTcx, _isInternal) = (isWithoutTcx, isInternal);
            Workload(_one, A, "10.9.0.1/24");
            Workload(_two, _b, "10.9.0.2/24");
            NetworkNamespace.Shell(
                $"ip -n {_one.Name} link add u0 type veth peer name u0 netns {_two.Name}; "
                + $"ip -n {_one.Name} link set u0 up; ip -n {_two.Name} link set u0 up; "
                + $"ip -n {_two.Name} addr add 172.31.0.2/24 dev u0");
            if (!isInternal) _one.Exec("ip addr add 172.31.0.1/24 dev u0");
            if (!isHurried) return;
            foreach (var space in All) Hurry(space, "default");
            Hurry(A, "eth0");
            Hurry(_b, "eth0");
            Hurry(_one, "u0");
            Hurry(_two, "u0");
        }

        public NetworkNamespace A { get; } = new();

        public NetworkNamespace[] All => [A, _b, _one, _two];

        public void Open(int side)
        {
            var space = side == 0 ? _one : _two;
            var isUnderlayPort = _isInternal && side == 0;
            space.Run(() =>
            {
                _pins[side] = EbpfPins.FolderOf($"test6-{Environment.ProcessId}");
                var options = EbpfSupport.SmallOptions with
                {
                    PinFolder = _pins[side],
                    IsWithoutTcx = _isWithoutTcx,
                };
                Assert.True(EbpfDatapath.TryOpen(options, out var datapath, out var error), error);
                datapath!.UpcallHandler = new ThroughTunnel(new TunnelMetadata(
                    5, IPAddress.Any, IPAddress.Parse($"172.31.0.{2 - side}"), 0, 64,
                    TunnelFlags.Key, 0, 0, []));
                Add(datapath, new DatapathPortSpec("w0", DatapathPortKind.System));
                Add(datapath, new DatapathPortSpec(
                    "tun", DatapathPortKind.Tunnel,
                    Tunnel: new TunnelPortSpec(TunnelKind.Geneve, 6081)));
                if (isUnderlayPort)
                {
                    Add(datapath, new DatapathPortSpec("int0", DatapathPortKind.Internal));
                    Add(datapath, new DatapathPortSpec("u0", DatapathPortKind.System));
                }

                _datapaths[side] = datapath;
            });
            if (isUnderlayPort) space.Exec("ip addr replace 172.31.0.1/24 dev int0");
        }

        public void Crash(int side)
        {
            _datapaths[side]!.Dispose();
            _datapaths[side] = null;
        }

        /// <summary>New veth ends drop what is sent until the kernel saw their carrier.</summary>
        public void AwaitTraffic() => Assert.True(DeviceLab.Eventually(
            () => A.Exec("ping -c 1 -W 1 10.9.0.2").Contains(" 0% packet loss")));

        public void AssertNothingLost(string ping)
        {
            var output = A.Exec(ping);
            Assert.True(output.Contains(" 0% packet loss"), output);
        }

        /// <summary>ARP packets that came out of the first host's internal port.</summary>
        public ulong QuestionsOfUnderlay()
        {
            ulong sum = 0;
            _datapaths[0]!.Flows.Dump((in FlowKey key, in FlowKey _,
                ImmutableArray<DatapathAction> _, in FlowStatistics now) =>
            {
                if (key.InPort == 3 && key.EthernetType == EtherType.Arp) sum += now.Packets;
            });
            return sum;
        }

        /// <summary>Packets that went through a tunnel's sockets.</summary>
        public ulong SlowPackets()
        {
            ulong sum = 0;
            foreach (var datapath in _datapaths)
            {
                var all = datapath!.Ports.Statistics(2)!;
                sum += all.RxPackets + all.TxPackets - datapath.KernelTunnelPackets(2);
            }

            return sum;
        }

        public void Dispose()
        {
            foreach (var datapath in _datapaths) datapath?.Dispose();
            _one.Run(() => EbpfPins.Uninstall(_pins[0], out _));
            _two.Run(() => EbpfPins.Uninstall(_pins[1], out _));
            foreach (var space in All) space.Dispose();
        }

        private static void Add(EbpfDatapath datapath, DatapathPortSpec spec) =>
            Assert.True(datapath.Ports.TryAdd(spec, out _, out var error), error);

        private static void Workload(
            NetworkNamespace host, NetworkNamespace workload, string address) =>
            NetworkNamespace.Shell(
                $"ip -n {host.Name} link add w0 type veth peer name eth0 netns {workload.Name}; "
                + $"ip -n {host.Name} link set w0 up; "
                + $"ip -n {workload.Name} link set eth0 mtu 1400 up; "
                + $"ip -n {workload.Name} addr add {address} dev eth0");

        private static void Hurry(NetworkNamespace space, string device)
        {
            var at = $"net.ipv4.neigh.{device}";
            space.Exec($"sysctl -q {at}.base_reachable_time_ms=500 "
                + $"{at}.delay_first_probe_time=1 {at}.retrans_time_ms=200");
        }
    }

    private sealed class ThroughTunnel(TunnelMetadata outer) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            ImmutableArray<DatapathAction> actions = key.InPort switch
            {
                1 => [new SetTunnelAction(outer), new OutputAction(2)],
                2 => [new OutputAction(1)],
                3 => [new OutputAction(4)],
                _ => [new OutputAction(3)],
            };
            return new UpcallVerdict(actions, Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
