using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Fabric.Datapath;
using Fabric.Switching;

namespace Fabric.Host;

/// <summary>dpif-netdev/pmd-*: what packet threads do, and which ports they poll.</summary>
public static class DatapathThreadCommands
{
    public static void Register(UnixctlCommands commands, SwitchStore store)
    {
        var cleared = new ClearedCounters();
        Add("dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, words => string.Concat(
            ThreadsOf(store, words).Select(each => Counters(
                each.Head, each.Now - cleared.Of(each.Key), each.Key.IsThread,
                cleared.SinceOf(each.Key)))));
        Add("dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, words =>
        {
            foreach (var each in ThreadsOf(store, words)) cleared.Clear(each.Key, each.Now);
            return "";
        });
        Add("dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 0, 5,
            words => ShowQueues(store, words));

        // Histograms are of threads that poll; these sleep while there is nothing to do.
        Add("dpif-netdev/pmd-perf-show",
            "[-nh] [-it iter-history-len] [-ms ms-history-len] [-pmd core] [dp]", 0, 8, _ => "");
        Add("dpif-netdev/pmd-perf-log-set",
            "on|off [-b before] [-a after] [-e|-ne] [-us usec] [-q qlen]", 0, 10, words =>
                IsLogSetting(words)
                    ? "" : throw new UnixctlException(
                        "Usage: ovs-appctl dpif-netdev/pmd-perf-log-set "
                        + "[on|off] [-b before] [-a after] [-e|-ne] [-us usec] [-q qlen]"));
        Add("dpif-netdev/pmd-rxq-rebalance", "[dp]", 0, 1, words =>
            words.IsEmpty || DatapathLookup.Find(store, words[0]) is not null
                // Ports are moved between threads every few seconds anyway.
                ? "pmd rxq rebalance requested.\n"
                : throw new UnixctlException("please specify an existing datapath"));

        // Bonds are hashed by the megaflows themselves: there is no table of them to show.
        Add("dpif-netdev/bond-show", "[dp]", 0, 1, words => IsOne(store, words)
            ? "" : throw new UnixctlException("please specify an existing datapath"));

