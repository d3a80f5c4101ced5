using System.Globalization;
using Fabric.HostNode.Demo;

namespace Fabric.SystemTests;

/// <summary>What crosses the underlay, as an independent dissector reads it.</summary>
public sealed class TunnelWireTests
{
    [Fact]
    public async Task Tunnels_are_what_wireshark_calls_geneve_with_ovns_keys()
    {
        var network = Path.Combine(Checkout.Root, "config", "networks", "three-tier.yaml");
        var report = new DemoReport(isQuiet: true);
        await using var demo = new DemoRunner(
            new DemoOptions(Hosts: 2, "userspace", IsOnce: true, IsJson: true, network), report);
        await demo.BringUpAsync();
        Assert.False(report.HasFailed, report.ToJson());

        var pair = demo.Network.AllowedPings.First(pair => pair.From.Host != pair.To.Host);
        var capture = Path.Combine(demo.Topology.Folder, "underlay.pcap");
        var tcpdump = demo.Topology.Underlay.RunAsync(
            ["tcpdump", "-i", "underlay", "-U", "-c", "6", "-w", capture, "udp port 6081"],
            TimeSpan.FromSeconds(30));
        // Pings until the capture has its packets: nothing here waits for time to pass.
        while (!tcpdump.IsCompleted) await Probes.PingAsync(pair.From, pair.To.Address, count: 1);
        Assert.True((await tcpdump).Succeeded, (await tcpdump).Error);

        var shown = await Shell.RunAsync("tshark",
        [
            "-r", capture, "-Y", "geneve && icmp", "-T", "fields", "-e", "geneve.vni", "-e",
            "geneve.option.class", "-e", "geneve.option.type", "-e", "geneve.option.length", "-e",
            "geneve.option.unknown.data", "-e", "ip.src", "-e", "ip.dst",
        ]);
        Assert.True(shown.Succeeded, shown.Error);
        var lines = shown.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);

        foreach (var line in lines)
        {
            var fields = line.Split('\t');
            Assert.InRange(Number(fields[0]), 1, 3); // Two switches and a router.
            Assert.Equal(0x0102, Number(fields[1]));
            Assert.Equal(0x80, Number(fields[2]));
            var option = Convert.FromHexString(fields[4].Replace(":", ""));
            Assert.Equal(4, option.Length);
            Assert.Equal(0, option[0] & 0x80);
            Assert.StartsWith("10.99.0.", fields[5]);
            Assert.Contains(pair.From.Address.ToString(), fields[5] + "," + fields[6]);
        }
    }

    private static int Number(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            ? int.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : int.Parse(text, CultureInfo.InvariantCulture);
}
