using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Wire.Tests.Ovsdb;

/// <summary>Errors in operations: tag, details and syntax are what ovsdb-server 3.1 answered.</summary>
public sealed class OperationReaderGoldenTests
{
    private static readonly DatabaseSchema Schema = new("D", "1.0.0",
    [
        new TableSchema("T",
        [
            new ColumnSchema("name", ColumnType.Scalar(BaseType.String), IsMutable: false),
            new ColumnSchema("title", ColumnType.Optional(BaseType.String)),
            new ColumnSchema("n", ColumnType.Scalar(BaseType.IntegerIn(0, 32767))),
            new ColumnSchema("kind", ColumnType.Scalar(BaseType.OneOf("a", "b"))),
            new ColumnSchema("tags", ColumnType.Set(BaseType.String)),
            new ColumnSchema("ids", ColumnType.Map(BaseType.String, BaseType.String)),
            new ColumnSchema("refs", ColumnType.Set(BaseType.StrongReferenceTo("T"))),
        ], isRoot: true),
    ]);

    [Theory]
    [InlineData("""{"op":"foo"}""",
        """{"error":"syntax error","details":"Parsing ovsdb operation 1 of 1 failed: No operation \"foo\"","syntax":"{\"op\":\"foo\"}"}""")]
    [InlineData("{}",
        """{"error":"syntax error","details":"Parsing ovsdb operation 1 of 1 failed: Required 'op' member is missing.","syntax":"{}"}""")]
    [InlineData("5",
        """{"error":"syntax error","details":"Parsing ovsdb operation 1 of 1 failed: Object expected."}""")]
    [InlineData("""{"op":"insert","table":"X","row":{}}""",
        """{"error":"syntax error","details":"Parsing ovsdb operation 1 of 1 failed: No table named X.","syntax":"{\"op\":\"insert\",\"row\":{},\"table\":\"X\"}"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"x":1}}""",
        """{"error":"unknown column","details":"No column x in table T.","syntax":"{\"x\":1}"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"name":1}}""",
        """{"error":"syntax error","details":"expected string","syntax":"1"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"name":["set",["a","b"]]}}""",
        """{"error":"syntax error","details":"set must have exactly one member but 2 are present","syntax":"[\"set\",[\"a\",\"b\"]]"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"refs":["set",[["uuid","x"]]]}}""",
        """{"error":"syntax error","details":"\"x\" is not a valid UUID","syntax":"[\"uuid\",\"x\"]"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"ids":["map",[["a","b"],["a","c"]]]}}""",
        """{"error":"ovsdb error","details":"map contains duplicate key"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"n":40000}}""",
        """{"error":"constraint violation","details":"40000 is not in the valid range 0 to 32767 (inclusive)"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{"kind":"x y"}}""",
        """{"error":"constraint violation","details":"\"x y\" is not one of the allowed values ([a, b])"}""")]
    [InlineData("""{"op":"select","table":"T","where":[["n","=",1]]}""",
        """{"error":"unknown function","details":"No function named =."}""")]
    [InlineData("""{"op":"select","table":"T","where":[["n","=="]]}""",
        """{"error":"syntax error","details":"Parse error in condition.","syntax":"[\"n\",\"==\"]"}""")]
    [InlineData("""{"op":"select","table":"T","where":[["title","<",1]]}""",
        """{"error":"syntax error","details":"Type mismatch: \"<\" operator may not be applied to column title of type set of up to 1 strings.","syntax":"[\"title\",\"<\",1]"}""")]
    [InlineData("""{"op":"select","table":"T","where":[],"columns":["x"]}""",
        """{"error":"syntax error","details":"x is not a valid column name","syntax":"[\"x\"]"}""")]
    [InlineData("""{"op":"mutate","table":"T","where":[],"mutations":[["n","+",1]]}""",
        """{"error":"unknown mutator","details":"No mutator named +."}""")]
    [InlineData("""{"op":"mutate","table":"T","where":[],"mutations":[["n","insert",1]]}""",
        """{"error":"syntax error","details":"Type mismatch: \"insert\" operator may not be applied to column n of type integer.","syntax":"[\"n\",\"insert\",1]"}""")]
    [InlineData("""{"op":"update","table":"T","where":[],"row":{"name":"x"}}""",
        """{"error":"constraint violation","details":"Cannot update immutable column name in table T.","syntax":"{\"op\":\"update\",\"row\":{\"name\":\"x\"},\"table\":\"T\",\"where\":[]}"}""")]
    [InlineData("""{"op":"insert","table":"T","row":{},"foo":1}""",
        """{"error":"syntax error","details":"Parsing ovsdb operation 1 of 1 failed: Member 'foo' is present but not allowed here.","syntax":"{\"foo\":1,\"op\":\"insert\",\"row\":{},\"table\":\"T\"}"}""")]
    public void Broken_operations_are_answered_as_OVS_answers_them(string operation, string error)
    {
        var read = Assert.Single(Read(operation));

        var reason = read is Operation.Insert insert
            ? insert.Malformation
            : Assert.IsType<Operation.Malformed>(read).Error;
        Assert.Equal(error, reason?.ToString());
    }

