using System.Collections.Immutable;
using Fabric.Configuration;
using Fabric.Wire.Ovsdb;

namespace Fabric.Tests.Configuration;

/// <summary>What commits, what does not, and the sentences about it (RFC 7047 section 5.2).</summary>
public sealed class TransactionGoldenTests
{
    private readonly DatabaseFixture _nb = new(NorthboundSchema.Schema);
    private readonly DatabaseFixture _vs = new(OpenVSwitchSchema.Schema);

    [Fact]
    public void A_row_that_nothing_refers_to_is_inserted_and_gone_at_once()
    {
        var result = _nb.Transact("""{"op":"insert","table":"Logical_Switch_Port","row":{"name":"p"}}""");

        Assert.StartsWith("""[{"uuid":["uuid",""", result);
        Assert.Equal(0, _nb.Snapshot.Table("Logical_Switch_Port").Count);
        Assert.Null(_nb.Last!.Delta);
    }

    [Fact]
    public void Deleting_a_root_takes_along_what_only_it_referred_to()
    {
        _vs.Transact("""
            {"op":"insert","table":"Open_vSwitch","row":{"bridges":["named-uuid","b"]}},
            {"op":"insert","table":"Bridge","uuid-name":"b","row":{"name":"br0","ports":["named-uuid","p"]}},
            {"op":"insert","table":"Port","uuid-name":"p","row":{"name":"br0","interfaces":["named-uuid","i"]}},
            {"op":"insert","table":"Interface","uuid-name":"i","row":{"name":"br0"}}
            """);
        Assert.Equal(1, _vs.Snapshot.Table("Interface").Count);

        _vs.Transact("""{"op":"update","table":"Open_vSwitch","where":[],"row":{"bridges":["set",[]]}}""");

        Assert.Null(_vs.Last!.Error);
        Assert.Equal(4, _vs.Last.Changes.Length);
        Assert.Equal(0, _vs.Snapshot.Table("Bridge").Count);
        Assert.Equal(0, _vs.Snapshot.Table("Port").Count);
        Assert.Equal(0, _vs.Snapshot.Table("Interface").Count);
    }

    [Fact]
    public void A_strong_reference_to_nothing_is_refused()
    {
        var result = _nb.Transact("""
            {"op":"insert","table":"Logical_Switch","row":{"ports":["uuid","aaaaaaaa-0000-0000-0000-000000000000"]}}
            """);

        Assert.EndsWith(
            """{"error":"referential integrity violation","details":"Table Logical_Switch column ports row 00000000-0000-0000-0000-000000000001 references nonexistent row aaaaaaaa-0000-0000-0000-000000000000 in table Logical_Switch_Port."}]""",
            result);
        Assert.Equal(0, _nb.Snapshot.Table("Logical_Switch").Count);
    }

    [Fact]
    public void A_row_with_strong_references_cannot_be_deleted()
    {
        _nb.Transact("""
            {"op":"insert","table":"Logical_Switch","row":{"ports":["named-uuid","p"]}},
            {"op":"insert","table":"Logical_Switch_Port","uuid-name":"p","row":{"name":"p"}}
            """);

        var result = _nb.Transact("""{"op":"delete","table":"Logical_Switch_Port","where":[]}""");

        Assert.Equal(
            """[{"count":1},{"error":"referential integrity violation","details":"cannot delete Logical_Switch_Port row 00000000-0000-0000-0000-000000000002 because of 1 remaining reference(s)"}]""",
            result);
    }

    [Fact]
    public void Weak_references_go_with_their_row()
    {
        _nb.Transact("""
            {"op":"insert","table":"Logical_Switch","row":{"ports":["set",[["named-uuid","p"],["named-uuid","q"]]]}},
            {"op":"insert","table":"Logical_Switch_Port","uuid-name":"p","row":{"name":"p"}},
            {"op":"insert","table":"Logical_Switch_Port","uuid-name":"q","row":{"name":"q"}},
            {"op":"insert","table":"Port_Group","row":{"name":"g","ports":["set",[["named-uuid","p"],["named-uuid","q"]]]}}
            """);
        Assert.Null(_nb.Last!.Error);
        var q = _nb.Snapshot.Table("Logical_Switch_Port").Find("name", "q")!;

        _nb.Transact($$$"""
            {"op":"update","table":"Logical_Switch","where":[],"row":{"ports":["uuid","{{{q.Uuid}}}"]}}
            """);

        Assert.Equal(q.Uuid, Assert.Single(_nb.Snapshot.Table("Port_Group").First!.GetReferences("ports")));
        Assert.Equal(3, _nb.Last!.Changes.Length);
    }

