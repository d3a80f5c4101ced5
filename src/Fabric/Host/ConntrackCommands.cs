using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Fabric.Datapath;

namespace Fabric.Host;

/// <summary>dpctl's commands about connections, and the same under `fabric conntrack`.</summary>
public static class ConntrackCommands
{
    /// <param name="tracker">The tracker at hand; null while there is no datapath.</param>
    /// <param name="flows">Where dpif/show and bridge/dump-flows are, if not here.</param>
    public static void Register(
        UnixctlCommands commands, Func<IDatapathConntrack?> tracker,
        UnixctlCommands? flows = null)
    {
        var events = new ConntrackEventLog(tracker);
        Add("dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, Dump);
        Add("conntrack/dump", "[-m] [-s] [ZONE]", 0, 4, Dump);
        Add("dpctl/dump-conntrack-exp", "[dp] [zone=N]", 0, 2, DumpExpected);
        Add("conntrack/expected", "[ZONE]", 0, 2, DumpExpected);
        Add("dpctl/flush-conntrack",
            "[dp] [zone=N] [mark=X[/M]] [labels=X[/M]] [ct-orig-tuple] [ct-reply-tuple]", 0, 6,
            (connections, arguments, _) =>
            {
                connections.Flush(ConntrackFilterText.Parse(arguments));
                return "";
            });
        Add("conntrack/flush", "[ZONE] [mark=X[/M]] [ct-orig-tuple]", 0, 6,
            (connections, arguments, isJson) =>
            {
                var count = connections.Flush(ConntrackFilterText.Parse(arguments));
                return isJson ? $"{{\"removed\":{count}}}\n" : $"{count} connections removed\n";
            });
        Add("conntrack/events", "SINCE [ZONE]", 1, 2,
            (_, arguments, _) => events.Since(arguments));
        Add("dpctl/ct-stats-show", "[-m] [dp] [zone=N]", 0, 3, Statistics);
        Add("dpctl/ct-bkts", "[dp] [gt=N]", 0, 2, Buckets);
        ConntrackSettingsCommands.Register(Add);
        ConntrackPolicies.Register(commands, flows ?? commands);

        void Add(string name, string usage, int min, int max, ConntrackCommand run) =>
            commands.Register(name, usage, min, IsOfDpctl(name) ? max : max + 1,
                request => Task.FromResult(Run(name, () =>
                {
                    if (IsOfDpctl(name)) CheckDatapath(request.Arguments, max);
                    return run(
                        tracker() ?? throw new UnixctlException("no datapaths exist"),
                        [.. request.Arguments.Where(a => a != "--json" && !IsDatapath(a))],
                        request.IsJson || request.Arguments.Contains("--json"));
                })));
    }

    private static bool IsOfDpctl(string name) =>
        name.StartsWith("dpctl/", StringComparison.Ordinal);

    /// <summary>With as many words as there may be, the first one is a datapath.</summary>
    private static void CheckDatapath(ImmutableArray<string> arguments, int max)
    {
        var words = arguments.Where(each => !each.StartsWith('-')).ToList();
        if (words.Count >= max && !IsDatapath(words[0]))
        {
            throw NotFound();
        }
    }

    private static UnixctlException NotFound() =>
        new("datapath not found (Invalid argument)");

    /// <summary>dpctl's complaints name the program that complains.</summary>
    private static string Run(string name, Func<string> run)
    {
        try
        {
            return run();
        }
        catch (UnixctlException error) when (IsOfDpctl(name))
        {
            throw new UnixctlException("ovs-vswitchd: " + error.Message);
        }
    }

    /// <summary>There is one tracker: a datapath's name may be given and changes nothing.</summary>
    private static bool IsDatapath(string argument) =>
        argument is "system@ovs-system" or "ovs-system" or "netdev@ovs-netdev"
            or "dummy@ovs-dummy";

    private static string Dump(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        var text = new StringBuilder();
        var hasStatistics = arguments.Contains("-s") || arguments.Contains("--statistics");
        var isVerbose = arguments.Contains("-m") || arguments.Contains("--more");
        if (isJson) return ConntrackJson.Connections(connections, OnlyZoneOf(arguments));
        connections.Dump(OnlyZoneOf(arguments), entry => text.Append(
            ConntrackText.Print(entry, hasStatistics, isVerbose)).Append('\n'));
        return text.ToString();
    }

    private static string DumpExpected(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        var text = new StringBuilder();
        connections.DumpExpectations(OnlyZoneOf(arguments), expected =>
            text.Append(ConntrackText.Print(expected)).Append('\n'));
        return text.ToString();
    }

    private static string Statistics(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        var byProtocol = new SortedDictionary<byte, int>();
        var byState = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var total = 0;
        connections.Dump(OnlyZoneOf(arguments), entry =>
        {
            total++;
            var protocol = entry.Original.Protocol ?? 0;
            byProtocol[protocol] = byProtocol.GetValueOrDefault(protocol) + 1;
            if (entry.State is { } state) byState[state] = byState.GetValueOrDefault(state) + 1;
        });

        var text = new StringBuilder("Connections Stats:\n");
        text.Append(CultureInfo.InvariantCulture, $"    Total: {total}\n");
        var hasStates = arguments.Any(each => each is "-m" or "--more" or "verbose");
        foreach (var protocol in byProtocol.Keys.OrderBy(RankOf))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"  {StatisticsNameOf(protocol)}: {byProtocol[protocol]}\n");
            if (protocol != 6 || !hasStates) continue;
            text.Append("    Conn per TCP states:\n");
            foreach (var (state, count) in byState)
            {
                text.Append(CultureInfo.InvariantCulture, $"\t  [{state}]={count}\n");
            }
        }

