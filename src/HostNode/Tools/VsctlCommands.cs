using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>The commands of fabric vsctl: how many words each takes, and which options.</summary>
internal static class VsctlCommands
{
    private const int Any = int.MaxValue;

    private static readonly Dictionary<string, (int Min, int Max, string Options)> s_commands =
    new()
    {
        ["init"] = (0, 0, ""), ["show"] = (0, 0, ""), ["emer-reset"] = (0, 0, ""),
        ["add-br"] = (1, 3, "--may-exist"), ["del-br"] = (1, 1, "--if-exists"),
        ["list-br"] = (0, 0, "--real --fake"), ["br-exists"] = (1, 1, ""),
        ["br-to-vlan"] = (1, 1, ""), ["br-to-parent"] = (1, 1, ""),
        ["br-set-external-id"] = (2, 3, ""), ["br-get-external-id"] = (1, 2, ""),
        ["list-ports"] = (1, 1, ""), ["list-ifaces"] = (1, 1, ""),
        ["add-port"] = (2, Any, "--may-exist"), ["add-bond"] = (4, Any, "--may-exist --fake-iface"),
        ["del-port"] = (1, 2, "--if-exists --with-iface"),
        ["port-to-br"] = (1, 1, ""), ["iface-to-br"] = (1, 1, ""),
        ["get-controller"] = (1, 1, "--inactivity-probe"), ["del-controller"] = (1, 1, ""),
        ["set-controller"] = (2, Any, ""), ["get-fail-mode"] = (1, 1, ""),
        ["del-fail-mode"] = (1, 1, ""), ["set-fail-mode"] = (2, 2, ""),
        ["get-manager"] = (0, 0, ""), ["del-manager"] = (0, 0, ""),
        ["set-manager"] = (1, Any, ""), ["get-ssl"] = (0, 0, ""), ["del-ssl"] = (0, 0, ""),
        ["set-ssl"] = (3, 3, "--bootstrap"), ["import"] = (1, 1, ""),
        ["comment"] = (0, Any, ""), ["list"] = (1, Any, "--if-exists --columns="),
        ["find"] = (1, Any, "--columns="), ["get"] = (2, Any, "--if-exists --id="),
        ["set"] = (3, Any, "--if-exists"), ["add"] = (4, Any, "--if-exists"),
        ["remove"] = (4, Any, "--if-exists"), ["clear"] = (3, Any, "--if-exists"),
        ["create"] = (2, Any, "--id="), ["destroy"] = (1, Any, "--if-exists --all"),
        ["wait-until"] = (2, Any, ""),
    };

    /// <exception cref="ToolException">It is none, or has too few or too many words.</exception>
    public static void Check(string name, int words, IEnumerable<string> options)
    {
        if (!s_commands.TryGetValue(name, out var command))
        {
            throw new ToolException($"unknown command '{name}'; use --help for help");
        }

        if (words < command.Min)
        {
            throw new ToolException(
                $"'{name}' command requires at least {command.Min} arguments");
        }

        if (words > command.Max)
        {
            throw new ToolException($"'{name}' command takes at most {command.Max} arguments");
        }

        foreach (var option in options)
        {
            var at = option.IndexOf('=');
            var known = at < 0 ? option : option[..(at + 1)];
            if (!command.Options.Split(' ').Contains(known))
            {
                throw new ToolException($"'{name}' command has no '{option}' option");
            }
        }
    }
}
