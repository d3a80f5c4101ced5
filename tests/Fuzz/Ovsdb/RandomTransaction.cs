using System.Globalization;

namespace Fabric.Fuzz.Ovsdb;

/// <summary>Transactions that mostly fit a schema, and now and then do not.</summary>
internal sealed class RandomTransaction(RandomSchema schema, Random random)
{
    private static readonly string[] Texts =
        ["", "a", "b", "b c", "long", "\\u00fc", "x\\\"y", "/"];

    private static readonly string[] Reals =
        ["-1.5", "-1", "0", "0.5", "1", "2", "2.25", "3.5", "1e10"];

    private static readonly string[] Functions =
        ["==", "!=", "<", "<=", ">", ">=", "includes", "excludes"];

    private static readonly string[] Mutators =
        ["+=", "-=", "*=", "/=", "%=", "insert", "insert", "insert", "delete", "delete"];

    private static readonly string[] Junk =
    [
        "null", "true", "5", "-1", "1.5", "\"x\"", "[]", "{}", "[\"set\",[]]", "[\"map\",[]]",
        "[\"uuid\",\"x\"]", "[\"named-uuid\",\"b\"]", "[\"set\",[1,1]]", "99999999999999999999",
        "[\"map\",[[1]]]", "[\"map\",[[1,1],[1,2]]]", "[\"set\",[\"a\",\"b\",\"c\",\"d\"]]",
        "[\"uuid\",\"00000000-0000-0000-0000-000000000001\"]", "[\"set\"]", "\"==\"",
    ];

    // UUIDs that rows have, had, or could have: few, so that they meet.
    private readonly Dictionary<string, List<string>> _rows =
        schema.Tables.ToDictionary(table => table.Name, _ => new List<string>());

    private readonly List<string> _names = [];
    private int _lastUuid;
    private bool _isBent;

    /// <summary>The parameters of a "transact" request.</summary>
    public string Next()
    {
        _names.Clear();
        var count = random.Next(4) == 0 ? random.Next(3, 7) : random.Next(1, 3);
        var operations = Enumerable.Range(0, count).Select(_ => Operation());
        return $"[\"{schema.Name}\",{string.Join(",", operations)}]";
    }

    private T One<T>(IReadOnlyList<T> of) => of[random.Next(of.Count)];

    private bool Rarely(int odds) => random.Next(odds) == 0;

    /// <summary>
    /// Time for something wrong: once an operation, as which of two errors is told first is up to
    /// a hash of ovsdb-server.
    /// </summary>
    private bool Bends(int odds)
    {
        if (_isBent || !Rarely(odds)) return false;
        _isBent = true;
        return true;
    }

    private string Operation()
    {
        _isBent = false;
        if (Rarely(60)) return One(Junk);
        var table = One(schema.Tables);
        var name = Bends(100) ? "Nowhere" : table.Name;
        var rows = $$""" "table":"{{name}}","where":{{Where(table)}},""";
        var text = random.Next(100) switch
        {
            < 38 => Insert(table, name),
            < 53 => $$"""{{rows}}"op":"update","row":{{Row(table, 1)}}""",
            < 73 => $$"""{{rows}}"op":"mutate","mutations":{{Mutations(table)}}""",
            < 80 => $$"""{{rows}}"op":"delete" """,
            < 90 => $$"""{{rows}}"op":"select","columns":{{Columns(table)}}""",
            < 95 => Wait(table, name),
            95 => "\"op\":\"assert\",\"lock\":\"l\"",
            96 => "\"op\":\"abort\"",
            97 => "\"op\":\"commit\",\"durable\":true",
            98 => "\"op\":\"comment\",\"comment\":\"c\"",
            _ => "\"op\":\"nothing\"",
        };
        if (Bends(60)) text += ",\"more\":1";
        if (Bends(60)) text = text.Replace("\"where\"", "\"were\"", StringComparison.Ordinal);
        return "{" + text + "}";
    }

    private string Insert(RandomTable table, string name)
    {
        var known = _rows[table.Name];
        string uuid;
        if (known.Count > 0 && Bends(5)) uuid = One(known);
        else
        {
            uuid = Guid.ParseExact(
                (++_lastUuid * 2654435761 % 4294967296).ToString("x8", CultureInfo.InvariantCulture)
                    + _lastUuid.ToString("x24", CultureInfo.InvariantCulture), "N").ToString("D");
            known.Add(uuid);
            if (known.Count > 8) known.RemoveAt(random.Next(known.Count));
        }

        var row = Row(table, 3);
        var text = $"\"op\":\"insert\",\"table\":\"{name}\",\"uuid\":\"{uuid}\",\"row\":{row}";
        if (Rarely(2))
        {
            var alias = Bends(30) ? "1x" : $"n{random.Next(4)}";
            _names.Add(alias);
            text += $",\"uuid-name\":\"{alias}\"";
        }

        return text;
    }

    private string Wait(RandomTable table, string name)
    {
        var rows = string.Join(",", Enumerable.Range(0, random.Next(3)).Select(_ => Row(table, 1)));
        return $"\"op\":\"wait\",\"timeout\":0,\"table\":\"{name}\",\"where\":{Where(table)},"
            + $"\"columns\":{Columns(table)},\"until\":\"{(Rarely(2) ? "==" : "!=")}\","
            + $"\"rows\":[{rows}]";
    }

