using System.Collections.Immutable;
using Fabric.Datapath.Tests.Conntrack;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>What outlives the process: flows, ports, programs.</summary>
/// <remarks>
/// Goal: no packet is lost while one host node ends and the next takes over. Method: two
/// workloads ping each other at 200 a second through a pinned datapath, which is closed without
/// being uninstalled (the kernel cannot tell that from SIGKILL) and opened again, twice.
/// </remarks>
public sealed class EbpfSurvivalTests
{
    [EbpfTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Traffic_goes_on_while_the_host_node_is_replaced(bool isWithoutTcx)
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var scope = new NamespaceScope();
        using var pins = new Pins("test");
        var options = pins.Options with { IsWithoutTcx = isWithoutTcx };
        Wire(scope.Namespace, "va", a, "10.8.0.1/24");
        Wire(scope.Namespace, "vb", b, "10.8.0.2/24");
        Open(options).Dispose();
        Assert.Contains(" 0% packet loss", a.Exec("ping -c 5 -i 0.05 -W 2 10.8.0.2"));
        var output = "";
        var ping = new Thread(() => output = a.Exec("ping -q -c 800 -i 0.005 -W 2 10.8.0.2"));
        ping.Start();
        using (var second = Open(options)) Assert.True(second.AdoptedFlows > 0);
        using (var third = Open(options))
        {
            third.Settle();
            Assert.Equal(0, third.AdoptedFlows);
            third.Uninstall();
            ping.Join();
        }

        Assert.Contains(" 0% packet loss", output);
        Assert.False(Directory.Exists(options.PinFolder));
        Assert.DoesNotContain("fxi", NetworkNamespace.Shell("ip link show"));
        Assert.DoesNotContain("fxp", NetworkNamespace.Shell("ip link show"));
    }

    [EbpfTheory]
    [InlineData("", "")]
    [InlineData("ct(commit,zone=5),recirc(0x1)", "recirc")]
    public void Flows_of_the_earlier_process_give_way(string first, string kind)
    {
        using var scope = new NamespaceScope();
        using var pins = new Pins("test2");
        var options = pins.Options;
        using var one = DevicePeer.Make("p1");
        using var two = DevicePeer.Make("p2");
        for (var round = 0; round < 2; round++)
        {
            using var datapath = OpenPorts(options, "p1", "p2");
            if (kind.Length > 0) Put(datapath, "recirc_id(0),in_port(1)", first);
            Put(datapath, kind.Length > 0
                ? "recirc_id(0x1),in_port(1)"
                : "recirc_id(0),in_port(1)", "2");
            one.Send(TestPacket.Udp("10.0.0.1", 1, "10.0.0.2", 2));
            Assert.Single(Next(two));
            if (round == 1) datapath.Uninstall();
        }
    }

    /// <summary>An upgrade whose maps have another layout: connections are not cut.</summary>
    [EbpfTheory]
    [InlineData(99u, 1)]
    [InlineData(1u, 0)] // A layout of connections that this process does not know.
    public void Connections_outlive_maps_of_another_version(uint version, int kept)
    {
        using var scope = new NamespaceScope();
        using var pins = new Pins("test5");
        var options = pins.Options;
        using var one = DevicePeer.Make("va");
        using var two = DevicePeer.Make("vb");
        using (var first = OpenTracking(options))
        {
            one.Send(TestPacket.Tcp("10.0.0.1", 1, "10.0.0.2", 2, "S", 100));
            Assert.Single(Next(two));
            two.Send(TestPacket.Tcp("10.0.0.2", 2, "10.0.0.1", 1, "SA", 500, 101));
            Assert.Single(Next(one));
            first.Kernel.Settings[0].Abi = version;
        }

        using var second = OpenTracking(options);
        second.Uninstall();
        Assert.Equal(0, second.AdoptedFlows);
        Assert.Equal(kept, second.CarriedConnections);
        Assert.Equal((uint)kept, second.Conntrack.Totals().Count);
        // Far beyond the window that was known: much was sent while nobody looked.
        two.Send(TestPacket.Tcp(
            "10.0.0.2", 2, "10.0.0.1", 1, "PA", 9_000_501, 101, payload: 10));
        Assert.Equal(kept, Next(one, kept).Length);
    }

