namespace Fabric.Logical;

/// <summary>
/// Limits of the logical network compiler; each says what happens when it is reached.
/// </summary>
public static class LogicalLimits
{
    /// <summary>
    /// Characters of one expression. Longer: the row is refused with a condition.
    /// </summary>
    public const int ExpressionLengthMax = 262_144;

    /// <summary>
    /// Nested parentheses of one expression. Deeper: the expression does not parse.
    /// </summary>
    public const int ExpressionDepthMax = 100;

    /// <summary>Constants written in one expression. More: the expression does not parse.</summary>
    public const int ExpressionConstantsMax = 65_536;

    /// <summary>
    /// Products (conjunctions) of a normalised expression. More: the row is refused.
    /// </summary>
    public const int ProductsMax = 4_096;

    /// <summary>Values of one field in one product. More: the row is refused.</summary>
    public const int FieldValuesMax = 131_072;

    /// <summary>
    /// Flows that a product of several sets may be multiplied out to. More: a conjunctive match.
    /// </summary>
    public const int CrossProductMax = 16;

    /// <summary>
    /// Dimensions of one conjunctive match (OpenFlow's conjunction action has 64).
    /// </summary>
    public const int ConjunctionDimensionsMax = 64;

    /// <summary>Characters of a YAML network document. Longer: refused.</summary>
    public const int NetworkDocumentLengthMax = 16 * 1024 * 1024;

    /// <summary>Conditions kept for display; further ones are only counted.</summary>
    public const int ConditionsMax = 1_000;

    /// <summary>
    /// Addresses remembered by one host in its MAC binding table; oldest goes first.
    /// </summary>
    public const int MacBindingsMax = 65_536;

    /// <summary>Packets held while a next hop is being resolved; the oldest is dropped.</summary>
    public const int BufferedPacketsMax = 1_024;

    /// <summary>Packets held for one unresolved next hop; the oldest is dropped.</summary>
    public const int BufferedPacketsPerNextHopMax = 4;
}
