using System.Net;
using System.Text.Json;
using Fabric.Datapath;

namespace Fabric.Benchmarks;

/// <summary>The eBPF datapath beside the Linux bridge and kernel VXLAN.</summary>
/// <remarks>
/// Question: P1 to P6 of the performance goals. Set-up: veth ports, one iperf3 stream, offloads on;
/// each side in namespaces of its own, measured in turn. For both sides alike one processor
/// forwards (receive packet steering; else segments of one stream wait in two queues and overtake
/// each other, which makes figures jump by a factor of two), and TCP is CUBIC, which no timer
/// paces. Counts: receiver's Gbit/s, average round trip, received datagrams a second.
/// </remarks>
public sealed class KernelBenchmark : IBenchmark
{
    private const int FlowCount = 100_000;

    public string Name => "kernel";

    public string Summary => "forwarding in the kernel by eBPF programs";

    public void Run(BenchmarkReport report)
    {
        if (EbpfDatapath.ProblemHere() is { } problem) throw new BenchmarkSkippedException(problem);
        RunFlows(report);
        RunLocal(report);
        RunOverlay(report, TunnelKind.Vxlan);
        RunOverlay(report, TunnelKind.Geneve);
        ConnectionRate.Run(report);
    }

    private static void RunFlows(BenchmarkReport report)
    {
        using var lab = new Lab();
        using var pair = Local(lab, "m", hasFirewall: false);
        var (rate, bytes) = pair.Switch.PutFlows(FlowCount);
        report.Add(new Figure($"flows put and deleted ({FlowCount})", "1/s", rate,
            Kind: GoalKind.AtLeast, Goal: 100_000));
        report.Add(new Figure($"maps of flows, with {FlowCount} of them", "MB", bytes.Flows / 1e6,
            Kind: GoalKind.AtMost, Goal: 100));
        report.Add(new Figure("all maps, room for a million connections", "MB", bytes.All / 1e6));
    }

    private static void RunLocal(BenchmarkReport report)
    {
        using var lab = new Lab();
        var seconds = report.IsQuick ? 1 : 2;
        using var plain = Local(lab, "e", hasFirewall: false);
        using var firewall = Local(lab, "f", hasFirewall: true);
        var bridge = Bridge(lab);
        var (ours, theirs) = report.Alternate(
            () => TcpGigabits(lab, plain.A, plain.B, "10.1.0.2", seconds),
            () => TcpGigabits(lab, bridge.A, bridge.B, "10.1.0.2", seconds));
        report.Add(new Figure("P1 TCP, same host", "Gbit/s", ours, theirs, "Linux bridge",
            GoalKind.RatioAtLeast, 1.0));
        (ours, theirs) = report.Alternate(
            () => TcpGigabits(lab, firewall.A, firewall.B, "10.1.0.2", seconds),
            () => TcpGigabits(lab, plain.A, plain.B, "10.1.0.2", seconds));
        report.Add(new Figure("P2 TCP, stateful firewall", "Gbit/s", ours, theirs, "P1",
            GoalKind.RatioAtLeast, 0.98));
        (ours, theirs) = report.Alternate(
            () => Lab.PingMicroseconds(plain.A, "10.1.0.2", 500),
            () => Lab.PingMicroseconds(bridge.A, "10.1.0.2", 500));
        report.Add(new Figure("P4 round trip, same host", "us", ours, theirs, "Linux bridge",
            GoalKind.RatioAtMost, 0.9));
        (ours, theirs) = report.Alternate(
            () => DatagramsPerSecond(lab, plain.A, plain.B, seconds),
            () => DatagramsPerSecond(lab, bridge.A, bridge.B, seconds));
        report.Add(new Figure("P5 64-byte UDP, same host", "1/s", ours, theirs, "Linux bridge",
            GoalKind.RatioAtLeast, 1.1));
    }

    private static void RunOverlay(BenchmarkReport report, TunnelKind kind)
    {
        using var lab = new Lab();
        var seconds = report.IsQuick ? 1 : 2;
        using var ours = Overlay(lab, kind);
        var theirs = KernelVxlan(lab);
        var (a, b) = report.Alternate(
            () => TcpGigabits(lab, ours.A, ours.B, "10.1.0.2", seconds),
            () => TcpGigabits(lab, theirs.A, theirs.B, "10.1.0.2", seconds));
        report.Add(new Figure($"P3 TCP, {kind}, firewall at both hosts", "Gbit/s", a, b,
            "kernel VXLAN", GoalKind.RatioAtLeast, 1.3));
        (a, b) = report.Alternate(
            () => Lab.PingMicroseconds(ours.A, "10.1.0.2", 500),
            () => Lab.PingMicroseconds(theirs.A, "10.1.0.2", 500));
        report.Add(new Figure($"P4 round trip, {kind}", "us", a, b, "kernel VXLAN",
            GoalKind.RatioAtMost, 0.7));
    }

    private sealed record Pair(string A, string B, EbpfSwitch Switch, EbpfSwitch? Far = null)
        : IDisposable
    {
        public void Dispose()
        {
            Switch.Dispose();
            Far?.Dispose();
        }
    }

    private static Pair Local(Lab lab, string name, bool hasFirewall)
    {
        string space = lab.Namespace($"{name}s"), a = lab.Namespace($"{name}a"),
            b = lab.Namespace($"{name}b");
        lab.Veth(a, "eth0", "10.1.0.1/24", space, "pa");
        lab.Veth(b, "eth0", "10.1.0.2/24", space, "pb");
        SteerAll(space, a, b);
        return new Pair(a, b, new EbpfSwitch(space, "pa", "pb", hasFirewall));
    }