    /// <summary>What the first port begins passes, and answers do.</summary>
    private static EbpfDatapath OpenTracking(EbpfOptions options)
    {
        var datapath = OpenPorts(options, "va", "vb");
        Put(datapath, "recirc_id(0),in_port(1)", "ct(commit,zone=5),recirc(0x1)");
        Put(datapath, "recirc_id(0x1),in_port(1)", "2");
        Put(datapath, "recirc_id(0),in_port(2)", "ct(zone=5),recirc(0x2)");
        Put(datapath, "ct_state(+est+trk),recirc_id(0x2),in_port(2)", "1");
        return datapath;
    }

    /// <summary>A datapath whose ports 1, 2 ... are these devices.</summary>
    private static EbpfDatapath OpenPorts(EbpfOptions options, params string[] devices)
    {
        Assert.True(EbpfDatapath.TryOpen(options, out var datapath, out var error), error);
        for (var i = 0; i < devices.Length; i++)
        {
            var spec = new DatapathPortSpec(devices[i], DatapathPortKind.System);
            Assert.True(datapath!.Ports.TryAdd(spec, out var port, out error), error);
            Assert.Equal((uint)i + 1, port.Number);
        }

        return datapath!;
    }

    /// <summary>What comes out, as soon as anything does; nothing is waited for shortly.</summary>
    private static ImmutableArray<byte[]> Next(DevicePeer peer, int wanted = 1)
    {
        var deadline = Environment.TickCount64 + (wanted == 0 ? 200 : 2000);
        var seen = ImmutableArray<byte[]>.Empty;
        while (seen.IsEmpty && Environment.TickCount64 < deadline) seen = peer.Take();
        return seen;
    }

    /// <summary>other_config:flow-restore-wait: old flows forward, no new ones come.</summary>
    [EbpfTheory]
    [InlineData(2)]
    public void While_flows_are_restored_the_old_ones_hold(int pings)
    {
        using var a = new NetworkNamespace();
        using var b = new NetworkNamespace();
        using var scope = new NamespaceScope();
        using var pins = new Pins("test4");
        var options = pins.Options;
        Wire(scope.Namespace, "va", a, "10.8.0.1/24");
        Wire(scope.Namespace, "vb", b, "10.8.0.2/24");
        Open(options).Dispose();
        var ping = $"ping -c {pings} -i 0.05 -W 1 10.8.0.2";
        Assert.Contains(" 0% packet loss", a.Exec(ping));
        using var next = Open(options);
        var adopted = next.AdoptedFlows;
        Assert.True(adopted > 0);
        next.IsRestoring = true;
        Assert.Contains(" 0% packet loss", a.Exec(ping));
        Assert.Equal(adopted, next.AdoptedFlows);

        next.IsRestoring = false; // Settles: the next packet is decided by the new process.
        Assert.Equal(0, next.AdoptedFlows);
        Assert.Contains(" 0% packet loss", a.Exec(ping));
        Assert.True(next.Flows.Count > 0);

        // Without old flows, and with new ones gone, held back means dropped.
        next.IsRestoring = true;
        next.Flows.Flush();
        Assert.Contains("100% packet loss", a.Exec("ping -c 1 -W 1 10.8.0.2"));
        Assert.Equal(0, next.Flows.Count);
        next.IsRestoring = false;
        Assert.Contains(" 0% packet loss", a.Exec(ping));
        next.Uninstall();
    }

