using System.CommandLine;
using System.CommandLine.Help;
using Fabric.HostNode.Cli;
using Fabric.HostNode.Windows;

namespace Fabric.HostNode;

/// <summary>
/// The process `fabric`: the command line, and the host node behind `fabric host`.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        WindowsEnvironment.Prepare();
        if (await StockVerb.TryRunAsync(arguments) is { } exitCode) return exitCode;
        var root = new Command("fabric",
            "Fabric: the virtual network of Hyper-V and Linux hosts.\n\n"
            + "  fabric demo                      three hosts on this machine, checked with packets\n"
            + "  fabric test [NAME] [--full]      run the tests\n"
            + "  fabric bench [--quick] [NAME]    measure, with the competitor beside it\n"
            + "  fabric sim --seeds N --from S    whole hosts on a virtual clock, faults and all\n"
            + "  fabric host --config FILE        one host node in the foreground\n"
            + "  fabric cluster show              the cluster as this host sees it\n"
            + "  fabric net apply FILE            a logical network from YAML\n"
            + "  fabric doctor                    what this machine offers")
        {
            new HelpOption(), new VersionOption(),
        };
        root.Subcommands.Add(DemoVerb.Create());
        root.Subcommands.Add(HostVerb.Create());
        root.Subcommands.Add(ShimsVerb.Create());
        root.Subcommands.Add(ServiceVerb.Create());
        root.Subcommands.Add(PkiVerb.Create());
        root.Subcommands.Add(DoctorVerb.Create());
        root.Subcommands.Add(NetVerb.Create());
        root.Subcommands.Add(ConntrackVerb.Create());
        foreach (var verb in HostVerbs.Create()) root.Subcommands.Add(verb);
        foreach (var verb in StockVerb.Listed()) root.Subcommands.Add(verb);
        var result = root.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            // A word that nobody knows says more than the verb that is therefore missing.
            foreach (var error in result.UnmatchedTokens.Count > 0
                ? result.Errors.Skip(result.Errors.Count - 1) : result.Errors)
            {
                Console.Error.WriteLine($"fabric: {error.Message}");
            }

            Console.Error.WriteLine("Try `fabric --help`.");
            return ExitCode.Usage;
        }

        // Verbs that must take things away hear the signals themselves, and are not cut off.
        return await result.InvokeAsync(
            new InvocationConfiguration { ProcessTerminationTimeout = null });
    }
}
