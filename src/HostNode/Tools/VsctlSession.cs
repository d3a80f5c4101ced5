using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>The commands of <see cref="VsctlTool"/> against one database.</summary>
internal sealed class VsctlSession(
    OvsdbConnection database, TextWriter output, CancellationToken cancellation)
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(20);

    private JsonNode _schema = new JsonObject();
    private string _root = "";
    private bool _isChanged;

    public async Task LoadAsync()
    {
        _schema = await database.SchemaAsync(cancellation);
        var rows = await database.SelectAsync("Open_vSwitch", [], cancellation);
        if (rows.Count == 0) throw new ToolException("the database is empty");
        _root = UuidOf(rows[0]!);
    }

    public async Task<int> RunAsync(string[] words)
    {
        var isLenient = words[0] is "--may-exist" or "--if-exists";
        if (isLenient) words = words[1..];
        switch (words)
        {
            case ["init"]: return ExitCode.Ok;
            case ["show"]: return await ShowAsync();
            case ["list-br"]: return await PrintAsync(await NamesAsync("Bridge"));
            case ["br-exists", var bridge]:
                return await FindAsync("Bridge", bridge) is null ? 2 : ExitCode.Ok;
            case ["list-ports", var bridge]:
                return await PrintAsync((await PortsOfAsync(await NeedAsync("Bridge", bridge)))
                    .Select(port => (string)port["name"]!).Where(name => name != bridge));
            case ["port-to-br", var port]:
                return await PrintAsync([(string)(await BridgeOfAsync(port))["name"]!]);
            case ["add-br", var bridge]: return await AddBridgeAsync(bridge, isLenient);
            case ["del-br", var bridge]: return await DeleteBridgeAsync(bridge, isLenient);
            case ["add-port", var bridge, var port, .. var settings]:
                return await AddPortAsync(bridge, port, settings, isLenient);
            case ["del-port", var port]: return await DeletePortAsync(null, port, isLenient);
            case ["del-port", var bridge, var port]:
                return await DeletePortAsync(bridge, port, isLenient);
            case ["list", var table]:
                return await ListAsync(await database.SelectAsync(table, [], cancellation));
            case ["list", var table, var record]:
                return await ListAsync([(await NeedAsync(table, record)).DeepClone()]);
            case ["get", var table, var record, .. { Length: > 0 } columns]:
                return await GetAsync(await NeedAsync(table, record), columns);
            case ["set", var table, var record, .. { Length: > 0 } settings]:
                return await SetAsync(table, UuidOf(await NeedAsync(table, record)), settings);
            case ["clear", var table, var record, var column]:
                var empty = (TypeOf(table, column) as JsonObject)?["value"] is null ? "set" : "map";
                return await UpdateAsync(table, UuidOf(await NeedAsync(table, record)),
                    new JsonObject { [column] = new JsonArray(empty, new JsonArray()) });
            case ["import", var file]: return await ImportAsync(file);
            default: throw VsctlTool.UsageError(words[0]);
        }
    }

    /// <summary>Waits until the host node has done what the database says.</summary>
    public async Task WaitAsync()
    {
        if (!_isChanged) return;
        await database.TransactAsync(
            [Mutate("Open_vSwitch", _root, "next_cfg", "+=", 1)], cancellation);
        while (true)
        {
            var row = (await database.SelectAsync("Open_vSwitch", [], cancellation))[0]!;
            if ((long)row["cur_cfg"]! >= (long)row["next_cfg"]!) return;
            await Task.Delay(PollPeriod, cancellation);
        }
    }

    /// <summary>Takes a conf.db over: all of it, or nothing when one row is refused.</summary>
    private async Task<int> ImportAsync(string file)
    {
        var present = (await NamesAsync("Bridge")).ToHashSet();
        var (operations, remarks) = ConfDbImport.Plan(
            file, _root, present,
            (table, column) => _schema["tables"]?[table]?["columns"]?[column] is not null);
        foreach (var remark in remarks) await output.WriteLineAsync(remark);
        return await ChangeAsync([.. operations]);
    }

    private async Task<int> ShowAsync()
    {
        var root = (await database.SelectAsync("Open_vSwitch", [], cancellation))[0]!;
        await output.WriteLineAsync(_root);
        foreach (var bridge in await RowsAsync("Bridge"))
        {
            await output.WriteLineAsync($"    Bridge {OvsdbText.Format(bridge["name"])}");
            foreach (var port in await PortsOfAsync(bridge))
            {
                await output.WriteLineAsync($"        Port {OvsdbText.Format(port["name"])}");
                foreach (var face in await FollowAsync("Interface", port["interfaces"]))
                {
                    await output.WriteLineAsync(
                        $"            Interface {OvsdbText.Format(face["name"])}");
                    if ((string?)face["type"] is { Length: > 0 } type)
                    {
                        await output.WriteLineAsync($"                type: {type}");
                    }

                    if (OvsdbText.Format(face["error"]) is { } error && error != "[]")
                    {
                        await output.WriteLineAsync($"                error: {error}");
                    }
                }
            }
        }

        if (OvsdbText.Format(root["ovs_version"]) is { } version && version != "[]")
        {
            await output.WriteLineAsync($"    ovs_version: {version}");
        }

        return ExitCode.Ok;
    }

    private async Task<int> AddBridgeAsync(string bridge, bool mayExist)
    {
        if (await FindAsync("Bridge", bridge) is not null)
        {
            return mayExist
                ? ExitCode.Ok
                : throw new ToolException(
                    $"cannot create a bridge named {bridge} because a bridge named {bridge} "
                    + "already exists");
        }

        var face = new JsonObject { ["name"] = bridge, ["type"] = "internal" };
        return await ChangeAsync(
            Insert("Interface", face, "face"),
            Insert("Port", new JsonObject
            {
                ["name"] = bridge, ["interfaces"] = new JsonArray("named-uuid", "face"),
            }, "port"),
            Insert("Bridge", new JsonObject
            {
                ["name"] = bridge, ["ports"] = new JsonArray("named-uuid", "port"),
            }, "bridge"),
            Mutate("Open_vSwitch", _root, "bridges", "insert", Named("bridge")));
    }

    private async Task<int> DeleteBridgeAsync(string bridge, bool ifExists)
    {
        if (await FindAsync("Bridge", bridge) is not { } row)
        {
            return ifExists
                ? ExitCode.Ok
                : throw new ToolException($"no bridge named {bridge}");
        }

        return await ChangeAsync(
            Mutate("Open_vSwitch", _root, "bridges", "delete", Existing(UuidOf(row))));
    }

    private async Task<int> AddPortAsync(
        string bridge, string port, string[] settings, bool mayExist)
    {
        var row = await NeedAsync("Bridge", bridge);
        if (await FindAsync("Port", port) is not null)
        {
            return mayExist
                ? ExitCode.Ok
                : throw new ToolException(
                    $"cannot create a port named {port} because a port named {port} already "
                    + "exists");
        }

        var columns = new JsonObject
        {
            ["name"] = port, ["interfaces"] = new JsonArray("named-uuid", "face"),
        };
        foreach (var setting in settings)
        {
            var (column, key, value) = Take(setting);
            if (key is not null) throw new ToolException($"{setting}: give the whole column");
            columns[column] = OvsdbText.Parse(value, TypeOf("Port", column));
        }

        return await ChangeAsync(
            Insert("Interface", new JsonObject { ["name"] = port }, "face"),
            Insert("Port", columns, "port"),
            Mutate("Bridge", UuidOf(row), "ports", "insert", Named("port")));
    }

    private async Task<int> DeletePortAsync(string? bridge, string port, bool ifExists)
    {
        if (await FindAsync("Port", port) is not { } row)
        {
            return ifExists ? ExitCode.Ok : throw new ToolException($"no port named {port}");
        }

        var owner = await BridgeOfAsync(port);
        if (bridge is not null && (string?)owner["name"] != bridge)
        {
            throw new ToolException($"bridge {bridge} does not have a port {port}");
        }

        return await ChangeAsync(
            Mutate("Bridge", UuidOf(owner), "ports", "delete", Existing(UuidOf(row))));
    }

    private async Task<int> GetAsync(JsonNode row, string[] columns)
    {
        foreach (var wanted in columns)
        {
            var parts = wanted.Split(':', 2);
            if (row[parts[0]] is not { } datum)
            {
                throw new ToolException($"there is no column {parts[0]}");
            }

            var value = parts.Length == 1 ? datum : OvsdbText.Find(datum, parts[1])
                ?? throw new ToolException($"no key {parts[1]} in column {parts[0]}");
            await output.WriteLineAsync(OvsdbText.Format(value));
        }

        return ExitCode.Ok;
    }

    private async Task<int> SetAsync(string table, string uuid, string[] settings)
    {
        var operations = new List<JsonObject>();
        foreach (var setting in settings)
        {
            var (column, key, value) = Take(setting);
            var type = TypeOf(table, column);
            if (key is null)
            {
                operations.Add(Update(table, uuid, new JsonObject
                {
                    [column] = OvsdbText.Parse(value, type),
                }));
                continue;
            }

            if (type is not JsonObject { } map || map["value"] is not { } valueType)
            {
                throw new ToolException($"{column} is no map");
            }

            var name = OvsdbText.ParseAtom(key, map["key"]!);
            operations.Add(Mutate(table, uuid, column, "delete",
                new JsonArray("set", new JsonArray(name.DeepClone()))));
            operations.Add(Mutate(table, uuid, column, "insert",
                new JsonArray("map", new JsonArray(new JsonArray(
                    name, OvsdbText.ParseAtom(value, valueType))))));
        }

        return await ChangeAsync([.. operations]);
    }

    private Task<int> UpdateAsync(string table, string uuid, JsonObject row) =>
        ChangeAsync(Update(table, uuid, row));

    private async Task<int> ChangeAsync(params JsonObject[] operations)
    {
        await database.TransactAsync(operations, cancellation);
        _isChanged = true;
        return ExitCode.Ok;
    }

    private async Task<int> ListAsync(JsonArray rows)
    {
        const int NameWidth = 20;
        var isFirst = true;
        foreach (var row in rows)
        {
            if (!isFirst) await output.WriteLineAsync();
            isFirst = false;
            foreach (var (column, value) in row!.AsObject()
                .Where(each => each.Key != "_version").OrderBy(each => each.Key,
                    StringComparer.Ordinal))
            {
                await output.WriteLineAsync(
                    $"{column.PadRight(NameWidth)}: {OvsdbText.Format(value)}");
            }
        }

        return ExitCode.Ok;
    }

    private async Task<int> PrintAsync(IEnumerable<string> lines)
    {
        foreach (var line in lines.Order(StringComparer.Ordinal))
        {
            await output.WriteLineAsync(line);
        }

        return ExitCode.Ok;
    }

    private async Task<IEnumerable<string>> NamesAsync(string table) =>
        (await RowsAsync(table)).Select(row => (string)row["name"]!);

    private async Task<IEnumerable<JsonNode>> RowsAsync(string table) =>
        (await database.SelectAsync(table, [], cancellation))
            .Select(row => row!).OrderBy(row => (string?)row["name"], StringComparer.Ordinal);

    private Task<IEnumerable<JsonNode>> PortsOfAsync(JsonNode bridge) =>
        FollowAsync("Port", bridge["ports"]);

    private async Task<IEnumerable<JsonNode>> FollowAsync(string table, JsonNode? references)
    {
        var wanted = OvsdbText.References(references).ToHashSet();
        return (await RowsAsync(table)).Where(row => wanted.Contains(UuidOf(row))).ToList();
    }

    private async Task<JsonNode> BridgeOfAsync(string port)
    {
        var uuid = UuidOf(await NeedAsync("Port", port));
        return (await RowsAsync("Bridge")).FirstOrDefault(
            bridge => OvsdbText.References(bridge["ports"]).Contains(uuid))
            ?? throw new ToolException($"no port named {port}");
    }

    private async Task<JsonNode> NeedAsync(string table, string record) =>
        await FindAsync(table, record)
        ?? throw new ToolException($"no row \"{record}\" in table {table}");

    /// <summary>By UUID, by name, or "." for the one row of a table.</summary>
    private async Task<JsonNode?> FindAsync(string table, string record)
    {
        var rows = (await database.SelectAsync(table, [], cancellation)).Select(row => row!);
        return record == "."
            ? rows.FirstOrDefault()
            : rows.FirstOrDefault(
                row => (string?)row["name"] == record || UuidOf(row) == record);
    }

    private JsonNode TypeOf(string table, string column) =>
        _schema["tables"]?[table]?["columns"]?[column]?["type"]
        ?? throw new ToolException($"table {table} has no column {column}");

    private static (string Column, string? Key, string Value) Take(string setting)
    {
        var at = setting.IndexOf('=');
        if (at <= 0) throw new ToolException($"{setting}: COLUMN=VALUE is needed");
        var parts = setting[..at].Split(':', 2);
        return (parts[0], parts.ElementAtOrDefault(1), setting[(at + 1)..]);
    }

    internal static string UuidOf(JsonNode row) => (string)row["_uuid"]![1]!;

    private static JsonArray Named(string name) =>
        new("set", new JsonArray(new JsonArray("named-uuid", name)));

    private static JsonArray Existing(string uuid) =>
        new("set", new JsonArray(new JsonArray("uuid", uuid)));

    private static JsonArray Where(string uuid) =>
        new(new JsonArray("_uuid", "==", new JsonArray("uuid", uuid)));

    internal static JsonObject Insert(string table, JsonObject row, string name) => new()
    {
        ["op"] = "insert", ["table"] = table, ["row"] = row, ["uuid-name"] = name,
    };

    private static JsonObject Update(string table, string uuid, JsonObject row) => new()
    {
        ["op"] = "update", ["table"] = table, ["where"] = Where(uuid), ["row"] = row,
    };

    internal static JsonObject Mutate(
        string table, string uuid, string column, string mutator, JsonNode value) => new()
    {
        ["op"] = "mutate", ["table"] = table, ["where"] = Where(uuid),
        ["mutations"] = new JsonArray(new JsonArray(column, mutator, value)),
    };
}
