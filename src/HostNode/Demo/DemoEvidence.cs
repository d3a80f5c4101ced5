using System.Globalization;

namespace Fabric.HostNode.Demo;

/// <summary>
/// What hosts and workloads know when a pair stays silent, for whoever must find out why.
/// </summary>
/// <remarks>
/// One text file a host and one a workload of the pair. The flows are dumped before and after three
/// more pings, so that what counts on tells which way the packets go.
/// </remarks>
internal sealed class DemoEvidence(string folder, IReadOnlyList<DemoHost> hosts)
{
    private static readonly string[][] Tools =
    [
        ["ovs-appctl", "dpctl/dump-conntrack"],
        ["ovs-appctl", "dpctl/show", "-s"],
        ["ovs-appctl", "coverage/show"],
        ["ovs-appctl", "upcall/show"],
        ["ovs-appctl", "fdb/show", "br-int"],
        ["ovs-vsctl", "--timeout=10", "show"],
        ["ovs-ofctl", "dump-flows", "br-int"],
    ];

    /// <summary>Writes the files; a failure to do so is no further failure of the demo.</summary>
    /// <returns>What a failed check adds to its text.</returns>
    public async Task<string> CollectAsync(DemoPair pair)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var sides = new[] { pair.From.Host, pair.To.Host }.Distinct()
                .Select(number => hosts[number - 1]).ToArray();
            var texts = sides.ToDictionary(host => host, _ => new List<string>());
            foreach (var host in sides) await FlowsAsync(host, texts[host]);
            var wires = sides.Select(WatchAsync).ToArray();
            var ping = await pair.From.Namespace.RunAsync(
                ["ping", "-n", "-c", "3", "-i", "0.5", "-W", "1", $"{pair.To.Address}"]);
            foreach (var (host, wire) in sides.Zip(await Task.WhenAll(wires)))
            {
                texts[host].Add(wire);
                await FlowsAsync(host, texts[host]);
                await StateAsync(host, pair, texts[host]);
                Write(host.Id, texts[host]);
            }

            await WorkloadAsync(pair.From, ping.Output);
            await WorkloadAsync(pair.To, "");
            return $"; evidence in {folder}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"; no evidence: {error.Message}";
        }
    }

    private static async Task FlowsAsync(DemoHost host, List<string> text)
    {
        text.Add(Section("dpctl/dump-flows -m",
            await host.ToolAsync("ovs-appctl", ["dpctl/dump-flows", "-m"])));
        text.Add(Section("fabric datapath show", await host.FabricAsync("datapath", "show")));
    }

    private static async Task<string> WatchAsync(DemoHost host) => Section("packets",
        await host.Namespace.RunAsync(
            ["timeout", "3", "tcpdump", "-lnne", "-i", "any", "not tcp"],
            TimeSpan.FromSeconds(10)));

    private static async Task StateAsync(DemoHost host, DemoPair pair, List<string> text)
    {
        foreach (var words in Tools)
        {
            text.Add(Section(
                string.Join(' ', words), await host.ToolAsync(words[0], words[1..])));
        }

        text.Add(Section("ip neigh", await host.Namespace.RunAsync(["ip", "neigh"])));
        text.Add(Section("ip -s link", await host.Namespace.RunAsync(["ip", "-s", "link"])));
        if (pair.From.Host == host.Number)
        {
            text.Add(Section("ofproto/trace", await host.ToolAsync("ovs-appctl",
                ["ofproto/trace", "br-int", await MicroflowAsync(pair)])));
        }

        text.Add("== log");
        text.Add(host.LastLogLines(500));
    }

    /// <summary>The ping's packet as the switch sees it first.</summary>
    private static async Task<string> MicroflowAsync(DemoPair pair)
    {
        var neighbour = await pair.From.Namespace.RunAsync(
            ["ip", "neigh", "show", $"{pair.From.Gateway}"]);
        var words = neighbour.Output.Split(' ');
        var at = Array.IndexOf(words, "lladdr");
        var next = at >= 0 && at + 1 < words.Length ? words[at + 1] : "00:00:00:00:00:00";
        return string.Create(CultureInfo.InvariantCulture,
            $"in_port={pair.From.Name},icmp,dl_src={pair.From.Mac},dl_dst={next},"
            + $"nw_src={pair.From.Address},nw_dst={pair.To.Address},nw_ttl=64,icmp_type=8");
    }

    private async Task WorkloadAsync(DemoWorkload workload, string ping) => Write(
        workload.Name,
        [
            ping, Section("ip neigh", await workload.Namespace.RunAsync(["ip", "neigh"])),
            Section("ip -s link", await workload.Namespace.RunAsync(["ip", "-s", "link"])),
            Section("ip route", await workload.Namespace.RunAsync(["ip", "route"])),
        ]);

    private static string Section(string name, ShellResult result) =>
        $"== {name}\n{result.Output}{result.Error}";

    private void Write(string name, IEnumerable<string> text) =>
        File.WriteAllLines(Path.Combine(folder, $"{name}.txt"), text);
}