        void Add(
            string name, string usage, int min, int max,
            Func<ImmutableArray<string>, string> run) => commands.Register(
            name, usage, min, max, request => Task.FromResult(run(request.Arguments)));
    }

    /// <summary>A name without its type, or none where there is one datapath.</summary>
    private static bool IsOne(SwitchStore store, ImmutableArray<string> words) =>
        store.ShownDatapaths.Count(each => each.Type != "system"
            && (words.IsEmpty || DatapathLookup.Split(each.Provider.Name).Name == words[0])) == 1;

    private static bool IsLogSetting(ImmutableArray<string> words)
    {
        for (var at = 0; at < words.Length; at++)
        {
            if (words[at] is "on" or "off" or "-e" or "-ne") continue;
            if (words[at] is not ("-b" or "-a" or "-us" or "-q")) return false;
            if (++at == words.Length || !uint.TryParse(words[at], out _)) return false;
        }

        return true;
    }

    /// <summary>The datapath that is named; that which there is, where none of these is.</summary>
    private static IDatapathProvider? Chosen(SwitchStore store, ImmutableArray<string> words) =>
        (words.Select(word => DatapathLookup.Find(store, word)).LastOrDefault(each => each != null)
            ?? store.Datapaths.FirstOrDefault(each => each.Type != "system"))?.Provider;

    /// <summary>Threads of the chosen datapath, those of -pmd CORE only if that is said.</summary>
    private static IEnumerable<(ThreadKey Key, string Head, ThreadCounters Now)> ThreadsOf(
        SwitchStore store, ImmutableArray<string> words)
    {
        if (Chosen(store, words) is not { } provider) yield break;
        var core = CoreOf(words);
        if (provider is not UserspaceDatapath managed)
        {
            var totals = provider.Statistics();
            yield return (new ThreadKey(provider.Name, -1), "main thread:\n",
                ThreadCounters.Of(totals));
            yield break;
        }

        var main = new ThreadCounters();
        var index = 0;
        foreach (var each in managed.ThreadStatistics())
        {
            if (each.Name == "main")
            {
                main += ThreadCounters.Of(each);
                continue;
            }

            if (core is null || core == index)
            {
                yield return (new ThreadKey(provider.Name, index), Head(index),
                    ThreadCounters.Of(each));
            }

            index++;
        }

        if (core is null)
        {
            yield return (new ThreadKey(provider.Name, -1), "main thread:\n", main);
        }
    }

    private static string Head(int core) => $"pmd thread numa_id 0 core_id {core}:\n";

    private static int? CoreOf(ImmutableArray<string> words) => NumberAfter(words, "-pmd");

    private static int? NumberAfter(ImmutableArray<string> words, string option)
    {
        var at = words.IndexOf(option);
        return at >= 0 && at + 1 < words.Length && int.TryParse(words[at + 1], out var number)
            ? number : null;
    }

    private static string Counters(
        string head, ThreadCounters counted, bool isThread, TimeSpan since)
    {
        var text = new StringBuilder(head);
        var passes = counted.Received + counted.Recirculated;
        text.Append($"  packets received: {counted.Received}\n");
        text.Append($"  packet recirculations: {counted.Recirculated}\n");
        Add("avg. datapath passes per packet", passes / Math.Max(1.0, counted.Received));
        // Caches that other builds of OVS have never hit here.
        text.Append("  phwol hits: 0\n  mfex opt hits: 0\n  simple match hits: 0\n");
        text.Append($"  emc hits: {counted.Cached}\n  smc hits: {counted.Signature}\n");
        text.Append($"  megaflow hits: {counted.Megaflow}\n");
        Add("avg. subtable lookups per megaflow hit",
            counted.Subtables / Math.Max(1.0, counted.Megaflow));
        var answered = counted.Missed - Math.Min(counted.Missed, counted.Lost);
        text.Append($"  miss with success upcall: {answered}\n");
        text.Append($"  miss with failed upcall: {counted.Lost}\n");
        if (!isThread) return text.ToString();
        var all = Math.Max(since.TotalSeconds, counted.Busy.TotalSeconds);
        AddCycles("idle cycles", all - counted.Busy.TotalSeconds, all);
        AddCycles("processing cycles", counted.Busy.TotalSeconds, all);
        return text.ToString();

        void Add(string name, double value) =>
            text.Append(CultureInfo.InvariantCulture, $"  {name}: {value:f2}\n");

        // Cycles of the clock that the process measures by.
        void AddCycles(string name, double seconds, double whole) => text.Append(
            CultureInfo.InvariantCulture,
            $"  {name}: {seconds * Stopwatch.Frequency:f0} ({Share(seconds, whole):f2}%)\n");
    }

    private static double Share(double part, double whole) =>
        whole <= 0 ? 0 : 100 * part / whole;

    private static string ShowQueues(SwitchStore store, ImmutableArray<string> words)
    {
        var seconds = NumberAfter(words, "-secs") ?? 60;
        var text = new StringBuilder($"Displaying last {seconds} seconds pmd usage %\n");
        var core = CoreOf(words);
        if (Chosen(store, words) is not UserspaceDatapath managed) return text.ToString();
        var names = managed.Dump().ToDictionary(port => port.Number, port => port.Name);
        var index = -1;
        foreach (var thread in managed.ThreadStatistics().Where(each => each.Name != "main"))
        {
            index++;
            if (core is { } wanted && wanted != index) continue;
            text.Append(Head(index)).Append("  isolated : false\n");
            foreach (var number in thread.Ports.Order())
            {
                // One queue a port is polled; how long each takes is counted by thread only.
                text.Append($"  port: {names.GetValueOrDefault(number, "?"),-16}  "
                    + "queue-id:  0 (enabled)   pmd usage: NOT AVAIL\n");
            }

            text.Append("  overhead: NOT AVAIL\n");
        }

        return text.ToString();
    }
}
