using System.Collections.Immutable;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Writes operations as <see cref="OperationReader"/> reads them.</summary>
/// <remarks>
/// UUIDs of inserted rows go in the "uuid" member, references to them as plain UUIDs.
/// </remarks>
public static class OperationWriter
{
    /// <summary>Stands for an operation that was refused when it was read.</summary>
    internal const string MalformedWord = "fabric:malformed";

    /// <summary>What is wrong with the row of an insert.</summary>
    internal const string MalformationWord = "fabric:malformation";

    /// <summary>The operations as one JSON array.</summary>
    public static void Write(Utf8JsonWriter writer, ImmutableArray<Operation> operations)
    {
        writer.WriteStartArray();
        foreach (var operation in operations) Write(writer, operation);
        writer.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter writer, Operation operation)
    {
        writer.WriteStartObject();
        switch (operation)
        {
            case Operation.Insert insert:
                Start("insert", insert.Table);
                if (insert.Uuid is { } uuid) writer.WriteString("uuid", uuid);
                insert.Malformation?.WriteTo(MalformationWord, writer);
                WriteRow(writer, "row", insert.Row);
                break;
            case Operation.Select select:
                Start("select", select.Table);
                WriteWhere(writer, select.Where);
                WriteColumns(writer, select.Columns);
                break;
            case Operation.Update update:
                Start("update", update.Table);
                WriteWhere(writer, update.Where);
                WriteRow(writer, "row", update.Row);
                break;
            case Operation.Mutate mutate:
                Start("mutate", mutate.Table);
                WriteWhere(writer, mutate.Where);
                WriteMutations(writer, mutate.Mutations);
                break;
            case Operation.Delete delete:
                Start("delete", delete.Table);
                WriteWhere(writer, delete.Where);
                break;
            case Operation.Wait wait:
                Start("wait", wait.Table);
                WriteWait(writer, wait);
                break;
            case Operation.Commit commit:
                Start("commit", null);
                writer.WriteBoolean("durable", commit.IsDurable);
                break;
            case Operation.Comment comment:
                Start("comment", null);
                writer.WriteString("comment", comment.Text);
                break;
            case Operation.Assert assert:
                Start("assert", null);
                writer.WriteString("lock", assert.Lock);
                break;
            case Operation.Malformed malformed:
                Start(MalformedWord, null);
                malformed.Error.WriteTo("reason", writer);
                break;
            default:
                Start("abort", null);
                break;
        }

        writer.WriteEndObject();

        void Start(string word, string? table)
        {
            writer.WriteString("op", word);
            if (table is not null) writer.WriteString("table", table);
        }
    }

    private static void WriteWait(Utf8JsonWriter writer, Operation.Wait wait)
    {
        WriteWhere(writer, wait.Where);
        WriteColumns(writer, wait.Columns);
        writer.WriteString("until", wait.IsEqual ? "==" : "!=");
        writer.WriteStartArray("rows");
        foreach (var row in wait.Rows) WriteRow(writer, null, row);
        writer.WriteEndArray();
        if (wait.TimeoutMilliseconds is { } timeout) writer.WriteNumber("timeout", timeout);
    }

    private static void WriteRow(
        Utf8JsonWriter writer, string? member, ImmutableArray<ColumnValue> row)
    {
        if (member is not null) writer.WritePropertyName(member);
        writer.WriteStartObject();
        foreach (var (column, value) in row)
        {
            writer.WritePropertyName(column);
            DatumWriter.Write(writer, value);
        }

        writer.WriteEndObject();
    }

    public static void WriteWhere(Utf8JsonWriter writer, ImmutableArray<Condition> where)
    {
        writer.WriteStartArray("where");
        foreach (var (column, function, argument) in where)
        {
            if (function >= ConditionFunction.Always)
            {
                writer.WriteBooleanValue(function == ConditionFunction.Always);
                continue;
            }

            writer.WriteStartArray();
            writer.WriteStringValue(column);
            writer.WriteStringValue(ConditionRules.WordOf(function));
            DatumWriter.Write(writer, argument);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void WriteMutations(Utf8JsonWriter writer, ImmutableArray<Mutation> mutations)
    {
        writer.WriteStartArray("mutations");
        foreach (var (column, mutator, argument) in mutations)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(column);
            writer.WriteStringValue(MutationRules.WordOf(mutator));
            DatumWriter.Write(writer, argument);
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void WriteColumns(Utf8JsonWriter writer, ImmutableArray<string> columns)
    {
        if (columns.IsDefault) return;
        writer.WriteStartArray("columns");
        foreach (var column in columns) writer.WriteStringValue(column);
        writer.WriteEndArray();
    }
}
