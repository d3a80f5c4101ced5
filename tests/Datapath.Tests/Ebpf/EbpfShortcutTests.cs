using System.Collections.Immutable;
using Fabric.Wire;

namespace Fabric.Datapath.Tests;

/// <summary>Packets that are handed to containers, and those that must not be.</summary>
/// <remarks>
/// Goal: the way past the host's end of a veth pair is taken where nothing is passed by, and
/// nobody notices but by speed. Method: two containers at a datapath that floods; the host's end
/// counts what it sent, and the port's statistics count everything.
/// </remarks>
public sealed class EbpfShortcutTests
{
    [EbpfTheory]
    [InlineData("", true)]
    [InlineData("tc qdisc add dev vb root pfifo", false)]
    public void A_container_is_handed_its_packets(string setUp, bool isDirect)
    {
        using var lab = new Lab(setUp);
        Assert.True(DeviceLab.Eventually(() => lab.IsDirect("vb") == isDirect));
        var own = lab.SentByDevice("vb");
        var all = lab.Datapath.Ports.Statistics(2)!;
        lab.AssertPing(20);
        var through = lab.SentByDevice("vb") - own;
        var sent = lab.Datapath.Ports.Statistics(2)!.TxPackets - all.TxPackets;
        Assert.InRange(sent, 20ul, 40ul);
        // Requests for link addresses are broadcast, and go by the device.
        Assert.InRange(through, isDirect ? 0ul : 20, isDirect ? 6ul : 40);
    }

    /// <summary>
    /// A frame for another station, which flooding brings to everybody, is not the container's:
    /// its own interface must see for itself that it is somebody else's.
    /// </summary>
    [EbpfTheory]
    [InlineData("02:00:00:00:00:99")]
    public void What_is_for_others_is_not_handed_over(string mac)
    {
        using var lab = new Lab("");
        lab.AssertPing(2);
        lab.A.Exec($"ip neigh replace 10.8.0.2 lladdr {mac} dev eth0 nud permanent");
        Assert.Contains("100% packet loss", lab.A.Exec("ping -c 2 -i 0.05 -W 1 10.8.0.2"));
    }

    [EbpfTheory]
    [InlineData(true)]
    public void A_container_that_changes_its_address_goes_on(bool isTold)
    {
        using var lab = new Lab("");
        lab.AssertPing(2);
        lab.B.Exec("ip link set eth0 address 02:00:00:00:00:77");
        if (isTold) lab.A.Exec("ip neigh flush all");
        lab.AssertPing(5);
    }

    private sealed class Lab : IDisposable
    {
        private readonly NamespaceScope _scope = new();

        public Lab(string setUp)
        {
            foreach (var (space, device, address) in
                     new[] { (A, "va", "10.8.0.1/24"), (B, "vb", "10.8.0.2/24") })
            {
                NetworkNamespace.Shell(
                    $"ip link add {device} type veth peer name eth0 netns {space.Name}; "
                    + $"ip link set {device} up; ip -n {space.Name} link set eth0 up; "
                    + $"ip -n {space.Name} addr add {address} dev eth0");
            }

            if (setUp.Length > 0) NetworkNamespace.Shell(setUp);
            Assert.True(
                EbpfDatapath.TryOpen(EbpfSupport.SmallOptions, out var datapath, out var error),
                error);
            Datapath = datapath!;
            Datapath.UpcallHandler = new CrossConnect();
            foreach (var device in (string[])["va", "vb"])
            {
                Assert.True(Datapath.Ports.TryAdd(
                    new DatapathPortSpec(device, DatapathPortKind.System), out _, out error),
                    error);
            }

            Assert.True(DeviceLab.Eventually(
                () => A.Exec("ping -c 1 -W 1 10.8.0.2").Contains(" 0% packet loss")));
        }

        public NetworkNamespace A { get; } = new();
        public NetworkNamespace B { get; } = new();
        public EbpfDatapath Datapath { get; }

        public bool IsDirect(string device)
        {
            var port = Datapath.Ports.Dump().Single(each => each.Name == device).Number;
            return Volatile.Read(ref Datapath.Kernel.Ports[(int)port].IsPeer) != 0;
        }

        public ulong SentByDevice(string device) => ulong.Parse(
            NetworkNamespace.Shell($"ip -s -j link show {device}").Split("\"tx\":")[1]
                .Split("\"packets\":")[1].Split(',')[0]);

        public void AssertPing(int count)
        {
            var output = A.Exec($"ping -q -c {count} -i 0.02 -W 2 10.8.0.2");
            Assert.True(output.Contains(" 0% packet loss"), output);
        }

        public void Dispose()
        {
            Datapath.Dispose();
            _scope.Dispose();
            A.Dispose();
            B.Dispose();
        }
    }

    private sealed class CrossConnect : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.RecirculationIdWire = uint.MaxValue;
            ImmutableArray<DatapathAction> output = [new OutputAction(3 - key.InPort)];
            return new UpcallVerdict(output, Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
