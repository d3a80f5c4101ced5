using System.Diagnostics;

namespace Fabric.Benchmarks.OpenFlow;

/// <summary>How long a cached decision outlives the change of the flow that it came from.</summary>
/// <remarks>
/// A packet makes a megaflow; then its flow gets another output, and the datapath's flows are read
/// until they have it. What reading costs is in the figure, too: some 10 ms.
/// </remarks>
internal sealed class StaleBenchmark(DropInSwitch ours)
{
    private const string Bridge = "stale";
    private const string Packet = "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),"
        + "eth_type(0x1234)";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Seconds that 99 of 100 decisions live at most after they became wrong.</summary>
    public double Percentile99(int changes)
    {
        ours.Vsctl("add-br", Bridge, "--", "set", "bridge", Bridge, "datapath_type=dummy",
            "fail_mode=secure");
        string[] outputs = ["stale2", "stale3"];
        foreach (var port in (string[])["stale1", .. outputs])
        {
            ours.Vsctl("add-port", Bridge, port, "--", "set", "interface", port, "type=dummy");
        }

        var seconds = new List<double>();
        for (var i = 0; i < changes; i++)
        {
            Change(outputs[i % 2]);
            ours.Appctl("netdev-dummy/receive", "stale1", Packet);
            AwaitOutput(outputs[i % 2]);
            Change(outputs[(i + 1) % 2]);
            seconds.Add(AwaitOutput(outputs[(i + 1) % 2]));
        }

        ours.Vsctl("del-br", Bridge);
        seconds.Sort();
        return seconds[(changes * 99 / 100) - 1];
    }

    private void Change(string output) =>
        ours.Ofctl("add-flow", Bridge, $"actions=output:{output}");

    private double AwaitOutput(string output)
    {
        var watch = Stopwatch.StartNew();
        while (!ours.Appctl("dpctl/dump-flows", "--names", "dummy@ovs-dummy")
            .Contains($"actions:{output}", StringComparison.Ordinal))
        {
            if (watch.Elapsed > Patience)
                throw new InvalidOperationException($"no megaflow to {output}");
        }

        return watch.Elapsed.TotalSeconds;
    }
}
