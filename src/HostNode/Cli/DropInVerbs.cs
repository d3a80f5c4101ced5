using Fabric.Configuration;
using Fabric.HostNode.DropIn;

namespace Fabric.HostNode.Cli;

/// <summary>The daemons and tools of Open vSwitch that Fabric takes the place of.</summary>
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

    public static readonly StockVerb[] All =
    [
        new("vswitchd", "The switch alone, in place of ovs-vswitchd, with its command line.",
            "fabric vswitchd unix:/run/openvswitch/db.sock --pidfile --detach",
            words => VswitchdHost.RunAsync(words, [.. Executable.Words, "vswitchd"])),
        new("ovsdb-server", "A database server for any schema, in place of ovsdb-server.",
            "fabric ovsdb-server --remote=punix:/run/openvswitch/db.sock conf.db",
            words => OvsdbServerHost.RunAsync(words, [.. Executable.Words, "ovsdb-server"])),
        new("ovsdb-tool", "Database files, in place of ovsdb-tool.",
            "fabric ovsdb-tool create conf.db vswitch.ovsschema",
            words => Task.FromResult(OvsdbTool.Run(words, Console.Out, Console.Error))),
        new("dpctl", "Datapaths, in place of ovs-dpctl.",
            "fabric dpctl show",
            words => DatapathTool.RunAsync(words, Console.Out, Console.Error)),
    ];
}
