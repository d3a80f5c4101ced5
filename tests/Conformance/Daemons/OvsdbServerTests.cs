namespace Fabric.Conformance;

/// <summary>fabric ovsdb-server in the place of ovsdb-server.</summary>
public sealed class OvsdbServerTests
{
    private const string Schema = """
        {"name":"ordinals","version":"5.1.3","tables":{"ordinals":{"columns":{
        "number":{"type":"integer"},"name":{"type":"string"}},"indexes":[["number","name"]]}}}
        """;

    private static async Task<DropInWorld> CreateAsync()
    {
        var world = new DropInWorld("ovsdb-server", "ovsdb-tool");
        File.WriteAllText($"{world.Folder}/schema", Schema);
        await world.SaysAsync("ovsdb-tool create db schema");
        return world;
    }

    private const string Numbers = "ovsdb-client dump unix:socket ordinals ordinals number "
        + "-f csv --no-headings | grep -E '^[0-9]+$'";

    private const string Start = "ovsdb-server --detach --no-chdir --pidfile --log-file "
        + "--remote=punix:socket db";

    [Fact]
    public async Task A_torn_tail_is_cut_off_and_told()
    {
        using var world = await CreateAsync();
        const string insert = """
            ovsdb-client transact unix:socket '["ordinals",{"op":"insert","table":"ordinals",
            "row":{"number":NUMBER,"name":"x"}}]'
            """;
        await world.SaysAsync($"{Start} && {insert.Replace("NUMBER", "1")}");
        await world.SaysAsync("kill -9 $(cat ovsdb-server.pid); sleep 0.1; echo xxx >> db");
        await world.SaysAsync($"{Start} && {insert.Replace("NUMBER", "2")}");
        Assert.Contains("syntax error: db: parse error at offset",
            Assert.Single(world.Alarms("ovsdb-server.log")));
        Assert.Equal("1\n2", await world.SaysAsync(
            Numbers));
    }

    /// <summary>
    /// Each transaction inserts two rows: both are there or none, and all that were acknowledged.
    /// </summary>
    [Fact]
    public async Task Nothing_acknowledged_is_lost_when_it_is_killed_at_any_moment()
    {
        using var world = await CreateAsync();
        File.WriteAllText($"{world.Folder}/load.py", """
            import json, socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect('socket')
            i = int(sys.argv[1]); acked = open('acked', 'a'); rest = b''
            while True:
                op = [{"op": "insert", "table": "ordinals", "row": {"number": i, "name": n}}
                      for n in ("a", "b")] + [{"op": "commit", "durable": i % 7 == 0}]
                s.sendall(json.dumps({"method": "transact", "id": i,
                                      "params": ["ordinals"] + op}).encode())
                while b'}' not in rest or rest.count(b'{') != rest.count(b'}'):
                    d = s.recv(65536)
                    if not d: sys.exit(0)
                    rest += d
                rest = b''; acked.write('%d\n' % i); acked.flush(); i += 1
            """);
        var random = new Random(4);
        var kills = DropInWorld.IsFull ? 200 : 20;
        var next = 0;
        for (var kill = 0; kill < kills; kill++)
        {
            var pause = random.Next(1, 80).ToString("000");
            await world.SaysAsync($"{Start}; (python3 load.py {next} 2>/dev/null) & "
                + $"while ! grep -qs '^{next}$' acked; do sleep 0.01; done; "
                + $"sleep 0.{pause}; kill -9 $(cat ovsdb-server.pid); wait; "
                + "rm -f ovsdb-server.pid");
            next += 100_000;
        }

        var acked = File.ReadAllLines($"{world.Folder}/acked").Select(int.Parse).ToHashSet();
        Assert.NotEmpty(acked);
        await world.SaysAsync(Start);
        // A select gives equal rows once: the name keeps the two apart.
        var rows = (await world.SaysAsync(
            "ovsdb-client dump unix:socket ordinals ordinals number name -f csv --no-headings "
            + "| grep -oE '[0-9]+'")).Split('\n')
            .GroupBy(int.Parse).ToDictionary(group => group.Key, group => group.Count());
        Assert.All(rows.Values, count => Assert.Equal(2, count));
        Assert.Empty(acked.Except(rows.Keys));
    }
}
