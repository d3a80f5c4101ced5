using System.Globalization;

namespace Fabric.Wire.Ovsdb;

/// <summary>Holds values against their types; the sentences are OVS's.</summary>
public static class ValueCheck
{
    /// <returns>Null if 'atom' satisfies 'type'.</returns>
    public static OvsdbError? Check(Atom atom, BaseType type)
    {
        if (atom.Type != type.Type)
        {
            return OvsdbError.SyntaxError($"expected {ColumnType.TypeWord(type.Type)}");
        }

        if (type.Enumeration is not null && !type.Enumeration.Contains(atom))
        {
            return OvsdbError.ConstraintViolation(
                $"{atom} is not one of the allowed values ({type.Enumeration})");
        }

        return type.Type switch
        {
            AtomType.Integer => CheckInteger(atom.Integer, type),
            AtomType.Real => CheckReal(atom.Real, type),
            AtomType.String => CheckString(atom.String, type),
            _ => null,
        };
    }

    /// <returns>Null if every element of 'datum' and their count satisfy 'type'.</returns>
    public static OvsdbError? Check(Datum datum, ColumnType type)
    {
        if (CheckCount(datum, type) is { } wrongCount) return wrongCount;
        if (datum.IsMap != type.IsMap && !datum.IsEmpty)
        {
            return OvsdbError.SyntaxError($"expected {type}");
        }

        return CheckAtoms(datum, type);
    }

    /// <summary>The elements only, not how many they are.</summary>
    public static OvsdbError? CheckAtoms(Datum datum, ColumnType type)
    {
        foreach (var key in datum.Keys)
        {
            if (Check(key, type.Key) is { } error) return error;
        }

        if (type.Value is null) return null;
        foreach (var value in datum.Values)
        {
            if (Check(value, type.Value) is { } error) return error;
        }

        return null;
    }

    public static OvsdbError? CheckCount(Datum datum, ColumnType type) =>
        datum.Count >= type.CountMin && datum.Count <= type.CountMax
            ? null
            : OvsdbError.ConstraintViolation(
                $"Attempted to store {datum.Count} elements in {type}.");

    private static OvsdbError? CheckInteger(long value, BaseType type)
    {
        if (value >= type.IntegerMin && value <= type.IntegerMax) return null;
        return OutOfRange(
            value, type.IntegerMin, type.IntegerMax,
            type.IntegerMin != long.MinValue, type.IntegerMax != long.MaxValue);
    }

    private static OvsdbError? CheckReal(double value, BaseType type)
    {
        if (value >= type.RealMin && value <= type.RealMax) return null;
        return OutOfRange(
            value, type.RealMin, type.RealMax,
            type.RealMin != double.MinValue, type.RealMax != double.MaxValue);
    }

    private static OvsdbError OutOfRange<T>(T value, T min, T max, bool hasMin, bool hasMax)
        where T : IFormattable
    {
        var number = Text(value);
        return OvsdbError.ConstraintViolation((hasMin, hasMax) switch
        {
            (true, true) => $"{number} is not in the valid range {Text(min)} to {Text(max)} "
                + "(inclusive)",
            (true, false) => $"{number} is less than minimum allowed value {Text(min)}",
            _ => $"{number} is greater than maximum allowed value {Text(max)}",
        });

        static string Text(T number) => number is double real
            ? OvsdbText.TextOf(real)
            : number.ToString(null, CultureInfo.InvariantCulture);
    }

    private static OvsdbError? CheckString(string value, BaseType type)
    {
        if (type.LengthMin == 0 && type.LengthMax == uint.MaxValue) return null;
        var length = 0u;
        foreach (var _ in value.EnumerateRunes()) length++;
        if (length < type.LengthMin)
        {
            return OvsdbError.ConstraintViolation(
                $"\"{value}\" length {length} is less than minimum allowed length "
                + $"{type.LengthMin}");
        }

        return length > type.LengthMax
            ? OvsdbError.ConstraintViolation(
                $"\"{value}\" length {length} is greater than maximum allowed length "
                + $"{type.LengthMax}")
            : null;
    }
}
