using System.CommandLine;
using Fabric.Datapath;

namespace Fabric.HostNode.Cli;

/// <summary>What `fabric datapath` does without a host node.</summary>
internal static class DatapathVerb
{
    /// <summary>
    /// `fabric datapath uninstall [HOST-ID]`: the kernel extension goes, and nothing else.
    /// </summary>
    public static Command Uninstall()
    {
        var host = new Argument<string?>("HOST-ID") { Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("uninstall",
            "Removes what the eBPF datapath left in the kernel: programs, maps, internal ports.\n"
            + "Without HOST-ID: of every host in this network namespace.\n"
            + "Stop the host node first. Example: fabric datapath uninstall host1")
        {
            host,
        };
        command.SetAction(result => Run(result.GetValue(host)));
        return command;
    }

    private static int Run(string? host)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.Error.WriteLine("fabric datapath uninstall: eBPF programs are Linux only");
            return ExitCode.Failed;
        }

        var folders = host is null ? EbpfPins.Here() : [EbpfPins.FolderOf(host)];
        var count = 0;
        foreach (var folder in folders)
        {
            if (EbpfPins.Uninstall(folder, out var error))
            {
                Console.WriteLine($"removed {folder}");
                count++;
            }
            else if (error.Length > 0)
            {
                Console.Error.WriteLine($"fabric datapath uninstall: {folder}: {error}");
                return ExitCode.Failed;
            }
        }

        if (count == 0) Console.WriteLine("nothing is installed here");
        return ExitCode.Ok;
    }
}
