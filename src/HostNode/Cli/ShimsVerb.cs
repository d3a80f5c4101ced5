using System.CommandLine;
using Fabric.Configuration;

namespace Fabric.HostNode.Cli;

/// <summary>fabric shims: launchers under the names of the stock programs.</summary>
internal static class ShimsVerb
{
    public static Command Create()
    {
        var folder = new Argument<string>("DIR") { Description = "Made if it is not there." };
        var verb = new Command("shims",
            "Writes launchers named as the stock programs; put DIR first on PATH to use them.\n"
            + "Example: fabric shims /usr/local/lib/fabric/shims")
        {
            folder,
        };
        verb.SetAction(result =>
        {
            var path = result.GetValue(folder)!;
            try
            {
                Directory.CreateDirectory(path);
                foreach (var (name, word) in DropInVerbs.Shims)
                {
                    Write(Path.Combine(path, name), word);
                    Console.WriteLine(Path.Combine(path, name));
                }

                return ExitCode.Ok;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"fabric shims: {error.Message}");
                return ExitCode.Failed;
            }
        });
        return verb;
    }

    private static string ToolScript(string words) => $"#!/bin/sh\nexec {words} \"$@\"\n";

    /// <summary>
    /// The server's code is compiled ahead and good as it is: to compile it anew while it runs
    /// costs more processor time than it saves in the first 100,000 transactions. The switch's
    /// packet paths gain by that, and keep it.
    /// </summary>
    private const string ServerSetting = "DOTNET_TieredCompilation";

    /// <summary>Detaches by itself, so that the program starts once and not twice.</summary>
    private static string DaemonScript(string words, string setting) => $$"""
        #!/bin/sh
        {{setting}}
        detach= monitor=
        for word do
          case $word in --detach) detach=1 ;; --monitor) monitor=1 ;; esac
        done
        set -- {{words}} "$@"
        if [ -z "$detach" ]; then
          [ -n "$monitor" ] && [ -z "$FABRIC_MONITOR_STATE" ] || exec "$@"
          {{DetachedProcess.MonitorScript}}
        fi
        {{DetachedProcess.Script}}

        """;

    private static void Write(string path, string verb)
    {
        var words = string.Join(' ', Executable.Words.Append(verb).Where(word => word != "")
            .Select(word => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        var isDaemon = verb is "vswitchd" or "ovsdb-server";
        File.WriteAllText(path, isDaemon
            ? DaemonScript(words, verb == "ovsdb-server" ? $"export {ServerSetting}=0" : "")
            : ToolScript(words));
        if (OperatingSystem.IsWindows()) return;
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite
            | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }
}
