using System.Text.Json.Nodes;

namespace Fabric.Fuzz.Ovsdb;

/// <summary>A test that has Debian's ovsdb-server as oracle; skipped where it is missing.</summary>
public sealed class OracleFactAttribute : FactAttribute
{
    public OracleFactAttribute()
    {
        if (!File.Exists(TwinServers.Program)) Skip = "needs openvswitch-switch";
    }
}

/// <summary>
/// Random transactions on random schemas: what ovsdb-server says is what we say.
/// </summary>
/// <remarks>
/// Answers (details of errors too), notifications of all forms of monitor, and at last the rows.
/// FABRIC_FUZZ_SEED and FABRIC_FUZZ_COUNT choose other schemas and more of them.
/// </remarks>
public sealed class TwinServersTests
{
    private const int TransactionsEach = 60;
    private static readonly string[] Dialects = ["monitor", "monitor_cond", "monitor_cond_since"];

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out var number)
            ? number
            : otherwise;

    [OracleFact]
    public void Answers_and_notifications_are_those_of_ovsdb_server()
    {
        var isFull = Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";
        var first = Number("FABRIC_FUZZ_SEED", 1);
        var count = Number("FABRIC_FUZZ_COUNT", isFull ? 100 : 5);
        var differences = new List<string>();
        var seeds = Enumerable.Range(first, count).ToArray();
        var schemas = seeds.Select(
            seed => new RandomSchema($"db{seed}", new Random(seed))).ToArray();
        var committed = 0;
        using var twins = new TwinServers(
            schemas.Select(schema => (schema.Name, schema.Text)));
        foreach (var schema in schemas)
        {
            var run = new TwinRun(twins, schema, new Random(schema.Text.Length));
            run.Go(Dialects, TransactionsEach);
            committed += run.CommittedCount;
            differences.AddRange(run.Differences);
        }

        Assert.True(differences.Count == 0,
            $"{differences.Count} differences\n{string.Join("\n", differences.Take(200))}");
        Assert.True(committed > count * TransactionsEach / 10, $"{committed} committed");
    }
}

/// <summary>One schema's transactions at both servers.</summary>
internal sealed class TwinRun(TwinServers twins, RandomSchema schema, Random random)
{
    private readonly RandomTransaction _source = new(schema, random);
    private readonly List<string> _monitors = [];

    public List<string> Differences { get; } = [];
    public int CommittedCount { get; private set; }

    public void Go(string[] dialects, int count)
    {
        foreach (var dialect in dialects) StartMonitor(dialect);
        for (var i = 0; i < count && Differences.Count < 5; i++)
        {
            if (random.Next(12) == 0) ChangeConditions();
            var answer = Both("transact", _source.Next());
            if (answer["result"] is JsonArray results
                && results.All(each => each?["error"] is null)) CommittedCount++;
        }

        foreach (var table in schema.Tables)
        {
            var columns = string.Join(",", table.Columns.Select(each => $"\"{each.Name}\""));
            Both("transact", $"[\"{schema.Name}\",{{\"op\":\"select\",\"table\":"
                + $"\"{table.Name}\",\"where\":[],\"columns\":[\"_uuid\",{columns}]}}]");
        }

        foreach (var id in _monitors) Both("monitor_cancel", $"[\"{id}\"]");
    }

    private void StartMonitor(string dialect)
    {
        var id = $"{schema.Name}-{dialect}";
        var hasWhere = dialect != "monitor";
        var tables = schema.Tables.Select(table =>
        {
            var request = $"\"columns\":{_source.Columns(table)}";
            if (random.Next(3) == 0)
            {
                var select = ((string[])["initial", "insert", "delete", "modify"])
                    .Where(_ => random.Next(2) == 0)
                    .Select(word => $"\"{word}\":{(random.Next(3) > 0 ? "true" : "false")}");
                request += $",\"select\":{{{string.Join(",", select)}}}";
            }

            if (hasWhere && random.Next(2) == 0)
            {
                request += $",\"where\":{_source.Where(table, isMonitor: true)}";
            }

            return $"\"{table.Name}\":[{{{request}}}]";
        });
        var since = dialect == "monitor_cond_since" ? $",\"{Guid.Empty}\"" : "";
        var parameters = $"[\"{schema.Name}\",\"{id}\",{{{string.Join(",", tables)}}}{since}]";
        if (Both(dialect, parameters)["error"] is null) _monitors.Add(id);
    }

