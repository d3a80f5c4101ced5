using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Cli;

/// <summary>
/// fabric vsctl, ofctl and appctl: what the stock tools of these names are mostly used for, on
/// hosts that have none.
/// </summary>
internal static class ToolVerbs
{
    /// <summary>Runs the verb if 'arguments' begin with one of these.</summary>
    /// <returns>Null when they do not.</returns>
    public static async Task<int?> TryRunAsync(string[] arguments) => arguments switch
    {
        ["vsctl", .. var rest] => await VsctlTool.RunAsync(rest, Console.Out, Console.Error),
        ["ofctl", .. var rest] => await OfctlTool.RunAsync(rest, Console.Out, Console.Error),
        ["appctl", .. var rest] => await AppctlTool.RunAsync(rest, Console.Out, Console.Error),
        _ => null,
    };

    /// <summary>Where the sockets are: OVS_RUNDIR, or the system's usual place.</summary>
    public static string RunFolder =>
        Environment.GetEnvironmentVariable("OVS_RUNDIR") ?? "/run/openvswitch";
}

/// <summary>What a tool cannot do; the message is printed behind its name.</summary>
internal sealed class ToolException(string message) : Exception(message);
