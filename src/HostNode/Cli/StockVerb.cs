using System.CommandLine;

namespace Fabric.HostNode.Cli;

/// <summary>A verb that takes a stock program's own command line, word by word.</summary>
/// <param name="Run">From the words behind the verb to the exit code.</param>
internal sealed record StockVerb(
    string Name, string Description, string Example, Func<string[], Task<int>> Run)
{
    private static readonly StockVerb[] All = [.. DropInVerbs.All, .. ToolVerbs.All];

    /// <summary>Runs the verb if 'arguments' begin with one of these.</summary>
    /// <returns>Null when they do not.</returns>
    public static async Task<int?> TryRunAsync(string[] arguments) =>
        arguments is [var name, .. var rest]
            && Array.Find(All, verb => verb.Name == name) is { } found
            ? await found.Run(rest) : null;

    /// <summary>What `fabric --help` lists; the verb's own --help is the program's.</summary>
    public static IEnumerable<Command> Listed() => All.Select(verb =>
        new Command(verb.Name, $"{verb.Description}\nExample: {verb.Example}"));
}
