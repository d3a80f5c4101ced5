namespace Fabric.Wire.Ovsdb;

/// <summary>Set and map algebra: what mutations, conditions and differences are made of.</summary>
public sealed partial class Datum
{
    /// <summary>Everything in either; where both have a key, this datum's value stays.</summary>
    public Datum Union(Datum other)
    {
        if (other.IsEmpty) return this;
        if (IsEmpty) return other;
        return Merge(other, keepCommon: true, keepOther: true);
    }

    /// <summary>What is not in 'other'. A map loses a pair if 'other' is a set with its key,
    /// or a map with the same pair.</summary>
    public Datum Subtract(Datum other)
    {
        if (IsEmpty || other.IsEmpty) return this;
        var keys = new List<Atom>(_keys.Length);
        var values = IsMap ? new List<Atom>(_keys.Length) : null;
        for (var i = 0; i < _keys.Length; i++)
        {
            var index = other.IndexOf(_keys[i]);
            if (index >= 0 && (!IsMap || !other.IsMap || other._values![index] == _values![i]))
            {
                continue;
            }

            keys.Add(_keys[i]);
            values?.Add(_values![i]);
        }

        return keys.Count == _keys.Length ? this : FromLists(keys, values);
    }

    /// <summary>True if every element (or pair) of 'other' is here.</summary>
    public bool Includes(Datum other)
    {
        for (var i = 0; i < other._keys.Length; i++)
        {
            var index = IndexOf(other._keys[i]);
            if (index < 0) return false;
            if (other.IsMap && IsMap && _values![index] != other._values![i]) return false;
        }

        return true;
    }

    /// <summary>True if no element (or pair) of 'other' is here.</summary>
    public bool Excludes(Datum other)
    {
        for (var i = 0; i < other._keys.Length; i++)
        {
            var index = IndexOf(other._keys[i]);
            if (index < 0) continue;
            if (!other.IsMap || !IsMap || _values![index] == other._values![i]) return false;
        }

        return true;
    }

    /// <summary>
    /// What "modify" carries in an update2 notification: for a set what came or went; for a map
    /// the pairs that came, that went, and with their new value those that changed.
    /// </summary>
    /// <remarks>The inverse is <see cref="ApplyDifference"/>.</remarks>
    public Datum DifferenceTo(Datum after)
    {
        if (IsEmpty) return after;
        var keys = new List<Atom>();
        var values = IsMap ? new List<Atom>() : null;
        int i = 0, j = 0;
        while (i < _keys.Length || j < after._keys.Length)
        {
            var order = i == _keys.Length ? 1
                : j == after._keys.Length ? -1
                : _keys[i].CompareTo(after._keys[j]);
            if (order < 0) Take(this, i++);
            else if (order > 0) Take(after, j++);
            else
            {
                if (IsMap && _values![i] != after._values![j]) Take(after, j);
                i++;
                j++;
            }
        }

        return FromLists(keys, values);

        void Take(Datum from, int index)
        {
            keys.Add(from._keys[index]);
            values?.Add(from._values![index]);
        }
    }

    /// <summary>This datum after a difference made by <see cref="DifferenceTo"/>.</summary>
    public Datum ApplyDifference(Datum difference)
    {
        if (IsEmpty) return difference;
        if (difference.IsEmpty) return this;
        return IsMap
            ? Subtract(difference).Overwrite(difference, this)
            : Merge(difference, keepCommon: false, keepOther: true);
    }

    /// <summary>This datum with the pairs of 'difference' that were not in 'before'.</summary>
    private Datum Overwrite(Datum difference, Datum before)
    {
        var pairs = difference.Subtract(before);
        return pairs.IsEmpty ? this : pairs.Union(this);
    }

    private Datum Merge(Datum other, bool keepCommon, bool keepOther)
    {
        var keys = new List<Atom>(_keys.Length + other._keys.Length);
        var values = IsMap ? new List<Atom>(keys.Capacity) : null;
        int i = 0, j = 0;
        while (i < _keys.Length || j < other._keys.Length)
        {
            var order = i == _keys.Length ? 1
                : j == other._keys.Length ? -1
                : _keys[i].CompareTo(other._keys[j]);
            if (order < 0 || (order == 0 && keepCommon))
            {
                keys.Add(_keys[i]);
                values?.Add(_values![i]);
            }
            else if (order > 0 && keepOther)
            {
                keys.Add(other._keys[j]);
                values?.Add(other._values![j]);
            }

            if (order <= 0) i++;
            if (order >= 0) j++;
        }

        return FromLists(keys, values);
    }

    /// <summary>The same elements after 'change', which may make two of them equal.</summary>
    /// <returns>False if it did.</returns>
    internal bool TryConvertKeys(Converter<Atom, Atom> change, out Datum result) =>
        TryCreate(Array.ConvertAll(_keys, change), (Atom[]?)_values?.Clone(), out result);

    /// <summary>Only those elements whose key (and value, in a map) 'keep' accepts.</summary>
    public Datum Where(Func<Atom, Atom, bool> keep)
    {
        var keys = new List<Atom>(_keys.Length);
        var values = IsMap ? new List<Atom>(_keys.Length) : null;
        for (var i = 0; i < _keys.Length; i++)
        {
            if (!keep(_keys[i], _values is null ? default : _values[i])) continue;
            keys.Add(_keys[i]);
            values?.Add(_values![i]);
        }

        return keys.Count == _keys.Length ? this : FromLists(keys, values);
    }

    private static Datum FromLists(List<Atom> keys, List<Atom>? values)
    {
        if (keys.Count == 0) return values is null ? EmptySet : EmptyMap;
        return new Datum([.. keys], values is null ? null : [.. values]);
    }
}
