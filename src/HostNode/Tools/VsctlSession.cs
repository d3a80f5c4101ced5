using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>The commands of <see cref="VsctlTool"/> against one copy of the database.</summary>
internal sealed partial class VsctlSession(
    JsonNode schema, VsctlModel model, VsctlFormat format)
{
    private readonly VsctlRow _root = model.Find("Open_vSwitch", ".")
        ?? model.Insert("Open_vSwitch", []);

    private readonly StringWriter _output = new() { NewLine = "\n" };

    /// <summary>What the last command prints, once it is known that all of them hold.</summary>
    public string TakeOutput()
    {
        var text = _output.ToString();
        _output.GetStringBuilder().Clear();
        return text;
    }

    /// <summary>A wait-until does not hold yet: try again.</summary>
    public bool MustWait { get; private set; }

    /// <param name="words">One command with its options in front.</param>
    /// <returns>The exit code that it asks for.</returns>
    public int Run(string[] words)
    {
        var options = words.TakeWhile(word => word.StartsWith("--", StringComparison.Ordinal))
            .ToHashSet();
        words = [.. words.SkipWhile(word => word.StartsWith("--", StringComparison.Ordinal))];
        if (words.Length == 0)
        {
            throw new ToolException("missing command name (use --help for help)");
        }

        VsctlCommands.Check(words[0], words.Length - 1, options);
        var id = options.FirstOrDefault(
            option => option.StartsWith("--id=@", StringComparison.Ordinal))?[6..];
        var isLenient = options.Contains("--may-exist") || options.Contains("--if-exists");
        return RunSwitch(words, options) ?? RunBridges(words, isLenient, options)
            ?? RunRows(words, isLenient, options, id)
            ?? throw new ToolException($"'{words[0]}' command: its arguments do not fit");
    }

    private int? RunBridges(string[] words, bool isLenient, HashSet<string> options)
    {
        switch (words)
        {
            case ["init" or "comment", ..]: return ExitCode.Ok;
            case ["show"]: return Show();
            case ["list-br"]:
                return Print(BridgeNames(!options.Contains("--fake"), !options.Contains("--real")));
            case ["br-exists", var bridge]:
                return FindBridge(bridge) is null ? 2 : ExitCode.Ok;
            case ["list-ports", var bridge]:
                return Print(NeedBridge(bridge).Ports.Select(port => port.Name!)
                    .Where(name => name != bridge));
            case ["port-to-br", var port]:
                return PrintLine(NameOfBridge(model.Find("Port", port)
                    ?? throw new ToolException($"no port named {port}")));
            case ["add-br", var bridge]: return AddBridge(bridge, isLenient);
            case ["del-br", var bridge]: return DeleteBridge(bridge, isLenient);
            case ["add-port", var bridge, var port, .. var settings]:
                return AddPort(bridge, port, settings, isLenient);
            case ["del-port", var port]: return DeletePort(null, port, options);
            case ["del-port", var bridge, var port]: return DeletePort(bridge, port, options);
            case ["import", var file]: return Import(file);
            default: return null;
        }
    }

    /// <summary>Takes a conf.db over: all of it, or nothing when one row is refused.</summary>
    private int Import(string file)
    {
        var present = model.Rows("Bridge").Select(row => row.Name!).ToHashSet();
        var (operations, remarks) = ConfDbImport.Plan(
            file, _root.Key, present,
            (table, column) => schema["tables"]?[table]?["columns"]?[column] is not null);
        foreach (var remark in remarks) _output.WriteLine(remark);
        foreach (var operation in operations) model.Add(operation);
        return ExitCode.Ok;
    }

    private int Show()
    {
        _output.WriteLine(_root.Key);
        ShowTargets("Manager", _root, "manager_options", 4);
        foreach (var bridge in ByName(model.Rows("Bridge")))
        {
            _output.WriteLine($"    Bridge {OvsdbText.Format(bridge.Columns["name"])}");
            ShowTargets("Controller", bridge, "controller", 8);
            ShowColumns(bridge, 8, "fail_mode", "datapath_type");
            foreach (var port in PortsOf(bridge))
            {
                _output.WriteLine($"        Port {OvsdbText.Format(port.Columns["name"])}");
                ShowColumns(port, 12, "tag", "trunks");
                foreach (var face in InterfacesOf(port)) ShowInterface(face);
            }
        }

        if (OvsdbText.Format(_root.Columns["ovs_version"]) is { } version && version != "[]")
        {
            _output.WriteLine($"    ovs_version: {version}");
        }

        return ExitCode.Ok;
    }

    private void ShowInterface(VsctlRow face)
    {
        _output.WriteLine($"            Interface {OvsdbText.Format(face.Columns["name"])}");
        ShowColumns(face, 16, "type", "options", "error");
    }

    /// <summary>Those that say something.</summary>
    private void ShowColumns(VsctlRow row, int indent, params string[] columns)
    {
        foreach (var column in columns)
        {
            var text = OvsdbText.Format(Shown(row, column));
            if (text is "" or "\"\"" or "[]" or "{}") continue;
            _output.WriteLine($"{new string(' ', indent)}{column}: {text}");
        }
    }

    private void ShowTargets(string table, VsctlRow owner, string column, int indent)
    {
        foreach (var row in model.Follow(table, owner.References(column))
            .OrderBy(row => (string?)row.Columns["target"], StringComparer.Ordinal))
        {
            var target = OvsdbText.Format(row.Columns["target"]);
            _output.WriteLine($"{new string(' ', indent)}{table} {target}");
            if (OvsdbText.Format(row.Columns["is_connected"]) == "true")
            {
                _output.WriteLine($"{new string(' ', indent + 4)}is_connected: true");
            }
        }
    }

    private int AddBridge(string bridge, bool mayExist)
    {
        if (mayExist && FindBridge(bridge) is { } present)
        {
            return present.Fake is null
                ? ExitCode.Ok
                : throw new ToolException($"\"--may-exist add-br {bridge}\" but {bridge} is a "
                    + $"VLAN bridge for VLAN {present.Vlan}");
        }

        NeedNoBridge(bridge);

        var face = model.Insert(
            "Interface", new JsonObject { ["name"] = bridge, ["type"] = "internal" });
        var port = model.Insert("Port", new JsonObject { ["name"] = bridge });
        port.AddReference("interfaces", face);
        var row = model.Insert("Bridge", new JsonObject { ["name"] = bridge });
        row.AddReference("ports", port);
        _root.AddReference("bridges", row);
        return ExitCode.Ok;
    }

    private int DeleteBridge(string bridge, bool ifExists)
    {
        if (FindBridge(bridge) is not { } view)
        {
            return ifExists
                ? ExitCode.Ok
                : throw new ToolException($"no bridge named {bridge}");
        }

        if (view.Fake is { } fake)
        {
            foreach (var port in view.Ports.Append(fake))
            {
                Drop(port);
                view.Row.RemoveReference("ports", port);
            }

            return ExitCode.Ok;
        }

        foreach (var port in PortsOf(view.Row)) Drop(port);
        view.Row.IsGone = true;
        _root.RemoveReference("bridges", view.Row);
        return ExitCode.Ok;
    }

    private int AddPort(string bridge, string port, string[] settings, bool mayExist)
    {
        var view = NeedBridge(bridge);
        var row = view.Row;
        if (FindBridge(port) is not null)
        {
            throw new ToolException($"cannot create a port named {port} because a bridge named "
                + $"{port} already exists");
        }

        if (model.Find("Port", port) is { } present)
        {
            return mayExist && NameOfBridge(present) == bridge
                ? ExitCode.Ok
                : throw new ToolException(
                    $"cannot create a port named {port} because a port named {port} already "
                    + $"exists on bridge {NameOfBridge(present)}");
        }

        var face = model.Insert("Interface", new JsonObject { ["name"] = port });
        var added = model.Insert("Port", new JsonObject { ["name"] = port });
        if (view.Fake is not null) added.Set("tag", view.Vlan);
        added.AddReference("interfaces", face);
        foreach (var setting in settings) Set(added, setting);
        row.AddReference("ports", added);
        return ExitCode.Ok;
    }

    private int DeletePort(string? bridge, string port, HashSet<string> options)
    {
        var found = model.Find("Port", port);
        if (found is null && options.Contains("--with-iface"))
        {
            found = model.Rows("Port").FirstOrDefault(
                each => InterfacesOf(each).Any(face => face.Name == port));
        }

        if (found is not { } row)
        {
            return options.Contains("--if-exists")
                ? ExitCode.Ok
                : throw new ToolException(options.Contains("--with-iface")
                    ? $"no port or interface named {port}" : $"no port named {port}");
        }

        var owner = BridgeOf(row);
        if (IsFake(row) || owner.Name == row.Name)
        {
            throw new ToolException($"cannot delete port {port} because it is the local port for "
                + $"bridge {row.Name} (deleting this port requires deleting the entire bridge)");
        }

        if (bridge is not null && NameOfBridge(row) != bridge)
        {
            _ = NeedBridge(bridge);
            throw new ToolException($"bridge {bridge} does not have a port {port}");
        }

        Drop(row);
        owner.RemoveReference("ports", row);
        return ExitCode.Ok;
    }

    private void Drop(VsctlRow port)
    {
        foreach (var face in InterfacesOf(port)) face.IsGone = true;
        port.IsGone = true;
    }

    private int Print(IEnumerable<string> lines)
    {
        foreach (var line in lines.Order(StringComparer.Ordinal)) _output.WriteLine(line);
        return ExitCode.Ok;
    }

    private static IOrderedEnumerable<VsctlRow> ByName(IEnumerable<VsctlRow> rows) =>
        rows.OrderBy(row => row.Name, StringComparer.Ordinal);

    private VsctlRow[] PortsOf(VsctlRow bridge) =>
        [.. ByName(model.Follow("Port", bridge.References("ports")))];

    private VsctlRow[] InterfacesOf(VsctlRow port) =>
        [.. ByName(model.Follow("Interface", port.References("interfaces")))];

    private VsctlRow BridgeOf(VsctlRow port) =>
        model.Rows("Bridge").FirstOrDefault(row => row.References("ports").Contains(port.Key))
        ?? throw new ToolException($"no bridge has port {port.Name}");

    private VsctlRow Need(string table, string record) => model.Find(table, record)
        ?? throw new ToolException($"no row \"{record}\" in table {table}");
}
