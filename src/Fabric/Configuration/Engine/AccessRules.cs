using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>RBAC_Role and RBAC_Permission rows, as OVN's southbound has them.</summary>
/// <remarks>
/// A role's "permissions" map leads from a table's name to its permission row: "authorization"
/// names columns (or column:key) one of which must hold the client's name, or is "" for any
/// client; "insert_delete" allows these; "update" lists columns to change.
/// </remarks>
internal static class AccessRules
{
    private const string RoleTable = "RBAC_Role";
    private const string PermissionTable = "RBAC_Permission";

    public static OvsdbError? Check(
        DatabaseSnapshot database, TransactionOrigin origin, Operation operation, Row row)
    {
        // A database without roles leaves everybody alone.
        if (!database.Schema.TryTable(RoleTable, out _)) return null;
        var isAllowed = PermissionOf(database, origin.Role, row.Schema.Name) is { } permission
            && IsAuthorized(permission, origin.ClientId, row)
            && Allows(permission, operation);
        return isAllowed ? null : Prohibited(origin, operation, row);
    }

    private static Row? PermissionOf(DatabaseSnapshot database, string roleName, string table)
    {
        var role = database.Table(RoleTable).Find("name", roleName);
        return role is not null && role["permissions"].TryGetValue(table, out var permission)
            ? database.Find(PermissionTable, permission.Uuid)
            : null;
    }

    /// <remarks>
    /// Rows that a client inserts name it too. A client without a certificate has no name, and may
    /// do nothing.
    /// </remarks>
    private static bool IsAuthorized(Row permission, string clientId, Row row)
    {
        if (clientId.Length == 0) return false;
        foreach (var entry in permission["authorization"].Keys)
        {
            if (entry.String.Length == 0) return true;
            var (columnName, key) = Split(entry.String);
            if (!row.Schema.TryColumn(columnName, out var column)) continue;
            var value = row[column];
            if (key is null ? value.Contains(clientId) : value.GetString(key) == clientId)
            {
                return true;
            }
        }

        return false;
    }

    private static bool Allows(Row permission, Operation operation) => operation switch
    {
        Operation.Insert or Operation.Delete => permission.GetBoolean("insert_delete"),
        Operation.Update update =>
            update.Row.All(value => permission["update"].Contains(value.Column)),
        Operation.Mutate mutate =>
            mutate.Mutations.All(mutation => permission["update"].Contains(mutation.Column)),
        _ => true,
    };

    private static (string Column, string? Key) Split(string entry)
    {
        var colon = entry.IndexOf(':');
        return colon < 0 ? (entry, null) : (entry[..colon], entry[(colon + 1)..]);
    }

    private static OvsdbError Prohibited(
        TransactionOrigin origin, Operation operation, Row row)
    {
        var what = operation switch
        {
            Operation.Insert => $"row insertion into table \"{row.Schema.Name}\"",
            Operation.Delete => $"row deletion from table \"{row.Schema.Name}\"",
            Operation.Mutate => $"mutate operation on table \"{row.Schema.Name}\"",
            _ => $"modification of table \"{row.Schema.Name}\"",
        };
        var client = origin.ClientId.Length > 0 ? origin.ClientId : "(null)";
        return new OvsdbError(
            "permission error",
            $"RBAC rules for client \"{client}\" role \"{origin.Role}\" prohibit {what}.");
    }
}
