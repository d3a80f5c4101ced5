using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>The commands of <see cref="VsctlTool"/> against one copy of the database.</summary>
internal sealed partial class VsctlSession(JsonNode schema, VsctlModel model)
{
    private readonly VsctlRow _root = model.Find("Open_vSwitch", ".")
        ?? throw new ToolException("the database is empty");

    private readonly StringWriter _output = new();

    /// <summary>What the commands print, once it is known that they hold.</summary>
    public string Output => _output.ToString();

    /// <param name="words">One command with its options in front.</param>
    /// <returns>The exit code that it asks for.</returns>
    public int Run(string[] words)
    {
        var isLenient = false;
        string? id = null;
        while (words is [['-', '-', ..] option, .. var rest])
        {
            isLenient |= option is "--may-exist" or "--if-exists";
            if (option.StartsWith("--id=@", StringComparison.Ordinal)) id = option[6..];
            else if (option is not ("--may-exist" or "--if-exists"))
            {
                throw new ToolException($"unknown option {option}");
            }

            words = rest;
        }

        return RunBridges(words, isLenient) ?? RunRows(words, isLenient, id)
            ?? throw VsctlTool.UsageError(words.FirstOrDefault() ?? "");
    }

    private int? RunBridges(string[] words, bool isLenient)
    {
        switch (words)
        {
            case ["init"]: return ExitCode.Ok;
            case ["show"]: return Show();
            case ["list-br"]: return Print(model.Rows("Bridge").Select(row => row.Name!));
            case ["br-exists", var bridge]:
                return model.Find("Bridge", bridge) is null ? 2 : ExitCode.Ok;
            case ["list-ports", var bridge]:
                return Print(PortsOf(Need("Bridge", bridge)).Select(port => port.Name!)
                    .Where(name => name != bridge));
            case ["port-to-br" or "iface-to-br", var port]:
                return Print([BridgeOf(Need("Port", port)).Name!]);
            case ["add-br", var bridge]: return AddBridge(bridge, isLenient);
            case ["del-br", var bridge]: return DeleteBridge(bridge, isLenient);
            case ["add-port", var bridge, var port, .. var settings]:
                return AddPort(bridge, port, settings, isLenient);
            case ["del-port", var port]: return DeletePort(null, port, isLenient);
            case ["del-port", var bridge, var port]: return DeletePort(bridge, port, isLenient);
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
        foreach (var bridge in ByName(model.Rows("Bridge")))
        {
            _output.WriteLine($"    Bridge {OvsdbText.Format(bridge.Columns["name"])}");
            foreach (var port in PortsOf(bridge))
            {
                _output.WriteLine($"        Port {OvsdbText.Format(port.Columns["name"])}");
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
        if ((string?)face.Columns["type"] is { Length: > 0 } type)
        {
            _output.WriteLine($"                type: {type}");
        }

        if (face.Columns["error"] is { } error && OvsdbText.Format(error) != "[]")
        {
            _output.WriteLine($"                error: {OvsdbText.Format(error)}");
        }
    }

    private int AddBridge(string bridge, bool mayExist)
    {
        if (model.Find("Bridge", bridge) is not null)
        {
            return mayExist
                ? ExitCode.Ok
                : throw new ToolException(
                    $"cannot create a bridge named {bridge} because a bridge named {bridge} "
                    + "already exists");
        }

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
        if (model.Find("Bridge", bridge) is not { } row)
        {
            return ifExists
                ? ExitCode.Ok
                : throw new ToolException($"no bridge named {bridge}");
        }

        foreach (var port in PortsOf(row)) Drop(port);
        row.IsGone = true;
        _root.RemoveReference("bridges", row);
        return ExitCode.Ok;
    }

    private int AddPort(string bridge, string port, string[] settings, bool mayExist)
    {
        var row = Need("Bridge", bridge);
        if (model.Find("Port", port) is { } present)
        {
            return mayExist && BridgeOf(present) == row
                ? ExitCode.Ok
                : throw new ToolException(
                    $"cannot create a port named {port} because a port named {port} already "
                    + $"exists on bridge {BridgeOf(present).Name}");
        }

        var face = model.Insert("Interface", new JsonObject { ["name"] = port });
        var added = model.Insert("Port", new JsonObject { ["name"] = port });
        added.AddReference("interfaces", face);
        foreach (var setting in settings) Set(added, setting);
        row.AddReference("ports", added);
        return ExitCode.Ok;
    }

    private int DeletePort(string? bridge, string port, bool ifExists)
    {
        if (model.Find("Port", port) is not { } row)
        {
            return ifExists ? ExitCode.Ok : throw new ToolException($"no port named {port}");
        }

        var owner = BridgeOf(row);
        if (bridge is not null && owner.Name != bridge)
        {
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
