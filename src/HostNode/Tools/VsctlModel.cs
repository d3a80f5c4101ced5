using System.Text.Json.Nodes;
using Fabric.HostNode.Cli;

namespace Fabric.HostNode.Tools;

/// <summary>A row as the commands of one command line see it and leave it.</summary>
/// <param name="table">Its table.</param>
/// <param name="id">["uuid", ...], or ["named-uuid", ...] of a row that is to be inserted.</param>
internal sealed class VsctlRow(string table, JsonArray id, JsonObject columns, bool isNew)
{
    private readonly JsonObject _before = [];

    public string Table { get; } = table;
    public JsonArray Id { get; } = id;
    public JsonObject Columns { get; } = columns;
    public bool IsNew { get; } = isNew;

    /// <summary>Nothing leads here any more; the server takes it away by itself.</summary>
    public bool IsGone { get; set; }

    public string Key => (string)Id[1]!;
    public string? Name => (string?)Columns["name"];
    public bool IsChanged => _before.Count > 0 && !IsGone;

    public void Set(string column, JsonNode? value)
    {
        if (!IsNew && !_before.ContainsKey(column))
        {
            _before[column] = Columns[column]?.DeepClone();
        }

        Columns[column] = value;
    }

    /// <summary>UUIDs, or names of new rows, in a column of references.</summary>
    public IReadOnlyList<string> References(string column) =>
        [.. OvsdbText.References(Columns[column])];

    public void AddReference(string column, VsctlRow target) =>
        SetReferences(column, [.. Items(column), target.Id]);

    public void RemoveReference(string column, VsctlRow target) => SetReferences(
        column, [.. Items(column).Where(item => (string)item[1]! != target.Key)]);

    private IEnumerable<JsonArray> Items(string column) => Columns[column] switch
    {
        JsonArray { Count: 2 } pair when (string?)pair[0] == "set" =>
            ((JsonArray)pair[1]!).Select(item => (JsonArray)item!),
        JsonArray { Count: 2 } pair => [pair],
        _ => [],
    };

    private void SetReferences(string column, JsonArray[] items) => Set(
        column,
        new JsonArray("set", new JsonArray([.. items.Select(item => item.DeepClone())])));

    /// <summary>Holds while nobody else has written the columns that are written here.</summary>
    public JsonObject ToWait() => new()
    {
        ["op"] = "wait", ["table"] = Table, ["where"] = Where(), ["timeout"] = 0,
        ["until"] = "==",
        ["columns"] = new JsonArray([.. _before.Select(each => (JsonNode)each.Key)]),
        ["rows"] = new JsonArray(_before.DeepClone()),
    };

    public JsonObject ToOperation()
    {
        if (IsNew) return VsctlSession.Insert(Table, (JsonObject)Columns.DeepClone(), Key);
        var row = new JsonObject();
        foreach (var (column, _) in _before) row[column] = Columns[column]?.DeepClone();
        return new JsonObject
        {
            ["op"] = "update", ["table"] = Table, ["where"] = Where(), ["row"] = row,
        };
    }

    public JsonArray Where() => new(new JsonArray("_uuid", "==", Id.DeepClone()));
}

/// <summary>The database as it will be after the commands so far.</summary>
/// <remarks>
/// All commands of a command line change this copy; what came of them is one transaction, which
/// the server refuses if somebody else wrote one of the same columns meanwhile.
/// </remarks>
internal sealed class VsctlModel
{
    private readonly SortedDictionary<string, List<VsctlRow>> _tables =
        new(StringComparer.Ordinal);

    private readonly List<JsonObject> _others = [];
    private int _inserted;

    /// <summary>Reads every table, as of one moment.</summary>
    public static async Task<VsctlModel> LoadAsync(
        OvsdbConnection database, JsonNode schema, CancellationToken cancellation)
    {
        var model = new VsctlModel();
        var names = ((JsonObject)schema["tables"]!).Select(table => table.Key).ToArray();
        var results = await database.TransactAsync(
            names.Select(name => new JsonObject
            {
                ["op"] = "select", ["table"] = name, ["where"] = new JsonArray(),
            }),
            cancellation);
        for (var i = 0; i < names.Length; i++)
        {
            model._tables[names[i]] =
            [
                .. ((JsonArray)results[i]!["rows"]!).Select(row => new VsctlRow(
                    names[i], (JsonArray)row!["_uuid"]!.DeepClone(), (JsonObject)row.DeepClone(),
                    isNew: false)),
            ];
        }

        return model;
    }

    /// <exception cref="ToolException">There is no such table.</exception>
    public IEnumerable<VsctlRow> Rows(string table) =>
        _tables.TryGetValue(table, out var rows)
            ? rows.Where(row => !row.IsGone)
            : throw new ToolException($"unknown table \"{table}\"");

    /// <summary>By UUID, by name, or "." for the one row of a table; or null.</summary>
    public VsctlRow? Find(string table, string record) => record == "."
        ? Rows(table).FirstOrDefault()
        : Rows(table).FirstOrDefault(row => row.Name == record || row.Key == record);

    public IEnumerable<VsctlRow> Follow(string table, IReadOnlyList<string> references) =>
        Rows(table).Where(row => references.Contains(row.Key));

    public VsctlRow Insert(string table, JsonObject columns, string? name = null)
    {
        if (!_tables.TryGetValue(table, out var rows))
        {
            throw new ToolException($"unknown table \"{table}\"");
        }

        var id = new JsonArray("named-uuid", name ?? $"fabric_new_{_inserted++}");
        var row = new VsctlRow(table, id, columns, isNew: true);
        rows.Add(row);
        return row;
    }

    /// <summary>An operation that none of the rows tells, behind all of them.</summary>
    public void Add(JsonObject operation) => _others.Add(operation);

    public bool IsChanged => _others.Count > 0
        || _tables.Values.Any(rows => rows.Any(row => row.IsChanged || IsInsert(row)));

    /// <summary>New rows in the order of their insert operations.</summary>
    public IEnumerable<VsctlRow> Inserted => _tables.Values.SelectMany(rows => rows)
        .Where(IsInsert);

    /// <summary>What has to be done, and what must not have happened meanwhile.</summary>
    public IEnumerable<JsonObject> ToOperations()
    {
        var all = _tables.Values.SelectMany(rows => rows).ToArray();
        return all.Where(row => row.IsChanged && !row.IsNew).Select(row => row.ToWait())
            .Concat(all.Where(row => row.IsChanged && !row.IsNew)
                .Select(row => row.ToOperation()))
            .Concat(Inserted.Select(row => row.ToOperation()))
            .Concat(_others);
    }

    private static bool IsInsert(VsctlRow row) => row.IsNew && !row.IsGone;
}
