using Fabric.Host;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>fabric appctl [-t TARGET] [-T SECONDS] COMMAND [ARGUMENT]...</summary>
internal static class AppctlTool
{
    private const int RefusedExitCode = 2;

    private const string Usage =
        """
        usage: fabric appctl [OPTION]... COMMAND [ARGUMENT]...
        Options:
          -t, --target=TARGET    a daemon's name (default ovs-vswitchd), or the path of its socket
          -T, --timeout=SECONDS  give up after this time
          -f, --format=FORMAT    text, or json where the daemon knows it
          -h, --help             this text
          -V, --version          the version of Open vSwitch whose tool this is like
        Each daemon says what it can with the command list-commands.
        """;

    public static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error)
    {
        try
        {
            return await RunAsync(
                new OptionReader(arguments, isOrdered: true), output, error);
        }
        catch (ToolException refused)
        {
            await error.WriteLineAsync($"fabric appctl: {refused.Message}");
            return ExitCode.Failed;
        }
    }

    private static async Task<int> RunAsync(
        OptionReader options, TextWriter output, TextWriter error)
    {
        var (target, isJson, limit) = ("", false, Timeout.InfiniteTimeSpan);
        while (options.Read())
        {
            switch (options.Name)
            {
                case "-h" or "--help":
                    await output.WriteLineAsync(Usage);
                    return ExitCode.Ok;
                case "-V" or "--version":
                    await output.WriteLineAsync(
                        $"ovs-appctl (Open vSwitch) {Versions.OpenVSwitch}");
                    return ExitCode.Ok;
                case "-t" or "--target": target = options.Value(); break;
                case "-T" or "--timeout": limit = options.Seconds("-T or --timeout"); break;
                case "-f" or "--format": isJson = options.Value() == "json"; break;
                // Levels of a log that this tool does not keep.
                case "-v" or "--verbose": break;
                default: throw options.Unknown();
            }
        }

        if (options.Words is not [var command, .. var words])
        {
            throw new ToolException(
                "at least one non-option argument is required (use --help for help)");
        }

        if (target == "") target = DefaultTarget();
        var answer = await UnixctlClient.AskAsync(
            ToolVerbs.RunFolder, SocketOf(target), command, [.. words], limit, isJson);
        if (answer is { Error: { } refused, IsReached: true })
        {
            await error.WriteAsync(refused.EndsWith('\n') ? refused : refused + '\n');
            await error.WriteLineAsync($"fabric appctl: {target}: server returned an error");
            return RefusedExitCode;
        }

        if (answer.Error is { } lost) throw new ToolException(lost);
        await output.WriteAsync(isJson ? answer.Text + "\n" : answer.Text);
        return ExitCode.Ok;
    }

    /// <summary>The one control socket of ovs-vswitchd, with or without a process id.</summary>
    private static string DefaultTarget() =>
        Directory.Exists(ToolVerbs.RunFolder)
            && Directory.GetFiles(ToolVerbs.RunFolder, "ovs-vswitchd*.ctl") is [var only]
            ? only
            : "ovs-vswitchd";

    /// <summary>A daemon's name by its file of the process id, which Windows has not.</summary>
    private static string SocketOf(string target)
    {
        if (Path.IsPathRooted(target) && !File.Exists(target))
        {
            throw new ToolException(
                $"cannot connect to \"{target}\" (No such file or directory)");
        }

        if (Path.IsPathRooted(target) || OperatingSystem.IsWindows()) return target;
        var file = Path.Combine(ToolVerbs.RunFolder, $"{target}.pid");
        return File.Exists(file)
            ? target
            : throw new ToolException(
                $"cannot read pidfile \"{file}\" (No such file or directory)");
    }
}
