using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Fabric.Benchmarks.OpenFlow;

/// <summary>What ovs-ofctl waits for, beside ovs-vswitchd, and what a miss costs.</summary>
public sealed class OpenFlowBenchmark : IBenchmark
{
    private const int FlowCount = 100_000;
    private const int QuickFlowCount = 20_000;
    private const int ChangeCount = 100;

    public string Name => "openflow";
    public string Summary => "flow tables filled, dumped and emptied by ovs-ofctl; misses";

    public void Run(BenchmarkReport report)
    {
        report.Add(new Figure(
            "miss through 12 tables as OVN has them, one core", "us",
            new MissBenchmark().Microseconds(report.Runs), Kind: GoalKind.AtMost, Goal: 10));
        using var lab = new Lab();
        var theirs = new RealSwitch(lab, lab.Namespace("theirs"));
        var ours = new DropInSwitch(lab, lab.Namespace("ours"));
        string[] bridge = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
            "fail_mode=secure"];
        theirs.Vsctl(bridge);
        ours.Vsctl(bridge);
        var count = report.IsQuick ? QuickFlowCount : FlowCount;
        var file = Path.Combine(lab.Folder, "flows");
        File.WriteAllText(file, Flows(count));
        MeasureMemory(report, ours, theirs, file, count);
        Compare(report, ours, theirs, $"add-flows, {count} one by one",
            ["add-flows", "br0", file], empties: true);
        Compare(report, ours, theirs, $"add-flows --bundle, {count}",
            ["-OOpenFlow14", "--bundle", "add-flows", "br0", file], empties: true);
        ours.Ofctl("-OOpenFlow14", "--bundle", "add-flows", "br0", file);
        theirs.Ofctl("-OOpenFlow14", "--bundle", "add-flows", "br0", file);
        Compare(report, ours, theirs, $"dump-flows, {count}", ["dump-flows", "br0"], false);
        CompareDeletion(report, ours, theirs, file, count);
        report.Add(new Figure(
            $"a stale megaflow lives, p99 of {ChangeCount}", "s",
            new StaleBenchmark(ours).Percentile99(ChangeCount), Kind: GoalKind.AtMost, Goal: 1));
    }

    /// <summary>The first thing that either daemon does: nothing old is counted.</summary>
    private static void MeasureMemory(
        BenchmarkReport report, DropInSwitch ours, RealSwitch theirs, string file, int count)
    {
        string[] fill = ["-OOpenFlow14", "--bundle", "add-flows", "br0", file];
        ours.Ofctl(fill);
        theirs.Ofctl(fill);
        report.Add(new Figure(
            $"memory with {count} flows", "MB", Megabytes(ours.Daemon),
            Megabytes(theirs.Daemon), "ovs-vswitchd", GoalKind.AtMost, 300));
        ours.Ofctl("del-flows", "br0");
        theirs.Ofctl("del-flows", "br0");
    }

    private static void Compare(
        BenchmarkReport report, DropInSwitch ours, RealSwitch theirs, string name,
        string[] words, bool empties)
    {
        var (a, b) = report.Alternate(
            () => Timed(ours.Ofctl, words, empties), () => Timed(theirs.Ofctl, words, empties));
        report.Add(new Figure(
            name, "s", a, b, "ovs-vswitchd", GoalKind.RatioAtMost, 1));
    }

    private static double Timed(
        Func<string[], string> ofctl, string[] words, bool empties)
    {
        var watch = Stopwatch.StartNew();
        ofctl(words);
        var seconds = watch.Elapsed.TotalSeconds;
        if (empties) ofctl(["del-flows", "br0"]);
        return seconds;
    }

    private static void CompareDeletion(
        BenchmarkReport report, DropInSwitch ours, RealSwitch theirs, string file, int count)
    {
        string[] fill = ["-OOpenFlow14", "--bundle", "add-flows", "br0", file];
        var (a, b) = report.Alternate(
            () => Deletion(ours.Ofctl), () => Deletion(theirs.Ofctl));
        report.Add(new Figure(
            $"del-flows, {count}", "s", a, b, "ovs-vswitchd", GoalKind.RatioAtMost, 1));

        double Deletion(Func<string[], string> ofctl)
        {
            ofctl(fill);
            return Timed(ofctl, ["del-flows", "br0"], empties: false);
        }
    }

    private static string Flows(int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            var (high, low) = (i >> 8 & 255, i & 255);
            text.Append(CultureInfo.InvariantCulture,
                $"table={i % 10},priority={100 + (i % 7)},tcp,nw_src=10.{i >> 16}.{high}.{low},"
                + $"nw_dst=192.168.{high}.{low},tp_dst={(i % 1000) + 1},"
                + $"actions=output:{(i % 10) + 1}\n");
        }

        return text.ToString();
    }

    private static double Megabytes(Process process)
    {
        var line = File.ReadLines($"/proc/{process.Id}/status")
            .First(each => each.StartsWith("VmRSS:", StringComparison.Ordinal));
        var kilobytes = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return double.Parse(kilobytes, CultureInfo.InvariantCulture) / 1024;
    }
}
