using Fabric.HostNode.Tools;

namespace Fabric.HostNode.Cli;

/// <summary>
/// fabric vsctl, ofctl and appctl: what the stock tools of these names are mostly used for, on
/// hosts that have none.
/// </summary>
internal static class ToolVerbs
{
    public static readonly StockVerb[] All =
    [
        new("vsctl", "The switch's configuration, as with ovs-vsctl.",
            "fabric vsctl add-port br0 eth1",
            words => VsctlTool.RunAsync(words, Console.Out, Console.Error)),
        new("ofctl", "A bridge's flows, as with ovs-ofctl.",
            "fabric ofctl dump-flows br0",
            words => OfctlTool.RunAsync(words, Console.Out, Console.Error)),
        new("appctl", "Commands to a running daemon, as with ovs-appctl.",
            "fabric appctl fdb/show br0",
            words => AppctlTool.RunAsync(words, Console.Out, Console.Error)),
    ];

    /// <summary>Where the sockets are: OVS_RUNDIR, or the system's usual place.</summary>
    public static string RunFolder =>
        Environment.GetEnvironmentVariable("OVS_RUNDIR") ?? "/run/openvswitch";
}

/// <summary>What a tool cannot do; the message is printed behind its name.</summary>
internal sealed class ToolException(string message) : Exception(message);