        return text.ToString();
    }

    private static int RankOf(byte protocol) => protocol switch { 6 => 0, 17 => 1, _ => 2 };

    private static string StatisticsNameOf(byte protocol) => protocol switch
    {
        1 => "ICMP",
        6 => "TCP",
        17 => "UDP",
        58 => "ICMPv6",
        132 => "SCTP",
        _ => "Others",
    };

    private static string Buckets(
        IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson)
    {
        var least = 0;
        foreach (var word in arguments.Where(each => !each.StartsWith('-')))
        {
            if (!word.StartsWith("gt=", StringComparison.Ordinal)
                || !int.TryParse(word.AsSpan(3), NumberStyles.None, null, out least))
            {
                throw NotFound();
            }
        }

        var sizes = connections.BucketSizes();
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"Total Buckets: {sizes.Length}\nCurrent Connections: {sizes.Sum()}\n\n");
        if (sizes.Sum() == 0) return text.ToString();
        text.Append("+-----------+-----------------------------------------+\n"
            + "|  Buckets  |         Connections per Buckets         |\n"
            + "+-----------+-----------------------------------------+");
        for (var bucket = 0; bucket < sizes.Length; bucket++)
        {
            if (bucket % 8 == 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n {bucket,3}..{bucket + 7,3}   | ");
            }

            text.Append(sizes[bucket] > least
                ? sizes[bucket].ToString(CultureInfo.InvariantCulture).PadLeft(5)
                : "    .");
        }

        return text.Append("\n\n").ToString();
    }

    /// <summary>
    /// The zone of words that may name one; what is none is taken for a datapath, as dpctl does.
    /// </summary>
    private static ushort? OnlyZoneOf(ImmutableArray<string> arguments)
    {
        ImmutableArray<string> words =
            [.. arguments.Where(each => !each.StartsWith('-') && each != "verbose")];
        if (words.IsEmpty) return null;
        return words.Length == 1 && ZoneOf(words[0]) is { } zone ? zone : throw NotFound();
    }

    /// <summary>zone=N, or N alone; of larger numbers the lower 16 bits.</summary>
    internal static ushort? ZoneOf(string word)
    {
        var isNamed = word.StartsWith("zone=", StringComparison.Ordinal);
        var digits = isNamed ? word.AsSpan(5) : word;
        return uint.TryParse(digits, NumberStyles.None, null, out var zone) ? (ushort)zone : null;
    }
}

/// <param name="arguments">Without "--json" and the datapath's name.</param>
public delegate string ConntrackCommand(
    IDatapathConntrack connections, ImmutableArray<string> arguments, bool isJson);
