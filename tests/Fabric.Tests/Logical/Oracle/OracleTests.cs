using Fabric.Configuration;
using Fabric.Tests.Configuration;
using Fabric.Wire;
using Xunit.Abstractions;

namespace Fabric.Tests.Logical;

/// <summary>Random networks: the same verdicts as the real ovn-northd and ovn-trace give.</summary>
public sealed class OracleTests(ITestOutputHelper output)
{
    private static bool IsFull =>
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") is { Length: > 0 };

    [ToolFact("ovsdb-server", "ovsdb-tool", "ovsdb-client", "ovn-northd", "ovn-trace")]
    public void Random_networks_are_judged_as_ovn_trace_judges_them()
    {
        var (networks, packets) = IsFull ? (1000, 1) : (30, 10);
        networks = Setting("FABRIC_TEST_NETWORKS", networks);
        using var oracle = new OvnOracle();
        var differences = new List<string>();
        var first = Setting("FABRIC_TEST_SEED", 1);
        for (var network = first; network < first + networks; network++)
            Compare(oracle, new RandomNetwork(network), packets, differences);
        foreach (var difference in differences.Take(20)) output.WriteLine(difference);
        if (networks == 1) output.WriteLine(new RandomNetwork(first).ToString());
        Assert.Empty(differences);
    }

    /// <summary>The real verdict, when none of the choices makes it what ours is.</summary>
    private static (OracleVerdict Theirs, string Text)? Judge(
        OvnOracle oracle, RandomNetwork network, OracleProbe probe,
        IEnumerable<OracleChoice> choices, OracleVerdict ours)
    {
        var ports = network.Ports.Select(port => port.Name).Append(RandomNetwork.Localnet)
            .ToHashSet();
        var sender = probe.From.Name;
        var form = Setting("FABRIC_TEST_NETWORKS", 0) == 1 ? "--detailed" : "--minimal";
        (OracleVerdict, string)? last = null;
        foreach (var choice in choices)
        {
            var text = oracle.Trace(
                probe.From.Switch, probe.Microflow, probe.StateText, choice);
            if (text is null) return null;
            var theirs = OvnTraceReader.Read(text, ports, probe.Values);
            if (Compared(ours).Equals(Compared(theirs))) return null;
            if (form != "--minimal")
            {
                text = oracle.Trace(
                    probe.From.Switch, probe.Microflow, probe.StateText, choice, form) ?? text;
            }

            last = (theirs, text);
        }

        return last;

        OracleVerdict Compared(OracleVerdict verdict)
        {
            verdict = verdict.WithoutAskedTwice(sender);
            return probe.Packet.EthernetDestination == MacBytes.Broadcast
                ? verdict.WithoutRejections()
                : verdict;
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out var number)
            ? number
            : otherwise;

    private static void Compare(
        OvnOracle oracle, RandomNetwork network, int packets, List<string> differences)
    {
        var database = LogicalLab.Apply(LogicalLab.EmptyNorthbound(), network.Operations);
        oracle.Load(network.Operations);
        var random = new Random(network.Seed);
        for (var i = 0; i < packets; i++)
        {
            var probe = OracleProbe.Random(network, random);
            if (Difference(oracle, network, database, probe, keepsConntrack: false)
                is not { } difference
                || Difference(oracle, network, database, probe, keepsConntrack: true) is null)
            {
                continue;
            }

            differences.Add(
                $"network {network.Seed} packet {i}: ct={probe.StateText} {probe.Microflow}\n"
                + difference);
        }
    }

    /// <summary>Null when both say the same.</summary>
    private static string? Difference(
        OvnOracle oracle, RandomNetwork network, DatabaseSnapshot database, OracleProbe probe,
        bool keepsConntrack)
    {
        var lab = new LogicalLab(
            database, () => new ScriptedConntrack(probe.State),
            Placement(network, keepsConntrack), keepsConntrack);
        var ours = probe.Send(lab, out var backend);

        // Where nothing came out nobody knows which backend it was: any verdict will do.
        var isLost = backend is null && probe.Values.ContainsKey("vip");
        IEnumerable<string?> backends = isLost
            ? [null, .. network.Backends.Distinct()]
            : [backend];
        var choices = from choice in backends
                      from hop in network.EqualCostIds
                      select new OracleChoice(choice, hop);
        return Judge(oracle, network, probe, choices, ours) is var (theirs, text)
            ? $"  ours:   {ours}\n  theirs: {theirs}\n{text}"
            : null;
    }

    /// <summary>Ports by host, those without any among them.</summary>
    private static (string Host, string[] Ports)[] Placement(
        RandomNetwork network, bool isOnOneHost) =>
    [
        .. ((string[])["host1", "host2", "host3"]).Select(host => (
            host,
            network.Ports.Where(port =>
                    (isOnOneHost || network.IsOnOneHost ? "host1" : port.Host) == host)
                .Select(port => port.Name)
                .Concat(host == "host1" && network.HasLocalnet
                    ? [RandomNetwork.Localnet]
                    : [])
                .ToArray())),
    ];
}
