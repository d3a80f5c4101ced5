using System.Collections.Immutable;
using System.Globalization;
using Fabric.Host;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>fabric appctl [-t TARGET] [-T SECONDS] COMMAND [ARGUMENT]...</summary>
internal static class AppctlTool
{
    private const string Usage =
        "usage: fabric appctl [-t TARGET] [-T SECONDS] [-f text|json] COMMAND [ARGUMENT]...\n"
        + "TARGET: a daemon's name (default ovs-vswitchd) or the path of its control socket";

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        var (target, seconds, isJson) = ("", 30.0, false);
        var words = new Queue<string>(arguments);
        while (words.TryPeek(out var word) && word.StartsWith('-'))
        {
            words.Dequeue();
            if (word is "-h" or "--help")
            {
                await output.WriteLineAsync(Usage);
                return ExitCode.Ok;
            }

            var (name, value) = Option(word, words);
            if (name is "-t" or "--target") target = value;
            else if (name is "-f" or "--format") isJson = value == "json";
            else if (name is not ("-T" or "--timeout") || !double.TryParse(
                value, CultureInfo.InvariantCulture, out seconds))
            {
                await error.WriteLineAsync($"fabric appctl: {word}: no such option\n{Usage}");
                return ExitCode.Usage;
            }
        }

        if (!words.TryDequeue(out var command))
        {
            await error.WriteLineAsync(Usage);
            return ExitCode.Usage;
        }

        if (target == "") target = DefaultTarget();
        var answer = await UnixctlClient.AskAsync(
            ToolVerbs.RunFolder, target, command, [.. words], TimeSpan.FromSeconds(seconds),
            isJson);
        if (answer.Error is { } refused)
        {
            await error.WriteAsync(refused.EndsWith('\n') ? refused : refused + '\n');
            await error.WriteLineAsync($"fabric appctl: {target}: server returned an error");
            return answer.IsReached ? 2 : 1;
        }

        await output.WriteAsync(isJson ? answer.Text + "\n" : answer.Text);
        return ExitCode.Ok;
    }

    /// <summary>The one control socket of ovs-vswitchd, with or without a process id.</summary>
    private static string DefaultTarget() =>
        Directory.Exists(ToolVerbs.RunFolder)
            && Directory.GetFiles(ToolVerbs.RunFolder, "ovs-vswitchd*.ctl") is [var only]
            ? only
            : "ovs-vswitchd";

    internal static (string Name, string Value) Option(string word, Queue<string> words)
    {
        var at = word.IndexOf('=');
        if (at > 0) return (word[..at], word[(at + 1)..]);
        if (word.Length > 2 && word[1] != '-') return (word[..2], word[2..]);
        return (word, words.TryDequeue(out var value) ? value : "");
    }
}
