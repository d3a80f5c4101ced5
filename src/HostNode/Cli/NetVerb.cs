using System.CommandLine;
using Fabric.Host;

namespace Fabric.HostNode.Cli;

/// <summary>fabric net: logical networks as YAML.</summary>
internal static class NetVerb
{
    public static Command Create()
    {
        var verb = new Command("net",
            "Logical networks as YAML: the same rows as ovn-nbctl's.\n"
            + "Example: fabric net apply config/networks/three-tier.yaml");
        verb.Subcommands.Add(OfFile("apply",
            "Shows what would change, does it, and follows it until every host has it.\n"
            + "Example: fabric net apply FILE --yes", true));
        verb.Subcommands.Add(OfFile("diff",
            "Shows what would change; exits 1 when anything would.\n"
            + "Example: fabric net diff config/networks/three-tier.yaml", false));
        verb.Subcommands.Add(OfFile("validate",
            "Checks the file alone.\nExample: fabric net validate FILE", false));
        verb.Subcommands.Add(Plain("export",
            "Prints the northbound as YAML.\nExample: fabric net export > network.yaml"));
        verb.Subcommands.Add(Plain("status",
            "Rows that do not work and why.\nExample: fabric net status"));
        return verb;
    }

    private static Command OfFile(string name, string help, bool asks)
    {
        var file = new Argument<string>("FILE") { Description = "A network in YAML." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var command = new Command(name, help) { file };
        var wait = new Option<int>("--timeout", "-t")
        {
            Description = "Seconds to wait for the hosts; 0: not at all.",
            DefaultValueFactory = _ => 30,
        };
        if (asks)
        {
            command.Options.Add(yes);
            command.Options.Add(wait);
        }

        command.SetAction(async (result, cancellation) =>
        {
            var path = result.GetValue(file)!;
            string text;
            try
            {
                text = await File.ReadAllTextAsync(path, cancellation);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"fabric net {name}: {error.Message}");
                return ExitCode.Failed;
            }

            if (asks && !result.GetValue(yes) && !await ConfirmAsync(path, text, cancellation))
            {
                return ExitCode.Failed;
            }

            var (exitCode, answer) = await HostClient.PrintAsync(
                $"net {name}", $"net/{name}", [path, text], cancellation);
            var limit = asks ? result.GetValue(wait) : 0;
            return exitCode != ExitCode.Ok || limit <= 0 || answer == NetworkCommands.NothingToDo
                ? exitCode
                : await NetRollout.FollowAsync(TimeSpan.FromSeconds(limit), cancellation);
        });
        return command;
    }

    private static async Task<bool> ConfirmAsync(
        string path, string text, CancellationToken cancellation)
    {
        var (exitCode, plan) = await HostClient.AskAsync("net/plan", [path, text], cancellation);
        if (exitCode != ExitCode.Ok)
        {
            await Console.Error.WriteLineAsync($"fabric net apply: {plan}");
            return false;
        }

        Console.WriteLine(plan.TrimEnd('\n'));
        if (Console.IsInputRedirected)
        {
            await Console.Error.WriteLineAsync("fabric net apply: say --yes to do this");
            return false;
        }

        Console.Write("Do this? [y/N] ");
        return Console.ReadLine()?.Trim().ToLowerInvariant() is "y" or "yes";
    }

    private static Command Plain(string name, string help)
    {
        var json = OutputFormat.JsonOption();
        var command = new Command(name, help) { json };
        command.SetAction((result, cancellation) => HostClient.AskAndPrintAsync(
            $"net {name}", $"net/{name}",
            result.GetValue(json) ? ["--json"] : [], cancellation));
        return command;
    }
}