    /// <summary>
    /// The kernel gives a namespace the inode number of one that went: what was pinned for the
    /// dead one must not be taken over, and goes.
    /// </summary>
    [EbpfTheory]
    [InlineData(8)]
    public void A_new_namespace_inherits_nothing_of_a_dead_one(int attempts)
    {
        var host = $"test3-{Environment.ProcessId}";
        string dead = "", number = "";
        using (var scope = new NamespaceScope())
        {
            dead = EbpfPins.FolderOf(host);
            number = NamespaceNumber();
            var options = EbpfSupport.SmallOptions with { PinFolder = dead };
            using var one = DevicePeer.Make("p1");
            using var datapath = OpenPorts(options, "p1");
            Put(datapath, "recirc_id(0),in_port(1)", "1");
        }

        Assert.True(Directory.Exists(dead));
        var wasReused = false;
        for (var attempt = 0; attempt < attempts && !wasReused; attempt++)
        {
            using var scope = new NamespaceScope();
            wasReused = NamespaceNumber() == number;
            var folder = EbpfPins.FolderOf(host);
            Assert.NotEqual(dead, folder);
            var options = EbpfSupport.SmallOptions with { PinFolder = folder };
            using var datapath = OpenPorts(options);
            Assert.Equal(0, datapath.AdoptedFlows);
            datapath.Uninstall();
        }

        // The kernel takes a namespace's devices down some time after its last user went.
        var deadline = Environment.TickCount64 + 5000;
        while (Directory.Exists(dead) && Environment.TickCount64 < deadline)
        {
            using var scope = new NamespaceScope();
            EbpfPins.RemoveDead(EbpfPins.FolderOf(host));
        }

        var isClsact = Directory.Exists(dead)
            && Directory.GetFiles(Path.Combine(dead, "links")).Length == 0;
        Assert.True(isClsact || !Directory.Exists(dead), dead);
        if (isClsact) EbpfPins.Remove(dead);
    }

    private static string NamespaceNumber() =>
        new FileInfo("/proc/thread-self/ns/net").LinkTarget ?? "";

    private static void Put(EbpfDatapath datapath, string flow, string actions)
    {
        Assert.True(OdpFlowText.TryParse(flow, null, out var key, out var mask, out _));
        Assert.True(OdpActionText.TryParse(actions, null, out var list, out var error), error);
        mask.RecirculationIdWire = uint.MaxValue;
        // A stray packet of a workload may have had the same flow put before.
        Assert.NotEqual(FlowPutResult.Full, datapath.Flows.Put(key, mask, list));
    }

    private static EbpfDatapath Open(EbpfOptions options)
    {
        var datapath = OpenPorts(options, "va", "vb");
        datapath.UpcallHandler = new CrossConnect();
        if (datapath.AdoptedFlows > 0) return datapath;
        for (uint port = 1; port <= 2; port++) Put(datapath, $"in_port({port})", $"{3 - port}");
        return datapath;
    }

    private static void Wire(
        NetworkNamespace space, string device, NetworkNamespace workload, string address) =>
        NetworkNamespace.Shell(
            $"ip -n {space.Name} link add {device} type veth peer name eth0 "
            + $"netns {workload.Name}; ip -n {space.Name} link set {device} up; "
            + $"ip -n {workload.Name} link set eth0 up; "
            + $"ip -n {workload.Name} addr add {address} dev eth0");

    /// <summary>Options whose pins go with the test, whatever becomes of it.</summary>
    private sealed class Pins(string name) : IDisposable
    {
        public EbpfOptions Options { get; } = EbpfSupport.SmallOptions with
        {
            PinFolder = EbpfPins.FolderOf($"{name}-{Environment.ProcessId}"),
        };

        public void Dispose() => EbpfPins.Remove(Options.PinFolder!);
    }

    private sealed class CrossConnect : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            return new UpcallVerdict([new OutputAction(3 - key.InPort)], Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}

/// <summary>Needs a kernel and a build that eBPF programs can be loaded with.</summary>
public sealed class EbpfTheoryAttribute : TheoryAttribute
{
    public EbpfTheoryAttribute() => Skip = EbpfSupport.Missing;
}