    [Fact]
    public void A_weak_reference_that_must_not_be_empty_keeps_its_row_alive_by_an_error()
    {
        var schema = new DatabaseSchema("D", "1.0.0",
        [
            new TableSchema("A", [new ColumnSchema("b", ColumnType.Set(BaseType.WeakReferenceTo("B"), 1))], true),
            new TableSchema("B", [new ColumnSchema("n", ColumnType.Scalar(BaseType.Integer))], true),
        ]);
        var database = new DatabaseFixture(schema);
        database.Transact("""
            {"op":"insert","table":"A","row":{"b":["named-uuid","b"]}},
            {"op":"insert","table":"B","uuid-name":"b","row":{}}
            """);

        var result = database.Transact("""{"op":"delete","table":"B","where":[]}""");

        Assert.Contains("caused this column to become empty", result);
        Assert.Equal(1, database.Snapshot.Table("B").Count);
    }

    [Fact]
    public void Two_rows_with_one_key_are_told_apart_in_the_error()
    {
        var first = _nb.Insert("Port_Group", """{"name":"convpg"}""");

        var result = _nb.Transact("""{"op":"insert","table":"Port_Group","row":{"name":"convpg"}}""");

        Assert.Contains(
            "Transaction causes multiple rows in \\\"Port_Group\\\" table to have identical values "
            + "(convpg) for index on column \\\"name\\\".  First row, with UUID ", result);
        Assert.Contains(
            $"{first}, existed in the database before this transaction and was not modified by the "
            + "transaction.", result);
        Assert.Contains("was inserted by this transaction.", result);
    }

    [Fact]
    public void Keys_may_be_swapped_within_a_transaction()
    {
        var a = _nb.Insert("Port_Group", """{"name":"a"}""");
        var b = _nb.Insert("Port_Group", """{"name":"b"}""");

        _nb.Transact(
        [
            Operation.UpdateRow("Port_Group", a, new ColumnValue("name", "b")),
            Operation.UpdateRow("Port_Group", b, new ColumnValue("name", "a")),
        ]);

        Assert.Null(_nb.Last!.Error);
        Assert.Equal(b, _nb.Snapshot.Table("Port_Group").Find("name", "a")!.Uuid);
        Assert.Equal(a, _nb.Snapshot.Table("Port_Group").Find("name", "b")!.Uuid);
    }

    [Fact]
    public void A_key_of_a_deleted_row_is_free_in_the_same_transaction()
    {
        _nb.Insert("Port_Group", """{"name":"a"}""");

        _nb.Transact("""
            {"op":"delete","table":"Port_Group","where":[["name","==","a"]]},
            {"op":"insert","table":"Port_Group","row":{"name":"a"}}
            """);

        Assert.Null(_nb.Last!.Error);
        Assert.Equal(1, _nb.Snapshot.Table("Port_Group").Count);
    }

    [Fact]
    public void Rows_have_a_limit()
    {
        _nb.Insert("NB_Global", "{}");

        var result = _nb.Transact("""{"op":"insert","table":"NB_Global","row":{}}""");

        Assert.EndsWith(
            """{"error":"constraint violation","details":"transaction causes \"NB_Global\" table to contain 2 rows, greater than the schema-defined limit of 1 row(s)"}]""",
            result);
    }

    [Fact]
    public void A_default_that_breaks_a_constraint_is_an_error()
    {
        Assert.Equal(
            """[{"error":"constraint violation","details":"\"\" is not one of the allowed values ([allow, allow-related, allow-stateless, drop, pass, reject])"}]""",
            _nb.Transact("""{"op":"insert","table":"ACL","row":{"direction":"to-lport"}}"""));
    }

    [Fact]
    public void Mutations_insert_without_overwriting_and_delete_by_key()
    {
        _nb.Insert("Logical_Switch", """{"name":"s","other_config":["map",[["a","1"]]]}""");

        _nb.Transact("""
            {"op":"mutate","table":"Logical_Switch","where":[["name","==","s"]],"mutations":[
              ["other_config","insert",["map",[["a","9"],["b","2"]]]]]},
            {"op":"mutate","table":"Logical_Switch","where":[],"mutations":[
              ["other_config","delete",["set",["x"]]]]}
            """);

        var row = _nb.Snapshot.Table("Logical_Switch").First!;
        Assert.Equal("{a=\"1\", b=\"2\"}", row["other_config"].ToString());
    }

