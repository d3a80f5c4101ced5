using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Reads {table: [{"where": conditions}, ...]} of monitor_cond_change.</summary>
internal static class ConditionChange
{
    public static bool TryRead(
        JsonElement json, DatabaseSchema schema, Monitor monitor,
        out ImmutableArray<(TableSchema Table, ImmutableArray<Condition> Where)> conditions,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        conditions = [];
        error = OvsdbError.SyntaxError("monitor-cond-change-requests must be object");
        if (json.ValueKind != JsonValueKind.Object) return false;
        var builder = ImmutableArray.CreateBuilder<(TableSchema, ImmutableArray<Condition>)>();
        foreach (var member in json.EnumerateObject())
        {
            error = OvsdbError.SyntaxError($"no table named {member.Name}");
            if (!schema.TryTable(member.Name, out var table)) return false;
            error = OvsdbError.SyntaxError($"no table named {member.Name} in monitor session");
            if (!monitor.Watches(table)) return false;
            error = OvsdbError.SyntaxError(
                $"table {member.Name} no monitor-cond-change JSON array");
            if (member.Value.ValueKind != JsonValueKind.Array) return false;
            foreach (var request in member.Value.EnumerateArray())
            {
                if (!TryReadOne(request, table, out var where, out error)) return false;
                builder.Add((table, where));
            }
        }

        conditions = builder.ToImmutable();
        error = null;
        return true;
    }

    private static bool TryReadOne(
        JsonElement json, TableSchema table, out ImmutableArray<Condition> where,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        where = [];
        var members = new MemberReader(json, $"table {table.Name}");
        var hasColumns = members.TryOptional("columns", out _, JsonValueKind.Array);
        var hasWhere = members.TryOptional(
            "where", out var conditions, JsonValueKind.Array, JsonValueKind.True,
            JsonValueKind.False);
        error = members.Finish();
        if (error is not null) return false;
        if (hasColumns) error = OvsdbError.SyntaxError("changing columns is unsupported", json);
        return !hasColumns
            && (!hasWhere || MonitorRequest.TryReadWhere(conditions, table, out where, out error));
    }
}
