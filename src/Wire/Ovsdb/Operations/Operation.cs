using System.Collections.Immutable;

namespace Fabric.Wire.Ovsdb;

/// <summary>Comparisons of RFC 7047 section 5.1, "condition".</summary>
public enum ConditionFunction : byte
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Includes,
    Excludes,

    /// <summary>The literals true and false that monitors may use.</summary>
    Always,
    Never,
}

/// <summary>Changes of RFC 7047 section 5.1, "mutation".</summary>
public enum Mutator : byte
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Insert,
    Delete,
}

/// <summary>One comparison of a column; all of a "where" must hold.</summary>
public readonly record struct Condition(string Column, ConditionFunction Function, Datum Argument)
{
    public static Condition RowIs(Guid uuid) => new("_uuid", ConditionFunction.Equal, uuid);
    public static Condition Equal(string column, Datum value) =>
        new(column, ConditionFunction.Equal, value);
}

/// <summary>One change of a column that depends on what it holds.</summary>
public readonly record struct Mutation(string Column, Mutator Mutator, Datum Argument);

/// <summary>A column and what it shall hold.</summary>
public readonly record struct ColumnValue(string Column, Datum Value);

/// <summary>One operation of a transaction (RFC 7047 section 5.2).</summary>
/// <remarks>
/// Named UUIDs are gone: whoever reads or builds operations gives inserted rows their UUIDs and
/// refers to them by these.
/// </remarks>
public abstract record Operation
{
    private Operation()
    {
    }

    /// <param name="Uuid">Null lets the executor choose one.</param>
    public sealed record Insert(
        string Table, ImmutableArray<ColumnValue> Row, Guid? Uuid = null) : Operation
    {
        /// <summary>Why the row could not be read; then it fails unless its UUID does.</summary>
        public OvsdbError? Malformation { get; init; }
    }

    /// <param name="Columns">Empty means all, _uuid and _version included.</param>
    public sealed record Select(
        string Table, ImmutableArray<Condition> Where,
        ImmutableArray<string> Columns = default) : Operation;

    public sealed record Update(
        string Table, ImmutableArray<Condition> Where,
        ImmutableArray<ColumnValue> Row) : Operation;

    public sealed record Mutate(
        string Table, ImmutableArray<Condition> Where,
        ImmutableArray<Mutation> Mutations) : Operation;

    public sealed record Delete(string Table, ImmutableArray<Condition> Where) : Operation;

    /// <param name="TimeoutMilliseconds">Null waits for ever.</param>
    /// <param name="Columns">Empty means the columns of each row in 'Rows'.</param>
    /// <param name="IsEqual">True for "==": exactly these rows; false for "!=".</param>
    public sealed record Wait(
        string Table, ImmutableArray<Condition> Where, ImmutableArray<string> Columns,
        bool IsEqual, ImmutableArray<ImmutableArray<ColumnValue>> Rows,
        long? TimeoutMilliseconds = 0) : Operation;

    public sealed record Commit(bool IsDurable) : Operation;

    public sealed record Abort : Operation
    {
        public static Abort Instance { get; } = new();
    }

    public sealed record Comment(string Text) : Operation;

    /// <summary>Fails unless the client holds the lock.</summary>
    public sealed record Assert(string Lock) : Operation;

    /// <summary>
    /// An operation that could not be read: fails with its error when it is reached.
    /// </summary>
    public sealed record Malformed(OvsdbError Error) : Operation;

    public static Update UpdateRow(
        string table, Guid row, params ReadOnlySpan<ColumnValue> values) =>
        new(table, [Condition.RowIs(row)], [.. values]);

    public static Mutate MutateRow(
        string table, Guid row, params ReadOnlySpan<Mutation> mutations) =>
        new(table, [Condition.RowIs(row)], [.. mutations]);

    public static Delete DeleteRow(string table, Guid row) =>
        new(table, [Condition.RowIs(row)]);
}
