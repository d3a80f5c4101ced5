using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Reads the operations of one transact request (RFC 7047 section 5.2).</summary>
/// <remarks>
/// What cannot be read becomes <see cref="Operation.Malformed"/>, because the operations before
/// it still have results. Every insert is given its UUID here, so that the operations mean the
/// same wherever and however often they are executed.
/// </remarks>
public sealed class OperationReader
{
    private static readonly JsonValueKind[] Truth = [JsonValueKind.True, JsonValueKind.False];

    private readonly DatabaseSchema _schema;
    private readonly NamedUuids _names;

    private OperationReader(DatabaseSchema schema, Func<Guid> newUuid)
    {
        _schema = schema;
        _names = new NamedUuids(newUuid);
    }

    /// <param name="operations">The elements after the database's name.</param>
    /// <param name="newUuid">Where UUIDs of inserted rows come from.</param>
    public static ImmutableArray<Operation> Read(
        DatabaseSchema schema, ReadOnlySpan<JsonElement> operations, Func<Guid> newUuid)
    {
        var reader = new OperationReader(schema, newUuid);
        foreach (var operation in operations) reader.ReserveChosen(operation);
        var builder = ImmutableArray.CreateBuilder<Operation>(operations.Length);
        for (var i = 0; i < operations.Length; i++)
        {
            var name = $"ovsdb operation {i + 1} of {operations.Length}";
            var operation = reader.ReadOne(new MemberReader(operations[i], name), operations[i]);
            builder.Add(operation);
            if (operation is Operation.Malformed) break;
        }

        // Results need one element per operation; those after a malformed one are not executed.
        while (builder.Count < operations.Length) builder.Add(Operation.Abort.Instance);
        return builder.MoveToImmutable();
    }

    /// <remarks>A reference by name may come before the insert that chooses the UUID.</remarks>
    private void ReserveChosen(JsonElement operation)
    {
        if (operation.ValueKind == JsonValueKind.Object
            && operation.TryGetProperty("uuid-name", out var name)
            && name.ValueKind == JsonValueKind.String
            && operation.TryGetProperty("uuid", out var text)
            && text.ValueKind == JsonValueKind.String
            && Guid.TryParseExact(text.GetString(), "D", out var uuid))
        {
            _names.Reserve(name.GetString()!, uuid);
        }
    }

    private Operation ReadOne(MemberReader members, JsonElement json)
    {
        if (members.Error is not null) return new Operation.Malformed(members.Error);
        var word = members.RequiredString("op");
        if (members.Error is not null) return new Operation.Malformed(members.Error);
        OvsdbError? error = null;
        var operation = word switch
        {
            "insert" => ReadInsert(members, ref error),
            "select" => ReadSelect(members, ref error),
            "update" => ReadUpdate(members, json, ref error),
            "mutate" => ReadMutate(members, ref error),
            "delete" => ReadDelete(members, ref error),
            "wait" => ReadWait(members, ref error),
            "commit" => ReadCommit(members),
            "abort" => Operation.Abort.Instance,
            "comment" => new Operation.Comment(members.RequiredString("comment")),
            "assert" => new Operation.Assert(members.RequiredId("lock")),
            OperationWriter.MalformedWord => new Operation.Malformed(
                OvsdbError.Read(members.Required("reason", JsonValueKind.Object))),
            _ => null,
        };
        if (operation is null && error is null) members.Fail($"No operation \"{word}\"");
        var wrong = members.Finish() ?? error;
        return wrong is null ? operation! : new Operation.Malformed(wrong);
    }

    private static Operation.Commit ReadCommit(MemberReader members) =>
        new(members.Required("durable", Truth).ValueKind == JsonValueKind.True);

    private bool TryTable(MemberReader members, [NotNullWhen(true)] out TableSchema? table)
    {
        var name = members.RequiredString("table");
        table = null;
        if (members.Error is not null) return false;
        if (_schema.TryTable(name, out table)) return true;
        members.Fail($"No table named {name}.");
        return false;
    }

