using System.Collections.Immutable;
using System.Diagnostics;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

/// <summary>Files as ovsdb-server has them; Debian's ovsdb-tool is the judge.</summary>
public sealed class OvsdbLogFileGoldenTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fabric-log-").FullName;

    private string PathOf(string name) => Path.Combine(_directory, name);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_was_appended_is_there_when_the_file_is_opened_again()
    {
        var database = Fill("a.db", 20);

        using var again = Open("a.db");
        Assert.Equal(
            DatabaseFixture.TextOf(database.Snapshot), DatabaseFixture.TextOf(again.Snapshot));
        Assert.Null(again.Repair);
        Assert.Equal(20, again.TransactionCount);
    }

    [Fact]
    public void A_file_cut_anywhere_is_repaired_to_its_last_whole_transaction()
    {
        Fill("whole.db", 4);
        var bytes = File.ReadAllBytes(PathOf("whole.db"));
        var schemaEnd = EndOfSchema(bytes);
        var seen = new SortedSet<int>();
        for (var size = schemaEnd; size < bytes.Length; size += 7)
        {
            File.WriteAllBytes(PathOf("cut.db"), bytes[..size]);
            using (var cut = Open("cut.db"))
            {
                seen.Add(cut.TransactionCount);
                Assert.Equal(cut.TransactionCount, cut.Snapshot.Table("Logical_Switch").Count);
            }

            using var repaired = Open("cut.db");
            Assert.Null(repaired.Repair);
        }

        Assert.Equal([0, 1, 2, 3], seen);
    }

    [Fact]
    public void A_flipped_byte_ends_the_log_with_a_reason()
    {
        Fill("flip.db", 3);
        var bytes = File.ReadAllBytes(PathOf("flip.db"));
        bytes[^20] ^= 1;
        File.WriteAllBytes(PathOf("flip.db"), bytes);

        using var file = Open("flip.db");

        Assert.Equal(2, file.TransactionCount);
        Assert.Contains("have SHA-1 hash", file.Repair);
    }

    [Fact]
    public void A_file_in_use_or_no_database_is_refused_with_a_reason()
    {
        File.WriteAllText(PathOf("x.db"), "hello\n");
        Assert.False(OvsdbLogFile.TryOpen(PathOf("x.db"), true, out _, out var problem));
        Assert.Contains("unexpected file format", problem);
        Assert.False(OvsdbLogFile.TryOpen(PathOf("none.db"), true, out _, out problem));
        Assert.Contains("open failed (No such file or directory)", problem);
    }

    [Fact]
    public void Compacting_keeps_the_rows_and_drops_the_history()
    {
        var database = Fill("c.db", 50);
        using (var file = Open("c.db"))
        {
            var before = file.Size;
            file.Compact(file.Snapshot, DateTimeOffset.UnixEpoch, "test");
            Assert.True(file.Size < before);
        }

        using var again = Open("c.db");
        Assert.Equal(1, again.TransactionCount);
        Assert.Equal(
            DatabaseFixture.TextOf(database.Snapshot), DatabaseFixture.TextOf(again.Snapshot));
    }

    [ToolFact("ovsdb-tool")]
    public void Ovsdb_tool_and_ours_read_each_others_files()
    {
        File.WriteAllText(PathOf("nb.ovsschema"), NorthboundSchema.Schema.Text);
        Run($"create {PathOf("nb.db")} {PathOf("nb.ovsschema")}");
        Run($"transact {PathOf("nb.db")} " + """
            ["OVN_Northbound",{"op":"insert","table":"Address_Set","row":{"name":"a","addresses":["set",["x","y"]]}}]
            """.Trim());
        Run($"transact {PathOf("nb.db")} " + """
            ["OVN_Northbound",{"op":"update","table":"Address_Set","where":[],"row":{"addresses":["set",["y","z"]]}}]
            """.Trim());

        using (var file = Open("nb.db"))
        {
            var row = file.Snapshot.Table("Address_Set").First!;
            Assert.Equal("[y, z]", row["addresses"].ToString());
            var outcome = TransactionExecutor.Execute(
                file.Snapshot,
                [Operation.MutateRow("Address_Set", row.Uuid,
                    new Mutation("addresses", Mutator.Insert, "w"),
                    new Mutation("addresses", Mutator.Delete, "y"))],
                TransactionContext.Random());
            file.Append(outcome.Delta!, DateTimeOffset.UnixEpoch, isDurable: true);
        }

        Assert.Equal(
            """[{"rows":[{"addresses":["set",["w","z"]]}]}]""",
            Run($"query {PathOf("nb.db")} " + """
                ["OVN_Northbound",{"op":"select","table":"Address_Set","where":[],"columns":["addresses"]}]
                """.Trim()));
    }

    [Fact]
    public void A_conversion_drops_what_the_new_schema_lacks_and_checks_what_stays()
    {
        var old = new DatabaseFixture(NorthboundSchema.Schema);
        old.Insert("Address_Set", """{"name":"a","addresses":"x"}""");
        old.Insert("Logical_Switch", """{"name":"s"}""");
        var fits = new DatabaseSchema("OVN_Northbound", "9.0.0",
        [
            new TableSchema("Address_Set",
                [new ColumnSchema("name", ColumnType.Scalar(BaseType.String))], isRoot: true),
        ]);
        var not = new DatabaseSchema("OVN_Northbound", "9.0.0",
        [
            new TableSchema("Address_Set",
                [new ColumnSchema("name", ColumnType.Scalar(BaseType.OneOf("b")))], isRoot: true),
        ]);

        Assert.True(SchemaConversion.TryConvert(
            old.Snapshot, fits, Guid.NewGuid(), out var converted, out _));
        Assert.Equal("a", converted!.Table("Address_Set").First!.GetString("name"));
        Assert.False(SchemaConversion.TryConvert(
            old.Snapshot, not, Guid.NewGuid(), out _, out var error));
        Assert.Equal("constraint violation", error!.Tag);
    }

    private OvsdbLogFile Open(string name)
    {
        var isOpen = OvsdbLogFile.TryOpen(PathOf(name), false, out var file, out var problem);
        Assert.True(isOpen, problem);
        return file!;
    }

    private DatabaseFixture Fill(string name, int count)
    {
        var database = new DatabaseFixture(NorthboundSchema.Schema);
        OvsdbLogFile.Create(PathOf(name), NorthboundSchema.Schema);
        using var file = Open(name);
        for (var i = 0; i < count; i++)
        {
            database.Insert("Logical_Switch", $$$"""{"name":"s{{{i}}}","external_ids":["map",[["k","é"]]]}""");
            file.Append(database.Last!.Delta!, DateTimeOffset.UnixEpoch, isDurable: false);
        }

        return database;
    }

    private static int EndOfSchema(byte[] bytes)
    {
        var text = System.Text.Encoding.Latin1.GetString(bytes);
        return text.IndexOf("OVSDB JSON", 10, StringComparison.Ordinal);
    }

    private static string Run(string arguments)
    {
        var words = arguments.Split(' ', 3);
        if (words[0] == "create") words = arguments.Split(' ');
        var start = new ProcessStartInfo("ovsdb-tool", words)
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Trim();
    }
}
