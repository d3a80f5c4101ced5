using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Fabric.Wire.Ovsdb;

/// <summary>Reads a schema as RFC 7047 section 3.2 has it: .ovsschema files, convert.</summary>
public static class SchemaReader
{
    public static bool TryRead(
        JsonElement json, [NotNullWhen(true)] out DatabaseSchema? schema,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        schema = null;
        var members = new MemberReader(json, "database schema");
        var name = members.RequiredId("name");
        var version = "";
        if (members.TryOptional("version", out var text, JsonValueKind.String))
        {
            version = text.GetString()!;
        }

        string? checksum = null;
        if (members.TryOptional("cksum", out text, JsonValueKind.String))
        {
            checksum = text.GetString();
        }

        var list = members.Required("tables", JsonValueKind.Object);
        error = members.Finish();
        if (error is not null) return false;
        if (version.Length > 0 && !IsVersion(version))
        {
            error = OvsdbError.SyntaxError(
                $"schema version \"{version}\" not in format x.y.z", json);
            return false;
        }

        var tables = new List<TableSchema>();
        foreach (var member in list.EnumerateObject())
        {
            error = CheckName(member.Name, json);
            if (error is not null) return false;
            if (!TryReadTable(member, out var table, out error)) return false;
            tables.Add(table);
        }

        if (tables.GroupBy(table => table.Name).Any(group => group.Count() > 1))
        {
            error = OvsdbError.SyntaxError("table named twice", json);
            return false;
        }

        error = CheckReferences(tables);
        if (error is not null) return false;
        schema = new DatabaseSchema(name, version, tables, checksum);
        return true;
    }

    private static OvsdbError? CheckReferences(List<TableSchema> tables)
    {
        var names = tables.Select(table => table.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            foreach (var column in table.Columns)
            {
                var wrong = Missing(column, "key", column.Type.Key)
                    ?? Missing(column, "value", column.Type.Value);
                if (wrong is not null) return wrong;
            }
        }

        return null;

        OvsdbError? Missing(ColumnSchema column, string part, BaseType? type) =>
            type?.ReferenceTable is { } name && !names.Contains(name)
                ? OvsdbError.SyntaxError(
                    $"column {column.Name} {part} refers to undefined table {name}")
                : null;
    }

    /// <summary>The rules for names of tables and columns.</summary>
    private static OvsdbError? CheckName(string name, JsonElement json) =>
        name.StartsWith('_')
            ? OvsdbError.SyntaxError("names beginning with \"_\" are reserved", json)
            : OperationReader.IsIdentifier(name)
                ? null
                : OvsdbError.SyntaxError("name must be a valid id", json);

    private static bool IsVersion(string text)
    {
        var parts = text.Split('.');
        return parts.Length == 3
            && parts.All(part => part.Length > 0 && part.All(char.IsAsciiDigit));
    }

    private static bool TryReadTable(
        JsonProperty json, [NotNullWhen(true)] out TableSchema? table,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        table = null;
        var members = new MemberReader(json.Value, $"table schema for table {json.Name}");
        var list = members.Required("columns", JsonValueKind.Object);
        var rowCountMax = uint.MaxValue;
        if (members.TryOptional("maxRows", out var max, JsonValueKind.Number)
            && (!max.TryGetUInt32(out rowCountMax) || rowCountMax == 0))
        {
            error = OvsdbError.SyntaxError("maxRows must be at least 1", json.Value);
            return false;
        }

        members.TryOptional("isRoot", out var root, JsonValueKind.True, JsonValueKind.False);
        members.TryOptional("indexes", out var indexes, JsonValueKind.Array);
        error = members.Finish();
        if (error is not null) return false;
        var columns = new SortedDictionary<string, ColumnSchema>(StringComparer.Ordinal);
        foreach (var member in list.EnumerateObject())
        {
            error = CheckName(member.Name, json.Value);
            if (error is not null) return false;
            if (!TryReadColumn(member, out var column, out error)) return false;
            columns[column.Name] = column;
        }

        if (columns.Count == 0)
        {
            error = OvsdbError.SyntaxError("table must have at least one column", json.Value);
            return false;
        }

        if (!TryReadIndexes(json.Value, indexes, columns, out var keys, out error)) return false;
        table = new TableSchema(
            json.Name, columns.Values, root.ValueKind == JsonValueKind.True, rowCountMax, keys);
        return true;
    }

    private static bool TryReadIndexes(
        JsonElement table, JsonElement json, SortedDictionary<string, ColumnSchema> columns,
        out List<ImmutableArray<string>> indexes, [NotNullWhen(false)] out OvsdbError? error)
    {
        indexes = [];
        error = null;
        if (json.ValueKind != JsonValueKind.Array) return true;
        foreach (var index in json.EnumerateArray())
        {
            error = ReadIndex(table, index, columns, out var names);
            if (error is not null) return false;
            indexes.Add(names);
        }

        return true;
    }

    private static OvsdbError? ReadIndex(
        JsonElement table, JsonElement json, SortedDictionary<string, ColumnSchema> columns,
        out ImmutableArray<string> names)
    {
        names = [];
        var isArray = json.ValueKind == JsonValueKind.Array
            && json.EnumerateArray().All(column => column.ValueKind == JsonValueKind.String);
        if (isArray) names = [.. json.EnumerateArray().Select(column => column.GetString()!)];
        if (!isArray || names.Distinct(StringComparer.Ordinal).Count() < names.Length)
        {
            return OvsdbError.SyntaxError("array of distinct column names expected", json);
        }

        if (names.IsEmpty)
        {
            return OvsdbError.SyntaxError("index must have at least one column", table);
        }

        foreach (var name in names)
        {
            if (name is "_uuid" or "_version") continue;
            if (!columns.TryGetValue(name, out var column))
            {
                return OvsdbError.SyntaxError($"{name} is not a valid column name", json);
            }

            if (column.IsEphemeral)
            {
                return OvsdbError.SyntaxError(
                    $"ephemeral columns (such as {name}) may not be indexed", table);
            }
        }

        return null;
    }

    private static bool TryReadColumn(
        JsonProperty json, [NotNullWhen(true)] out ColumnSchema? column,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        column = null;
        var members = new MemberReader(json.Value, $"schema for column {json.Name}");
        var isMutable = !members.TryOptional(
            "mutable", out var mutable, JsonValueKind.True, JsonValueKind.False)
            || mutable.ValueKind == JsonValueKind.True;
        var isEphemeral = members.TryOptional(
            "ephemeral", out var ephemeral, JsonValueKind.True, JsonValueKind.False)
            && ephemeral.ValueKind == JsonValueKind.True;
        var typeText = members.Required("type", JsonValueKind.String, JsonValueKind.Object);
        error = members.Finish();
        if (error is not null) return false;
        if (!TypeReader.TryRead(typeText, out var type, out error)) return false;

        // Weak references vanish with what they refer to: such a column cannot but change.
        column = new ColumnSchema(
            json.Name, type, isMutable || type.HasWeakReferences, isEphemeral);
        return true;
    }
}