    private static (string A, string B) Bridge(Lab lab)
    {
        string space = lab.Namespace("bs"), a = lab.Namespace("ba"), b = lab.Namespace("bb");
        lab.Veth(a, "eth0", "10.1.0.1/24", space, "pa");
        lab.Veth(b, "eth0", "10.1.0.2/24", space, "pb");
        Lab.Run("ip", "-n", space, "link", "add", "br0", "type", "bridge");
        Lab.Run("ip", "-n", space, "link", "set", "br0", "up");
        Lab.Run("ip", "-n", space, "link", "set", "pa", "master", "br0");
        Lab.Run("ip", "-n", space, "link", "set", "pb", "master", "br0");
        SteerAll(space, a, b);
        return (a, b);
    }

    /// <summary>What the devices of these namespaces receive goes to the first processor.</summary>
    private static void SteerAll(params string[] spaces)
    {
        foreach (var space in spaces)
        {
            Lab.Run("ip", "netns", "exec", space, "sh", "-c",
                "for queue in /sys/class/net/*/queues/rx-0/rps_cpus; do echo 1 > $queue; done");
        }
    }

    private static Pair Overlay(Lab lab, TunnelKind kind)
    {
        var (first, second, a, b) = TwoHosts(lab, "o");
        var left = new EbpfSwitch(
            first, "p", null, hasFirewall: true, kind, IPAddress.Parse("172.31.0.2"));
        var right = new EbpfSwitch(
            second, "p", null, hasFirewall: true, kind, IPAddress.Parse("172.31.0.1"));
        return new Pair(a, b, left, right);
    }

    private static (string A, string B) KernelVxlan(Lab lab)
    {
        var (first, second, a, b) = TwoHosts(lab, "k");
        foreach (var (space, own, far) in new[] { (first, 1, 2), (second, 2, 1) })
        {
            Lab.Run("ip", "-n", space, "link", "add", "vx", "type", "vxlan", "id", "5",
                "dstport", "4789", "local", $"172.31.0.{own}", "remote", $"172.31.0.{far}");
            Lab.Run("ip", "-n", space, "link", "add", "br0", "type", "bridge");
            foreach (var device in (string[])["vx", "p"])
            {
                Lab.Run("ip", "-n", space, "link", "set", device, "master", "br0");
            }

            Lab.Run("ip", "-n", space, "link", "set", "vx", "up");
            Lab.Run("ip", "-n", space, "link", "set", "br0", "up");
        }

        return (a, b);
    }

    /// <summary>Two hosts with an underlay between them, and a workload at each.</summary>
    private static (string First, string Second, string A, string B) TwoHosts(Lab lab, string name)
    {
        string first = lab.Namespace($"{name}1"), second = lab.Namespace($"{name}2"),
            a = lab.Namespace($"{name}a"), b = lab.Namespace($"{name}b");
        lab.Veth(second, "u", "172.31.0.2/24", first, "u");
        Lab.Run("ip", "-n", first, "addr", "add", "172.31.0.1/24", "dev", "u");
        lab.Veth(a, "eth0", "10.1.0.1/24", first, "p", mtu: 1400);
        lab.Veth(b, "eth0", "10.1.0.2/24", second, "p", mtu: 1400);
        SteerAll(first, second, a, b);
        return (first, second, a, b);
    }

    /// <summary>One TCP stream; the receiver's Gbit/s.</summary>
    private static double TcpGigabits(
        Lab lab, string client, string server, string address, int seconds)
    {
        using var result = Iperf(
            lab, client, server, address, seconds, "sum_received", "-C", "cubic");
        return result.RootElement.GetProperty("end").GetProperty("sum_received")
            .GetProperty("bits_per_second").GetDouble() / 1e9;
    }

    /// <summary>Datagrams of 18 bytes (64 with headers) that arrive in a second.</summary>
    private static double DatagramsPerSecond(Lab lab, string client, string server, int seconds)
    {
        using var result = Iperf(
            lab, client, server, "10.1.0.2", seconds, "sum", "-u", "-b", "0", "-l", "18");
        var sum = result.RootElement.GetProperty("end").GetProperty("sum");
        return sum.GetProperty("packets").GetDouble()
            * (1 - (sum.GetProperty("lost_percent").GetDouble() / 100)) / seconds;
    }

    /// <summary>Tries until the listener is there and a whole result came back.</summary>
    private static JsonDocument Iperf(
        Lab lab, string client, string server, string address, int seconds, string wanted,
        params string[] options)
    {
        using var listener = lab.Start(server, null, "iperf3", "-s", "-B", address);
        JsonDocument? result = null;
        Lab.WaitUntil(() =>
        {
            try
            {
                result = JsonDocument.Parse(Lab.RunIn(client,
                    [
                        "iperf3", "-c", address, "-t", $"{seconds}", "-J", "-A", "0,1", .. options,
                    ]));
                return result.RootElement.TryGetProperty("end", out var end)
                    && end.TryGetProperty(wanted, out _);
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }, TimeSpan.FromSeconds((4 * seconds) + 30), "iperf3 reaches its server");
        lab.Ended(listener);
        return result!;
    }
}