    private Operation? ReadInsert(MemberReader members, ref OvsdbError? error)
    {
        var isKnown = TryTable(members, out var table);
        Guid? chosen = null;
        if (members.TryOptional("uuid", out var uuidText, JsonValueKind.String))
        {
            if (Guid.TryParseExact(uuidText.GetString(), "D", out var uuid)) chosen = uuid;
            else error = OvsdbError.SyntaxError("bad uuid", uuidText);
        }

        string? name = null;
        if (members.TryOptional("uuid-name", out var nameText))
        {
            name = nameText.ValueKind == JsonValueKind.String ? nameText.GetString() : null;
            if (name is null || !IsIdentifier(name))
            {
                members.Fail("Type mismatch for member 'uuid-name'.");
            }
        }

        var json = members.Required("row", JsonValueKind.Object);
        var isForwarded = members.TryOptional(
            OperationWriter.MalformationWord, out var reason, JsonValueKind.Object);
        if (!isKnown || members.Error is not null || error is not null) return null;
        var row = chosen ?? _names.NewUuid();
        OvsdbError? wrong = isForwarded ? OvsdbError.Read(reason) : null;
        var isNew = name is null || _names.TryCreate(name, out row);
        if (!isNew)
        {
            // A UUID that is taken is complained about first.
            row = chosen ?? row;
            wrong = new OvsdbError(
                "duplicate uuid-name",
                "This \"uuid-name\" appeared on an earlier \"insert\" operation.",
                OvsdbText.Quote(name!));
        }

        if (wrong is null && TryReadRow(json, table!, _names, out var values, out wrong))
        {
            return new Operation.Insert(table!.Name, values, row);
        }

        return new Operation.Insert(table!.Name, [], row) { Malformation = wrong };
    }

    private Operation? ReadSelect(MemberReader members, ref OvsdbError? error)
    {
        var isKnown = TryTable(members, out var table);
        var where = members.Required("where", JsonValueKind.Array);
        members.TryOptional("columns", out var names, JsonValueKind.Array);
        members.TryOptional("sort", out _, JsonValueKind.Array);
        if (!isKnown || members.Error is not null) return null;
        return TryReadWhere(where, table!, _names, out var conditions, out error)
            && TryReadColumns(names, table!, out var columns, out error)
                ? new Operation.Select(table!.Name, conditions, columns)
                : null;
    }

    private Operation? ReadUpdate(MemberReader members, JsonElement json, ref OvsdbError? error)
    {
        var isKnown = TryTable(members, out var table);
        var where = members.Required("where", JsonValueKind.Array);
        var row = members.Required("row", JsonValueKind.Object);
        if (!isKnown || members.Error is not null) return null;
        if (!TryReadRow(row, table!, _names, out var values, out error)) return null;
        foreach (var member in row.EnumerateObject())
        {
            if (table!.Column(member.Name).IsMutable) continue;
            error = new OvsdbError(
                "constraint violation",
                $"Cannot update immutable column {member.Name} in table {table.Name}.",
                OvsdbText.Compact(json));
            return null;
        }

        return TryReadWhere(where, table!, _names, out var conditions, out error)
            ? new Operation.Update(table!.Name, conditions, values)
            : null;
    }

    private Operation? ReadMutate(MemberReader members, ref OvsdbError? error)
    {
        var isKnown = TryTable(members, out var table);
        var where = members.Required("where", JsonValueKind.Array);
        var list = members.Required("mutations", JsonValueKind.Array);
        if (!isKnown || members.Error is not null) return null;
        var builder = ImmutableArray.CreateBuilder<Mutation>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            if (!TryReadMutation(item, table!, _names, out var mutation, out error)) return null;
            builder.Add(mutation);
        }

