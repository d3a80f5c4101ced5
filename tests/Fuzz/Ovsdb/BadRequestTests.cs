using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Fabric.Fuzz.Ovsdb;

/// <summary>
/// Requests that are no good: answered as ovsdb-server answers them, or hung up upon.
/// </summary>
public sealed class BadRequestTests
{
    private const string OneColumn =
        """
        {"name":"db1","tables":{"T0":{"columns":{"c0":{"type":"string"}}},
        "T1":{"columns":{"c0":{"type":"string"}}}}}
        """;

    // In one conversation: some need what those before them did.
    private static readonly (string Method, string Parameters)[] Requests =
    [
        ("monitor", """["db1","m",{}]"""), ("monitor", """["db1","m",{}]"""),
        ("monitor", """["db1","n",5]"""), ("monitor", """["db1","n",{"No":{}}]"""),
        ("monitor", """["db1","n",{"T0":5}]"""),
        ("monitor", """["db1","n",{"T0":{"columns":5}}]"""),
        ("monitor", """["db1","n",{"T0":{"columns":[5]}}]"""),
        ("monitor", """["db1","n",{"T0":{"columns":["no"]}}]"""),
        ("monitor", """["db1","n",{"T0":{"columns":["c0","c0"]}}]"""),
        ("monitor", """["db1","n",{"T0":[{"columns":["c0"]},{"columns":["c0"]}]}]"""),
        ("monitor", """["db1","n",{"T0":{"select":{"no":true}}}]"""),
        ("monitor", """["db1","n",{"T0":{"columns":["c0"],"where":[]}}]"""),
        ("monitor_cond", """["db1","n",{},5]"""), ("monitor_cond_since", """["db1","n",{}]"""),
        ("monitor_cond_since", """["db1","n",{},5]"""),
        ("monitor_cond_since", """["db1","n",{},"x"]"""),
        ("monitor_cancel", "[]"), ("monitor_cancel", """["no"]"""),
        ("monitor_cond_change", "[]"), ("monitor_cond_change", """["no","no",{}]"""),
        ("monitor_cond", """["db1","c",{"T0":[{"columns":["c0"]}]}]"""),
        ("monitor_cond_change", """["c","c",5]"""), ("monitor_cond_change", """["c","m",{}]"""),
        ("monitor_cond_change", """["c","c",{"No":[]}]"""),
        ("monitor_cond_change", """["c","c",{"T1":[]}]"""),
        ("monitor_cond_change", """["c","c",{"T0":5}]"""),
        ("monitor_cond_change", """["c","c",{"T0":[{"where":5}]}]"""),
        ("monitor_cond_change", """["c","c",{"T0":[{"columns":["c0"]}]}]"""),
        ("lock", "[]"), ("lock", "[5]"), ("lock", """["a b"]"""), ("unlock", """["a"]"""),
        ("lock", """["a"]"""), ("lock", """["a"]"""), ("steal", """["a"]"""),
        ("unlock", """["a"]"""), ("steal", """["a"]"""), ("steal", """["a"]"""),
        ("set_db_change_aware", "[]"), ("set_db_change_aware", "[1]"),
        ("get_schema", "[]"), ("get_schema", "[5]"), ("get_schema", """["no"]"""),
        ("transact", "[]"), ("transact", """["no"]"""), ("transact", """["db1"]"""),
        ("transact", """["db1",5]"""), ("convert", """["db1"]"""), ("convert", """["db1",{}]"""),
        ("transact", """["_Server",{"op":"update","table":"Database","where":[],"row":{}}]"""),
        ("no", "[]"), ("cancel", "[]"),
    ];

    private static readonly string[] LastWords =
    [
        """{"id":1,"method":"echo","params":{}}""", """{"id":1,"method":5,"params":[]}""",
        """{"id":1,"params":[]}""", """{"id":1,"method":"echo"}""", "[]", "GET / HTTP/1.1",
        """{"id":1,"method":"echo","params":[],"error":1}""",
        """{"id":1,"method":"echo","params":[],"more":1}""",
        """{"id":1,"method":"echo","params":["\u0000"]}""",
        """{"id":1,"method":"echo","params":["\ud800"]}""",
        """{"id":1,"method":"echo","params":[01]}""", """{"id":1,"method":"echo","params":[1,]}""",
        "{\"id\":1,\"method\":\"echo\",\"params\":[\"a\nb\"]}",
        $$"""{"id":1,"method":"echo","params":{{new string('[', 1001)}}""",
    ];

    [OracleFact]
    public void They_are_answered_as_by_ovsdb_server()
    {
        using var twins = new TwinServers([("db1", OneColumn)]);
        var differences = new List<string>();
        foreach (var (method, parameters) in Requests)
        {
            var theirs = JsonOrder.TextOf(twins.Stock.Call(method, parameters));
            var ours = JsonOrder.TextOf(twins.Ours.Call(method, parameters));
            if (ours == theirs) continue;
            differences.Add($"{method} {parameters}\n  stock {theirs}\n  ours  {ours}");
        }

        Assert.True(differences.Count == 0, string.Join("\n", differences));
    }

    [OracleFact]
    public void Who_sends_what_is_no_request_is_hung_up_upon_by_both()
    {
        using var twins = new TwinServers([("db1", OneColumn)]);
        foreach (var words in LastWords)
        {
            Assert.True(IsHungUpUpon(twins.Stock.Path, words), $"stock: {words}");
            Assert.True(IsHungUpUpon(twins.Ours.Path, words), $"ours: {words}");
        }

        Assert.Null(twins.Ours.Call("echo", "[]")["error"]);
    }

    /// <summary>
    /// Its updates are told together once it reads again, and the others wait for nothing.
    /// </summary>
    [OracleFact]
    public void Who_does_not_read_hinders_nobody_and_hears_the_last_state()
    {
        var isFull = Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1";
        var count = isFull ? 100_000 : 2_000;
        using var twins = new TwinServers([("db1", OneColumn)]);
        using var sleeper = new TwinClient(twins.Ours.Path);
        sleeper.Call("monitor_cond", """["db1","m",{"T0":[{"columns":["c0"]}]}]""");
        twins.Ours.Call("transact", """["db1",{"op":"insert","table":"T0","row":{}}]""");
        var padding = new string('x', 1000);
        for (var i = 1; i <= count; i++)
        {
            var answer = twins.Ours.Call("transact", $$$"""
                ["db1",{"op":"update","table":"T0","where":[],"row":{"c0":"{{{i}}} {{{padding}}}"}}]
                """);
            Assert.Equal(1, (int)answer["result"]![0]!["count"]!);
        }

        while (!sleeper.Notifications.Any(each => each.ToJsonString().Contains($"\"{count} ")))
        {
            sleeper.Call("echo", "[]");
        }

        Assert.InRange(sleeper.Notifications.Count, 2, count / 2);
    }

    private static bool IsHungUpUpon(string path, string words)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, 0);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        socket.ReceiveTimeout = 10_000;
        socket.Send(Encoding.UTF8.GetBytes(words));
        try
        {
            var buffer = new byte[65536];
            while (socket.Receive(buffer) > 0)
            {
                // Whatever it says before.
            }

            return true;
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode == SocketError.ConnectionReset;
        }
    }
}