    /// <summary>A "where"; where monitors take it, rows that pass any of it are meant.</summary>
    public string Where(RandomTable table, bool isMonitor = false)
    {
        var count = random.Next(5) switch { 0 => 0, < 4 => 1, _ => 2 };
        var conditions = Enumerable.Range(0, count).Select(_ => Condition(table, isMonitor));
        return $"[{string.Join(",", conditions)}]";
    }

    private string Condition(RandomTable table, bool isMonitor)
    {
        if (Bends(60)) return One(Junk);
        if (isMonitor && Rarely(6)) return Rarely(2) ? "true" : "false";
        if (!isMonitor && Rarely(2)) return $"[\"_uuid\",\"==\",{Uuid(table.Name, isMonitor)}]";
        var column = One(table.Columns);
        var function = column.Key is "integer" or "real" ? One(Functions)
            : Bends(20) ? One(Functions) : One(["==", "!=", "includes", "excludes"]);
        if (Bends(60)) function = "~";
        var value = function.Length == 1 && function != "~"
            ? Atom(column.Key, column)
            : Value(column, isMonitor);
        return $"[\"{ColumnName(column)}\",\"{function}\",{value}]";
    }

    private string Mutations(RandomTable table)
    {
        var list = Enumerable.Range(0, random.Next(1, 3)).Select(_ =>
        {
            if (Bends(60)) return One(Junk);
            var column = One(table.Columns);
            var isNumber = column.Key is "integer" or "real" && !column.IsMap;
            var isScalar = column is { Min: 1, Max: 1, IsMap: false };
            var mutator = isNumber && isScalar ? One(Mutators.AsSpan(0, 5).ToArray())
                : isNumber || Bends(20) ? One(Mutators) : One(["insert", "delete"]);
            var value = mutator.Length == 2 ? Atom(column.Key, null)
                : mutator == "delete" && column.IsMap && Rarely(2)
                    ? $"[\"set\",[{Atom(column.Key, column)}]]"
                    : Value(column);
            return $"[\"{ColumnName(column)}\",\"{mutator}\",{value}]";
        });
        return $"[{string.Join(",", list)}]";
    }

    private string ColumnName(RandomColumn column) =>
        Bends(80) ? One(["nothing", "_version", "_uuid"]) : column.Name;

    public string Columns(RandomTable table)
    {
        var names = table.Columns.Where(_ => Rarely(2)).Select(column => $"\"{column.Name}\"");
        if (Rarely(2)) names = names.Append("\"_uuid\"");
        if (Bends(60)) names = names.Append(One(["\"c0\"", "5", "\"nothing\""]));
        return $"[{string.Join(",", names)}]";
    }

    /// <param name="odds">Every how manyth column is left out; 1: most are.</param>
    private string Row(RandomTable table, int odds)
    {
        var columns = table.Columns.Where(_ => odds == 1 ? Rarely(3) : !Rarely(odds));
        if (odds == 1) columns = columns.Where(column => column.IsMutable || Bends(4));
        var members = columns.Select(column => $"\"{ColumnName(column)}\":{Value(column)}");
        return "{" + string.Join(",", members.DistinctBy(text => text.Split(':')[0])) + "}";
    }

    private string Value(RandomColumn column, bool isMonitor = false)
    {
        if (Bends(50)) return One(Junk);
        if (column is { Min: 1, Max: 1, IsMap: false }) return Atom(column.Key, column, isMonitor);
        if (!column.IsMap && Rarely(4)) return Atom(column.Key, column, isMonitor);
        var max = column.Max < 0 ? 4 : column.Max;
        var count = Bends(30) ? random.Next(5) : random.Next(column.Min, max + 1);
        var items = Enumerable.Range(0, count * 2)
            .Select(_ => Atom(column.Key, column, isMonitor));
        if (!Bends(30)) items = items.Distinct();
        items = items.Take(count);
        if (column.IsMap) items = items.Select(key => $"[{key},{Atom(column.Value!, null)}]");
        return column.IsMap
            ? $"[\"map\",[{string.Join(",", items)}]]"
            : $"[\"set\",[{string.Join(",", items)}]]";
    }

    private string Atom(string word, RandomColumn? column, bool isMonitor = false)
    {
        if (Bends(100)) return One(Junk);
        if (column?.Choices is { Length: > 0 } choices && !Bends(20)) return One(choices);
        return word switch
        {
            "integer" => random.Next(-1, 5).ToString(CultureInfo.InvariantCulture),
            "real" => One(Reals),
            "boolean" => Rarely(2) ? "true" : "false",
            "string" => $"\"{One(Texts)}\"",
            _ => Uuid(column?.KeyTable, isMonitor),
        };
    }

    private string Uuid(string? table, bool isMonitor)
    {
        if (!isMonitor && _names.Count > 0 && Rarely(3))
        {
            return $"[\"named-uuid\",\"{One(_names)}\"]";
        }

        var known = table is null ? _rows.Values.First() : _rows[table];
        return known.Count == 0 || Rarely(12)
            ? "[\"uuid\",\"0a000000-0000-0000-0000-00000000000a\"]"
            : $"[\"uuid\",\"{One(known)}\"]";
    }
}
