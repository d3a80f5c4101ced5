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
        var name = members.RequiredString("name");
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
        if (!OperationReader.IsIdentifier(name))
        {
            error = OvsdbError.SyntaxError($"\"{name}\" is not a valid database name", json);
            return false;
        }

        if (version.Length > 0 && !IsVersion(version))
        {
            error = OvsdbError.SyntaxError(
                $"schema version \"{version}\" not in format x.y.z", json);
            return false;
        }

        var tables = new List<TableSchema>();
        foreach (var member in list.EnumerateObject())
        {
            if (!TryReadTable(member, out var table, out error)) return false;
            tables.Add(table);
        }

        if (tables.GroupBy(table => table.Name).Any(group => group.Count() > 1))
        {
            error = OvsdbError.SyntaxError("table named twice", json);
            return false;
        }

        error = CheckReferences(tables);
        if (error is not null || tables.Count == 0)
        {
            error ??= OvsdbError.SyntaxError("schema has no tables", json);
            return false;
        }

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
                var missing = Missing(column.Type.Key) ?? Missing(column.Type.Value);
                if (missing is null) continue;
                return OvsdbError.SyntaxError(
                    $"Table {table.Name} column {column.Name} refers to undefined table "
                    + $"{missing}.");
            }
        }

        return null;

        string? Missing(BaseType? type) =>
            type?.ReferenceTable is { } name && !names.Contains(name) ? name : null;
    }

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
            members.Fail("maxRows must be at least 1");
        }

        members.TryOptional("isRoot", out var root, JsonValueKind.True, JsonValueKind.False);
        members.TryOptional("indexes", out var indexes, JsonValueKind.Array);
        error = members.Finish();
        if (error is not null) return false;
        var columns = new SortedDictionary<string, ColumnSchema>(StringComparer.Ordinal);
        foreach (var member in list.EnumerateObject())
        {
            if (member.Name.StartsWith('_'))
            {
                error = OvsdbError.SyntaxError(
                    "names beginning with \"_\" are reserved", json.Value);
                return false;
            }

            if (!TryReadColumn(member, out var column, out error)) return false;
            columns[column.Name] = column;
        }

        if (!TryReadIndexes(indexes, columns, out var keys, out error)) return false;
        table = new TableSchema(
            json.Name, columns.Values, root.ValueKind == JsonValueKind.True, rowCountMax, keys);
        return true;
    }

    private static bool TryReadIndexes(
        JsonElement json, SortedDictionary<string, ColumnSchema> columns,
        out List<ImmutableArray<string>> indexes, [NotNullWhen(false)] out OvsdbError? error)
    {
        indexes = [];
        error = null;
        if (json.ValueKind != JsonValueKind.Array) return true;
        foreach (var index in json.EnumerateArray())
        {
            var isArray = index.ValueKind == JsonValueKind.Array && index.GetArrayLength() > 0;
            if (!isArray || index.EnumerateArray().Any(column =>
                column.ValueKind != JsonValueKind.String
                || !columns.ContainsKey(column.GetString()!)))
            {
                error = OvsdbError.SyntaxError(
                    "array of distinct column names expected", index);
                return false;
            }

            indexes.Add([.. index.EnumerateArray().Select(column => column.GetString()!)]);
        }

        return true;
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
        if (error is null && (json.Name.StartsWith('_')
            || !OperationReader.IsIdentifier(json.Name)))
        {
            error = OvsdbError.SyntaxError($"\"{json.Name}\" is not a valid column name");
        }

        if (error is not null) return false;
        if (!TypeReader.TryRead(typeText, out var type, out error)) return false;

        // Weak references vanish with what they refer to: such a column cannot but change.
        column = new ColumnSchema(
            json.Name, type, isMutable || type.HasWeakReferences, isEphemeral);
        return true;
    }
}
