using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>The words that the schema tables are written in.</summary>
internal static class SchemaWords
{
    public static BaseType Text => BaseType.String;
    public static BaseType Number => BaseType.Integer;
    public static BaseType Truth => BaseType.Boolean;
    public static BaseType Uuid => BaseType.Uuid;

    /// <summary>A map of texts: options, external_ids, other_config.</summary>
    public static ColumnType Texts { get; } = ColumnType.Map(BaseType.String, BaseType.String);

    public static BaseType Between(long min, long max) => BaseType.IntegerIn(min, max);
    public static BaseType AtLeast(long min) => BaseType.IntegerIn(min, long.MaxValue);

    public static BaseType TextOf(uint min, uint max) =>
        new(AtomType.String) { LengthMin = min, LengthMax = max };

    public static BaseType OneOf(params string[] texts) => BaseType.OneOf(texts);
    public static BaseType Strong(string table) => BaseType.StrongReferenceTo(table);
    public static BaseType Weak(string table) => BaseType.WeakReferenceTo(table);
    public static ColumnType Optional(BaseType type) => ColumnType.Optional(type);
    public static ColumnType Map(BaseType key, BaseType value) => ColumnType.Map(key, value);

    public static ColumnType Set(
        BaseType type, uint min = 0, uint max = ColumnType.Unlimited) =>
        ColumnType.Set(type, min, max);

    public static TablePart Column(string name, BaseType type) =>
        new(new ColumnSchema(name, ColumnType.Scalar(type)));

    public static TablePart Column(string name, ColumnType type) =>
        new(new ColumnSchema(name, type));

    /// <summary>Only settable in insert.</summary>
    public static TablePart Fixed(string name, BaseType type) =>
        new(new ColumnSchema(name, ColumnType.Scalar(type), IsMutable: false));

    public static TablePart Fixed(string name, ColumnType type) =>
        new(new ColumnSchema(name, type, IsMutable: false));

    /// <summary>Not kept over a restart.</summary>
    public static TablePart Ephemeral(string name, BaseType type) =>
        new(new ColumnSchema(name, ColumnType.Scalar(type), IsEphemeral: true));

    public static TablePart Ephemeral(string name, ColumnType type) =>
        new(new ColumnSchema(name, type, IsEphemeral: true));

    public static TablePart Unique(params string[] columns) => new(Index: [.. columns]);
    public static TablePart RowsAtMost(uint count) => new(RowCountMax: count);

    public static TableSchema Table(string name, params TablePart[] parts) =>
        Build(name, isRoot: false, parts);

    /// <summary>A table whose rows stay by themselves.</summary>
    public static TableSchema Root(string name, params TablePart[] parts) =>
        Build(name, isRoot: true, parts);

    private static TableSchema Build(string name, bool isRoot, TablePart[] parts) => new(
        name,
        parts.Where(part => part.Schema is not null).Select(part => part.Schema!),
        isRoot,
        parts.Select(part => part.RowCountMax).Where(count => count is not null)
            .FirstOrDefault() ?? uint.MaxValue,
        parts.Where(part => !part.Index.IsDefault).Select(part => part.Index));

    /// <summary>A column, or a rule of the table.</summary>
    internal sealed record TablePart(
        ColumnSchema? Schema = null, ImmutableArray<string> Index = default,
        uint? RowCountMax = null);
}
