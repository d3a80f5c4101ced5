namespace Fabric.Wire.Ovsdb;

/// <summary>Which condition functions fit which columns, and what they say.</summary>
public static class ConditionRules
{
    private static readonly string[] Words =
        ["==", "!=", "<", "<=", ">", ">=", "includes", "excludes", "true", "false"];

    public static string WordOf(ConditionFunction function) => Words[(int)function];

    public static bool TryFunction(string word, out ConditionFunction function)
    {
        var index = Array.IndexOf(Words, word);
        function = (ConditionFunction)Math.Max(index, 0);
        return index is >= 0 and < (int)ConditionFunction.Always;
    }

    /// <summary>Order comparisons are for one number, or none.</summary>
    public static bool Fits(ConditionFunction function, ColumnType type) =>
        function is not (ConditionFunction.Less or ConditionFunction.LessOrEqual
            or ConditionFunction.Greater or ConditionFunction.GreaterOrEqual)
        || (!type.IsMap && type.CountMax == 1
            && type.Key.Type is (AtomType.Integer or AtomType.Real));

    /// <summary>The type of the function's argument.</summary>
    /// <remarks>includes and excludes compare sets of any size with any column.</remarks>
    public static ColumnType ArgumentType(ConditionFunction function, ColumnType type) =>
        function switch
        {
            ConditionFunction.Includes => type.IsScalar ? type : type with { CountMin = 0 },
            ConditionFunction.Excludes => type.IsScalar
                ? type
                : type with { CountMin = 0, CountMax = ColumnType.Unlimited },
            ConditionFunction.Equal or ConditionFunction.NotEqual => type,
            _ => ColumnType.Scalar(type.Key),
        };

    public static bool Holds(ConditionFunction function, Datum value, Datum argument) =>
        function switch
        {
            ConditionFunction.Equal => value.Equals(argument),
            ConditionFunction.NotEqual => !value.Equals(argument),
            ConditionFunction.Includes => value.Includes(argument),
            ConditionFunction.Excludes => value.Excludes(argument),
            ConditionFunction.Always => true,
            ConditionFunction.Never => false,
            _ => HoldsInOrder(function, value, argument),
        };

    private static bool HoldsInOrder(ConditionFunction function, Datum value, Datum argument)
    {
        if (value.IsEmpty || argument.IsEmpty) return false;
        var order = value.Keys[0].CompareTo(argument.Keys[0]);
        return function switch
        {
            ConditionFunction.Less => order < 0,
            ConditionFunction.LessOrEqual => order <= 0,
            ConditionFunction.Greater => order > 0,
            _ => order >= 0,
        };
    }
}
