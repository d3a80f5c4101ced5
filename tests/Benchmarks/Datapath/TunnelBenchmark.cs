using System.Net;
using Fabric.Datapath;
using Fabric.Wire;

namespace Fabric.Benchmarks.Datapath;

/// <summary>
/// Two hosts, guests on veth ports, TCP through tunnels of the userspace datapath; the kernel's
/// VXLAN device between the same namespaces beside them.
/// </summary>
public sealed class TunnelBenchmark : IBenchmark
{
    private static readonly (string Name, TunnelKind Kind, ushort Port, TunnelFlags Flags)[] Kinds =
    [
        ("geneve csum", TunnelKind.Geneve, 6081, TunnelFlags.Key | TunnelFlags.Checksum),
        ("vxlan", TunnelKind.Vxlan, 4789, TunnelFlags.Key),
        ("gre", TunnelKind.Gre, 0, TunnelFlags.Key),
        ("stt", TunnelKind.Stt, 7471, TunnelFlags.Key),
    ];

    public string Name => "tunnels";

    public string Summary => "userspace datapath: TCP through tunnels between two hosts";

    public void Run(BenchmarkReport report)
    {
        using var lab = new Lab();
        var (left, right) = (lab.Namespace("l"), lab.Namespace("r"));
        var (one, two) = (lab.Namespace("h1"), lab.Namespace("h2"));
        lab.Veth(left, "eth0", "10.77.0.1/24", one, "w0", mtu: 1400);
        lab.Veth(right, "eth0", "10.77.0.2/24", two, "w0", mtu: 1400);
        lab.Veth(one, "u0", "172.31.0.1/24", two, "u0");
        Lab.RunIn(two, "ip", "addr", "add", "172.31.0.2/24", "dev", "u0");
        var seconds = report.IsQuick ? 2 : 4;
        foreach (var kind in Kinds)
        {
            var (ours, theirs) = report.Alternate(
                () =>
                {
                    using var first = Start(one, kind.Kind, kind.Port, kind.Flags, "172.31.0.2");
                    using var second = Start(two, kind.Kind, kind.Port, kind.Flags, "172.31.0.1");
                    return ManagedSwitch.TcpGigabits(
                        lab, left, right, "10.77.0.2", seconds);
                },
                () => Kernel(lab, one, two, seconds));
            report.Add(new Figure(
                $"TCP through {kind.Name}", "Gbit/s", ours, theirs, "kernel VXLAN device"));
        }
    }

    private static double Kernel(Lab lab, string one, string two, int seconds)
    {
        var i = 0;
        foreach (var name in new[] { one, two })
        {
            Lab.RunIn(name, "ip", "link", "add", "vx0", "type", "vxlan", "id", "5", "dstport",
                "4789", "remote", $"172.31.0.{2 - i}");
            Lab.RunIn(name, "ip", "addr", "add", $"10.78.0.{++i}/24", "dev", "vx0");
            Lab.RunIn(name, "ip", "link", "set", "vx0", "mtu", "1400", "up");
        }

        try
        {
            return ManagedSwitch.TcpGigabits(lab, one, two, "10.78.0.2", seconds);
        }
        finally
        {
            foreach (var name in new[] { one, two }) Lab.RunIn(name, "ip", "link", "del", "vx0");
        }
    }

    private static UserspaceDatapath Start(
        string name, TunnelKind kind, ushort port, TunnelFlags flags, string remote)
    {
        UserspaceDatapath? datapath = null;
        var outer = new TunnelMetadata(
            5, IPAddress.Any, IPAddress.Parse(remote), 0, 64, flags, 0, 0, []);
        ManagedSwitch.RunIn(name, () =>
        {
            datapath = new UserspaceDatapath { UpcallHandler = new Encapsulate(outer) };
            datapath.Ports.TryAdd(
                new DatapathPortSpec("w0", DatapathPortKind.System), out _, out _);
            datapath.Ports.TryAdd(
                new DatapathPortSpec(
                    "tun", DatapathPortKind.Tunnel, Tunnel: new TunnelPortSpec(kind, port)),
                out _, out _);
        });
        return datapath!;
    }

    private sealed class Encapsulate(TunnelMetadata outer) : IUpcallHandler
    {
        public UpcallVerdict Miss(PacketBuffer packet, in FlowKey key, out FlowKey mask)
        {
            mask = default;
            mask.InPortWire = uint.MaxValue;
            mask.EthernetTypeWire = ushort.MaxValue;
            return new UpcallVerdict(
                key.InPort == 1
                    ? [new SetTunnelAction(outer), new OutputAction(2)]
                    : [new OutputAction(1)],
                Install: true);
        }

        public void Action(PacketBuffer packet, in FlowKey key, UpcallUserdata userdata)
        {
        }
    }
}
