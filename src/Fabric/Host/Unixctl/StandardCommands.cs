using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Fabric.Host;

/// <summary>
/// Commands that every control socket has: version, exit, vlog, coverage, memory.
/// </summary>
public static class StandardCommands
{
    /// <param name="program">"ovs-vswitchd" or "ovsdb-server", as `version` prints it.</param>
    /// <param name="memory">name:count pairs of memory/show beside the process's own.</param>
    /// <param name="exit">Begins the orderly end; the argument says whether to clean up.</param>
    public static void Register(
        UnixctlCommands commands, string program, Vlog log, Coverage coverage,
        Func<ImmutableSortedDictionary<string, long>> memory, Action<bool> exit)
    {
        Add("version", "", 0, 0, _ => $"{program} (Open vSwitch) {Versions.OpenVSwitch}\n");
        Add("exit", "[--cleanup]", 0, 1, request =>
        {
            exit(request.Arguments is ["--cleanup"]);
            return "";
        });
        Add("coverage/show", "", 0, 0, _ => coverage.Show());
        Add("coverage/read-counter", "COUNTER", 1, 1, request =>
            coverage.Read(request.Arguments[0]) is { } count
                ? $"{count}\n"
                : throw new UnixctlException("No such counter"));
        Add("memory/show", "", 0, 0, _ => Memory(memory()));
        Add("vlog/list", "", 0, 0, _ => log.List());
        Add("vlog/list-pattern", "", 0, 0, _ => log.ListPatterns());
        Add("vlog/set", "{spec | PATTERN:destination:pattern}", 1, int.MaxValue, request =>
        {
            foreach (var words in request.Arguments)
            {
                if (log.Set(words) is { } problem) throw new UnixctlException(problem);
            }

            return "";
        });
        Add("vlog/reopen", "", 0, 0, _ => Done(log.Reopen));
        Add("vlog/close", "", 0, 0, _ => Done(log.Close));
        Add("vlog/enable-rate-limit", "[module]...", 0, int.MaxValue,
            request => Limit(log, request, isLimited: true));
        Add("vlog/disable-rate-limit", "[module]...", 0, int.MaxValue,
            request => Limit(log, request, isLimited: false));

        void Add(string name, string usage, int min, int max, Func<UnixctlRequest, string> run) =>
            commands.Register(name, usage, min, max, request => Task.FromResult(run(request)));
    }

    private static string Done(Action action)
    {
        action();
        return "";
    }

    private static string Limit(Vlog log, UnixctlRequest request, bool isLimited)
    {
        if (request.Arguments.IsEmpty) log.SetRateLimit(null, isLimited);
        foreach (var module in request.Arguments)
        {
            if (!log.SetRateLimit(module, isLimited))
            {
                throw new UnixctlException("unknown module");
            }
        }

        return "";
    }

    private static string Memory(ImmutableSortedDictionary<string, long> counts)
    {
        using var process = Process.GetCurrentProcess();
        var pairs = counts
            .SetItem("gc-heap-kB", GC.GetTotalMemory(forceFullCollection: false) / 1024)
            .SetItem("resident-kB", process.WorkingSet64 / 1024);
        return string.Join(' ', pairs.Select(pair =>
            string.Create(CultureInfo.InvariantCulture, $"{pair.Key}:{pair.Value}"))) + "\n";
    }
}

/// <summary>Versions that tools ask for.</summary>
public static class Versions
{
    /// <summary>The Open vSwitch that scripts shall take this for.</summary>
    public const string OpenVSwitch = "3.7.0";
    public const string Database = "8.8.0";
}

/// <summary>Event counters with their rates: coverage/show.</summary>
/// <remarks>
/// Counters belong to those who count; they are read through functions given at start. Rates
/// come from readings that <see cref="Sample"/> takes every five seconds.
/// </remarks>
public sealed class Coverage
{
    private const int SamplesMax = 721; // An hour of five-second samples, and its start.

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Counter> _counters = new(StringComparer.Ordinal);

    private sealed class Counter(Func<ulong> read)
    {
        public Func<ulong> Read { get; set; } = read;
        public Queue<ulong> Samples { get; } = new();
    }

    /// <summary>Adds a counter, or replaces the reader of one.</summary>
    public void Add(string name, Func<ulong> read)
    {
        lock (_gate)
        {
            if (_counters.TryGetValue(name, out var counter)) counter.Read = read;
            else _counters[name] = new Counter(read);
        }
    }

    /// <summary>Remembers all readings; called every five seconds.</summary>
    public void Sample()
    {
        lock (_gate)
        {
            foreach (var counter in _counters.Values)
            {
                counter.Samples.Enqueue(counter.Read());
                if (counter.Samples.Count > SamplesMax) counter.Samples.Dequeue();
            }
        }
    }

    /// <summary>The counter's total, or null when there is none of that name.</summary>
    public ulong? Read(string name)
    {
        lock (_gate) return _counters.TryGetValue(name, out var counter) ? counter.Read() : null;
    }

    /// <summary>All totals by name.</summary>
    public ImmutableSortedDictionary<string, ulong> Totals()
    {
        lock (_gate)
        {
            return _counters.ToImmutableSortedDictionary(
                pair => pair.Key, pair => pair.Value.Read(), StringComparer.Ordinal);
        }
    }

    public string Show()
    {
        var text = new StringBuilder();
        var never = 0;
        var hash = new HashCode();
        lock (_gate)
        {
            foreach (var (name, counter) in _counters)
            {
                var total = counter.Read();
                hash.Add(total);
                if (total == 0)
                {
                    never++;
                    continue;
                }

                text.Append(CultureInfo.InvariantCulture,
                    $"{name,-24} {Rate(counter, total, 1):0.0}/sec {Rate(counter, total, 12),9:0.000}/sec ");
                text.Append(CultureInfo.InvariantCulture,
                    $"{Rate(counter, total, 720),13:0.0000}/sec   total: {total}\n");
            }
        }

        return string.Create(CultureInfo.InvariantCulture,
            $"Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash={(uint)hash.ToHashCode():x8}:\n{text}{never} events never hit\n");
    }

    /// <summary>Events per second over the last 'count' samples.</summary>
    private static double Rate(Counter counter, ulong total, int count)
    {
        if (counter.Samples.Count == 0) return 0;
        var index = Math.Max(0, counter.Samples.Count - count);
        var then = counter.Samples.ElementAt(index);
        return total > then ? (total - then) / (count * 5.0) : 0;
    }
}
