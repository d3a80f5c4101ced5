using System.Globalization;
using System.Net;
using Fabric.HostNode.Demo;
using Xunit.Abstractions;

namespace Fabric.SystemTests;

/// <summary>Gateways on hosts that die or are cut off, with real packets.</summary>
/// <remarks>
/// <code>
/// vm ---- br-int ==tunnels== br-int ---- br-ex ---- outside 172.16.0.1
///         last host          host1, host2: candidates of lr0-public, host1 preferred
/// </code>
/// </remarks>
public sealed class LogicalFailoverTests(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>FABRIC_TEST_DATAPATH=ebpf runs all of it on the other datapath.</summary>
    private readonly Mesh _mesh = new(
        Environment.GetEnvironmentVariable("FABRIC_TEST_DATAPATH") ?? "userspace");
    private DemoWorkload _vm = null!;

    /// <summary>How often the way out is cut; FABRIC_TEST_FULL=1: ten times.</summary>
    private static int Rounds =>
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 10 : 1;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _mesh.DisposeAsync();

    [Fact]
    public async Task A_gateway_that_dies_is_replaced_within_a_second_by_vote_of_a_third_host()
    {
        await BringUpAsync(hosts: 3);
        var gap = await GapAsync(async () => await _mesh.Hosts[0].KillAsync());
        Assert.InRange(gap.TotalSeconds, 0.05, 4); // Printed; 0.7 s on a quiet machine.
        Assert.True(_mesh.Hosts[1].IsRunning);
    }

    [Fact]
    public async Task Of_two_hosts_the_other_one_takes_over_and_yields_when_the_cut_heals()
    {
        await BringUpAsync(hosts: 2);
        for (var round = 1; round <= Rounds; round++)
        {
            var gap = await GapAsync(() => _mesh.Topology.Underlay.IpAsync(
                "link", "set", "dev", "h1", "down"));
            Assert.InRange(gap.TotalSeconds, 0.05, 4); // Printed.
            Assert.True(OtherActs(), _mesh.Logs(15));

            // Both act now: the first cannot know better. Healing ends it.
            var healed = Environment.TickCount64;
            await _mesh.Topology.Underlay.IpAsync("link", "set", "dev", "h1", "up");
            await Mesh.UntilAsync(() => Task.FromResult(!OtherActs()), "host2 yields");
            var doubled = TimeSpan.FromMilliseconds(Environment.TickCount64 - healed);
            output.WriteLine($"both acted for {doubled.TotalMilliseconds} ms after healing");
            await Mesh.UntilAsync(() => ReachesOutsideAsync(), "the way out by host1 again");
        }

        bool OtherActs() => _mesh.Hosts[1].LastLogLines(1000).Split('\n')
            .LastOrDefault(line => line.Contains("the gateway"))?.Contains("this host is") == true;
    }

    [Fact]
    public async Task Of_two_hosts_the_other_one_stays_away_while_its_own_next_hop_is_silent()
    {
        await BringUpAsync(hosts: 2);
        await _mesh.Topology.Hosts[1].IpAsync("link", "set", "dev", "ex2", "down");
        await _mesh.Topology.Underlay.IpAsync("link", "set", "dev", "h1", "down");
        await Mesh.ToolAsync(_mesh.Hosts[1], "ovs-vsctl",
            "--timeout=20 wait-until Interface ovn-host1-0 bfd_status:state=down");
        // The decision follows the status row; several of its rounds pass here.
        for (var round = 0; round < 10; round++)
        {
            await Mesh.ToolAsync(_mesh.Hosts[1], "ovs-vsctl", "--timeout=20 show");
        }

        Assert.DoesNotContain("this host is the gateway now", _mesh.Hosts[1].LastLogLines(200));
    }

    private async Task BringUpAsync(int hosts)
    {
        await _mesh.BringUpAsync(hosts);
        var last = _mesh.Hosts[^1];
        await Mesh.ToolAsync(last, "ovn-nbctl", "--timeout=20 ls-add sw0 -- lsp-add sw0 vm "
            + "-- lsp-set-addresses vm 'PORT' -- lr-add lr0 "
            + "-- lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 -- lsp-add sw0 sw0-lr0 "
            + "-- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router "
            + "-- lsp-set-options sw0-lr0 router-port=lr0-sw0 "
            + "-- ls-add public -- lsp-add public ln -- lsp-set-type ln localnet "
            + "-- lsp-set-addresses ln unknown -- lsp-set-options ln network_name=phys "
            + "-- lrp-add lr0 lr0-public 00:00:00:00:ff:02 172.16.0.100/24 "
            + "-- lsp-add public public-lr0 -- lsp-set-type public-lr0 router "
            + "-- lsp-set-addresses public-lr0 router "
            + "-- lsp-set-options public-lr0 router-port=lr0-public "
            + "-- lr-route-add lr0 0.0.0.0/0 172.16.0.1 "
            + "-- lr-nat-add lr0 snat 172.16.0.100 10.0.0.0/24 "
            + "-- lrp-set-gateway-chassis lr0-public host1 20 "
            + "-- lrp-set-gateway-chassis lr0-public host2 10", "00:00:00:00:00:05 10.0.0.5");
        _vm = await _mesh.PlugAsync(new DemoWorkload(
            "vm", hosts, "00:00:00:00:00:05", IPAddress.Parse("10.0.0.5"), 24,
            IPAddress.Parse("10.0.0.1")));
        await Mesh.UntilAsync(() => ReachesOutsideAsync(), "the way out");
        foreach (var host in _mesh.Hosts.Skip(1))
        {
            await Mesh.ToolAsync(host, "ovs-vsctl",
                "--timeout=20 wait-until Interface ovn-host1-0 bfd_status:state=up");
        }
    }

    private async Task<bool> ReachesOutsideAsync() => (await _vm.Namespace.RunAsync(
        ["ping", "-c", "1", "-W", "1", "172.16.0.1"], TimeSpan.FromSeconds(10))).Succeeded;

    /// <summary>The longest silence of a ping out that 'what' causes.</summary>
    private async Task<TimeSpan> GapAsync(Func<Task> what)
    {
        var ping = _vm.Namespace.RunAsync(
            ["ping", "-D", "-i", "0.02", "-W", "1", "-w", "6", "172.16.0.1"],
            TimeSpan.FromSeconds(20));
        for (var i = 0; i < 3; i++) await ReachesOutsideAsync(); // Meanwhile it has begun.
        await what();
        var times = (await ping).Output.Split('\n')
            .Where(line => line.StartsWith('[') && line.Contains("bytes from"))
            .Select(line => double.Parse(line[1..line.IndexOf(']')], CultureInfo.InvariantCulture))
            .ToList();
        var logs = _mesh.Logs(15);
        Assert.True(times.Count > 10, logs);
        var end = times[^1] - times[0];
        Assert.True(end > 3, $"silent after {end:0.00} s\n{logs}");
        var gap = times.Zip(times.Skip(1), (a, b) => b - a).Max();
        output.WriteLine($"silent for {gap:0.000} s");
        return TimeSpan.FromSeconds(gap);
    }
}