        return TryReadWhere(where, table!, _names, out var conditions, out error)
            ? new Operation.Mutate(table!.Name, conditions, builder.ToImmutable())
            : null;
    }

    private Operation? ReadDelete(MemberReader members, ref OvsdbError? error)
    {
        var isKnown = TryTable(members, out var table);
        var where = members.Required("where", JsonValueKind.Array);
        if (!isKnown || members.Error is not null) return null;
        return TryReadWhere(where, table!, _names, out var conditions, out error)
            ? new Operation.Delete(table!.Name, conditions)
            : null;
    }

    private Operation? ReadWait(MemberReader members, ref OvsdbError? error)
    {
        long? timeout = null;
        if (members.TryOptional("timeout", out var timeoutText, JsonValueKind.Number))
        {
            timeout = DatumReader.TryReadInteger(timeoutText, out var number) ? number : 0;
        }

        var where = members.Required("where", JsonValueKind.Array);
        members.TryOptional("columns", out var names, JsonValueKind.Array);
        var until = members.Required("until", JsonValueKind.String);
        var list = members.Required("rows", JsonValueKind.Array);
        var isKnown = TryTable(members, out var table);
        if (!isKnown || members.Error is not null) return null;
        if (until.GetString() is not ("==" or "!="))
        {
            error = OvsdbError.SyntaxError("\"until\" must be \"==\" or \"!=\"", until);
            return null;
        }

        if (!TryReadWhere(where, table!, _names, out var conditions, out error)) return null;
        if (!TryReadColumns(names, table!, out var columns, out error)) return null;
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<ColumnValue>>();
        foreach (var item in list.EnumerateArray())
        {
            if (!TryReadRow(item, table!, _names, out var row, out error)) return null;
            rows.Add(row);
        }

        return new Operation.Wait(
            table!.Name, conditions, columns, until.GetString() == "==", rows.ToImmutable(),
            timeout);
    }

    /// <summary>{column: value, ...}.</summary>
    public static bool TryReadRow(
        JsonElement json, TableSchema table, NamedUuids? names,
        out ImmutableArray<ColumnValue> row, [NotNullWhen(false)] out OvsdbError? error)
    {
        row = [];
        if (json.ValueKind != JsonValueKind.Object)
        {
            error = OvsdbError.SyntaxError("row must be JSON object", json);
            return false;
        }

        var builder = ImmutableArray.CreateBuilder<ColumnValue>();
        foreach (var member in json.EnumerateObject())
        {
            if (!table.TryColumn(member.Name, out var column))
            {
                error = UnknownColumn(member.Name, table, json);
                return false;
            }

            if (!DatumReader.TryRead(member.Value, column.Type, names, out var value, out error))
            {
                return false;
            }

            builder.Add(new ColumnValue(column.Name, value));
        }

        row = builder.ToImmutable();
        error = null;
        return true;
    }

    /// <summary>[[column, function, value], ...]; true or false in place of any.</summary>
    public static bool TryReadWhere(
        JsonElement json, TableSchema table, NamedUuids? names,
        out ImmutableArray<Condition> where, [NotNullWhen(false)] out OvsdbError? error)
    {
        where = [];
        var builder = ImmutableArray.CreateBuilder<Condition>(json.GetArrayLength());
        foreach (var item in json.EnumerateArray())
        {
            if (item.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                var function = item.ValueKind == JsonValueKind.True
                    ? ConditionFunction.Always
                    : ConditionFunction.Never;
                builder.Add(new Condition("_uuid", function, Datum.EmptySet));
                continue;
            }

            if (!TryReadCondition(item, table, names, out var condition, out error)) return false;
            builder.Add(condition);
        }

        where = builder.ToImmutable();
        error = null;
        return true;
    }

    private static bool TryReadCondition(
        JsonElement json, TableSchema table, NamedUuids? names, out Condition condition,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        condition = default;
        if (!IsTriple(json))
        {
            error = OvsdbError.SyntaxError("Parse error in condition.", json);
            return false;
        }

        var name = json[0].GetString()!;
        if (!table.TryColumn(name, out var column))
        {
            error = UnknownColumn(name, table, json);
            return false;
        }

        var word = json[1].GetString()!;
        if (!ConditionRules.TryFunction(word, out var function))
        {
            error = new OvsdbError("unknown function", $"No function named {word}.");
            return false;
        }

        if (!ConditionRules.Fits(function, column.Type))
        {
            error = TypeMismatch(word, column, json);
            return false;
        }

        var type = ConditionRules.ArgumentType(function, column.Type);
        if (!DatumReader.TryRead(json[2], type, names, out var argument, out error)) return false;
        condition = new Condition(name, function, argument);
        return true;
    }

    private static bool TryReadMutation(
        JsonElement json, TableSchema table, NamedUuids names, out Mutation mutation,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        mutation = default;
        if (!IsTriple(json))
        {
            error = OvsdbError.SyntaxError("Parse error in mutation.", json);
            return false;
        }

        var name = json[0].GetString()!;
        if (!table.TryColumn(name, out var column))
        {
            error = UnknownColumn(name, table, json);
            return false;
        }

        if (!column.IsMutable)
        {
            error = new OvsdbError(
                "constraint violation",
                $"Cannot mutate immutable column {name} in table {table.Name}.",
                OvsdbText.Compact(json));
            return false;
        }

        var word = json[1].GetString()!;
        if (!MutationRules.TryMutator(word, out var mutator))
        {
            error = new OvsdbError("unknown mutator", $"No mutator named {word}.");
            return false;
        }

        if (!MutationRules.Fits(mutator, column.Type))
        {
            error = TypeMismatch(word, column, json);
            return false;
        }

        var type = MutationRules.ArgumentType(mutator, column.Type);
        var isRead = DatumReader.TryRead(json[2], type, names, out var argument, out error);
        if (!isRead && mutator == Mutator.Delete && type.IsMap)
        {
            // Pairs of a map can be deleted by their keys alone.
            isRead = DatumReader.TryRead(
                json[2], type with { Value = null }, names, out argument, out error);
        }

        mutation = new Mutation(name, mutator, argument);
        return isRead;
    }

    /// <summary>["column", ...], or nothing for all of them.</summary>
    public static bool TryReadColumns(
        JsonElement json, TableSchema table, out ImmutableArray<string> columns,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        columns = default;
        error = null;
        if (json.ValueKind == JsonValueKind.Undefined) return true;
        var builder = ImmutableArray.CreateBuilder<string>(json.GetArrayLength());
        foreach (var item in json.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
            {
                error = OvsdbError.SyntaxError("array of distinct column names expected", json);
                return false;
            }

            var name = item.GetString()!;
            if (!table.TryColumn(name, out _))
            {
                error = OvsdbError.SyntaxError($"{name} is not a valid column name", json);
                return false;
            }

            if (builder.Contains(name))
            {
                error = OvsdbError.SyntaxError("array of distinct column names expected", json);
                return false;
            }

            builder.Add(name);
        }

        columns = builder.ToImmutable();
        return true;
    }

    private static bool IsTriple(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array
        && json.GetArrayLength() == 3
        && json[0].ValueKind == JsonValueKind.String
        && json[1].ValueKind == JsonValueKind.String;

    private static OvsdbError UnknownColumn(string name, TableSchema table, JsonElement json) =>
        new("unknown column", $"No column {name} in table {table.Name}.", OvsdbText.Compact(json));

    private static OvsdbError TypeMismatch(string word, ColumnSchema column, JsonElement json) =>
        OvsdbError.SyntaxError(
            $"Type mismatch: \"{word}\" operator may not be applied to column {column.Name} of "
            + $"type {column.Type}.",
            json);

    /// <summary>Letters, digits and underscores, as names in C.</summary>
    public static bool IsIdentifier(string text) =>
        text.Length > 0
        && (char.IsAsciiLetter(text[0]) || text[0] == '_')
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');
}
