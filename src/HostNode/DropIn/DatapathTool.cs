using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Host;

namespace Fabric.HostNode.DropIn;

/// <summary>`fabric dpctl`: ovs-dpctl for the datapath at hand, whatever it is made of.</summary>
/// <remarks>
/// The stock program needs a kernel module. This one asks the process that runs the datapath,
/// through its control socket: `ovs-dpctl -m dump-flows` is `dpctl/dump-flows -m`.
/// </remarks>
internal static class DatapathTool
{
    private const string Program = "ovs-dpctl";

    // Options that dpctl commands take; what else the stock tool knows is for kernel datapaths.
    private static readonly ImmutableArray<(string Name, string Passed)> Passed =
    [
        ("-m", "-m"), ("--more", "-m"), ("-s", "-s"), ("--statistics", "-s"),
        ("--names", "--names"), ("--no-names", "--no-names"), ("--clear", "--clear"),
        ("--may-create", "--may-create"), ("--read-only", ""),
    ];

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var target = "ovs-vswitchd";
        var timeout = Timeout.InfiniteTimeSpan;
        var options = new List<string>();
        var words = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            var word = arguments[i];
            switch (word)
            {
                case "--version" or "-V":
                    await output.WriteLineAsync($"{Program} (Open vSwitch) {Versions.OpenVSwitch}");
                    return 0;
                case "--help" or "-h":
                    await output.WriteLineAsync(Usage);
                    return 0;
                case "-t" or "--timeout" when i + 1 < arguments.Length:
                    if (TrySeconds(arguments[++i], ref timeout)) continue;
                    break;
                case "--target" when i + 1 < arguments.Length:
                    target = arguments[++i];
                    continue;
            }

            if (word.StartsWith("--timeout=", StringComparison.Ordinal)
                && TrySeconds(word[10..], ref timeout))
            {
                continue;
            }

            var known = Passed.FirstOrDefault(each => each.Name == word);
            if (known.Name is not null && known.Passed.Length > 0) options.Add(known.Passed);
            else if (known.Name is null && !word.StartsWith("-v", StringComparison.Ordinal))
            {
                words.Add(word);
            }
        }

        if (words.Count == 0)
        {
            await error.WriteLineAsync($"{Program}: missing command name; use --help for help");
            return 1;
        }

        return await AskAsync(target, words, options, timeout, output, error);
    }

    private static async Task<int> AskAsync(
        string target, List<string> words, List<string> options, TimeSpan timeout,
        TextWriter output, TextWriter error)
    {
        var answer = await UnixctlClient.AskAsync(
            OvsFolders.Run, target, $"dpctl/{words[0]}", [.. options, .. words[1..]], timeout);
        if (answer.Error is null)
        {
            await output.WriteAsync(answer.Text);
            return 0;
        }

        var isUnknown = answer.Error.Contains("is not a valid command", StringComparison.Ordinal);
        await error.WriteLineAsync(isUnknown
            ? $"{Program}: unknown command '{words[0]}'; use --help for help"
            : $"{Program}: {answer.Error.TrimEnd('\n')}");
        return 1;
    }

    private static bool TrySeconds(string text, ref TimeSpan timeout)
    {
        if (!uint.TryParse(text, out var seconds) || seconds > int.MaxValue / 1000) return false;
        timeout = seconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds);
        return true;
    }

    private const string Usage = """
        ovs-dpctl: Open vSwitch datapath management utility
        usage: ovs-dpctl [OPTIONS] COMMAND [ARG...]
          show [-s] [DP...]          ports and statistics of datapaths
          dump-dps                   names of datapaths
          dump-flows [-m] [DP]       flows of a datapath
          add-flow, mod-flow, del-flow, get-flow, del-flows
          dump-conntrack, flush-conntrack, ct-stats-show, ct-get-limits ...
        The commands are those of `ovs-appctl list-commands` under dpctl/, asked of the process
        that runs the datapath (--target NAME or SOCKET; ovs-vswitchd where nothing is said).

        Options:
          -m, --more                 more detail
          -s, --statistics           port statistics
          --names, --no-names        port names or numbers
          -t, --timeout=SECS         give up after SECS seconds
          -h, --help                 display this help message
          -V, --version              display version information
        """;
}
