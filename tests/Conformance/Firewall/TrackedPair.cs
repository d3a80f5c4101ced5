using Fabric.HostNode.Demo;

namespace Fabric.Conformance;

/// <summary>A client (port 1) and a server (port 2) of a bridge with a stateful firewall.</summary>
/// <remarks>
/// What the client begins is tracked in the pair's zone and passes, as do answers and what is
/// related; what the server begins does not. Translated addresses need no router: each end has
/// them in its neighbour table.
/// </remarks>
internal sealed record TrackedPair(
    OneHost Host, string Bridge, int Zone, DemoWorkload Client, DemoWorkload Server)
{
    public const string Inside = "10.1.0.1";
    public const string PublicSource = "10.1.0.100";
    public const string PublicServer = "10.1.0.200";
    public const string Inside6 = "fd01::1";
    public const string Server6 = "fd01::2";
    public const string PublicSource6 = "fd01::100";

    /// <param name="begin">What is done with the client's first packets: "nat(src=...)" ...</param>
    public static async Task<TrackedPair> MakeAsync(
        OneHost host, string name, int zone, string begin = "")
    {
        await host.SaysAsync($"ovs-vsctl add-br {name} -- set-fail-mode {name} secure");
        var client = await host.PlugAsync(name, $"{name}c", 1,
            $"-- set Interface {name}c ofport_request=1");
        var server = await host.PlugAsync(name, $"{name}s", 2,
            $"-- set Interface {name}s ofport_request=2");
        var pair = new TrackedPair(host, name, zone, client, server);
        await server.Namespace.IpAsync(
            "neigh", "replace", PublicSource, "lladdr", client.Mac, "dev", "eth0");
        await client.Namespace.IpAsync(
            "neigh", "replace", PublicServer, "lladdr", server.Mac, "dev", "eth0");
        await client.Namespace.IpAsync(
            "address", "add", $"{Inside6}/64", "dev", "eth0", "nodad");
        await server.Namespace.IpAsync(
            "address", "add", $"{Server6}/64", "dev", "eth0", "nodad");
        await server.Namespace.IpAsync("-6", "neigh", "replace", PublicSource6, "lladdr",
            client.Mac, "dev", "eth0");
        await pair.ApplyAsync(pair.Flows(begin));
        return pair;
    }

    /// <param name="begin">More arguments of the ct action that commits, or none.</param>
    public IEnumerable<string> Flows(string begin)
    {
        var commit = $"ct(commit,zone={Zone}{(begin.Length > 0 ? "," + begin : "")})";
        yield return "priority=100,arp,actions=NORMAL";
        yield return "priority=100,icmp6,icmp_type=135,actions=NORMAL";
        yield return "priority=100,icmp6,icmp_type=136,actions=NORMAL";
        foreach (var family in (string[])["ip", "ipv6"])
        {
            yield return $"priority=50,{family},actions=ct(table=1,zone={Zone},nat)";
            yield return $"table=1,priority=50,{family},ct_state=+trk+inv,actions=drop";
            yield return $"table=1,priority=40,{family},ct_state=+trk+est,actions=NORMAL";
            yield return $"table=1,priority=30,{family},ct_state=+trk+new+rel,"
                + $"actions=ct(commit,zone={Zone},nat),NORMAL";
            yield return $"table=1,priority=30,{family},ct_state=+trk-new+rel,actions=NORMAL";
            // A translation holds for one family only; the other is committed as it is.
            var isOther = begin.Contains("nat(", StringComparison.Ordinal)
                && begin.Contains("::", StringComparison.Ordinal) != (family == "ipv6");
            var action = isOther ? $"ct(commit,zone={Zone})" : commit;
            yield return $"table=1,priority=20,{family},ct_state=+trk+new-rel,in_port=1,"
                + $"actions={action},NORMAL";
        }
    }

    public Task ApplyAsync(IEnumerable<string> flows)
    {
        var path = Host.Write($"{Bridge}.flows", string.Join('\n', flows) + "\n");
        return Host.SaysAsync($"ovs-ofctl -O OpenFlow14 replace-flows {Bridge} {path}");
    }

    public Task<string> DumpAsync() =>
        Host.SaysAsync($"ovs-appctl dpctl/dump-conntrack zone={Zone}");

    public Task FlushAsync() =>
        Host.SaysAsync($"ovs-appctl dpctl/flush-conntrack zone={Zone}");

    /// <summary>Packets that a flow, named by part of its text, has seen.</summary>
    public async Task<long> CountAsync(string flow)
    {
        var lines = await Host.LinesAsync($"ovs-ofctl dump-flows {Bridge}");
        var line = Assert.Single(
            lines, line => line.Contains(flow, StringComparison.Ordinal));
        const string Label = "n_packets=";
        var start = line.IndexOf(Label, StringComparison.Ordinal) + Label.Length;
        return long.Parse(
            line[start..line.IndexOf(',', start)],
            System.Globalization.CultureInfo.InvariantCulture);
    }
}