    [Fact]
    public void A_counter_can_be_raised_and_read_in_one_transaction()
    {
        _nb.Insert("NB_Global", "{}");

        Assert.Equal(
            """[{"count":1},{"rows":[{"nb_cfg":1}]}]""",
            _nb.Transact("""
                {"op":"mutate","table":"NB_Global","where":[],"mutations":[["nb_cfg","+=",1]]},
                {"op":"select","table":"NB_Global","where":[],"columns":["nb_cfg"]}
                """));
    }

    [Fact]
    public void A_wait_without_time_fails_at_once_and_with_time_blocks()
    {
        const string wait = """
            {"op":"wait","table":"NB_Global","where":[],"columns":["nb_cfg"],"until":"==","rows":[{"nb_cfg":5}]TIMEOUT}
            """;
        _nb.Insert("NB_Global", "{}");

        Assert.Equal(
            """[{"error":"timed out","details":"\"where\" clause test failed"}]""",
            _nb.Transact(wait.Replace("TIMEOUT", ",\"timeout\":0")));
        _nb.Transact(wait.Replace("TIMEOUT", ",\"timeout\":10"));
        Assert.Equal(10, _nb.Last!.WaitMilliseconds);
        _nb.Transact(wait.Replace("TIMEOUT", ""));
        Assert.Equal(long.MaxValue, _nb.Last!.WaitMilliseconds);
        Assert.Equal(
            """[{"error":"timed out","details":"\"wait\" timed out after 11 ms"}]""",
            _nb.Transact(
                wait.Replace("TIMEOUT", ",\"timeout\":10"),
                context => context with { WaitedMilliseconds = 11 }));
    }

    [Fact]
    public void What_follows_a_failed_operation_is_null_and_nothing_stays()
    {
        Assert.Equal(
            """[{"uuid":["uuid","00000000-0000-0000-0000-000000000001"]},{"error":"aborted","details":"aborted by request"},null]""",
            _nb.Transact("""
                {"op":"insert","table":"Logical_Switch","row":{}},{"op":"abort"},{"op":"comment","comment":"x"}
                """));
        Assert.Equal(0, _nb.Snapshot.Table("Logical_Switch").Count);
    }

    [Fact]
    public void Assert_needs_the_lock()
    {
        Assert.Equal(
            """[{"error":"not owner","details":"Asserted lock l not held."}]""",
            _nb.Transact("""{"op":"assert","lock":"l"}"""));
        Assert.Equal(
            "[{}]",
            _nb.Transact(
                """{"op":"assert","lock":"l"}""",
                context => context with { Origin = new TransactionOrigin(["l"]) }));
    }

    [Fact]
    public void Nothing_changes_when_rows_stay_as_they_were()
    {
        _nb.Insert("Logical_Switch", """{"name":"s"}""");
        var version = _nb.Snapshot.Table("Logical_Switch").First!.Version;

        _nb.Transact("""{"op":"update","table":"Logical_Switch","where":[],"row":{"name":"s"}}""");

        Assert.Null(_nb.Last!.Delta);
        Assert.Equal(version, _nb.Snapshot.Table("Logical_Switch").First!.Version);
    }

    [Fact]
    public void Ephemeral_columns_are_not_journaled()
    {
        _vs.Transact("""
            {"op":"insert","table":"Open_vSwitch","row":{"statistics":["map",[["cpu","2"]]],"next_cfg":1}}
            """);
        var kept = _vs.Last!.Delta!.WithoutEphemeral(OpenVSwitchSchema.Schema);
        Assert.Equal(["next_cfg"], kept.Rows[0].Columns.Select(column => column.Column));

        _vs.Transact("""{"op":"update","table":"Open_vSwitch","where":[],"row":{"statistics":["map",[]]}}""");
        Assert.True(_vs.Last!.Delta!.WithoutEphemeral(OpenVSwitchSchema.Schema).IsEmpty);
    }

    [Fact]
    public void A_row_may_refer_to_itself_and_still_be_garbage()
    {
        var schema = new DatabaseSchema("D", "1.0.0",
        [
            new TableSchema("R", [new ColumnSchema("n", ColumnType.Scalar(BaseType.Integer))], true),
            new TableSchema("T", [new ColumnSchema("self", ColumnType.Set(BaseType.StrongReferenceTo("T")))]),
        ]);
        var database = new DatabaseFixture(schema);

        database.Transact("""{"op":"insert","table":"T","uuid-name":"t","row":{"self":["named-uuid","t"]}}""");

        Assert.Null(database.Last!.Error);
        Assert.Equal(0, database.Snapshot.Table("T").Count);
    }
}