    [Fact]
    public void Names_may_be_used_before_the_insert_that_creates_them()
    {
        var operations = Read(
            """{"op":"insert","table":"T","row":{"refs":["named-uuid","later"]}}""",
            """{"op":"insert","table":"T","row":{},"uuid-name":"later"}""");

        var first = Assert.IsType<Operation.Insert>(operations[0]);
        var second = Assert.IsType<Operation.Insert>(operations[1]);
        Assert.Equal(second.Uuid!.Value, first.Row[0].Value.Keys[0].Uuid);
    }

    [Fact]
    public void Operations_after_a_broken_one_are_not_read()
    {
        var operations = Read(
            """{"op":"comment","comment":"x"}""", "{}", """{"op":"comment","comment":"y"}""");

        Assert.Equal(3, operations.Length);
        Assert.IsType<Operation.Comment>(operations[0]);
        Assert.IsType<Operation.Malformed>(operations[1]);
    }

    [Fact]
    public void Operations_are_written_as_they_are_read()
    {
        string[] texts =
        [
            """{"op":"insert","table":"T","uuid":"a0000000-0000-0000-0000-000000000001","row":{"name":"x","tags":["set",["a","b"]],"ids":["map",[["k","v"]]]}}""",
            """{"op":"select","table":"T","where":[["n",">=",3],["tags","includes",["set",[]]]],"columns":["name"]}""",
            """{"op":"update","table":"T","where":[["_uuid","==",["uuid","a0000000-0000-0000-0000-000000000001"]]],"row":{"n":3}}""",
            """{"op":"mutate","table":"T","where":[],"mutations":[["n","+=",1],["ids","delete",["set",["a","k"]]]]}""",
            """{"op":"delete","table":"T","where":[["title","==",["set",[]]]]}""",
            """{"op":"wait","table":"T","where":[],"columns":["n"],"until":"==","rows":[{"n":1}],"timeout":0}""",
            """{"op":"commit","durable":true}""",
            """{"op":"comment","comment":"hello"}""",
            """{"op":"assert","lock":"l"}""",
            """{"op":"abort"}""",
        ];
        var operations = Read(texts);

        var written = OvsdbText.ToText(writer => OperationWriter.Write(writer, operations));

        Assert.Equal("[" + string.Join(",", texts) + "]", written);
    }

    [Fact]
    public void A_schema_is_written_as_it_is_read()
    {
        Assert.True(SchemaReader.TryRead(Parse(Schema.Text), out var again, out _));
        Assert.Equal(Schema.Text, again!.Text);
    }

    [Fact]
    public void A_schema_that_refers_to_no_table_is_refused()
    {
        const string json =
            """{"name":"D","version":"1.0.0","tables":{"T":{"columns":{"c":{"type":{"key":{"type":"uuid","refTable":"X"}}}}}}}""";

        Assert.False(SchemaReader.TryRead(Parse(json), out _, out var error));
        Assert.Equal("column c key refers to undefined table X", error!.Details);
    }

    private static ImmutableArray<Operation> Read(params string[] operations) =>
        OperationReader.Read(Schema, [.. operations.Select(Parse)], Guid.NewGuid);

    private static JsonElement Parse(string json) =>
        JsonDocument.Parse(Encoding.UTF8.GetBytes(json)).RootElement;
}
