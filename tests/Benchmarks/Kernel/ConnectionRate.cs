using System.Net;
using System.Net.Sockets;
using Fabric.Datapath;

namespace Fabric.Benchmarks;

/// <summary>P6: new connections a second through conntrack and NAT, beside ovs-vswitchd.</summary>
/// <remarks>
/// Set-up: two workloads at one switch, whose flows track and translate the client's source. Some
/// threads connect and reset at once, over and over; each connection is four packets, and a new
/// entry on both sides. Theirs is the userspace datapath, as it is for all figures.
/// </remarks>
internal static class ConnectionRate
{
    private const string Client = "10.1.0.1", Server = "10.1.0.2", Outside = "10.1.0.77";
    private const string ClientMac = "02:00:00:00:00:01";
    private const int Port = 8080, Threads = 8;

    public static void Run(BenchmarkReport report)
    {
        using var lab = new Lab();
        var ours = Pair(lab, "n");
        var outside = IPAddress.Parse(Outside);
        using var ebpf = new EbpfSwitch(
            ours.Space, "pa", "pb", hasFirewall: true,
            nat: new NatSpec(NatType.Source, outside, outside, 0, 0, false, false, false));
        (string Space, string A, string B)? theirs = null;
        try
        {
            theirs = RealPair(lab);
        }
        catch (BenchmarkSkippedException missing)
        {
            report.Note(missing.Message);
        }

        var seconds = report.IsQuick ? 1 : 2;
        using var listener = Listen(ours.B);
        if (theirs is not { } real)
        {
            report.Add(new Figure(
                "P6 new connections, ct and NAT", "1/s", Measure(ours.A, seconds)));
            return;
        }

        using var other = Listen(real.B);
        var (a, b) = report.Alternate(
            () => Measure(ours.A, seconds), () => Measure(real.A, seconds));
        report.Add(new Figure("P6 new connections, ct and NAT", "1/s", a, b, "ovs-vswitchd",
            GoalKind.RatioAtLeast, 3));
    }

    private static (string Space, string A, string B) Pair(Lab lab, string name)
    {
        string space = lab.Namespace($"{name}s"), a = lab.Namespace($"{name}a"),
            b = lab.Namespace($"{name}b");
        lab.Veth(a, "eth0", $"{Client}/24", space, "pa");
        lab.Veth(b, "eth0", $"{Server}/24", space, "pb");
        Lab.Run("ip", "-n", a, "link", "set", "eth0", "address", ClientMac);
        // Nobody answers for the translated address.
        Lab.Run("ip", "-n", b, "neigh", "add", Outside, "lladdr", ClientMac, "dev", "eth0");
        return (space, a, b);
    }

    private static (string Space, string A, string B) RealPair(Lab lab)
    {
        var pair = Pair(lab, "r");
        var real = new RealSwitch(lab, pair.Space);
        // Its sockets see checksums that a veth leaves open, which its tracker refuses.
        foreach (var space in (string[])[pair.A, pair.B])
        {
            Lab.RunIn(space, "ethtool", "-K", "eth0", "tx", "off");
        }

        real.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
            "--", "add-port", "br0", "pa", "--", "set", "interface", "pa", "ofport_request=1",
            "--", "add-port", "br0", "pb", "--", "set", "interface", "pb", "ofport_request=2");
        foreach (var flow in (string[])
            [
                "table=0,priority=1,arp,actions=normal",
                "table=0,priority=9,ip,actions=ct(table=1,zone=1,nat)",
                $"table=1,ip,ct_state=+trk+new,in_port=1,"
                    + $"actions=ct(commit,zone=1,nat(src={Outside})),2",
                "table=1,ip,ct_state=+trk+est,in_port=1,actions=2",
                "table=1,ip,ct_state=+trk+est,in_port=2,actions=1",
            ])
        {
            real.Ofctl("add-flow", "br0", flow);
        }

        return pair;
    }

    /// <summary>Accepts and closes until it is disposed.</summary>
    private static Socket Listen(string space)
    {
        Socket? listener = null;
        NamespaceThread.Run(space, () =>
        {
            listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Parse(Server), Port));
            listener.Listen(4096);
        });
        new Thread(() =>
        {
            try
            {
                while (true) listener!.Accept().Dispose();
            }
            catch (SocketException)
            {
                // Closed: the measurement is over.
            }
            catch (ObjectDisposedException)
            {
                // The same, seen a moment later.
            }
        })
        { IsBackground = true }.Start();
        return listener!;
    }

    /// <summary>Connections of all threads in a second.</summary>
    private static double Measure(string client, int seconds)
    {
        var server = new IPEndPoint(IPAddress.Parse(Server), Port);
        var counts = new int[Threads];
        var end = Environment.TickCount64 + (seconds * 1000);
        var threads = Enumerable.Range(0, Threads).Select(number => NamespaceThread.Start(
            client, () =>
            {
                while (Environment.TickCount64 < end)
                {
                    if (TryConnect(server)) counts[number]++;
                }
            })).ToArray();
        foreach (var thread in threads) thread.Join();
        return (double)counts.Sum() / seconds;
    }

    private static bool TryConnect(IPEndPoint server)
    {
        using var socket = new Socket(
            AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        try
        {
            socket.Connect(server);
            return true;
        }
        catch (SocketException)
        {
            return false; // Refused, or no port is free for a moment: not counted.
        }
    }
}
