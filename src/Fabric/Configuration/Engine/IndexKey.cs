using Fabric.Wire.Ovsdb;

namespace Fabric.Configuration;

/// <summary>What a row holds in the columns of one unique index.</summary>
internal readonly struct IndexKey(Datum[] values) : IEquatable<IndexKey>
{
    private readonly Datum[] _values = values;

    public static IndexKey Of(Row row, ReadOnlySpan<ColumnSchema> columns)
    {
        var values = new Datum[columns.Length];
        for (var i = 0; i < values.Length; i++) values[i] = row[columns[i]];
        return new IndexKey(values);
    }

    public bool Equals(IndexKey other) => _values.AsSpan().SequenceEqual(other._values);

    public override bool Equals(object? obj) => obj is IndexKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in _values) hash.Add(value);
        return hash.ToHashCode();
    }

    /// <summary>In English: "a", "a and b", "a, b, and c".</summary>
    public string ToString(ReadOnlySpan<ColumnSchema> columns)
    {
        var texts = new string[_values.Length];
        for (var i = 0; i < texts.Length; i++) texts[i] = _values[i].ToString(columns[i].Type);
        return IndexTexts.Join(texts);
    }
}
