using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

public sealed class DatabaseDeltaGoldenTests
{
    /// <remarks>
    /// Goal: a replica that only applies deltas, read back from JSON, is the writer's database.
    /// Method: random transactions on ports, switches and groups; after each one both databases
    /// are compared, and now and then the replica is built anew from a whole snapshot.
    /// </remarks>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Replicas_that_apply_deltas_equal_the_writer(int seed)
    {
        var random = new Random(seed);
        var writer = new DatabaseFixture(NorthboundSchema.Schema);
        var replica = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema);
        var committed = 0;
        for (var round = 0; round < 1500; round++)
        {
            writer.Transact(RandomOperation(random, writer));
            if (writer.Last!.Delta is not { } delta) continue;
            committed++;
            replica = replica.Apply(ReadBack(delta));
            if (round % 100 == 0)
            {
                replica = DatabaseSnapshot.EmptyOf(NorthboundSchema.Schema)
                    .Apply(ReadBack(writer.Snapshot.ToDelta()));
            }

            Assert.Equal(
                DatabaseFixture.TextOf(writer.Snapshot), DatabaseFixture.TextOf(replica));
            Assert.Equal(writer.Snapshot.TransactionId, replica.TransactionId);
        }

        Assert.True(committed > 300);
        CheckThatGarbageIsCollected(replica);
    }

    [Fact]
    public void What_is_no_delta_is_refused_with_a_reason()
    {
        foreach (var json in new[]
        {
            "", "5", "{}", """{"v":2,"db":"x","txn":"00000000-0000-0000-0000-000000000001","rows":{}}""",
            """{"v":1,"db":"x","txn":"00000000-0000-0000-0000-000000000001","rows":{"X":{}}}""",
            """{"v":1,"db":"x","txn":"00000000-0000-0000-0000-000000000001","rows":{"ACL":{"5":{}}}}""",
        })
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(json);
            Assert.False(DatabaseDeltaReader.TryRead(
                bytes, NorthboundSchema.Schema, out _, out var problem));
            Assert.NotEmpty(problem);
        }
    }

    private static DatabaseDelta ReadBack(DatabaseDelta delta)
    {
        Assert.True(DatabaseDeltaReader.TryRead(
            delta.ToJson(), NorthboundSchema.Schema, out var read, out var problem), problem);
        return read!;
    }

    /// <summary>Applying deltas keeps the counts, so that the replica can take over as writer.</summary>
    private static void CheckThatGarbageIsCollected(DatabaseSnapshot replica)
    {
        var database = new DatabaseFixture(NorthboundSchema.Schema) { Snapshot = replica };
        database.Transact("""
            {"op":"delete","table":"Logical_Switch","where":[]},
            {"op":"delete","table":"Port_Group","where":[]}
            """);
        Assert.Null(database.Last!.Error);
        Assert.Equal(0, database.Snapshot.Table("Logical_Switch_Port").Count);
        Assert.Equal(0, database.Snapshot.Table("ACL").Count);
    }

    private static string RandomOperation(Random random, DatabaseFixture database)
    {
        var name = random.Next(12);
        var port = Pick(random, database, "Logical_Switch_Port");
        var owner = Pick(random, database, "Logical_Switch");
        var group = Pick(random, database, "Port_Group");
        return random.Next(10) switch
        {
            0 => $$$"""{"op":"insert","table":"Logical_Switch","row":{"name":"s{{{name}}}"}}""",
            1 => $$$"""{"op":"insert","table":"Port_Group","row":{"name":"g{{{name}}}"}}""",
            2 or 3 => $$$"""
                {"op":"insert","table":"Logical_Switch_Port","uuid-name":"p","row":{"name":"p{{{name}}}","addresses":["set",["unknown"]]}},
                {"op":"mutate","table":"Logical_Switch","where":[["_uuid","==",["uuid","{{{owner}}}"]]],"mutations":[["ports","insert",["named-uuid","p"]]]}
                """,
            4 => $$$"""
                {"op":"mutate","table":"Port_Group","where":[["_uuid","==",["uuid","{{{group}}}"]]],"mutations":[["ports","insert",["uuid","{{{port}}}"]]]}
                """,
            5 => $$$"""
                {"op":"mutate","table":"Logical_Switch","where":[["ports","includes",["uuid","{{{port}}}"]]],"mutations":[["ports","delete",["uuid","{{{port}}}"]]]}
                """,
            6 => $$$"""
                {"op":"insert","table":"ACL","uuid-name":"a","row":{"priority":{{{name}}},"direction":"to-lport","action":"drop","match":"ip"}},
                {"op":"mutate","table":"Port_Group","where":[["_uuid","==",["uuid","{{{group}}}"]]],"mutations":[["acls","insert",["named-uuid","a"]]]}
                """,
            7 => $$$"""
                {"op":"mutate","table":"Logical_Switch","where":[["name","==","s{{{name}}}"]],"mutations":[["other_config","delete",["set",["k"]]],["other_config","insert",["map",[["k","{{{random.Next(3)}}}"]]]]]}
                """,
            8 => $$$"""{"op":"delete","table":"Logical_Switch","where":[["name","==","s{{{name}}}"]]}""",
            _ => $$$"""
                {"op":"update","table":"Logical_Switch_Port","where":[["name","==","p{{{name}}}"]],"row":{"tag":["set",[]],"type":"{{{random.Next(2)}}}"}}
                """,
        };
    }

    private static Guid Pick(Random random, DatabaseFixture database, string table)
    {
        var rows = database.Snapshot.Table(table);
        return rows.Count == 0 ? Guid.Empty : rows.Rows.ElementAt(random.Next(rows.Count)).Uuid;
    }
}
