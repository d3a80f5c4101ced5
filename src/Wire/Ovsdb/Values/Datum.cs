using System.Collections.Immutable;
using System.Text;

namespace Fabric.Wire.Ovsdb;

/// <summary>The value of one column: a set of atoms, or a map from atoms to atoms.</summary>
/// <remarks>
/// Immutable and canonical: elements are sorted by key and no key occurs twice, so that equal
/// values are equal element by element. An empty set and an empty map are equal.
/// </remarks>
public sealed partial class Datum : IEquatable<Datum>, IComparable<Datum>
{
    private static readonly Datum[] SmallIntegers =
        [.. Enumerable.Range(0, 256).Select(value => new Datum([Atom.Of((long)value)], null))];

    private readonly Atom[] _keys;
    private readonly Atom[]? _values;

    /// <remarks>The arrays are owned from here on, sorted and free of duplicates.</remarks>
    private Datum(Atom[] keys, Atom[]? values)
    {
        _keys = keys;
        _values = values;
    }

    public static Datum EmptySet { get; } = new([], null);
    public static Datum EmptyMap { get; } = new([], []);
    public static Datum True { get; } = new([Atom.Of(true)], null);
    public static Datum False { get; } = new([Atom.Of(false)], null);
    public static Datum EmptyString { get; } = new([Atom.Of("")], null);

    public int Count => _keys.Length;
    public bool IsEmpty => _keys.Length == 0;
    public bool IsMap => _values is not null;

    /// <summary>The elements of a set, or the keys of a map, in order.</summary>
    public ReadOnlySpan<Atom> Keys => _keys;

    /// <summary>The values of a map, in the order of its keys; empty for a set.</summary>
    public ReadOnlySpan<Atom> Values => _values;

    public static Datum Of(Atom atom) => atom.Type switch
    {
        AtomType.Boolean => atom.Boolean ? True : False,
        AtomType.Integer when (ulong)atom.Integer < (ulong)SmallIntegers.Length =>
            SmallIntegers[atom.Integer],
        AtomType.String when atom.String.Length == 0 => EmptyString,
        _ => new Datum([atom], null),
    };

    /// <summary>A set; elements given twice count once.</summary>
    public static Datum Set(IEnumerable<Atom> atoms)
    {
        var keys = atoms.ToArray();
        TrySort(keys, null, out var count);
        if (count != keys.Length) Array.Resize(ref keys, count);
        return keys.Length == 0 ? EmptySet : new Datum(keys, null);
    }

    public static Datum Strings(IEnumerable<string> texts) => Set(texts.Select(Atom.Of));
    public static Datum Integers(IEnumerable<long> numbers) => Set(numbers.Select(Atom.Of));
    public static Datum References(IEnumerable<Guid> rows) => Set(rows.Select(Atom.Of));

    /// <summary>A map; of pairs with the same key the first one counts.</summary>
    public static Datum Map(IEnumerable<KeyValuePair<Atom, Atom>> pairs)
    {
        var all = pairs.ToArray();
        var keys = Array.ConvertAll(all, pair => pair.Key);
        var values = Array.ConvertAll(all, pair => pair.Value);
        TrySort(keys, values, out var count);
        if (count != keys.Length)
        {
            Array.Resize(ref keys, count);
            Array.Resize(ref values, count);
        }

        return keys.Length == 0 ? EmptyMap : new Datum(keys, values);
    }

    public static Datum Map(IEnumerable<KeyValuePair<string, string>> pairs) => Map(
        pairs.Select(pair => KeyValuePair.Create(Atom.Of(pair.Key), Atom.Of(pair.Value))));

    public static Datum Map(IEnumerable<KeyValuePair<string, long>> pairs) => Map(
        pairs.Select(pair => KeyValuePair.Create(Atom.Of(pair.Key), Atom.Of(pair.Value))));

    /// <summary>A set, or with values a map, from arrays that the datum takes over.</summary>
    /// <returns>False if a key occurs twice.</returns>
    internal static bool TryCreate(Atom[] keys, Atom[]? values, out Datum datum)
    {
        datum = EmptySet;
        if (!TrySort(keys, values, out _)) return false;
        datum = keys.Length == 0
            ? (values is null ? EmptySet : EmptyMap)
            : new Datum(keys, values);
        return true;
    }

