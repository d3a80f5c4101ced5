using System.Text;
using System.Text.Json;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Fuzz.Ovsdb;

/// <summary>Whatever strangers send, readers answer with an error and never throw.</summary>
/// <remarks>Requests that are well are bent a little, so that most of them get deep.</remarks>
public sealed class OvsdbGoldenFuzzTests
{
    private static readonly int Rounds =
        Environment.GetEnvironmentVariable("FABRIC_TEST_FULL") == "1" ? 400_000 : 20_000;

    private static readonly string[] Operations =
    [
        """{"op":"insert","table":"Logical_Switch","uuid-name":"a","row":{"name":"x","ports":["named-uuid","b"]}}""",
        """{"op":"insert","table":"Logical_Switch_Port","uuid-name":"b","row":{"name":"p","tag":5,"options":["map",[["k","v"]]]}}""",
        """{"op":"update","table":"ACL","where":[["priority","<",5]],"row":{"log":true,"severity":"info"}}""",
        """{"op":"mutate","table":"NB_Global","where":[],"mutations":[["nb_cfg","+=",1],["options","delete",["set",["a"]]]]}""",
        """{"op":"select","table":"QoS","where":[["action","includes",["map",[["dscp",1]]]]],"columns":["_uuid"]}""",
        """{"op":"delete","table":"NAT","where":[["type","==","snat"]]}""",
        """{"op":"wait","table":"NB_Global","where":[],"columns":["nb_cfg"],"until":"==","rows":[{"nb_cfg":0}],"timeout":0}""",
        """{"op":"commit","durable":true}""", """{"op":"comment","comment":"c"}""",
        """{"op":"assert","lock":"l"}""", """{"op":"abort"}""",
    ];

    private static readonly string[] Pieces =
    [
        "null", "true", "5", "-1", "1.5", "1e400", "\"x\"", "[]", "{}", "[\"set\",[]]", "[\"map\",[]]",
        "[\"uuid\",\"x\"]", "[\"named-uuid\",\"b\"]", "[\"set\",[1,1]]", "99999999999999999999",
        "[\"map\",[[1]]]", "\"\\u00e9\"", "[\"uuid\",\"00000000-0000-0000-0000-000000000001\"]",
    ];

    [Fact]
    public void Bent_transactions_are_executed_or_refused()
    {
        var random = new Random(5);
        var database = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
        var committed = 0;
        var refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var text = string.Join(",", Enumerable.Range(0, random.Next(1, 4))
                .Select(_ => Bend(Operations[random.Next(Operations.Length)], random)));
            if (!JsonText.TryParse(Encoding.UTF8.GetBytes($"[{text}]"), out var document, out _))
            {
                continue;
            }

            using (document)
            {
                var operations = OperationReader.Read(
                    NorthboundSchema.Schema, [.. document.RootElement.EnumerateArray()],
                    Guid.NewGuid);
                var outcome = TransactionExecutor.Execute(
                    database, operations, TransactionContext.Random());
                if (outcome.Error is null) committed++;
                else refused++;
                if (outcome.Delta is { } delta)
                {
                    Assert.True(DatabaseDeltaReader.TryRead(
                        delta.ToJson(), NorthboundSchema.Schema, out _, out var problem), problem);
                }

                if (outcome.Snapshot.Table("Logical_Switch").Count < 50) database = outcome.Snapshot;
            }
        }

        Assert.True(committed > Rounds / 50, $"{committed} committed");
        Assert.True(refused > Rounds / 50, $"{refused} refused");
    }

    [Fact]
    public void Bent_monitor_requests_are_read_or_refused()
    {
        const string request = """
            {"ACL":[{"columns":["priority","match"],"select":{"initial":true,"delete":false},"where":[["priority",">",5],true]}],"NB_Global":{"columns":[]}}
            """;
        var random = new Random(6);
        for (var round = 0; round < Rounds; round++)
        {
            var json = Encoding.UTF8.GetBytes(Bend(request.Trim(), random));
            if (!JsonText.TryParse(json, out var document, out _)) continue;
            using (document)
            {
                MonitorRequest.TryRead(
                    document.RootElement, NorthboundSchema.Schema, isConditional: true, out _,
                    out _);
            }
        }
    }

    [Fact]
    public void Bent_schemas_are_read_or_refused()
    {
        const string schema = """
            {"name":"T","version":"1.0.0","cksum":"1 2","tables":{"A":{"isRoot":true,"maxRows":3,"indexes":[["n"]],"columns":{"n":{"type":"string","mutable":false},"r":{"ephemeral":true,"type":{"key":{"type":"uuid","refTable":"A","refType":"weak"},"min":0,"max":"unlimited"}},"e":{"type":{"key":{"type":"string","enum":["set",["x","y"]]},"value":{"type":"integer","minInteger":1,"maxInteger":9},"min":0,"max":5}}}}}}
            """;
        var random = new Random(7);
        var read = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var json = Encoding.UTF8.GetBytes(Bend(schema.Trim(), random));
            if (!JsonText.TryParse(json, out var document, out _)) continue;
            using (document)
            {
                if (SchemaReader.TryRead(document.RootElement, out var found, out _))
                {
                    read++;
                    Assert.NotEmpty(found.Text);
                }
            }
        }

        Assert.True(read > 0);
    }

    [Fact]
    public void Bent_log_files_are_loaded_up_to_what_is_whole()
    {
        var directory = Directory.CreateTempSubdirectory("fabric-fuzz-").FullName;
        try
        {
            var path = Path.Combine(directory, "a.db");
            OvsdbLogFile.Create(path, NorthboundSchema.Schema);
            Assert.True(OvsdbLogFile.TryOpen(path, false, out var file, out _));
            for (var i = 0; i < 5; i++)
            {
                var outcome = TransactionExecutor.Execute(
                    file!.Snapshot,
                    [new Operation.Insert("Logical_Switch", [new ColumnValue("name", $"s{i}")])],
                    TransactionContext.Random());
                file.Append(outcome.Delta!, DateTimeOffset.UnixEpoch, isDurable: false);
            }

            file!.Dispose();
            var whole = File.ReadAllBytes(path);
            var random = new Random(8);
            for (var round = 0; round < Rounds / 100; round++)
            {
                var bytes = (byte[])whole.Clone();
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bytes[..random.Next(bytes.Length)]);
                if (!OvsdbLogFile.TryOpen(path, true, out var bent, out var problem))
                {
                    Assert.NotEmpty(problem);
                    continue;
                }

                Assert.True(bent.TransactionCount <= 5);
                bent.Dispose();
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Replaces, drops or doubles a few pieces of a JSON text.</summary>
    private static string Bend(string json, Random random)
    {
        var text = new StringBuilder(json);
        for (var i = random.Next(3); i > 0 && text.Length > 4; i--)
        {
            var at = random.Next(text.Length - 2);
            switch (random.Next(4))
            {
                case 0: text.Remove(at, random.Next(1, 3)); break;
                case 1: text.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
                case 2:
                    var next = json.IndexOf(':', Math.Min(at, json.Length - 1));
                    if (next > 0 && next < text.Length)
                    {
                        text.Insert(next + 1, Pieces[random.Next(Pieces.Length)] + ",\"z\":");
                    }

                    break;
                default: text[at] = (char)random.Next(32, 127); break;
            }
        }

        return text.ToString();
    }
}
