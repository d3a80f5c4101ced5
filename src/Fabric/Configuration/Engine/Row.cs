using System.Collections.Immutable;
using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>One row as of one transaction; immutable.</summary>
/// <remarks>
/// The getters trust the schema: asking for a column that the table lacks, or for a type that
/// the column has not, is a bug of the caller and throws <see cref="KeyNotFoundException"/> or
/// trips an assertion.
/// </remarks>
public sealed class Row
{
    private readonly Datum[] _values;

    /// <param name="values">By <see cref="ColumnSchema.Index"/>; owned by the row.</param>
    internal Row(TableSchema schema, Guid uuid, Guid version, Datum[] values)
    {
        Schema = schema;
        Uuid = uuid;
        Version = version;
        _values = values;
    }

    public TableSchema Schema { get; }
    public Guid Uuid { get; }

    /// <summary>Changes with every modification: the id of the last transaction.</summary>
    public Guid Version { get; }

    public Datum this[string column] => this[Schema.Column(column)];

    public Datum this[ColumnSchema column] => column.Index switch
    {
        ColumnSchema.UuidIndex => Uuid,
        ColumnSchema.VersionIndex => Version,
        _ => _values[column.Index],
    };

    internal Datum[] CopyValues() => (Datum[])_values.Clone();

    internal static Datum[] DefaultsOf(TableSchema schema)
    {
        var values = new Datum[schema.Columns.Length];
        for (var i = 0; i < values.Length; i++) values[i] = schema.Columns[i].Type.Default;
        return values;
    }

    /// <summary>The text, or "" of an empty optional column.</summary>
    public string GetString(string column) => GetStringOrNull(column) ?? "";

    public string? GetStringOrNull(string column) =>
        this[column] is { IsEmpty: false } datum ? datum.Keys[0].String : null;

    /// <summary>The number, or 0 of an empty optional column.</summary>
    public long GetInteger(string column) => GetIntegerOrNull(column) ?? 0;

    public long? GetIntegerOrNull(string column) =>
        this[column] is { IsEmpty: false } datum ? datum.Keys[0].Integer : null;

    /// <summary>The truth, or false of an empty optional column.</summary>
    public bool GetBoolean(string column) => GetBooleanOrNull(column) ?? false;

    public bool? GetBooleanOrNull(string column) =>
        this[column] is { IsEmpty: false } datum ? datum.Keys[0].Boolean : null;

    public ImmutableSortedSet<string> GetStringSet(string column) => this[column].ToStringSet();

    public ImmutableSortedSet<long> GetIntegerSet(string column)
    {
        var builder = ImmutableSortedSet.CreateBuilder<long>();
        foreach (var key in this[column].Keys) builder.Add(key.Integer);
        return builder.ToImmutable();
    }

    /// <summary>A map of texts.</summary>
    public ImmutableSortedDictionary<string, string> GetMap(string column) =>
        this[column].ToStringMap();

    /// <summary>One value of a map of texts, or null.</summary>
    public string? GetMapValue(string column, string key) => this[column].GetString(key);

    /// <summary>Rows that a set refers to, sorted by UUID.</summary>
    public ImmutableArray<Guid> GetReferences(string column)
    {
        var keys = this[column].Keys;
        var builder = ImmutableArray.CreateBuilder<Guid>(keys.Length);
        foreach (var key in keys) builder.Add(key.Uuid);
        return builder.MoveToImmutable();
    }

    public Guid? GetReferenceOrNull(string column) =>
        this[column] is { IsEmpty: false } datum ? datum.Keys[0].Uuid : null;

    public override string ToString() => $"{Schema.Name} {Uuid}";
}

/// <summary>
/// What a transaction did to one row: no 'Before' is an insert, no 'After' a delete.
/// </summary>
public sealed record RowChange(string Table, Guid Uuid, Row? Before, Row? After)
{
    public bool IsInsert => Before is null;
    public bool IsDelete => After is null;

    /// <summary>True if the column differs, or the row came or went.</summary>
    public bool Touches(string column) =>
        Before is null || After is null || !Before[column].Equals(After[column]);
}
