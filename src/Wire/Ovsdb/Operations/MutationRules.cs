using System.Diagnostics.CodeAnalysis;

namespace Fabric.Wire.Ovsdb;

/// <summary>Which mutators and condition functions fit which columns, and what they do.</summary>
public static class MutationRules
{
    private static readonly string[] Words = ["+=", "-=", "*=", "/=", "%=", "insert", "delete"];

    public static string WordOf(Mutator mutator) => Words[(int)mutator];

    public static bool TryMutator(string word, out Mutator mutator)
    {
        var index = Array.IndexOf(Words, word);
        mutator = (Mutator)Math.Max(index, 0);
        return index >= 0;
    }

    public static bool IsArithmetic(Mutator mutator) => mutator <= Mutator.Modulo;

    /// <summary>Arithmetic is for numbers, %= for integers, insert and delete for sets and maps
    /// of more or fewer than exactly one element.</summary>
    public static bool Fits(Mutator mutator, ColumnType type)
    {
        if (!IsArithmetic(mutator)) return type.IsMap || !type.IsScalar;
        if (type.IsMap) return false;
        return type.Key.Type == AtomType.Integer
            || (type.Key.Type == AtomType.Real && mutator != Mutator.Modulo);
    }

    /// <summary>The type of the mutator's argument.</summary>
    public static ColumnType ArgumentType(Mutator mutator, ColumnType type) => mutator switch
    {
        Mutator.Insert => type with { CountMin = 0 },
        Mutator.Delete => type with { CountMin = 0, CountMax = ColumnType.Unlimited },
        _ => ColumnType.Scalar(new BaseType(type.Key.Type)),
    };

    /// <summary>'datum' after the mutation.</summary>
    /// <returns>False, and why, if the result does not fit the column.</returns>
    public static bool TryApply(
        Datum datum, Mutator mutator, Datum argument, ColumnType type, out Datum result,
        [NotNullWhen(false)] out OvsdbError? error)
    {
        result = datum;
        error = null;
        switch (mutator)
        {
            case Mutator.Insert:
                result = datum.Union(argument);
                error = ValueCheck.CheckCount(result, type);
                return error is null;
            case Mutator.Delete:
                result = datum.Subtract(argument);
                error = ValueCheck.CheckCount(result, type);
                return error is null;
        }

        OvsdbError? first = null;
        var isUnique = datum.TryConvertKeys(
            key =>
            {
                if (TryCompute(key, mutator, argument.Keys[0], out var atom, out var wrong))
                {
                    wrong = ValueCheck.Check(atom, type.Key);
                }

                first ??= wrong;
                return atom;
            },
            out result);
        error = first;
        if (error is null && !isUnique)
        {
            error = OvsdbError.ConstraintViolation(
                $"Result of \"{WordOf(mutator)}\" operation contains duplicates.");
        }

        return error is null;
    }

    private static bool TryCompute(
        Atom left, Mutator mutator, Atom right, out Atom result, out OvsdbError? error)
    {
        error = null;
        result = left;
        if (left.Type == AtomType.Real)
        {
            return TryCompute(left.Real, mutator, right.Real, out result, out error);
        }

        var a = (Int128)left.Integer;
        var b = (Int128)right.Integer;
        if (b == 0 && mutator is (Mutator.Divide or Mutator.Modulo))
        {
            error = new OvsdbError("domain error", "Division by zero.");
            return false;
        }

        var value = mutator switch
        {
            Mutator.Add => a + b,
            Mutator.Subtract => a - b,
            Mutator.Multiply => a * b,
            Mutator.Divide => a / b,
            _ => a % b,
        };
        if (value < long.MinValue || value > long.MaxValue)
        {
            error = new OvsdbError(
                "range error",
                $"Result of \"{WordOf(mutator)}\" operation is out of range.");
            return false;
        }

        result = Atom.Of((long)value);
        return true;
    }

    private static bool TryCompute(
        double a, Mutator mutator, double b, out Atom result, out OvsdbError? error)
    {
        error = null;
        result = Atom.Of(a);
        if (b == 0 && mutator == Mutator.Divide)
        {
            error = new OvsdbError("domain error", "Division by zero.");
            return false;
        }

        var value = mutator switch
        {
            Mutator.Add => a + b,
            Mutator.Subtract => a - b,
            Mutator.Multiply => a * b,
            _ => a / b,
        };
        if (!double.IsFinite(value))
        {
            error = new OvsdbError(
                "range error",
                $"Result of \"{WordOf(mutator)}\" operation is out of range.");
            return false;
        }

        result = Atom.Of(value);
        return true;
    }
}
