using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Fabric.HostNode.Pki;

namespace Fabric.HostNode.Demo;

/// <summary>What `fabric demo` was asked for.</summary>
/// <param name="Datapath">Null: what the machine offers best.</param>
/// <param name="EvidenceFolder">Where a silent pair's hosts are written down; null: not.</param>
internal sealed record DemoOptions(
    int Hosts, string? Datapath, bool IsOnce, bool IsJson, string NetworkFile,
    string? EvidenceFolder = null);

/// <summary>Brings the fabric up on this machine, and checks it with real packets.</summary>
internal sealed class DemoRunner : IAsyncDisposable
{
    private const int HostsForMajority = 3;

    private readonly DemoOptions _options;
    private readonly DemoReport _report;
    private readonly DemoTopology _topology = DemoTopology.Reserve();
    private readonly List<DemoHost> _hosts = [];
    private readonly DemoNetwork _network;
    private List<DemoWorkload> _workloads = [];

    private readonly CancellationToken _stop;

    /// <param name="stop">Ends the checks soon, so that everything can be taken away.</param>
    public DemoRunner(
        DemoOptions options, DemoReport report, CancellationToken stop = default)
    {
        _options = options;
        _stop = stop;
        _report = report;
        _network = DemoNetwork.Load(options.NetworkFile, options.Hosts);
        _report.Announce(Names.All);
    }

    private static class Names
    {
        public const string Underlay = "underlay network and certificates";
        public const string Hosts = "host nodes start";
        public const string Cluster = "cluster formed";
        public const string Network = "logical network applied";
        public const string Bound = "workloads bound to their hosts";
        public const string Ping = "allowed pairs ping";
        public const string Transfer = "TCP carries data intact";
        public const string Denied = "denied pairs are silent";
        public const string Tools = "stock tools answer at every host";
        public const string Change = "an ACL changed at host 2 acts at host 3";
        public const string Kill = "host 1 killed: the others' traffic goes on";
        public const string Return = "host 1 returns with nothing re-entered";

        public static readonly string[] All =
        [
            Underlay, Hosts, Cluster, Network, Bound, Ping, Transfer, Denied, Tools, Change, Kill,
            Return,
        ];
    }

    public DemoNetwork Network => _network;
    public DemoTopology Topology => _topology;
    public IReadOnlyList<DemoHost> Hosts => _hosts;

    /// <summary>Makes the hosts, joins them, applies the network, binds the workloads.</summary>
    /// <returns>False when a step failed; the report says which.</returns>
    public async Task<bool> BringUpAsync() =>
        await RunCheckAsync(Names.Underlay, CreateAsync)
        && await RunCheckAsync(Names.Hosts, StartAsync)
        && await RunCheckAsync(Names.Cluster, FormAsync)
        && await RunCheckAsync(Names.Network, ApplyAsync)
        && await RunCheckAsync(Names.Bound, BindAsync);

    /// <summary>Runs all checks; a failed one ends those that build on it.</summary>
    public async Task RunAsync()
    {
        if (!await BringUpAsync()) return;
        var isWired = await RunCheckAsync(
            Names.Ping, () => PingAllowedAsync(_network.AllowedPings));
        await RunCheckAsync(Names.Transfer, TransferAsync);
        await RunCheckAsync(Names.Denied, ProbeDeniedAsync);
        await RunCheckAsync(Names.Tools, AskToolsAsync);
        if (!isWired) return;
        await RunCheckAsync(Names.Change, ChangeAclAsync);
        if (await RunCheckAsync(Names.Kill, KillAsync))
        {
            await RunCheckAsync(Names.Return, ReturnAsync);
        }
    }

    private Task<bool> RunCheckAsync(string name, Func<Task<CheckOutcome>> check)
    {
        _stop.ThrowIfCancellationRequested();
        return _report.RunAsync(name, check);
    }