    public static implicit operator Datum(string value) => Of(Atom.Of(value));
    public static implicit operator Datum(long value) => Of(Atom.Of(value));
    public static implicit operator Datum(bool value) => Of(Atom.Of(value));
    public static implicit operator Datum(Guid value) => Of(Atom.Of(value));
    public static implicit operator Datum(Atom value) => Of(value);

    public bool Contains(Atom key) => IndexOf(key) >= 0;

    /// <summary>The place of 'key' in <see cref="Keys"/>, or a negative number.</summary>
    public int IndexOf(Atom key) => Array.BinarySearch(_keys, key);

    public bool TryGetValue(Atom key, out Atom value)
    {
        var index = IndexOf(key);
        value = index >= 0 && _values is not null ? _values[index] : default;
        return index >= 0 && _values is not null;
    }

    /// <summary>The value of the text key 'key' in a map of texts, or null.</summary>
    public string? GetString(string key) =>
        TryGetValue(Atom.Of(key), out var value) && value.Type == AtomType.String
            ? value.String
            : null;

    public ImmutableSortedSet<string> ToStringSet()
    {
        var builder = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var key in _keys) builder.Add(key.String);
        return builder.ToImmutable();
    }

    public ImmutableSortedDictionary<string, string> ToStringMap()
    {
        var builder = ImmutableSortedDictionary.CreateBuilder<string, string>(
            StringComparer.Ordinal);
        for (var i = 0; i < _keys.Length; i++) builder.Add(_keys[i].String, _values![i].String);
        return builder.ToImmutable();
    }

    public bool Equals(Datum? other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (other is null || _keys.Length != other._keys.Length) return false;
        if (_keys.Length == 0) return true;
        return IsMap == other.IsMap
            && _keys.AsSpan().SequenceEqual(other._keys)
            && Values.SequenceEqual(other.Values);
    }

    public override bool Equals(object? obj) => Equals(obj as Datum);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var key in _keys) hash.Add(key);
        foreach (var value in Values) hash.Add(value);
        return hash.ToHashCode();
    }

    /// <summary>Order of OVS: by count, then by keys, then by values.</summary>
    public int CompareTo(Datum? other)
    {
        if (other is null) return 1;
        if (Count != other.Count) return Count.CompareTo(other.Count);
        var order = Keys.SequenceCompareTo(other.Keys);
        return order != 0 ? order : Values.SequenceCompareTo(other.Values);
    }

    /// <summary>As ovs-vsctl prints it: br0, [1, 2], {a=b, c=d}.</summary>
    public override string ToString()
    {
        if (!IsMap && Count == 1) return _keys[0].ToString();
        var text = new StringBuilder();
        text.Append(IsMap ? '{' : '[');
        for (var i = 0; i < _keys.Length; i++)
        {
            if (i > 0) text.Append(", ");
            text.Append(_keys[i]);
            if (_values is not null) text.Append('=').Append(_values[i]);
        }

        return text.Append(IsMap ? '}' : ']').ToString();
    }

    /// <summary>As <see cref="ToString()"/>, with brackets if there may be more than one element,
    /// or is none.</summary>
    public string ToString(ColumnType type)
    {
        if (IsEmpty) return type.IsMap ? "{}" : "[]";
        if (!IsMap && Count == 1) return type.CountMax > 1 ? $"[{_keys[0]}]" : ToString();
        return IsMap && type.CountMax == 1 ? ToString()[1..^1] : ToString();
    }

    /// <summary>Sorts and moves one of each key to the front.</summary>
    /// <returns>True if no key occurred twice.</returns>
    private static bool TrySort(Atom[] keys, Atom[]? values, out int count)
    {
        count = keys.Length;
        if (count < 2) return true;
        if (!IsAscending(keys))
        {
            if (values is null) Array.Sort(keys);
            else Array.Sort(keys, values);
        }

        var kept = 1;
        for (var i = 1; i < keys.Length; i++)
        {
            if (keys[i] == keys[kept - 1]) continue;
            keys[kept] = keys[i];
            if (values is not null) values[kept] = values[i];
            kept++;
        }

        var isUnique = kept == count;
        count = kept;
        return isUnique;
    }

    private static bool IsAscending(Atom[] keys)
    {
        for (var i = 1; i < keys.Length; i++)
        {
            if (keys[i - 1] >= keys[i]) return false;
        }

        return true;
    }
}
