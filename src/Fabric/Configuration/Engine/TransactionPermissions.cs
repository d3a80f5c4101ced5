using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>Role-based access control of one transaction.</summary>
internal sealed partial class Transaction
{
    /// <returns>Null if the client's role allows 'operation' on 'row'.</returns>
    private OvsdbError? Prohibits(Operation operation, Row row) =>
        context.Origin.Role.Length == 0
            ? null
            : AccessRules.Check(snapshot, context.Origin, operation, row);
}