    /// <summary>Commands that show the running demo from every side.</summary>
    public IEnumerable<string> Hints()
    {
        var host = _hosts[0];
        var environment = $"OVS_RUNDIR={host.RunFolder} OVN_RUNDIR={host.RunFolder} "
            + $"FABRIC_RUNDIR={host.RunFolder}";
        var web = _workloads[0];
        var others = string.Concat(_hosts.Skip(1).Take(1).Select(
            second => $"; host 2 is {second.RunFolder}"));
        yield return $"export {environment}     # host 1{others}";
        yield return "ovs-vsctl show; ovn-nbctl show; ovs-ofctl dump-flows br-int";
        yield return "ovs-appctl dpctl/dump-flows; ovs-appctl dpctl/dump-conntrack";
        yield return "./fabric cluster show; ./fabric cluster vteps; ./fabric net status";
        yield return $"nsenter --net={web.Namespace.Path} ping {_network.Allowed[0].To.Address}";
        yield return $"tail -f {host.LogFile}";
    }

    private async Task<CheckOutcome> CreateAsync()
    {
        await _topology.CreateUnderlayAsync(_options.Hosts);
        var pki = Path.Combine(_topology.Folder, "pki");
        var authority = new CertificateAuthority(pki, TimeProvider.System);
        authority.Init("Fabric demo");
        for (var number = 1; number <= _options.Hosts; number++)
        {
            var host = new DemoHost(_topology, number);
            authority.Issue(host.Id, [$"{DemoTopology.HostAddress(number)}"], ["voter"]);
            host.Configure(_options.Hosts, _options.Datapath, pki);
            _hosts.Add(host);
        }

        foreach (var workload in _network.Workloads)
        {
            _stop.ThrowIfCancellationRequested();
            _workloads.Add(await _topology.AddWorkloadAsync(workload));
        }

        _network.Place(_workloads);
        return CheckOutcome.Passed(
            $"{_options.Hosts} hosts, {_workloads.Count} workloads in namespaces");
    }

