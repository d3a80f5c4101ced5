using System.Net.Sockets;
using System.Text;
using Fabric.HostNode.Cli;
using Fabric.Wire.OpenFlow;

namespace Fabric.HostNode.Tools;

/// <summary>fabric ofctl: the commands of ovs-ofctl that concern a switch.</summary>
internal static class OfctlTool
{
    private static readonly OfctlCommand[] Commands =
    [
        .. OfctlSwitch.Commands, .. OfctlPorts.Commands, .. OfctlFlows.Commands,
        .. OfctlFlowFiles.Commands, .. OfctlGroups.Commands, .. OfctlMeters.Commands,
        .. OfctlQueues.Commands, .. OfctlPackets.Commands, .. OfctlEcho.Commands,
        .. OfctlMonitor.Commands,
    ];

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(
        string[] arguments, TextWriter output, TextWriter error,
        CancellationToken cancellation = default)
    {
        try
        {
            var options = OfctlOptions.Parse(arguments, out var words);
            if (options.IsHelp)
            {
                await output.WriteLineAsync(Usage());
                return ExitCode.Ok;
            }

            var command = Find(words);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(
                options.Limit ?? (command.IsEndless ? Timeout.InfiniteTimeSpan : s_limit));
            // What comes unasked goes to standard error, as the stock tool has it.
            await using var call = new OfctlCall(
                options, words[1..], command.IsEndless ? error : output, limit.Token);
            await command.Run(call);
            return call.ExitCode;
        }
        catch (OfctlRefusal refusal)
        {
            await error.WriteLineAsync(refusal.Message);
        }
        catch (ToolException refused)
        {
            await error.WriteLineAsync($"fabric ofctl: {refused.Message}");
        }
        catch (Exception failed) when (failed is SocketException or IOException
            or UnauthorizedAccessException or OperationCanceledException)
        {
            await error.WriteLineAsync($"fabric ofctl: {failed.Message}");
        }

        return ExitCode.Failed;
    }

    private static OfctlCommand Find(string[] words)
    {
        if (words.Length == 0)
            throw new ToolException("missing command name; use --help for help");
        var command = Array.Find(Commands, one => one.Name == words[0])
            ?? throw new ToolException($"unknown command '{words[0]}'; use --help for help");
        var count = words.Length - 1;
        if (count < command.Least)
        {
            throw new ToolException(
                $"'{command.Name}' command requires at least {command.Least} arguments");
        }

        return count <= command.Most
            ? command
            : throw new ToolException(
                $"'{command.Name}' command takes at most {command.Most} arguments");
    }

    private static string Usage()
    {
        var text = new StringBuilder("usage: fabric ofctl [OPTION]... COMMAND [ARGUMENT]...\n");
        foreach (var command in Commands)
        {
            text.Append($"  {command.Name + " " + command.Usage,-40}  {command.Help}\n");
        }

        return text.Append(
            """
            Options:
              -O, --protocols=VERSIONS  OpenFlow10 (default) to OpenFlow15, by comma
              --strict                  mod-flows and del-flows: the match is the flow's own
              --bundle                  all changes of a command, or none
              --no-stats                dump-flows without statistics
              --sort[=FIELD], --rsort[=FIELD]  dump-flows by priority, or by a field
              --may-create              mod-group makes a group that is not there
              -m, --more                monitor prints packets as bytes too
              -P, --packet-in-format=FORMAT  standard, nxt_packet_in or nxt_packet_in2
              -p, -c, -C                private key, certificate and authority for ssl:
              -t, --timeout=SECONDS     give up after this time (default 30; monitor: never)
            BRIDGE: a bridge's name, unix:PATH, tcp:HOST[:PORT], or ssl:HOST[:PORT]
            """).ToString();
    }
}

/// <summary>One command; the numbers count the arguments behind its name.</summary>
internal sealed record OfctlCommand(
    string Name, int Least, int Most, string Usage, string Help, Func<OfctlCall, Task> Run)
{
    /// <summary>It runs until it is stopped.</summary>
    public bool IsEndless { get; init; }
}

/// <summary>The switch said no: what is printed is its error, without the tool's name.</summary>
internal sealed class OfctlRefusal(string message) : Exception(message);
