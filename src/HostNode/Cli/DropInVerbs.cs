using Fabric.Configuration;

namespace Fabric.HostNode.Cli;

/// <summary>Verbs that take a stock program's own command line, word by word.</summary>
internal static class DropInVerbs
{
    /// <summary>
    /// Names that <see cref="ShimsVerb"/> puts on PATH, and the verb behind each.
    /// </summary>
    public static readonly (string Name, string Verb)[] Shims =
    [
        ("ovsdb-server", "ovsdb-server"), ("ovsdb-tool", "ovsdb-tool"), ("pbm", ""),
    ];

    /// <summary>Runs the verb if 'arguments' begin with one of these.</summary>
    /// <returns>Null when they do not.</returns>
    public static async Task<int?> TryRunAsync(string[] arguments) => arguments switch
    {
        ["ovsdb-server", .. var rest] =>
            await OvsdbServerHost.RunAsync(rest, [.. Executable.Words, "ovsdb-server"]),
        ["ovsdb-tool", .. var rest] => OvsdbTool.Run(rest, Console.Out, Console.Error),
        _ => null,
    };
}