    private async Task<CheckOutcome> StartAsync()
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var host in _hosts) host.Start();
        foreach (var host in _hosts)
        {
            var isUp = await UntilAsync(TimeSpan.FromSeconds(60), async () =>
                !host.IsRunning || File.Exists(Path.Combine(host.RunFolder, "db.sock"))
                && (await host.ToolAsync("ovs-vsctl", ["--timeout=5", "show"])).Succeeded);
            if (!isUp || !host.IsRunning)
            {
                return CheckOutcome.Failed($"{host.Id} does not answer: {host.LastLogLines(2)}");
            }
        }

        return CheckOutcome.Passed($"{Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    private async Task<CheckOutcome> FormAsync()
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var host in _hosts)
        {
            if (!await UntilAsync(TimeSpan.FromSeconds(60), () => SeesAllAsync(host)))
            {
                return CheckOutcome.Failed($"{host.Id} does not see {_hosts.Count} members up");
            }
        }

        return CheckOutcome.Passed(
            $"{_hosts.Count} members up, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    private async Task<bool> SeesAllAsync(DemoHost host)
    {
        var result = await host.FabricAsync("cluster", "members", "--json");
        if (!result.Succeeded) return false;
        using var json = JsonDocument.Parse(result.Output);
        return json.RootElement.EnumerateArray()
            .Count(member => member.GetProperty("status").GetString() == "up") == _hosts.Count;
    }

    private async Task<CheckOutcome> ApplyAsync()
    {
        var result = await _hosts[0].FabricAsync("net", "apply", "--yes", _options.NetworkFile);
        return result.Succeeded
            ? CheckOutcome.Passed(_network.Summary)
            : CheckOutcome.Failed(result.Error.Trim());
    }

    private async Task<CheckOutcome> BindAsync()
    {
        foreach (var workload in _workloads)
        {
            var result = await _hosts[workload.Host - 1].ToolAsync("ovs-vsctl",
            [
                "--timeout=15", "wait-until", "Bridge", "br-int", "--", "--may-exist",
                "add-port", "br-int", workload.Name, "--", "set",
                "Interface", workload.Name, $"external_ids:iface-id={workload.Name}",
            ]);
            if (!result.Succeeded) return CheckOutcome.Failed(result.Error.Trim());
        }

        var isUp = await UntilAsync(TimeSpan.FromSeconds(30), async () =>
        {
            var result = await _hosts[0].ToolAsync("ovn-nbctl",
                ["--timeout=5", "--bare", "--columns=name", "find", "Logical_Switch_Port",
                    "up=true", "type=\"\""]);
            return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length
                >= _workloads.Count;
        });
        var shown = await _hosts[0].FabricAsync("datapath", "show");
        var provider = shown.Output.Split('\n')[0].Split(' ')[^1];
        return isUp
            ? CheckOutcome.Passed(
                $"{_workloads.Count} ports up in the northbound, datapath {provider}")
            : CheckOutcome.Failed("not every Logical_Switch_Port is up");
    }

    private async Task<CheckOutcome> PingAllowedAsync(IReadOnlyList<DemoPair> pairs)
    {
        var failed = new List<string>();
        var evidence = "";
        foreach (var pair in pairs)
        {
            var isReached = await UntilAsync(TimeSpan.FromSeconds(10),
                () => Probes.PingAsync(pair.From, pair.To.Address, count: 1));
            if (isReached) continue;
            failed.Add(pair.ToString());
            if (failed.Count == 1 && _options.EvidenceFolder is { } folder)
            {
                evidence = await new DemoEvidence(folder, _hosts).CollectAsync(pair);
            }
        }

        var remote = pairs.Count(pair => pair.From.Host != pair.To.Host);
        return failed.Count == 0
            ? CheckOutcome.Passed($"{pairs.Count} pairs, {remote} of them across hosts")
            : CheckOutcome.Failed("no answer: " + string.Join(", ", failed) + evidence);
    }

    private async Task<CheckOutcome> TransferAsync()
    {
        const int Size = 4 * 1024 * 1024;
        foreach (var pair in _network.Allowed)
        {
            if (await Probes.TransferAsync(pair.From, pair.To, pair.Port, Size) is { } problem)
            {
                return CheckOutcome.Failed($"{pair}: {problem}");
            }
        }

        return CheckOutcome.Passed($"{_network.Allowed.Count} x 4 MiB, SHA-256 equal");
    }

    private async Task<CheckOutcome> ProbeDeniedAsync()
    {
        var patience = TimeSpan.FromSeconds(1.5);
        var probes = _network.Denied.Select(async pair =>
        {
            var ping = Probes.PingAsync(pair.From, pair.To.Address, count: 1);
            var tcp = Probes.ReachesTcpAsync(pair.From, pair.To.Address, pair.Port, patience);
            return (pair, isReached: await ping | await tcp);
        });
        var reached = (await Task.WhenAll(probes)).Where(probe => probe.isReached)
            .Select(probe => probe.pair.ToString()).ToArray();
        return reached.Length == 0
            ? CheckOutcome.Passed($"{_network.Denied.Count} pairs, ping and TCP")
            : CheckOutcome.Failed("reached: " + string.Join(", ", reached));
    }

    private async Task<CheckOutcome> AskToolsAsync()
    {
        string[][] commands =
        [
            ["ovs-vsctl", "--timeout=10", "show"],
            ["ovs-ofctl", "dump-flows", "br-int"],
            ["ovs-appctl", "dpctl/dump-flows"],
            ["ovn-nbctl", "--timeout=10", "show"],
        ];
        foreach (var host in _hosts)
        {
            // Flows of idle ports go away: dump-flows needs somebody who talks, where there is one.
            var pair = _network.AllowedPings
                .FirstOrDefault(pair => pair.From.Host == host.Number);
            if (pair is not null) await Probes.PingAsync(pair.From, pair.To.Address, count: 1);
            foreach (var command in commands)
            {
                var result = await host.ToolAsync(command[0], command[1..]);
                var isEmpty = result.Output.Trim() == "" && pair is not null;
                if (!result.Succeeded || isEmpty)
                {
                    return CheckOutcome.Failed(
                        $"{string.Join(' ', command)} at {host.Id}: {result.Error.Trim()}");
                }
            }
        }

        return CheckOutcome.Passed("ovs-vsctl, ovs-ofctl, ovs-appctl, ovn-nbctl");
    }

    private async Task<CheckOutcome> ChangeAclAsync()
    {
        if (_hosts.Count < 2) return CheckOutcome.NotApplicable("needs two hosts");
        var pair = _network.Denied.Where(pair => pair.From.Host != pair.To.Host)
            .OrderByDescending(pair => pair.To.Host).First();
        var table = _network.SwitchOf(pair.To);
        string[] rule = [table, "to-lport", "3000", $"outport == \"{pair.To.Name}\" && udp"];
        await using var stream = new DatagramStream(
            pair.From, pair.To, port: 9999, TimeSpan.FromMilliseconds(2));
        if (await stream.FirstArrivalAsync(TimeSpan.FromSeconds(0.5)) is not null)
        {
            return CheckOutcome.Failed($"{pair} was open before the change");
        }

        var start = Stopwatch.GetTimestamp();
        var result = await _hosts[1].ToolAsync("ovn-nbctl",
            [$"--timeout={10 * Shell.Slowness}", "acl-add", .. rule, "allow-related"]);
        if (!result.Succeeded) return CheckOutcome.Failed(result.Error.Trim());
        var arrival = await stream.FirstArrivalAsync(
            TimeSpan.FromSeconds(10) * Shell.Slowness);
        await _hosts[1].ToolAsync("ovn-nbctl", ["--timeout=10", "acl-del", .. rule]);
        return arrival is { } at
            ? CheckOutcome.Passed(
                $"{pair}: {Stopwatch.GetElapsedTime(start, at).TotalMilliseconds:0} ms "
                + "from the start of ovn-nbctl to the first packet")
            : CheckOutcome.Failed($"{pair}: nothing arrived within 10 s");
    }

    private async Task<CheckOutcome> KillAsync()
    {
        if (_hosts.Count < HostsForMajority)
        {
            return CheckOutcome.NotApplicable("needs three hosts");
        }

        var pair = _network.Allowed.First(pair =>
            pair.From.Host != 1 && pair.To.Host != 1 && pair.From.Host != pair.To.Host);
        const int Count = 400;
        var ping = pair.From.Namespace.RunAsync(
            ["ping", "-n", "-q", "-i", "0.01", "-c", $"{Count}", $"{pair.To.Address}"]);
        await Task.Delay(500, _stop);
        await _hosts[0].KillAsync();
        var result = await ping;
        var summary = result.Output.Split('\n')
            .FirstOrDefault(line => line.Contains("packet loss", StringComparison.Ordinal), "");
        return summary.Contains(" 0% packet loss", StringComparison.Ordinal)
            ? CheckOutcome.Passed($"{pair}: {Count} pings at 100 per second, none lost")
            : CheckOutcome.Failed($"{pair}: {summary}");
    }

    private async Task<CheckOutcome> ReturnAsync()
    {
        if (_hosts.Count < HostsForMajority)
        {
            return CheckOutcome.NotApplicable("needs three hosts");
        }

        var start = Stopwatch.GetTimestamp();
        _hosts[0].Start();
        // Its packets may never have stopped: that it answers is what says it is back.
        if (!await UntilAsync(TimeSpan.FromSeconds(60), async () =>
            (await _hosts[0].FabricAsync("datapath", "show")).Succeeded
            && (await _hosts[0].ToolAsync("ovs-vsctl", ["--timeout=5", "show"])).Succeeded))
        {
            return CheckOutcome.Failed($"{_hosts[0].Id} does not answer");
        }

        var pairs = _network.Allowed
            .Where(pair => pair.From.Host == 1 || pair.To.Host == 1).ToArray();
        foreach (var pair in pairs)
        {
            var isReached = await UntilAsync(TimeSpan.FromSeconds(60),
                () => Probes.PingAsync(pair.From, pair.To.Address, count: 1));
            if (!isReached) return CheckOutcome.Failed($"{pair} stays silent");
        }

        return CheckOutcome.Passed(
            $"{pairs.Length} pairs, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    private async Task<bool> UntilAsync(TimeSpan patience, Func<Task<bool>> condition)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > patience * Shell.Slowness) return false;
            await Task.Delay(100, _stop);
        }

        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_hosts.Select(host => host.DisposeAsync().AsTask()));
        await _topology.DisposeAsync();
    }
}

/// <summary>Two workloads, and the TCP port that tells them apart from others.</summary>
internal sealed record DemoPair(DemoWorkload From, DemoWorkload To, int Port)
{
    public override string ToString() => $"{From.Name} to {To.Name}";
}