    private void ChangeConditions()
    {
        var own = _monitors
            .Where(id => !id.EndsWith("monitor", StringComparison.Ordinal)).ToArray();
        if (own.Length == 0) return;
        var id = own[random.Next(own.Length)];
        var table = schema.Tables[random.Next(schema.Tables.Length)];
        Both("monitor_cond_change", $"[\"{id}\",\"{id}\",{{\"{table.Name}\":[{{\"where\":"
            + $"{_source.Where(table, isMonitor: true)}}}]}}]");
    }

    /// <summary>Asks both the same and notes how their answers differ.</summary>
    private JsonNode Both(string method, string parameters)
    {
        var theirs = twins.Stock.Call(method, parameters);
        var ours = twins.Ours.Call(method, parameters);
        twins.Stock.Call("echo", "[]");
        twins.Ours.Call("echo", "[]");
        Compare(method, parameters, theirs, ours);
        Compare(
            $"updates of {method}", parameters, Take(twins.Stock.Notifications),
            Take(twins.Ours.Notifications));
        return theirs;
    }

    private static JsonArray Take(List<JsonNode> notifications)
    {
        var all = new JsonArray([.. notifications]);
        notifications.Clear();
        return all;
    }

    /// <remarks>
    /// A row that was given one fault may have another by chance: an element twice, once as "uuid"
    /// and once by its name. Which of the two is told is up to a hash inside ovsdb-server.
    /// </remarks>
    private static bool HasTwoFaults(string theirs, string ours) =>
        theirs.Contains("set contains duplicate", StringComparison.Ordinal)
        && ours.Contains("\"error\":\"syntax error\"", StringComparison.Ordinal);

    private void Compare(string method, string parameters, JsonNode theirs, JsonNode ours)
    {
        var (left, right) = (JsonOrder.TextOf(theirs), JsonOrder.TextOf(ours));
        if (left == right || HasTwoFaults(left, right)) return;
        Differences.Add($"{schema.Name} {method} {parameters}\n  stock {left}\n  ours  {right}");
    }
}

/// <summary>JSON texts that are equal where a client would see no difference.</summary>
internal static class JsonOrder
{
    /// <summary>Members and rows in one order; ids of transactions and versions left out.</summary>
    public static string TextOf(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                var texts = members
                    .OrderBy(member => member.Key, StringComparer.Ordinal)
                    .Select(member => member is { Key: "rows", Value: JsonArray rows }
                        ? $"\"rows\":{InOrder(rows)}"
                        : $"\"{member.Key}\":{TextOf(member.Value)}");
                return "{" + string.Join(",", texts) + "}";
            case JsonArray list when IsTransaction(list):
                return $"[{TextOf(list[0])},TRANSACTION,{TextOf(list[2])}]";
            case JsonArray list:
                var isNotifications = list.Count > 0
                    && list.All(each => each is JsonObject item && item.ContainsKey("method"));
                return isNotifications
                    ? InOrder(list)
                    : $"[{string.Join(",", list.Select(TextOf))}]";
            case JsonValue text when text.TryGetValue<string>(out var details)
                && HashDecides(details) is { } kept:
                return $"\"{kept}\"";
            default:
                var other = node?.ToJsonString() ?? "null";
                return other == "-0" ? "0" : other; // We have one zero only.
        }
    }

    private static string InOrder(JsonArray list) =>
        $"[{string.Join(",", list.Select(TextOf).Order(StringComparer.Ordinal))}]";

    /// <summary>
    /// Which of several rows an error names is for ovsdb-server's hash to say; a name that no
    /// insert took stands for some random UUID.
    /// </summary>
    /// <returns>What is certain of the text; null if all of it is.</returns>
    private static string? HashDecides(string details)
    {
        if (details.Contains(".  First row, with ")) return "identical values";
        if (details.Contains(" references nonexistent row ")) return "nonexistent row";
        if (details.StartsWith("cannot delete ", StringComparison.Ordinal)) return "cannot delete";
        if (details.StartsWith("Deletion of ", StringComparison.Ordinal)) return "weak";
        if (details.StartsWith("transaction causes ", StringComparison.Ordinal)) return "rows";
        if (details.StartsWith("Weak ", StringComparison.Ordinal)) return "weak";
        if (details.StartsWith("Attempted to store ", StringComparison.Ordinal)) return "count";
        if (details.Contains(" is not one of the allowed values ")) return "values";
        var isRange = details.Contains(" allowed value ") || details.Contains(" valid range ");
        return isRange ? details[(details.IndexOf(' ') + 1)..] : null;
    }

    /// <summary>[found or monitor, transaction, updates] of monitor_cond_since.</summary>
    private static bool IsTransaction(JsonArray list) =>
        list is [_, JsonValue id, JsonObject] && Guid.TryParse(id.ToString(), out _);
}
