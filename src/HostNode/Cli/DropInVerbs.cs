using Fabric.Configuration;
using Fabric.HostNode.DropIn;

namespace Fabric.HostNode.Cli;

/// <summary>Verbs that take a stock program's own command line, word by word.</summary>
internal static class DropInVerbs
{
    /// <summary>
    /// Names that <see cref="ShimsVerb"/> puts on PATH, and the verb behind each.
    /// </summary>
    public static readonly (string Name, string Verb)[] Shims =
    [
        ("ovs-vswitchd", "vswitchd"), ("ovsdb-server", "ovsdb-server"),
        ("ovsdb-tool", "ovsdb-tool"), ("ovs-dpctl", "dpctl"), ("pbm", ""),
    ];

    /// <summary>Runs the verb if 'arguments' begin with one of these.</summary>
    /// <returns>Null when they do not.</returns>
    public static async Task<int?> TryRunAsync(string[] arguments) => arguments switch
    {
        ["ovsdb-server", .. var rest] =>
            await OvsdbServerHost.RunAsync(rest, [.. Executable.Words, "ovsdb-server"]),
        ["vswitchd", .. var rest] =>
            await VswitchdHost.RunAsync(rest, [.. Executable.Words, "vswitchd"]),
        ["dpctl", .. var rest] => await DatapathTool.RunAsync(rest, Console.Out, Console.Error),
        ["ovsdb-tool", .. var rest] => OvsdbTool.Run(rest, Console.Out, Console.Error),
        _ => null,
    };
}
